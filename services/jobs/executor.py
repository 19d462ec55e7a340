"""Where workers run. `ProcessExecutor` gives each its own process and session: killable, its memory returned.

Workers are spawned, never forked (threads of the store's and gRPC's libraries do not survive a fork), and each is
reaped by its own pid. A single-use spare that waits with its imports done takes the next job without a wait; it begins
with those of the last job's stage, since the next job is most likely one of it, and gets ready beside that job. The
rest, heavy libraries among it, it imports when nothing else is to be done.
An executor knows nothing of logs; who may work on what is decided there, not here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Protocol

import structlog

from services.jobs.assignment import MORE, Assignment
from services.jobs.worker import THREAD_LIMITS

log = structlog.get_logger("executor")

_IDLE_S = 1.0
"""Seconds without a job after which the spare imports what the last job's stage does not need."""


@dataclass(frozen=True)
class Ended:
    """A worker that is gone: what it was to do and its exit code (negative: the signal that killed it)."""

    assignment: Assignment
    code: int


class Executor(Protocol):
    """Runs workers somewhere. Called from one thread."""

    def free(self) -> int:
        """Returns how many more workers may be started now."""

    def start(self, assignment: Assignment) -> None:
        """Starts a worker."""

    def ended(self) -> list[Ended]:
        """Returns the workers that ended since the last call."""

    def kill(self, job: str, run: int) -> None:
        """Ends the worker of a run at once, if there is one here."""

    def stop(self, grace: float) -> None:
        """Asks all workers to give their jobs back, waits `grace` seconds, and ends the rest."""


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    assignment: Assignment


