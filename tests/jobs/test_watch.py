"""Watching over a real server: history first, gapless across reconnects, the end last; and the host around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from sensorforge.common.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from services.artifacts.derivation import Derivation
from services.chassis.errors import SensorForgeError
from services.chassis.settings import ServerSettings
from services.jobs.attempt import Attempt
from services.jobs.engine import Jobs
from services.jobs.follower import Followers
from services.jobs.hosting import host
from services.jobs.log import JobLog
from services.jobs.records import Event
from services.jobs.stage import Stage, StageContext
from services.jobs.state import NumberedEvent
from tests.jobs.replica import HERE, TOY


@dataclass
class Served:
    """A service of the toy stage, in this process, on a Unix socket."""

    context: StageContext
    channel: grpc.aio.Channel
    jobs: job_service_pb2_grpc.JobServiceStub

    async def start(self, request_id: str = "r1", **params: object) -> job_pb2.Job:
        job, _ = await self.context.start(Derivation("m1", "toy.count", 1, {}, params), None, request_id)
        return job

    async def watch(
        self, name: str, after: int = 0, until: Callable[[job_service_pb2.WatchJobResponse], bool] | None = None
    ) -> list[job_service_pb2.WatchJobResponse]:
        """Returns the messages up to the first that `until` accepts, else to the end; heartbeats are left out."""
        found = []
        call = self.jobs.WatchJob(job_service_pb2.WatchJobRequest(name=name, after_sequence=after), timeout=30)
        async for message in call:
            if message.WhichOneof("event") != "heartbeat":
                found.append(message)
            if until is not None and until(message):
                call.cancel()
                break
        return found


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    contexts: list[StageContext] = []
    stage = Stage("toy", TOY, {"toy.count": 1}, ("toy.Toy",), lambda server, context: contexts.append(context))
    settings = ServerSettings(
        store=str(tmp_path / "store"), listen=f"unix:{tmp_path}/s.sock", workers=1, drain_seconds=5
    )
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()

    async def on_ready(endpoint: str) -> None:
        ready.set_result(endpoint)

    task = asyncio.create_task(host([stage], settings, on_ready=on_ready, stop=stop))
    await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    async with grpc.aio.insecure_channel(ready.result()) as channel:
        yield Served(contexts[0], channel, job_service_pb2_grpc.JobServiceStub(channel))
    stop.set()
    assert await task == 0


def kinds(messages: list[job_service_pb2.WatchJobResponse]) -> list[str]:
    return [str(message.WhichOneof("event")) for message in messages]


async def test_a_watch_tells_history_then_news_then_the_published_end(served: Served) -> None:
    job = await served.start(n=4)
    assert job.state == job_pb2.JOB_STATE_PENDING
    messages = await served.watch(job.name)
    assert [message.sequence for message in messages] == list(range(1, len(messages) + 1))
    assert kinds(messages)[:2] == ["state", "state"]
    assert [m.state.state for m in messages[:2]] == [job_pb2.JOB_STATE_PENDING, job_pb2.JOB_STATE_RUNNING]
    final = messages[-1].final
    assert final.state == job_pb2.JOB_STATE_SUCCEEDED
    assert final.last_sequence == len(messages)
    (output,) = final.outputs
    assert served.context.catalog.exists(output.artifact)
    assert [m.epoch.epoch for m in messages if m.WhichOneof("event") == "epoch"] == [1, 2, 3, 4]
    again = await served.watch(job.name, after=final.last_sequence)
    assert kinds(again) == ["final"]


async def test_a_watch_that_breaks_and_comes_back_has_no_gap(served: Served, tmp_path: Path) -> None:
    job = await served.start(n=6, hold_at=3, gate=str(tmp_path / "gate"))
    first = await served.watch(job.name, until=lambda message: message.epoch.epoch == 2)
    (tmp_path / "gate").touch()
    rest = await served.watch(job.name, after=first[-1].sequence)
    numbers = [message.sequence for message in (*first, *rest)]
    assert numbers == list(range(1, len(numbers) + 1))
    whole = await served.watch(job.name)
    assert [message.SerializeToString() for message in whole[:-1]] == [
        message.SerializeToString() for message in (*first, *rest)[:-1]
    ]


async def test_get_list_and_cancel_answer_over_the_wire(served: Served, tmp_path: Path) -> None:
    job = await served.start(n=9, hold_at=2, gate=str(tmp_path / "never"))
    await served.watch(job.name, until=lambda message: message.epoch.epoch == 2)
    cancelled = await served.jobs.CancelJob(
        job_service_pb2.CancelJobRequest(name=job.name, mode=job_service_pb2.CANCEL_MODE_DISCARD)
    )
    assert cancelled.job.state == job_pb2.JOB_STATE_CANCELLING
    messages = await served.watch(job.name)
    assert messages[-1].final.state == job_pb2.JOB_STATE_CANCELLED
    got = await served.jobs.GetJob(job_service_pb2.GetJobRequest(name=job.name))
    assert got.job == messages[-1].final
    listed = await served.jobs.ListJobs(job_service_pb2.ListJobsRequest(machine="m1"))
    assert list(listed.jobs) == [got.job]


async def test_an_unknown_job_is_not_found_also_by_watch(served: Served) -> None:
    name = f"machines/m1/jobs/{'0' * 64}"
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await served.watch(name)
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND


async def test_every_service_is_healthy_by_name(served: Served) -> None:
    stub = health_pb2_grpc.HealthStub(served.channel)
    for service in ("", "toy.Toy", "sensorforge.common.v1.JobService", "sensorforge.artifacts.v1.ArtifactService"):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.fixture
def quiet(store: object) -> tuple[Jobs, JobLog, Attempt]:
    """A claimed job without a dispatcher, written to by hand."""
    jobs = Jobs(store, None)  # type: ignore[arg-type]
    work = Derivation("m1", "toy.count", 1, {}, {})
    jobs.start(work, caller="me", request_id="r1")
    owner = Attempt.take(JobLog(jobs.store, work.digest(), 1), "me")
    assert owner is not None
    return jobs, jobs.log(work.digest(), 1), owner


async def collect(watch: AsyncIterator[NumberedEvent | None], count: int) -> list[NumberedEvent | None]:
    found: list[NumberedEvent | None] = []
    async for event in watch:
        found.append(event)
        if len(found) == count:
            break
    return found


async def test_silence_is_broken_by_heartbeats(quiet: tuple[Jobs, JobLog, Attempt]) -> None:
    jobs, log, _ = quiet
    found = await collect(Followers(jobs, heartbeat_s=0.05).watch(log, 0), 4)
    assert [event.sequence if event else None for event in found] == [1, 2, None, None]


async def test_watchers_of_one_job_share_one_reader(
    quiet: tuple[Jobs, JobLog, Attempt], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, log, owner = quiet
    followers = Followers(jobs)
    watches = [followers.watch(log, 0) for _ in range(20)]
    assert all(await asyncio.gather(*(collect(watch, 2) for watch in watches)))
    assert len(followers._followers) <= 1
    watchers = [asyncio.create_task(collect(followers.watch(log, 2), 1)) for _ in range(20)]
    await asyncio.to_thread(owner.heartbeat, [Event("warning", {"code": "A", "message": ""})])
    assert {event.kind for (event,) in await asyncio.gather(*watchers) if event} == {"warning"}


async def test_a_stopping_service_sends_watchers_away_with_a_code_to_come_back(
    quiet: tuple[Jobs, JobLog, Attempt],
) -> None:
    jobs, log, _ = quiet
    followers = Followers(jobs)
    watch = followers.watch(log, 2)
    waiting = asyncio.create_task(anext(aiter(watch)))
    await asyncio.sleep(0)
    followers.close()
    with pytest.raises(SensorForgeError) as raised:
        await waiting
    assert raised.value.reason == "STORE_UNAVAILABLE"
