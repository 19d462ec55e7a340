"""`models import` and `models export`: between SDV's or CTGAN's models and ours."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from clients.cli import naming, options, output
from clients.cli.bridge.exporting import write_export
from clients.cli.bridge.importing import origin_of, train_on_rows
from clients.cli.bridge.sampling import sample_rows
from clients.cli.connection import connect
from clients.cli.narration import Narrator
from clients.cli.run import with_columns
from clients.cli.running import carry_out
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.plan import Plan, merged
from clients.sdk.upload import read_digest
from clients.sdk.workflow import events
from clients.sdk.workflow.following import job_outputs
from clients.sdk.workflow.model_steps import short
from clients.sdk.workflow.steps import TITLES
from sensorforge.refine.v1 import refine_service_pb2

_IMPORT_WARNING = (
    "{file} is a pickle. Reading it runs whatever code is in it, as you and on this computer. Import it only if you "
    "trust everyone who had it in hands. No service of SensorForge ever reads it: a process of its own samples rows "
    "from it, and a model of ours is trained on these."
)


def import_model(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A model that SDV or CTGAN saved (.pkl).")],
    machine: Annotated[
        str, typer.Option("--machine", metavar="ID", help="Machine that the model is one of (needed).")
    ] = "",
    rows: Annotated[int, typer.Option("--rows", min=100, help="Rows to sample and train on.")] = 10_000,
    engine: Annotated[Literal["flow", "tvae"], typer.Option("--engine", help="Our model to train.")] = "flow",
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Most training epochs.")] = None,
    random_seed: Annotated[int, typer.Option("--random-seed", min=0)] = 0,
    map_columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=SENSOR", help="Say what a column is (COLUMN=SENSOR:UNIT, =ignore)."),
    ] = None,
    rul_column: Annotated[str, typer.Option("--rul-column", metavar="C", help="Remaining useful life.")] = "",
    python: Annotated[
        str, typer.Option("--python", metavar="PATH", help="Interpreter that has SDV. Default: this one.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Agree that the code in FILE is run.")] = False,
    timeout: options.Timeout = "20m",
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Import a model of SDV or CTGAN: sample rows from it, train a model of ours on them.

    FILE is read in a process of its own on this computer, never by a service. The rows become the machine's seed rows;
    the model becomes its default where it has none, and `sensorforge run --base MODEL` starts from it otherwise.
    """

    async def work() -> None:
        if not machine:
            raise SensorForgeClientError(
                "MACHINE_MISSING",
                f"{file.name} is a pickle of which machine's model?",
                kind="USAGE",
                remedy="Add --machine ID; `sensorforge machines list` shows the ids.",
            )
        path = (await read_digest(file)).path
        limit = options.seconds(timeout)
        _agree(path, yes=yes)
        plan = with_columns(
            merged(
                Plan(seed_rows=rows, random_seed=random_seed),
                {"epochs": epochs, "rul_column": rul_column or None, "training": {"engine": engine}},
            ),
            map_columns or [],
        )
        with tempfile.TemporaryDirectory(prefix="sensorforge-import-") as directory:
            output.say(f"Sampling {rows:,} rows from {path.name} in a process of its own …")
            sampled = await asyncio.to_thread(
                sample_rows, path, rows, Path(directory), seed=random_seed, python=python, timeout_s=limit
            )
            origin = origin_of(path, sampled.model)
            named = sampled.file.rename(sampled.file.with_name(f"{path.stem}-sampled.csv"))
            async with connect(endpoint) as connection:
                with Narrator() as narrator:
                    made = await train_on_rows(connection.forge, narrator, machine, named, origin, plan)
        values = {
            "machine": machine,
            "model": made.model,
            "is_default": made.is_default,
            "imported_from": origin,
            "seeds": made.seeds,
            "rows": sampled.rows,
            "columns": list(sampled.columns),
        }
        if json:
            output.document(values)
            return
        standing = "is the machine's default" if made.is_default else "is not the default"
        output.say(f"{short(made.model)} was trained on {sampled.rows:,} rows of {origin}; it {standing}")
        output.say(f"`sensorforge run FILE --profile P --base {short(made.model)}` refines it on real rows")

    carry_out(work(), json=json)


def _agree(file: Path, *, yes: bool) -> None:
    """Warns, and asks where a person is there to answer. Raises SensorForgeClientError IMPORT_NOT_CONFIRMED."""
    output.say(f"Warning: {_IMPORT_WARNING.format(file=file.name)}")
    if yes:
        return
    if sys.stdin.isatty() and sys.stderr.isatty() and typer.confirm("Run the code in it?", default=False, err=True):
        return
    raise SensorForgeClientError(
        "IMPORT_NOT_CONFIRMED",
        f"{file.name} was not read: nobody agreed that the code in it may run.",
        kind="USAGE",
        remedy="Add --yes if you trust the file. Rows sampled with the model's own tool need no such trust: "
        "`sensorforge run --seed-data FILE`.",
    )


def export_model(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Full name, or with --machine the start of its hash.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Directory for the table and the metadata.")],
    machine: Annotated[str, typer.Option("--machine", help="Machine id, for short model names.")] = "",
    to: Annotated[Literal["sdv"], typer.Option("--to", help="Whose format the metadata has.")] = "sdv",
    rows: Annotated[int, typer.Option("--rows", min=1, help="Rows to sample.")] = 10_000,
    format: Annotated[Literal["csv", "parquet"], typer.Option("--format", help="Of the table.")] = "csv",
    random_seed: Annotated[int, typer.Option("--random-seed", min=0)] = 0,
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Export rows of a model with SDV's metadata, to train or compare there."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            name = await naming.find_model(connection, machine, model)
            owner = name.split("/")[1]
            spec = refine_service_pb2.SamplingSpec(model=name, rows=rows, seed=random_seed)
            with Narrator() as narrator, tempfile.TemporaryDirectory(prefix="sensorforge-export-") as directory:
                started = await connection.forge.start_sampling(owner, spec)
                narrator(events.StepStarted("augment", TITLES["augment"]))
                made = (await job_outputs(connection.forge, narrator, "augment", "refine", started))["rows"]
                local = Path(directory) / "rows.parquet"
                await connection.forge.download(made, "synthetic.parquet", local)
                paths = await asyncio.to_thread(write_export, local, out, format)
        values = {"model": name, "to": to, "rows": rows, "table": str(paths[0]), "metadata": str(paths[1])}
        if json:
            output.document(values)
        else:
            output.say(f"{rows:,} rows of {short(name)} are in {paths[0]}, their metadata for SDV in {paths[1]}")

    carry_out(work(), json=json)
