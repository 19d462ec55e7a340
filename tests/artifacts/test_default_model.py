"""One model is a machine's default; switching names the version seen; history only grows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.artifacts.catalog import Catalog
from services.artifacts.default_model import DefaultModel, DefaultModels
from services.artifacts.objects import ObjectStore
from services.chassis.errors import ErrorKind, SensorForgeError
from tests.artifacts.publishing import Publish


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(SensorForgeError) as refused:
        call()
    return refused.value.reason


@pytest.fixture
def defaults(catalog: Catalog) -> DefaultModels:
    return DefaultModels(catalog)


@pytest.fixture
def models(publish: Publish) -> list[str]:
    return [publish(kind="models", operation="refine.train", seed=number).name for number in range(3)]


def test_a_machine_begins_without_a_default(defaults: DefaultModels) -> None:
    assert defaults.current("pump-1") == DefaultModel()
    assert defaults.history("pump-1") == []


def test_a_switch_is_recorded_with_its_grounds(defaults: DefaultModels, models: list[str], publish: Publish) -> None:
    report = publish(kind="reports").name
    now, before = defaults.activate("pump-1", models[0], 0, actor="ann", reason="first model")
    assert (now.model, now.version, now.actor, now.reason) == (models[0], 1, "ann", "first model")
    assert before == DefaultModel()
    later, before = defaults.activate("pump-1", models[1], 1, actor="bo", comparison=report)
    assert before == now
    assert (later.version, later.comparison, later.reason) == (2, report, "activate")
    assert defaults.current("pump-1") == later
    assert defaults.history("pump-1") == [later, now]


def test_who_saw_an_older_version_is_told_the_newer_one(defaults: DefaultModels, models: list[str]) -> None:
    defaults.activate("pump-1", models[0], 0)
    for expected in (0, 2):
        with pytest.raises(SensorForgeError) as refused:
            defaults.activate("pump-1", models[1], expected)
        assert refused.value.reason == "DEFAULT_CHANGED"
        assert refused.value.kind is ErrorKind.CONFLICT
        assert refused.value.metadata == {"version": "1"}
    assert defaults.current("pump-1").model == models[0]


def test_switches_that_race_have_one_winner(reopen: Callable[[], ObjectStore], models: list[str]) -> None:
    start = threading.Barrier(3)

    def race(model: str) -> str:
        mine = DefaultModels(Catalog(reopen()))
        start.wait()
        try:
            mine.activate("pump-1", model, 0)
        except SensorForgeError as error:
            return error.reason
        return "won"

    with ThreadPoolExecutor(3) as pool:
        won = list(pool.map(race, models))
    assert sorted(won) == ["DEFAULT_CHANGED", "DEFAULT_CHANGED", "won"]
    current = DefaultModels(Catalog(reopen())).current("pump-1")
    assert (current.model, current.version) == (models[won.index("won")], 1)


def test_a_repeated_request_switches_once_and_gets_the_same_answer(defaults: DefaultModels, models: list[str]) -> None:
    first = defaults.activate("pump-1", models[0], 0, request_id="r-1")
    defaults.activate("pump-1", models[1], 1, request_id="r-2")
    assert defaults.activate("pump-1", models[0], 0, request_id="r-1") == first
    back = defaults.rollback("pump-1", 2, request_id="r-3")
    assert defaults.rollback("pump-1", 2, request_id="r-3") == back
    assert defaults.current("pump-1").version == 3


def test_a_rollback_is_one_more_switch(defaults: DefaultModels, models: list[str]) -> None:
    for version, model in enumerate(models):
        defaults.activate("pump-1", model, version)
    now, before = defaults.rollback("pump-1", 3, actor="ann")
    assert (now.model, now.version, now.reason, now.actor) == (models[1], 4, "rollback", "ann")
    assert before.model == models[2]
    now, _ = defaults.rollback("pump-1", 4, to_version=1)
    assert (now.model, now.version) == (models[0], 5)
    assert [entry.version for entry in defaults.history("pump-1")] == [5, 4, 3, 2, 1]
    assert reason_of(lambda: defaults.rollback("pump-1", 4)) == "DEFAULT_CHANGED"


def test_there_is_nothing_before_the_first(defaults: DefaultModels, models: list[str]) -> None:
    assert reason_of(lambda: defaults.rollback("pump-1", 0)) == "DEFAULT_NO_PREVIOUS"
    defaults.activate("pump-1", models[0], 0)
    for version in (0, 2, -1):
        assert reason_of(lambda v=version: defaults.rollback("pump-1", 1, v)) == "DEFAULT_NO_PREVIOUS"


def test_only_a_model_of_the_machine_can_be_its_default(
    defaults: DefaultModels, models: list[str], publish: Publish
) -> None:
    table = publish(kind="clean").name
    assert reason_of(lambda: defaults.activate("pump-1", table, 0)) == "MODEL_EXPECTED"
    assert reason_of(lambda: defaults.activate("pump-2", models[0], 0)) == "MODEL_EXPECTED"
    absent = "machines/pump-1/models/" + "0" * 64
    assert reason_of(lambda: defaults.activate("pump-1", absent, 0)) == "ARTIFACT_NOT_FOUND"
    assert reason_of(lambda: defaults.activate("../x", absent, 0)) == "MODEL_EXPECTED"
    assert reason_of(lambda: defaults.current("../x")) == "INVALID_REQUEST"


def test_the_default_and_all_it_was_made_from_cannot_be_deleted(
    defaults: DefaultModels, catalog: Catalog, publish: Publish
) -> None:
    raw = publish(kind="raw")
    merged = publish(kind="merged", parents={"table": raw.name})
    base = publish(kind="models", operation="refine.train", parents={"rows": merged.name})
    refined = publish(kind="models", operation="refine.refine", parents={"base": base.name})
    beside = publish(kind="reports", parents={"table": raw.name})
    defaults.activate("pump-1", refined.name, 0)
    for needed in (refined, base, merged, raw):
        with pytest.raises(SensorForgeError, match=refined.name) as refused:
            catalog.delete(needed.name)
        assert refused.value.reason == "ARTIFACT_IN_USE"
    catalog.delete(beside.name)

    defaults.activate("pump-1", base.name, 1)
    catalog.delete(refined.name)
    assert reason_of(lambda: catalog.delete(raw.name)) == "ARTIFACT_IN_USE"
    assert reason_of(lambda: defaults.rollback("pump-1", 2)) == "ARTIFACT_NOT_FOUND"


def test_a_default_of_another_machine_keeps_what_it_was_made_from(
    defaults: DefaultModels, catalog: Catalog, publish: Publish
) -> None:
    raw = publish(kind="raw")
    foreign = publish(machine="pump-2", kind="models", parents={"rows": raw.name})
    defaults.activate("pump-2", foreign.name, 0)
    assert reason_of(lambda: catalog.delete(raw.name)) == "ARTIFACT_IN_USE"


def test_a_model_deleted_during_the_switch_does_not_stay_the_default(
    local_catalog: Catalog, publish_locally: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = publish_locally(kind="models", seed=1).name
    doomed = publish_locally(kind="models", seed=2).name
    defaults = DefaultModels(local_catalog)
    defaults.activate("pump-1", kept, 0)
    get = local_catalog.get

    def deleted_right_after_the_question(name: str) -> object:
        manifest = get(name)
        if name == doomed:
            monkeypatch.setattr(local_catalog, "get", get)
            local_catalog.delete(doomed)
        return manifest

    monkeypatch.setattr(local_catalog, "get", deleted_right_after_the_question)
    assert reason_of(lambda: defaults.activate("pump-1", doomed, 1)) == "ARTIFACT_NOT_FOUND"
    assert (defaults.current("pump-1").model, defaults.current("pump-1").version) == (kept, 3)
