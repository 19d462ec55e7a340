"""What the shell offers when Tab is pressed: runs and machines of services that are running already.

Completion never starts a service, never waits longer than a moment, and never says anything: without an answer it
offers less.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from clients.cli.naming import LAST, minute, short_run
from clients.sdk import embedded, local
from clients.sdk.client import SensorForge
from clients.sdk.config import configured_endpoint, from_environment
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.known import known_endpoint

_MOMENT_S = 1.0

Offer = tuple[str, str]


def runs(incomplete: str) -> list[Offer]:
    """Returns the newest runs whose id starts so, with machine and time of each, and `last`."""

    async def found(forge: SensorForge) -> list[Offer]:
        page = await forge.list_runs(page_size=50)
        return [
            (short_run(run.name), f"{run.name.split('/')[1]}, {minute(run.create_time.ToJsonString())}")
            for run in page.runs
        ]

    return [offer for offer in [(LAST, "the last run"), *_asked(found)] if offer[0].startswith(incomplete)]


def machines(incomplete: str) -> list[Offer]:
    """Returns the registered machines whose id starts so."""

    async def found(forge: SensorForge) -> list[Offer]:
        page = await forge.list_machines()
        return [(machine.machine_id, machine.category) for machine in page.machines]

    return [offer for offer in _asked(found) if offer[0].startswith(incomplete)]


def _asked(question: Callable[[SensorForge], Awaitable[list[Offer]]]) -> list[Offer]:
    async def asked() -> list[Offer]:
        running = configured_endpoint() or await known_endpoint() or embedded.running_endpoint(local.default_store())
        if not running:
            return []
        async with SensorForge(from_environment(running)) as forge:
            return await question(forge)

    try:
        return asyncio.run(asyncio.wait_for(asked(), _MOMENT_S))
    except (TimeoutError, ValueError, OSError, SensorForgeClientError):
        return []
