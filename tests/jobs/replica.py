"""A replica of the job runner for tests: real processes, real local store, times shrunk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from services.artifacts.catalog import Catalog
from services.artifacts.derivation import Derivation
from services.artifacts.objects import ObjectStore
from services.jobs.capacity import JOB_SECONDS
from services.jobs.dispatcher import Dispatcher
from services.jobs.engine import Jobs
from services.jobs.executor import ProcessExecutor
from services.jobs.heart import HEARTBEAT_SECONDS
from services.jobs.views import JobView

HERE = Path(__file__).parent

TOY = "toy_operations:OPERATIONS"
SUPPORTED = {
    (f"toy.{name}", 1): TOY for name in ("count", "die", "refuse", "stumble", "greedy", "stall", "broken", "quit")
}


def until(condition: Callable[[], object], what: str, limit: float = 30.0) -> None:
    """Waits until a condition holds; fails with `what` when it does not within `limit` seconds."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"timed out waiting until {what}"
        time.sleep(0.01)


@dataclass
class Replica:
    """One service process, as far as jobs are concerned: an engine, workers and a dispatcher."""

    store: ObjectStore
    suspect_s: float = 45.0
    slots: int = 2
    warm: bool = False
    job_s: float = 0.0
    jobs: Jobs = field(init=False)
    executor: ProcessExecutor = field(init=False)
    dispatcher: Dispatcher = field(init=False)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.store, Catalog(self.store))
        self.executor = ProcessExecutor(
            self.store.url,
            self.slots,
            warm=[TOY] if self.warm else [],
            environment={
                "PYTHONPATH": str(HERE),
                HEARTBEAT_SECONDS: f"{min(8.0, self.suspect_s / 4)}",
                JOB_SECONDS: f"{self.job_s:g}",
            },
        )
        self.dispatcher = Dispatcher(
            self.jobs, self.executor, SUPPORTED, suspect_s=self.suspect_s, poll_s=0.1, grace_s=20
        )

    def start(self) -> Replica:
        """Starts the dispatcher."""
        self.dispatcher.start()
        return self

    def open(self, operation: str, request_id: str = "r1", seed: int = 0, **params: object) -> JobView:
        """Opens a job and wakes the dispatcher."""
        view, _ = self.jobs.start(Derivation("m1", operation, 1, {}, params, seed), caller="me", request_id=request_id)
        self.dispatcher.wake()
        return view

    def ended(self, name: str) -> JobView:
        """Returns the job once it has ended."""
        until(lambda: self.jobs.get(name).state.ended, f"{name} ends")
        return self.jobs.get(name)

    def pid(self, name: str) -> int:
        """Returns the process id of the worker that has claimed the job here."""
        log = self.jobs.find(name)
        until(lambda: (log.job, log.run) in self.executor.pids, "a worker is started")
        until(lambda: log.refresh().claim is not None, "the job is claimed")
        return self.executor.pids[log.job, log.run]
