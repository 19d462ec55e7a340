"""One process, one attempt at one job: claim it, run the operation in the main thread, end the log, publish.

The executor, a Kubernetes Indexed Job or a person may start a worker; the log protects them from each other. A warm
worker (`--warm`) imports operations first and then waits for one assignment on its standard input.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import NoReturn

import structlog

from services.artifacts.catalog import Catalog
from services.artifacts.derivation import Derivation
from services.artifacts.objects import ObjectStore
from services.artifacts.opening import open_store
from services.chassis.errors import SensorForgeError
from services.chassis.logs import configure_logs
from services.jobs.assignment import MORE, Assignment, load_operations
from services.jobs.attempt import Attempt, Failure, Fenced
from services.jobs.capacity import allowed_mb, allowed_seconds
from services.jobs.context import RunningJob
from services.jobs.heart import HEARTBEAT_SECONDS, Exit, Pace, Pulse, memory_exceeded
from services.jobs.log import JobLog
from services.jobs.operation import JobCancelled, JobReleased
from services.jobs.outputs import OutputWriter
from services.jobs.publishing import publish
from services.jobs.records import Terminal

log = structlog.get_logger("worker")


class StopSignal:
    """SIGTERM as a worker hears it. Python runs handlers in the main thread only, which may be deep in a long
    computation; the wake-up pipe tells the heartbeat at once."""

    def __init__(self) -> None:
        self._heard = False
        self._pipe, wake_up = os.pipe()
        for end in (self._pipe, wake_up):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_up, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda *_: None)

    def heard(self) -> bool:
        """Returns whether SIGTERM came since this was made."""
        with contextlib.suppress(BlockingIOError):
            self._heard = self._heard or signal.SIGTERM in os.read(self._pipe, 4096)
        return self._heard


def work(assignment: Assignment, store: ObjectStore, stop: StopSignal) -> Exit:
    """Claims and does the job. Ends the process itself where it has lost the job or must not go on."""
    job_log = JobLog(store, assignment.job, assignment.run)
    attempt = Attempt.take(job_log, assignment.owner, after=assignment.after, producer=_producer())
    if attempt is None:
        return Exit.NOTHING_TO_DO
    structlog.contextvars.bind_contextvars(job=assignment.job[:12], run=assignment.run, claim=attempt.claim)
    directory = Path(assignment.directory or tempfile.mkdtemp(prefix="sensorforge-job-"))

    def leave(code: Exit) -> NoReturn:
        shutil.rmtree(directory, ignore_errors=True)
        os._exit(code)

    pulse = Pulse(attempt, store, leave, stop.heard, pace=_pace())
    job_log.wait = pulse.pause
    pulse.start()
    try:
        terminal = _attempt(assignment, store, attempt, pulse, directory)
        _publish(store, assignment, terminal)
    except Fenced:
        log.info("fenced")
        return Exit.FENCED
    except JobReleased:
        return _release(attempt, pulse)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    log.info("ended", state=terminal.type)
    return Exit.DONE


def _attempt(assignment: Assignment, store: ObjectStore, attempt: Attempt, pulse: Pulse, directory: Path) -> Terminal:
    """Returns the terminal record that this worker wrote. Raises Fenced or JobReleased when it wrote none."""
    match attempt.first_move():
        case "cancelled":
            pulse.stop()
            return attempt.cancelled()
        case "poisoned":
            pulse.stop()
            return attempt.fail(_lost(attempt.state.claims_without_checkpoint - 1))
        case "work":
            pass
    try:
        outputs = _run(assignment, store, attempt, pulse, directory)
        pulse.stop()
        return attempt.finish(outputs.sealed)
    except (Fenced, JobReleased):
        raise
    except JobCancelled:
        pulse.stop()
        if attempt.state.cancel is not None:
            return attempt.cancelled()
        failure = _unknown("JobCancelled without a request to cancel")
    except SensorForgeError as error:
        log.info("failed", reason=error.reason, message=error.message)
        failure = Failure.of(error)
    except MemoryError:
        failure = memory_exceeded(pulse.memory_mb, pulse.memory_mb)
    except BaseException as error:  # the worker's top: whatever it was ends the job
        log.exception("operation failed")
        failure = _unknown(type(error).__name__)
    pulse.stop()
    return attempt.fail(failure)


def _run(assignment: Assignment, store: ObjectStore, attempt: Attempt, pulse: Pulse, directory: Path) -> OutputWriter:
    """Runs the operation and returns its outputs, not yet visible."""
    opened = attempt.state.opened
    if opened is None:
        raise SensorForgeError("JOB_LOG_UNREADABLE", f"job {assignment.job} run {assignment.run} was never opened")
    derivation = Derivation.from_json(opened.derivation)
    operation = load_operations(assignment.operations).get((derivation.operation, derivation.revision))
    if operation is None:
        raise SensorForgeError(
            "REVISION_UNSUPPORTED",
            f"{assignment.operations} has no {derivation.operation} revision {derivation.revision}",
        )
    pulse.memory_mb, pulse.phase_limit_s = allowed_mb(operation.memory_mb), operation.phase_limit_s
    pulse.time_limit_s = allowed_seconds()
    catalog = Catalog(store)
    for name in derivation.inputs.values():
        catalog.get(name)
    outputs = OutputWriter(store, derivation, assignment.run, attempt.claim, directory, _producer())
    operation.run(RunningJob(derivation, catalog, outputs, pulse, directory))
    return outputs


def _release(attempt: Attempt, pulse: Pulse) -> Exit:
    try:
        pulse.stop()
        attempt.release()
    except Fenced:
        return Exit.FENCED
    log.info("released")
    return Exit.RELEASED


def _publish(store: ObjectStore, assignment: Assignment, terminal: Terminal) -> None:
    try:
        publish(store, Catalog(store), assignment.job, assignment.run, terminal)
    except SensorForgeError as error:
        log.warning("not published yet; a later reader does it", reason=error.reason, message=error.message)


def _unknown(what: str) -> Failure:
    return Failure.of(SensorForgeError("INTERNAL", f"{what} in this step; the worker's log has the details."))


def _lost(workers: int) -> Failure:
    return Failure.of(
        SensorForgeError(
            "WORKER_LOST",
            f"{workers} workers were lost on this job one after the other, without a checkpoint in between.",
            metadata={"workers": str(workers)},
        )
    )


def _pace() -> Pace:
    """Returns the usual times; a service that suspects sooner tells its workers to beat faster."""
    return Pace(silence=float(os.environ.get(HEARTBEAT_SECONDS, Pace.silence)))


def _producer() -> str:
    build = os.environ.get("SENSORFORGE_BUILD", "")
    version = metadata.version("sensorforge")
    return f"sensorforge {version}+{build}" if build else f"sensorforge {version}"


def _await_assignment(operations: Sequence[str]) -> Assignment | None:
    """Imports the first operations, says so on standard output, and returns the one assignment, None at the end.

    The other operations are imported when standard input says MORE.
    """
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print belongs to the log
    waiting = list(operations)
    due = 1
    while True:
        for path in waiting[:due]:
            load_operations(path)
        del waiting[:due]
        with contextlib.suppress(BrokenPipeError):  # the service has stopped: standard input has ended as well
            os.write(answers, b"ready\n")
        line = sys.stdin.readline().strip()
        if line != MORE:
            os.close(answers)
            return Assignment.from_json(line) if line else None
        due = len(waiting)


def run(arguments: Sequence[str]) -> int:
    """Does what the command line says. Returns the exit code, see heart.Exit."""
    parser = argparse.ArgumentParser(prog="services.jobs.worker", description="Does one job of a store.")
    parser.add_argument("--store", required=True, help="directory or s3://bucket/prefix")
    parser.add_argument("--operations", action="append", default=[], help="package.module:NAME; repeat to warm more")
    parser.add_argument("--warm", action="store_true", help="import, then read one assignment from standard input")
    parser.add_argument("--job", default="", help="job id (64 hex digits)")
    parser.add_argument("--run", type=int, default=1)
    parser.add_argument("--owner", default="", help="name under which to claim")
    parser.add_argument("--after", type=int, default=None, help="take over if the log still has this many slots")
    parser.add_argument("--directory", default="", help="scratch directory, removed afterwards")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logs(os.environ.get("SENSORFORGE_LOG_LEVEL", "info"))
    assignment: Assignment | None
    if options.warm:
        assignment = _await_assignment(options.operations)
    elif not options.job or len(options.operations) != 1:
        parser.error("give --job and one --operations, or --warm")
    else:
        owner = options.owner or f"{socket.gethostname()}:{os.getpid()}"
        assignment = Assignment(
            options.job, options.run, options.operations[0], owner, options.after, options.directory
        )
    if assignment is None:
        return Exit.DONE
    return work(assignment, open_store(options.store), StopSignal())
