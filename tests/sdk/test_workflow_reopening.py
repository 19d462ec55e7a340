"""A run given again: what is reused, what has become stale, and what its journal keeps."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from clients.sdk.errors import SensorForgeClientError
from clients.sdk.plan import ColumnChoice, JoinChoices, Plan
from clients.sdk.workflow import (
    EpochEvent,
    StepDone,
)
from clients.sdk.workflow.session import RunSession
from sensorforge.common.v1 import job_pb2
from tests.sdk.running import run, with_default


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
