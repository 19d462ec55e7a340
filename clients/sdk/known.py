"""Which services a client talks to when nobody names any: those of the environment, or a running `sensorforge up`."""

from __future__ import annotations

import os

from clients.sdk import local
from clients.sdk.client import SensorForge
from clients.sdk.config import configured_endpoint, from_environment


async def known_endpoint() -> str:
    """Returns the endpoint that the environment names, else that of a running `sensorforge up`, else "".

    A store that the environment names is not looked for elsewhere.
    """
    if named := configured_endpoint():
        return named
    running = "" if os.environ.get("SENSORFORGE_STORE") else local.remembered().endpoint
    return running if running and await _serves(running) else ""


async def _serves(endpoint: str) -> bool:
    try:
        config = from_environment(endpoint)
    except ValueError:
        return False
    async with SensorForge(config) as forge:
        return await forge.serving(deadline_s=1.0)
