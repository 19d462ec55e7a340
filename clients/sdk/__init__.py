"""The one typed client of SensorForge: every front end, script and notebook talks to the services through it.

It promises one method per operation, errors that say what to do, and transfers that survive a broken link. It knows
the contracts in `sensorforge.*` and nothing of the services, of a terminal or of a table library.

What is named here is imported when it is first used: a command that only reads settings does without gRPC.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clients.sdk.client import SensorForge
    from clients.sdk.config import ClientConfig, Deadlines, Endpoints, Retry, Tls
    from clients.sdk.errors import ExitCode, SensorForgeClientError
    from clients.sdk.plan import Plan

__all__ = [
    "ClientConfig",
    "Deadlines",
    "Endpoints",
    "ExitCode",
    "Plan",
    "Retry",
    "SensorForge",
    "SensorForgeClientError",
    "Tls",
]

_HOMES = {"SensorForge": "client", "ExitCode": "errors", "SensorForgeClientError": "errors", "Plan": "plan"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'config')}"), name)
