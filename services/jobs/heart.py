"""The heartbeat of a worker: a thread that carries events into the log, hears cancels, and watches the main thread.

It is also the place where a worker is stopped that cannot stop itself: when the main loop shows no sign of life for
longer than its phase may take, when memory or the job's time runs over, or when the time that SIGTERM left is over.
Whoever lost the job leaves at once, without another word to the store.
"""

from __future__ import annotations

import contextvars
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import psutil
import structlog

from services.artifacts.objects import ObjectStore, StoreUnavailable
from services.chassis.errors import SensorForgeError
from services.jobs.attempt import Attempt, Failure, Fenced
from services.jobs.keys import attempt_key
from services.jobs.operation import JobReleased
from services.jobs.patience import patiently
from services.jobs.records import CancelMode, Event

log = structlog.get_logger("worker")

HEARTBEAT_SECONDS = "SENSORFORGE_HEARTBEAT_SECONDS"
"""Environment variable: the longest silence of a worker, well below the time after which it is suspect."""


class Exit(IntEnum):
    """How a worker ends. Only DONE leaves an ended job behind; the log says everything else."""

    DONE = 0
    NOTHING_TO_DO = 3  # the job has ended, or somebody else owns it
    FENCED = 4
    STALLED = 5
    RELEASED = 6


Leave = Callable[[Exit], None]
"""Ends the process at once; it does not return."""


@dataclass(frozen=True)
class Pace:
    """Times in seconds: between looks at the log, between batches, longest silence, age at which a checkpoint is due,
    shortest time between two, and from SIGTERM to the end. `progress_per_batch` bounds a batch's progress events."""

    look: float = 0.5
    batch: float = 1.0
    silence: float = 8.0
    checkpoint: float = 15.0
    between_checkpoints: float = 1.0
    grace: float = 10.0
    progress_per_batch: int = 10


