"""Appending when replies lie: errors for writes that landed, silence, rivals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.artifacts.objects import ObjectStore, StoreUnavailable
from services.jobs.attempt import Attempt, Fenced
from services.jobs.log import JobLog
from services.jobs.records import Claim, Event, Opened, Record

JOB = "a" * 64


class Unreliable:
    """A store of which single creates go wrong: `lose` before or after they land, as often as said."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.lose_after = 0
        self.lose_before = 0
        self.sent: list[tuple[str, bytes]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def create(self, key: str, data: bytes) -> None:
        self.sent.append((key, data))
        if self.lose_before:
            self.lose_before -= 1
            raise StoreUnavailable("lost")
        self._store.create(key, data)
        if self.lose_after:
            self.lose_after -= 1
            raise StoreUnavailable("lost")


@pytest.fixture
def log(store: ObjectStore) -> JobLog:
    job_log = JobLog(Unreliable(store), JOB, 1, wait=lambda _: None)  # type: ignore[arg-type]
    opened = Opened(derivation={"machine": "m1", "operation": "toy.count", "revision": 1})
    job_log.append(lambda state: opened if state.opened is None else None)
    return job_log


def unreliable(log: JobLog) -> Unreliable:
    return log._store  # type: ignore[return-value]


@pytest.mark.parametrize("fault", ["lose_before", "lose_after"])
def test_an_unknown_outcome_is_asked_again_with_the_same_bytes_at_the_same_slot(log: JobLog, fault: str) -> None:
    setattr(unreliable(log), fault, 1)
    attempt = Attempt.take(log, "me")
    assert attempt is not None
    assert attempt.claim == 1
    assert len(set(unreliable(log).sent[1:])) == 1
    assert len(unreliable(log).sent[1:]) == 2
    assert log.refresh().next_slot == 2


def test_a_lost_race_is_decided_again_on_what_the_winner_wrote(log: JobLog, store: ObjectStore) -> None:
    asked: list[int] = []

    def decide(state: Any) -> Record | None:
        asked.append(state.next_slot)
        if len(asked) == 1:  # a rival is faster
            assert Attempt.take(JobLog(store, JOB, 1), "rival") is not None
        return None if state.claim is not None else Claim(owner="me")

    assert log.append(decide) is None
    assert asked == [1, 2]
    assert log.state.owner == "rival"


def test_patience_ends_and_says_that_the_outcome_is_unknown(log: JobLog) -> None:
    unreliable(log).lose_before = 10**9
    with pytest.raises(StoreUnavailable):
        log.append(lambda _: Claim(owner="me"), patience=0.2)


def test_a_takeover_starts_over_when_the_owner_wrote_first(log: JobLog, store: ObjectStore) -> None:
    owner = Attempt.take(JobLog(store, JOB, 1), "owner")
    assert owner is not None
    seen = log.refresh().next_slot
    owner.heartbeat([Event("warning", {"code": "ALIVE"})])
    assert Attempt.take(log, "taker", after=seen) is None
    assert Attempt.take(log, "taker", after=log.state.next_slot) is not None


@pytest.mark.parametrize(
    "write",
    [
        lambda a: a.heartbeat([]),
        lambda a: a.checkpoint("k", "s"),
        lambda a: a.release(),
        lambda a: a.finish(lambda mode: ()),
    ],
)
def test_a_zombie_meets_the_newer_claim_and_leaves(
    log: JobLog, store: ObjectStore, write: Callable[[Attempt], object]
) -> None:
    zombie = Attempt.take(log, "zombie")
    assert zombie is not None
    assert Attempt.take(JobLog(store, JOB, 1), "taker", after=2) is not None
    with pytest.raises(Fenced):
        write(zombie)
    assert log.refresh().owner == "taker"
    assert log.state.next_slot == 3
