"""JobService: follows and ends jobs. Any stage knows every job of its store; the stage that started one is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from clients.sdk.config import Stage
from clients.sdk.link import Link
from clients.sdk.watch import LinkListener, watch_job
from sensorforge.common.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc

if TYPE_CHECKING:
    JobEvent = job_service_pb2.WatchJobResponse

KEEP = job_service_pb2.CANCEL_MODE_KEEP
DISCARD = job_service_pb2.CANCEL_MODE_DISCARD
ENDED = (job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED)


class JobCalls(Link):
    """Operations of JobService."""

    def _jobs(self, stage: Stage) -> job_service_pb2_grpc.JobServiceAsyncStub:
        return job_service_pb2_grpc.JobServiceStub(self.channel(stage))

    async def get_job(self, name: str, *, stage: Stage = "ingest") -> job_pb2.Job:
        """Returns a job as it stands."""
        request = job_service_pb2.GetJobRequest(name=name)
        return (await self.call(stage, self._jobs(stage).GetJob, request)).job

    async def list_jobs(
        self, machine: str, *, operation: str = "", page_size: int = 0, page_token: str = "", stage: Stage = "ingest"
    ) -> job_service_pb2.ListJobsResponse:
        """Returns a page of a machine's jobs, newest first."""
        request = job_service_pb2.ListJobsRequest(
            machine=machine, operation=operation, page_size=page_size, page_token=page_token
        )
        return await self.call(stage, self._jobs(stage).ListJobs, request)

    async def cancel_job(self, name: str, *, keep: bool, stage: Stage = "ingest") -> job_pb2.Job:
        """Asks a job to stop, keeping or discarding its best result so far; returns the job as it stands then."""
        request = job_service_pb2.CancelJobRequest(name=name, mode=KEEP if keep else DISCARD)
        return (await self.call(stage, self._jobs(stage).CancelJob, request)).job

    def watch_job(
        self,
        name: str,
        *,
        after_sequence: int = 0,
        on_link: LinkListener | None = None,
        heartbeats: bool = False,
        stage: Stage = "ingest",
    ) -> AsyncIterator[JobEvent]:
        """Yields a job's events, history first, over links that break; the last one is `final`."""
        return watch_job(self, stage, name, after_sequence=after_sequence, on_link=on_link, heartbeats=heartbeats)
