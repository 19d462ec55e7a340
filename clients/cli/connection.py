"""Where a command finds its services: the endpoint it was told, a running `sensorforge up`, or an embedded service."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from clients.cli import output, typed
from clients.sdk import embedded, local
from clients.sdk.client import SensorForge
from clients.sdk.config import configured_endpoint, from_environment
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.known import known_endpoint


@dataclass
class Connection:
    """A client and, where it has one, its embedded service."""

    forge: SensorForge
    embedded: embedded.Embedded | None = None
    left_running: bool = False

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
        if connection is not None and connection.left_running:
            service.close()
        else:
            await service.release()
