"""A run is what its decisions say, in order, once each; the same request is the same run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.artifacts.objects import ObjectStore
from services.artifacts.runs import ANY_VERSION, Decision, Runs
from services.chassis.errors import ErrorKind, SensorForgeError


@pytest.fixture
def runs(store: ObjectStore) -> Runs:
    return Runs(store)


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(SensorForgeError) as refused:
        call()
    return refused.value.reason


def test_the_same_request_is_the_same_run(runs: Runs) -> None:
    run, existed = runs.create("pump-1", "March", "r-1", actor="ann")
    assert not existed
    assert (run.title, run.version, run.decisions, run.deleted) == ("March", 1, (), False)
    assert runs.create("pump-1", "another title", "r-1") == (run, True)
    assert runs.create("pump-1", "March", "r-2")[0].name != run.name
    assert runs.create("pump-2", "March", "r-1")[0].name != run.name
    assert runs.get(run.name) == run


def test_creations_of_one_run_that_race_are_one_run(reopen: Callable[[], ObjectStore]) -> None:
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda _: Runs(reopen()).create("pump-1", "March", "r-1"), range(3)))
    assert {run.name for run, _ in made} == {made[0][0].name}
    assert [existed for _, existed in made].count(False) == 1
    assert len(Runs(reopen()).list("pump-1")[0]) == 1


def test_decisions_are_kept_in_order_with_who_and_when(runs: Runs) -> None:
    run, _ = runs.create("pump-1", "", "r-1")
    run = runs.append(run.name, Decision("upload", artifact="machines/pump-1/raw/0", actor="ann"), 1, "d-1")
    run = runs.append(run.name, Decision("map", draft_json='{"a": "b"}', job="j"), run.version, "d-2")
    assert [decision.step for decision in run.decisions] == ["upload", "map"]
    assert run.decisions[0].actor == "ann"
    assert run.decisions[1].draft_json == '{"a": "b"}'
    assert run.decisions[0].created <= run.decisions[1].created
    assert run.version == 3
    assert runs.get(run.name) == run


def test_a_decision_on_an_older_state_is_refused_with_the_newer_version(runs: Runs) -> None:
    run, _ = runs.create("pump-1", "", "r-1")
    runs.append(run.name, Decision("upload"), 1)
    with pytest.raises(SensorForgeError) as refused:
        runs.append(run.name, Decision("map"), 1)
    assert refused.value.reason == "RUN_CHANGED"
    assert refused.value.kind is ErrorKind.CONFLICT
    assert refused.value.metadata == {"version": "2"}
    assert len(runs.get(run.name).decisions) == 1
    assert runs.append(run.name, Decision("map"), ANY_VERSION).version == 3


def test_a_repeated_decision_is_one_whatever_happened_since(runs: Runs) -> None:
    run, _ = runs.create("pump-1", "", "r-1")
    runs.append(run.name, Decision("upload"), 1, "d-1")
    runs.append(run.name, Decision("map"), 2, "d-2")
    again = runs.append(run.name, Decision("upload"), 1, "d-1")
    assert [decision.step for decision in again.decisions] == ["upload", "map"]
    runs.append(run.name, Decision("map"), 3)
    runs.append(run.name, Decision("map"), 4)
    assert len(runs.get(run.name).decisions) == 4


def test_decisions_that_race_at_any_version_are_all_kept(reopen: Callable[[], ObjectStore]) -> None:
    run, _ = Runs(reopen()).create("pump-1", "", "r-1")

    def decide(number: int) -> None:
        Runs(reopen()).append(run.name, Decision(f"step-{number}"), ANY_VERSION, f"d-{number}")

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(decide, range(3)))
    assert {decision.step for decision in Runs(reopen()).get(run.name).decisions} == {f"step-{n}" for n in range(3)}


def test_lists_are_newest_first_by_machine_or_of_all(runs: Runs) -> None:
    made = [runs.create(f"pump-{number % 2}", str(number), f"r-{number}")[0].title for number in range(5)]
    assert [run.title for run in runs.list()[0]] == made[::-1]
    assert [run.title for run in runs.list("pump-0")[0]] == ["4", "2", "0"]
    page, token = runs.list(page_size=2)
    rest, end = runs.list(page_size=10, page_token=token)
    assert [run.title for run in page + rest] == made[::-1]
    assert end == ""
    assert runs.list("pump-9") == ([], "")


def test_a_deleted_run_is_hidden_and_takes_no_more_decisions(runs: Runs) -> None:
    kept, _ = runs.create("pump-1", "kept", "r-1")
    gone, _ = runs.create("pump-1", "gone", "r-2")
    runs.delete(gone.name)
    runs.delete(gone.name)
    assert [run.title for run in runs.list("pump-1")[0]] == ["kept"]
    assert [run.title for run in runs.list()[0]] == ["kept"]
    assert runs.get(gone.name).deleted
    assert reason_of(lambda: runs.append(gone.name, Decision("map"), ANY_VERSION)) == "RUN_NOT_FOUND"
    assert runs.get(kept.name).version == 1


def test_what_is_no_run_is_not_found(runs: Runs) -> None:
    for name in ("", "machines/pump-1/runs/" + "0" * 32, "machines/pump-1/runs/x", "machines/pump-1/raw/" + "0" * 64):
        assert reason_of(lambda name=name: runs.get(name)) == "RUN_NOT_FOUND"
        assert reason_of(lambda name=name: runs.delete(name)) == "RUN_NOT_FOUND"
        assert reason_of(lambda name=name: runs.append(name, Decision("map"), -1)) == "RUN_NOT_FOUND"
    assert reason_of(lambda: runs.create("pump-1", "", "")) == "INVALID_REQUEST"
    assert reason_of(lambda: runs.create("Pump 1", "", "r")) == "INVALID_REQUEST"
    assert reason_of(lambda: runs.list("pump-1", page_token="../x")) == "INVALID_REQUEST"
    assert reason_of(lambda: runs.list("pump-1", page_size=-5)) == "INVALID_REQUEST"
