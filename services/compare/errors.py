"""Reasons for which a comparison cannot be made at all. One that proves little is made, and says so."""

from __future__ import annotations

from services.chassis.errors import ErrorKind, Reason, register_reasons

register_reasons(
    {
        "HOLDOUT_MISSING": Reason(
            ErrorKind.INPUT,
            "FAILED_PRECONDITION",
            "Transform the cleaned table again so that it has training and test rows, or collect more rows.",
        ),
        "NOTHING_TO_COMPARE": Reason(
            ErrorKind.INPUT,
            "FAILED_PRECONDITION",
            "Map at least one sensor that both the real file and the model have, then compare again.",
        ),
        "COMPARISON_NOT_A_REPORT": Reason(
            ErrorKind.USAGE, "INVALID_ARGUMENT", "Name the report artifact of a finished comparison."
        ),
    }
)
