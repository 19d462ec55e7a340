"""`models`: the versions of a machine's model, what differs between two, and which one is the default."""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer

from clients.cli import naming, options, output
from clients.cli.bridge.commands import export_model, import_model
from clients.cli.connection import connect
from clients.cli.running import carry_out
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.results import artifact_document
from clients.sdk.workflow.model_steps import short
from sensorforge.artifacts.v1 import artifacts_pb2
from sensorforge.refine.v1 import refine_service_pb2

models = typer.Typer(no_args_is_help=True, help="List, compare and switch models.", rich_markup_mode=None)

Machine = Annotated[str, typer.Argument(metavar="MACHINE", help="Machine id.")]
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="Full name, or with --machine the start of its hash.")]
OfMachine = Annotated[str, typer.Option("--machine", help="Machine id, for short model names.")]


def _document(model: refine_service_pb2.Model) -> dict[str, Any]:
    return {
        "model": model.artifact.name,
        "engine": model.engine,
        "origin": model.origin,
        "is_default": model.is_default,
        "validation_loss": model.validation_loss,
        "base_model": model.base_model,
        "metrics": dict(sorted(model.metrics.items())),
        "created": model.artifact.create_time.ToJsonString(),
    }


@models.command("list")
def list_models(machine: Machine, json: options.Json = False, endpoint: options.Endpoint = "") -> None:
    """List a machine's models, newest first."""

    async def work() -> None:
        found: list[refine_service_pb2.Model] = []
        async with connect(endpoint) as connection:
            await connection.forge.get_machine(machine)  # one that does not exist has no list, not an empty one
            token = ""
            while True:
                page = await connection.forge.list_models(machine, page_size=200, page_token=token)
                found += page.models
                token = page.next_page_token
                if not token:
                    break
            standing = await connection.forge.get_default_model(machine)
        rows = [_document(model) for model in found]
        if json:
            output.document({"machine": machine, "default_version": standing.current.version, "models": rows})
            return
        output.table(
            ("model", "default", "origin", "engine", "validation loss", "base", "created (UTC)"),
            [
                (
                    short(row["model"]), row["is_default"], row["origin"], row["engine"], row["validation_loss"],
                    short(row["base_model"]), naming.minute(row["created"]),
                )
                for row in rows
            ],
            empty=f"{machine} has no models yet; `sensorforge run` makes one.",
        )  # fmt: skip

    carry_out(work(), json=json)