class Pulse:
    """The carrier of a running operation's events (see context.Carrier), over an attempt."""

    def __init__(
        self,
        attempt: Attempt,
        store: ObjectStore,
        leave: Leave,
        asked_to_stop: Callable[[], bool],
        *,
        pace: Pace | None = None,
        memory_mb: int = 0,
        phase_limit_s: float = 900.0,
        time_limit_s: float = 0.0,
    ) -> None:
        self._attempt = attempt
        self._store = store
        self._leave = leave
        self._asked_to_stop = asked_to_stop
        self._pace = pace or Pace()
        self.memory_mb = memory_mb
        self.phase_limit_s = phase_limit_s
        self.time_limit_s = time_limit_s  # 0: any time
        self._began = time.monotonic()
        self._waiting: list[Event] = []
        self._lock = threading.Lock()
        self._flushing = threading.Lock()  # batches reach the log in the order in which they were taken
        self._beat = time.monotonic()
        self._sign_of_life = time.monotonic()
        self._saved_at = time.monotonic()
        self._saves = 0
        self._terminating: float | None = None
        self._stopping = threading.Event()
        # The thread logs with the context of the job, which threads do not inherit.
        self._thread = threading.Thread(
            target=contextvars.copy_context().run, args=(self._run,), name="heartbeat", daemon=True
        )
        self._process = psutil.Process()

    # What the operation does, in the main thread

    def alive(self) -> None:
        """Notes a sign of life. Raises JobReleased when the worker has to stop and no checkpoint can be expected."""
        self._sign_of_life = time.monotonic()
        since = self._terminating
        if since is None:
            return
        checkpoint_expected = self._saves > 0 and time.monotonic() - since < self._pace.grace / 2
        if not checkpoint_expected:
            raise JobReleased("asked to stop")

    def emit(self, event: Event) -> None:
        """Queues an event for the next batch. Progress of the same phase replaces what waits, so that a fast loop
        costs nothing; a new phase, epochs and warnings are all kept."""
        self.alive()
        with self._lock:
            waiting = self._waiting
            if event.kind == "progress" and _replaces(waiting, event, self._pace.progress_per_batch):
                waiting.pop()
            waiting.append(event)

    def cancel_mode(self) -> CancelMode | None:
        """Returns what was asked for, as of the last look at the log."""
        return self._attempt.state.cancel

    def checkpoint_due(self) -> bool:
        """Returns whether the last checkpoint is old or the worker has to stop."""
        self._sign_of_life = time.monotonic()
        return self._terminating is not None or time.monotonic() - self._saved_at >= self._pace.checkpoint

    def save(self, data: bytes) -> None:
        """Writes bytes, then the record that makes them count; what comes too soon after the last one is skipped.
        Raises JobReleased afterwards if asked to stop."""
        self._sign_of_life = time.monotonic()
        too_soon = self._saves > 0 and self._sign_of_life - self._saved_at < self._pace.between_checkpoints
        if too_soon and self._terminating is None:
            return
        log_of = self._attempt.log
        self._saves += 1
        # A claim may save often; the number keeps its checkpoints apart, so no key is ever written twice.
        key = attempt_key(log_of.job, log_of.run, self._attempt.claim, f"checkpoint-{self._saves:06}")

        def write() -> None:
            with self._store.writer(key) as file:
                file.write(data)

        patiently(write)
        self.flush()
        self._attempt.checkpoint(key, hashlib.sha256(data).hexdigest())
        self._saved_at = self._sign_of_life = time.monotonic()
        if self._terminating is not None:
            raise JobReleased("asked to stop; the checkpoint is written")

    def load(self) -> bytes | None:
        """Returns the newest checkpoint of the log. A damaged one counts as none: the job starts over."""
        record = self._attempt.state.checkpoint
        if record is None:
            return None
        data = patiently(lambda: self._store.get(record.key))
        if hashlib.sha256(data).hexdigest() != record.sha256:
            log.warning("checkpoint damaged", key=record.key)
            return None
        return data

    def has_checkpoint(self) -> bool:
        """Returns whether the log has one."""
        return self._attempt.state.checkpoint is not None

    # What the worker does

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and writes what waits. Raises Fenced."""
        self._stopping.set()
        self._thread.join()
        self.flush()

    def flush(self) -> None:
        """Writes the events that wait, if any. Raises Fenced."""
        with self._flushing:
            with self._lock:
                events, self._waiting = self._waiting, []
            if events:
                self._attempt.heartbeat(events)
                self._beat = time.monotonic()

    def pause(self, seconds: float) -> None:
        """Waits between attempts at a store that does not answer; ends the process when SIGTERM's time is over."""
        time.sleep(seconds)
        if self._grace_is_over():
            self._leave(Exit.RELEASED)

    # The thread

    def _run(self) -> None:
        while not self._stopping.wait(self._pace.look):
            try:
                self._look()
            except Fenced:
                self._leave(Exit.FENCED)
            except StoreUnavailable as error:
                log.warning("store does not answer", error=str(error))

    def _look(self) -> None:
        now = time.monotonic()
        if self._grace_is_over():
            self._attempt.release()
            self._leave(Exit.RELEASED)
        if now - self._sign_of_life > self.phase_limit_s:
            log.error("main loop stalled", seconds=round(now - self._sign_of_life))
            self._leave(Exit.STALLED)
        self._watch_memory()
        if 0 < self.time_limit_s < now - self._began:
            self._attempt.fail(time_exceeded(now - self._began, self.time_limit_s))
            self._leave(Exit.DONE)
        state = self._attempt.log.refresh()
        if not state.owned_by(self._attempt.claim):
            raise Fenced("somebody else owns the job")
        if now - self._beat >= self._pace.batch:
            self.flush()
        if now - self._beat >= self._pace.silence:
            self._attempt.heartbeat(())
            self._beat = now

    def _grace_is_over(self) -> bool:
        """Hears SIGTERM, upon which the operation stops at its next checkpoint or report; returns whether it had its
        time for that."""
        if self._terminating is None and self._asked_to_stop():
            self._terminating = time.monotonic()
        return self._terminating is not None and time.monotonic() - self._terminating > self._pace.grace

    def _watch_memory(self) -> None:
        if self.memory_mb <= 0:
            return
        used = 0
        for process in [self._process, *self._process.children(recursive=True)]:
            try:
                used += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        if used > self.memory_mb << 20:
            self._attempt.fail(memory_exceeded(used >> 20, self.memory_mb))
            self._leave(Exit.DONE)


def memory_exceeded(used_mb: int, allowed_mb: int) -> Failure:
    """Returns the failure of a job that needs more memory than its operation may have."""
    return Failure.of(
        SensorForgeError(
            "JOB_MEMORY_EXCEEDED",
            f"The job used {used_mb} MiB of memory; its operation may use {allowed_mb} MiB.",
            metadata={"used_mb": str(used_mb), "allowed_mb": str(allowed_mb)},
        )
    )


def time_exceeded(used_s: float, allowed_s: float) -> Failure:
    """Returns the failure of a job on which a worker worked for longer than it may."""
    return Failure.of(
        SensorForgeError(
            "JOB_TIME_EXCEEDED",
            f"The job took {used_s:.0f} s; one may take {allowed_s:g} s.",
            metadata={"used_s": f"{used_s:.0f}", "allowed_s": f"{allowed_s:g}"},
        )
    )


def _replaces(waiting: list[Event], event: Event, most: int) -> bool:
    """Returns whether a progress event may take the place of the last one that waits."""
    if not waiting or waiting[-1].kind != "progress":
        return False
    same_phase = waiting[-1].body.get("phase") == event.body.get("phase")
    return same_phase or sum(1 for other in waiting if other.kind == "progress") >= most
