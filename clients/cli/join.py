"""`sensorforge join`: the mapped rows of two runs of one machine, logged at different cadence, become the rows of one.

To each row of the slower log come the latest values of the faster one, not older than a tolerance; no row is invented.
The first run goes on with the joined rows: its next steps clean, transform and train on them. Mapping it again takes
its own rows back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from clients.cli import naming, options, output
from clients.cli.connection import Connection, connect
from clients.cli.narration import Narrator
from clients.cli.running import carry_out
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.workflow.data_steps import finding_text, thresholds
from clients.sdk.workflow.events import Finding, StepDone, StepStarted
from clients.sdk.workflow.journal import Entry, RunJournal
from clients.sdk.workflow.session import RunSession
from clients.sdk.workflow.work import Work
from sensorforge.ingest.v1 import ingest_service_pb2
from sensorforge.mapping.v1 import mapping_service_pb2


def join(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run that goes on with the rows of both.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="A run of the same machine, with other sensors.")],
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance",
            metavar="SECONDS",
            min=0.0,
            help="How old a value of the faster log may be. Default: the longer of the two usual steps.",
        ),
    ] = 0.0,
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Join the mapped rows of two runs by time, where one machine is logged in two files of different cadence."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            names = [await naming.find_run(connection, name) for name in (run, other)]
            with Narrator() as narrator:
                session = await RunSession.reopen(connection.forge, names[0], narrator)
                values = await _join(connection, session.work, await _mapping_of(connection, names[1]), tolerance)
        values = {"run": names[0], "joined_with": names[1], **values}
        if json:
            output.document(values)
            return
        output.say(f"`sensorforge clean {naming.short_run(names[0])}` goes on with them.")

    carry_out(work(), json=json)


async def _mapping_of(connection: Connection, name: str) -> Entry:
    """Returns the mapping of a run. Raises SensorForgeClientError STEP_MISSING."""
    entry = RunJournal(connection.forge, await connection.forge.get_run(name)).latest("map")
    if entry is None or "mapped" not in entry.outputs:
        raise SensorForgeClientError(
            "STEP_MISSING",
            f"{name} has no mapped rows yet.",
            kind="USAGE",
            remedy=f"`sensorforge map {naming.short_run(name)}` makes them.",
        )
    return entry


async def _join(connection: Connection, work: Work, other: Entry, tolerance: float) -> dict[str, Any]:
    own = await _mapping_of(connection, work.journal.run.name)
    table, added = str(own.draft.get("joined_from") or own.outputs["mapped"]), other.outputs["mapped"]
    if added.split("/")[1] != work.machine_id:
        raise SensorForgeClientError(
            "JOIN_OTHER_MACHINE",
            f"The runs are of two machines, {work.machine_id} and {added.split('/')[1]}; rows are joined within one.",
            kind="USAGE",
            remedy="Upload both files with the profile of one machine.",
        )
    work.tell(StepStarted("map", "Join two logs"))
    spec = mapping_service_pb2.JoinSpec(
        table=table, other=added, profile=work.machine.profile, tolerance_seconds=tolerance
    )
    started = await work.perform("map", "mapping", lambda: connection.forge.start_join(work.machine_id, spec))
    joined = started["table"]
    report = await _checked(connection, work, joined)
    rows = {role: await work.rows(name) for role, name in (("own", table), ("other", added), ("joined", joined))}
    words = f"{rows['joined']:,} rows of {rows['own']:,} and {rows['other']:,} joined"
    outputs = {"mapped": joined, "profile_report": report}
    draft = {**own.draft, "outputs": outputs, "consequence": words, "joined_from": table, "joined_with": added}
    await work.journal.record("map", artifact=joined, job=work.jobs[-1], draft=draft)
    work.tell(StepDone("map", words, work.all_reused, outputs, tuple(work.jobs)))
    return {"table": joined, "rows": rows}


async def _checked(connection: Connection, work: Work, joined: str) -> str:
    """Returns the report of the profile checks on the joined rows. Raises VALIDATION_FAILED with its errors."""
    spec = ingest_service_pb2.ValidationSpec(
        table=joined, profile=work.machine.profile, thresholds=thresholds(work.plan.validation)
    )
    done = await work.perform("map", "ingest", lambda: connection.forge.start_validation(work.machine_id, spec))
    document: Mapping[str, Any] = await connection.forge.read_json(done["report"], "validation.json")
    for item in document.get("warnings", []):
        work.tell(Finding("map", "warning", "VALIDATION", finding_text(item)))
    if errors := [finding_text(item) for item in document.get("errors", [])]:
        raise SensorForgeClientError(
            "VALIDATION_FAILED",
            f"The joined rows did not pass validation. {' '.join(errors)}",
            kind="INPUT",
            remedy="Raise --tolerance, or check that both logs are of the same time.",
            metadata={"report": done["report"]},
        )
    return done["report"]
