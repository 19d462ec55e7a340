"""Where a command finds its services: the endpoint it was told, a running `sensorforge up`, or an embedded service."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from clients.cli import output, typed
from clients.sdk import embedded, local
from clients.sdk.client import SensorForge
from clients.sdk.config import configured_endpoint, from_environment
from clients.sdk.embedded import Embedded, start_again
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.known import known_endpoint


@dataclass
class Connection:
    """A client and, where it has one, its embedded service."""

    forge: SensorForge
    embedded: Embedded | None = None
    left_running: bool = False
    _revival: asyncio.Task[None] | None = None

    def revive(self) -> None:
        """Starts the embedded service again where it is gone, while others wait for it."""
        if self.embedded is not None and (self._revival is None or self._revival.done()):
            self._revival = asyncio.create_task(self._start_again(self.embedded))

    async def _start_again(self, gone: Embedded) -> None:
        self.embedded = await start_again(gone)

    async def close(self) -> None:
        """Gives the embedded service up, which goes on where jobs were left running."""
        if self._revival is not None:
            await self._revival
        if self.embedded is not None and self.left_running:
            self.embedded.close()
        elif self.embedded is not None:
            await self.embedded.release()

    def leave(self, jobs: Sequence[str]) -> None:
        """Leaves jobs running when the command ends."""
        self.left_running = True
        if self.embedded is not None and jobs:
            self.embedded.leave_running(jobs)


@contextlib.asynccontextmanager
async def connect(endpoint: str = "", *, store: str = "") -> AsyncIterator[Connection]:
    """Yields a connection. An endpoint that was named is used or fails; only where none was named, an embedded service
    is found or started."""
    named = endpoint or configured_endpoint()
    if named:
        try:
            config = from_environment(named)
        except ValueError as failed:
            raise SensorForgeClientError(
                "ENDPOINT_INVALID", f"The endpoint {named!r} is not usable: {failed}.", kind="USAGE"
            ) from None
        if endpoint:
            typed.needs({"SENSORFORGE_ENDPOINT": endpoint})
        async with SensorForge(config) as forge:
            yield Connection(forge)
        return
    if not store and (running := await known_endpoint()):
        async with SensorForge(from_environment(running)) as forge:
            yield Connection(forge)
        return
    wanted = store or local.default_store()
    if not embedded.running_endpoint(wanted):
        output.say(f"Starting an embedded service on {wanted} …")
    service = await embedded.find_or_start(wanted)
    connection = None
    try:
        async with SensorForge(from_environment(service.endpoint)) as forge:
            connection = Connection(forge, service)
            yield connection
    finally:
        await (connection.close() if connection is not None else service.release())
