"""The one typed client of SensorForge: every front end, script and notebook talks to the services through it.

It promises one method per operation, errors that say what to do, and transfers that survive a broken link. It knows
the contracts in `sensorforge.*` and nothing of the services, of a terminal or of a table library.
"""

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
