"""What a stage tells its host, and what its servicers get from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import grpc

from sensorforge.common.v1 import job_pb2
from services.artifacts.catalog import Catalog
from services.artifacts.derivation import Derivation
from services.artifacts.objects import ObjectStore
from services.chassis.identity import caller_of
from services.jobs.engine import Jobs
from services.jobs.views import job_to_proto


def _nobody_to_wake() -> None:
    """Jobs are found at the next scan."""


@dataclass(frozen=True)
class StageContext:
    """The rooms below, as a stage's servicers see them. The store's API is synchronous: call it in a thread."""

    store: ObjectStore
    catalog: Catalog
    jobs: Jobs
    wake: Callable[[], None] = field(default=_nobody_to_wake)

    async def start(self, derivation: Derivation, grpc_context: object, request_id: str) -> tuple[job_pb2.Job, bool]:
        """Opens or finds the job of a derivation: what every StartX answers with. See Jobs.start for the errors."""
        view, reused = await asyncio.to_thread(
            self.jobs.start, derivation, caller=caller_of(grpc_context), request_id=request_id
        )
        self.wake()
        return job_to_proto(view), reused


@dataclass(frozen=True)
class Stage:
    """A stage, without its code: `operations` is an import path "services.ingest.operations:OPERATIONS" that only
    workers import. `revisions` are the current ones by operation name; `still_supported` are older ones that the
    operations still have. `service_names` are full gRPC names, `register` adds the servicers."""

    name: str
    operations: str
    revisions: Mapping[str, int]
    service_names: tuple[str, ...]
    register: Callable[[grpc.aio.Server, StageContext], None]
    still_supported: frozenset[tuple[str, int]] = frozenset()

    def supported(self) -> Mapping[tuple[str, int], str]:
        """Returns (operation, revision) -> import path, for the dispatcher."""
        return dict.fromkeys({*self.revisions.items(), *self.still_supported}, self.operations)
