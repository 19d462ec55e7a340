"""What can go wrong in augmentation, and what to do about it."""

from __future__ import annotations

from services.chassis.errors import ErrorKind, Reason, register_reasons

register_reasons(
    {
        "AUGMENT_ROWS_INVALID": Reason(
            ErrorKind.USAGE, "INVALID_ARGUMENT", "Ask for 10 to 10,000,000 rows (50,000 by default)."
        ),
        "AUGMENT_OPTION_INVALID": Reason(ErrorKind.USAGE, "INVALID_ARGUMENT", "Correct the option or leave it out."),
        "AUGMENT_TABLE_MISSING": Reason(
            ErrorKind.INPUT,
            "FAILED_PRECONDITION",
            "Give the transformed table (`sensorforge transform`): its training rows say how the machine moves.",
        ),
        "AUGMENT_ROWS_TOO_FEW": Reason(
            ErrorKind.INPUT,
            "FAILED_PRECONDITION",
            "Collect a longer record without gaps. Rows without order in time can still be drawn from the model: "
            "StartSampling of the API.",
        ),
        "AUGMENT_NO_LIVES": Reason(
            ErrorKind.INPUT,
            "FAILED_PRECONDITION",
            "Map the RUL or the failures of the machine, or leave out lives to get continuous series.",
        ),
        "WHERE_INVALID": Reason(
            ErrorKind.USAGE,
            "INVALID_ARGUMENT",
            "Write a condition such as `rul < 50 and mode == 'running'`, with and, or, not and parentheses; "
            "a name that is no plain word stands in `backquotes`.",
        ),
        "WHERE_UNSATISFIED": Reason(
            ErrorKind.INPUT, "FAILED_PRECONDITION", "Widen the condition to what the machine can do."
        ),
    }
)
