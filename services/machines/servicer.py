"""MachineService and RunService: messages in, registry and run journals, messages out. Served by ingest."""

from __future__ import annotations

import asyncio

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from sensorforge.machines.v1 import (
    machine_service_pb2,
    machine_service_pb2_grpc,
    machines_pb2,
    run_service_pb2,
    run_service_pb2_grpc,
)
from services.artifacts.default_model import DefaultModels
from services.artifacts.runs import Decision, Run, Runs
from services.chassis.errors import SensorForgeError
from services.chassis.identity import caller_of
from services.jobs.stage import StageContext
from services.machines.document import MAX_BYTES
from services.machines.draft import draft_of
from services.machines.profile import Sensor, parse_profile
from services.machines.registry import Machine, Machines


class MachineServicer(machine_service_pb2_grpc.MachineServiceServicer):
    """Registers and finds machines."""

    def __init__(self, ctx: StageContext) -> None:
        self._catalog = ctx.catalog
        self._machines = Machines(ctx.store, ctx.catalog)
        self._models = DefaultModels(ctx.catalog)

    async def RegisterMachine(  # noqa: N802
        self,
        request: machine_service_pb2.RegisterMachineRequest,
        context: grpc.aio.ServicerContext[
            machine_service_pb2.RegisterMachineRequest, machine_service_pb2.RegisterMachineResponse
        ],
    ) -> machine_service_pb2.RegisterMachineResponse:
        if len(request.document) > MAX_BYTES:
            raise SensorForgeError("PROFILE_INVALID", f"{request.file_name or 'profile'}: it is larger than 1 MiB.")
        profile, notes = await asyncio.to_thread(parse_profile, request.document, request.file_name)
        if request.validate_only:
            machine = Machine(profile, "", 0, "")
        else:
            machine = await asyncio.to_thread(self._machines.register, profile)
        return machine_service_pb2.RegisterMachineResponse(machine=await self._message(machine), notes=notes)

    async def GetMachine(  # noqa: N802
        self,
        request: machine_service_pb2.GetMachineRequest,
        context: grpc.aio.ServicerContext[
            machine_service_pb2.GetMachineRequest, machine_service_pb2.GetMachineResponse
        ],
    ) -> machine_service_pb2.GetMachineResponse:
        machine = await asyncio.to_thread(self._machines.get, request.name.removeprefix("machines/"))
        return machine_service_pb2.GetMachineResponse(machine=await self._message(machine))

    async def DraftProfile(  # noqa: N802
        self,
        request: machine_service_pb2.DraftProfileRequest,
        context: grpc.aio.ServicerContext[
            machine_service_pb2.DraftProfileRequest, machine_service_pb2.DraftProfileResponse
        ],
    ) -> machine_service_pb2.DraftProfileResponse:
        document, run_column = await asyncio.to_thread(self._draft, request.table, request.machine_id or "my-machine")
        return machine_service_pb2.DraftProfileResponse(document=document, run_column=run_column)

    def _draft(self, name: str, machine_id: str) -> tuple[str, str]:
        columns = self._catalog.get(name).file("table.parquet").columns
        units = {column.name: column.unit for column in columns if column.unit}
        return draft_of(self._catalog.read_table(name, "table.parquet"), units, machine_id)

    async def ListMachines(  # noqa: N802
        self,
        request: machine_service_pb2.ListMachinesRequest,
        context: grpc.aio.ServicerContext[
            machine_service_pb2.ListMachinesRequest, machine_service_pb2.ListMachinesResponse
        ],
    ) -> machine_service_pb2.ListMachinesResponse:
        page, token = await asyncio.to_thread(self._machines.list, request.page_size, request.page_token)
        messages = [await self._message(machine) for machine in page]
        return machine_service_pb2.ListMachinesResponse(machines=messages, next_page_token=token)

    async def _message(self, machine: Machine) -> machines_pb2.Machine:
        profile = machine.profile
        default = await asyncio.to_thread(self._models.current, profile.machine_id)
        return machines_pb2.Machine(
            name=f"machines/{profile.machine_id}",
            machine_id=profile.machine_id,
            category=profile.category,
            profile=machine.artifact,
            profile_version=machine.version,
            sampling_period_seconds=profile.sampling_period_s or 0.0,
            rul_unit=profile.rul_unit,
            rul_max=profile.rul_max or 0.0,
            sensors=[sensor_to_proto(sensor) for sensor in profile.sensors],
            default_model=default.model,
            update_time=_time(machine.updated),
        )