@models.command("show")
def show(
    model: ModelName, machine: OfMachine = "", json: options.Json = False, endpoint: options.Endpoint = ""
) -> None:
    """Show a model with its numbers and where it comes from."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            name = await naming.find_model(connection, machine, model)
            found = await connection.forge.get_model(name)
            lineage = await connection.forge.get_lineage(name)
            training = await connection.forge.read_json(name, "training.json")
        values = {
            **_document(found),
            "chosen": training.get("chosen", ""),
            "why": training.get("why", ""),
            "lineage": [artifact_document(item) for item in lineage],
        }
        if json:
            output.document(values)
            return
        facts = {key: value for key, value in values.items() if key not in ("metrics", "lineage", "why")}
        output.table(("", "value"), [*facts.items(), *found.metrics.items()])
        output.say(str(values["why"]))
        output.data.print()
        output.table(
            ("made from", "operation", ""),
            [(item.name, item.operation, _imported_from(item)) for item in lineage if item.name != name],
        )

    carry_out(work(), json=json)


def _imported_from(artifact: artifacts_pb2.Artifact) -> str:
    params = json_module.loads(artifact.params_json or "{}")
    return str(params.get("imported_from", ""))


@models.command("diff")
def diff(
    first: ModelName,
    second: Annotated[str, typer.Argument(metavar="MODEL", help="The model to compare with.")],
    machine: OfMachine = "",
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Show what differs between two models: parameters, inputs and numbers."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            names = [await naming.find_model(connection, machine, name) for name in (first, second)]
            facts = [_facts(await connection.forge.get_model(name)) for name in names]
        keys = sorted({*facts[0], *facts[1]})
        differing = {key: (facts[0].get(key), facts[1].get(key)) for key in keys}
        differing = {key: pair for key, pair in differing.items() if pair[0] != pair[1]}
        if json:
            output.document(
                {
                    "first": names[0],
                    "second": names[1],
                    "differences": {key: {"first": a, "second": b} for key, (a, b) in differing.items()},
                }
            )
            return
        output.table(
            ("", short(names[0]), short(names[1])),
            [(key, *map(_shown, pair)) for key, pair in differing.items()],
            empty="The two models do not differ.",
        )

    carry_out(work(), json=json)


def _shown(value: Any) -> Any:
    is_artifact = isinstance(value, str) and value.startswith("machines/")
    return naming.short_artifact(value) if is_artifact else value


def _facts(model: refine_service_pb2.Model) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "engine": model.engine,
        "origin": model.origin,
        "base_model": model.base_model,
        "validation_loss": model.validation_loss,
        "seed": model.artifact.seed,
        "operation": model.artifact.operation,
        "producer": model.artifact.producer,
    }
    facts |= {f"metrics.{key}": value for key, value in model.metrics.items() if key not in facts}
    facts |= {f"input.{role}": name for role, name in model.artifact.parents.items()}
    params = json_module.loads(model.artifact.params_json or "{}")
    chosen = params.pop("options", {})  # how to train: each option is a fact of its own
    facts |= {f"params.{key}": value for key, value in params.items()}
    return facts | {f"options.{key}": value for key, value in chosen.items()}


@models.command("rollback")
def rollback(
    machine: Machine,
    to_version: Annotated[int, typer.Option("--to", min=0, help="Version to return to; 0: the one before.")] = 0,
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Make the previous default model the default again."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            standing = await connection.forge.get_default_model(machine)
            if standing.current.version == 0:
                raise SensorForgeClientError(
                    "NO_DEFAULT_MODEL",
                    f"{machine} has no default model to roll back from.",
                    kind="USAGE",
                    remedy="`sensorforge activate RUN` makes one the default.",
                )
            answer = await connection.forge.rollback_model(
                machine, expected_version=standing.current.version, to_version=to_version
            )
        values = {
            "machine": machine,
            "model": answer.current.model,
            "version": answer.current.version,
            "previous_model": answer.previous.model,
        }
        if json:
            output.document(values)
            return
        output.say(
            f"{machine}: {short(answer.current.model)} is the default again (version {answer.current.version}; "
            f"before: {short(answer.previous.model)})"
        )

    carry_out(work(), json=json)


@models.command("history")
def history(machine: Machine, json: options.Json = False, endpoint: options.Endpoint = "") -> None:
    """List what a machine's default model was, newest first, and why it was switched."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            await connection.forge.get_machine(machine)  # one that does not exist has no list, not an empty one
            standing = await connection.forge.get_default_model(machine)
        entries = [
            {
                "version": entry.version,
                "model": entry.model,
                "reason": entry.reason,
                "actor": entry.actor,
                "comparison": entry.comparison,
                "created": entry.create_time.ToJsonString(),
            }
            for entry in standing.history
        ]
        if json:
            output.document({"machine": machine, "history": entries})
            return
        output.table(
            ("version", "model", "why", "by", "report", "since (UTC)"),
            [
                (
                    entry["version"], short(str(entry["model"])), entry["reason"], entry["actor"],
                    short(str(entry["comparison"])), naming.minute(str(entry["created"])),
                )
                for entry in entries
            ],
            empty=f"{machine} has no default model yet.",
        )  # fmt: skip

    carry_out(work(), json=json)


@models.command("activate")
def activate(
    model: ModelName,
    machine: OfMachine = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, for the history.")] = "activate",
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Make any model the machine's default (`sensorforge activate RUN` does it with the run's report)."""

    async def work() -> None:
        async with connect(endpoint) as connection:
            name = await naming.find_model(connection, machine, model)
            owner = name.split("/")[1]
            standing = await connection.forge.get_default_model(owner)
            before = standing.current.model
            version = standing.current.version
            if before != name:
                answer = await connection.forge.activate_model(owner, name, expected_version=version, reason=reason)
                version = answer.current.version
        values = {"machine": owner, "model": name, "version": version, "previous_model": before}
        if json:
            output.document(values)
        elif before == name:
            output.say(f"{owner}: {short(name)} is the default already (version {version})")
        else:
            was = short(before) if before else "none"
            output.say(f"{owner}: {short(name)} is the default now (version {version}; before: {was})")

    carry_out(work(), json=json)


models.command("import")(import_model)
models.command("export")(export_model)
