"""`datasets`: the tables that a machine's files were read into, and removing one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import typer

from clients.cli import completion, naming, options, output
from clients.cli.connection import Connection, connect
from clients.cli.running import carry_out
from clients.sdk.errors import SensorForgeClientError
from sensorforge.artifacts.v1 import artifacts_pb2

datasets = typer.Typer(no_args_is_help=True, help="List and delete tables.", rich_markup_mode=None)


@datasets.command("list")
def list_datasets(
    machine: Annotated[str, typer.Argument(metavar="MACHINE", help="Machine id.", autocompletion=completion.machines)],
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """List the tables made of a machine's files, newest first."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            await connection.forge.get_machine(machine)  # one that does not exist has no list, not an empty one
            rows = [_document(table) async for table in _every(connection, machine)]
        if json:
            output.document({"machine": machine, "datasets": rows})
            return
        output.table(
            ("table", "made by", "rows", "columns", "created (UTC)"),
            [
                (
                    naming.short_artifact(row["dataset"]), row["operation"], f"{row['rows']:,}", row["columns"],
                    naming.minute(row["created"]),
                )
                for row in rows
            ],
            empty=f"{machine} has no tables yet. `sensorforge upload FILE --profile P` makes one.",
        )  # fmt: skip

    carry_out(work(), json=json)


@datasets.command("delete")
def delete(
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="Full name, or with --machine the name that the list shows.")
    ],
    machine: Annotated[
        str, typer.Option("--machine", help="Machine id, for short names.", autocompletion=completion.machines)
    ] = "",
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Delete a table. The uploaded file stays, so the same run makes the table again."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            name = await _named(connection, machine, table)
            await connection.forge.delete_dataset(name)
        if json:
            output.document({"deleted": name})
        else:
            output.say(f"{name} is deleted")

    carry_out(work(), json=json)


async def _every(connection: Connection, machine: str) -> AsyncIterator[artifacts_pb2.Artifact]:
    token = ""
    while True:
        page = await connection.forge.list_datasets(machine, page_size=200, page_token=token)
        for table in page.datasets:
            yield table
        token = page.next_page_token
        if not token:
            return


async def _named(connection: Connection, machine: str, name: str) -> str:
    if name.startswith("machines/"):
        return name
    if not machine:
        raise SensorForgeClientError(
            "MACHINE_MISSING",
            f"{name!r} is a table of which machine?",
            kind="USAGE",
            remedy="Add --machine ID, or give the table's full name; `sensorforge machines list` shows the ids.",
        )
    found = [t.name async for t in _every(connection, machine) if t.name.split("/", 2)[-1].startswith(name)]
    if len(found) != 1:
        raise SensorForgeClientError(
            "DATASET_UNKNOWN",
            f"{name!r} names {len(found)} tables of {machine}." if found else f"{machine} has no table {name!r}.",
            kind="USAGE",
            remedy=f"`sensorforge datasets list {machine}` shows them.",
        )
    return found[0]


def _document(table: artifacts_pb2.Artifact) -> dict[str, Any]:
    """Returns a table's row of the list; rows and columns are those of its first file that is a table."""
    file = next((file for file in table.files if file.columns), artifacts_pb2.ArtifactFile())
    return {
        "dataset": table.name,
        "operation": table.operation,
        "rows": file.rows,
        "columns": len(file.columns),
        "created": table.create_time.ToJsonString(),
    }
