"""Uploads and downloads survive a broken link, and bytes are what they say they are."""

# ruff: noqa: ASYNC240  # files of a few bytes

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path
from typing import Any

import grpc
import pytest

from clients.sdk.errors import SensorForgeClientError
from clients.sdk.upload import CHUNK, read_digest
from sensorforge.artifacts.v1 import artifact_service_pb2, artifact_service_pb2_grpc, artifacts_pb2
from sensorforge.ingest.v1 import ingest_service_pb2, ingest_service_pb2_grpc

PART = 2 * CHUNK  # what the fake server makes durable at a time


class Ingest(ingest_service_pb2_grpc.IngestServiceServicer):
    """Keeps uploads in parts, and cuts each stream after the number of messages that `cuts` says."""

    def __init__(self, cuts: list[int]) -> None:
        self.cuts = cuts
        self.data = bytearray()
        self.size = 0
        self.created: list[str] = []
        self.received = 0

    def _upload(self) -> Any:
        return ingest_service_pb2.Upload(
            name="machines/pump/uploads/1", size_bytes=self.size, committed_bytes=len(self.data)
        )

    async def CreateUpload(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.created.append(request.request_id)
        self.size = request.size_bytes
        return ingest_service_pb2.CreateUploadResponse(upload=self._upload())

    async def GetUpload(self, request: Any, context: Any) -> Any:  # noqa: N802
        return ingest_service_pb2.GetUploadResponse(upload=self._upload())

    async def WriteUpload(self, requests: Any, context: Any) -> Any:  # noqa: N802
        cut = self.cuts.pop(0) if self.cuts else -1
        waiting = bytearray()
        number = 0
        async for request in requests:
            assert bool(request.name) == (number == 0)
            assert request.offset == len(self.data) + len(waiting)
            assert request.crc32 == zlib.crc32(request.data)
            if number == cut:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
            waiting += request.data
            self.received += len(request.data)
            number += 1
            while len(waiting) >= PART or len(self.data) + len(waiting) == self.size:
                self.data += waiting[:PART]
                del waiting[:PART]
                if not waiting:
                    break
        return ingest_service_pb2.WriteUploadResponse(upload=self._upload())

    async def FinishUpload(self, request: Any, context: Any) -> Any:  # noqa: N802
        assert request.sha256 == hashlib.sha256(self.data).hexdigest()
        return ingest_service_pb2.FinishUploadResponse(artifact=artifacts_pb2.Artifact(name="machines/pump/raw/1"))


@pytest.fixture
def big_file(tmp_path: Path) -> Path:
    path = tmp_path / "history.csv"
    path.write_bytes(os.urandom(5 * CHUNK + 17))
    return path


async def test_an_upload_goes_on_at_the_committed_bytes_after_a_broken_link(connect: Any, big_file: Path) -> None:
    servicer = Ingest([3, 1])
    forge = await connect((ingest_service_pb2_grpc.add_IngestServiceServicer_to_server, servicer))
    sent: list[int] = []
    uploaded = await forge.upload("pump", big_file, on_progress=lambda done, size: sent.append(done))
    assert uploaded.artifact.name == "machines/pump/raw/1"
    assert bytes(servicer.data) == big_file.read_bytes()
    assert servicer.received < 2 * big_file.stat().st_size
    assert sent[-1] == big_file.stat().st_size


async def test_the_same_file_is_the_same_upload_and_its_bytes_are_not_sent_twice(connect: Any, big_file: Path) -> None:
    servicer = Ingest([])
    forge = await connect((ingest_service_pb2_grpc.add_IngestServiceServicer_to_server, servicer))
    first = await forge.upload("pump", big_file)
    second = await forge.upload("pump", big_file)
    assert (first.existed, second.existed) == (False, True)
    assert servicer.created[0] == servicer.created[1]
    assert servicer.received == big_file.stat().st_size


async def test_an_upload_that_never_gets_on_ends(connect: Any, big_file: Path) -> None:
    forge = await connect((ingest_service_pb2_grpc.add_IngestServiceServicer_to_server, Ingest([0] * 100)))
    with pytest.raises(SensorForgeClientError) as caught:
        await forge.upload("pump", big_file)
    assert caught.value.kind == "UNAVAILABLE"


async def test_an_empty_file_is_rejected_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    with pytest.raises(SensorForgeClientError, match=r"empty\.csv is empty") as caught:
        await read_digest(tmp_path / "empty.csv")
    assert caught.value.kind == "INPUT"


async def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(SensorForgeClientError, match=r"nowhere\.csv") as caught:
        await read_digest(tmp_path / "nowhere.csv")
    assert caught.value.kind == "USAGE"


class Artifacts(artifact_service_pb2_grpc.ArtifactServiceServicer):
    """Streams bytes in pieces and cuts each stream after the number of pieces that `cuts` says."""

    def __init__(self, data: bytes, cuts: list[int], sha256: str = "") -> None:
        self.data, self.cuts = data, cuts
        self.sha256 = sha256 or hashlib.sha256(data).hexdigest()
        self.offsets: list[int] = []

    async def DownloadArtifact(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.offsets.append(request.offset)
        cut = self.cuts.pop(0) if self.cuts else -1
        for number, start in enumerate(range(request.offset, len(self.data) or 1, 1000)):
            if number == cut:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
            yield artifact_service_pb2.DownloadArtifactResponse(
                offset=start, data=self.data[start : start + 1000], size_bytes=len(self.data), sha256=self.sha256
            )


def artifacts(servicer: Artifacts) -> tuple[Any, Any]:
    return artifact_service_pb2_grpc.add_ArtifactServiceServicer_to_server, servicer


async def test_a_download_goes_on_at_the_byte_where_the_link_broke(connect: Any, tmp_path: Path) -> None:
    data = os.urandom(9_500)
    servicer = Artifacts(data, [4, 2])
    forge = await connect(artifacts(servicer))
    digest = await forge.download("machines/pump/merged/1", "train.parquet", tmp_path / "sub" / "train.parquet")
    assert (tmp_path / "sub" / "train.parquet").read_bytes() == data
    assert digest == hashlib.sha256(data).hexdigest()
    assert servicer.offsets == [0, 4000, 6000]


async def test_wrong_bytes_never_become_a_file(connect: Any, tmp_path: Path) -> None:
    forge = await connect(artifacts(Artifacts(b"x" * 3000, [], sha256="0" * 64)))
    with pytest.raises(SensorForgeClientError, match="SHA-256"):
        await forge.download("machines/pump/merged/1", "train.parquet", tmp_path / "train.parquet")
    assert list(tmp_path.iterdir()) == []


async def test_an_existing_file_is_replaced_only_by_a_whole_one(connect: Any, tmp_path: Path) -> None:
    (tmp_path / "train.parquet").write_bytes(b"old")
    forge = await connect(artifacts(Artifacts(b"x" * 3000, [0] * 100)))
    with pytest.raises(SensorForgeClientError):
        await forge.download("machines/pump/merged/1", "train.parquet", tmp_path / "train.parquet")
    assert (tmp_path / "train.parquet").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


async def test_an_empty_file_downloads_as_an_empty_file(connect: Any, tmp_path: Path) -> None:
    forge = await connect(artifacts(Artifacts(b"", [])))
    await forge.download("machines/pump/clean/1", "rejects.csv", tmp_path / "rejects.csv")
    assert (tmp_path / "rejects.csv").read_bytes() == b""


async def test_small_files_are_read_into_values(connect: Any) -> None:
    forge = await connect(artifacts(Artifacts(b'{"rows": 3}', [])))
    assert await forge.read_json("machines/pump/reports/1", "validation.json") == {"rows": 3}
