"""`serve()`: one way for every service to start, be found healthy, be looked into, and stop without losing a call."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.chassis.errors import SensorForgeError
from services.chassis.health import HealthMonitor, Readiness, Ready
from services.chassis.identity import Authenticator, TokenAuthenticator
from services.chassis.interceptor import CallInterceptor
from services.chassis.metrics import expose_metrics
from services.chassis.settings import ServerSettings

log = structlog.get_logger("server")

Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Service:
    """A gRPC service to serve: its full names, how its servicers are added, and when it is ready (None: always)."""

    names: tuple[str, ...]
    register: Callable[[grpc.aio.Server], None]
    ready: Ready | None = None


async def serve(
    services: Sequence[Service],
    settings: ServerSettings,
    *,
    on_start: Hook | None = None,
    on_stop: Hook | None = None,
    on_ready: Callable[[str], Awaitable[None]] | None = None,
    authenticate: Authenticator | None = None,
    stop: asyncio.Event | None = None,
) -> int:
    """Serves until SIGTERM, SIGINT or `stop`, then drains: health says NOT_SERVING first, `on_stop` runs, and calls get
    `drain_seconds` to end. Returns the exit code 0.

    `on_start` runs before the port answers and `on_ready` (with the endpoint) after. Raises SensorForgeError
    INSECURE_BIND or SETTINGS_INVALID before anything is bound.
    """
    settings.check_bind()
    stop = stop or asyncio.Event()
    token = settings.token.get_secret_value() if settings.token else None
    interceptor = CallInterceptor(
        authenticate or TokenAuthenticator(token), settings.unary_deadline_seconds, settings.idle_seconds
    )
    server = grpc.aio.server(
        interceptors=[interceptor],
        options=_options(settings),
        maximum_concurrent_rpcs=settings.max_concurrent_calls,
    )
    # The health service itself is always ready: liveness probes ask for it, so a store that is away restarts nobody.
    alive = Readiness((health.SERVICE_NAME,))
    monitor = HealthMonitor([alive, *(Readiness(s.names, s.ready) for s in services)])
    health_pb2_grpc.add_HealthServicer_to_server(monitor.servicer, server)
    for service in services:
        service.register(server)
    names = [name for service in services for name in service.names]
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    endpoint = _bind(server, settings)
    if settings.metrics_listen:
        expose_metrics(settings.metrics_listen)

    with _signals(stop):
        if on_start is not None:
            await on_start()
        await server.start()
        await monitor.refresh()
        watch = asyncio.create_task(monitor.run())
        try:
            if settings.ready_file is not None:
                _announce(settings.ready_file, endpoint)
            if on_ready is not None:
                await on_ready(endpoint)
            log.info("serving", endpoint=endpoint, services=names)
            await stop.wait()
        finally:
            await monitor.drain()
            log.info("draining", seconds=settings.drain_seconds)
            watch.cancel()
            await asyncio.sleep(settings.health_lead_seconds)
            if on_stop is not None:
                await on_stop()
            await server.stop(settings.drain_seconds)
            if settings.ready_file is not None:
                settings.ready_file.unlink(missing_ok=True)
    log.info("stopped")
    return 0


def _options(settings: ServerSettings) -> list[tuple[str, Any]]:
    return [
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        ("grpc.max_metadata_size", settings.max_metadata_bytes),
        ("grpc.keepalive_time_ms", settings.keepalive_seconds * 1000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 0),
        ("grpc.max_connection_age_ms", settings.connection_age_seconds * 1000),
        ("grpc.max_connection_age_grace_ms", settings.connection_age_seconds * 1000),
        ("grpc.so_reuseport", 0),
    ]


def _bind(server: grpc.aio.Server, settings: ServerSettings) -> str:
    """Binds and returns the endpoint with its real port. Raises SensorForgeError SETTINGS_INVALID."""
    credentials = _credentials(settings)
    mask = os.umask(0o177) if settings.listen.startswith("unix:") else None
    try:
        if credentials is None:
            port = server.add_insecure_port(settings.listen)
        else:
            port = server.add_secure_port(settings.listen, credentials)
    except RuntimeError as error:
        raise SensorForgeError(
            "SETTINGS_INVALID", f"cannot listen on {settings.listen}: the address is taken or not ours"
        ) from error
    finally:
        if mask is not None:
            os.umask(mask)
    if settings.listen.startswith("unix:"):
        return settings.listen
    return f"{settings.listen.rsplit(':', 1)[0]}:{port}"


def _credentials(settings: ServerSettings) -> grpc.ServerCredentials | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    pair = (_read(settings.tls_key, "tls_key"), _read(settings.tls_cert, "tls_cert"))
    if settings.tls_client_ca is None:
        return grpc.ssl_server_credentials([pair])
    return grpc.ssl_server_credentials([pair], _read(settings.tls_client_ca, "tls_client_ca"), True)


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SensorForgeError("SETTINGS_INVALID", f"{setting}: cannot read {path}: {error.strerror}") from error


def _announce(path: Path, endpoint: str) -> None:
    """Writes {endpoint, pid} so that a reader sees all of it or nothing."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump({"endpoint": endpoint, "pid": os.getpid()}, file)
    Path(file.name).replace(path)


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Any:
    loop = asyncio.get_running_loop()
    caught = (signal.SIGTERM, signal.SIGINT)
    for number in caught:
        with contextlib.suppress(ValueError, RuntimeError):  # not the main thread: the owner of `stop` ends us
            loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in caught:
            with contextlib.suppress(ValueError, RuntimeError):
                loop.remove_signal_handler(number)
