"""`SensorForge`: the client with every operation of every service.

    async with SensorForge(ClientConfig.at("127.0.0.1:50051")) as forge:
        machine = (await forge.register_machine(document)).machine
        raw = await forge.upload(machine.machine_id, Path("pump.csv"))

Every method raises SensorForgeClientError and nothing else of gRPC's.
"""

from __future__ import annotations

from clients.sdk.calls.artifacts import ArtifactCalls
from clients.sdk.calls.compare import CompareCalls
from clients.sdk.calls.ingest import IngestCalls
from clients.sdk.calls.jobs import JobCalls
from clients.sdk.calls.machines import MachineCalls
from clients.sdk.calls.mapping import MappingCalls
from clients.sdk.calls.refine import RefineCalls


class SensorForge(MachineCalls, IngestCalls, MappingCalls, RefineCalls, CompareCalls, ArtifactCalls, JobCalls):
    """Typed async client of the four stages; one method per operation. Use it as an async context manager."""
