"""What the refine stage hosts. Imports no torch: the server only starts jobs and lists models."""

from __future__ import annotations

import grpc

from sensorforge.refine.v1 import refine_service_pb2_grpc
from services.jobs.stage import Stage, StageContext
from services.refine.revisions import REVISIONS


def register(server: grpc.aio.Server, context: StageContext) -> None:
    """Adds RefineService to a server."""
    from services.refine.servicer import RefineServicer

    refine_service_pb2_grpc.add_RefineServiceServicer_to_server(RefineServicer(context, REVISIONS), server)


STAGE = Stage(
    name="refine",
    operations="services.refine.operations:OPERATIONS",
    revisions=REVISIONS,
    service_names=("sensorforge.refine.v1.RefineService",),
    register=register,
)
