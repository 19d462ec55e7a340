"""Who gets a worker, and when: queues, suspicion on one's own clock, two replicas, unknown revisions."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from services.artifacts.catalog import Catalog
from services.artifacts.derivation import Derivation
from services.artifacts.objects import ObjectStore, StoreUnavailable
from services.jobs.assignment import Assignment
from services.jobs.attempt import Attempt
from services.jobs.dispatcher import Dispatcher
from services.jobs.engine import Jobs
from services.jobs.executor import Ended
from services.jobs.log import JobLog
from services.jobs.records import Claim, decode
from services.jobs.state import Phase
from tests.jobs.replica import SUPPORTED, Replica, until

Make = Callable[..., Replica]


class Bench:
    """An executor that starts nothing and remembers everything."""

    def __init__(self, slots: int = 1) -> None:
        self.slots = slots
        self.running: list[Assignment] = []
        self.gone: list[Ended] = []
        self.killed: list[str] = []

    def free(self) -> int:
        return self.slots - len(self.running)

    def start(self, assignment: Assignment) -> None:
        self.running.append(assignment)

    def ended(self) -> list[Ended]:
        gone, self.gone = self.gone, []
        return gone

    def kill(self, job: str, run: int) -> None:
        self.killed.append(job)

    def stop(self, grace: float) -> None:
        self.running.clear()

    def end(self, assignment: Assignment, code: int) -> None:
        self.running.remove(assignment)
        self.gone.append(Ended(assignment, code))


class Scene:
    """A dispatcher moved by hand, with a clock that stands still until told otherwise."""

    def __init__(self, store: ObjectStore, slots: int = 1) -> None:
        self.jobs = Jobs(store, Catalog(store))
        self.bench = Bench(slots)
        self.now = 0.0
        self.dispatcher = Dispatcher(self.jobs, self.bench, SUPPORTED, suspect_s=45.0, clock=lambda: self.now)

    def open(self, n: int = 0, operation: str = "toy.count", revision: int = 1) -> str:
        work = Derivation("m1", operation, revision, {}, {"n": n})
        self.jobs.start(work, caller="me", request_id=f"r{n}-{revision}")
        return work.digest()

    def claim(self, job: str, owner: str, after: int | None = None) -> Attempt:
        taken = Attempt.take(JobLog(self.jobs.store, job, 1), owner, after=after)
        assert taken is not None
        return taken

    def turn(self, later: float = 0.0) -> list[Assignment]:
        self.now += later
        self.dispatcher.turn()
        return list(self.bench.running)


@pytest.fixture
def scene(store: ObjectStore) -> Scene:
    return Scene(store)


def test_jobs_wait_for_a_slot_in_the_order_of_their_arrival(scene: Scene) -> None:
    first = scene.open(1)
    scene.turn()
    later = []
    for n in (2, 3, 4):
        later.append(scene.open(n))
        scene.turn()
    done = [first]
    assert [a.job for a in scene.bench.running] == [first]
    for expected in later:
        (current,) = scene.bench.running
        scene.jobs.cancel(f"machines/m1/jobs/{done[-1]}", "discard")
        scene.bench.end(current, 0)
        assert [a.job for a in scene.turn()] == [expected]
        done.append(expected)


def test_an_unknown_revision_or_operation_stays_pending(scene: Scene) -> None:
    scene.open(1, revision=2)
    scene.open(2, operation="other.stage")
    assert scene.turn(1000.0) == []


def test_another_owner_is_suspect_only_after_45_silent_seconds(scene: Scene) -> None:
    job = scene.open()
    owner = scene.claim(job, "elsewhere")
    assert scene.turn() == []
    assert scene.turn(44.0) == []
    owner.heartbeat([])
    assert scene.turn(2.0) == []
    assert scene.turn(44.9) == []
    (assignment,) = scene.turn(0.2)
    assert (assignment.job, assignment.after) == (job, 3)


def test_a_read_that_fails_resets_the_suspicion(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.claim(scene.open(), "elsewhere")
    scene.turn()
    scene.now += 60
    with monkeypatch.context() as broken:
        broken.setattr(type(scene.jobs.store), "list", _no_answer)
        with pytest.raises(StoreUnavailable):
            scene.dispatcher.turn()
    scene.dispatcher.forgive()
    assert scene.turn() == []
    assert scene.turn(44.0) == []
    assert len(scene.turn(2.0)) == 1


def _no_answer(*_: object, **__: object) -> object:
    raise StoreUnavailable("no answer")


def test_an_own_dead_worker_is_replaced_at_once(scene: Scene) -> None:
    job = scene.open()
    (assignment,) = scene.turn()
    scene.claim(job, assignment.owner)
    scene.turn()
    scene.bench.end(assignment, -9)
    (taker,) = scene.turn()
    assert (taker.job, taker.after) == (job, 2)
    assert taker.owner != assignment.owner


def test_an_own_dead_worker_that_had_lost_the_job_is_not_replaced(scene: Scene) -> None:
    job = scene.open()
    (assignment,) = scene.turn()
    scene.claim(job, assignment.owner)
    scene.claim(job, "elsewhere", after=2)
    scene.bench.end(assignment, -9)
    assert scene.turn() == []


def test_workers_that_die_before_they_claim_are_tried_ever_more_slowly(scene: Scene) -> None:
    scene.open()
    starts = 0
    for _ in range(600):  # a minute
        running = scene.turn(0.1)
        for assignment in running:
            starts += 1
            scene.bench.end(assignment, 1)
    assert 4 <= starts <= 10


def test_a_damaged_log_does_not_keep_the_others_from_their_workers(scene: Scene) -> None:
    scene.jobs.store.create(f"open/{'f' * 64}/1", b"")
    scene.jobs.store.create(f"jobs/{'f' * 64}/1/00000000.json", b"garbage")
    job = scene.open()
    assert [assignment.job for assignment in scene.turn()] == [job]


def test_an_own_worker_that_fell_silent_is_ended(scene: Scene) -> None:
    job = scene.open()
    (assignment,) = scene.turn()
    scene.claim(job, assignment.owner)
    scene.turn(1.0)
    scene.turn(46.0)
    assert scene.bench.killed == [job]


def test_two_replicas_do_a_job_once(replicas: Make, store: ObjectStore) -> None:
    one, two = replicas(), replicas()
    names = [one.open("toy.count", f"r{n}", n=n + 1).name for n in range(3)]
    two.dispatcher.wake()
    for name in names:
        assert one.ended(name).state is Phase.SUCCEEDED
        job = name.rpartition("/")[2]
        log = [decode(store.get(key), key) for key in store.list(f"jobs/{job}/")]
        assert sum(isinstance(record, Claim) for record in log) == 1


def test_another_replica_takes_over_when_a_whole_replica_is_gone(replicas: Make, tmp_path: Path) -> None:
    gone = replicas(slots=1)
    view = gone.open("toy.count", n=6, hold_at=2, gate=str(tmp_path / "gate"))
    pid = gone.pid(view.name)
    until(lambda: gone.jobs.find(view.name).refresh().checkpoint is not None, "a checkpoint is written")
    gone.executor.slots = 0  # it starts nothing again
    os.kill(pid, signal.SIGSTOP)
    heir = replicas(suspect_s=3.0)
    (tmp_path / "gate").touch()
    assert heir.ended(view.name).state is Phase.SUCCEEDED
    os.kill(pid, signal.SIGCONT)
    until(lambda: not gone.executor.pids, "the zombie has left")
    assert heir.jobs.get(view.name).state is Phase.SUCCEEDED


def test_a_stopping_replica_gives_its_jobs_back_and_another_goes_on(replicas: Make, tmp_path: Path) -> None:
    leaving = replicas()
    view = leaving.open("toy.count", n=6, hold_at=2, gate=str(tmp_path / "gate"))
    leaving.pid(view.name)
    until(lambda: leaving.jobs.find(view.name).refresh().checkpoint is not None, "a checkpoint is written")
    leaving.dispatcher.stop()
    assert leaving.jobs.get(view.name).state is Phase.PENDING
    (tmp_path / "gate").touch()
    assert replicas().ended(view.name).state is Phase.SUCCEEDED
