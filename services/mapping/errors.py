"""Reasons of stage 2: everything for which a mapping, a time axis, a split or a merge is refused."""

from __future__ import annotations

from services.chassis.errors import ErrorKind, Reason, register_reasons

_PRECONDITION = "FAILED_PRECONDITION"

register_reasons(
    {
        "MAPPING_EMPTY": Reason(
            ErrorKind.REVIEW, _PRECONDITION, "Map at least one column to a sensor; `sensorforge suggest` proposes some."
        ),
        "MAPPING_COLUMN_MISSING": Reason(
            ErrorKind.INPUT,
            _PRECONDITION,
            "Use the column names of the parsed table; `sensorforge columns` lists them.",
        ),
        "MAPPING_SENSOR_UNKNOWN": Reason(
            ErrorKind.INPUT, _PRECONDITION, "Map to a sensor of the profile, or add the sensor to the profile."
        ),
        "MAPPING_CONFLICT": Reason(
            ErrorKind.INPUT, _PRECONDITION, "Give each sensor and each role to one column; ignore the others."
        ),
        "MAPPING_ROLE_UNKNOWN": Reason(
            ErrorKind.USAGE,
            "INVALID_ARGUMENT",
            "Use timestamp, run, rul, label, state, setpoint, sensor, auxiliary or ignore.",
        ),
        "MAPPING_REQUIRED_MISSING": Reason(
            ErrorKind.REVIEW, _PRECONDITION, "Map a column to the required sensor, or make it optional in the profile."
        ),
        "PROFILE_HAS_NO_COLUMNS": Reason(
            ErrorKind.INPUT, _PRECONDITION, "Add the sensors that the file measures to the profile."
        ),
        "TIME_AMBIGUOUS": Reason(
            ErrorKind.INPUT, _PRECONDITION, "Say which it is with the time option day_first, or give the format."
        ),
        "TIME_UNREADABLE": Reason(
            ErrorKind.INPUT, _PRECONDITION, "Give the time format (strptime letters), or choose another time column."
        ),
        "TIME_ZONE_UNKNOWN": Reason(ErrorKind.USAGE, "INVALID_ARGUMENT", "Use an IANA zone such as Europe/Berlin."),
        "SPLIT_TOO_FEW_ROWS": Reason(ErrorKind.INPUT, _PRECONDITION, "Collect at least 100 rows."),
        "SPLIT_INVALID": Reason(
            ErrorKind.USAGE, "INVALID_ARGUMENT", "Give shares between 0 and 1 that leave room for test rows."
        ),
        "RUL_UNKNOWABLE": Reason(
            ErrorKind.INPUT, _PRECONDITION, "Map an RUL column, say that runs end in failure, or use RUL mode none."
        ),
        "FAILURE_LOG_UNREADABLE": Reason(
            ErrorKind.INPUT, _PRECONDITION, "Name the log's unit, time and kind columns, or correct the file."
        ),
        "FAILURE_LOG_NO_MATCH": Reason(
            ErrorKind.INPUT, _PRECONDITION, "Map the column with the unit's id as run, written as in the failure log."
        ),
        "ALIGNMENT_IMPOSSIBLE": Reason(
            ErrorKind.INPUT, _PRECONDITION, "Map a time column, and name a mapped sensor, `slowest`, or nothing."
        ),
        "MERGE_TOO_FEW_ROWS": Reason(
            ErrorKind.INPUT, _PRECONDITION, "Use the strategy real-only or merge, or collect more rows."
        ),
        "MERGE_NEEDS_SPLIT": Reason(ErrorKind.INPUT, _PRECONDITION, "Transform the cleaned table first."),
        "MERGE_NEEDS_SEED": Reason(
            ErrorKind.INPUT, _PRECONDITION, "Make seed rows first, or use the strategy real-only."
        ),
        "MERGE_STRATEGY_UNKNOWN": Reason(ErrorKind.USAGE, "INVALID_ARGUMENT", "Use replace, merge or real-only."),
        "LEXICON_INVALID": Reason(ErrorKind.INPUT, _PRECONDITION, "Correct the named entry of the lexicon file."),
        "TEMPLATE_NOT_FOUND": Reason(ErrorKind.NOT_FOUND, "NOT_FOUND", "List the machine's templates for their names."),
    }
)
