"""A run's steps: their order, what each is asked for, and what is told on the way."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from clients.sdk.errors import ExitCode, SensorForgeClientError
from clients.sdk.plan import AlignChoices, LifeChoices, Plan
from clients.sdk.workflow import (
    STEPS,
    EpochEvent,
    LinkLost,
    LinkRestored,
    NeedsReview,
    RunOpened,
    ServerQuiet,
    StepProgress,
    work,
)
from sensorforge.mapping.v1 import mapping_service_pb2
from tests.sdk.running import run

HAPPY = [
    "upload", "parse", "validation", "mapping", "validation", "cleaning", "transform", "seed", "training", "activate",
    "merge", "refinement", "sampling", "sampling", "augmentation", "comparison",
]  # fmt: skip


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
