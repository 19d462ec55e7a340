"""Sends files, resumably: 1 MiB chunks with a CRC each, a digest over the whole, and after a broken link the server's
`committed_bytes` say where to go on. The same file for the same machine is the same upload, also after a restart."""

from __future__ import annotations

import asyncio
import hashlib
import os
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import grpc

from clients.sdk.errors import SensorForgeClientError
from clients.sdk.link import Link
from sensorforge.artifacts.v1 import artifacts_pb2
from sensorforge.ingest.v1 import ingest_service_pb2, ingest_service_pb2_grpc

CHUNK = 1 << 20

UploadListener = Callable[[int, int], None]
"""Told bytes sent and bytes in all."""


@dataclass(frozen=True)
class LocalFile:
    """A file as it was read: path, size in bytes and lower-case hex SHA-256."""

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True)
class Uploaded:
    """The raw artifact, and whether the same bytes were there before."""

    artifact: artifacts_pb2.Artifact
    existed: bool


async def read_digest(path: Path) -> LocalFile:
    """Returns size and digest of a file. Raises SensorForgeClientError when it cannot be read, or is empty."""
    return await asyncio.to_thread(_read_digest, path)


def check_name(path: Path) -> None:
    """Raises SensorForgeClientError FILE_NAME_UNREADABLE when a path has bytes that are not text."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "replace")
        raise SensorForgeClientError(
            "FILE_NAME_UNREADABLE",
            f"The name {shown} is not UTF-8 text, so no service can be told of it.",
            kind="USAGE",
            remedy="Rename the file or its directory.",
        ) from None


def _read_digest(path: Path) -> LocalFile:
    check_name(path)
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except OSError as failed:
        raise SensorForgeClientError(
            "FILE_UNREADABLE",
            f"{path} cannot be read: {failed.strerror or failed}.",
            kind="USAGE",
            remedy="Check the path and its permissions.",
        ) from None
    if size == 0:
        raise SensorForgeClientError(
            "FILE_EMPTY",
            f"{path} is empty: it has no bytes, so there are no rows to read.",
            kind="INPUT",
            remedy="Export it again and check that the export has finished.",
        )
    return LocalFile(path, size, digest.hexdigest())


async def upload_file(
    link: Link, machine: str, file: LocalFile, *, request_id: str = "", on_progress: UploadListener | None = None
) -> Uploaded:
    """Returns the raw artifact of `file`, once the server has it durably.

    Raises SensorForgeClientError: the server's refusal (size, machine), or the link when it stays broken.
    """
    stub = ingest_service_pb2_grpc.IngestServiceStub(link.channel("ingest"))
    key = request_id or _key(machine, file)
    created = await link.call(
        "ingest",
        stub.CreateUpload,
        ingest_service_pb2.CreateUploadRequest(
            machine=machine, file_name=file.path.name, size_bytes=file.size, request_id=key
        ),
    )
    name, committed = created.upload.name, created.upload.committed_bytes
    nothing_to_send = committed >= file.size
    failures = 0
    while committed < file.size:
        before = committed
        error: SensorForgeClientError | None = None
        try:
            stream = _chunks(name, file, committed, on_progress)
            written = await stub.WriteUpload(stream, metadata=link.metadata)
            committed = written.upload.committed_bytes
        except grpc.aio.AioRpcError as failed:
            error = link.error(failed, "ingest")
            if not (error.retryable or error.link_broken or error.status in {"ABORTED", "DATA_LOSS", "OUT_OF_RANGE"}):
                raise error from None
        if error is not None:
            asked = await link.call("ingest", stub.GetUpload, ingest_service_pb2.GetUploadRequest(name=name))
            committed = asked.upload.committed_bytes
        failures = 0 if committed > before else failures + 1
        if failures >= link.config.retry.attempts:
            if error is not None and not error.link_broken:
                raise error
            raise SensorForgeClientError(
                "UPLOAD_STUCK",
                f"The upload of {file.path} stays at {committed} of {file.size} bytes.",
                kind="UNAVAILABLE",
                remedy="Try again; it goes on where it stopped.",
            )
        if failures:
            await asyncio.sleep(link.pause_s(failures - 1, error))
    if on_progress is not None:
        on_progress(committed, file.size)
    finished = await link.call(
        "ingest",
        stub.FinishUpload,
        ingest_service_pb2.FinishUploadRequest(name=name, sha256=file.sha256),
        deadline_s=link.config.deadlines.finish_s,
    )
    return Uploaded(finished.artifact, finished.existed or nothing_to_send)


def _key(machine: str, file: LocalFile) -> str:
    identity = "\0".join((machine, file.path.name, str(file.size), file.sha256))
    return "upload-" + hashlib.sha256(identity.encode()).hexdigest()[:40]


async def _chunks(
    name: str, file: LocalFile, start: int, on_progress: UploadListener | None
) -> AsyncIterator[ingest_service_pb2.WriteUploadRequest]:
    source: BinaryIO = await asyncio.to_thread(file.path.open, "rb")
    try:
        await asyncio.to_thread(source.seek, start)
        offset = start
        while data := await asyncio.to_thread(source.read, CHUNK):
            yield ingest_service_pb2.WriteUploadRequest(
                name=name if offset == start else "", offset=offset, data=data, crc32=zlib.crc32(data)
            )
            offset += len(data)
            if on_progress is not None:
                on_progress(offset, file.size)
    finally:
        source.close()
