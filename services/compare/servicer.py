"""CompareService: requests to derivations, reports to messages, nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import grpc

from sensorforge.compare.v1 import compare_service_pb2 as pb
from sensorforge.compare.v1 import compare_service_pb2_grpc
from services.artifacts.derivation import Derivation
from services.artifacts.manifest import check_machine
from services.chassis.errors import SensorForgeError
from services.compare import errors as errors
from services.compare.limits import read_limits
from services.compare.revisions import REVISIONS
from services.compare.summary import all_machines_summary
from services.jobs.stage import StageContext
from services.machines.registry import Machines

Context = grpc.aio.ServicerContext[Any, Any]

OPERATION = "compare.compare"
REPORT_FILE = "comparison.json"
MOST_MACHINES = 1000
_PAGE = 200

_OUTCOMES = {
    "pass": pb.GATE_OUTCOME_PASS,
    "fail": pb.GATE_OUTCOME_FAIL,
    "undecided": pb.GATE_OUTCOME_UNDECIDED,
    "skipped": pb.GATE_OUTCOME_SKIPPED,
}
_ADVICE = {
    "use_refined": pb.RECOMMENDATION_USE_REFINED,
    "keep_original": pb.RECOMMENDATION_KEEP_ORIGINAL,
    "collect_more_data": pb.RECOMMENDATION_COLLECT_MORE_DATA,
}


class CompareServicer(compare_service_pb2_grpc.CompareServiceServicer):
    """Starts comparisons and reads finished ones."""

    def __init__(self, stage: StageContext) -> None:
        self._stage = stage
        self._machines = Machines(stage.store, stage.catalog)

    async def StartComparison(  # noqa: N802
        self, request: pb.StartComparisonRequest, context: Context
    ) -> pb.StartComparisonResponse:
        spec = request.spec
        machine = check_machine(request.machine)
        given = {field.name: float(value) for field, value in spec.gates.ListFields()}
        inputs = {
            "table": spec.table,
            "refined": spec.refined_synthetic,
            "seed": spec.seed_synthetic,
            "original_model": spec.original_model,
            "refined_model": spec.refined_model,
            "profile": spec.profile,
            "augmented": spec.augmented,
        }
        for role in ("table", "refined"):
            if not inputs[role]:
                raise SensorForgeError("INVALID_REQUEST", f"A comparison needs {role!r}, and it is empty.")
        if not inputs["profile"]:
            inputs["profile"] = (await asyncio.to_thread(self._machines.get, machine)).artifact
        inputs = {role: name for role, name in inputs.items() if name}
        await asyncio.to_thread(lambda: [self._stage.catalog.get(name) for name in inputs.values()])
        derivation = Derivation(
            machine=machine,
            operation=OPERATION,
            revision=REVISIONS[OPERATION],
            inputs=inputs,
            params={"limits": read_limits(given).to_json(), "every_sensor": spec.every_sensor},
            seed=spec.seed,
        )
        job, reused = await self._stage.start(derivation, context, request.request_id)
        return pb.StartComparisonResponse(job=job, reused=reused)

    async def GetComparison(  # noqa: N802
        self, request: pb.GetComparisonRequest, context: Context
    ) -> pb.GetComparisonResponse:
        manifest = await asyncio.to_thread(self._stage.catalog.get, request.name)
        if manifest.operation != OPERATION:
            raise SensorForgeError(
                "COMPARISON_NOT_A_REPORT", f"{request.name} was made by {manifest.operation}, not by a comparison."
            )
        text = (await asyncio.to_thread(self._stage.catalog.read, request.name, REPORT_FILE)).decode()
        document = json.loads(text)
        return pb.GetComparisonResponse(
            recommendation=_ADVICE[document["recommendation"]],
            verdict=document["verdict"],
            gates=[gate_to_proto(gate) for gate in document["gates"]],
            comparison_json=text,
        )

    async def SummarizeMachines(  # noqa: N802
        self, request: pb.SummarizeMachinesRequest, context: Context
    ) -> pb.SummarizeMachinesResponse:
        documents, truncated = await asyncio.to_thread(self._newest, list(request.machines))
        return pb.SummarizeMachinesResponse(
            csv=all_machines_summary(documents), machines=len(documents), truncated=truncated
        )

    def _newest(self, machines: list[str]) -> tuple[list[dict[str, Any]], bool]:
        """Returns the newest comparison of each of the machines (all, where none is named), and whether more exist."""
        wanted = [self._machines.get(machine).profile.machine_id for machine in dict.fromkeys(machines)]
        token = ""
        while not machines:
            page, token = self._machines.list(_PAGE, token)
            wanted += [machine.profile.machine_id for machine in page]
            if not token or len(wanted) > MOST_MACHINES:
                break
        documents = []
        for machine in wanted[:MOST_MACHINES]:
            newest, _ = self._stage.catalog.list(machine, "reports", 1, operation=OPERATION)
            documents += [self._stage.catalog.read_json(manifest.name, REPORT_FILE) for manifest in newest]
        return documents, len(wanted) > MOST_MACHINES


def gate_to_proto(gate: Mapping[str, Any]) -> pb.Gate:
    """Returns the message of a gate in comparison.json; values that are null stay unset."""
    return pb.Gate(
        name=gate["name"],
        seed=gate["seed"],
        refined=gate["refined"],
        control=gate["control"],
        limit=gate["limit"],
        direction=gate["direction"],
        outcome=_OUTCOMES[gate["outcome"]],
        explanation=gate["explanation"],
        title=gate.get("title", ""),
        decided_on=gate.get("decided_on"),
        low=gate.get("low"),
        high=gate.get("high"),
        unit="%" if gate["name"] == "improvement" else "",
    )
