"""ArtifactService over a real socket: manifests, pages, lineage, byte streams and refusals as clients see them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from sensorforge.artifacts.v1 import artifact_service_pb2 as pb
from sensorforge.artifacts.v1 import artifact_service_pb2_grpc as pb_grpc
from services.artifacts.catalog import Catalog
from services.artifacts.default_model import DefaultModels
from services.artifacts.manifest import Column
from services.artifacts.servicer import ArtifactServicer, artifact_to_proto
from services.chassis.server import Service, serve
from services.chassis.settings import ServerSettings
from tests.artifacts.publishing import Publish, draft

NAME = "sensorforge.artifacts.v1.ArtifactService"


@pytest.fixture
async def stub(catalog: Catalog) -> AsyncIterator[pb_grpc.ArtifactServiceAsyncStub]:
    stop = asyncio.Event()
    endpoint: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def ready() -> bool:
        return True

    async def announce(address: str) -> None:
        endpoint.set_result(address)

    service = Service(
        (NAME,),
        lambda server: pb_grpc.add_ArtifactServiceServicer_to_server(ArtifactServicer(catalog), server),
        ready,
    )
    settings = ServerSettings(listen="127.0.0.1:0", drain_seconds=5.0)
    task = asyncio.create_task(serve([service], settings, on_ready=announce, stop=stop))
    await asyncio.wait({task, endpoint}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    async with grpc.aio.insecure_channel(endpoint.result()) as channel:
        yield pb_grpc.ArtifactServiceStub(channel)
    stop.set()
    await task


def reason_of(error: grpc.RpcError) -> str:
    info = error_details_pb2.ErrorInfo()
    for detail in rpc_status.from_call(error).details:
        if detail.Unpack(info):
            return str(info.reason)
    raise AssertionError("no ErrorInfo")


async def test_an_artifact_is_told_without_saying_where_its_bytes_lie(
    stub: pb_grpc.ArtifactServiceAsyncStub, catalog: Catalog
) -> None:
    manifest = draft(catalog, parents={"table": "machines/pump-1/raw/" + "0" * 64}, seed=7)
    column = Column("speed", "double", "m/s", {"seed_derived": "true"})
    manifest = replace(manifest, files=(replace(manifest.files[0], rows=3, columns=(column,)),))
    catalog.publish(manifest)
    answer = (await stub.GetArtifact(pb.GetArtifactRequest(name=manifest.name))).artifact
    assert answer == artifact_to_proto(manifest)
    assert answer.name == manifest.name
    assert dict(answer.parents) == manifest.parents
    assert answer.params_json == '{"rows":3}'
    assert answer.seed == 7
    assert answer.files[0].columns[0].unit == "m/s"
    assert dict(answer.files[0].columns[0].metadata) == {"seed_derived": "true"}
    assert answer.create_time.ToJsonString() == manifest.created
    assert manifest.files[0].key.encode() not in answer.SerializeToString()


async def test_pages_follow_each_other(stub: pb_grpc.ArtifactServiceAsyncStub, publish: Publish) -> None:
    made = [publish(seed=number).name for number in range(3)]
    first = await stub.ListArtifacts(pb.ListArtifactsRequest(machine="pump-1", kind="clean", page_size=2))
    second = await stub.ListArtifacts(
        pb.ListArtifactsRequest(machine="pump-1", kind="clean", page_size=2, page_token=first.next_page_token)
    )
    assert [item.name for item in [*first.artifacts, *second.artifacts]] == made[::-1]
    assert second.next_page_token == ""


async def test_lineage_goes_both_ways(stub: pb_grpc.ArtifactServiceAsyncStub, publish: Publish) -> None:
    raw = publish(kind="raw")
    clean = publish(parents={"source-0": raw.name})
    up = await stub.GetLineage(pb.GetLineageRequest(name=clean.name))
    down = await stub.GetLineage(pb.GetLineageRequest(name=raw.name, direction=pb.LINEAGE_DIRECTION_DESCENDANTS))
    assert [item.name for item in up.artifacts] == [clean.name, raw.name]
    assert [item.name for item in down.artifacts] == [raw.name, clean.name]


@pytest.mark.parametrize("offset", [0, 1, (1 << 20) * 2 + 5, 3_000_000])
async def test_a_download_is_the_file_from_an_offset(
    stub: pb_grpc.ArtifactServiceAsyncStub, publish: Publish, offset: int
) -> None:
    data = bytes(range(250)) * 12_000
    manifest = publish(data)
    received = bytearray()
    messages = []
    async for message in stub.DownloadArtifact(pb.DownloadArtifactRequest(name=manifest.name, offset=offset)):
        assert message.offset == offset + len(received)
        assert message.size_bytes == len(data)
        assert len(message.data) <= 1 << 20
        received += message.data
        messages.append(message)
    assert bytes(received) == data[offset:]
    assert messages[0].sha256 == hashlib.sha256(data).hexdigest()


async def test_refusals_carry_their_reason(
    stub: pb_grpc.ArtifactServiceAsyncStub, catalog: Catalog, publish: Publish
) -> None:
    manifest = publish(kind="models")
    DefaultModels(catalog).activate("pump-1", manifest.name, 0)
    absent = "machines/pump-1/clean/" + "0" * 64

    async def download(**about: object) -> None:
        async for _ in stub.DownloadArtifact(pb.DownloadArtifactRequest(**about)):  # type: ignore[arg-type]
            pass

    cases = [
        (stub.GetArtifact(pb.GetArtifactRequest(name=absent)), grpc.StatusCode.NOT_FOUND, "ARTIFACT_NOT_FOUND"),
        (stub.GetArtifact(pb.GetArtifactRequest()), grpc.StatusCode.INVALID_ARGUMENT, "ARTIFACT_NAME_INVALID"),
        (stub.ListArtifacts(pb.ListArtifactsRequest()), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        (stub.GetLineage(pb.GetLineageRequest(name=absent)), grpc.StatusCode.NOT_FOUND, "ARTIFACT_NOT_FOUND"),
        (
            stub.DeleteArtifact(pb.DeleteArtifactRequest(name=manifest.name)),
            grpc.StatusCode.FAILED_PRECONDITION,
            "ARTIFACT_IN_USE",
        ),
        (download(name=absent), grpc.StatusCode.NOT_FOUND, "ARTIFACT_NOT_FOUND"),
        (download(name=manifest.name, file="x"), grpc.StatusCode.NOT_FOUND, "ARTIFACT_FILE_MISSING"),
        (download(name=manifest.name, offset=6), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        (download(name=manifest.name, offset=-1), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
    ]
    for call, status, reason in cases:
        with pytest.raises(grpc.RpcError) as refused:
            await call
        assert (refused.value.code(), reason_of(refused.value)) == (status, reason)


async def test_a_deleted_artifact_is_gone_for_clients(stub: pb_grpc.ArtifactServiceAsyncStub, publish: Publish) -> None:
    manifest = publish()
    await stub.DeleteArtifact(pb.DeleteArtifactRequest(name=manifest.name))
    with pytest.raises(grpc.RpcError) as refused:
        await stub.GetArtifact(pb.GetArtifactRequest(name=manifest.name))
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    listed = await stub.ListArtifacts(pb.ListArtifactsRequest(machine="pump-1", kind="clean"))
    assert list(listed.artifacts) == []


async def test_bytes_that_vanished_end_the_download_with_data_loss(
    stub: pb_grpc.ArtifactServiceAsyncStub, catalog: Catalog, publish: Publish
) -> None:
    manifest = publish()
    catalog.store.delete([manifest.files[0].key])
    with pytest.raises(grpc.RpcError) as refused:
        async for _ in stub.DownloadArtifact(pb.DownloadArtifactRequest(name=manifest.name)):
            pass
    assert refused.value.code() is grpc.StatusCode.DATA_LOSS
    assert reason_of(refused.value) == "ARTIFACT_CORRUPT"
