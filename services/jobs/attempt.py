"""The owner's side of the protocol: one claim, and what may be written under it.

Every write asks the state first, so a worker that lost its job learns it at its next write and gets `Fenced`; nothing
it wrote under its own claim is ever looked at. What ends a job is decided by the state at the moment of ending: after
a cancel only `cancelled` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from services.chassis.errors import SensorForgeError
from services.jobs.log import JobLog
from services.jobs.records import (
    Cancelled,
    CancelMode,
    Checkpoint,
    Claim,
    Event,
    Events,
    Failed,
    OutputManifest,
    Record,
    Released,
    Succeeded,
    Terminal,
)
from services.jobs.state import JobState

Outputs = tuple[OutputManifest, ...]


class Fenced(Exception):
    """Somebody else owns the job, or it has ended: stop, and touch nothing."""


@dataclass(frozen=True)
class Failure:
    """Why a job failed; the fields of common.v1.Failure."""

    reason: str
    message: str
    remedy: str
    kind: str
    metadata: dict[str, str]

    @classmethod
    def of(cls, error: SensorForgeError) -> Failure:
        """Returns what an understood error says."""
        return cls(error.reason, error.message, error.remedy, str(error.kind), dict(error.metadata))


class Attempt:
    """One claim on one run. Make it with `take`."""

    def __init__(self, log: JobLog, claim: int) -> None:
        self.log = log
        self.claim = claim

    @property
    def state(self) -> JobState:
        """Returns the state as last read."""
        return self.log.state

    @classmethod
    def take(cls, log: JobLog, owner: str, *, after: int | None = None, producer: str = "") -> Attempt | None:
        """Claims a job that nobody owns, or takes over one whose log still ends where the suspicious observer saw it
        end (`after` = the number of slots it had read). Returns None when there is nothing to take."""

        def decide(state: JobState) -> Claim | None:
            if state.opened is None or state.terminal is not None:
                return None
            if state.claim is not None and state.next_slot != after:
                return None
            return Claim(owner=owner, producer=producer)

        if log.append(decide) is None:
            return None
        claim = log.state.claim
        # Between winning the slot and now nothing else was read, so the newest claim is ours.
        return cls(log, claim) if claim is not None else None

    def first_move(self) -> Literal["work", "cancelled", "poisoned"]:
        """Returns what the owner has to do first: a taker may find a job that only waits to be ended.

        A job that was cancelled to be kept is worked on when it has a checkpoint, from which outputs can be made.
        """
        state = self.state
        if state.cancel == "discard" or (state.cancel == "keep" and state.checkpoint is None):
            return "cancelled"
        return "poisoned" if state.poisoned else "work"

    def heartbeat(self, events: Sequence[Event]) -> None:
        """Appends what happened. Raises Fenced."""
        self._append(lambda _: Events(claim=self.claim, events=tuple(events)))

    def checkpoint(self, key: str, sha256: str) -> None:
        """Appends where to resume; the bytes must be there already. Raises Fenced."""
        self._append(lambda _: Checkpoint(claim=self.claim, key=key, sha256=sha256))

    def release(self) -> None:
        """Gives the job back. Raises Fenced."""
        self._append(lambda _: Released(claim=self.claim))

    def fail(self, failure: Failure) -> Terminal:
        """Ends the job as failed, or as cancelled where that was asked for. Raises Fenced."""

        def decide(state: JobState) -> Terminal:
            if state.cancel is not None:
                return Cancelled(claim=self.claim)
            return Failed(
                claim=self.claim,
                reason=failure.reason,
                message=failure.message,
                remedy=failure.remedy,
                kind=failure.kind,
                metadata=failure.metadata,
            )

        return self._end(decide)

    def finish(self, outputs: Callable[[CancelMode | None], Outputs]) -> Terminal:
        """Ends the job with outputs whose bytes are in the store. This record is their commit point.

        After a cancel it is `cancelled`, with the outputs where they are to be kept. `outputs` is asked with the mode.
        Raises Fenced.
        """

        def decide(state: JobState) -> Terminal:
            if state.cancel is None:
                return Succeeded(claim=self.claim, outputs=outputs(None))
            kept = outputs("keep") if state.cancel == "keep" else ()
            return Cancelled(claim=self.claim, outputs=kept)

        return self._end(decide)

    def cancelled(self) -> Terminal:
        """Ends a job that was asked to stop, without outputs. Raises Fenced."""
        return self._end(lambda _: Cancelled(claim=self.claim))

    def _end(self, decide: Callable[[JobState], Terminal]) -> Terminal:
        record = self._append(decide)
        if not isinstance(record, Succeeded | Failed | Cancelled):
            raise TypeError(f"{record.type} does not end a job")
        return record

    def _append(self, decide: Callable[[JobState], Record]) -> Record:
        record = self.log.append(lambda state: decide(state) if state.owned_by(self.claim) else None)
        if record is None:
            raise Fenced(f"job {self.log.job} run {self.log.run}: claim {self.claim} is not the newest any more")
        return record
