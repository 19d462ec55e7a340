"""Finds the run, table or model that a short name on the command line means."""

from __future__ import annotations

from clients.cli.connection import Connection
from clients.sdk import local
from clients.sdk.errors import SensorForgeClientError

LAST = "last"
_MOST_PAGES = 20


async def find_run(connection: Connection, name: str) -> str:
    """Returns the full name of a run given by name, by the start of its id, or as `last`.

    Raises SensorForgeClientError RUN_UNKNOWN.
    """
    if name.startswith("machines/"):
        return name
    if name == LAST:
        if last := local.remembered().last_run:
            return last
        page = await connection.forge.list_runs(page_size=1)
        if page.runs:
            return page.runs[0].name
        raise SensorForgeClientError(
            "RUN_UNKNOWN",
            "There is no run yet.",
            kind="USAGE",
            remedy="`sensorforge run FILE --profile P` makes one; `sensorforge demo` tries it with sample data.",
        )
    found, token = [], ""
    for _ in range(_MOST_PAGES):
        page = await connection.forge.list_runs(page_size=200, page_token=token)
        found += [run.name for run in page.runs if run.name.rsplit("/", 1)[-1].startswith(name)]
        token = page.next_page_token
        if not token:
            break
    if len(found) == 1:
        return found[0]
    raise SensorForgeClientError(
        "RUN_UNKNOWN",
        f"{name!r} names {len(found)} runs.",
        kind="USAGE",
        remedy="`sensorforge runs` lists them; the start of an id is enough if no other starts so.",
    )


async def find_model(connection: Connection, machine: str, name: str) -> str:
    """Returns the full name of a model given by name, by the start of its hash, or as `default`."""
    if name.startswith("machines/"):
        return name
    if name == "default":
        if standing := (await connection.forge.get_default_model(machine)).current.model:
            return standing
        raise _no_model(f"{machine} has no default model")
    page = await connection.forge.list_models(machine, page_size=200)
    found = [m.artifact.name for m in page.models if m.artifact.name.rsplit("/", 1)[-1].startswith(name)]
    if len(found) != 1:
        raise _no_model(f"{name!r} names {len(found)} models of {machine}")
    return found[0]


def _no_model(what: str) -> SensorForgeClientError:
    return SensorForgeClientError(
        "MODEL_UNKNOWN", f"{what}.", kind="USAGE", remedy="`sensorforge models list MACHINE` shows them."
    )
