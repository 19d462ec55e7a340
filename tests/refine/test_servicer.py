"""RefineService without a network: what each request becomes, and what a server must not load."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from sensorforge.refine.v1 import refine_service_pb2 as pb
from services.chassis.errors import SensorForgeError
from services.jobs.engine import Jobs
from services.jobs.stage import StageContext
from services.machines.registry import Machines
from services.refine.revisions import REVISIONS
from services.refine.servicer import RefineServicer
from tests.refine.conftest import MACHINE, PROFILE, Shelf, pump

CALL: Any = None  # the servicer asks nothing of the call's context


@pytest.fixture
def servicer(shelf: Shelf) -> RefineServicer:
    Machines(shelf.catalog.store, shelf.catalog).register(PROFILE)
    store = shelf.catalog.store
    return RefineServicer(StageContext(store, shelf.catalog, Jobs(store, shelf.catalog)), REVISIONS)


@pytest.fixture
def model(shelf: Shelf) -> str:
    document = {
        "engine": "flow",
        "origin": "seed",
        "base_model": "",
        "summary": {"validation_loss": 1.25, "candidate": "seed", "epochs": 9},
    }
    return shelf.put("models", {"model.json": document, "weights.safetensors": b"w"})


@pytest.fixture
def merged(shelf: Shelf) -> str:
    return shelf.put("merged", {"train.parquet": pump(120)})


async def test_refinement_resolves_the_default_base_and_every_option(
    servicer: RefineServicer, model: str, merged: str
) -> None:
    await servicer.ActivateModel(pb.ActivateModelRequest(machine=MACHINE, model=model, request_id="a"), CALL)
    spec = pb.RefinementSpec(rows=merged, base_model="default", options=pb.TrainingOptions(epochs=5), seed=3)
    answer = await servicer.StartRefinement(pb.StartRefinementRequest(machine=MACHINE, spec=spec, request_id="b"), CALL)
    derivation = json.loads(answer.job.derivation_json)
    assert derivation["inputs"]["base"] == model
    assert derivation["inputs"]["profile"].startswith(f"machines/{MACHINE}/profiles/")
    assert derivation["params"]["options"] == {
        "engine": "",
        "epochs": 5,
        "batch_size": 0,
        "learning_rate": 0,
        "patience": 0,
        "freeze_encoder": False,
        "l2_sp": 0,
        "replay": 0,
        "calibrate": None,
    }


async def test_the_same_request_twice_is_one_job(servicer: RefineServicer, merged: str) -> None:
    request = pb.StartRefinementRequest(machine=MACHINE, spec=pb.RefinementSpec(rows=merged), request_id="b")
    first, second = await servicer.StartRefinement(request, CALL), await servicer.StartRefinement(request, CALL)
    assert first.job.name == second.job.name


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (pb.RefinementSpec(base_model="default"), "NO_DEFAULT_MODEL"),
        (pb.RefinementSpec(base_model=f"machines/other/models/{'0' * 64}"), "BASE_OF_ANOTHER_MACHINE"),
        (pb.RefinementSpec(options=pb.TrainingOptions(engine="gan")), "TRAINING_OPTION_INVALID"),
        (pb.RefinementSpec(options=pb.TrainingOptions(replay=2)), "TRAINING_OPTION_INVALID"),
        (pb.RefinementSpec(options=pb.TrainingOptions(learning_rate=float("nan"))), "TRAINING_OPTION_INVALID"),
    ],
)
async def test_bad_refinements_are_refused_before_they_are_jobs(
    servicer: RefineServicer, merged: str, spec: pb.RefinementSpec, reason: str
) -> None:
    spec.rows = merged
    with pytest.raises(SensorForgeError) as raised:
        await servicer.StartRefinement(pb.StartRefinementRequest(machine=MACHINE, spec=spec), CALL)
    assert raised.value.reason == reason


async def test_rows_of_another_machine_are_refused(servicer: RefineServicer) -> None:
    spec = pb.RefinementSpec(rows=f"machines/other/merged/{'0' * 64}")
    with pytest.raises(SensorForgeError, match="not of machine pump-1"):
        await servicer.StartRefinement(pb.StartRefinementRequest(machine=MACHINE, spec=spec), CALL)


async def test_models_are_listed_with_their_numbers_and_the_default(servicer: RefineServicer, model: str) -> None:
    await servicer.ActivateModel(
        pb.ActivateModelRequest(machine=MACHINE, model=model, reason="first model", request_id="a"), CALL
    )
    (listed,) = (await servicer.ListModels(pb.ListModelsRequest(machine=MACHINE), CALL)).models
    assert (listed.engine, listed.origin, listed.is_default, listed.validation_loss) == ("flow", "seed", True, 1.25)
    assert dict(listed.metrics) == {"validation_loss": 1.25, "epochs": 9}
    default = await servicer.GetDefaultModel(pb.GetDefaultModelRequest(machine=MACHINE), CALL)
    assert (default.current.model, default.current.version, default.current.reason) == (model, 1, "first model")


async def test_a_switch_that_saw_an_old_default_is_refused(servicer: RefineServicer, model: str) -> None:
    request = pb.ActivateModelRequest(machine=MACHINE, model=model, expected_version=0, request_id="a")
    await servicer.ActivateModel(request, CALL)
    late = pb.ActivateModelRequest(machine=MACHINE, model=model, expected_version=0, request_id="b")
    with pytest.raises(SensorForgeError) as raised:
        await servicer.ActivateModel(late, CALL)
    assert raised.value.reason == "DEFAULT_CHANGED"


async def test_rollback_returns_to_the_model_before(servicer: RefineServicer, shelf: Shelf, model: str) -> None:
    other = shelf.put("models", {"model.json": {"other": 1}, "weights.safetensors": b"v"})
    for version, name in enumerate((model, other)):
        await servicer.ActivateModel(
            pb.ActivateModelRequest(machine=MACHINE, model=name, expected_version=version, request_id=name[-4:]), CALL
        )
    answer = await servicer.RollbackModel(
        pb.RollbackModelRequest(machine=MACHINE, expected_version=2, request_id="r"), CALL
    )
    assert (answer.current.model, answer.current.version, answer.previous.model) == (model, 3, other)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (pb.AugmentationSpec(rows=10_000_001), "INVALID_REQUEST"),
        (pb.AugmentationSpec(rows=3), "AUGMENT_ROWS_INVALID"),
        (pb.AugmentationSpec(mix_real=1.5), "AUGMENT_OPTION_INVALID"),
    ],
)
async def test_augmentations_that_cannot_be_made_are_refused_before_they_are_jobs(
    servicer: RefineServicer, model: str, spec: pb.AugmentationSpec, reason: str
) -> None:
    spec.model = model
    with pytest.raises(SensorForgeError) as raised:
        await servicer.StartAugmentation(pb.StartAugmentationRequest(machine=MACHINE, spec=spec), CALL)
    assert raised.value.reason == reason


async def test_choosing_the_strategy_and_the_origin_of_rows_are_part_of_what_is_asked_for(
    servicer: RefineServicer, shelf: Shelf, merged: str
) -> None:
    spec = pb.RefinementSpec(rows=merged, choose_strategy=True)
    started = await servicer.StartRefinement(pb.StartRefinementRequest(machine=MACHINE, spec=spec), CALL)
    assert json.loads(started.job.derivation_json)["params"]["choose_strategy"] is True
    rows = shelf.put("processed", {"table.parquet": pump(120)})
    seeds = pb.SeedSpec(source=rows, imported_from="sdv TVAESynthesizer")
    made = await servicer.StartSeed(pb.StartSeedRequest(machine=MACHINE, spec=seeds), CALL)
    assert json.loads(made.job.derivation_json)["params"]["imported_from"] == "sdv TVAESynthesizer"


@pytest.mark.parametrize(
    "spec", [pb.SeedSpec(imported_from="nothing"), pb.SeedSpec(source="s", imported_from="two\nlines")]
)
async def test_an_origin_of_rows_needs_rows_and_is_one_line(servicer: RefineServicer, spec: pb.SeedSpec) -> None:
    with pytest.raises(SensorForgeError, match="imported_from"):
        await servicer.StartSeed(pb.StartSeedRequest(machine=MACHINE, spec=spec), CALL)


def test_the_server_does_not_load_torch() -> None:
    code = "import sys, services.refine.stage, services.refine.servicer; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
