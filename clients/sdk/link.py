"""The link to the services: channels, metadata and the one way in which a call is retried.

A logical call has one idempotency key (`request_id`), chosen before the first attempt and sent with every attempt, so
that a call that was carried out but not answered is never carried out twice. Only what an unreachable or busy service
refused is tried again.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc

from clients.sdk.config import ClientConfig, Stage, Tls
from clients.sdk.errors import SensorForgeClientError, from_call

Request = TypeVar("Request")
Response = TypeVar("Response")

# A lost service is noticed again within seconds; gRPC's own default backs off up to two minutes.
_CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.enable_http_proxy", 0),
)


def new_request_id() -> str:
    """Returns a fresh idempotency key."""
    return uuid.uuid4().hex


class Link:
    """Channels to the four stages. Use it as an async context manager, or call `close`."""

    def __init__(self, config: ClientConfig) -> None:
        self.config = config
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes all channels; running jobs go on."""
        channels, self._channels = list(self._channels.values()), {}
        for channel in channels:
            await channel.close()

    def channel(self, stage: Stage) -> grpc.aio.Channel:
        """Returns the channel of a stage; stages at one address share it."""
        address = self.config.endpoints.of(stage)
        if address not in self._channels:
            self._channels[address] = _open_channel(address, self.config.tls)
        return self._channels[address]

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Returns the metadata that every call carries."""
        return (("authorization", f"Bearer {self.config.token}"),) if self.config.token else ()

    async def call(
        self,
        stage: Stage,
        method: Callable[..., Awaitable[Response]],
        request: Request,
        *,
        deadline_s: float | None = None,
    ) -> Response:
        """Returns the answer of a unary call, after as many attempts as the retry policy allows.

        Raises SensorForgeClientError.
        """
        return await self.retried(
            stage,
            lambda: method(request, timeout=deadline_s or self.config.deadlines.call_s, metadata=self.metadata),
        )

    async def retried(self, stage: Stage, attempt: Callable[[], Awaitable[Response]]) -> Response:
        """Returns what `attempt` returns; repeats it while it fails with a retryable error."""
        retry = self.config.retry
        number = 0
        while True:
            try:
                return await attempt()
            except grpc.aio.AioRpcError as failed:
                error = self.error(failed, stage)
            number += 1
            if not error.retryable or number >= retry.attempts:
                raise error from None
            await asyncio.sleep(self.pause_s(number - 1, error))

    def error(self, failed: grpc.aio.AioRpcError, stage: Stage) -> SensorForgeClientError:
        """Returns the error behind a failed call to a stage."""
        return from_call(failed, self.config.endpoints.of(stage))

    def pause_s(self, attempt: int, error: SensorForgeClientError | None = None) -> float:
        """Returns the seconds to wait after failed attempt `attempt`: what the server said, else the back-off."""
        if error is not None and error.retry_after_s is not None:
            return error.retry_after_s
        return self.config.retry.wait_s(attempt, random.random())

    async def serving(self, stage: Stage = "ingest", service: str = "", deadline_s: float = 2.0) -> bool:
        """Returns whether the health service of a stage says SERVING; False when nothing answers."""
        name = service.encode()
        # grpc.health.v1.HealthCheckRequest{service = 1} and HealthCheckResponse{status = 1}, SERVING = 1, by hand:
        # the client does not depend on the server's health package.
        request = b"" if not name else b"\x0a" + bytes([len(name)]) + name
        check: Any = self.channel(stage).unary_unary("/grpc.health.v1.Health/Check")
        try:
            answer: bytes = await check(request, timeout=deadline_s, metadata=self.metadata)
        except grpc.aio.AioRpcError:
            return False
        return answer == b"\x08\x01"


def _open_channel(address: str, tls: Tls | None) -> grpc.aio.Channel:
    options: list[tuple[str, Any]] = list(_CHANNEL_OPTIONS)
    if tls is None:
        return grpc.aio.insecure_channel(address, options=options)
    if tls.server_name:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    credentials = grpc.ssl_channel_credentials(
        root_certificates=tls.ca.read_bytes() if tls.ca else None,
        private_key=tls.key.read_bytes() if tls.key else None,
        certificate_chain=tls.certificate.read_bytes() if tls.certificate else None,
    )
    return grpc.aio.secure_channel(address, credentials, options=options)
