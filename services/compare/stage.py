"""What the compare stage hosts. Imports no numerical library: the server only starts jobs and reads reports."""

from __future__ import annotations

import grpc

from sensorforge.compare.v1 import compare_service_pb2_grpc
from services.compare.revisions import REVISIONS
from services.jobs.stage import Stage, StageContext


def register(server: grpc.aio.Server, context: StageContext) -> None:
    """Adds CompareService to a server."""
    from services.compare.servicer import CompareServicer

    compare_service_pb2_grpc.add_CompareServiceServicer_to_server(CompareServicer(context), server)


STAGE = Stage(
    name="compare",
    operations="services.compare.operations:OPERATIONS",
    revisions=REVISIONS,
    service_names=("sensorforge.compare.v1.CompareService",),
    register=register,
)
