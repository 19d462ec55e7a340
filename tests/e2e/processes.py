"""The four services as separate processes on free ports, as a cluster runs them; ended by their own pid."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

STAGES = ("ingest", "mapping", "refine", "compare")
START_SECONDS = 60.0


def wait_for(condition: object, what: str, seconds: float = START_SECONDS) -> None:
    """Returns once `condition()` is true; fails the test when that takes longer than `seconds`."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s for {what}")
        time.sleep(0.05)


@dataclass
class StageProcess:
    """One running stage."""

    name: str
    process: subprocess.Popen[bytes]
    endpoint: str
    log: Path

    def workers(self) -> list[psutil.Process]:
        """Returns the job workers that this stage has started and that still run."""
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children(recursive=True)
            return [c for c in children if c.is_running() and c.status() != psutil.STATUS_ZOMBIE]
        return []

    def stop(self) -> int:
        """Asks it to stop, then makes it; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        return self.process.returncode


@dataclass
class Cluster:
    """Four stages over one store."""

    store: str
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stages: dict[str, StageProcess] = field(default_factory=dict)

    @property
    def endpoints(self) -> str:
        """Returns the endpoints as the SDK and SENSORFORGE_ENDPOINT take them."""
        return ",".join(f"{name}={stage.endpoint}" for name, stage in self.stages.items())

    def start(self, name: str) -> StageProcess:
        """Starts a stage and waits until it serves."""
        ready = self.folder / f"{name}.json"
        ready.unlink(missing_ok=True)
        log = self.folder / f"{name}.log"
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "SENSORFORGE_STORE": self.store,
            "SENSORFORGE_LISTEN": "127.0.0.1:0",
            "SENSORFORGE_READY_FILE": str(ready),
            **self.environment,
        }
        with log.open("ab") as sink:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", f"services.{name}"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        try:
            wait_for(lambda: ready.exists() or process.poll() is not None, f"{name} to serve")
            assert process.poll() is None, f"{name} ended at start:\n{log.read_text()[-3000:]}"
            endpoint = json.loads(ready.read_text())["endpoint"]
        except BaseException:
            process.kill()
            process.wait(10)
            raise
        self.stages[name] = StageProcess(name, process, endpoint, log)
        return self.stages[name]


@contextlib.contextmanager
def cluster(store: str, folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """Yields four running stages; stops them, and whatever they left running, at the end."""
    running = Cluster(store, folder, environment or {})
    try:
        for name in STAGES:
            running.start(name)
        yield running
    finally:
        left = [worker for stage in running.stages.values() for worker in stage.workers()]
        for stage in running.stages.values():
            stage.stop()
        for worker in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
