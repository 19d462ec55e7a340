"""`plan init`: the plan of a run as a file, complete, to keep and to change."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import typer

from clients.cli import naming, options, output
from clients.cli.connection import connect
from clients.cli.running import carry_out
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.plan import ColumnChoice, Plan
from clients.sdk.plan_file import plan_to_yaml
from clients.sdk.workflow.model_steps import short
from clients.sdk.workflow.session import RunSession

plan = typer.Typer(no_args_is_help=True, help="Write plans for `run --plan`.", rich_markup_mode=None)


@plan.callback()
def _group() -> None:
    """Write plans for `run --plan`."""


@plan.command("init")
def init(
    run: options.RunName = naming.LAST,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Default: stdout.")] = None,
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Write a run's plan with the mapping as it was decided, for the next file of the same kind."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            name = await naming.find_run(connection, run)
            session = await RunSession.reopen(connection.forge, name, lambda event: None)
            entry = session.work.journal.latest("map")
            standing = (await connection.forge.get_default_model(session.work.machine_id)).current.model
        decided = confirmed(session.work.plan, list(entry.draft.get("columns", [])) if entry else [])
        repeated = with_base(decided, began_with=session.work.outputs.get("base_model", ""), standing=standing)
        if repeated != decided:
            decided = repeated
            output.say(
                f"The machine's default model is another one now, so the plan names the model that the run started "
                f"from ({short(decided.base)}). For the next file of the same kind take the line `base:` out."
            )
        if json:
            output.document({"run": name, "plan": decided.to_json()})
            return
        text = f"# Plan of {name}. `sensorforge run --plan THIS FILE` repeats it.\n" + plan_to_yaml(decided)
        if out is None:
            sys.stdout.write(text)
            return
        try:
            out.write_text(text, "utf-8")
        except OSError as failed:
            raise SensorForgeClientError(
                "TARGET_UNWRITABLE", f"{out} cannot be written: {failed.strerror}.", kind="USAGE"
            ) from None
        output.say(f"{out} is written")

    carry_out(work(), json=json)


def confirmed(chosen: Plan, columns: list[dict[str, str]]) -> Plan:
    """Returns the plan with every column's decided role written out, so that nothing is left to suggestions."""
    if not columns:
        return chosen
    mapping = tuple(
        ColumnChoice(item["column"], item["role"], item["sensor"], item["unit"])  # type: ignore[arg-type]  # as written
        for item in columns
    )
    return dataclasses.replace(chosen, mapping=mapping, timestamp_column="", rul_column="", run_column="")


def with_base(chosen: Plan, *, began_with: str, standing: str) -> Plan:
    """Returns the plan with the model that its run started from, where the machine's default is another one by now."""
    if chosen.base != "default" or not began_with or began_with == standing:
        return chosen
    return dataclasses.replace(chosen, base=began_with)
