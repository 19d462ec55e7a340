"""MappingService over a real socket: proposals, memory, idempotent starts and refusals as clients see them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from sensorforge.mapping.v1 import mapping_service_pb2 as pb
from sensorforge.mapping.v1 import mapping_service_pb2_grpc as pb_grpc
from services.artifacts.catalog import Catalog
from services.artifacts.derivation import Derivation
from services.artifacts.opening import open_store
from services.chassis.server import Service, serve
from services.chassis.settings import ServerSettings
from services.jobs.engine import Jobs
from services.jobs.stage import StageContext
from services.jobs.testing import run_operation
from services.machines.registry import Machines
from services.mapping.stage import STAGE
from tests.mapping.test_operations import PROFILE, TRANSFORM, parsed_table, publish


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    store = open_store(str(tmp_path / "store"))
    catalog = Catalog(store)
    Machines(store, catalog).register(PROFILE)
    return catalog


@pytest.fixture
async def stub(catalog: Catalog) -> AsyncIterator[pb_grpc.MappingServiceAsyncStub]:
    stop = asyncio.Event()
    endpoint: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    ctx = StageContext(catalog.store, catalog, Jobs(catalog.store, catalog, supported=list(STAGE.revisions.items())))

    async def ready() -> bool:
        return True

    async def announce(address: str) -> None:
        endpoint.set_result(address)

    service = Service(STAGE.service_names, lambda server: STAGE.register(server, ctx), ready)
    task = asyncio.create_task(
        serve([service], ServerSettings(listen="127.0.0.1:0", drain_seconds=5.0), on_ready=announce, stop=stop)
    )
    await asyncio.wait({task, endpoint}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    async with grpc.aio.insecure_channel(endpoint.result()) as channel:
        yield pb_grpc.MappingServiceStub(channel)
    stop.set()
    await task


def reason_of(error: grpc.RpcError) -> str:
    info = error_details_pb2.ErrorInfo()
    for detail in rpc_status.from_call(error).details:
        if detail.Unpack(info):
            return str(info.reason)
    raise AssertionError("no ErrorInfo")


COLUMNS = [
    pb.ColumnMapping(column="Time", role="timestamp"),
    pb.ColumnMapping(column="OilTemp", role="sensor", sensor="oil_temp", source_unit="°C"),
    pb.ColumnMapping(column="Load", role="ignore"),
    pb.ColumnMapping(column="On", role="ignore"),
    pb.ColumnMapping(column="Note", role="ignore"),
]


async def test_a_table_gets_a_proposal(stub: pb_grpc.MappingServiceAsyncStub, catalog: Catalog, tmp_path: Path) -> None:
    table = publish(catalog, tmp_path, "clean", "table.parquet", parsed_table(), {"OilTemp": "°C"})
    answer = await stub.SuggestMappings(pb.SuggestMappingsRequest(machine="m1", table=table))
    found = {s.column: s for s in answer.suggestions}
    assert found["Time"].role == "timestamp"
    assert (found["OilTemp"].sensor, found["OilTemp"].tier) == ("oil_temp", pb.TIER_AUTO)
    assert (found["OilTemp"].source_unit, found["OilTemp"].target_unit) == ("°C", "°F")
    assert "°C ->" in found["OilTemp"].unit_example
    assert "source_row" not in found
    assert answer.template == ""


async def test_a_tag_list_and_a_profile_document_need_no_machine(stub: pb_grpc.MappingServiceAsyncStub) -> None:
    document = "machine_id: pump\nsensors:\n  - {name: suction_pressure_bar, unit: bar}\n"
    hint = pb.ColumnHint(name="PT-101 Suction press", unit="psi")
    answer = await stub.SuggestMappings(pb.SuggestMappingsRequest(columns=[hint], profile_document=document))
    assert answer.suggestions[0].sensor == "suction_pressure_bar"


async def test_a_confirmed_mapping_is_remembered_offered_and_forgotten(
    stub: pb_grpc.MappingServiceAsyncStub, catalog: Catalog, tmp_path: Path
) -> None:
    saved = await stub.SaveTemplate(pb.SaveTemplateRequest(machine="m1", columns=COLUMNS))
    again = await stub.SaveTemplate(pb.SaveTemplateRequest(machine="m1", columns=COLUMNS))
    assert again.template == saved.template
    shuffled = parsed_table().select("Note", "On", "source_row", "OilTemp", "Load", "Time")
    table = publish(catalog, tmp_path, "clean", "table.parquet", shuffled)
    answer = await stub.SuggestMappings(pb.SuggestMappingsRequest(machine="m1", table=table))
    assert answer.template == saved.template.name
    found = {s.column: s for s in answer.suggestions}
    assert found["OilTemp"].confidence == 1.0
    assert found["Load"].role == "ignore"
    listed = await stub.ListTemplates(pb.ListTemplatesRequest(machine="m1"))
    assert [template.name for template in listed.templates] == [saved.template.name]
    await stub.DeleteTemplate(pb.DeleteTemplateRequest(name=saved.template.name))
    assert not (await stub.ListTemplates(pb.ListTemplatesRequest(machine="m1"))).templates
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.DeleteTemplate(pb.DeleteTemplateRequest(name=saved.template.name))
    assert reason_of(caught.value) == "TEMPLATE_NOT_FOUND"


async def test_a_template_settles_how_the_next_file_is_read_unless_the_request_says(
    stub: pb_grpc.MappingServiceAsyncStub, catalog: Catalog, tmp_path: Path
) -> None:
    table = publish(catalog, tmp_path, "clean", "table.parquet", parsed_table(), {"OilTemp": "°C"})
    time = pb.TimeOptions(format="%d.%m.%Y %H:%M", day_first=True, zone="Europe/Berlin", gap_factor=9)
    align = pb.AlignOptions(rows="slowest", tolerance_seconds=30)
    await stub.SaveTemplate(pb.SaveTemplateRequest(machine="m1", columns=COLUMNS, time=time, align=align))
    proposal = await stub.SuggestMappings(pb.SuggestMappingsRequest(machine="m1", table=table))
    assert (proposal.time, proposal.align) == (time, align)
    (listed,) = (await stub.ListTemplates(pb.ListTemplatesRequest(machine="m1"))).templates
    assert (listed.time, listed.align) == (time, align)

    async def params(spec: pb.MappingSpec) -> dict[str, Any]:
        job = (await stub.StartMapping(pb.StartMappingRequest(machine="m1", spec=spec))).job
        return cast(dict[str, Any], json.loads(job.derivation_json)["params"])

    silent = await params(pb.MappingSpec(table=table, columns=COLUMNS))
    assert silent["time"] == {
        "format": "%d.%m.%Y %H:%M", "day_first": True, "zone": "Europe/Berlin", "gap_factor": 9.0
    }  # fmt: skip
    assert silent["align"] == {"rows": "slowest", "tolerance_s": 30.0}
    time, align = pb.TimeOptions(zone="UTC"), pb.AlignOptions(rows="none")
    said = await params(pb.MappingSpec(table=table, columns=COLUMNS, time=time, align=align))
    assert (said["time"]["zone"], said["time"]["day_first"]) == ("UTC", True)
    assert "align" not in said


async def test_the_same_start_twice_is_one_job(
    stub: pb_grpc.MappingServiceAsyncStub, catalog: Catalog, tmp_path: Path
) -> None:
    table = publish(catalog, tmp_path, "clean", "table.parquet", parsed_table())
    spec = pb.MappingSpec(table=table, columns=COLUMNS)
    first = await stub.StartMapping(pb.StartMappingRequest(machine="m1", spec=spec, request_id="r1"))
    second = await stub.StartMapping(pb.StartMappingRequest(machine="m1", spec=spec, request_id="r2"))
    assert first.job.name == second.job.name
    transform = pb.TransformSpec(table=table)
    job = (await stub.StartTransform(pb.StartTransformRequest(machine="m1", spec=transform, request_id="r3"))).job
    assert job.operation == "mapping.transform"
    merge = pb.MergeSpec(table=table, strategy=pb.MERGE_STRATEGY_REAL_ONLY)
    job = (await stub.StartMerge(pb.StartMergeRequest(machine="m1", spec=merge, request_id="r4"))).job
    assert job.operation == "mapping.merge"


async def test_requests_that_cannot_be_meant_are_refused(
    stub: pb_grpc.MappingServiceAsyncStub, catalog: Catalog, tmp_path: Path
) -> None:
    table = publish(catalog, tmp_path, "clean", "table.parquet", parsed_table())
    refused = [
        (stub.SuggestMappings, pb.SuggestMappingsRequest(machine="m1"), "INVALID_REQUEST"),
        (stub.SuggestMappings, pb.SuggestMappingsRequest(machine="none", table=table), "MACHINE_NOT_FOUND"),
        (
            stub.StartMapping,
            pb.StartMappingRequest(
                machine="m1", spec=pb.MappingSpec(table=table, columns=[pb.ColumnMapping(column="x", role="boss")])
            ),
            "MAPPING_ROLE_UNKNOWN",
        ),
        (
            stub.StartMapping,
            pb.StartMappingRequest(machine="m1", spec=pb.MappingSpec(table="machines/m2/clean/" + "0" * 64)),
            "INVALID_REQUEST",
        ),
        (
            stub.StartMapping,
            pb.StartMappingRequest(machine="m1", spec=pb.MappingSpec(table="machines/m1/clean/" + "0" * 64)),
            "ARTIFACT_NOT_FOUND",
        ),
        (stub.StartMerge, pb.StartMergeRequest(machine="m1", spec=pb.MergeSpec(table=table)), "INVALID_REQUEST"),
        (
            stub.StartMerge,
            pb.StartMergeRequest(
                machine="m1", spec=pb.MergeSpec(table=table, strategy=pb.MERGE_STRATEGY_MERGE), request_id="q"
            ),
            "MERGE_NEEDS_SEED",
        ),
        (stub.SaveTemplate, pb.SaveTemplateRequest(machine="m1"), "MAPPING_EMPTY"),
    ]
    for call, request, reason in refused:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(request)
        assert reason_of(caught.value) == reason


async def test_too_few_rows_to_replace_the_seed_are_refused_before_anything_is_trained(
    stub: pb_grpc.MappingServiceAsyncStub, catalog: Catalog, tmp_path: Path
) -> None:
    parsed = publish(catalog, tmp_path, "clean", "table.parquet", parsed_table())
    profile = Machines(catalog.store, catalog).get("m1").artifact
    params = {
        "rul": {"mode": "none", "cap": 0.0, "runs_end_in_failure": None},
        "split": {"train": 0.7, "val": 0.15, "by": "auto"},
    }
    derivation = Derivation("m1", "mapping.transform", 1, {"table": parsed, "profile": profile}, params, 3)
    table = (await asyncio.to_thread(run_operation, TRANSFORM, derivation, catalog))["table"].name
    for validate_only in (True, False):
        spec = pb.MergeSpec(table=table, strategy=pb.MERGE_STRATEGY_REPLACE)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.StartMerge(
                pb.StartMergeRequest(machine="m1", spec=spec, request_id="q", validate_only=validate_only)
            )
        assert reason_of(caught.value) == "MERGE_TOO_FEW_ROWS"
    spec = pb.MergeSpec(table=table, strategy=pb.MERGE_STRATEGY_MERGE)
    answer = await stub.StartMerge(pb.StartMergeRequest(machine="m1", spec=spec, validate_only=True))
    assert not answer.HasField("job")


async def test_a_join_and_a_failure_log_are_inputs_of_their_jobs(
    stub: pb_grpc.MappingServiceAsyncStub, catalog: Catalog, tmp_path: Path
) -> None:
    table = publish(catalog, tmp_path, "clean", "table.parquet", parsed_table())
    other = publish(catalog, tmp_path, "clean", "table.parquet", parsed_table(300))
    join = pb.JoinSpec(table=table, other=other, tolerance_seconds=60)
    job = (await stub.StartJoin(pb.StartJoinRequest(machine="m1", spec=join, request_id="j"))).job
    assert job.operation == "mapping.join"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.StartJoin(pb.StartJoinRequest(machine="m1", spec=pb.JoinSpec(table=table), request_id="j"))
    assert reason_of(caught.value) == "INVALID_REQUEST"
    plain = pb.TransformSpec(table=table)
    logged = pb.TransformSpec(table=table, failure_log=other)
    first = (await stub.StartTransform(pb.StartTransformRequest(machine="m1", spec=plain, request_id="t1"))).job
    second = (await stub.StartTransform(pb.StartTransformRequest(machine="m1", spec=logged, request_id="t2"))).job
    assert first.name != second.name
