"""Finds the run, table or model that a short name on the command line means."""

from __future__ import annotations

from clients.cli.connection import Connection
from clients.sdk import local
from clients.sdk.errors import SensorForgeClientError

LAST = "last"
_MOST_PAGES = 20


def short_run(name: str) -> str:
    """Returns the start of a run's id: enough to name it on a command line."""
    return name.rsplit("/", 1)[-1][:12]


def short_artifact(name: str) -> str:
    """Returns kind and start of the hash of an artifact, for people to tell it from others; "" for none."""
    parts = name.split("/")
    return f"{parts[2]}/{parts[3][:12]}" if len(parts) == 4 else name


def minute(time: str) -> str:
    """Returns an RFC 3339 time to the minute, in UTC."""
    return f"{time[:10]} {time[11:16]}"


async def find_run(connection: Connection, name: str) -> str:
    """Returns the full name of a run given by name, by the start of its id, or as `last`.

    Raises SensorForgeClientError RUN_UNKNOWN.
    """
    if name.startswith("machines/"):
        return name
    if name == LAST:
        if (last := local.remembered().last_run) and await _is_here(connection, last):
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
        f"{name!r} names {len(found)} runs." if found else f"There is no run {name!r}.",
        kind="USAGE",
        remedy="`sensorforge runs` lists them; the start of an id is enough if no other starts so.",
    )


async def _is_here(connection: Connection, run: str) -> bool:
    # The last run may have been on other services or another store than these.
    try:
        await connection.forge.get_run(run)
    except SensorForgeClientError as error:
        if error.kind != "NOT_FOUND":
            raise
        return False
    return True


async def find_model(connection: Connection, machine: str, name: str) -> str:
    """Returns the full name of a model given by name, by the start of its hash, or as `default`."""
    if name.startswith("machines/"):
        return name
    if not machine:
        raise SensorForgeClientError(
            "MACHINE_MISSING",
            f"{name!r} is a model of which machine?",
            kind="USAGE",
            remedy="Add --machine ID, or give the model's full name; `sensorforge machines list` shows the ids.",
        )
    if name == "default":
        if standing := (await connection.forge.get_default_model(machine)).current.model:
            return standing
        raise _no_model(f"{machine} has no default model")
    page = await connection.forge.list_models(machine, page_size=200)
    found = [m.artifact.name for m in page.models if m.artifact.name.rsplit("/", 1)[-1].startswith(name)]
    if len(found) != 1:
        several = f"{name!r} names {len(found)} models of {machine}"
        raise _no_model(several if found else f"{machine} has no model {name!r}")
    return found[0]


def _no_model(what: str) -> SensorForgeClientError:
    return SensorForgeClientError(
        "MODEL_UNKNOWN", f"{what}.", kind="USAGE", remedy="`sensorforge models list MACHINE` shows them."
    )
