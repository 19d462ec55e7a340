"""CompareService: what a request becomes, and what a report becomes."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from sensorforge.common.v1 import job_pb2
from sensorforge.compare.v1 import compare_service_pb2 as pb
from services.artifacts.catalog import Catalog
from services.artifacts.derivation import Derivation
from services.chassis.errors import SensorForgeError
from services.compare.document import gate_json
from services.compare.gates import Gate
from services.compare.limits import Limits
from services.compare.servicer import CompareServicer, gate_to_proto
from services.jobs.operation import JobContext, Operation
from services.jobs.testing import run_operation
from services.machines.registry import Machines
from tests.compare.conftest import PROFILE


class Started:
    """A stage context that keeps what was started instead of starting it."""

    def __init__(self, catalog: Catalog) -> None:
        self.store, self.catalog = catalog.store, catalog
        self.derivation: Derivation | None = None

    async def start(self, derivation: Derivation, context: object, request_id: str) -> tuple[job_pb2.Job, bool]:
        self.derivation = derivation
        return job_pb2.Job(), False


def artifact(catalog: Catalog, name: str, kind: str, document: Any, machine: str = "m1") -> str:
    def run(ctx: JobContext) -> None:
        ctx.output("it", kind).json("comparison.json", document)

    operation = Operation(name, 1, run)
    return run_operation(operation, Derivation(machine, name, 1, {}, {}, 0), catalog)["it"].name


@pytest.fixture
def stage(catalog: Catalog) -> Started:
    return Started(catalog)


async def test_a_request_becomes_a_derivation_with_all_limits_and_the_current_profile(stage: Started) -> None:
    table, refined = (artifact(stage.catalog, f"test.{name}", "processed", {}) for name in ("table", "refined"))
    registered = Machines(stage.store, stage.catalog).register(PROFILE)
    spec = pb.ComparisonSpec(table=table, refined_synthetic=refined, seed=4, gates=pb.GateOptions(kl_divergence=0.2))
    await CompareServicer(stage).StartComparison(pb.StartComparisonRequest(machine="m1", spec=spec), None)  # type: ignore[arg-type]
    assert stage.derivation is not None
    assert stage.derivation.inputs == {"table": table, "refined": refined, "profile": registered.artifact}
    assert stage.derivation.params == {"limits": Limits(kl_divergence=0.2).to_json(), "every_sensor": False}
    assert stage.derivation.seed == 4


async def test_a_request_without_rows_is_refused(stage: Started) -> None:
    with pytest.raises(SensorForgeError) as caught:
        await CompareServicer(stage).StartComparison(  # type: ignore[arg-type]
            pb.StartComparisonRequest(machine="m1", spec=pb.ComparisonSpec(table="x")), None
        )
    assert "refined" in caught.value.message


async def test_a_report_becomes_gates_and_a_recommendation(stage: Started) -> None:
    gate = {
        "name": "kl_divergence", "seed": None, "refined": 0.0, "control": 0.01, "limit": 0.1, "direction": "<",
        "outcome": "undecided", "explanation": "because",
    }  # fmt: skip
    document = {"recommendation": "keep_original", "verdict": "Keep it.", "gates": [gate]}
    name = artifact(stage.catalog, "compare.compare", "reports", document)
    answer = await CompareServicer(stage).GetComparison(pb.GetComparisonRequest(name=name), None)  # type: ignore[arg-type]
    assert answer.recommendation == pb.RECOMMENDATION_KEEP_ORIGINAL
    assert answer.gates[0].outcome == pb.GATE_OUTCOME_UNDECIDED
    assert not answer.gates[0].HasField("seed")
    assert answer.gates[0].HasField("refined")
    assert json.loads(answer.comparison_json) == document


async def test_a_gate_is_complete_on_the_wire() -> None:
    gate = Gate("improvement", "Improvement", 30.0, ">", "pass", "Why.", 0.5, 0.1, 0.09, 80.0, 75.0, 85.0, "%")
    message = gate_to_proto(gate_json(gate))
    assert (message.title, message.decided_on, message.low, message.high) == ("Improvement", 80.0, 75.0, 85.0)
    assert (message.direction, message.unit) == (">", "%")
    bare = gate_to_proto(gate_json(Gate("dcr_share", "Nearness", 0.55, "<", "skipped", "Too few rows.")))
    assert not any(bare.HasField(name) for name in ("decided_on", "low", "high", "seed", "refined", "control"))  # type: ignore[arg-type]


async def test_every_limit_can_be_set_and_every_sensor_asked_for(stage: Started) -> None:
    table, refined = (artifact(stage.catalog, f"test.{name}", "processed", {}) for name in ("table", "refined"))
    Machines(stage.store, stage.catalog).register(PROFILE)
    wanted = {name: 0.125 * (i + 1) for i, name in enumerate(Limits().to_json())}
    assert wanted.keys() == set(pb.GateOptions.DESCRIPTOR.fields_by_name)
    spec = pb.ComparisonSpec(table=table, refined_synthetic=refined, gates=pb.GateOptions(**wanted), every_sensor=True)
    await CompareServicer(stage).StartComparison(pb.StartComparisonRequest(machine="m1", spec=spec), None)  # type: ignore[arg-type]
    assert stage.derivation is not None
    assert stage.derivation.params == {"limits": wanted, "every_sensor": True}


def comparison_of(machine: str) -> dict[str, Any]:
    metric = {"seed_vs_real": None, "refined_vs_real": 0.1, "improvement": None}
    names = ("kl_divergence", "wasserstein_distance", "correlation_error", "energy_distance", "c2st_auc", "dcr_share")
    rows = {"rows": 1, "train_rows": 2}
    return {
        "machine_id": machine, "comparison_timestamp": "2026-01-01T00:00:00Z", "recommendation": "use_refined",
        "verdict": "Use it.", "worst_sensors": [], "gates": [{"outcome": "pass"}],
        "datasets_compared": {"real_data": rows, "seed_synthetic": None, "refined_synthetic": rows},
        "statistical_metrics": dict.fromkeys(names, metric),
    }  # fmt: skip


async def test_machines_are_summed_up_by_their_newest_comparison(stage: Started) -> None:
    machines = Machines(stage.store, stage.catalog)
    for machine in ("b2", "a1", "never"):
        machines.register(replace(PROFILE, machine_id=machine))
    for machine in ("b2", "a1"):
        artifact(stage.catalog, "compare.compare", "reports", comparison_of(machine), machine)
    servicer = CompareServicer(stage)  # type: ignore[arg-type]
    answer = await servicer.SummarizeMachines(pb.SummarizeMachinesRequest(), None)  # type: ignore[arg-type]
    assert [row["machine_id"] for row in csv.DictReader(io.StringIO(answer.csv))] == ["a1", "b2"]
    assert (answer.machines, answer.truncated) == (2, False)
    one = await servicer.SummarizeMachines(pb.SummarizeMachinesRequest(machines=["b2"]), None)  # type: ignore[arg-type]
    assert [row["machine_id"] for row in csv.DictReader(io.StringIO(one.csv))] == ["b2"]


async def test_a_machine_that_is_not_known_cannot_be_summed_up(stage: Started) -> None:
    with pytest.raises(SensorForgeError) as caught:
        await CompareServicer(stage).SummarizeMachines(pb.SummarizeMachinesRequest(machines=["nobody"]), None)  # type: ignore[arg-type]
    assert caught.value.reason == "MACHINE_NOT_FOUND"


async def test_another_report_is_no_comparison(stage: Started) -> None:
    name = artifact(stage.catalog, "ingest.validate", "reports", {})
    with pytest.raises(SensorForgeError) as caught:
        await CompareServicer(stage).GetComparison(pb.GetComparisonRequest(name=name), None)  # type: ignore[arg-type]
    assert caught.value.reason == "COMPARISON_NOT_A_REPORT"


def test_the_stage_imports_nothing_heavy() -> None:
    import subprocess
    import sys

    heavy = ("scipy", "sklearn", "matplotlib", "fpdf")
    code = f"import sys, services.compare.stage; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert found.strip() == "[]"
