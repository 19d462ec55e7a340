"""The records of a job's log, as frozen dataclasses and as the JSON that is stored.

Every record carries a nonce, by which its writer recognises it after an error reply, and a time, which is for people
only: no decision reads a clock. Owner records carry the fencing token (`claim`) of the attempt that wrote them.
Encoding is deterministic for one record, so that a retry sends the same bytes.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

import services.jobs.errors  # noqa: F401
from services.artifacts.clock import utc_now
from services.artifacts.manifest import Manifest
from services.chassis.errors import SensorForgeError

CancelMode = Literal["keep", "discard"]
EventKind = Literal["progress", "epoch", "warning"]


def new_nonce() -> str:
    """Returns 16 hex digits that no other record has."""
    return secrets.token_hex(8)


def finite(value: Any) -> Any:
    """Returns a JSON value with NaN and infinities replaced by None, at any depth. Raises TypeError on other types."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if hasattr(value, "item"):  # a numpy scalar
        return finite(value.item())
    raise TypeError(f"{type(value).__name__} has no JSON form: {value!r}")


@dataclass(frozen=True)
class Event:
    """Something that watchers see. `body` has the fields of common.v1.Progress, Epoch or Warning."""

    kind: EventKind
    body: Mapping[str, Any]
    time: str = field(default_factory=utc_now)


@dataclass(frozen=True)
class OutputManifest:
    """One output of a job: its role there, and the manifest that will be published."""

    role: str
    manifest: Manifest


@dataclass(frozen=True, kw_only=True)
class Record:
    """What all records have."""

    type: ClassVar[str]
    nonce: str = field(default_factory=new_nonce)
    time: str = field(default_factory=utc_now)


@dataclass(frozen=True, kw_only=True)
class Opened(Record):
    """Slot 0: the derivation {machine, operation, revision, inputs, params, seed}."""

    type: ClassVar[str] = "opened"
    derivation: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Claim(Record):
    """A worker takes the job. The slot of this record is its fencing token."""

    type: ClassVar[str] = "claim"
    owner: str
    producer: str = ""


@dataclass(frozen=True, kw_only=True)
class Events(Record):
    """A heartbeat: what happened since the last one, possibly nothing."""

    type: ClassVar[str] = "events"
    claim: int
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Checkpoint(Record):
    """Where a taker resumes. The bytes lie under the key of the claim that wrote them."""

    type: ClassVar[str] = "checkpoint"
    claim: int
    key: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Cancel(Record):
    """Somebody wants the job to end."""

    type: ClassVar[str] = "cancel"
    mode: CancelMode


@dataclass(frozen=True, kw_only=True)
class Released(Record):
    """The owner gives the job back, on purpose and alive."""

    type: ClassVar[str] = "released"
    claim: int


@dataclass(frozen=True, kw_only=True)
class Succeeded(Record):
    """The commit point of all outputs."""

    type: ClassVar[str] = "succeeded"
    claim: int
    outputs: tuple[OutputManifest, ...]


@dataclass(frozen=True, kw_only=True)
class Failed(Record):
    """The job ended without outputs; the fields are those of common.v1.Failure."""

    type: ClassVar[str] = "failed"
    claim: int
    reason: str
    message: str
    remedy: str
    kind: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Cancelled(Record):
    """The job was stopped. `claim` is None when no worker ever had it."""

    type: ClassVar[str] = "cancelled"
    claim: int | None
    outputs: tuple[OutputManifest, ...] = ()


Terminal = Succeeded | Failed | Cancelled
_TYPES: dict[str, type[Record]] = {
    kind.type: kind for kind in (Opened, Claim, Events, Checkpoint, Cancel, Released, Succeeded, Failed, Cancelled)
}


def encode(record: Record) -> bytes:
    """Returns the stored form: one JSON object with sorted keys."""
    document: dict[str, Any] = {"type": record.type}
    for item in fields(record):
        value = getattr(record, item.name)
        if item.name == "events":
            value = [{"kind": event.kind, "time": event.time, "body": event.body} for event in value]
        elif item.name == "outputs":
            value = [{"role": output.role, "manifest": output.manifest.to_json()} for output in value]
        document[item.name] = value
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def decode(data: bytes, where: str) -> Record:
    """Returns the record stored at key `where`. Fields it does not know are ignored, so that a newer release may add.

    Raises SensorForgeError JOB_LOG_UNREADABLE for bytes that are no record.
    """
    try:
        document = json.loads(data)
        kind = _TYPES[document["type"]]
        values = {item.name: document[item.name] for item in fields(kind) if item.name in document}
        if "events" in values:
            values["events"] = tuple(Event(e["kind"], e["body"], e["time"]) for e in values["events"])
        if "outputs" in values:
            values["outputs"] = tuple(
                OutputManifest(output["role"], Manifest.from_json(output["manifest"])) for output in values["outputs"]
            )
        return kind(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SensorForgeError("JOB_LOG_UNREADABLE", f"{where} is not a record of a job's log: {error}") from error
