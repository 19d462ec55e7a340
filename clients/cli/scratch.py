"""Where a command that leaves nothing behind finds its services: the endpoint it was told, else a temporary one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clients.cli import output
from clients.cli.connection import connect
from clients.cli.narration import Narrator
from clients.sdk import scratch
from clients.sdk.client import SensorForge
from clients.sdk.config import configured_endpoint
from sensorforge.ingest.v1 import ingest_service_pb2


@dataclass(frozen=True)
class Parsed(scratch.Parsed):
    """A parsed table and the client that reaches it."""

    forge: SensorForge


@contextlib.asynccontextmanager
async def parsed(
    files: Sequence[Path],
    parse_options: ingest_service_pb2.ParseOptions,
    endpoint: str,
    register_map: Path | None = None,
) -> AsyncIterator[Parsed]:
    """Yields the table of the files. Raises SensorForgeClientError."""
    async with _somewhere(endpoint) as forge:
        with Narrator() as narrator:
            table = await scratch.parsed(forge, files, parse_options, narrator, register_map)
        yield Parsed(**vars(table), forge=forge)


@contextlib.asynccontextmanager
async def _somewhere(endpoint: str) -> AsyncIterator[SensorForge]:
    if endpoint or configured_endpoint():
        async with connect(endpoint) as connection:
            yield connection.forge
        return
    output.say("Starting an embedded service on a temporary store …")
    async with scratch.temporary_service() as forge:
        yield forge