class ProcessExecutor:
    """Workers as processes of this machine. `environment` is added to that of this process.

    `warm` lists the operations that the spare imports; none without them.
    """

    def __init__(
        self, store_url: str, slots: int, *, warm: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        self.slots = slots
        self._store_url = store_url
        self._environment = {**THREAD_LIMITS, **os.environ, **(environment or {})}
        self._workers: list[_Worker] = []
        self._busy_at = time.monotonic()
        self._spare = _Spare(store_url, tuple(warm), self._environment) if warm and slots else None

    @property
    def pids(self) -> Mapping[tuple[str, int], int]:
        """Returns the process ids by (job, run)."""
        return {(w.assignment.job, w.assignment.run): w.process.pid for w in self._workers}

    def free(self) -> int:
        """Returns how many more workers may be started now."""
        return max(0, self.slots - len(self._workers))

    def start(self, assignment: Assignment) -> None:
        """Starts a worker, the spare if it is ready."""
        assignment = replace(assignment, directory=tempfile.mkdtemp(prefix="sensorforge-job-"))
        process = self._spare.take(assignment) if self._spare else None
        if process is None:
            process = spawn(self._store_url, _arguments(assignment), self._environment)
        self._workers.append(_Worker(process, assignment))
        self._busy_at = time.monotonic()
        log.info("worker started", pid=process.pid, job=assignment.job[:12], run=assignment.run)
        if self._spare:
            self._spare.prepare(first=assignment.operations)

    def ended(self) -> list[Ended]:
        """Returns the workers that ended since the last call, and sees to it that there is a spare."""
        gone = [worker for worker in self._workers if worker.process.poll() is not None]
        for worker in gone:
            self._workers.remove(worker)
            _end_session(worker.process.pid)
            shutil.rmtree(worker.assignment.directory, ignore_errors=True)
        if gone:
            self._busy_at = time.monotonic()
        if self._spare and self.free():
            self._spare.prepare()
            if time.monotonic() - self._busy_at > _IDLE_S:
                self._spare.warm_up()
        return [Ended(worker.assignment, worker.process.returncode) for worker in gone]

    def kill(self, job: str, run: int) -> None:
        """Ends the worker of a run at once, if there is one here."""
        for worker in self._workers:
            if (worker.assignment.job, worker.assignment.run) == (job, run):
                worker.process.kill()

    def stop(self, grace: float) -> None:
        """Asks all workers to give their jobs back, waits `grace` seconds, and ends the rest."""
        spare, self._spare = self._spare, None
        if spare:
            spare.end()
        for worker in self._workers:
            worker.process.terminate()
        deadline = time.monotonic() + grace
        for worker in self._workers:
            try:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("worker did not stop in time", pid=worker.process.pid)
                worker.process.kill()
                worker.process.wait()
        for ended in self.ended():
            log.info("worker ended", job=ended.assignment.job[:12], code=ended.code)


@dataclass
class _Spare:
    """The one warm worker. It is used once, while it waits: what it imports just then may belong to another stage."""

    store_url: str
    operations: tuple[str, ...]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    failures: int = field(default=0)
    _waiting: bool = False
    _warmed_up: bool = False

    def prepare(self, first: str = "") -> None:
        """Starts a spare if there is none, which imports `first` before it waits (the first of `operations` without
        it). One that dies while importing is tried three times in all."""
        if self.process is not None and self.process.poll() is not None:
            self.failures += 1
            log.warning("spare worker died", code=self.process.returncode)
            _close(self.process)
            self.process = None
        if self.process is not None or self.failures >= 3:
            return
        ordered = sorted(self.operations, key=lambda path: path != first)
        arguments = ["--warm"] + [part for path in ordered for part in ("--operations", path)]
        try:
            self.process = spawn(self.store_url, arguments, self.environment, piped=True)
        except OSError as error:
            self.failures += 1
            log.warning("no spare worker can be started", error=str(error))
            return
        self._waiting = self._warmed_up = False
        if self.process.stdout is not None:
            os.set_blocking(self.process.stdout.fileno(), False)

    def warm_up(self) -> None:
        """Lets the spare import the rest, once."""
        if self._waits() and not self._warmed_up:
            self._warmed_up, self._waiting = True, False
            self._send(MORE)

    def take(self, assignment: Assignment) -> subprocess.Popen[bytes] | None:
        """Returns the spare, now working on the assignment; None when it does not wait for one."""
        process = self.process
        if process is None or not self._waits():
            return None
        taken = self._send(assignment.to_json())
        self.process = None
        _close(process)
        if not taken:
            process.kill()
            process.wait()
        return process if taken else None

    def _waits(self) -> bool:
        """Returns whether the spare has said that it is ready, and lives."""
        process = self.process
        if process is None or process.poll() is not None or process.stdout is None:
            return False
        self._waiting = self._waiting or bool(process.stdout.read())
        return self._waiting

    def _send(self, line: str) -> bool:
        """Writes a line to the spare; returns whether it can have arrived."""
        if self.process is None or self.process.stdin is None:
            return False
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return False
        return True

    def end(self) -> None:
        """Ends the spare."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            _close(self.process)
            self.process = None


def spawn(
    store_url: str, arguments: Sequence[str], environment: Mapping[str, str], piped: bool = False
) -> subprocess.Popen[bytes]:
    """Starts a worker in a session of its own, so that a terminal's Ctrl-C does not reach it. Logs go to our stderr."""
    command = [sys.executable, "-P", "-m", "services.jobs.worker", "--store", store_url, *arguments]
    streams: IO[bytes] | int = subprocess.PIPE if piped else subprocess.DEVNULL
    return subprocess.Popen(command, stdin=streams, stdout=streams, env=dict(environment), start_new_session=True)


def _arguments(assignment: Assignment) -> list[str]:
    arguments = ["--job", assignment.job, "--run", str(assignment.run), "--operations", assignment.operations]
    arguments += ["--owner", assignment.owner, "--directory", assignment.directory]
    if assignment.after is not None:
        arguments += ["--after", str(assignment.after)]
    return arguments


def _end_session(pid: int) -> None:
    """Ends what a dead worker left running in its session (a parser child, for one)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _close(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
