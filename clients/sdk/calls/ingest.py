"""IngestService: upload, detect, parse, validate, clean, look."""

from __future__ import annotations

from pathlib import Path

from clients.sdk.calls.started import Started
from clients.sdk.link import Link, new_request_id
from clients.sdk.upload import LocalFile, Uploaded, UploadListener, read_digest, upload_file
from sensorforge.ingest.v1 import ingest_service_pb2, ingest_service_pb2_grpc


class IngestCalls(Link):
    """Operations of IngestService."""

    @property
    def _ingest(self) -> ingest_service_pb2_grpc.IngestServiceAsyncStub:
        return ingest_service_pb2_grpc.IngestServiceStub(self.channel("ingest"))

    async def upload(
        self, machine: str, file: Path | LocalFile, *, request_id: str = "", on_progress: UploadListener | None = None
    ) -> Uploaded:
        """Returns the raw artifact of a local file once it is durable; goes on where an earlier attempt broke."""
        local = file if isinstance(file, LocalFile) else await read_digest(file)
        return await upload_file(self, machine, local, request_id=request_id, on_progress=on_progress)

    async def detect_format(
        self, artifact: str, options: ingest_service_pb2.ParseOptions | None = None
    ) -> ingest_service_pb2.DetectFormatResponse:
        """Returns how a raw file would be read, with evidence."""
        request = ingest_service_pb2.DetectFormatRequest(artifact=artifact, options=options)
        return await self.call("ingest", self._ingest.DetectFormat, request)

    async def start_parse(self, machine: str, spec: ingest_service_pb2.ParseSpec, *, request_id: str = "") -> Started:
        """Starts reading raw files into one table (output role "table")."""
        request = ingest_service_pb2.StartParseRequest(
            machine=machine, spec=spec, request_id=request_id or new_request_id()
        )
        answer = await self.call("ingest", self._ingest.StartParse, request)
        return Started(answer.job, answer.reused)

    async def start_validation(
        self, machine: str, spec: ingest_service_pb2.ValidationSpec, *, request_id: str = ""
    ) -> Started:
        """Starts checking a table (output role "report")."""
        request = ingest_service_pb2.StartValidationRequest(
            machine=machine, spec=spec, request_id=request_id or new_request_id()
        )
        answer = await self.call("ingest", self._ingest.StartValidation, request)
        return Started(answer.job, answer.reused)

    async def dry_run_cleaning(
        self, machine: str, spec: ingest_service_pb2.CleaningSpec
    ) -> ingest_service_pb2.DryRunCleaningResponse:
        """Returns what a recipe would change, step by step."""
        request = ingest_service_pb2.DryRunCleaningRequest(machine=machine, spec=spec)
        return await self.call("ingest", self._ingest.DryRunCleaning, request)

    async def start_cleaning(
        self, machine: str, spec: ingest_service_pb2.CleaningSpec, *, request_id: str = ""
    ) -> Started:
        """Starts cleaning a mapped table (output role "table")."""
        request = ingest_service_pb2.StartCleaningRequest(
            machine=machine, spec=spec, request_id=request_id or new_request_id()
        )
        answer = await self.call("ingest", self._ingest.StartCleaning, request)
        return Started(answer.job, answer.reused)

    async def preview(
        self, artifact: str, *, file: str = "", offset: int = 0, rows: int = 0
    ) -> ingest_service_pb2.PreviewDatasetResponse:
        """Returns at most 200 rows of a table as text (100 by default)."""
        request = ingest_service_pb2.PreviewDatasetRequest(artifact=artifact, file=file, offset=offset, rows=rows)
        return await self.call("ingest", self._ingest.PreviewDataset, request)

    async def columns(self, artifact: str) -> ingest_service_pb2.ListColumnsResponse:
        """Returns a table's columns with type, unit, missing share, samples and quantiles."""
        request = ingest_service_pb2.ListColumnsRequest(artifact=artifact)
        return await self.call("ingest", self._ingest.ListColumns, request)

    async def list_datasets(
        self, machine: str, *, page_size: int = 0, page_token: str = ""
    ) -> ingest_service_pb2.ListDatasetsResponse:
        """Returns a page of a machine's tables, newest first."""
        request = ingest_service_pb2.ListDatasetsRequest(machine=machine, page_size=page_size, page_token=page_token)
        return await self.call("ingest", self._ingest.ListDatasets, request)

    async def delete_dataset(self, artifact: str) -> None:
        """Deletes a table; refused while something unfinished depends on it."""
        request = ingest_service_pb2.DeleteDatasetRequest(artifact=artifact)
        await self.call("ingest", self._ingest.DeleteDataset, request)
