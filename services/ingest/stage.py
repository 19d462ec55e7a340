"""What the ingest stage hosts: files, tables, machine profiles and runs. Imports no parser; workers do."""

from __future__ import annotations

import grpc

from sensorforge.ingest.v1 import ingest_service_pb2_grpc
from sensorforge.machines.v1 import machine_service_pb2_grpc, run_service_pb2_grpc
from services.ingest.revisions import REVISIONS
from services.jobs.stage import Stage, StageContext


def register(server: grpc.aio.Server, context: StageContext) -> None:
    """Adds IngestService, MachineService and RunService to a server."""
    from services.ingest.servicer import IngestServicer
    from services.machines.servicer import MachineServicer, RunServicer

    ingest_service_pb2_grpc.add_IngestServiceServicer_to_server(IngestServicer(context, REVISIONS), server)
    machine_service_pb2_grpc.add_MachineServiceServicer_to_server(MachineServicer(context), server)
    run_service_pb2_grpc.add_RunServiceServicer_to_server(RunServicer(context), server)


STAGE = Stage(
    name="ingest",
    operations="services.ingest.operations:OPERATIONS",
    revisions=REVISIONS,
    service_names=(
        "sensorforge.ingest.v1.IngestService",
        "sensorforge.machines.v1.MachineService",
        "sensorforge.machines.v1.RunService",
    ),
    register=register,
)
