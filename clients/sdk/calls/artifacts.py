"""ArtifactService: reads and deletes artifacts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clients.sdk.download import DownloadListener, download_file, read_file
from clients.sdk.link import Link
from sensorforge.artifacts.v1 import artifact_service_pb2, artifact_service_pb2_grpc, artifacts_pb2


class ArtifactCalls(Link):
    """Operations of ArtifactService."""

    @property
    def _artifacts(self) -> artifact_service_pb2_grpc.ArtifactServiceAsyncStub:
        return artifact_service_pb2_grpc.ArtifactServiceStub(self.channel("ingest"))

    async def get_artifact(self, name: str) -> artifacts_pb2.Artifact:
        """Returns an artifact's manifest."""
        request = artifact_service_pb2.GetArtifactRequest(name=name)
        return (await self.call("ingest", self._artifacts.GetArtifact, request)).artifact

    async def list_artifacts(
        self, machine: str, kind: str, *, operation: str = "", page_size: int = 0, page_token: str = ""
    ) -> artifact_service_pb2.ListArtifactsResponse:
        """Returns a page of a machine's artifacts of one kind, newest first."""
        request = artifact_service_pb2.ListArtifactsRequest(
            machine=machine, kind=kind, operation=operation, page_size=page_size, page_token=page_token
        )
        return await self.call("ingest", self._artifacts.ListArtifacts, request)

    async def get_lineage(self, name: str, *, descendants: bool = False) -> list[artifacts_pb2.Artifact]:
        """Returns an artifact with everything it was made from, or with everything made from it."""
        towards = (
            artifact_service_pb2.LINEAGE_DIRECTION_DESCENDANTS
            if descendants
            else artifact_service_pb2.LINEAGE_DIRECTION_ANCESTORS
        )
        request = artifact_service_pb2.GetLineageRequest(name=name, direction=towards)
        return list((await self.call("ingest", self._artifacts.GetLineage, request)).artifacts)

    async def delete_artifact(self, name: str) -> None:
        """Marks an artifact deleted; refused while something depends on it."""
        request = artifact_service_pb2.DeleteArtifactRequest(name=name)
        await self.call("ingest", self._artifacts.DeleteArtifact, request)

    async def download(
        self, artifact: str, file: str, target: Path, *, on_progress: DownloadListener | None = None
    ) -> str:
        """Writes one file of an artifact to `target`, whole or not at all, and returns its SHA-256."""
        return await download_file(self, artifact, file, target, on_progress=on_progress)

    async def read(self, artifact: str, file: str = "") -> bytes:
        """Returns the bytes of a small file of an artifact."""
        return await read_file(self, artifact, file)

    async def read_json(self, artifact: str, file: str) -> Any:
        """Returns a JSON file of an artifact as Python values."""
        return json.loads(await read_file(self, artifact, file))
