"""Fetches files of artifacts: streamed into a temporary file beside the target, checked against the SHA-256 that the
manifest names, then renamed. A target is either the whole file or not there; a broken link goes on at the byte where
it broke."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import grpc

from clients.sdk.config import Stage
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.link import Link
from sensorforge.artifacts.v1 import artifact_service_pb2, artifact_service_pb2_grpc

DownloadListener = Callable[[int, int], None]
"""Told bytes received and bytes in all."""


async def download_file(
    link: Link,
    artifact: str,
    file: str,
    target: Path,
    *,
    stage: Stage = "ingest",
    on_progress: DownloadListener | None = None,
) -> str:
    """Writes one file of an artifact to `target` and returns its SHA-256.

    Raises SensorForgeClientError: unknown artifact or file, bytes that do not match their digest, a target that
    cannot be written.
    """
    try:
        await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
        handle, partial = await asyncio.to_thread(
            tempfile.mkstemp, dir=target.parent, prefix=f".{target.name}.", suffix=".part"
        )
    except OSError as failed:
        raise _unwritable(target, failed) from None
    try:
        with os.fdopen(handle, "wb") as sink:
            digest = await _receive(link, stage, artifact, file, sink, on_progress)
        await asyncio.to_thread(_put_in_place, partial, target)
    except OSError as failed:
        raise _unwritable(target, failed) from None
    finally:
        await asyncio.to_thread(Path(partial).unlink, missing_ok=True)
    return digest


async def read_file(link: Link, artifact: str, file: str = "", *, stage: Stage = "ingest") -> bytes:
    """Returns the bytes of a small file of an artifact, checked against their digest."""
    with tempfile.SpooledTemporaryFile(max_size=32 << 20) as sink:
        await _receive(link, stage, artifact, file, sink, None)  # type: ignore[arg-type]  # a binary file in all we use
        sink.seek(0)
        return sink.read()


async def _receive(
    link: Link, stage: Stage, artifact: str, file: str, sink: BinaryIO, on_progress: DownloadListener | None
) -> str:
    stub = artifact_service_pb2_grpc.ArtifactServiceStub(link.channel(stage))
    seen = hashlib.sha256()
    received = size = 0
    promised = ""
    failures = 0
    while True:
        request = artifact_service_pb2.DownloadArtifactRequest(name=artifact, file=file, offset=received)
        call = stub.DownloadArtifact(request, metadata=link.metadata)
        try:
            async for piece in call:
                promised = promised or piece.sha256
                size = piece.size_bytes
                if piece.offset != received:
                    break
                await asyncio.to_thread(sink.write, piece.data)
                seen.update(piece.data)
                received += len(piece.data)
                failures = 0
                if on_progress is not None:
                    on_progress(received, size)
        except grpc.aio.AioRpcError as failed:
            error = link.error(failed, stage)
            failures += 1
            if not (error.retryable or error.link_broken) or failures >= link.config.retry.attempts:
                raise error from None
            await asyncio.sleep(link.pause_s(failures - 1, error))
            continue
        finally:
            call.cancel()
        if received >= size:
            break
        failures += 1
        if failures >= link.config.retry.attempts:
            raise SensorForgeClientError(
                "DOWNLOAD_SHORT",
                f"{artifact} {file} ended after {received} of {size} bytes.",
                kind="UNAVAILABLE",
                remedy="Try again.",
            )
    if promised and seen.hexdigest() != promised:
        raise SensorForgeClientError(
            "DOWNLOAD_CORRUPT",
            f"The bytes of {artifact} {file} have SHA-256 {seen.hexdigest()}, its manifest says {promised}.",
            remedy="The stored file is damaged; make it again under a new seed, or restore the store from a backup.",
        )
    return seen.hexdigest()


def _put_in_place(partial: str, target: Path) -> None:
    os.chmod(partial, 0o644)
    os.replace(partial, target)


def _unwritable(target: Path, failed: OSError) -> SensorForgeClientError:
    return SensorForgeClientError(
        "TARGET_UNWRITABLE",
        f"{target} cannot be written: {failed.strerror or failed}.",
        kind="USAGE",
        remedy="Choose a directory that you may write to and that has space left.",
    )
