"""The steps one by one, on a run that `upload` or `run` opened. An option changes the run's plan for its step; what
rests on an earlier outcome of that step is then stale and is made anew by its own step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from clients.cli import naming, options, output
from clients.cli.connection import connect
from clients.cli.narration import Narrator
from clients.cli.one_step import one_step, setting
from clients.cli.run import check_local, drive, with_columns
from clients.cli.running import carry_out
from clients.sdk.errors import ExitCode, SensorForgeClientError
from clients.sdk.plan import Plan
from clients.sdk.workflow.session import RunSession


def upload(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Data files of one machine.")],
    profile: options.Profile = None,
    json: options.Json = False,
    events: options.Events = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Send files and read them into one table. Opens a run that the other steps go on with."""

    async def work() -> ExitCode:
        plan = Plan(files=tuple(files), profile=str(profile) if profile else "")
        await check_local(plan)
        async with connect(endpoint) as connection:

            async def opened(narrator: Narrator) -> RunSession:
                return await RunSession.open(connection.forge, plan, narrator, until="upload")

            return await drive(
                connection,
                opened,
                lambda session: session.run("upload"),
                out=None,
                limit_s=None,
                json=json,
                events=events,
            )

    carry_out(work(), json=json, events=events)


def validate(
    run: options.RunName = naming.LAST,
    missing_share: Annotated[
        float | None, typer.Option("--missing-share", min=0, max=1, help="Flag columns above it. Default .30.")
    ] = None,
    json: options.Json = False,
    events: options.Events = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Check the rows of a run's table."""
    change = setting(validation={"missing_share": missing_share})
    one_step(run, "validate", endpoint, json=json, events=events, change=change)


def map_(
    run: options.RunName = naming.LAST,
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="COLUMN=SENSOR", help="COLUMN=SENSOR, =SENSOR:UNIT, =ignore.")
    ] = None,
    timestamp_column: options.TimestampColumn = "",
    rul_column: Annotated[str, typer.Option("--rul-column", metavar="C", help="Remaining useful life.")] = "",
    run_column: Annotated[str, typer.Option("--run-column", metavar="C", help="Run or unit id.")] = "",
    auto_map: Annotated[Literal["confident", "exact"] | None, typer.Option("--auto-map")] = None,
    align: options.Align = "",
    json: options.Json = False,
    events: options.Events = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Map columns to sensors; write renamed, converted, time-sorted rows."""
    change = setting(
        timestamp_column=timestamp_column or None,
        rul_column=rul_column or None,
        run_column=run_column or None,
        auto_map=auto_map,
        align={"rows": align or None},
    )
    one_step(
        run, "map", endpoint, json=json, events=events, change=lambda plan: with_columns(change(plan), columns or [])
    )


def clean(
    run: options.RunName = naming.LAST,
    json: options.Json = False,
    events: options.Events = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Clean the mapped rows by the run's recipe, or by the suggested one."""
    one_step(run, "clean", endpoint, json=json, events=events)


