"""The error catalogue: every way a request or a job can fail, in one frozen table per room.

A reason is a stable UPPER_SNAKE_CASE word. It fixes the class of the failure (from which clients derive exit codes),
the gRPC status and the remedy shown to people. The message, with the value that caused it, is written where the error
is understood. This module knows neither gRPC nor any domain; each room registers its own reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ErrorKind(StrEnum):
    """Class of a failure. The values are the names of sensorforge.common.v1.ErrorKind without their prefix."""

    INTERNAL = "INTERNAL"
    USAGE = "USAGE"
    INPUT = "INPUT"
    REVIEW = "REVIEW"
    GATE = "GATE"
    CONFLICT = "CONFLICT"
    UNAVAILABLE = "UNAVAILABLE"
    NOT_FOUND = "NOT_FOUND"


@dataclass(frozen=True)
class Reason:
    """What a reason means. `status` is the name of a grpc.StatusCode; `remedy` says what to do, in one sentence."""

    kind: ErrorKind
    status: str
    remedy: str


_catalogue: dict[str, Reason] = {}


def register_reasons(reasons: Mapping[str, Reason]) -> None:
    """Adds a room's reasons to the catalogue. Raises ValueError when a reason is already taken by another meaning."""
    for name, reason in reasons.items():
        if _catalogue.setdefault(name, reason) != reason:
            raise ValueError(f"error reason {name!r} is registered twice with different meanings")


def catalogue() -> Mapping[str, Reason]:
    """Returns all registered reasons by name."""
    return dict(sorted(_catalogue.items()))


class SensorForgeError(Exception):
    """A failure that is understood: a reason of the catalogue and a paragraph that names the offending value.

    `remedy` overrides the catalogue's where the place of the error knows better. `metadata` are values for programs.
    Raises KeyError when the reason is not registered, so that a typo is found by the first test that meets it.
    """

    def __init__(
        self, reason: str, message: str, *, remedy: str = "", metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        entry = _catalogue[reason]
        self.reason = reason
        self.message = message
        self.kind = entry.kind
        self.status = entry.status
        self.remedy = remedy or entry.remedy
        self.metadata: dict[str, str] = dict(metadata or {})

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.reason, self.message, self.remedy, self.metadata))


def _rebuild(reason: str, message: str, remedy: str, metadata: dict[str, str]) -> SensorForgeError:
    return SensorForgeError(reason, message, remedy=remedy, metadata=metadata)


register_reasons(
    {
        "INTERNAL": Reason(
            ErrorKind.INTERNAL, "INTERNAL", "Report it with the request id; the service's log has the details."
        ),
        "INVALID_REQUEST": Reason(ErrorKind.USAGE, "INVALID_ARGUMENT", "Correct the named field and send it again."),
        "REQUEST_ID_REUSED": Reason(
            ErrorKind.USAGE, "INVALID_ARGUMENT", "Use a new request_id for a request with other contents."
        ),
        "UNAUTHENTICATED": Reason(
            ErrorKind.USAGE, "UNAUTHENTICATED", "Give a valid token (SENSORFORGE_TOKEN) and try again."
        ),
        "BUSY": Reason(ErrorKind.UNAVAILABLE, "RESOURCE_EXHAUSTED", "Try again in a few seconds."),
        "DEADLINE": Reason(
            ErrorKind.UNAVAILABLE, "DEADLINE_EXCEEDED", "Try again; if it persists, ask for less at once."
        ),
        "CLIENT_SILENT": Reason(
            ErrorKind.UNAVAILABLE, "DEADLINE_EXCEEDED", "Reconnect and go on where the server's answer says."
        ),
        "STORE_UNAVAILABLE": Reason(
            ErrorKind.UNAVAILABLE, "UNAVAILABLE", "Check that the object store is reachable, then try again."
        ),
    }
)
