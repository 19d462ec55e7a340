"""What went wrong, as a client sees it: one exception with status, reason, kind, message and remedy.

A failed call carries google.rpc.Status with ErrorInfo of the domain "sensorforge"; a failed job carries a Failure with
the same fields. Both become a SensorForgeClientError, and the kind alone decides the exit code of a command.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Literal, get_args

# What a failed call or job carries is imported where one has failed: who only reads settings does without gRPC.
if TYPE_CHECKING:
    import grpc
    from google.rpc import error_details_pb2, status_pb2

    from sensorforge.common.v1 import job_pb2

DOMAIN = "sensorforge"
_DETAILS_KEY = "grpc-status-details-bin"

Kind = Literal["INTERNAL", "USAGE", "INPUT", "REVIEW", "GATE", "CONFLICT", "UNAVAILABLE", "NOT_FOUND", "TIMEOUT"]


class ExitCode(IntEnum):
    """How a command ended. Scripts depend on these numbers."""

    DONE = 0
    """Everything that was asked for is there."""
    FAILED = 1
    """A service failed, or the named thing does not exist."""
    USAGE = 2
    """The command line or the plan is wrong."""
    UNREACHABLE = 3
    """No service answered."""
    TIMEOUT = 4
    """Time ran out; the job was left running."""
    INPUT_REJECTED = 5
    """A file, a profile or its rows were rejected."""
    NEEDS_REVIEW = 6
    """A person has to decide about the mapping first."""
    GATE_NOT_MET = 7
    """The refined model does not meet its quality gates."""
    CONFLICT = 8
    """Somebody else changed the same thing meanwhile."""
    INTERRUPTED = 130
    """Ctrl-C; the job was left running."""


_EXIT_CODES: Mapping[Kind, ExitCode] = {
    "INTERNAL": ExitCode.FAILED,
    "NOT_FOUND": ExitCode.FAILED,
    "USAGE": ExitCode.USAGE,
    "INPUT": ExitCode.INPUT_REJECTED,
    "REVIEW": ExitCode.NEEDS_REVIEW,
    "GATE": ExitCode.GATE_NOT_MET,
    "CONFLICT": ExitCode.CONFLICT,
    "UNAVAILABLE": ExitCode.UNREACHABLE,
    "TIMEOUT": ExitCode.TIMEOUT,
}

# Kinds of calls that failed without ErrorInfo: below the services (transport) or before them (proxies).
_KIND_OF_STATUS: Mapping[str, Kind] = {
    "UNAVAILABLE": "UNAVAILABLE",
    "RESOURCE_EXHAUSTED": "UNAVAILABLE",
    "DEADLINE_EXCEEDED": "UNAVAILABLE",
    "INVALID_ARGUMENT": "USAGE",
    "UNAUTHENTICATED": "USAGE",
    "PERMISSION_DENIED": "USAGE",
    "NOT_FOUND": "NOT_FOUND",
    "ABORTED": "CONFLICT",
}


class SensorForgeClientError(Exception):
    """A call or a job that failed.

    `status` is the gRPC status name (empty for failed jobs and for errors of the client itself), `reason` the stable
    word of the error catalogue, `message` a paragraph for people, `remedy` what to do, `metadata` values for programs.
    `retry_after_s` is set when the server said how long to wait.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        kind: Kind = "INTERNAL",
        remedy: str = "",
        status: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.kind: Kind = kind
        self.remedy = remedy
        self.status = status
        self.metadata: dict[str, str] = dict(metadata or {})
        self.retry_after_s = retry_after_s

    @property
    def exit_code(self) -> ExitCode:
        """Returns the exit code of a command that ends with this error."""
        return _EXIT_CODES[self.kind]

    @property
    def retryable(self) -> bool:
        """Returns whether the same call may succeed later: only an unreachable or busy service says so."""
        return self.kind == "UNAVAILABLE" and self.status in {"UNAVAILABLE", "RESOURCE_EXHAUSTED"}

    @property
    def link_broken(self) -> bool:
        """Returns whether a stream was cut rather than refused: the status says nothing of the services' own.

        A cut stream shows as CANCELLED (the server stops), UNKNOWN (a proxy resets it) or INTERNAL (gRPC writes into a
        stream that was closed meanwhile).
        """
        return self.status in {"CANCELLED", "UNKNOWN", "INTERNAL"} and self.reason == self.status

    def to_json(self) -> dict[str, object]:
        """Returns the error as a document for programs."""
        document: dict[str, object] = {
            "reason": self.reason,
            "kind": self.kind,
            "message": self.message,
            "remedy": self.remedy,
        }
        if self.metadata:
            document["metadata"] = dict(sorted(self.metadata.items()))
        return document


