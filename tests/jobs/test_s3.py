"""Jobs over a real S3 server: the same promises as on a disk."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.artifacts.opening import open_store
from tests.jobs.replica import Replica, until
from tests.s3_server import S3Server

pytestmark = [pytest.mark.s3, pytest.mark.slow]


@pytest.fixture
def replica(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replica]:
    with S3Server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        replica = Replica(open_store("s3://jobs/here")).start()
        yield replica
        replica.dispatcher.grace_s = 0.0
        replica.dispatcher.stop()


def test_a_killed_workers_job_goes_on_at_its_checkpoint_with_the_same_result(replica: Replica, tmp_path: Path) -> None:
    undisturbed = replica.open("toy.count", "whole", seed=7, n=5)
    view = replica.open("toy.count", seed=7, n=5, hold_at=3, gate=str(tmp_path / "gate"))
    pid = replica.pid(view.name)
    until(lambda: replica.jobs.find(view.name).refresh().checkpoint is not None, "a checkpoint is written")
    os.kill(pid, signal.SIGKILL)
    (tmp_path / "gate").touch()
    totals = [
        replica.jobs.catalog.read_json(replica.ended(name).outputs["table"], "sum.json")["total"]
        for name in (view.name, undisturbed.name)
    ]
    assert totals[0] == totals[1]
    assert replica.jobs.find(view.name).state.claims == 2
