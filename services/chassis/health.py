"""Honest health: each service says SERVING only while its own readiness check passes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from grpc_health.v1 import health, health_pb2

log = structlog.get_logger("health")

Ready = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Readiness:
    """A readiness check and the full gRPC service names that stand or fall with it; None means always ready."""

    names: tuple[str, ...]
    check: Ready | None = None


class HealthMonitor:
    """Keeps a health servicer true: runs every check each `period` seconds, and again within the same bound."""

    def __init__(self, checks: Sequence[Readiness], period: float = 5.0) -> None:
        self.servicer = health.aio.HealthServicer()
        self._checks = checks
        self._period = period
        self._draining = False

    async def refresh(self) -> bool:
        """Runs all checks once, publishes the results and returns whether every service is ready."""
        everything = True
        for readiness in self._checks:
            ready = await self._ready(readiness.check)
            everything &= ready
            for name in readiness.names:
                await self._publish(name, ready)
        await self._publish("", everything)
        return everything

    async def run(self) -> None:
        """Refreshes until cancelled."""
        while True:
            await asyncio.sleep(self._period)
            await self.refresh()

    async def drain(self) -> None:
        """Says NOT_SERVING for everything, for good: the first act of a shutdown."""
        self._draining = True
        await self.servicer.enter_graceful_shutdown()

    async def _ready(self, check: Ready | None) -> bool:
        if check is None:
            return True
        try:
            async with asyncio.timeout(self._period):
                return await check()
        except (OSError, TimeoutError, RuntimeError) as error:
            log.warning("not ready", error=str(error))
            return False

    async def _publish(self, name: str, ready: bool) -> None:
        if self._draining:
            return
        states = health_pb2.HealthCheckResponse
        await self.servicer.set(name, states.SERVING if ready else states.NOT_SERVING)
