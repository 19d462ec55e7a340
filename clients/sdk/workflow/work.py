"""What every step works with: the gateway, the plan, the outputs so far, and the one way in which a job is carried to
its end and told about."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clients.sdk.calls.started import Started
from clients.sdk.config import Stage
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.plan import Plan
from clients.sdk.upload import LocalFile
from clients.sdk.workflow.events import (
    Finding,
    JobStarted,
    LinkLost,
    LinkRestored,
    Listener,
    ServerQuiet,
)
from clients.sdk.workflow.following import event_of, outputs_of
from clients.sdk.workflow.gateway import Gateway
from clients.sdk.workflow.journal import RunJournal
from clients.sdk.workflow.steps import StepName
from sensorforge.artifacts.v1 import artifacts_pb2
from sensorforge.common.v1 import job_pb2, job_service_pb2
from sensorforge.machines.v1 import machines_pb2

if TYPE_CHECKING:
    JobEvent = job_service_pb2.WatchJobResponse

QUIET_S = 15.0  # a service sends a heartbeat every five seconds


class Detached(Exception):  # an outcome, not an error
    """The job runs and nobody wants to wait for it."""

    def __init__(self, step: StepName, job: str) -> None:
        super().__init__(job)
        self.step = step
        self.job = job


@dataclass(frozen=True)
class StepResult:
    """What a step came to. `outputs` by role; `skipped` says why there was nothing to do."""

    consequence: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    primary: str = ""
    jobs: tuple[str, ...] = ()
    reused: bool = False
    skipped: str = ""
    notes: Mapping[str, object] = field(default_factory=dict)


@dataclass
class Work:
    """One run in the making. `outputs` are artifacts by role, filled step by step. `detach` leaves the run with
    Detached once the step `detach_at` trains."""

    gateway: Gateway
    plan: Plan
    machine: machines_pb2.Machine
    journal: RunJournal
    tell: Listener
    files: tuple[LocalFile, ...] = ()
    seed_file: LocalFile | None = None
    outputs: dict[str, str] = field(default_factory=dict)
    jobs: list[str] = field(default_factory=list)
    all_reused: bool = True
    detach: bool = False
    detach_at: StepName = "refine"
    replay: bool = False
    _manifests: dict[str, artifacts_pb2.Artifact] = field(default_factory=dict)

    @property
    def machine_id(self) -> str:
        """Returns the machine's id."""
        return self.machine.machine_id

    def need(self, role: str, step: StepName) -> str:
        """Returns the artifact of an earlier step. Raises SensorForgeClientError STEP_MISSING when it is not there."""
        if role not in self.outputs:
            raise SensorForgeClientError(
                "STEP_MISSING",
                f"This step needs the outcome of the step `{step}`, and the run does not have it yet.",
                kind="USAGE",
                remedy=f"Run the step `{step}` first, or `sensorforge run`, which takes them in order.",
            )
        return self.outputs[role]

    async def manifest(self, artifact: str) -> artifacts_pb2.Artifact:
        """Returns an artifact's manifest; manifests never change, so each is read once."""
        if artifact not in self._manifests:
            self._manifests[artifact] = await self.gateway.get_artifact(artifact)
        return self._manifests[artifact]

    async def rows(self, artifact: str, file: str = "") -> int:
        """Returns the rows of a file of an artifact, of its first table unless named; 0 when it has none."""
        for item in (await self.manifest(artifact)).files:
            if item.name == file or (not file and item.columns):
                return item.rows
        return 0

    async def perform(
        self, step: StepName, stage: Stage, start: Callable[[], Awaitable[Started]], *, may_detach: bool = False
    ) -> dict[str, str]:
        """Starts a job, follows it to its end and returns its outputs by role.

        Raises SensorForgeClientError with the job's failure, Detached when the plan is not to wait.
        """
        started = await start()
        return await self.follow(step, stage, started, may_detach=may_detach)

    async def follow(
        self, step: StepName, stage: Stage, started: Started, *, may_detach: bool = False
    ) -> dict[str, str]:
        """Follows a started job to its end and returns its outputs by role."""
        job = started.job
        self.jobs.append(job.name)
        self.all_reused = self.all_reused and started.reused
        self.tell(JobStarted(step, job.name, started.reused))
        done = job.state == job_pb2.JOB_STATE_SUCCEEDED
        if not done and may_detach:
            await self.journal.record(step, job=job.name, draft={"state": "started"})
        if not done or self.replay:
            job = await self._watch(step, stage, job, may_detach=may_detach and self.detach and step == self.detach_at)
        return outputs_of(job)

    async def _watch(self, step: StepName, stage: Stage, job: job_pb2.Job, *, may_detach: bool) -> job_pb2.Job:
        def link(seconds: float | None) -> None:
            self.tell(LinkRestored() if seconds is None else LinkLost(seconds))

        events = self.gateway.watch_job(job.name, on_link=link, heartbeats=True, stage=stage)
        async with contextlib.aclosing(self._noticing_silence(events)) as heard:
            async for event in heard:
                if event.WhichOneof("event") == "final":
                    return event.final
                if (told := event_of(step, event)) is not None:
                    self.tell(told)
                running = event.WhichOneof("event") in ("progress", "epoch") or (
                    event.WhichOneof("event") == "state" and event.state.state == job_pb2.JOB_STATE_RUNNING
                )
                if may_detach and running:
                    raise Detached(step, job.name)
        return await self.gateway.get_job(job.name, stage=stage)

    async def _noticing_silence(self, events: AsyncIterator[JobEvent]) -> AsyncGenerator[JobEvent, None]:
        """Yields the events, and tells when for QUIET_S seconds there was not even a heartbeat."""
        quiet = 0.0
        coming: asyncio.Task[JobEvent] | None = None
        try:
            while True:
                coming = coming or asyncio.ensure_future(anext(events))
                done, _ = await asyncio.wait({coming}, timeout=QUIET_S)
                if not done:
                    quiet += QUIET_S
                    self.tell(ServerQuiet(quiet))
                    continue
                arrived, coming = coming, None
                try:
                    event = arrived.result()
                except StopAsyncIteration:
                    return
                if quiet:
                    quiet = 0.0
                    self.tell(LinkRestored())
                yield event
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.wait({coming})
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    def warn(self, step: StepName, findings: Sequence[Finding]) -> None:
        """Tells findings."""
        for finding in findings:
            self.tell(finding)
