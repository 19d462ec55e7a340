"""Joining two runs by command: what cannot be joined is said before any job is started."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from clients.cli import join
from clients.cli.connection import Connection
from clients.sdk.errors import SensorForgeClientError
from sensorforge.machines.v1 import machines_pb2


def connection(run: machines_pb2.Run) -> Connection:
    """Returns a connection to services that know one run and start nothing."""

    async def get_run(name: str) -> machines_pb2.Run:
        return run

    return Connection(cast(Any, SimpleNamespace(get_run=get_run)))


def run_with(outputs: dict[str, str]) -> machines_pb2.Run:
    decision = machines_pb2.Decision(step="map", draft_json=json.dumps({"outputs": outputs}))
    return machines_pb2.Run(name="machines/m1/runs/2", decisions=[decision] if outputs else [])


async def test_a_run_without_mapped_rows_is_not_joined() -> None:
    with pytest.raises(SensorForgeClientError) as refused:
        await join._mapped_rows(connection(run_with({})), "machines/m1/runs/1", "machines/m1/runs/2")
    assert refused.value.reason == "STEP_MISSING"
    assert "sensorforge map" in refused.value.remedy


async def test_the_mapped_rows_of_the_other_run_are_joined() -> None:
    mapped = connection(run_with({"mapped": "machines/m1/processed/a"}))
    joined = await join._mapped_rows(mapped, "machines/m1/runs/1", "machines/m1/runs/2")
    assert joined == "machines/m1/processed/a"


@pytest.mark.parametrize(
    ("other", "reason"), [("machines/m2/runs/1", "JOIN_OTHER_MACHINE"), ("machines/m1/runs/1", "JOIN_WITH_ITSELF")]
)
async def test_rows_of_two_machines_or_of_one_run_are_not_joined(other: str, reason: str) -> None:
    with pytest.raises(SensorForgeClientError) as refused:
        await join._mapped_rows(connection(run_with({})), "machines/m1/runs/1", other)
    assert refused.value.reason == reason
    assert other.split("/")[1] in refused.value.message