def transform(
    run: options.RunName = naming.LAST,
    rul: Annotated[Literal["auto", "keep", "recompute", "none"] | None, typer.Option("--rul")] = None,
    split_by: Annotated[Literal["auto", "run", "block"] | None, typer.Option("--split-by")] = None,
    failure_log: options.FailureLog = None,
    json: options.Json = False,
    events: options.Events = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Add remaining useful life and split into training, validation and held-out rows."""
    log = str(failure_log.absolute()) if failure_log else None
    change = setting(life={"mode": rul, "failure_log": log}, split={"by": split_by})
    one_step(run, "transform", endpoint, json=json, events=events, change=change)


def merge(
    run: options.RunName = naming.LAST,
    strategy: Annotated[Literal["merge", "replace", "real-only"] | None, typer.Option("--strategy")] = None,
    balance_rul: Annotated[bool | None, typer.Option("--balance-rul/--no-balance-rul")] = None,
    json: options.Json = False,
    events: options.Events = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Choose the rows to train on."""
    change = setting(strategy=strategy, balance_rul=balance_rul)
    one_step(run, "merge", endpoint, json=json, events=events, change=change)


def seed(
    run: options.RunName = naming.LAST,
    rows: Annotated[int | None, typer.Option("--rows", min=100, help="Seed rows. Default: 10,000.")] = None,
    seed_data: Annotated[str | None, typer.Option("--seed-data", metavar="FILE")] = None,
    strategy: Annotated[Literal["merge", "replace", "real-only"] | None, typer.Option("--strategy")] = None,
    json: options.Json = False,
    events: options.Events = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Make seed rows from the machine's physics."""
    change = setting(
        seed_rows=rows, seed_data=str(Path(seed_data).absolute()) if seed_data else None, strategy=strategy
    )
    one_step(run, "seed", endpoint, json=json, events=events, change=change)


def train(
    run: options.RunName = naming.LAST,
    base: Annotated[str | None, typer.Option("--base", metavar="MODEL")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1)] = None,
    detach: options.Detach = False,
    timeout: options.Timeout = "",
    json: options.Json = False,
    events: options.Events = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Provide the model that refinement starts from; train a first one where there is none."""
    change = setting(base=base, epochs=epochs)
    one_step(run, "train", endpoint, json=json, events=events, change=change, detach=detach, timeout=timeout)


def refine(
    run: options.RunName = naming.LAST,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1)] = None,
    detach: options.Detach = False,
    timeout: options.Timeout = "",
    json: options.Json = False,
    events: options.Events = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Refine the base model on the chosen rows."""
    one_step(
        run, "refine", endpoint, json=json, events=events, change=setting(epochs=epochs), detach=detach, timeout=timeout
    )


def augment(
    run: options.RunName = naming.LAST,
    rows: Annotated[int | None, typer.Option("--rows", min=10, help="Rows in all. Default: 50000.")] = None,
    where: Annotated[
        str | None, typer.Option("--where", help='Condition on every row, like "rul<50"; "" for none.')
    ] = None,
    mix_real: Annotated[
        float | None, typer.Option("--mix-real", min=0, max=0.99, help="Share of real rows in the training set.")
    ] = None,
    oversample: Annotated[
        str | None, typer.Option("--oversample", help="Condition of rare rows, like mode=='fault'; needs --share.")
    ] = None,
    share: Annotated[
        float | None, typer.Option("--share", min=0, max=0.99, help="Share of rows that meet --oversample at least.")
    ] = None,
    json: options.Json = False,
    events: options.Events = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Generate the synthetic data sets. What is said here is kept for the run."""
    change = setting(rows=rows, where=where, mix_real=mix_real, oversample=oversample, share=share)
    one_step(run, "augment", endpoint, json=json, events=events, change=change)


def compare(
    run: options.RunName = naming.LAST,
    json: options.Json = False,
    events: options.Events = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Measure the synthetic rows against the held-out real rows."""
    one_step(run, "compare", endpoint, json=json, events=events)


def activate(
    run: options.RunName = naming.LAST,
    if_pass: Annotated[bool, typer.Option("--if-pass", help="Only if the gates are met, else exit 7.")] = False,
    json: options.Json = False,
    events: options.Events = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Make the run's refined model the machine's default."""
    one_step(
        run,
        "activate",
        endpoint,
        json=json,
        events=events,
        change=lambda plan: replace(plan, activate_if_pass=if_pass),
    )


_NEWEST_TABLE = ("transformed", "cleaned", "mapped", "parsed")


async def _table(connection: Any, name: str) -> str:
    if name.startswith("machines/") and name.split("/")[2] != "runs":
        return name
    run = await naming.find_run(connection, name)
    session = await RunSession.reopen(connection.forge, run, lambda event: None)
    for role in _NEWEST_TABLE:
        if role in session.work.outputs:
            return session.work.outputs[role]
    raise SensorForgeClientError(
        "STEP_MISSING", f"{run} has no table yet.", kind="USAGE", remedy="`sensorforge upload` makes one."
    )


Table = Annotated[str, typer.Argument(metavar="[RUN|TABLE]", help="A table artifact, or a run: its newest table.")]


def columns(table: Table = naming.LAST, json: options.Json = False, endpoint: options.Endpoint = "") -> None:
    """Show a table's columns with type, unit, missing share and range."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            name = await _table(connection, table)
            answer = await connection.forge.columns(name)
        described = [
            {
                "name": column.name,
                "type": column.type,
                "unit": column.unit,
                "missing_share": column.missing_share,
                "distinct": column.distinct,
                "samples": list(column.samples),
                "quantiles": list(column.quantiles),
            }
            for column in answer.columns
        ]
        if json:
            output.document({"table": name, "rows": answer.rows, "columns": described})
            return
        output.table(
            ("column", "type", "unit", "missing", "min", "median", "max", "samples"),
            [
                (
                    column.name,
                    column.type,
                    column.unit,
                    f"{column.missing_share:.1%}",
                    column.quantiles[0] if column.quantiles else None,
                    column.quantiles[len(column.quantiles) // 2] if column.quantiles else None,
                    column.quantiles[-1] if column.quantiles else None,
                    ", ".join(column.samples[:3]),
                )
                for column in answer.columns
            ],
        )
        output.say(f"{answer.rows:,} rows in {name}")

    carry_out(work(), json=json)


def preview(
    table: Table = naming.LAST,
    rows: Annotated[int, typer.Option("--rows", min=1, max=200)] = 20,
    offset: Annotated[int, typer.Option("--offset", min=0, help="First row, from 0.")] = 0,
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Show rows of a table as text."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            name = await _table(connection, table)
            answer = await connection.forge.preview(name, offset=offset, rows=rows)
        cells = [list(row.cells) for row in answer.rows]
        if json:
            output.document(
                {"table": name, "columns": list(answer.columns), "rows": cells, "total_rows": answer.total_rows}
            )
            return
        output.table(list(answer.columns), cells)
        output.say(f"{len(cells)} of {answer.total_rows:,} rows of {name}")

    carry_out(work(), json=json)
