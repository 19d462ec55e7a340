"""What the host needs to serve stage 2, without importing what only its workers need."""

from __future__ import annotations

import grpc

from services.jobs.stage import Stage, StageContext
from services.mapping.revisions import REVISIONS


def _register(server: grpc.aio.Server, ctx: StageContext) -> None:
    from sensorforge.mapping.v1 import mapping_service_pb2_grpc
    from services.mapping.lexicon_files import lexicon_of_environment
    from services.mapping.servicer import MappingServicer

    mapping_service_pb2_grpc.add_MappingServiceServicer_to_server(
        MappingServicer(ctx, lexicon_of_environment()), server
    )


STAGE = Stage(
    name="mapping",
    operations="services.mapping.operations:OPERATIONS",
    revisions=REVISIONS,
    service_names=("sensorforge.mapping.v1.MappingService",),
    register=_register,
)
