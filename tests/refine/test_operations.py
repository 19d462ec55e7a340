"""The stage's jobs, run in this process: what they write, and that a killed one ends as if nothing had happened."""

from __future__ import annotations

import io

import polars as pl
import pytest

from services.artifacts.derivation import Derivation
from services.chassis.errors import SensorForgeError
from services.jobs.operation import JobCancelled, Operation
from services.jobs.testing import Recording, run_operation
from services.refine.operations import OPERATIONS
from services.refine.options import TrainingOptions
from services.refine.revisions import REVISIONS
from tests.refine.conftest import MACHINE, Shelf, pump

BY_NAME: dict[str, Operation] = {operation.name: operation for operation in OPERATIONS}
QUICK = TrainingOptions(epochs=12, batch_size=64)


def run(shelf: Shelf, name: str, inputs: dict[str, str], params: dict[str, object], recording: Recording | None = None):
    derivation = Derivation(MACHINE, name, REVISIONS[name], inputs, params, 7)
    return run_operation(BY_NAME[name], derivation, shelf.catalog, recording)


@pytest.fixture
def seed_model(shelf: Shelf, profile_artifact: str) -> str:
    rows = shelf.put("seeds", {"seed.parquet": pump(1200)})
    made = run(shelf, "refine.train", {"rows": rows, "profile": profile_artifact}, {"options": QUICK.to_json()})
    return made["model"].name


@pytest.fixture
def merged(shelf: Shelf) -> str:
    real = pump(600, 1, real=True).with_columns(provenance=pl.lit("real"))
    return shelf.put("merged", {"train.parquet": real[:500], "val.parquet": real[500:]})


def refine(shelf: Shelf, base: str, merged: str, profile: str, recording: Recording | None = None):
    inputs = {"rows": merged, "profile": profile, "base": base}
    return run(shelf, "refine.refine", inputs, {"options": QUICK.to_json()}, recording)


def test_refinement_reports_three_curves_and_why_the_winner_won(
    shelf: Shelf, seed_model: str, merged: str, profile_artifact: str
) -> None:
    recording = Recording()
    model = refine(shelf, seed_model, merged, profile_artifact, recording)["model"]
    assert {file.name for file in model.files} == {"model.json", "weights.safetensors", "training.json"}
    report = shelf.catalog.read_json(model.name, "training.json")
    assert len(report["curves"]["original"]) == len(report["curves"]["refined"]) == 12
    assert {candidate["name"] for candidate in report["candidates"]} == {"control", "refined", "scratch"}
    assert report["chosen"] in report["why"]
    assert report["refinement_improvement"]["percent"] > 30
    series = {event.body["series"] for event in recording.events if event.kind == "epoch"}
    assert series == {"refined", "scratch"}
    measured = [event.body for event in recording.events if "quality_improvement" in event.body]
    assert [body["epoch"] for body in measured] == [1, 10, 1, 10]
    assert measured[1]["quality_improvement"] > 30


def test_a_refinement_killed_in_training_ends_with_the_same_weights(
    shelf: Shelf, seed_model: str, merged: str, profile_artifact: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = Recording(checkpoints_due=True)
    expected = refine(shelf, seed_model, merged, profile_artifact, whole)["model"].file("weights.safetensors").sha256
    for stopped_after in (3, 12, 17):  # in the first candidate, between the two, in the second
        resumed = Recording(checkpoints=[whole.checkpoints[stopped_after - 1]])
        again = refine(shelf, seed_model, merged, profile_artifact, resumed)["model"]
        epochs = [event for event in resumed.events if event.kind == "epoch"]
        assert len(epochs) == len(whole.checkpoints) - stopped_after
        assert again.file("weights.safetensors").sha256 == expected


def test_cancel_keep_publishes_the_best_so_far(
    shelf: Shelf, seed_model: str, merged: str, profile_artifact: str
) -> None:
    recording = Recording(cancel="keep")
    model = refine(shelf, seed_model, merged, profile_artifact, recording)["model"]
    report = shelf.catalog.read_json(model.name, "training.json")
    assert len(report["curves"]["refined"]) == 1
    assert report["curves"]["scratch"] == []


def test_cancel_discard_publishes_nothing(shelf: Shelf, seed_model: str, merged: str, profile_artifact: str) -> None:
    with pytest.raises(JobCancelled):
        refine(shelf, seed_model, merged, profile_artifact, Recording(cancel="discard"))


def test_sampled_rows_have_the_sensors_units_and_limits(shelf: Shelf, seed_model: str) -> None:
    made = run(shelf, "refine.sample", {"model": seed_model}, {"rows": 3000})["rows"]
    table = pl.read_parquet(io.BytesIO(shelf.catalog.read(made.name, "synthetic.parquet")))
    assert table.columns == ["speed_rpm", "flow_m3h", "power_kw", "vibration_mm_s", "rul"]
    assert table.height == 3000
    assert table["rul"].min() >= 0
    assert table["rul"].max() <= 1200
    units = {column.name: column.unit for column in made.file("synthetic.parquet").columns}
    assert units["speed_rpm"] == "rpm"
    assert units["rul"] == "h"


def test_sampling_the_same_seed_gives_the_same_rows(shelf: Shelf, seed_model: str) -> None:
    first, second = (
        run(shelf, "refine.sample", {"model": seed_model}, {"rows": 100})["rows"].file("synthetic.parquet").sha256
        for _ in range(2)
    )
    assert first == second


def test_model_files_hold_no_pickle(shelf: Shelf, seed_model: str) -> None:
    weights = shelf.catalog.read(seed_model, "weights.safetensors")
    length = int.from_bytes(weights[:8], "little")
    assert weights[8:9] == b"{"
    assert length < len(weights)
    for marker in (b"\x80\x02", b"\x80\x04", b"PK\x03\x04"):
        assert not weights.startswith(marker)


def test_99_rows_are_refused_with_their_number(shelf: Shelf, profile_artifact: str) -> None:
    rows = shelf.put("merged", {"train.parquet": pump(99, real=True).with_columns(provenance=pl.lit("real"))})
    with pytest.raises(SensorForgeError, match="99 real rows") as raised:
        run(shelf, "refine.refine", {"rows": rows, "profile": profile_artifact}, {"options": QUICK.to_json()})
    assert raised.value.reason == "TRAINING_ROWS_TOO_FEW"


def test_seed_rows_may_be_the_plants_own(shelf: Shelf, profile_artifact: str) -> None:
    own = shelf.put("processed", {"table.parquet": pump(300).with_columns(source_row=pl.int_range(300))})
    made = run(shelf, "refine.seed", {"profile": profile_artifact, "source": own}, {"rows": 200})["rows"]
    table = shelf.catalog.read_table(made.name, "seed.parquet")
    assert table.columns == ["run_id", "speed_rpm", "flow_m3h", "power_kw", "vibration_mm_s", "rul"]
    assert table.height == 200
