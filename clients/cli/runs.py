"""`runs` and `watch`: what has been begun, and going on watching it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from clients.cli import completion, naming, options, output
from clients.cli.connection import Connection, connect
from clients.cli.narration import Narrator
from clients.cli.run import drive
from clients.cli.running import carry_out
from clients.sdk.calls.jobs import ENDED
from clients.sdk.config import STAGES, Stage
from clients.sdk.errors import ExitCode, SensorForgeClientError, from_failure
from clients.sdk.results import write_results
from clients.sdk.workflow import events as told
from clients.sdk.workflow.session import RunReport, RunSession
from clients.sdk.workflow.steps import STEPS
from sensorforge.common.v1 import job_pb2
from sensorforge.machines.v1 import machines_pb2


def runs(
    run: Annotated[
        str, typer.Argument(metavar="[RUN]", help="Show this run instead of all.", autocompletion=completion.runs)
    ] = "",
    machine: Annotated[
        str, typer.Option("--machine", help="Only runs of this machine.", autocompletion=completion.machines)
    ] = "",
    out: options.Out = None,
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """List runs, or show one; with --out write the results it has."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            if run or out:
                await _show(connection, await naming.find_run(connection, run or naming.LAST), out, json=json)
            else:
                await _list(connection, machine, json=json)

    carry_out(work(), json=json)


async def _list(connection: Connection, machine: str, *, json: bool) -> None:
    found: list[machines_pb2.Run] = []
    token = ""
    while True:
        page = await connection.forge.list_runs(machine=machine, page_size=200, page_token=token)
        found += page.runs
        token = page.next_page_token
        if not token:
            break
    rows = [
        {
            "run": run.name,
            "machine": run.name.split("/")[1],
            "title": run.title,
            "step": reached(run),
            "created": run.create_time.ToJsonString(),
        }
        for run in found
    ]
    if json:
        output.document({"runs": rows})
        return
    output.table(
        ("run", "machine", "title", "step", "created (UTC)"),
        [
            (naming.short_run(row["run"]), row["machine"], row["title"], row["step"], naming.minute(row["created"]))
            for row in rows
        ],
        empty="No runs yet. `sensorforge run FILE --profile P` makes one; `sensorforge demo` tries it out.",
    )


def reached(run: machines_pb2.Run) -> str:
    """Returns the furthest step that a run has an outcome of."""
    done = {decision.step for decision in run.decisions if decision.artifact}
    return next((step for step in reversed(STEPS) if step in done), "new")


async def _show(connection: Connection, name: str, out: Path | None, *, json: bool) -> None:
    session = await RunSession.reopen(connection.forge, name, lambda event: None)
    journal = session.work.journal
    steps = []
    for step in STEPS:
        entry = journal.latest(step)
        if entry is not None:
            steps.append(
                {
                    "step": step,
                    "consequence": entry.draft.get("consequence", entry.draft.get("state", "")),
                    "stale": step in session.stale,
                    "artifact": entry.artifact,
                    "job": entry.job,
                }
            )
    files = await write_results(connection.forge, name, session.work.outputs, out) if out else ()
    values = {
        "run": name,
        "machine": session.work.machine_id,
        "title": journal.run.title,
        "plan": session.work.plan.to_json(),
        "steps": steps,
        "outputs": dict(sorted(session.work.outputs.items())),
        "files": [str(path) for path in files],
    }
    if json:
        output.document(values)
        return
    output.say(f"Run {naming.short_run(name)} of {session.work.machine_id}: {journal.run.title}")
    output.table(
        ("step", "outcome", "stale", "artifact"),
        [
            (item["step"], item["consequence"], item["stale"], naming.short_artifact(str(item["artifact"])))
            for item in steps
        ],
        empty="Nothing was done yet.",
    )
    if out:
        output.say(f"{len(files)} files are in {out}")


def watch(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[RUN|JOB]", help="A run or a job; default: the last run.", autocompletion=completion.runs
        ),
    ] = naming.LAST,
    out: options.Out = None,
    timeout: options.Timeout = "",
    json: options.Json = False,
    events: options.Events = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Watch a run's training again and carry the run on to its end; or watch one job."""

    async def work() -> ExitCode:
        limit = options.seconds(timeout)
        async with connect(endpoint) as connection:
            parts = name.split("/")
            if len(parts) == 4 and parts[2] == "jobs":
                return await _watch_job(connection, name, limit, json=json, events=events)
            run = await naming.find_run(connection, name)

            async def opened(narrator: Narrator) -> RunSession:
                return await RunSession.reopen(connection.forge, run, narrator, replay=True)

            return await drive(connection, opened, _carry_on, out=out, limit_s=limit, json=json, events=events)

    carry_out(work(), json=json, events=events)


async def _carry_on(session: RunSession) -> RunReport:
    return await session.run(session.until)


async def _watch_job(connection: Connection, name: str, limit_s: float | None, *, json: bool, events: bool) -> ExitCode:
    operation = (await connection.forge.get_job(name)).operation.split(".")[0]
    stage: Stage = next((stage for stage in STAGES if stage == operation), "ingest")
    job = job_pb2.Job()
    with Narrator(as_events=events) as narrator:
        try:
            async with asyncio.timeout(limit_s):
                async for event in connection.forge.watch_job(name, stage=stage):
                    match event.WhichOneof("event"):
                        case "progress":
                            progress = event.progress
                            narrator(
                                told.StepProgress(
                                    "refine", progress.phase, progress.done, progress.total, progress.eta_seconds,
                                    progress.message,
                                )
                            )  # fmt: skip
                        case "epoch":
                            narrator(told.EpochEvent("refine", event.epoch))
                        case "warning":
                            narrator(told.Finding("refine", "warning", event.warning.code, event.warning.message))
                        case "final":
                            job = event.final
        except TimeoutError:
            connection.leave([name])
            raise SensorForgeClientError(
                "TIMEOUT",
                f"{name} was not done after {limit_s:g} s; it goes on.",
                kind="TIMEOUT",
                remedy=f"`sensorforge watch {name}` watches it again.",
            ) from None
        except asyncio.CancelledError:
            connection.leave([name])
            output.say(f"Interrupted; the job goes on. `sensorforge watch {name}` watches it again.")
            raise
    if job.state == job_pb2.JOB_STATE_FAILED:
        raise from_failure(job.failure, name)
    values: dict[str, Any] = {
        "job": name,
        "operation": job.operation,
        "state": job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_").lower(),
        "ended": job.state in ENDED,
        "outputs": {item.role: item.artifact for item in job.outputs},
    }
    if events:
        output.EventLines.shared().write("result", values)
    elif json:
        output.document(values)
    else:
        output.table(("role", "artifact"), list(values["outputs"].items()), empty=f"{name} {values['state']}")
    return ExitCode.DONE
