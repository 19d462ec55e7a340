"""IngestService: messages in, uploads, domain values and jobs out, nothing else."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc

from sensorforge.common.v1 import job_pb2
from sensorforge.ingest.v1 import ingest_service_pb2 as pb
from sensorforge.ingest.v1 import ingest_service_pb2_grpc
from services.artifacts.catalog import Catalog, check_page_size
from services.artifacts.derivation import Derivation
from services.artifacts.manifest import Manifest, check_machine
from services.artifacts.parquet import read_units
from services.artifacts.servicer import artifact_to_proto
from services.artifacts.uploads import Uploads
from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest import messages
from services.ingest.checks.cleaning import Step, clean, suggested_recipe
from services.ingest.checks.first_changes import first_changes
from services.ingest.checks.preview import preview
from services.ingest.checks.profile_columns import profile_columns
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.sandbox import InputFile, read_in_child
from services.ingest.text.sampling import head_of
from services.jobs.stage import StageContext
from services.machines.profile import MachineProfile
from services.machines.registry import Machines

Context = grpc.aio.ServicerContext[Any, Any]

TABLE_KINDS = ("clean", "processed", "merged")
CONCURRENT_UPLOADS = 8
UPLOADS_PER_PEER = 2
DETECTION_SECONDS = 30.0


class IngestServicer(ingest_service_pb2_grpc.IngestServiceServicer):
    """Receives files and starts the stage's jobs."""

    def __init__(self, stage: StageContext, revisions: Mapping[str, int]) -> None:
        self._stage = stage
        self._revisions = revisions
        self._catalog: Catalog = stage.catalog
        self._uploads = Uploads(stage.store, stage.catalog)
        self._machines = Machines(stage.store, stage.catalog)
        self._limits = Limits.from_environment()
        self._writing: dict[str, int] = {}

    # Uploads ----------------------------------------------------------------------------------------------------------

    async def CreateUpload(self, request: pb.CreateUploadRequest, context: Context) -> pb.CreateUploadResponse:  # noqa: N802
        await asyncio.to_thread(self._machines.get, request.machine)
        limit = self._limits.upload_bytes(request.file_name)
        if request.size_bytes > limit:
            raise SensorForgeError(
                "UPLOAD_TOO_LARGE",
                f"{request.file_name} has {request.size_bytes:,} bytes; the limit for its format is {limit:,}.",
            )
        upload = await asyncio.to_thread(
            self._uploads.open, request.machine, request.file_name, request.size_bytes, request.request_id
        )
        return pb.CreateUploadResponse(upload=messages.upload_message(upload))

    async def WriteUpload(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.WriteUploadRequest], context: Context
    ) -> pb.WriteUploadResponse:
        with self._place(context.peer()):
            first = await anext(aiter(request_iterator), None)
            if first is None or not first.name:
                raise SensorForgeError("INVALID_REQUEST", "The first message of WriteUpload must name the upload.")
            with await asyncio.to_thread(self._uploads.writer, first.name) as writer:
                if first.data:
                    await asyncio.to_thread(writer.write, first.offset, first.data, first.crc32)
                async for message in request_iterator:
                    await asyncio.to_thread(writer.write, message.offset, message.data, message.crc32)
        upload = await asyncio.to_thread(self._uploads.get, first.name)
        return pb.WriteUploadResponse(upload=messages.upload_message(upload))

    async def GetUpload(self, request: pb.GetUploadRequest, context: Context) -> pb.GetUploadResponse:  # noqa: N802
        upload = await asyncio.to_thread(self._uploads.get, request.name)
        return pb.GetUploadResponse(upload=messages.upload_message(upload))

    async def FinishUpload(self, request: pb.FinishUploadRequest, context: Context) -> pb.FinishUploadResponse:  # noqa: N802
        manifest, existed = await asyncio.to_thread(self._uploads.finish, request.name, request.sha256)
        return pb.FinishUploadResponse(artifact=artifact_to_proto(manifest), existed=existed)

    @contextmanager
    def _place(self, peer: str) -> Iterator[None]:
        """Holds one of the places for uploads. Raises BUSY when all, or all of this peer, are taken."""
        host = peer.rsplit(":", 1)[0]
        if sum(self._writing.values()) >= CONCURRENT_UPLOADS or (
            self._writing.get(host, 0) >= UPLOADS_PER_PEER and "127.0.0.1" not in host and "::1" not in host
        ):
            raise SensorForgeError("BUSY", f"{sum(self._writing.values())} uploads are running; no place is free.")
        self._writing[host] = self._writing.get(host, 0) + 1
        try:
            yield
        finally:
            self._writing[host] -= 1
            if not self._writing[host]:
                del self._writing[host]

    # Reading ----------------------------------------------------------------------------------------------------------

    async def DetectFormat(self, request: pb.DetectFormatRequest, context: Context) -> pb.DetectFormatResponse:  # noqa: N802
        options = messages.read_options(request.options)
        result = await asyncio.to_thread(self._detect, request.artifact, options, request.options.register_map)
        facts = [pb.DetectionFact(**fact) for fact in result["facts"]]
        return pb.DetectFormatResponse(facts=facts, head=[pb.PreviewRow(cells=row) for row in result["head"]])

    def _detect(self, artifact: str, options: ReadOptions, register_map: str) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="sensorforge-detect-") as folder:
            directory = Path(folder)
            source = self._local(artifact, directory)
            source = replace(source, path=head_of(source.path, directory))
            (directory / "child").mkdir()
            return read_in_child(
                [source],
                options,
                replace(self._limits, seconds=DETECTION_SECONDS),
                directory / "child",
                mode="detect",
                register_map=self._local(register_map, directory) if register_map else None,
            )

    def _local(self, artifact: str, directory: Path) -> InputFile:
        manifest = self._catalog.get(artifact)
        return InputFile(self._catalog.fetch(artifact, "", directory), _file_name(manifest))

    async def StartParse(self, request: pb.StartParseRequest, context: Context) -> pb.StartParseResponse:  # noqa: N802
        spec = request.spec
        if not spec.sources:
            raise SensorForgeError("INVALID_REQUEST", "spec.sources is empty; name at least one raw artifact.")
        inputs = {f"source-{i}": name for i, name in enumerate(spec.sources)}
        if spec.options.register_map:
            inputs["register_map"] = spec.options.register_map
        params = {"options": messages.read_options(spec.options).to_params()}
        job, reused = await self._start(request, "ingest.parse", inputs, params, context)
        return pb.StartParseResponse(job=job, reused=reused)

    # Validation and cleaning ------------------------------------------------------------------------------------------

    async def StartValidation(self, request: pb.StartValidationRequest, context: Context) -> pb.StartValidationResponse:  # noqa: N802
        spec = request.spec
        inputs = {"table": spec.table} | ({"profile": spec.profile} if spec.profile else {})
        await asyncio.to_thread(self._check_inputs, request.machine, inputs)
        names = await asyncio.to_thread(self._source_names, spec.table)
        params = {"thresholds": messages.thresholds(spec.thresholds).to_params(), "file_name": ", ".join(names)}
        job, reused = await self._start(request, "ingest.validate", inputs, params, context)
        return pb.StartValidationResponse(job=job, reused=reused)

    async def DryRunCleaning(self, request: pb.DryRunCleaningRequest, context: Context) -> pb.DryRunCleaningResponse:  # noqa: N802
        spec = request.spec
        inputs = await self._cleaning_inputs(request.machine, spec)
        await asyncio.to_thread(self._check_inputs, request.machine, inputs)
        return await asyncio.to_thread(self._try_cleaning, inputs, messages.recipe(spec.recipe))

    def _try_cleaning(self, inputs: Mapping[str, str], steps: Sequence[Step]) -> pb.DryRunCleaningResponse:
        table = self._catalog.read_table(inputs["table"])
        profile = None
        if "profile" in inputs:
            profile = MachineProfile.from_json(self._catalog.read_json(inputs["profile"]))
        done = clean(table, steps or suggested_recipe(table, profile), profile)
        named = [name for effect in done.effects for name in (*effect.step.columns, *effect.cells)]
        return pb.DryRunCleaningResponse(
            effects=[messages.effect_message(e) for e in done.effects],
            rows_before=done.rows_before,
            rows_after=done.table.height,
            samples=[pb.CleaningSample(**vars(c)) for c in first_changes(table, done.table, named)],
        )

    async def StartCleaning(self, request: pb.StartCleaningRequest, context: Context) -> pb.StartCleaningResponse:  # noqa: N802
        inputs = await self._cleaning_inputs(request.machine, request.spec)
        params = {"recipe": [step.to_params() for step in messages.recipe(request.spec.recipe)]}
        job, reused = await self._start(request, "ingest.clean", inputs, params, context)
        return pb.StartCleaningResponse(job=job, reused=reused)

    async def _cleaning_inputs(self, machine: str, spec: pb.CleaningSpec) -> dict[str, str]:
        profile = spec.profile or (await asyncio.to_thread(self._machines.get, check_machine(machine))).artifact
        return {"table": spec.table, "profile": profile}

    # Tables -----------------------------------------------------------------------------------------------------------

    async def PreviewDataset(self, request: pb.PreviewDatasetRequest, context: Context) -> pb.PreviewDatasetResponse:  # noqa: N802
        columns, rows, total = await asyncio.to_thread(self._preview, request)
        return pb.PreviewDatasetResponse(
            columns=columns, rows=[pb.PreviewRow(cells=row) for row in rows], total_rows=total
        )

    def _preview(self, request: pb.PreviewDatasetRequest) -> tuple[list[str], list[list[str]], int]:
        manifest = self._catalog.get(request.artifact)
        with tempfile.TemporaryDirectory(prefix="sensorforge-preview-") as folder:
            path = self._catalog.fetch(request.artifact, request.file or _table_file(manifest), Path(folder))
            return preview(path, request.offset, request.rows)

    async def ListColumns(self, request: pb.ListColumnsRequest, context: Context) -> pb.ListColumnsResponse:  # noqa: N802
        columns, rows = await asyncio.to_thread(self._columns, request.artifact)
        return pb.ListColumnsResponse(columns=columns, rows=rows)

    def _columns(self, artifact: str) -> tuple[list[pb.ColumnProfile], int]:
        file = _table_file(self._catalog.get(artifact))
        with tempfile.TemporaryDirectory(prefix="sensorforge-columns-") as folder:
            units = read_units(self._catalog.fetch(artifact, file, Path(folder)))
        table = self._catalog.read_table(artifact, file)
        found = [
            pb.ColumnProfile(
                name=c.name,
                type=c.type,
                unit=c.unit,
                missing_share=c.missing_share,
                distinct=c.distinct,
                samples=c.samples,
                quantiles=c.quantiles,
                monotonic_share=c.monotonic_share,
            )
            for c in profile_columns(table, units)
        ]
        return found, table.height

    async def ListDatasets(self, request: pb.ListDatasetsRequest, context: Context) -> pb.ListDatasetsResponse:  # noqa: N802
        page, token = await asyncio.to_thread(self._tables, request)
        return pb.ListDatasetsResponse(datasets=[artifact_to_proto(m) for m in page], next_page_token=token)

    def _tables(self, request: pb.ListDatasetsRequest) -> tuple[list[Manifest], str]:
        machine, size = check_machine(request.machine), check_page_size(request.page_size)
        every = [m for kind in TABLE_KINDS for m in self._catalog.each(machine, kind)]
        every.sort(key=lambda m: (m.created, m.name), reverse=True)
        if request.page_token:
            every = [m for m in every if f"{m.created} {m.name}" < request.page_token]
        page = every[:size]
        return page, f"{page[-1].created} {page[-1].name}" if len(every) > size else ""

    async def DeleteDataset(self, request: pb.DeleteDatasetRequest, context: Context) -> pb.DeleteDatasetResponse:  # noqa: N802
        await asyncio.to_thread(self._catalog.delete, request.artifact)
        return pb.DeleteDatasetResponse()

    # Starting ---------------------------------------------------------------------------------------------------------

    async def _start(
        self, request: Any, operation: str, inputs: Mapping[str, str], params: Mapping[str, Any], context: Context
    ) -> tuple[job_pb2.Job, bool]:
        await asyncio.to_thread(self._check_inputs, request.machine, inputs)
        derivation = Derivation(request.machine, operation, self._revisions[operation], inputs, params)
        return await self._stage.start(derivation, context, request.request_id)

    def _check_inputs(self, machine: str, inputs: Mapping[str, str]) -> None:
        """Raises when an input is not named, is of another machine, or does not exist."""
        check_machine(machine)
        for role, name in inputs.items():
            if not name:
                raise SensorForgeError("INVALID_REQUEST", f"spec.{role} is empty; name an artifact.")
            if self._catalog.get(name).machine != machine:
                raise SensorForgeError("INVALID_REQUEST", f"spec.{role}: {name} is not an artifact of {machine}.")

    def _source_names(self, table: str) -> list[str]:
        """Returns the names of the uploaded files that a table was made from."""
        return sorted({_file_name(m) for m in self._catalog.ancestors(table) if m.kind == "raw"})


def _file_name(manifest: Manifest) -> str:
    return str(manifest.params.get("file_name") or manifest.files[0].name)


def _table_file(manifest: Manifest) -> str:
    names = [f.name for f in manifest.files]
    return "table.parquet" if "table.parquet" in names else next((n for n in names if n.endswith(".parquet")), "")
