"""Follows a job to its end over links that break.

Every event is delivered at most once and in order: the client remembers the last sequence number and a reconnect goes
on behind it. A hole in the numbers is never passed on; the stream is opened again instead. Watching never changes a
job, and giving up watching never stops one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import grpc

from clients.sdk.config import Stage
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.link import Link
from sensorforge.common.v1 import job_service_pb2, job_service_pb2_grpc

if TYPE_CHECKING:
    JobEvent = job_service_pb2.WatchJobResponse

LinkListener = Callable[[float | None], None]
"""Told the seconds until the next attempt when the link is lost, and None when it is back."""

_MOST_HOLES = 5


async def watch_job(
    link: Link,
    stage: Stage,
    job: str,
    *,
    after_sequence: int = 0,
    on_link: LinkListener | None = None,
    heartbeats: bool = False,
) -> AsyncIterator[JobEvent]:
    """Yields the job's events after `after_sequence`: history, then live; the last one is `final`.

    Heartbeats are yielded only on request. Raises SensorForgeClientError when the job is unknown, or when the link
    stays lost for longer than the configured time.
    """
    stub = job_service_pb2_grpc.JobServiceStub(link.channel(stage))
    last = after_sequence
    attempt = holes = 0
    lost_since: float | None = None
    while True:
        request = job_service_pb2.WatchJobRequest(name=job, after_sequence=last)
        call = stub.WatchJob(request, metadata=link.metadata)
        error: SensorForgeClientError | None = None
        try:
            while True:
                async with asyncio.timeout(link.config.deadlines.silence_s):
                    event = await call.read()
                if not isinstance(event, job_service_pb2.WatchJobResponse):
                    break  # the server closed the stream before the job's end: a shutdown, or a proxy's limit
                if lost_since is not None:
                    lost_since, attempt = None, 0
                    _tell(on_link, None)
                kind = event.WhichOneof("event")
                if kind == "heartbeat":
                    if heartbeats:
                        yield event
                    continue
                if event.sequence:
                    if event.sequence <= last:
                        continue
                    if event.sequence != last + 1:
                        holes += 1
                        if holes > _MOST_HOLES:
                            raise SensorForgeClientError(
                                "WATCH_HOLE", f"the events of {job} jump from {last} to {event.sequence}"
                            )
                        break
                    last, holes = event.sequence, 0
                yield event
                if kind == "final":
                    return
        except TimeoutError:
            error = None
        except grpc.aio.AioRpcError as failed:
            error = link.error(failed, stage)
            if not (error.retryable or error.link_broken):
                raise error from None
        finally:
            call.cancel()
        lost_since = lost_since or time.monotonic()
        if time.monotonic() - lost_since > link.config.deadlines.lost_s:
            raise error or SensorForgeClientError(
                "LINK_LOST",
                f"The link to {link.config.endpoints.of(stage)} stayed lost while watching {job}.",
                kind="UNAVAILABLE",
                remedy="The job goes on where the service runs; watch it again.",
            )
        pause = link.pause_s(attempt, error)
        attempt += 1
        _tell(on_link, pause)
        await asyncio.sleep(pause)


def _tell(listener: LinkListener | None, seconds: float | None) -> None:
    if listener is not None:
        listener(seconds)
