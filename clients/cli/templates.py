"""`template`: mappings that a machine remembers for files with the same header."""

from __future__ import annotations

from typing import Annotated

import typer

from clients.cli import naming, options, output
from clients.cli.connection import connect
from clients.cli.running import carry_out
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.workflow.journal import RunJournal
from sensorforge.mapping.v1 import mapping_service_pb2

template = typer.Typer(no_args_is_help=True, help="Remember mappings for files to come.", rich_markup_mode=None)


@template.command("list")
def list_templates(
    machine: Annotated[str, typer.Argument(metavar="MACHINE", help="Machine id.")],
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """List the mappings that a machine remembers."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            found = await connection.forge.list_templates(machine)
        if json:
            output.document(
                {
                    "machine": machine,
                    "templates": [
                        {
                            "name": item.name,
                            "updated": item.update_time.ToJsonString(),
                            "columns": [
                                {"column": c.column, "role": c.role, "sensor": c.sensor, "unit": c.source_unit}
                                for c in item.columns
                            ],
                        }
                        for item in found
                    ],
                }
            )
            return
        output.table(
            ("template", "columns", "sensors", "updated"),
            [
                (
                    item.name,
                    len(item.columns),
                    sum(bool(c.sensor) for c in item.columns),
                    item.update_time.ToJsonString(),
                )
                for item in found
            ],
            empty=f"{machine} remembers no mapping; `sensorforge template save RUN` makes it remember one.",
        )

    carry_out(work(), json=json)


@template.command("save")
def save(run: options.RunName = naming.LAST, json: options.Json = False, endpoint: options.Endpoint = "") -> None:
    """Remember the mapping of a run for files with the same header."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            name = await naming.find_run(connection, run)
            entry = RunJournal(connection.forge, await connection.forge.get_run(name)).latest("map")
            columns = entry.draft.get("columns", []) if entry else []
            if not columns:
                raise SensorForgeClientError(
                    "STEP_MISSING", f"{name} has no mapping yet.", kind="USAGE", remedy="`sensorforge map` makes one."
                )
            saved = await connection.forge.save_template(
                name.split("/")[1],
                [
                    mapping_service_pb2.ColumnMapping(
                        column=item["column"], role=item["role"], sensor=item["sensor"], source_unit=item["unit"]
                    )
                    for item in columns
                ],
            )
        if json:
            output.document({"template": saved.name, "columns": len(saved.columns)})
            return
        output.say(f"{saved.name} remembers {len(saved.columns)} columns")

    carry_out(work(), json=json)


@template.command("delete")
def delete(
    name: Annotated[str, typer.Argument(metavar="TEMPLATE", help="Full name.")],
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Forget a mapping."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            await connection.forge.delete_template(name)
        if json:
            output.document({"deleted": name})
            return
        output.say(f"{name} is forgotten")

    carry_out(work(), json=json)
