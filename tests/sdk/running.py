"""Runs on the imitated services of the fixture `gateway`, for the tests of the workflow."""

from __future__ import annotations

from typing import Any

from clients.sdk.plan import Plan
from clients.sdk.workflow.session import RunReport, RunSession
from sensorforge.refine.v1 import refine_service_pb2


async def run(
    gateway: Any, plan: Plan, *, events: list[Any] | None = None, until: Any = None, **words: Any
) -> RunReport:
    told = events if events is not None else []
    session = await RunSession.open(gateway, plan, told.append, **words)
    return await session.run(until)


def with_default(gateway: Any, model: str = "machines/pump/models/old") -> None:
    gateway.default = refine_service_pb2.DefaultModel(model=model, version=3)
