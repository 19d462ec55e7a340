"""Joining two runs by command: what cannot be joined is said before any job is started."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from clients.cli import join
from clients.cli.connection import Connection
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.workflow.journal import Entry, RunJournal
from clients.sdk.workflow.work import Work
from sensorforge.machines.v1 import machines_pb2


def connection(run: machines_pb2.Run) -> Connection:
    """Returns a connection to services that know one run and start nothing."""

    async def get_run(name: str) -> machines_pb2.Run:
        return run

    return Connection(cast(Any, SimpleNamespace(get_run=get_run)))


def run_with(outputs: dict[str, str]) -> machines_pb2.Run:
    decision = machines_pb2.Decision(step="map", draft_json=json.dumps({"outputs": outputs}))
    return machines_pb2.Run(name="machines/m1/runs/1", decisions=[decision] if outputs else [])


async def test_a_run_without_mapped_rows_is_not_joined() -> None:
    with pytest.raises(SensorForgeClientError) as refused:
        await join._mapping_of(connection(run_with({})), "machines/m1/runs/1")
    assert refused.value.reason == "STEP_MISSING"
    assert "sensorforge map" in refused.value.remedy


async def test_rows_of_two_machines_are_not_joined() -> None:
    mine = connection(run_with({"mapped": "machines/m1/processed/a"}))
    work = SimpleNamespace(machine_id="m1", journal=RunJournal(cast(Any, mine.forge), run_with({})))
    other = Entry(draft={"outputs": {"mapped": "machines/m2/processed/b"}})
    with pytest.raises(SensorForgeClientError) as refused:
        await join._join(mine, cast(Work, work), other, 0.0)
    assert refused.value.reason == "JOIN_OTHER_MACHINE"
    assert "m2" in refused.value.message