def from_call(error: grpc.aio.AioRpcError, endpoint: str = "") -> SensorForgeClientError:
    """Returns the error behind a failed call; `endpoint` is named when nothing answered there."""
    from google.rpc import error_details_pb2

    status = error.code().name
    details = _status_of(error)
    info: error_details_pb2.ErrorInfo | None = None
    retry_after: float | None = None
    if details is not None:
        for packed in details.details:
            candidate = error_details_pb2.ErrorInfo()
            delay = error_details_pb2.RetryInfo()
            if packed.Unpack(candidate) and candidate.domain == DOMAIN:
                info = candidate
            elif packed.Unpack(delay):
                retry_after = delay.retry_delay.ToTimedelta().total_seconds()
    if info is None or details is None:
        return _without_details(status, error.details() or "", endpoint, retry_after)
    metadata = dict(info.metadata)
    remedy = metadata.pop("remedy", "")
    return SensorForgeClientError(
        info.reason,
        details.message,
        kind=_kind(metadata.pop("kind", "")),
        remedy=remedy,
        status=status,
        metadata=metadata,
        retry_after_s=retry_after,
    )


def from_failure(failure: job_pb2.Failure, job: str = "") -> SensorForgeClientError:
    """Returns the error behind a failed job."""
    from sensorforge.common.v1 import job_pb2

    name = job_pb2.ErrorKind.Name(failure.kind).removeprefix("ERROR_KIND_")
    metadata = dict(failure.metadata)
    if job:
        metadata.setdefault("job", job)
    return SensorForgeClientError(
        failure.reason or "JOB_FAILED",
        failure.message or "the job failed without saying why",
        kind=_kind(name),
        remedy=failure.remedy,
        metadata=metadata,
    )


def _status_of(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    from google.rpc import status_pb2

    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            status: status_pb2.Status = status_pb2.Status.FromString(value)
            return status
    return None


def _kind(name: str) -> Kind:
    for kind in get_args(Kind):
        if kind == name:
            known: Kind = kind
            return known
    return "INTERNAL"


def _without_details(status: str, text: str, endpoint: str, retry_after: float | None) -> SensorForgeClientError:
    kind = _KIND_OF_STATUS.get(status, "INTERNAL")
    if status == "UNAVAILABLE":
        where = f" at {endpoint}" if endpoint else ""
        return SensorForgeClientError(
            "UNREACHABLE",
            f"No SensorForge service answers{where} ({text}).",
            kind=kind,
            status=status,
            remedy="Start one with `sensorforge up`, correct --endpoint or SENSORFORGE_ENDPOINT, "
            "or leave them out to work with an embedded service.",
            retry_after_s=retry_after,
        )
    if status == "DEADLINE_EXCEEDED":
        message = f"The service at {endpoint} did not answer in time ({text})."
        return SensorForgeClientError(
            "DEADLINE_EXCEEDED", message, kind=kind, status=status, remedy="Try again, or give it a longer deadline."
        )
    if status == "UNIMPLEMENTED":
        message = f"The service at {endpoint} does not know this operation ({text})."
        return SensorForgeClientError(
            status, message, kind=kind, status=status, remedy="Bring client and services to the same release."
        )
    message = f"The call failed with {status}: {text}"
    return SensorForgeClientError(status, message, kind=kind, status=status, retry_after_s=retry_after)
