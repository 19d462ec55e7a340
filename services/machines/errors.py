"""Reasons for which a machine profile or a request for a machine is refused."""

from __future__ import annotations

from services.chassis.errors import ErrorKind, Reason, register_reasons

register_reasons(
    {
        "PROFILE_INVALID": Reason(
            ErrorKind.INPUT,
            "INVALID_ARGUMENT",
            "Correct the named lines of the profile and register it again; `sensorforge profile init FILE` drafts one.",
        ),
        "MACHINE_NOT_FOUND": Reason(
            ErrorKind.NOT_FOUND, "NOT_FOUND", "Register the machine with `sensorforge machines add PROFILE`."
        ),
        "MACHINE_CHANGED": Reason(
            ErrorKind.CONFLICT, "ABORTED", "Somebody registered another profile at the same time; register it again."
        ),
    }
)
