"""`template`: mappings that a machine remembers for files with the same header."""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from clients.cli import naming, options, output
from clients.cli.connection import Connection, connect
from clients.cli.running import carry_out
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.workflow.journal import RunJournal
from clients.sdk.workflow.templates import align_of, time_of
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
            await connection.forge.get_machine(machine)  # one that does not exist has no list, not an empty one
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
                            "time": _time_document(item.time),
                            "align": {
                                "rows": item.align.rows,
                                "tolerance_seconds": item.align.tolerance_seconds,
                            },
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
def save(
    run: options.RunName = naming.LAST,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Templates that `template list MACHINE --json` wrote; no run."),
    ] = None,
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Remember the mapping of a run, or of a file of templates, for files with the same header."""

    async def work() -> None:
        given = read_templates(source) if source is not None else None
        async with connect(endpoint) as connection:
            if given is None:
                saved = [await _save_run(connection, await naming.find_run(connection, run))]
            else:
                saved = [
                    await connection.forge.save_template(given.machine, columns, time, align)
                    for (columns, time), align in zip(given.templates, given.aligned, strict=True)
                ]
        if json:
            output.document({"template": saved[0].name, "columns": len(saved[0].columns)})
            return
        for item in saved:
            output.say(f"{item.name} remembers {len(item.columns)} columns")

    carry_out(work(), json=json)


async def _save_run(connection: Connection, name: str) -> mapping_service_pb2.Template:
    entry = RunJournal(connection.forge, await connection.forge.get_run(name)).latest("map")
    columns = entry.draft.get("columns", []) if entry else []
    if entry is None or not columns:
        raise SensorForgeClientError(
            "STEP_MISSING", f"{name} has no mapping yet.", kind="USAGE", remedy="`sensorforge map` makes one."
        )
    mapped = await connection.forge.get_artifact(str(entry.draft.get("own_rows") or entry.artifact))
    read = mapped.params_json
    return await connection.forge.save_template(
        name.split("/")[1], [_column(item) for item in columns], time_of(read), align_of(read)
    )


def _column(item: Mapping[str, Any]) -> mapping_service_pb2.ColumnMapping:
    return mapping_service_pb2.ColumnMapping(
        column=item["column"], role=item["role"], sensor=item["sensor"], source_unit=item["unit"]
    )


def _time_document(time: mapping_service_pb2.TimeOptions) -> dict[str, Any]:
    day_first = time.day_first if time.HasField("day_first") else None
    return {"format": time.format, "day_first": day_first, "zone": time.zone, "gap_factor": time.gap_factor}


@dataclass(frozen=True)
class SavedTemplates:
    """Templates of a machine as a file has them: the columns of each, how its time is read, how it is aligned."""

    machine: str
    templates: tuple[tuple[list[mapping_service_pb2.ColumnMapping], mapping_service_pb2.TimeOptions], ...]
    aligned: tuple[mapping_service_pb2.AlignOptions, ...] = ()


def read_templates(path: Path) -> SavedTemplates:
    """Returns the templates of a file. Raises SensorForgeClientError TEMPLATES_INVALID."""
    try:
        given = json_module.loads(path.read_text("utf-8"))
        templates = tuple(
            ([_column(column) for column in item["columns"]], mapping_service_pb2.TimeOptions(**_set(item["time"])))
            for item in given["templates"]
        )
        aligned = tuple(mapping_service_pb2.AlignOptions(**item.get("align", {})) for item in given["templates"])
        machine = str(given["machine"])
    except OSError as failed:
        raise _invalid(path, f"it cannot be read: {failed.strerror or failed}") from None
    except KeyError as failed:
        raise _invalid(path, f"it lacks {failed}") from None
    except (ValueError, TypeError) as failed:
        raise _invalid(path, str(failed)) from None
    if not templates:
        raise _invalid(path, "it has no template")
    return SavedTemplates(machine, templates, aligned)


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _invalid(path: Path, what: str) -> SensorForgeClientError:
    return SensorForgeClientError(
        "TEMPLATES_INVALID",
        f"{path} is no file of templates: {what}.",
        kind="USAGE",
        remedy="`sensorforge template list MACHINE --json` writes one.",
    )


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
