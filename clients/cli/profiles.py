"""`profile init`: a first machine profile, drafted from a data file."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from clients.cli import options, output, scratch, typed
from clients.cli.running import carry_out
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.scratch import machine_id_of
from sensorforge.ingest.v1 import ingest_service_pb2

profile = typer.Typer(no_args_is_help=True, help="Draft machine profiles.", rich_markup_mode=None)


@profile.callback()
def _group() -> None:
    """Draft machine profiles."""


@profile.command("init")
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A data file of the machine.")],
    machine: Annotated[str, typer.Option("--machine", metavar="ID", help="Default: from the file's name.")] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Default: stdout.")] = None,
    delimiter: options.Delimiter = "",
    header_row: options.HeaderRow = None,
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Draft a profile from a data file: one sensor a column, what was guessed marked as proposed."""

    async def work() -> None:
        wanted = ingest_service_pb2.ParseOptions(delimiter=delimiter)
        if header_row is not None:
            wanted.header_row = header_row
        machine_id = machine or ("machine" if await asyncio.to_thread(file.is_fifo) else machine_id_of(file))
        async with _that_can_be_read_twice(file) as local, scratch.parsed([local], wanted, endpoint) as table:
            draft = await table.forge.draft_profile(table.table, machine_id)
        text, run_column = draft.document, draft.run_column
        if out is not None:
            await asyncio.to_thread(_write, out, text)
        if json:
            output.document({"machine": machine_id, "out": str(out) if out else None, "profile": text})
        elif out is None:
            sys.stdout.write(text)
        if out is not None:
            needed = ["--run-column", run_column] if run_column else []
            again = typed.shell_words("run", str(file), "--profile", str(out), *needed)
            output.say(f"{out} is drafted; look through what is marked as proposed, then `sensorforge {again}`")

    carry_out(work(), json=json)


@contextlib.asynccontextmanager
async def _that_can_be_read_twice(file: Path) -> AsyncIterator[Path]:
    """Yields the file; a pipe, which gives its bytes once, as a copy that is removed at the end."""
    if not await asyncio.to_thread(file.is_fifo):
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="sensorforge-pipe-") as directory:
        copy = Path(directory, "table")
        await asyncio.to_thread(_copy, file, copy)
        yield copy


def _copy(pipe: Path, target: Path) -> None:
    with pipe.open("rb") as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as failed:
        raise SensorForgeClientError(
            "TARGET_UNWRITABLE", f"{path} cannot be written: {failed.strerror or failed}.", kind="USAGE"
        ) from None
