"""The run state machine: order, specs, resume, base model, strategy, activation."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from clients.sdk.errors import ExitCode, SensorForgeClientError
from clients.sdk.plan import AlignChoices, ColumnChoice, JoinChoices, LifeChoices, Plan
from clients.sdk.workflow import (
    STEPS,
    EpochEvent,
    LinkLost,
    LinkRestored,
    NeedsReview,
    RunOpened,
    ServerQuiet,
    StepDone,
    StepProgress,
    StepSkipped,
    work,
)
from clients.sdk.workflow.session import RunReport, RunSession
from sensorforge.common.v1 import job_pb2
from sensorforge.compare.v1 import compare_service_pb2
from sensorforge.mapping.v1 import mapping_service_pb2
from sensorforge.refine.v1 import refine_service_pb2

HAPPY = [
    "upload", "parse", "validation", "mapping", "validation", "cleaning", "transform", "seed", "training", "activate",
    "merge", "refinement", "sampling", "sampling", "augmentation", "comparison",
]  # fmt: skip


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "data.csv").write_text("time,TT_1,Strom,note\n1,2,3,x\n")
    (tmp_path / "pump.yaml").write_text("machine_id: pump\nsensors: [{name: bearing_temp_C}]\n")
    return Plan(files=(str(tmp_path / "data.csv"),), profile=str(tmp_path / "pump.yaml"))


async def run(
    gateway: Any, plan: Plan, *, events: list[Any] | None = None, until: Any = None, **words: Any
) -> RunReport:
    told = events if events is not None else []
    session = await RunSession.open(gateway, plan, told.append, **words)
    return await session.run(until)


def with_default(gateway: Any, model: str = "machines/pump/models/old") -> None:
    gateway.default = refine_service_pb2.DefaultModel(model=model, version=3)


async def test_a_new_machine_goes_through_all_steps_and_its_first_model_becomes_the_default(
    gateway: Any, plan: Plan
) -> None:
    events: list[Any] = []
    report = await run(gateway, plan, events=events)
    assert gateway.operations() == HAPPY
    assert [step.step for step in report.steps] == list(STEPS)
    assert gateway.spec("activate") == "first model"
    assert gateway.default.model == report.outputs["original_model"] != report.outputs["refined_model"]
    assert gateway.spec("refinement").base_model == report.outputs["original_model"]
    assert isinstance(events[0], RunOpened)
    assert any(isinstance(event, EpochEvent) for event in events)
    assert any(isinstance(event, StepProgress) for event in events)


async def test_each_spec_names_the_outcome_of_the_step_before(gateway: Any, plan: Plan) -> None:
    outputs = (await run(gateway, plan)).outputs
    assert gateway.spec("mapping").table == outputs["parsed"]
    assert gateway.spec("cleaning").table == outputs["mapped"]
    assert gateway.spec("transform").table == outputs["cleaned"]
    assert gateway.spec("merge").table == outputs["transformed"]
    assert gateway.spec("refinement").rows == outputs["merged"]
    assert gateway.spec("augmentation").model == outputs["refined_model"]
    compared = gateway.spec("comparison")
    assert (compared.table, compared.refined_synthetic) == (outputs["transformed"], outputs["refined_rows"])
    assert (compared.seed_synthetic, compared.original_model) == (outputs["original_rows"], outputs["original_model"])
    assert all(spec.profile for name, spec in gateway.calls if name in ("mapping", "merge", "refinement", "comparison"))


async def test_the_same_command_again_is_the_same_run_and_does_nothing(gateway: Any, plan: Plan) -> None:
    first = await run(gateway, plan)
    decisions = len(gateway.runs[first.run].decisions)
    events: list[Any] = []
    second = await run(gateway, plan, events=events)
    assert second.run == first.run
    assert second.outputs == first.outputs
    assert second.all_reused
    assert events[0].resumed
    assert all(event.reused for event in events if isinstance(event, StepDone))
    assert gateway.operations().count("upload") == 1
    assert len(gateway.runs[first.run].decisions) == decisions


async def test_a_failed_step_ends_the_run_and_the_same_command_goes_on_there(gateway: Any, plan: Plan) -> None:
    gateway.failures["refinement"] = job_pb2.Failure(reason="WORKER_LOST", message="twice", kind=1)
    with pytest.raises(SensorForgeClientError) as caught:
        await run(gateway, plan)
    assert caught.value.reason == "WORKER_LOST"
    gateway.failures.clear()
    report = await run(gateway, plan)
    reused = {step.step: step.reused for step in report.steps if not step.skipped}
    assert reused["merge"]
    assert not reused["refine"]


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


async def test_a_file_that_fails_validation_is_input_rejected(gateway: Any, plan: Plan) -> None:
    gateway.validation = {
        "file_name": "data.csv",
        "validation_passed": False,
        "errors": [{"code": "rows_too_few", "message": "99 rows; at least 100 are needed."}],
        "warnings": [],
    }
    with pytest.raises(SensorForgeClientError, match=r"data\.csv.*99 rows") as caught:
        await run(gateway, plan)
    assert caught.value.exit_code == ExitCode.INPUT_REJECTED
    assert caught.value.reason == "ROWS_TOO_FEW"


async def test_a_doubtful_required_column_stops_before_anything_is_mapped(
    gateway: Any, plan: Plan, suggestion: Any
) -> None:
    gateway.suggestions[1] = suggestion("TT_1", "sensor", "bearing_temp_C", mapping_service_pb2.TIER_REVIEW)
    events: list[Any] = []
    with pytest.raises(SensorForgeClientError) as caught:
        await run(gateway, plan, events=events)
    assert caught.value.exit_code == ExitCode.NEEDS_REVIEW
    assert "mapping" not in gateway.operations()
    assert isinstance(events[-1], NeedsReview)


async def test_until_stops_after_its_step(gateway: Any, plan: Plan) -> None:
    report = await run(gateway, plan, until="clean")
    assert report.steps[-1].step == "clean"
    assert gateway.operations()[-1] == "cleaning"


async def test_detached_returns_while_training_runs_and_reopening_carries_on(gateway: Any, plan: Plan) -> None:
    with_default(gateway)
    report = await run(gateway, plan, detach=True)
    assert report.detached_step == "refine"
    assert gateway.operations()[-1] == "refinement"
    session = await RunSession.reopen(gateway, report.run, lambda event: None)
    finished = await session.run()
    assert "report" in finished.outputs
    assert {step.step for step in finished.steps if step.reused} >= {"validate", "map", "clean", "transform", "merge"}


async def test_joined_rows_stay_joined_when_the_same_command_is_given_again(gateway: Any, plan: Plan) -> None:
    first = await run(gateway, plan, until="clean")
    join = JoinChoices(("machines/pump/processed/other",), 60)
    session = await RunSession.reopen(
        gateway, first.run, lambda event: None, change=lambda plan: dataclasses.replace(plan, join=join)
    )
    await session.step("map")
    assert "clean" in session.stale
    joined = session.work.outputs["mapped"]
    assert gateway.spec("join").table == first.outputs["mapped"] != joined
    again = await run(gateway, plan, until="clean")
    assert (again.run, again.outputs["mapped"]) == (first.run, joined)
    assert gateway.spec("cleaning").table == joined


async def test_a_plan_that_was_tried_and_refused_is_taken_back(gateway: Any, plan: Plan) -> None:
    with_default(gateway)
    session = await RunSession.open(gateway, plan, lambda event: None)
    await session.run()
    await session.try_out(dataclasses.replace(session.work.plan, where="a[ > 3"))
    assert "augment" in session.stale
    gateway.failures["augmentation"] = job_pb2.Failure(
        reason="WHERE_INVALID", message="no", kind=job_pb2.ERROR_KIND_INPUT
    )
    with pytest.raises(SensorForgeClientError, match="no"):
        await session.step("augment")
    assert session.work.plan.where == ""
    assert not session.stale


async def test_seed_rows_of_ones_own_that_lack_sensors_are_spoken_of(gateway: Any, plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "seeds.csv").write_text("TT_1\n1\n")
    gateway.suggestions = [gateway.suggestions[1]]
    events: list[Any] = []
    own = dataclasses.replace(plan, seed_data=str(tmp_path / "seeds.csv"), strategy="merge")
    await run(gateway, own, events=events, until="seed")
    (told,) = [event.message for event in events if getattr(event, "code", "") == "SEED_FILE_INCOMPLETE"]
    assert "seeds.csv has no current_A" in told


async def test_a_step_that_is_made_anew_in_the_background_has_no_outcome_yet(gateway: Any, plan: Plan) -> None:
    with_default(gateway)
    first = await run(gateway, plan)
    session = await RunSession.reopen(gateway, first.run, lambda event: None)
    report = session.report(detached_job="machines/pump/jobs/1", detached_step="refine")
    assert "merged" in report.outputs
    assert not {"refined_model", "sets", "report"} & set(report.outputs)


async def test_a_run_goes_on_to_the_furthest_step_that_was_asked_for(gateway: Any, plan: Plan) -> None:
    with_default(gateway)
    opened = await RunSession.open(gateway, plan, lambda event: None, until="upload")
    await opened.run("upload")
    session = await RunSession.reopen(gateway, opened.name, lambda event: None)
    assert session.until == "upload"
    for step in ("validate", "map", "clean"):
        await session.step(step)
    assert session.until == "clean"
    whole = await run(gateway, dataclasses.replace(plan, epochs=3))
    assert (await RunSession.reopen(gateway, whole.run, lambda event: None)).until is None


async def test_a_cleaning_that_drops_many_rows_says_so(gateway: Any, plan: Plan) -> None:
    counted = gateway.get_artifact

    async def shrunk(name: str) -> Any:
        found = await counted(name)
        for file in found.files:
            file.rows = file.rows // 10 if "/clean/" in name else file.rows
        return found

    gateway.get_artifact = shrunk
    events: list[Any] = []
    await run(gateway, plan, events=events, until="clean")
    assert any(getattr(event, "code", "") == "MANY_ROWS_DROPPED" for event in events)


async def test_a_reopened_run_knows_its_plan_and_its_outputs(gateway: Any, plan: Plan) -> None:
    report = await run(gateway, dataclasses.replace(plan, epochs=7), until="transform")
    session = await RunSession.reopen(gateway, report.run, lambda event: None)
    assert session.work.plan.epochs == 7
    assert session.work.outputs == report.outputs
    await session.step("merge")
    with pytest.raises(SensorForgeClientError, match="`train`"):
        await session.step("refine")


async def test_reopening_and_running_a_run_leaves_its_journal_as_it_was(gateway: Any, plan: Plan) -> None:
    report = await run(gateway, plan)
    before = len(gateway.runs[report.run].decisions)
    for _ in range(2):
        session = await RunSession.reopen(gateway, report.run, lambda event: None)
        assert (await session.run()).outputs == report.outputs
    assert len(gateway.runs[report.run].decisions) == before


async def test_an_earlier_step_decided_anew_makes_the_later_ones_stale(gateway: Any, plan: Plan) -> None:
    report = await run(gateway, plan, until="merge")

    def drop_current(old: Plan) -> Plan:
        return dataclasses.replace(old, mapping=(ColumnChoice("Strom", "ignore"),))

    session = await RunSession.reopen(gateway, report.run, lambda event: None, change=drop_current)
    await session.step("map")
    assert session.work.outputs["mapped"] != report.outputs["mapped"]
    assert "cleaned" not in session.work.outputs
    assert set(session.stale) == {"clean", "transform", "seed", "train", "merge"}
    later = await RunSession.reopen(gateway, report.run, lambda event: None)
    assert "merged" not in later.work.outputs
    assert later.work.outputs["mapped"] == session.work.outputs["mapped"]


async def test_a_choice_changed_after_its_step_makes_the_step_stale_when_the_run_is_opened_again(
    gateway: Any, plan: Plan
) -> None:
    report = await run(gateway, plan, until="merge")
    changed = dataclasses.replace(plan, mapping=(ColumnChoice("Strom", "ignore"),))
    await RunSession.reopen(gateway, report.run, lambda event: None, change=lambda old: changed)
    again = await RunSession.reopen(gateway, report.run, lambda event: None)
    assert set(again.stale) == {"map", "clean", "transform", "seed", "train", "merge"}
    assert "parsed" in again.work.outputs
    assert "mapped" not in again.work.outputs


async def test_a_choice_taken_back_makes_nothing_stale(gateway: Any, plan: Plan) -> None:
    report = await run(gateway, plan, until="merge")
    changed = dataclasses.replace(plan, strategy="merge")
    for choice in (changed, plan):
        session = await RunSession.reopen(gateway, report.run, lambda event: None, change=lambda old, c=choice: c)
    assert session.stale == ()


async def test_opening_the_same_files_goes_on_with_what_was_decided(gateway: Any, plan: Plan) -> None:
    report = await run(gateway, plan, until="map")
    decided = dataclasses.replace(plan, mapping=(ColumnChoice("Strom", "ignore"),))
    await RunSession.reopen(gateway, report.run, lambda event: None, change=lambda old: decided)
    again = await RunSession.open(gateway, plan, lambda event: None, go_on=True)
    assert again.name == report.run
    assert again.work.plan.mapping == decided.mapping


async def test_a_quiet_server_is_told_apart_from_a_lost_link(
    gateway: Any, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "QUIET_S", 0.01)
    watch = gateway.watch_job

    async def slowly(name: str, **asked: Any) -> AsyncIterator[Any]:
        assert asked["heartbeats"]
        async for event in watch(name, **asked):
            if event.WhichOneof("event") == "final":
                await asyncio.sleep(0.05)
            yield event

    gateway.watch_job = slowly
    events: list[Any] = []
    await run(gateway, plan, events=events, until="upload")
    quiet = [event for event in events if isinstance(event, ServerQuiet)]
    assert quiet
    assert any(isinstance(event, LinkRestored) for event in events[events.index(quiet[-1]) :])
    assert not any(isinstance(event, LinkLost) for event in events)


async def test_the_journal_keeps_the_decided_mapping(gateway: Any, plan: Plan) -> None:
    report = await run(gateway, plan, until="map")
    session = await RunSession.reopen(gateway, report.run, lambda event: None)
    entry = session.work.journal.latest("map")
    assert entry is not None
    assert {"column": "TT_1", "role": "sensor", "sensor": "bearing_temp_C", "unit": ""} in entry.draft["columns"]


async def test_epochs_of_finished_training_are_told_again_on_request(gateway: Any, plan: Plan) -> None:
    report = await run(gateway, plan)
    events: list[Any] = []
    session = await RunSession.reopen(gateway, report.run, events.append, replay=True)
    await session.step("refine")
    assert any(isinstance(event, EpochEvent) for event in events)


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


async def test_a_failure_log_is_read_on_its_own_and_given_to_the_transformation(
    gateway: Any, plan: Plan, tmp_path: Path
) -> None:
    log = tmp_path / "failures.csv"
    log.write_text("unit,failed\nR1,2024-01-01\n")
    life = LifeChoices(failure_log=str(log), log_time_column="failed", failure_kinds=("bearing",))
    first = await run(gateway, dataclasses.replace(plan, life=life), until="transform")
    spec = gateway.spec("transform")
    assert spec.failure_log.startswith("machines/pump/clean/")
    assert spec.failure_log != spec.table
    assert (spec.failure_log_options.time_column, list(spec.failure_log_options.kinds)) == ("failed", ["bearing"])
    log.write_text("unit,failed\nR1,2024-01-02\n")
    other = await run(gateway, dataclasses.replace(plan, life=life), until="transform")
    assert other.run != first.run, "another log is another run, wherever it lies"


async def test_alignment_reaches_the_mapping(gateway: Any, plan: Plan) -> None:
    await run(gateway, dataclasses.replace(plan, align=AlignChoices("slowest", 30)), until="map")
    assert (gateway.spec("mapping").align.rows, gateway.spec("mapping").align.tolerance_seconds) == ("slowest", 30)


async def test_a_choice_that_names_what_is_not_there_is_not_kept(gateway: Any, plan: Plan) -> None:
    opened = await RunSession.open(gateway, plan, lambda event: None)
    await opened.run("map")

    def wrong(before: Plan) -> Plan:
        return dataclasses.replace(before, mapping=(ColumnChoice("XX", sensor="current_A"),))

    session = await RunSession.reopen(gateway, opened.name, lambda event: None, change=wrong)
    with pytest.raises(SensorForgeClientError) as refused:
        await session.step("map")
    assert refused.value.reason == "COLUMN_UNKNOWN"
    again = await RunSession.reopen(gateway, opened.name, lambda event: None)
    assert again.work.plan.mapping == ()
    await again.step("map")
