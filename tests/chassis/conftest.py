"""A small real service on the chassis, so that every test goes through a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from sensorforge.common.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from services.chassis.errors import SensorForgeError
from services.chassis.server import Service, serve
from services.chassis.settings import ServerSettings

NAME = "sensorforge.common.v1.JobService"


@dataclass
class Behaviour:
    """What the service does, set by the test."""

    ready: bool = True
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)


class JobServicer(job_service_pb2_grpc.JobServiceServicer):
    """Answers by the name it is asked for: understood, unknown, slow, or an echo."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour

    async def GetJob(self, request: Any, context: Any) -> job_service_pb2.GetJobResponse:  # noqa: N802
        await self._act(request.name)
        return job_service_pb2.GetJobResponse(job=job_pb2.Job(name=request.name))

    async def WatchJob(  # noqa: N802
        self, request: Any, context: Any
    ) -> AsyncIterator[job_service_pb2.WatchJobResponse]:
        yield job_service_pb2.WatchJobResponse(sequence=1)
        await self._act(request.name)
        yield job_service_pb2.WatchJobResponse(sequence=2)

    async def _act(self, name: str) -> None:
        if name == "understood":
            raise SensorForgeError("INVALID_REQUEST", "name: 'understood' is not a job", metadata={"field": "name"})
        if name == "unknown":
            raise ZeroDivisionError("secret detail")
        if name == "slow":
            self.behaviour.entered.set()
            await self.behaviour.release.wait()


@dataclass
class Running:
    """A served service: where it is and how to stop it."""

    endpoint: str
    behaviour: Behaviour
    stop: asyncio.Event
    task: asyncio.Task[int]

    def channel(self, **options: Any) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(self.endpoint, **options)


Start = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def start() -> Start:
    """Returns a context manager that serves on a free loopback port with the given settings."""

    @asynccontextmanager
    async def running(
        *, on_stop: Callable[[], Awaitable[None]] | None = None, **settings: Any
    ) -> AsyncIterator[Running]:
        behaviour, stop = Behaviour(), asyncio.Event()
        endpoint: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def ready() -> bool:
            return behaviour.ready

        async def announce(address: str) -> None:
            endpoint.set_result(address)

        service = Service(
            (NAME,),
            lambda server: job_service_pb2_grpc.add_JobServiceServicer_to_server(JobServicer(behaviour), server),
            ready,
        )
        chosen = ServerSettings(**{"listen": "127.0.0.1:0", "drain_seconds": 5.0, **settings})
        task = asyncio.create_task(serve([service], chosen, on_ready=announce, on_stop=on_stop, stop=stop))
        await asyncio.wait({task, endpoint}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        try:
            yield Running(endpoint.result(), behaviour, stop, task)
        finally:
            behaviour.release.set()
            stop.set()
            await task

    return running
