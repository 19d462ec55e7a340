"""The reasons for which seed rows are refused."""

from __future__ import annotations

from services.chassis.errors import ErrorKind, Reason, register_reasons

register_reasons(
    {
        "SEED_LIMITS_MISSING": Reason(
            ErrorKind.INPUT,
            "FAILED_PRECONDITION",
            "Run `sensorforge profile init FILE` on a data file of the machine: it drafts min, typical and max of "
            "every sensor. Or give them by hand, or go without a seed (`--base none`).",
        ),
        "SEED_ROWS_INVALID": Reason(ErrorKind.USAGE, "INVALID_ARGUMENT", "Ask for 1 to 10,000,000 seed rows."),
    }
)
