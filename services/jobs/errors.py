"""The ways a job can fail that are nobody's domain: lost workers, memory, requests that contradict each other."""

from __future__ import annotations

from services.chassis.errors import ErrorKind, Reason, register_reasons

register_reasons(
    {
        "JOB_NOT_FOUND": Reason(
            ErrorKind.NOT_FOUND, "NOT_FOUND", "Check the name; ListJobs shows the jobs of a machine."
        ),
        "WORKER_LOST": Reason(
            ErrorKind.INTERNAL,
            "ABORTED",
            "Look into the service's log for why workers died (often memory), then start the step again.",
        ),
        "JOB_MEMORY_EXCEEDED": Reason(
            ErrorKind.INTERNAL,
            "RESOURCE_EXHAUSTED",
            "Use fewer rows or columns, or run the service on a machine with more memory.",
        ),
        "JOB_TIME_EXCEEDED": Reason(
            ErrorKind.INTERNAL,
            "DEADLINE_EXCEEDED",
            "Use fewer rows or epochs, or give jobs more time: SENSORFORGE_JOB_SECONDS of the service.",
        ),
        "REVISION_UNSUPPORTED": Reason(
            ErrorKind.UNAVAILABLE,
            "FAILED_PRECONDITION",
            "Run a release that still knows this revision, or start the step again with this one.",
        ),
        "JOB_LOG_UNREADABLE": Reason(
            ErrorKind.INTERNAL, "DATA_LOSS", "The job's log in the store was damaged or written by a newer release."
        ),
    }
)
