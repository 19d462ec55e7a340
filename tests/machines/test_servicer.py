"""MachineService and RunService over a real local store."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
import pytest

from sensorforge.machines.v1 import machine_service_pb2, machines_pb2, run_service_pb2
from services.artifacts.catalog import Catalog
from services.artifacts.clock import utc_now
from services.artifacts.manifest import ArtifactFile, Manifest
from services.artifacts.opening import open_store
from services.artifacts.parquet import describe, write_table
from services.chassis.errors import SensorForgeError
from services.jobs.engine import Jobs
from services.jobs.stage import StageContext
from services.machines.examples import example
from services.machines.profile import parse_profile
from services.machines.servicer import MachineServicer, RunServicer


@pytest.fixture
def stage(tmp_path: Path) -> StageContext:
    store = open_store(str(tmp_path / "store"))
    catalog = Catalog(store)
    return StageContext(store, catalog, Jobs.__new__(Jobs))  # neither servicer starts jobs


async def test_a_registered_machine_is_returned_with_units_limits_and_notes(stage: StageContext) -> None:
    servicer = MachineServicer(stage)
    request = machine_service_pb2.RegisterMachineRequest(document=example("motor"), file_name="motor.yaml")
    registered = await servicer.RegisterMachine(request, None)  # type: ignore[arg-type]
    assert any("power_factor" in note for note in registered.notes)
    found = await servicer.GetMachine(machine_service_pb2.GetMachineRequest(name="machines/motor_55kw"), None)  # type: ignore[arg-type]
    assert found.machine == registered.machine
    sensor = next(s for s in found.machine.sensors if s.name == "bearing_de_temp_C")
    assert (sensor.unit, sensor.max, sensor.required) == ("°C", 110, True)
    assert found.machine.sampling_period_seconds == 60
    assert found.machine.default_model == ""


async def test_a_sensor_without_limits_has_them_unset_and_a_zero_limit_set(stage: StageContext) -> None:
    document = "machine_id: m\nsensors:\n  - {name: a, min: 0}\n"
    request = machine_service_pb2.RegisterMachineRequest(document=document)
    sensor = (await MachineServicer(stage).RegisterMachine(request, None)).machine.sensors[0]  # type: ignore[arg-type]
    assert sensor.HasField("min")
    assert not sensor.HasField("max")


async def test_validate_only_registers_nothing(stage: StageContext) -> None:
    servicer = MachineServicer(stage)
    request = machine_service_pb2.RegisterMachineRequest(document=example("pump"), validate_only=True)
    assert (await servicer.RegisterMachine(request, None)).machine.profile == ""  # type: ignore[arg-type]
    with pytest.raises(SensorForgeError):
        await servicer.GetMachine(machine_service_pb2.GetMachineRequest(name="machines/pump_p101"), None)  # type: ignore[arg-type]


async def test_machines_are_listed(stage: StageContext) -> None:
    servicer = MachineServicer(stage)
    for name in ("pump", "cnc"):
        request = machine_service_pb2.RegisterMachineRequest(document=example(name))
        await servicer.RegisterMachine(request, None)  # type: ignore[arg-type]
    page = await servicer.ListMachines(machine_service_pb2.ListMachinesRequest(page_size=1), None)  # type: ignore[arg-type]
    assert [machine.machine_id for machine in page.machines] == ["cnc_mill"]
    assert page.next_page_token


async def test_a_run_keeps_decisions_and_refuses_a_lost_race(stage: StageContext) -> None:
    servicer = RunServicer(stage)
    create = run_service_pb2.CreateRunRequest(machine="m", title="first", request_id="r1")
    run = (await servicer.CreateRun(create, None)).run  # type: ignore[arg-type]
    assert (await servicer.CreateRun(create, None)).existed  # type: ignore[arg-type]
    append = run_service_pb2.AppendDecisionRequest(
        name=run.name,
        decision=machines_pb2.Decision(step="upload", artifact="machines/m/raw/x"),
        expected_version=run.version,
        request_id="d1",
    )
    after = (await servicer.AppendDecision(append, None)).run  # type: ignore[arg-type]
    assert [decision.step for decision in after.decisions] == ["upload"]
    assert after.decisions[0].actor
    assert (await servicer.AppendDecision(append, None)).run.version == after.version  # type: ignore[arg-type]
    append.request_id = "d2"
    with pytest.raises(SensorForgeError) as caught:
        await servicer.AppendDecision(append, None)  # type: ignore[arg-type]
    assert caught.value.reason == "RUN_CHANGED"
    await servicer.DeleteRun(run_service_pb2.DeleteRunRequest(name=run.name), None)  # type: ignore[arg-type]
    assert not (await servicer.ListRuns(run_service_pb2.ListRunsRequest(machine="m"), None)).runs  # type: ignore[arg-type]


async def test_a_profile_is_drafted_from_a_parsed_table_and_registers_nothing(
    stage: StageContext, tmp_path: Path
) -> None:
    path = tmp_path / "table.parquet"
    rows = pl.DataFrame(
        {"source_row": range(40), "oil_temp": [50.0 + i % 9 for i in range(40)], "failure": [0, 1] * 20}
    )
    write_table(path, rows, units={"oil_temp": "°C"})
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    key = f"clean/m/{digest}/0/table.parquet"
    stage.store.put_file(key, path)
    count, columns = describe(path)
    file = ArtifactFile("table.parquet", key, digest, len(data), "application/vnd.apache.parquet", count, columns)
    manifest = Manifest("m", "clean", digest, "test.made", 1, {}, {}, 0, "test", (file,), utc_now())
    table = stage.catalog.publish(manifest).name
    servicer = MachineServicer(stage)
    request = machine_service_pb2.DraftProfileRequest(table=table, machine_id="pump-7")
    drafted = await servicer.DraftProfile(request, None)  # type: ignore[arg-type]
    profile, _ = parse_profile(drafted.document, "draft.yaml")
    assert profile.machine_id == "pump-7"
    assert [(s.name, s.unit) for s in profile.sensors] == [("oil_temp", "°C")]
    assert "flags failures" in drafted.document
    listed = await servicer.ListMachines(machine_service_pb2.ListMachinesRequest(), None)  # type: ignore[arg-type]
    assert not listed.machines
