"""`sensorforge run`: all steps on files of one's own, and what it shares with the commands that go on with a run."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from clients.cli import naming, options, output, summary
from clients.cli.connection import Connection, connect
from clients.cli.narration import Narrator
from clients.cli.running import carry_out
from clients.sdk import local
from clients.sdk.errors import ExitCode, SensorForgeClientError
from clients.sdk.plan import Plan, merged
from clients.sdk.plan_file import read_plan
from clients.sdk.profile_file import read_profile
from clients.sdk.results import check_target, write_results
from clients.sdk.upload import read_digest
from clients.sdk.workflow.events import Finding
from clients.sdk.workflow.model_steps import named_model
from clients.sdk.workflow.session import RunReport, RunSession
from clients.sdk.workflow.steps import STEPS, TITLES, StepName

_NOT_REMEMBERED = "The configuration directory cannot be written, so `last` may mean another run: name {}."

Until = Literal[
    "upload", "validate", "map", "clean", "transform", "seed", "train", "merge", "refine", "augment", "compare",
    "activate",
]  # fmt: skip


def run(
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE...", help="Data files of one machine.")] = None,
    profile: options.Profile = None,
    plan: Annotated[Path | None, typer.Option("--plan", metavar="FILE", help="Choices in a YAML file.")] = None,
    strategy: Annotated[
        Literal["merge", "replace", "real-only"] | None,
        typer.Option("--strategy", help="Rows that train the model. Default: real-only."),
    ] = None,
    base: Annotated[
        str | None, typer.Option("--base", metavar="MODEL", help="Model to start from: a model, default or none.")
    ] = None,
    seed_data: Annotated[
        str | None, typer.Option("--seed-data", metavar="FILE", help="Seed rows of one's own instead of physics.")
    ] = None,
    rows: Annotated[int | None, typer.Option("--rows", min=10, help="Synthetic rows. Default: 50000.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Most training epochs.")] = None,
    random_seed: Annotated[int | None, typer.Option("--random-seed", min=0, help="Default: 0.")] = None,
    timestamp_column: options.TimestampColumn = "",
    rul_column: Annotated[str, typer.Option("--rul-column", metavar="C", help="Remaining useful life.")] = "",
    run_column: Annotated[str, typer.Option("--run-column", metavar="C", help="Run or unit id.")] = "",
    runs_end_in_failure: Annotated[
        bool | None,
        typer.Option(
            "--runs-end-in-failure/--runs-may-be-stopped", help="Whether each run ends in a failure: RUL counts to it."
        ),
    ] = None,
    failure_log: options.FailureLog = None,
    align: options.Align = "",
    auto_map: Annotated[
        Literal["confident", "exact"] | None,
        typer.Option("--auto-map", help="What is mapped without asking. Default: confident."),
    ] = None,
    map_columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=SENSOR", help="Say what a column is (COLUMN=SENSOR:UNIT, =ignore)."),
    ] = None,
    until: Annotated[Until | None, typer.Option("--until", help="Stop after this step.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")] = False,
    activate_if_pass: Annotated[
        bool, typer.Option("--activate-if-pass", help="Make the model the default if it meets its gates, else exit 7.")
    ] = False,
    out: options.Out = None,
    detach: options.Detach = False,
    timeout: options.Timeout = "",
    json: options.Json = False,
    events: options.Events = False,
    endpoint: options.Endpoint = "",
    format: options.Format = "",
    delimiter: options.Delimiter = "",
    quote: options.Quote = "",
    encoding: options.Encoding = "",
    header_row: options.HeaderRow = None,
    decimal: options.Decimal = "",
    thousands: options.Thousands = "",
    join_tolerance: options.JoinTolerance = 0.0,
    sheet: options.Sheet = "",
    timestamp_format: options.TimestampFormat = "",
    day_first: options.DayFirst = None,
    time_zone: options.TimeZone = "",
    units_row: options.UnitsRow = None,
    column_names: options.ColumnNames = "",
    tag_column: options.TagColumn = "",
    value_column: options.ValueColumn = "",
    quality_column: options.QualityColumn = "",
    register_map: options.RegisterMap = None,
) -> None:
    """Take files through all steps: out come a refined model, synthetic data sets and a report.

    The same command again continues where it stopped and repeats nothing.
    """

    async def work() -> ExitCode:
        chosen = merged(
            read_plan(plan) if plan else Plan(),
            {
                "files": tuple(_absolute(name) for name in files) if files else None,
                "profile": _absolute(profile) if profile else None,
                "strategy": strategy,
                "base": base,
                "seed_data": _absolute(seed_data) if seed_data else None,
                "rows": rows,
                "epochs": epochs,
                "random_seed": random_seed,
                "timestamp_column": timestamp_column or None,
                "rul_column": rul_column or None,
                "run_column": run_column or None,
                "auto_map": auto_map,
                "activate_if_pass": activate_if_pass or None,
                "life": {
                    "runs_end_in_failure": runs_end_in_failure,
                    "failure_log": _absolute(failure_log) if failure_log else None,
                },
                "align": {"rows": align or None},
                "read": {
                    "format": format or None,
                    "delimiter": delimiter or None,
                    "quote": quote or None,
                    "encoding": encoding or None,
                    "header_row": header_row,
                    "decimal": options.decimal_mark(decimal, thousands) or None,
                    "join_tolerance_seconds": join_tolerance or None,
                    "sheet": sheet or None,
                    "timestamp_format": timestamp_format or None,
                    "day_first": day_first,
                    "time_zone": time_zone or None,
                    "units_row": units_row,
                    "column_names": options.names(column_names),
                    "tag_column": tag_column or None,
                    "value_column": value_column or None,
                    "quality_column": quality_column or None,
                    "register_map": _absolute(register_map) if register_map else None,
                },
            },
        )
        chosen = with_columns(chosen, map_columns or [])
        limit = options.seconds(timeout)
        await check_local(chosen)
        if out is not None:
            check_target(out)
        async with connect(endpoint) as connection:
            if dry_run:
                return await _dry_run(connection, chosen, until, json=json)

            async def opened(narrator: Narrator) -> RunSession:
                return await RunSession.open(connection.forge, chosen, narrator, detach=detach, until=until)

            return await drive(
                connection,
                opened,
                lambda session: session.run(until),
                out=out,
                limit_s=limit,
                json=json,
                events=events,
            )

    carry_out(work(), json=json, events=events)


def _absolute(path: str | Path) -> str:
    # The run's journal keeps the plan, and a later command may be given elsewhere.
    return os.path.abspath(path)


def with_columns(plan: Plan, texts: list[str]) -> Plan:
    """Returns the plan with `--map` choices in place of its own about the same columns."""
    choices = options.column_choices(texts)
    said = {choice.column for choice in choices}
    kept = tuple(choice for choice in plan.mapping if choice.column not in said)
    return dataclasses.replace(plan, mapping=kept + choices)


async def check_local(plan: Plan) -> None:
    """Checks what needs no service. Raises SensorForgeClientError: missing or empty files, no profile."""
    if not plan.files:
        raise SensorForgeClientError(
            "NO_FILES",
            "No data file is given.",
            kind="USAGE",
            remedy="Name at least one: sensorforge run FILE --profile PROFILE. `sensorforge demo` needs none.",
        )
    read_profile(plan.profile)
    for name in (*plan.files, plan.seed_data, plan.life.failure_log, plan.read.register_map):
        if name:
            await read_digest(Path(name))


async def drive(
    connection: Connection,
    open_session: Callable[[Narrator], Awaitable[RunSession]],
    act: Callable[[RunSession], Awaitable[RunReport]],
    *,
    out: Path | None,
    limit_s: float | None,
    json: bool,
    events: bool,
) -> ExitCode:
    """Opens a run, carries it on, writes its results and its account. Leaves jobs running on Ctrl-C, on time-out and
    when detached."""
    session: RunSession | None = None
    with Narrator(as_events=events, link_lost=connection.revive) as narrator:
        try:
            async with asyncio.timeout(limit_s):
                session = await open_session(narrator)
                if not local.remember(last_run=session.name):
                    narrator(Finding("upload", "warning", "RUN_NOT_REMEMBERED", _NOT_REMEMBERED.format(session.name)))
                report = await act(session)
        except TimeoutError:
            connection.leave(session.work.jobs if session else ())
            raise _timed_out(session, limit_s or 0) from None
        except asyncio.CancelledError:
            if session is not None:
                connection.leave(session.work.jobs)
                output.say(f"Interrupted; what runs goes on. {_again(session)}")
            raise
    if report.detached_job:
        connection.leave([report.detached_job])
    paths: tuple[Path, ...] = ()
    if out is not None and not report.detached_job:
        paths = await write_results(connection.forge, report.run, report.outputs, out)
    code = _code(session, report)
    values = await summary.run_document(connection.forge, report, out=out, files=paths, code=code)
    if events:
        output.EventLines.shared().write("result", values)
    elif json:
        output.document(values)
    else:
        summary.show_run(values)
    if report.detached_job:
        output.say(f"{report.detached_step} goes on in the background. {_again(session)}")
    elif out is not None:
        output.say(f"{len(paths)} files are in {out}")
    if code == ExitCode.GATE_NOT_MET:
        output.error(
            SensorForgeClientError(
                "GATE_NOT_MET",
                f"The refined model does not meet its gates, so the default model stays. "
                f"{values.get('comparison', {}).get('verdict', '')}",
                kind="GATE",
                remedy=f"The report says which and why; `sensorforge activate "
                f"{naming.short_run(report.run)}` activates it nevertheless.",
            )
        )
    return code


def _code(session: RunSession, report: RunReport) -> ExitCode:
    last = report.steps[-1] if report.steps else None
    if last and last.step == "activate" and last.skipped and session.work.plan.activate_if_pass:
        return ExitCode.GATE_NOT_MET
    return ExitCode.DONE


def _again(session: RunSession) -> str:
    return f"`sensorforge watch {naming.short_run(session.name)}` watches it again; the same command continues it."


def _timed_out(session: RunSession | None, limit_s: float) -> SensorForgeClientError:
    again = _again(session) if session else "The same command continues it."
    return SensorForgeClientError(
        "TIMEOUT",
        f"The run was not done after {limit_s:g} s; what runs goes on.",
        kind="TIMEOUT",
        remedy=again,
        metadata={"run": session.name} if session else {},
    )


async def _dry_run(connection: Connection, plan: Plan, until: StepName | None, *, json: bool) -> ExitCode:
    document, name = read_profile(plan.profile)
    checked = await connection.forge.register_machine(document, file_name=name, validate_only=True)
    machine = checked.machine
    standing = ""
    try:
        standing = (await connection.forge.get_default_model(machine.machine_id)).current.model
    except SensorForgeClientError as error:
        if error.kind != "NOT_FOUND":
            raise
    if unknown := {c.sensor for c in plan.mapping if c.sensor} - {sensor.name for sensor in machine.sensors}:
        raise SensorForgeClientError(
            "SENSOR_UNKNOWN",
            f"A column is mapped to {min(unknown)!r}, which the profile does not have.",
            kind="USAGE",
            remedy="Name a sensor of the profile, or add this one to it.",
        )
    base = plan.base
    if base not in ("default", "none"):
        base = await named_model(connection.forge, machine.machine_id, base)
    elif base == "default":
        base = standing or "a first model, trained on seed rows"
    strategy = plan.strategy or "real-only"
    trains_first = plan.base == "default" and not standing
    skipped = {
        "seed": strategy != "merge" and not trains_first,
        "train": not trains_first,
        "activate": not plan.activate_if_pass and not (plan.base == "none" and not standing),
    }
    steps = [step for step in STEPS if until is None or STEPS.index(step) <= STEPS.index(until)]
    values: dict[str, Any] = {
        "dry_run": True,
        "machine": machine.machine_id,
        "sensors": len(machine.sensors),
        "files": [{"path": name, "size_bytes": (await read_digest(Path(name))).size} for name in plan.files],
        "strategy": strategy,
        "base": base,
        "plan": plan.to_json(),
        "steps": [{"step": step, "title": TITLES[step], "skipped": skipped.get(step, False)} for step in steps],
        "notes": list(checked.notes),
    }
    if json:
        output.document(values)
    else:
        output.table(
            ("step", "what happens", ""),
            [(item["step"], item["title"], "not needed" if item["skipped"] else "") for item in values["steps"]],
        )
        output.say(f"strategy {strategy}, base {values['base']}; nothing was changed")
    return ExitCode.DONE
