"""One run's log: numbered create-only objects, read in order, appended at the end.

Appending is the only way to change a job. A slot is written only after all slots before it were read; a reply that
says "exists" is looked into (a landed write can be answered by an error), and an unknown outcome is asked again with
the same bytes at the same slot until it is known. That, with the fold's fence, is the whole concurrency story.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from services.artifacts.objects import ObjectExists, ObjectMissing, ObjectStore, StoreDenied, StoreUnavailable
from services.jobs.keys import slot_key
from services.jobs.records import Record, decode, encode
from services.jobs.state import JobState

Decide = Callable[[JobState], Record | None]
T = TypeVar("T")
_LONGEST_WAIT = 2.0  # seconds between attempts at a store that does not answer


class JobLog:
    """A run's log as one actor knows it. Safe to share between threads; appends and reads exclude each other.

    `wait` pauses between attempts while the store does not answer (seconds).
    """

    def __init__(self, store: ObjectStore, job: str, run: int, wait: Callable[[float], object] = time.sleep) -> None:
        self._store = store
        self.wait = wait
        self._lock = threading.RLock()
        self.job = job
        self.run = run
        self.state = JobState()

    def refresh(self) -> JobState:
        """Reads the slots that are new and returns the state. Raises StoreUnavailable."""
        with self._lock:
            while self.state.terminal is None and self._read_next():
                pass
            return self.state

    def look(self, read: Callable[[JobState], T]) -> T:
        """Returns what `read` makes of the state after reading the new slots. Raises StoreUnavailable."""
        with self._lock:
            return read(self.refresh())

    def append(self, decide: Decide, patience: float | None = None) -> Record | None:
        """Appends what `decide` wants in the state that is current when it is written; returns the record that won.

        `decide` is asked again whenever somebody else was first, and ends it with None. With `patience` (seconds) an
        unreachable store raises StoreUnavailable after that time, and the outcome is then as unknown as after a crash;
        without, it is tried for ever.
        """
        with self._lock:
            deadline = None if patience is None else time.monotonic() + patience
            self._insist(self.refresh, deadline)
            while (record := decide(self.state)) is not None:
                if self._insist(lambda record=record: self._put(record), deadline):  # type: ignore[misc]
                    return record
                self._insist(self.refresh, deadline)
            return None

    def _put(self, record: Record) -> bool:
        """Returns whether `record` took the next slot; whatever did is folded. Raises StoreUnavailable: unknown."""
        try:
            self._store.create(slot_key(self.job, self.run, self.state.next_slot), encode(record))
        except ObjectExists:
            written = self._read_next()
            if written is None:
                raise StoreUnavailable("a slot that exists cannot be read") from None
            return is_mine(record, written)
        self.state.apply(record)
        return True

    def _read_next(self) -> Record | None:
        key = slot_key(self.job, self.run, self.state.next_slot)
        try:
            record = decode(self._store.get(key), key)
        except ObjectMissing:
            return None
        self.state.apply(record)
        return record

    def _insist(self, action: Callable[[], T], deadline: float | None) -> T:
        pause = 0.05
        while True:
            try:
                return action()
            except StoreDenied:
                raise
            except StoreUnavailable:
                if deadline is not None and time.monotonic() + pause > deadline:
                    raise
            self.wait(pause)
            pause = min(2 * pause, _LONGEST_WAIT)


def is_mine(sent: Record, found: Record) -> bool:
    """Returns whether the record found in a slot is the one sent: a write may land although its reply was an error."""
    return sent.nonce == found.nonce
