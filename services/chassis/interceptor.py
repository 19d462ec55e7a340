"""The one interceptor around every call: request id, caller, time limit, metrics, log line and error catalogue.

A streaming handler raises while it is iterated, not while it is called, so the handler's generator is iterated *inside*
the guard. This is the only place where an unknown exception is turned into INTERNAL.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import structlog

from services.chassis.errors import SensorForgeError
from services.chassis.failures import STATUS_DETAILS, status_code, to_status
from services.chassis.identity import Authenticator, set_caller
from services.chassis.metrics import CALLS, IN_FLIGHT, SECONDS

REQUEST_ID = "x-request-id"
_SAFE_ID = re.compile(r"^[A-Za-z0-9_.:-]{1,64}$")
_OPEN_METHODS = ("/grpc.health.v1.Health/", "/grpc.reflection.")

log = structlog.get_logger("calls")


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler. `unary_seconds` bounds calls that answer once and `idle_seconds` a streaming client's
    silence; answers that stream may last as long as the client listens."""

    def __init__(self, authenticate: Authenticator, unary_seconds: float, idle_seconds: float) -> None:
        self._authenticate = authenticate
        self._unary_seconds = unary_seconds
        self._idle_seconds = idle_seconds

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler: Any = await continuation(handler_call_details)
        if handler is None:
            return None
        method: str = handler_call_details.method
        wrap = self._streaming if handler.response_streaming else self._single
        behaviour = {
            (False, False): handler.unary_unary,
            (False, True): handler.unary_stream,
            (True, False): handler.stream_unary,
            (True, True): handler.stream_stream,
        }[handler.request_streaming, handler.response_streaming]
        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[handler.request_streaming, handler.response_streaming]
        wrapped: grpc.RpcMethodHandler[Any, Any] = make(
            wrap(method, behaviour, handler.request_streaming),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
        return wrapped

    def _single(self, method: str, behaviour: Any, request_streaming: bool) -> Any:
        async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            async with _Guard(self, method, context):
                if request_streaming:
                    return await behaviour(_bounded(request, self._idle_seconds), context)
                async with asyncio.timeout(self._unary_seconds):
                    return await behaviour(request, context)

        return call

    def _streaming(self, method: str, behaviour: Any, request_streaming: bool) -> Any:
        async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            async with _Guard(self, method, context):
                source = _bounded(request, self._idle_seconds) if request_streaming else request
                async for response in behaviour(source, context):
                    yield response

        return call

    def authenticate(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """Records the caller. Health and reflection are open, so that probes need no secret."""
        if method.startswith(_OPEN_METHODS):
            return
        metadata = {str(k): str(v) for k, v in context.invocation_metadata() or ()}
        auth = context.auth_context()
        names = [n.decode(errors="replace") for n in auth.get("x509_common_name", ())]
        set_caller(self._authenticate(metadata, names))


class _Guard:
    """Everything that surrounds one call. Leaves by `context.abort`, which raises, so nothing runs after it."""

    def __init__(self, owner: CallInterceptor, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        self._owner = owner
        self._method = method
        self._context = context
        metadata = dict(context.invocation_metadata() or ())
        given = str(metadata.get(REQUEST_ID, ""))
        self._request_id = given if _SAFE_ID.match(given) else uuid.uuid4().hex
        self._status = "OK"
        self._started = time.monotonic()

    async def __aenter__(self) -> None:
        structlog.contextvars.bind_contextvars(request_id=self._request_id)
        IN_FLIGHT.labels(self._method).inc()
        try:
            await self._context.send_initial_metadata(((REQUEST_ID, self._request_id),))
            self._owner.authenticate(self._method, self._context)
        except BaseException as error:
            await self.__aexit__(type(error), error, None)
            raise

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        failure = self._understand(error)
        if failure is not None:
            self._status = failure.status
        elif isinstance(error, grpc.aio.AbortError):
            self._status = "ABORTED_BY_HANDLER"
        elif isinstance(error, (asyncio.CancelledError, GeneratorExit)):
            self._status = "CANCELLED"
        seconds = time.monotonic() - self._started
        IN_FLIGHT.labels(self._method).dec()
        CALLS.labels(self._method, self._status).inc()
        SECONDS.labels(self._method).observe(seconds)
        if not self._method.startswith(_OPEN_METHODS):
            reason = {"reason": failure.reason} if failure else {}
            log.info("call", method=self._method, status=self._status, ms=round(seconds * 1000, 1), **reason)
        if failure is not None:
            status = to_status(failure, self._request_id)
            await self._context.abort(
                status_code(failure), failure.message, ((STATUS_DETAILS, status.SerializeToString()),)
            )
        return False

    def _understand(self, error: BaseException | None) -> SensorForgeError | None:
        if isinstance(error, SensorForgeError):
            return error
        if isinstance(error, TimeoutError):
            return SensorForgeError("DEADLINE", f"{self._method} took longer than it may")
        if isinstance(error, Exception) and not isinstance(error, grpc.aio.AbortError):
            log.error("unknown failure", method=self._method, exc_info=error)
            return SensorForgeError("INTERNAL", f"{self._method} failed; request id {self._request_id}")
        return None


async def _bounded(requests: AsyncIterator[Any], idle_seconds: float) -> AsyncIterator[Any]:
    """Yields a client's messages; raises SensorForgeError CLIENT_SILENT when the next one takes too long."""
    iterator = requests.__aiter__()
    while True:
        try:
            async with asyncio.timeout(idle_seconds):
                message = await anext(iterator)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise SensorForgeError("CLIENT_SILENT", f"the client sent nothing for {idle_seconds:g} s") from None
        yield message
