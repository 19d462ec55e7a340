"""`host()`: one process that serves some stages on one endpoint, over one store, and works off their jobs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence

import grpc

from sensorforge.artifacts.v1 import artifact_service_pb2_grpc
from sensorforge.common.v1 import job_service_pb2_grpc
from services.artifacts.catalog import Catalog
from services.artifacts.objects import ObjectMissing, ObjectStore, StoreUnavailable
from services.artifacts.opening import open_store, probe
from services.artifacts.servicer import ArtifactServicer
from services.chassis.errors import ErrorKind, SensorForgeError
from services.chassis.logs import configure_logs
from services.chassis.server import Service, serve
from services.chassis.settings import ServerSettings
from services.jobs.capacity import JOB_SECONDS, MEMORY_MB, job_memory_mb, usable_cores
from services.jobs.dispatcher import Dispatcher
from services.jobs.engine import Jobs
from services.jobs.executor import ProcessExecutor
from services.jobs.follower import Followers
from services.jobs.heart import HEARTBEAT_SECONDS, Pace
from services.jobs.servicer import JobServicer
from services.jobs.stage import Stage, StageContext

ARTIFACT_SERVICE = "sensorforge.artifacts.v1.ArtifactService"
JOB_SERVICE = "sensorforge.common.v1.JobService"

Beside = Callable[[Jobs, asyncio.Event], Coroutine[None, None, None]]


async def host(
    stages: Sequence[Stage],
    settings: ServerSettings,
    *,
    on_ready: Callable[[str], Awaitable[None]] | None = None,
    stop: asyncio.Event | None = None,
    beside: Beside | None = None,
) -> int:
    """Serves the stages with ArtifactService and JobService until it is told to stop; returns the exit code.

    `beside` runs with the service, sees its jobs and may set the event that stops it.

    Workers that run then give their jobs back (other replicas, or the next start, go on at their checkpoints).
    Raises SensorForgeError before anything is bound: STORE_URL_INVALID, STORE_UNAVAILABLE, STORE_NOT_ATOMIC,
    INSECURE_BIND, SETTINGS_INVALID.
    """
    configure_logs(settings.log_level, settings.log_format)
    settings.check_bind()
    store = await asyncio.to_thread(open_store, settings.store)
    await asyncio.to_thread(probe, store)
    catalog = Catalog(store)
    supported = {key: path for stage in stages for key, path in stage.supported().items()}
    jobs = Jobs(store, catalog, supported=supported)
    catalog.add_guard(jobs.depends_on)
    slots = max(1, usable_cores() - 1) if settings.workers is None else settings.workers
    dispatcher = Dispatcher(
        jobs,
        ProcessExecutor(
            store.url,
            slots,
            warm=[stage.operations for stage in stages],
            environment={
                "SENSORFORGE_LOG_LEVEL": settings.log_level,
                MEMORY_MB: str(settings.job_memory_mb or job_memory_mb(slots)),
                JOB_SECONDS: f"{settings.job_seconds:g}",
                HEARTBEAT_SECONDS: f"{min(Pace.silence, settings.suspect_seconds / 4):g}",
            },
        ),
        supported,
        suspect_s=settings.suspect_seconds,
    )
    followers = Followers(jobs)
    context = StageContext(store, catalog, jobs, dispatcher.wake)
    stop = stop or asyncio.Event()
    companion = asyncio.create_task(beside(jobs, stop)) if beside is not None else None

    async def ready() -> bool:
        return dispatcher.healthy() and await asyncio.to_thread(_answers, store)

    async def begin() -> None:
        dispatcher.start()

    async def end() -> None:
        if companion is not None:
            companion.cancel()
        followers.close()
        await asyncio.to_thread(dispatcher.stop)

    def register_shared(server: grpc.aio.Server) -> None:
        artifact_service_pb2_grpc.add_ArtifactServiceServicer_to_server(ArtifactServicer(catalog), server)
        job_service_pb2_grpc.add_JobServiceServicer_to_server(JobServicer(jobs, followers), server)

    services = [Service(stage.service_names, _with(stage, context), ready) for stage in stages]
    services.append(Service((ARTIFACT_SERVICE, JOB_SERVICE), register_shared, ready))
    return await serve(services, settings, on_start=begin, on_stop=end, on_ready=on_ready, stop=stop)


def run_host(stages: Sequence[Stage], settings: ServerSettings | None = None, *, beside: Beside | None = None) -> int:
    """Serves until told to stop and returns the exit code; what keeps it from serving is one paragraph on stderr.

    Without `settings` those of the environment count.
    """
    try:
        return asyncio.run(host(stages, settings or ServerSettings.load(), beside=beside))
    except SensorForgeError as error:
        sys.stderr.write(f"{error.reason}: {error.message} {error.remedy}\n")
        return 3 if error.kind is ErrorKind.UNAVAILABLE else 2


def _with(stage: Stage, context: StageContext) -> Callable[[grpc.aio.Server], None]:
    return lambda server: stage.register(server, context)


def _answers(store: ObjectStore) -> bool:
    """Returns whether the store can be read now."""
    try:
        store.size("probe/ready")
    except ObjectMissing:
        return True
    except StoreUnavailable:
        return False
    return True
