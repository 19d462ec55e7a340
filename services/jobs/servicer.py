"""JobService: RPC to jobs and back, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from sensorforge.common.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from services.jobs.engine import Jobs
from services.jobs.follower import Followers
from services.jobs.records import CancelMode
from services.jobs.views import JOB_EVENTS, event_to_proto, job_to_proto, view_of

Context = grpc.aio.ServicerContext[Any, Any]


class JobServicer(job_service_pb2_grpc.JobServiceServicer):
    """Serves every job of a store, whichever stage started it."""

    def __init__(self, jobs: Jobs, followers: Followers) -> None:
        self._jobs = jobs
        self._followers = followers

    async def GetJob(  # noqa: N802
        self, request: job_service_pb2.GetJobRequest, context: Context
    ) -> job_service_pb2.GetJobResponse:
        """See job_service.proto."""
        view = await asyncio.to_thread(self._jobs.get, request.name)
        return job_service_pb2.GetJobResponse(job=job_to_proto(view))

    async def ListJobs(  # noqa: N802
        self, request: job_service_pb2.ListJobsRequest, context: Context
    ) -> job_service_pb2.ListJobsResponse:
        """See job_service.proto."""
        views, token = await asyncio.to_thread(
            self._jobs.list, request.machine, request.page_size, request.page_token, request.operation
        )
        return job_service_pb2.ListJobsResponse(jobs=[job_to_proto(view) for view in views], next_page_token=token)

    async def WatchJob(  # noqa: N802
        self, request: job_service_pb2.WatchJobRequest, context: Context
    ) -> AsyncIterator[job_service_pb2.WatchJobResponse]:
        """See job_service.proto."""
        log = await asyncio.to_thread(self._jobs.find, request.name)
        async for event in self._followers.watch(log, max(0, request.after_sequence)):
            if event is None:
                yield job_service_pb2.WatchJobResponse(heartbeat=job_pb2.Heartbeat())
                continue
            if event.kind == "final":
                # Whoever hears the end may read the outputs, so they are published before it is told.
                await asyncio.to_thread(self._jobs.settle, log.job, log.run)
            yield event_to_proto(event, view_of(log.state, log.job, log.run) if event.kind in JOB_EVENTS else None)

    async def CancelJob(  # noqa: N802
        self, request: job_service_pb2.CancelJobRequest, context: Context
    ) -> job_service_pb2.CancelJobResponse:
        """See job_service.proto."""
        mode: CancelMode = "keep" if request.mode == job_service_pb2.CANCEL_MODE_KEEP else "discard"
        view = await asyncio.to_thread(self._jobs.cancel, request.name, mode)
        return job_service_pb2.CancelJobResponse(job=job_to_proto(view))
