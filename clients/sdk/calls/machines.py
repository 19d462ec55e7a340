"""MachineService and RunService, both served by ingest."""

from __future__ import annotations

from clients.sdk.link import Link, new_request_id
from sensorforge.machines.v1 import (
    machine_service_pb2,
    machine_service_pb2_grpc,
    machines_pb2,
    run_service_pb2,
    run_service_pb2_grpc,
)


class MachineCalls(Link):
    """Operations of MachineService and RunService."""

    @property
    def _machines(self) -> machine_service_pb2_grpc.MachineServiceAsyncStub:
        return machine_service_pb2_grpc.MachineServiceStub(self.channel("ingest"))

    @property
    def _runs(self) -> run_service_pb2_grpc.RunServiceAsyncStub:
        return run_service_pb2_grpc.RunServiceStub(self.channel("ingest"))

    async def register_machine(
        self, document: str, *, file_name: str = "", validate_only: bool = False
    ) -> machine_service_pb2.RegisterMachineResponse:
        """Returns the machine of a profile document (YAML or JSON) with notes; registers it unless told not to."""
        request = machine_service_pb2.RegisterMachineRequest(
            document=document, file_name=file_name, validate_only=validate_only
        )
        return await self.call("ingest", self._machines.RegisterMachine, request)

    async def draft_profile(self, table: str, machine: str = "") -> machine_service_pb2.DraftProfileResponse:
        """Returns a first profile document drafted from a parsed table, and the column that numbers its runs."""
        request = machine_service_pb2.DraftProfileRequest(table=table, machine_id=machine)
        return await self.call("ingest", self._machines.DraftProfile, request)

    async def get_machine(self, machine: str) -> machines_pb2.Machine:
        """Returns a machine with its current profile, by id."""
        request = machine_service_pb2.GetMachineRequest(name=f"machines/{machine}")
        return (await self.call("ingest", self._machines.GetMachine, request)).machine

    async def list_machines(
        self, *, page_size: int = 0, page_token: str = ""
    ) -> machine_service_pb2.ListMachinesResponse:
        """Returns a page of machines by id."""
        request = machine_service_pb2.ListMachinesRequest(page_size=page_size, page_token=page_token)
        return await self.call("ingest", self._machines.ListMachines, request)

    async def create_run(
        self, machine: str, *, title: str = "", request_id: str = ""
    ) -> run_service_pb2.CreateRunResponse:
        """Returns the run of `request_id`, new or old."""
        request = run_service_pb2.CreateRunRequest(
            machine=machine, title=title, request_id=request_id or new_request_id()
        )
        return await self.call("ingest", self._runs.CreateRun, request)

    async def get_run(self, name: str) -> machines_pb2.Run:
        """Returns a run with its decisions."""
        request = run_service_pb2.GetRunRequest(name=name)
        return (await self.call("ingest", self._runs.GetRun, request)).run

    async def list_runs(
        self, *, machine: str = "", page_size: int = 0, page_token: str = ""
    ) -> run_service_pb2.ListRunsResponse:
        """Returns a page of runs, newest first."""
        request = run_service_pb2.ListRunsRequest(machine=machine, page_size=page_size, page_token=page_token)
        return await self.call("ingest", self._runs.ListRuns, request)

    async def append_decision(
        self, run: str, decision: machines_pb2.Decision, *, expected_version: int = -1, request_id: str = ""
    ) -> machines_pb2.Run:
        """Returns the run with the decision appended once per `request_id`."""
        request = run_service_pb2.AppendDecisionRequest(
            name=run,
            decision=decision,
            expected_version=expected_version,
            request_id=request_id or new_request_id(),
        )
        return (await self.call("ingest", self._runs.AppendDecision, request)).run

    async def delete_run(self, name: str) -> None:
        """Hides a run; its artifacts stay."""
        await self.call("ingest", self._runs.DeleteRun, run_service_pb2.DeleteRunRequest(name=name))
