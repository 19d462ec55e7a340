"""The fold: what a job's log means.

`JobState` is a pure function of the records, in slot order. It honours only what the protocol allows: an owner's
record counts when it carries the latest claim, after a cancel only `cancelled` ends the job, and nothing counts after
the end. Every reader that has read the same slots therefore sees the same state and the same event numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from services.jobs.records import (
    Cancel,
    Cancelled,
    CancelMode,
    Checkpoint,
    Claim,
    Events,
    Failed,
    Opened,
    Record,
    Released,
    Succeeded,
    Terminal,
)

LOST_WORKERS_ALLOWED = 2
"""Claims without a newer checkpoint that a job survives; the next taker ends it (a record that kills its workers)."""


class Phase(StrEnum):
    """Where a job stands; the values are those of common.v1.JobState without their prefix."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def ended(self) -> bool:
        """Returns whether nothing can follow."""
        return self in (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED)


@dataclass(frozen=True)
class NumberedEvent:
    """An event as watchers see it. Sequences start at 1 in every run and have no gaps.

    `kind` "state" and "final" carry the phase the job entered; the other bodies are those of the owner's events.
    """

    sequence: int
    kind: Literal["progress", "epoch", "warning", "state", "final"]
    time: str
    body: Mapping[str, Any]
    phase: Phase


class JobState:
    """The state after the records applied so far."""

    def __init__(self) -> None:
        self.next_slot = 0
        self.opened: Opened | None = None
        self.claim: int | None = None
        self.owner = ""
        self.claims = 0
        self.claims_without_checkpoint = 0
        self.cancel: CancelMode | None = None
        self.checkpoint: Checkpoint | None = None
        self.terminal: Terminal | None = None
        self.progress: Mapping[str, Any] = {}
        self.events: list[NumberedEvent] = []

    @property
    def phase(self) -> Phase:
        """Returns where the job stands."""
        if self.terminal is not None:
            return Phase(self.terminal.type.upper())
        if self.cancel is not None:
            return Phase.CANCELLING
        return Phase.PENDING if self.claim is None else Phase.RUNNING

    @property
    def poisoned(self) -> bool:
        """Returns whether too many workers were lost since the last checkpoint; the newest claim counts."""
        return self.claims_without_checkpoint > LOST_WORKERS_ALLOWED

    def owned_by(self, claim: int | None) -> bool:
        """Returns whether the attempt with fencing token `claim` may still write. This is the fence."""
        return self.terminal is None and claim is not None and self.claim == claim

    def apply(self, record: Record) -> bool:
        """Takes the record of slot `next_slot`. Returns whether it had an effect."""
        slot = self.next_slot
        self.next_slot += 1
        if self.terminal is not None or (slot == 0) != isinstance(record, Opened):
            return False
        match record:
            case Opened():
                self.opened = record
                self._entered(record)
            case Claim():
                self.claim, self.owner = slot, record.owner
                self.claims += 1
                self.claims_without_checkpoint += 1
                self._entered(record)
            case Cancel():
                self.cancel = record.mode
                self._entered(record)
            case Cancelled(claim=None):
                if self.claims:
                    return False
                self._ended(record)
            case _:
                return self._apply_owners(record)
        return True

    def _apply_owners(self, record: Record) -> bool:
        if not self.owned_by(getattr(record, "claim", None)):
            return False
        match record:
            case Events():
                for event in record.events:
                    if event.kind == "progress":
                        self.progress = event.body
                    self._number(event.kind, event.time, event.body)
            case Checkpoint():
                self.checkpoint = record
                self.claims_without_checkpoint = 0
            case Released():
                self.claim, self.owner = None, ""
                self.claims_without_checkpoint = max(0, self.claims_without_checkpoint - 1)
                self._entered(record)
            case Succeeded() | Failed():
                if self.cancel is not None:
                    return False
                self._ended(record)
            case Cancelled():
                if self.cancel is None:
                    return False
                self._ended(record)
            case _:
                return False
        return True

    def _ended(self, record: Terminal) -> None:
        self.terminal = record
        self._number("final", record.time, {})

    def _entered(self, record: Record) -> None:
        self._number("state", record.time, {"cause": record.type})

    def _number(
        self, kind: Literal["progress", "epoch", "warning", "state", "final"], time: str, body: Mapping[str, Any]
    ) -> None:
        self.events.append(NumberedEvent(len(self.events) + 1, kind, time, body, self.phase))


def fold(records: Iterable[Record]) -> JobState:
    """Returns the state after `records`, which are a log from slot 0 without gaps."""
    state = JobState()
    for record in records:
        state.apply(record)
    return state
