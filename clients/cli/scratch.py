"""A parsed table without a run: for `convert` and `profile init`, which leave nothing behind.

The files go to an embedded service on a temporary store of its own, unless an endpoint was named; then they become
artifacts of the machine `scratch` there.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clients.cli.connection import Connection, connect
from clients.cli.narration import Narrator
from clients.sdk import embedded
from clients.sdk.config import configured_endpoint
from clients.sdk.errors import SensorForgeClientError, from_failure
from clients.sdk.upload import read_digest
from clients.sdk.workflow import events
from sensorforge.common.v1 import job_pb2
from sensorforge.ingest.v1 import ingest_service_pb2

_PROFILE = "machine_id: scratch\ntitle: Files that were only converted\nsensors: [{name: any}]\n"


@dataclass(frozen=True)
class Parsed:
    """The parsed table's artifact, its rows and the rows that could not be read."""

    connection: Connection
    table: str
    rows: int
    rejected: int


@contextlib.asynccontextmanager
async def parsed(
    files: Sequence[Path],
    parse_options: ingest_service_pb2.ParseOptions,
    endpoint: str,
    register_map: Path | None = None,
) -> AsyncIterator[Parsed]:
    """Yields the table of the files. Raises SensorForgeClientError."""
    local = [await read_digest(path) for path in files]
    async with _somewhere(endpoint) as connection:
        forge = connection.forge
        machine = (await forge.register_machine(_PROFILE)).machine.machine_id
        sources = [(await forge.upload(machine, file)).artifact.name for file in local]
        if register_map is not None:
            parse_options.register_map = (await forge.upload(machine, register_map)).artifact.name
        spec = ingest_service_pb2.ParseSpec(sources=sources, options=parse_options)
        job = (await forge.start_parse(machine, spec)).job
        with Narrator() as narrator:
            async for event in forge.watch_job(job.name):
                if event.WhichOneof("event") == "progress":
                    told = event.progress
                    narrator(events.StepProgress("upload", told.phase, told.done, told.total, told.eta_seconds))
                if event.WhichOneof("event") == "final":
                    job = event.final
        if job.state == job_pb2.JOB_STATE_FAILED:
            raise from_failure(job.failure, job.name)
        outputs = {item.role: item.artifact for item in job.outputs}
        if "table" not in outputs:
            raise SensorForgeClientError("JOB_CANCELLED", "Reading the files was cancelled.")
        rows = {file.name: file.rows for file in (await forge.get_artifact(outputs["table"])).files}
        yield Parsed(connection, outputs["table"], rows.get("table.parquet", 0), rows.get("rejects.parquet", 0))


@contextlib.asynccontextmanager
async def _somewhere(endpoint: str) -> AsyncIterator[Connection]:
    if endpoint or configured_endpoint():
        async with connect(endpoint) as connection:
            yield connection
        return
    store = await asyncio.to_thread(tempfile.mkdtemp, prefix="sensorforge-scratch-")
    try:
        async with connect(store=store) as connection:
            yield connection
    finally:
        await asyncio.to_thread(embedded.forget, store)
        await asyncio.to_thread(shutil.rmtree, store, ignore_errors=True)
