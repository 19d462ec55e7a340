"""ArtifactService: requests to the catalogue and manifests to messages, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

import services.artifacts.errors  # noqa: F401
from sensorforge.artifacts.v1 import artifact_service_pb2 as service_pb2
from sensorforge.artifacts.v1 import artifact_service_pb2_grpc as service_grpc
from sensorforge.artifacts.v1 import artifacts_pb2
from services.artifacts.catalog import Catalog
from services.artifacts.clock import parse_utc
from services.artifacts.derivation import canonical_json
from services.artifacts.manifest import Manifest
from services.artifacts.objects import ObjectMissing
from services.chassis.errors import SensorForgeError

_CHUNK = 1 << 20

Context = grpc.aio.ServicerContext[Any, Any]


class ArtifactServicer(service_grpc.ArtifactServiceServicer):
    """Serves one store's artifacts."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def GetArtifact(  # noqa: N802
        self, request: service_pb2.GetArtifactRequest, context: Context
    ) -> service_pb2.GetArtifactResponse:
        manifest = await asyncio.to_thread(self._catalog.get, request.name)
        return service_pb2.GetArtifactResponse(artifact=artifact_to_proto(manifest))

    async def ListArtifacts(  # noqa: N802
        self, request: service_pb2.ListArtifactsRequest, context: Context
    ) -> service_pb2.ListArtifactsResponse:
        page, token = await asyncio.to_thread(
            self._catalog.list,
            request.machine,
            request.kind,
            request.page_size,
            request.page_token,
            request.operation,
        )
        return service_pb2.ListArtifactsResponse(
            artifacts=[artifact_to_proto(manifest) for manifest in page], next_page_token=token
        )

    async def GetLineage(  # noqa: N802
        self, request: service_pb2.GetLineageRequest, context: Context
    ) -> service_pb2.GetLineageResponse:
        downwards = request.direction == service_pb2.LINEAGE_DIRECTION_DESCENDANTS
        walk = self._catalog.descendants if downwards else self._catalog.ancestors
        closure = await asyncio.to_thread(walk, request.name)
        return service_pb2.GetLineageResponse(artifacts=[artifact_to_proto(manifest) for manifest in closure])

    async def DownloadArtifact(  # noqa: N802
        self, request: service_pb2.DownloadArtifactRequest, context: Context
    ) -> AsyncIterator[service_pb2.DownloadArtifactResponse]:
        manifest = await asyncio.to_thread(self._catalog.get, request.name)
        file = manifest.file(request.file)
        if not 0 <= request.offset <= file.size_bytes:
            raise SensorForgeError(
                "INVALID_REQUEST", f"offset is {request.offset}; {file.name} has {file.size_bytes} bytes."
            )
        yield service_pb2.DownloadArtifactResponse(
            offset=request.offset, size_bytes=file.size_bytes, sha256=file.sha256
        )
        offset = request.offset
        chunks = self._catalog.store.chunks(file.key, offset, _CHUNK)
        try:
            while chunk := await asyncio.to_thread(next, chunks, b""):
                yield service_pb2.DownloadArtifactResponse(offset=offset, data=chunk, size_bytes=file.size_bytes)
                offset += len(chunk)
        except ObjectMissing as error:
            raise SensorForgeError(
                "ARTIFACT_CORRUPT", f"The bytes of {file.name} in {manifest.name} are not there."
            ) from error

    async def DeleteArtifact(  # noqa: N802
        self, request: service_pb2.DeleteArtifactRequest, context: Context
    ) -> service_pb2.DeleteArtifactResponse:
        await asyncio.to_thread(self._catalog.delete, request.name)
        return service_pb2.DeleteArtifactResponse()


def artifact_to_proto(manifest: Manifest) -> artifacts_pb2.Artifact:
    """Returns a manifest as a message. Where the bytes lie stays inside the store."""
    message = artifacts_pb2.Artifact(
        name=manifest.name,
        machine=manifest.machine,
        kind=manifest.kind,
        operation=manifest.operation,
        revision=manifest.revision,
        parents=dict(manifest.parents),
        params_json=canonical_json(manifest.params).decode(),
        seed=manifest.seed,
        producer=manifest.producer,
        files=[
            artifacts_pb2.ArtifactFile(
                name=file.name,
                sha256=file.sha256,
                size_bytes=file.size_bytes,
                media_type=file.media_type,
                rows=file.rows,
                columns=[
                    artifacts_pb2.Column(
                        name=column.name, type=column.type, unit=column.unit, metadata=dict(column.metadata)
                    )
                    for column in file.columns
                ],
            )
            for file in manifest.files
        ],
    )
    message.create_time.FromDatetime(parse_utc(manifest.created))
    return message
