"""A run's models: which one it refines and is compared with, and which one is the default at its end."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from clients.sdk.errors import SensorForgeClientError
from clients.sdk.plan import Plan
from clients.sdk.workflow import (
    StepSkipped,
)
from clients.sdk.workflow.model_steps import how_it_came
from clients.sdk.workflow.session import RunSession
from sensorforge.common.v1 import job_pb2
from sensorforge.compare.v1 import compare_service_pb2
from sensorforge.mapping.v1 import mapping_service_pb2
from sensorforge.refine.v1 import refine_service_pb2
from tests.sdk.running import run, with_default


async def test_the_base_model_is_pinned_when_the_run_begins(gateway: Any, plan: Plan) -> None:
    with_default(gateway)
    await run(gateway, plan, until="merge")
    gateway.default = refine_service_pb2.DefaultModel(model="machines/pump/models/newer", version=4)
    report = await run(gateway, plan)
    assert gateway.spec("refinement").base_model == "machines/pump/models/old"
    assert report.outputs["original_model"] == "machines/pump/models/old"


async def test_refining_an_existing_model_needs_neither_seed_rows_nor_a_first_model(gateway: Any, plan: Plan) -> None:
    with_default(gateway)
    report = await run(gateway, plan)
    assert {"seed", "training", "activate"}.isdisjoint(gateway.operations())
    assert [step.step for step in report.steps if step.skipped] == ["seed", "activate"]


async def test_real_only_without_a_base_trains_from_scratch_and_has_no_original(gateway: Any, plan: Plan) -> None:
    report = await run(gateway, dataclasses.replace(plan, base="none"))
    assert "training" not in gateway.operations()
    assert gateway.spec("refinement").base_model == ""
    assert gateway.spec("comparison").seed_synthetic == ""
    assert gateway.operations().count("sampling") == 1
    assert gateway.default.model == report.outputs["refined_model"]
    assert gateway.default.reason == "first model"


async def test_a_run_from_scratch_is_still_compared_with_the_default_model(gateway: Any, plan: Plan) -> None:
    with_default(gateway)
    await run(gateway, dataclasses.replace(plan, base="none"))
    assert gateway.spec("refinement").base_model == ""
    assert gateway.spec("comparison").original_model == "machines/pump/models/old"


async def test_merging_makes_seed_rows_even_where_a_model_exists(gateway: Any, plan: Plan) -> None:
    with_default(gateway)
    report = await run(gateway, dataclasses.replace(plan, strategy="merge"))
    assert gateway.spec("merge").strategy == mapping_service_pb2.MERGE_STRATEGY_MERGE
    assert gateway.spec("merge").seed_rows == report.outputs["seeds"]
    assert "training" not in gateway.operations()


async def test_seed_rows_of_ones_own_are_read_and_mapped_first(gateway: Any, plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "seed.csv").write_text("TT_1,Strom\n1,2\n")
    report = await run(gateway, dataclasses.replace(plan, strategy="merge", seed_data=str(tmp_path / "seed.csv")))
    assert gateway.spec("seed").source == report.outputs["seed_source"]
    assert gateway.operations().count("upload") == 2


async def test_a_base_model_can_be_named_by_the_start_of_its_hash(gateway: Any, plan: Plan) -> None:
    with_default(gateway)
    await run(gateway, dataclasses.replace(plan, base="abc"))
    assert gateway.spec("refinement").base_model == "machines/pump/models/abc123"
    with pytest.raises(SensorForgeClientError, match="'zzz' names no model"):
        await run(gateway, dataclasses.replace(plan, base="zzz"))


async def test_a_model_that_meets_its_gates_is_activated_when_asked(gateway: Any, plan: Plan) -> None:
    with_default(gateway)
    report = await run(gateway, dataclasses.replace(plan, activate_if_pass=True))
    assert gateway.default.model == report.outputs["refined_model"]
    again = await run(gateway, dataclasses.replace(plan, activate_if_pass=True))
    assert again.all_reused
    assert gateway.operations().count("activate") == 1


async def test_a_model_that_misses_a_gate_is_not_activated(gateway: Any, plan: Plan) -> None:
    with_default(gateway)
    gateway.gate = compare_service_pb2.GATE_OUTCOME_FAIL
    events: list[Any] = []
    report = await run(gateway, dataclasses.replace(plan, activate_if_pass=True), events=events)
    assert report.steps[-1].skipped
    assert gateway.default.model == "machines/pump/models/old"
    assert isinstance(events[-1], StepSkipped)


async def test_activating_a_run_again_after_a_rollback_activates_it_again(gateway: Any, plan: Plan) -> None:
    with_default(gateway)
    report = await run(gateway, dataclasses.replace(plan, activate_if_pass=True))
    gateway.default = refine_service_pb2.DefaultModel(model="machines/pump/models/old", version=5)
    await run(gateway, dataclasses.replace(plan, activate_if_pass=True))
    assert gateway.default.model == "machines/pump/models/old"  # the run had its say; somebody decided otherwise
    session = await RunSession.reopen(gateway, report.run, lambda event: None)
    await session.activate_now(if_pass=True)
    assert gateway.default.model == report.outputs["refined_model"]


async def test_without_being_asked_an_existing_default_stays(gateway: Any, plan: Plan) -> None:
    with_default(gateway)
    report = await run(gateway, plan)
    assert gateway.default.version == 3
    assert "sensorforge activate" in report.steps[-1].consequence


async def test_seed_rows_of_ones_own_that_lack_sensors_are_spoken_of(gateway: Any, plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "seeds.csv").write_text("TT_1\n1\n")
    gateway.suggestions = [gateway.suggestions[1]]
    events: list[Any] = []
    own = dataclasses.replace(plan, seed_data=str(tmp_path / "seeds.csv"), strategy="merge")
    await run(gateway, own, events=events, until="seed")
    (told,) = [event.message for event in events if getattr(event, "code", "") == "SEED_FILE_INCOMPLETE"]
    assert "seeds.csv has no current_A" in told


async def test_another_run_that_was_first_keeps_its_default(gateway: Any, plan: Plan) -> None:
    raced = gateway.activate_model

    async def lose_the_race(machine: str, model: str, **words: Any) -> Any:
        with_default(gateway, "machines/pump/models/theirs")
        return await raced(machine, model, **words)

    gateway.activate_model = lose_the_race
    report = await run(gateway, plan)
    assert gateway.default.model == "machines/pump/models/theirs"
    assert gateway.spec("refinement").base_model == report.outputs["base_model"]


async def test_a_strategy_that_the_rows_do_not_suffice_for_is_refused_before_anything_is_trained(
    gateway: Any, plan: Plan
) -> None:
    gateway.failures["check_merge"] = job_pb2.Failure()
    with pytest.raises(SensorForgeClientError) as refused:
        await run(gateway, dataclasses.replace(plan, strategy="replace"))
    assert refused.value.exit_code == 5
    assert "seed" not in gateway.operations()
    assert "training" not in gateway.operations()


@pytest.mark.parametrize(
    ("origin", "epochs", "words"),
    [
        ("scratch", 100, "trained from scratch on the real rows"),
        ("refined", 12, "refined"),
        ("refined", 0, "is the base with its ranges fitted to the real rows: no training beat it"),
    ],
)
def test_a_model_is_told_by_how_it_came(origin: str, epochs: int, words: str) -> None:
    assert how_it_came(refine_service_pb2.Model(origin=origin, metrics={"epochs": epochs})) == words
