"""The dispatcher of one replica: finds open jobs, gives them to workers, and takes over from workers that died.

It decides nothing that the log does not decide again: two dispatchers may start workers for one job, and one claim
wins. A worker of its own that died is replaced at once, because a dead process writes no more (and if its last write
is still on the way, the fence stops it). Everybody else's worker is suspect only after its log did not grow for
`suspect_s` seconds of this process's monotonic clock in which every read succeeded.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from services.artifacts.objects import StoreUnavailable
from services.chassis.errors import SensorForgeError
from services.jobs.assignment import Assignment
from services.jobs.engine import Jobs
from services.jobs.executor import Executor
from services.jobs.heart import Exit
from services.jobs.records import new_nonce
from services.jobs.state import JobState

log = structlog.get_logger("dispatcher")

Run = tuple[str, int]
Supported = Mapping[tuple[str, int], str]
"""(operation, revision) -> import path of the operations that have it. Anything else stays PENDING here."""

_REAP_S = 0.05  # seconds between looks at the own workers; costs no access to the store
_LONGEST_BACKOFF_S = 30.0
_STUCK_S = 60.0  # seconds between looks at a run whose log or outputs are damaged


@dataclass
class _Known:
    """What this replica knows of an open run: how long its log was and since when, and its own workers on it."""

    arrival: int
    slots: int = -1
    since: float = 0.0
    dead: set[str] = field(default_factory=set)  # owners that were processes of this replica and have ended
    stillborn: int = 0  # workers that ended without a claim, one after the other
    not_before: float = 0.0


@dataclass
class Dispatcher:
    """Runs in a thread of its own between `start` and `stop`. `poll_s` is the time between scans when nobody wakes it;
    `grace_s` what workers get to give their jobs back at the end."""

    jobs: Jobs
    executor: Executor
    supported: Supported
    suspect_s: float = 45.0
    poll_s: float = 1.0
    grace_s: float = 15.0
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._known: dict[Run, _Known] = {}
        self._here: dict[Run, str] = {}
        self._arrivals = 0
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Says that a job was opened: look now."""
        self._wake.set()

    def healthy(self) -> bool:
        """Returns whether the thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Gives the jobs of this replica back (see `grace_s`) and ends the thread."""
        self._stopping.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()
        self.executor.stop(self.grace_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.turn()
            except StoreUnavailable as error:
                log.warning("store does not answer", error=str(error))
                self.forgive()
            deadline = self.clock() + self.poll_s
            while not (self._wake.wait(_REAP_S) or self._collect() or self.clock() >= deadline):
                pass
            self._wake.clear()

    def turn(self) -> None:
        """Looks once at everything and starts what can be started. Raises StoreUnavailable."""
        self._collect()
        unfinished = self.jobs.unfinished()
        waiting = [run for run in dict.fromkeys([*unfinished, *self._here]) if self._needs_worker(run)]
        for run in set(self._known) - set(unfinished) - set(self._here):
            del self._known[run]
        for run in sorted(waiting, key=lambda run: self._known[run].arrival):
            if self.executor.free() == 0:
                break
            self._give(run)

    def forgive(self) -> None:
        """Lets all suspicion start over: a read that failed proves nothing about anybody."""
        for known in self._known.values():
            known.slots = -1

    def _collect(self) -> bool:
        """Notes which workers of this replica ended; returns whether any did."""
        ended = self.executor.ended()
        for worker in ended:
            run = (worker.assignment.job, worker.assignment.run)
            self._here.pop(run, None)
            if worker.code not in (Exit.DONE, Exit.NOTHING_TO_DO, Exit.FENCED, Exit.RELEASED):
                log.warning("worker died", job=run[0][:12], run=run[1], code=worker.code)
            known = self._know(run)
            known.dead.add(worker.assignment.owner)
            if worker.code not in (Exit.DONE, Exit.FENCED, Exit.RELEASED):
                known.stillborn += 1  # taken back when the log shows its claim
        return bool(ended)

    def _needs_worker(self, run: Run) -> bool:
        """Returns whether a run of ours waits for a worker. Settles it when it has ended."""
        job_log = self.jobs.log(*run)
        if run not in self._here and self.clock() < self._know(run).not_before:
            return False
        if job_log.state.opened is not None and self._path(job_log.state) is None:
            return False  # another stage's: not even looked at
        try:
            state = job_log.refresh()
            if state.terminal is not None:
                self.jobs.settle(*run)
        except StoreUnavailable:
            raise
        except SensorForgeError as error:
            log.warning("job is stuck", job=run[0], run=run[1], reason=error.reason, message=error.message)
            self._know(run).not_before = self.clock() + _STUCK_S
            return False
        known = self._know(run)
        silent = self._silent(known, state)
        if run in self._here:
            if silent:  # alive, but hung where not even its heartbeat runs, or stopped after it lost the job
                log.warning("worker is silent", job=run[0][:12], run=run[1])
                self.executor.kill(*run)
            return False
        if state.terminal is not None or self._path(state) is None:
            return False
        if state.owner in known.dead:
            known.stillborn, known.not_before = 0, 0.0
        elif known.stillborn and known.not_before == 0.0:
            known.not_before = self.clock() + min(_LONGEST_BACKOFF_S, 0.25 * 2**known.stillborn)
            return False
        return state.claim is None or state.owner in known.dead or silent

    def _silent(self, known: _Known, state: JobState) -> bool:
        """Returns whether the log did not grow for `suspect_s` seconds of looking at it."""
        now = self.clock()
        if known.slots != state.next_slot:
            known.slots, known.since = state.next_slot, now
        return now - known.since >= self.suspect_s

    def _give(self, run: Run) -> None:
        """Starts a worker."""
        state = self.jobs.log(*run).state
        path = self._path(state)
        if path is None:
            return
        after = state.next_slot if state.claim is not None else None
        owner = f"{socket.gethostname()}:{new_nonce()}"
        known = self._know(run)
        try:
            self.executor.start(Assignment(run[0], run[1], path, owner, after))
        except OSError as error:
            log.warning("no worker can be started", error=str(error))
            known.not_before = self.clock() + 1.0
            return
        self._here[run] = owner
        known.since, known.not_before = self.clock(), 0.0

    def _know(self, run: Run) -> _Known:
        if run not in self._known:
            self._arrivals += 1
            self._known[run] = _Known(self._arrivals)
        return self._known[run]

    def _path(self, state: JobState) -> str | None:
        if state.opened is None:
            return None
        derivation = state.opened.derivation
        return self.supported.get((derivation["operation"], derivation["revision"]))
