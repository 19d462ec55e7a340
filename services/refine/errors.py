"""What can go wrong in refinement, and what to do about it."""

from __future__ import annotations

from services.chassis.errors import ErrorKind, Reason, register_reasons

register_reasons(
    {
        "TRAINING_ROWS_TOO_FEW": Reason(
            ErrorKind.INPUT, "FAILED_PRECONDITION", "Collect at least 100 rows, or train on seed rows."
        ),
        "NOTHING_TO_MODEL": Reason(
            ErrorKind.INPUT, "FAILED_PRECONDITION", "Map at least one column that varies onto a sensor."
        ),
        "TRAINING_OPTION_INVALID": Reason(
            ErrorKind.USAGE, "INVALID_ARGUMENT", "Correct the option, or leave it out to have it chosen."
        ),
        "BASE_OF_ANOTHER_MACHINE": Reason(
            ErrorKind.INPUT, "FAILED_PRECONDITION", "Name a model of this machine, or use base `none`."
        ),
        "BASE_SENSORS_DIFFER": Reason(
            ErrorKind.INPUT, "FAILED_PRECONDITION", "Use base `none`, or train a base model for the present profile."
        ),
        "MODEL_FILE_INVALID": Reason(
            ErrorKind.INPUT, "FAILED_PRECONDITION", "Train the model again; its files are damaged or not a model."
        ),
        "NO_DEFAULT_MODEL": Reason(
            ErrorKind.NOT_FOUND, "NOT_FOUND", "Train a seed model or activate a model first, or use base `none`."
        ),
    }
)
