"""Real workers, killed, stopped, starved and cancelled."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from services.artifacts.objects import ObjectStore
from services.jobs.assignment import MORE
from services.jobs.executor import spawn
from services.jobs.records import Checkpoint, Claim, Events, Released, Succeeded, decode
from services.jobs.state import Phase
from tests.jobs.replica import HERE, TOY, Replica, until

Make = Callable[..., Replica]


def records(store: ObjectStore, job: str, kind: type) -> list:
    found = [decode(store.get(key), key) for key in store.list(f"jobs/{job}/")]
    return [record for record in found if isinstance(record, kind)]


def job_of(name: str) -> str:
    return name.rpartition("/")[2]


def checkpointed(replica: Replica, name: str, done: int) -> Callable[[], bool]:
    """Returns a condition: a checkpoint of at least `done` numbers lies in the log."""

    def holds() -> bool:
        record = replica.jobs.find(name).refresh().checkpoint
        return record is not None and json.loads(replica.store.get(record.key))["done"] >= done

    return holds


def result(replica: Replica, name: str) -> dict[str, int]:
    value: dict[str, int] = replica.jobs.catalog.read_json(replica.ended(name).outputs["table"], "sum.json")
    return value


def assert_bytes_lie_under_their_own_claim(replica: Replica, name: str) -> None:
    """What the dead worker left is not touched; the outputs are those of the last claim."""
    job = job_of(name)
    log = replica.jobs.find(name)
    for record in records(replica.store, job, Checkpoint):
        assert record.key.startswith(f"attempts/{job}/1/{record.claim}/")
    assert isinstance(log.state.terminal, Succeeded)
    for output in log.state.terminal.outputs:
        assert all(f"/1-{log.state.claim}/" in file.key for file in output.manifest.files)


def test_a_job_runs_and_its_outputs_are_published_with_units(replicas: Make) -> None:
    replica = replicas()
    view = replica.ended(replica.open("toy.count", n=4, hold_at=-1).name)
    assert view.state is Phase.SUCCEEDED
    manifest = replica.jobs.catalog.get(view.outputs["table"])
    assert [file.name for file in manifest.files] == ["sum.json", "table.parquet"]
    assert (manifest.file("table.parquet").rows, manifest.file("table.parquet").columns[0].unit) == (4, "1")
    assert manifest.producer.startswith("sensorforge ")
    assert not list(replica.store.list("open/"))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_workers_job_goes_on_at_its_checkpoint_with_the_same_result(
    replicas: Make, tmp_path: Path, how: signal.Signals
) -> None:
    replica = replicas()
    undisturbed = replica.open("toy.count", "whole", seed=7, n=9)
    gate, trace = tmp_path / "gate", tmp_path / "trace"
    view = replica.open("toy.count", seed=7, n=9, hold_at=5, gate=str(gate), trace=str(trace))
    pid = replica.pid(view.name)
    until(checkpointed(replica, view.name, 1), "a checkpoint is written")
    os.kill(pid, how)
    until(lambda: len(records(replica.store, job_of(view.name), Claim)) == 2, "another worker claims")
    gate.touch()
    assert result(replica, view.name) == result(replica, undisturbed.name)
    assert trace.read_text() == "2"
    assert_bytes_lie_under_their_own_claim(replica, view.name)
    assert len(records(replica.store, job_of(view.name), Released)) == (1 if how is signal.SIGTERM else 0)


def test_cancel_keep_publishes_the_best_so_far_and_discard_nothing(replicas: Make, tmp_path: Path) -> None:
    replica = replicas()
    gate = tmp_path / "gate"
    kept = replica.open("toy.count", "a", n=50, hold_at=3, gate=str(gate))
    thrown = replica.open("toy.count", "b", n=60, hold_at=3, gate=str(gate))
    for view in (kept, thrown):
        until(checkpointed(replica, view.name, 1), "a checkpoint is written")
    replica.jobs.cancel(thrown.name, "discard")
    assert replica.jobs.cancel(kept.name, "keep").state is Phase.CANCELLING
    assert replica.ended(thrown.name).state is Phase.CANCELLED
    assert replica.jobs.get(thrown.name).outputs == {}
    assert replica.ended(kept.name).state is Phase.CANCELLED
    assert result(replica, kept.name)["done"] == 3


def test_a_cancelled_job_whose_owner_is_dead_is_ended_by_the_taker(replicas: Make, tmp_path: Path) -> None:
    replica = replicas(slots=1)
    view = replica.open("toy.count", n=9, hold_at=0, gate=str(tmp_path / "never"))
    pid = replica.pid(view.name)
    os.kill(pid, signal.SIGSTOP)
    replica.jobs.cancel(view.name, "discard")
    os.kill(pid, signal.SIGKILL)
    assert replica.ended(view.name).state is Phase.CANCELLED
    assert len(records(replica.store, job_of(view.name), Claim)) == 2


def test_a_job_that_kills_its_workers_is_ended_at_the_third_claim(replicas: Make, tmp_path: Path) -> None:
    replica = replicas()
    view = replica.ended(replica.open("toy.die", deaths=str(tmp_path / "deaths")).name)
    assert view.failure is not None
    assert view.failure.reason == "WORKER_LOST"
    assert (tmp_path / "deaths").read_text() == "xx"


def test_a_stalled_main_loop_makes_the_worker_leave_and_another_finishes(replicas: Make, tmp_path: Path) -> None:
    replica = replicas()
    view = replica.ended(replica.open("toy.stall", marker=str(tmp_path / "marker")).name)
    assert view.state is Phase.SUCCEEDED
    assert len(records(replica.store, job_of(view.name), Claim)) == 2


def test_an_understood_failure_keeps_its_words_and_an_unknown_one_tells_nothing(replicas: Make) -> None:
    replica = replicas()
    refused, stumbled, quitter = (replica.open(f"toy.{name}", name) for name in ("refuse", "stumble", "quit"))
    failure = replica.ended(refused.name).failure
    assert failure is not None
    assert (failure.reason, failure.message, failure.remedy) == (
        "INVALID_REQUEST",
        "row 7 says 'abc'",
        "Correct row 7.",
    )
    assert (failure.kind, failure.metadata) == ("USAGE", {"row": "7"})
    failure = replica.ended(stumbled.name).failure
    assert failure is not None
    assert failure.reason == "INTERNAL"
    assert "secret" not in failure.message
    assert replica.ended(quitter.name).state is Phase.FAILED


def test_a_worker_over_its_memory_ends_the_job_with_the_numbers(replicas: Make) -> None:
    replica = replicas()
    failure = replica.ended(replica.open("toy.greedy").name).failure
    assert failure is not None
    assert failure.reason == "JOB_MEMORY_EXCEEDED"
    assert int(failure.metadata["used_mb"]) > int(failure.metadata["allowed_mb"]) == 300


def test_a_worker_over_its_time_ends_the_job_with_the_numbers(replicas: Make, tmp_path: Path) -> None:
    replica = replicas(job_s=0.5)
    failure = replica.ended(replica.open("toy.count", n=1, hold_at=0, gate=str(tmp_path / "never")).name).failure
    assert failure is not None
    assert failure.reason == "JOB_TIME_EXCEEDED"
    assert float(failure.metadata["allowed_s"]) == 0.5


def test_code_that_cannot_be_imported_fails_the_job_instead_of_looping(replicas: Make) -> None:
    replica = replicas()
    replica.dispatcher.supported = {("toy.broken", 1): "no_such_module:OPERATIONS"}
    failure = replica.ended(replica.open("toy.broken").name).failure
    assert failure is not None
    assert failure.reason == "INTERNAL"


def test_a_warm_spare_takes_the_next_job_and_is_used_once(replicas: Make) -> None:
    replica = replicas(warm=True, slots=1)
    spare = replica.executor._spare
    assert spare is not None
    until(lambda: spare.process is not None, "a spare is started")
    first = spare.process
    assert first is not None
    names = [replica.open("toy.count", f"r{n}", n=n).name for n in (1, 2)]
    assert [replica.ended(name).state for name in names] == [Phase.SUCCEEDED] * 2
    until(lambda: spare.process is not first, "the spare is replaced")


def test_the_next_spare_gets_ready_beside_the_job_and_takes_the_next(replicas: Make, tmp_path: Path) -> None:
    replica = replicas(warm=True, slots=1)
    spare, gate = replica.executor._spare, tmp_path / "gate"
    assert spare is not None
    first = replica.open("toy.count", "r1", n=2, hold_at=1, gate=str(gate)).name
    replica.pid(first)
    until(spare._waits, "a spare waits while the only slot is taken")
    assert spare.process is not None
    waiting = spare.process.pid
    second = replica.open("toy.count", "r2", n=3, hold_at=1, gate=str(tmp_path / "other gate")).name
    gate.touch()
    assert replica.pid(second) == waiting
    (tmp_path / "other gate").touch()
    assert [replica.ended(name).state for name in (first, second)] == [Phase.SUCCEEDED] * 2


def test_a_warm_worker_imports_one_stage_before_it_waits_and_the_others_when_told(store: ObjectStore) -> None:
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    arguments = ["--warm", "--operations", TOY, "--operations", "no_such_module:OPERATIONS"]
    worker = spawn(store.url, arguments, environment, piped=True)
    assert worker.stdin is not None
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    worker.stdin.write(f"{MORE}\n".encode())
    worker.stdin.close()
    assert worker.stdout.read() == b""
    assert worker.wait(30) == 1


def test_events_come_in_few_batches_however_fast_the_loop(replicas: Make) -> None:
    replica = replicas()
    view = replica.ended(replica.open("toy.count", n=400, eager=False).name)
    events = replica.jobs.find(view.name).state.events
    epochs = [event.body["epoch"] for event in events if event.kind == "epoch"]
    assert epochs == list(range(1, 401))
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert len(records(replica.store, job_of(view.name), Events)) <= 4


def test_two_workers_started_for_one_job_do_it_once(replicas: Make, store: ObjectStore) -> None:
    replica = replicas(slots=0)
    view = replica.open("toy.count", n=3)
    arguments = ["--job", job_of(view.name), "--run", "1", "--operations", TOY]
    workers = [spawn(store.url, arguments, replica.executor._environment) for _ in range(3)]
    codes = sorted(worker.wait(30) for worker in workers)
    assert codes == [0, 3, 3]
    assert len(records(store, job_of(view.name), Claim)) == 1
    assert replica.jobs.get(view.name).state is Phase.SUCCEEDED