class RunServicer(run_service_pb2_grpc.RunServiceServicer):
    """Keeps the journals of decisions."""

    def __init__(self, ctx: StageContext) -> None:
        self._runs = Runs(ctx.store)

    async def CreateRun(  # noqa: N802
        self,
        request: run_service_pb2.CreateRunRequest,
        context: grpc.aio.ServicerContext[run_service_pb2.CreateRunRequest, run_service_pb2.CreateRunResponse],
    ) -> run_service_pb2.CreateRunResponse:
        run, existed = await asyncio.to_thread(
            self._runs.create, request.machine, request.title, request.request_id, actor=caller_of()
        )
        return run_service_pb2.CreateRunResponse(run=run_to_proto(run), existed=existed)

    async def GetRun(  # noqa: N802
        self,
        request: run_service_pb2.GetRunRequest,
        context: grpc.aio.ServicerContext[run_service_pb2.GetRunRequest, run_service_pb2.GetRunResponse],
    ) -> run_service_pb2.GetRunResponse:
        run = await asyncio.to_thread(self._runs.get, request.name)
        return run_service_pb2.GetRunResponse(run=run_to_proto(run))

    async def ListRuns(  # noqa: N802
        self,
        request: run_service_pb2.ListRunsRequest,
        context: grpc.aio.ServicerContext[run_service_pb2.ListRunsRequest, run_service_pb2.ListRunsResponse],
    ) -> run_service_pb2.ListRunsResponse:
        page, token = await asyncio.to_thread(self._runs.list, request.machine, request.page_size, request.page_token)
        return run_service_pb2.ListRunsResponse(runs=[run_to_proto(run) for run in page], next_page_token=token)

    async def AppendDecision(  # noqa: N802
        self,
        request: run_service_pb2.AppendDecisionRequest,
        context: grpc.aio.ServicerContext[
            run_service_pb2.AppendDecisionRequest, run_service_pb2.AppendDecisionResponse
        ],
    ) -> run_service_pb2.AppendDecisionResponse:
        given = request.decision
        decision = Decision(given.step, given.artifact, given.job, given.draft_json, actor=caller_of())
        run = await asyncio.to_thread(
            self._runs.append, request.name, decision, request.expected_version, request.request_id
        )
        return run_service_pb2.AppendDecisionResponse(run=run_to_proto(run))

    async def DeleteRun(  # noqa: N802
        self,
        request: run_service_pb2.DeleteRunRequest,
        context: grpc.aio.ServicerContext[run_service_pb2.DeleteRunRequest, run_service_pb2.DeleteRunResponse],
    ) -> run_service_pb2.DeleteRunResponse:
        await asyncio.to_thread(self._runs.delete, request.name)
        return run_service_pb2.DeleteRunResponse()


def sensor_to_proto(sensor: Sensor) -> machines_pb2.Sensor:
    """Returns the message of a sensor; limits that are not known stay unset."""
    return machines_pb2.Sensor(
        name=sensor.name,
        quantity=sensor.quantity,
        unit=sensor.unit,
        min=sensor.min,
        typical=sensor.typical,
        max=sensor.max,
        component=sensor.component,
        position=sensor.position,
        aliases=sensor.aliases,
        role=sensor.role,
        required=sensor.required,
    )


def run_to_proto(run: Run) -> machines_pb2.Run:
    """Returns the message of a run."""
    return machines_pb2.Run(
        name=run.name,
        title=run.title,
        decisions=[
            machines_pb2.Decision(
                step=decision.step,
                artifact=decision.artifact,
                job=decision.job,
                draft_json=decision.draft_json,
                actor=decision.actor,
                create_time=_time(decision.created),
            )
            for decision in run.decisions
        ],
        create_time=_time(run.created),
        version=run.version,
        deleted=run.deleted,
    )


def _time(text: str) -> Timestamp | None:
    if not text:
        return None
    stamp = Timestamp()
    stamp.FromJsonString(text)
    return stamp
