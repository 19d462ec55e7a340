"""Watching is gapless and delivers each event once, however often the link breaks."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clients.sdk.errors import SensorForgeClientError
from sensorforge.common.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc

JOB = "machines/pump/jobs/1"
Event = job_service_pb2.WatchJobResponse


def log(length: int) -> list[Event]:
    """Returns the whole log of a job: epochs 1 to length-1, then final."""
    events = [Event(sequence=n, epoch=job_pb2.Epoch(epoch=n)) for n in range(1, length)]
    return [*events, Event(sequence=length, final=job_pb2.Job(name=JOB, state=job_pb2.JOB_STATE_SUCCEEDED))]


class Jobs(job_service_pb2_grpc.JobServiceServicer):
    """Streams a log and cuts each stream after the number of events that `cuts` says (None: never)."""

    def __init__(self, events: list[Event], cuts: list[int | None], how: str = "abort") -> None:
        self.events, self.cuts, self.how = events, cuts, how
        self.asked: list[int] = []

    async def WatchJob(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.asked.append(request.after_sequence)
        cut = self.cuts.pop(0) if self.cuts else None
        sent = 0
        for event in self.events:
            if event.sequence <= request.after_sequence:
                continue
            if cut is not None and sent >= cut:
                if self.how == "abort":
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
                if self.how == "hang":
                    await asyncio.Event().wait()
                return
            yield Event(heartbeat=job_pb2.Heartbeat())
            yield event
            sent += 1


def served(servicer: Jobs) -> tuple[Any, Any]:
    return job_service_pb2_grpc.add_JobServiceServicer_to_server, servicer


async def numbers(forge: Any, after: int = 0, **words: Any) -> list[int]:
    return [event.sequence async for event in forge.watch_job(JOB, after_sequence=after, **words)]


@pytest.mark.parametrize("how", ["abort", "end"])
async def test_cut_links_lose_and_repeat_nothing(connect: Any, how: str) -> None:
    servicer = Jobs(log(12), [3, 0, 5, 1], how)
    forge = await connect(served(servicer))
    told: list[float | None] = []
    assert await numbers(forge, on_link=told.append) == list(range(1, 13))
    assert servicer.asked == [0, 3, 3, 8, 9]
    assert told[-1] is None


async def test_a_silent_stream_is_opened_again(connect: Any) -> None:
    servicer = Jobs(log(4), [2], "hang")
    forge = await connect(served(servicer), silence_s=0.2)
    assert await numbers(forge) == [1, 2, 3, 4]


async def test_watching_goes_on_behind_the_last_number_seen(connect: Any) -> None:
    forge = await connect(served(Jobs(log(6), [])))
    assert await numbers(forge, after=4) == [5, 6]


async def test_a_hole_in_the_numbers_is_never_passed_on(connect: Any) -> None:
    events = log(5)
    servicer = Jobs([events[0], *events[2:]], [])
    forge = await connect(served(servicer))
    seen = []
    with pytest.raises(SensorForgeClientError, match="jump from 1 to 3"):
        async for event in forge.watch_job(JOB):
            seen.append(event.sequence)
    assert seen == [1]


async def test_an_event_sent_twice_is_delivered_once(connect: Any) -> None:
    events = log(4)
    forge = await connect(served(Jobs([events[0], events[1], events[1], *events[2:]], [])))
    assert await numbers(forge) == [1, 2, 3, 4]


async def test_heartbeats_are_yielded_only_on_request(connect: Any) -> None:
    forge = await connect(served(Jobs(log(2), [])))
    assert await numbers(forge) == [1, 2]
    assert await numbers(forge, heartbeats=True) == [0, 1, 0, 2]


async def test_an_unknown_job_is_an_error_at_once(connect: Any, refuse: Any) -> None:
    class Unknown(job_service_pb2_grpc.JobServiceServicer):
        async def WatchJob(self, request: Any, context: Any) -> Any:  # noqa: N802
            await refuse(context, grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND", "NOT_FOUND")
            yield Event()

    forge = await connect(served(Unknown()))  # type: ignore[arg-type]
    with pytest.raises(SensorForgeClientError) as caught:
        await numbers(forge)
    assert caught.value.reason == "JOB_NOT_FOUND"


async def test_a_link_that_stays_lost_is_an_error_and_not_forever(connect: Any) -> None:
    forge = await connect(served(Jobs(log(3), [0] * 1000)), lost_s=0.05)
    with pytest.raises(SensorForgeClientError) as caught:
        await numbers(forge)
    assert caught.value.kind == "UNAVAILABLE"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.integers(1, 20), cuts=st.lists(st.integers(0, 6), max_size=8))
def test_any_pattern_of_cuts_is_gapless(length: int, cuts: list[int]) -> None:
    async def scenario() -> list[int]:
        from clients.sdk.client import SensorForge
        from clients.sdk.config import ClientConfig, Endpoints, Retry

        server = grpc.aio.server()
        job_service_pb2_grpc.add_JobServiceServicer_to_server(Jobs(log(length), list(cuts)), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        retry = Retry(first_s=0.001, longest_s=0.002)
        try:
            async with SensorForge(ClientConfig(Endpoints.single(f"127.0.0.1:{port}"), retry=retry)) as forge:
                return await numbers(forge)
        finally:
            await server.stop(0)

    assert asyncio.run(scenario()) == list(range(1, length + 1))
