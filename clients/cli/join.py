"""`sensorforge join`: the mapped rows of runs of one machine, logged at different cadence, become the rows of one.

To each row of the slower log come the latest values of the faster one, not older than a tolerance; no row is invented.
The first run goes on with the joined rows, and maps to them again, until it is joined anew; with no other run named it
takes its own rows back.
"""

from __future__ import annotations

from typing import Annotated

import typer

from clients.cli import naming, options
from clients.cli.connection import Connection, connect
from clients.cli.narration import Narrator
from clients.cli.one_step import setting
from clients.cli.run import drive
from clients.cli.running import carry_out
from clients.sdk.errors import ExitCode, SensorForgeClientError
from clients.sdk.workflow.journal import RunJournal
from clients.sdk.workflow.session import RunReport, RunSession


def join(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run that goes on with the rows of all.")],
    others: Annotated[
        list[str] | None,
        typer.Argument(metavar="OTHER...", help="Runs of the same machine, with other sensors. None: its own rows."),
    ] = None,
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
    events: options.Events = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Join the mapped rows of runs by time, where one machine is logged in several files of different cadence."""

    async def work() -> ExitCode:
        async with connect(endpoint) as connection:
            name = await naming.find_run(connection, run)
            tables = tuple([await _mapped_rows(connection, name, other) for other in others or ()])
            change = setting(join={"tables": tables, "tolerance_seconds": tolerance})

            async def opened(narrator: Narrator) -> RunSession:
                return await RunSession.reopen(connection.forge, name, narrator, change=change)

            async def act(session: RunSession) -> RunReport:
                await session.step("map")
                return session.report()

            return await drive(connection, opened, act, out=None, limit_s=None, json=json, events=events)

    carry_out(work(), json=json, events=events)


async def _mapped_rows(connection: Connection, run: str, other: str) -> str:
    """Returns the mapped rows of another run of a run's machine.

    Raises SensorForgeClientError: STEP_MISSING, JOIN_OTHER_MACHINE, JOIN_WITH_ITSELF.
    """
    name = await naming.find_run(connection, other)
    if name == run:
        raise SensorForgeClientError(
            "JOIN_WITH_ITSELF",
            f"{name} cannot be joined with itself.",
            kind="USAGE",
            remedy="Name another run of the machine; `sensorforge runs` lists them.",
        )
    machine, of = (text.split("/")[1] for text in (run, name))
    if machine != of:
        raise SensorForgeClientError(
            "JOIN_OTHER_MACHINE",
            f"The runs are of two machines, {machine} and {of}; rows are joined within one.",
            kind="USAGE",
            remedy="Upload both files with the profile of one machine.",
        )
    entry = RunJournal(connection.forge, await connection.forge.get_run(name)).latest("map")
    if entry is None or "mapped" not in entry.outputs:
        raise SensorForgeClientError(
            "STEP_MISSING",
            f"{name} has no mapped rows yet.",
            kind="USAGE",
            remedy=f"`sensorforge map {naming.short_run(name)}` makes them.",
        )
    return entry.outputs["mapped"]
