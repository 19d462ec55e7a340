"""A parsed table without a run, for what only looks at files: converting them, drafting a profile from them.

Without an endpoint the files go to an embedded service on a temporary store and nothing of them stays; at an endpoint
they become artifacts of the machine `scratch` there.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clients.sdk import embedded
from clients.sdk.client import SensorForge
from clients.sdk.config import from_environment
from clients.sdk.upload import read_digest
from clients.sdk.workflow.events import Listener
from clients.sdk.workflow.following import job_outputs
from sensorforge.ingest.v1 import ingest_service_pb2

_PROFILE = "machine_id: scratch\ntitle: Files that were only converted\nsensors: [{name: any}]\n"


@dataclass(frozen=True)
class Parsed:
    """The parsed table's artifact, its rows, the rows that could not be read, and units by column where stated."""

    table: str
    rows: int
    rejected: int
    units: Mapping[str, str]


@contextlib.asynccontextmanager
async def temporary_service() -> AsyncIterator[SensorForge]:
    """Yields a client of an embedded service whose store is removed at the end."""
    store = await asyncio.to_thread(tempfile.mkdtemp, prefix="sensorforge-scratch-")
    try:
        async with embedded.running(store) as service, SensorForge(from_environment(service.endpoint)) as forge:
            yield forge
    finally:
        await asyncio.to_thread(embedded.forget, store)
        await asyncio.to_thread(shutil.rmtree, store, ignore_errors=True)


async def parsed(
    forge: SensorForge,
    files: Sequence[Path],
    options: ingest_service_pb2.ParseOptions,
    tell: Listener,
    register_map: Path | None = None,
) -> Parsed:
    """Returns the table of the files. Raises SensorForgeClientError."""
    local = [await read_digest(path) for path in files]
    machine = (await forge.register_machine(_PROFILE)).machine.machine_id
    sources = [(await forge.upload(machine, file)).artifact.name for file in local]
    if register_map is not None:
        options.register_map = (await forge.upload(machine, register_map)).artifact.name
    started = await forge.start_parse(machine, ingest_service_pb2.ParseSpec(sources=sources, options=options))
    table = (await job_outputs(forge, tell, "upload", "ingest", started))["table"]
    written = {file.name: file for file in (await forge.get_artifact(table)).files}
    units = {column.name: column.unit for column in written["table.parquet"].columns if column.unit}
    return Parsed(table, written["table.parquet"].rows, written["rejects.parquet"].rows, units)


def machine_id_of(file: Path) -> str:
    """Returns a machine id made of a file's name."""
    words = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")
    return words[:63].strip("-") or "my-machine"
