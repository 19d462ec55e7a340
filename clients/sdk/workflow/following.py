"""A job told in a run's words: its events as events of a step, its end as outputs or as an error.

`Work` follows the jobs of a run with it and notes them in the run's journal; `job_outputs` follows a job that belongs
to no run.
"""

from __future__ import annotations

from collections.abc import Mapping

from clients.sdk.calls.started import Started
from clients.sdk.config import Stage
from clients.sdk.errors import SensorForgeClientError, from_failure
from clients.sdk.workflow.events import EpochEvent, Event, Finding, JobStarted, Listener, StepProgress
from clients.sdk.workflow.gateway import Gateway
from clients.sdk.workflow.steps import StepName
from sensorforge.common.v1 import job_pb2, job_service_pb2

_STATE_WORDS: Mapping[int, str] = {
    job_pb2.JOB_STATE_PENDING: "waiting for a worker",
    job_pb2.JOB_STATE_RUNNING: "running",
    job_pb2.JOB_STATE_CANCELLING: "stopping",
}


async def job_outputs(
    gateway: Gateway, tell: Listener, step: StepName, stage: Stage, started: Started
) -> dict[str, str]:
    """Follows a job to its end and tells its events as those of `step`; returns its outputs by role.

    Raises SensorForgeClientError: the job failed, was cancelled with nothing kept, or the link stays lost.
    """
    job = started.job
    tell(JobStarted(step, job.name, started.reused))
    if job.state != job_pb2.JOB_STATE_SUCCEEDED:
        async for event in gateway.watch_job(job.name, stage=stage):
            if (told := event_of(step, event)) is not None:
                tell(told)
            if event.WhichOneof("event") == "final":
                job = event.final
    return outputs_of(job)


def event_of(step: StepName, event: job_service_pb2.WatchJobResponse) -> Event | None:
    """Returns a job's event as one of a run's step, None for those that only the follower needs."""
    match event.WhichOneof("event"):
        case "progress":
            told = event.progress
            return StepProgress(step, told.phase, told.done, told.total, told.eta_seconds, told.message)
        case "epoch":
            return EpochEvent(step, event.epoch)
        case "warning":
            return Finding(step, "warning", event.warning.code, event.warning.message)
        case "state":
            return StepProgress(step, _STATE_WORDS.get(event.state.state, ""))
    return None


def outputs_of(job: job_pb2.Job) -> dict[str, str]:
    """Returns an ended job's artifacts by role. Raises SensorForgeClientError when it failed, or was cancelled and
    kept nothing."""
    if job.state == job_pb2.JOB_STATE_FAILED:
        raise from_failure(job.failure, job.name)
    outputs = {output.role: output.artifact for output in job.outputs}
    if job.state == job_pb2.JOB_STATE_CANCELLED and not outputs:
        raise SensorForgeClientError(
            "JOB_CANCELLED",
            f"{job.operation} was cancelled and nothing was kept.",
            remedy="The same command starts it again.",
            metadata={"job": job.name},
        )
    return outputs
