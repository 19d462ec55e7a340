"""Short names on the command line mean one thing, on the services that are asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clients.cli import naming
from clients.cli.connection import Connection
from clients.sdk import local
from clients.sdk.errors import SensorForgeClientError
from sensorforge.machines.v1 import machines_pb2, run_service_pb2

HERE = "machines/pump/runs/0123456789abcdef"
ELSEWHERE = "machines/fan/runs/fedcba9876543210"


class Store:
    """Services with one run."""

    async def get_run(self, name: str) -> machines_pb2.Run:
        if name != HERE:
            raise SensorForgeClientError("RUN_NOT_FOUND", f"There is no run {name}.", kind="NOT_FOUND")
        return machines_pb2.Run(name=name)

    async def list_runs(self, **words: Any) -> Any:
        return run_service_pb2.ListRunsResponse(runs=[machines_pb2.Run(name=HERE)])


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Connection:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return Connection(Store())  # type: ignore[arg-type]  # as much of a client as names need


async def test_last_is_the_newest_run_here_when_the_last_one_was_on_other_services(connection: Connection) -> None:
    local.remember(last_run=ELSEWHERE)
    assert await naming.find_run(connection, "last") == HERE


async def test_the_start_of_an_id_that_was_told_names_the_run(connection: Connection) -> None:
    assert await naming.find_run(connection, naming.short_run(HERE)) == HERE


async def test_a_short_model_name_without_its_machine_is_asked_about(connection: Connection) -> None:
    with pytest.raises(SensorForgeClientError, match="of which machine") as caught:
        await naming.find_model(connection, "", "default")
    assert caught.value.exit_code == 2


def test_people_read_short_artifacts_and_minutes() -> None:
    assert naming.short_artifact("machines/pump/clean/0123456789abcdef") == "clean/0123456789ab"
    assert naming.minute("2026-11-23T08:28:16.188361Z") == "2026-11-23 08:28"
