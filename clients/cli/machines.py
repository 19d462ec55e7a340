"""`machines`: the machines that are registered, and their profiles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from clients.cli import options, output
from clients.cli.connection import connect
from clients.cli.running import carry_out
from clients.sdk.profile_file import read_profile
from clients.sdk.workflow.model_steps import short
from sensorforge.machines.v1 import machines_pb2

machines = typer.Typer(no_args_is_help=True, help="Register and show machines.", rich_markup_mode=None)


def _document(machine: machines_pb2.Machine) -> dict[str, Any]:
    return {
        "machine": machine.machine_id,
        "category": machine.category,
        "profile": machine.profile,
        "profile_version": machine.profile_version,
        "sampling_period_seconds": machine.sampling_period_seconds,
        "rul_unit": machine.rul_unit,
        "rul_max": machine.rul_max,
        "default_model": machine.default_model,
        "sensors": [
            {
                "name": sensor.name,
                "quantity": sensor.quantity,
                "unit": sensor.unit,
                "min": sensor.min if sensor.HasField("min") else None,
                "typical": sensor.typical if sensor.HasField("typical") else None,
                "max": sensor.max if sensor.HasField("max") else None,
                "role": sensor.role,
                "required": sensor.required,
                "aliases": list(sensor.aliases),
            }
            for sensor in machine.sensors
        ],
    }


@machines.command("add")
def add(
    profile: Annotated[Path, typer.Argument(metavar="PROFILE", help="Machine profile, YAML or JSON.")],
    check: Annotated[bool, typer.Option("--check", help="Only check it.")] = False,
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Register a machine by its profile, or a new version of it."""

    async def work() -> None:
        document, name = read_profile(str(profile))
        async with connect(endpoint) as connection:
            answer = await connection.forge.register_machine(document, file_name=name, validate_only=check)
        if json:
            output.document({**_document(answer.machine), "notes": list(answer.notes), "registered": not check})
            return
        for note in answer.notes:
            output.say(f"  i {note}")
        what = "is valid" if check else f"is registered (profile version {answer.machine.profile_version})"
        output.say(f"{answer.machine.machine_id} with {len(answer.machine.sensors)} sensors {what}")

    carry_out(work(), json=json)


@machines.command("list")
def list_machines(json: options.Json = False, endpoint: options.Endpoint = "") -> None:
    """List machines."""

    async def work() -> None:
        found: list[machines_pb2.Machine] = []
        async with connect(endpoint) as connection:
            token = ""
            while True:
                page = await connection.forge.list_machines(page_size=200, page_token=token)
                found += page.machines
                token = page.next_page_token
                if not token:
                    break
        if json:
            output.document({"machines": [_document(machine) for machine in found]})
            return
        output.table(
            ("machine", "category", "sensors", "profile version", "default model"),
            [
                (m.machine_id, m.category, len(m.sensors), m.profile_version, short(m.default_model) or None)
                for m in found
            ],
            empty="No machines yet. `sensorforge machines add PROFILE` registers one.",
        )

    carry_out(work(), json=json)


@machines.command("show")
def show(
    machine: Annotated[str, typer.Argument(metavar="MACHINE", help="Machine id.")],
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Show a machine's sensors."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            found = await connection.forge.get_machine(machine)
        values = _document(found)
        if json:
            output.document(values)
            return
        output.say(f"{found.machine_id}: {found.category or 'no category'}, profile version {found.profile_version}")
        output.table(
            ("sensor", "unit", "min", "typical", "max", "role", "required"),
            [
                (s["name"], s["unit"], s["min"], s["typical"], s["max"], s["role"], s["required"])
                for s in values["sensors"]
            ],
        )

    carry_out(work(), json=json)


@machines.command("summary")
def summary(endpoint: options.Endpoint = "") -> None:
    """Print the newest comparison of every machine as CSV, one row a machine."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            output.data.print(await connection.forge.summarize_machines(), markup=False, highlight=False, end="")

    carry_out(work())
