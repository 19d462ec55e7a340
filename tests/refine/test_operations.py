"""The stage's jobs, run in this process: what they write, and that a killed one ends as if nothing had happened."""

from __future__ import annotations

import io

import polars as pl
import pytest

from services.artifacts.derivation import Derivation
from services.chassis.errors import SensorForgeError
from services.jobs.operation import JobCancelled, Operation
from services.jobs.testing import Recording, run_operation
from services.refine.candidates import SPOKEN
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
    assert SPOKEN[report["chosen"]] in report["why"].lower()
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


# Rows and bases that do not go together -------------------------------------------------------------------------------


def refused(shelf: Shelf, inputs: dict[str, str], options: TrainingOptions = QUICK) -> SensorForgeError:
    with pytest.raises(SensorForgeError) as raised:
        run(shelf, "refine.refine", inputs, {"options": options.to_json()})
    return raised.value


def real_rows(shelf: Shelf, table: pl.DataFrame) -> str:
    return shelf.put("merged", {"train.parquet": table.with_columns(provenance=pl.lit("real"))})


def test_a_base_of_another_machine_is_refused_with_both_names(
    shelf: Shelf, seed_model: str, merged: str, profile_artifact: str
) -> None:
    files = {name: shelf.catalog.read(seed_model, name) for name in ("weights.safetensors", "training.json")}
    document = shelf.catalog.read_json(seed_model, "model.json") | {"machine": "fan-9"}
    foreign = shelf.put("models", {"model.json": document, **files})
    error = refused(shelf, {"rows": merged, "profile": profile_artifact, "base": foreign})
    assert error.reason == "BASE_OF_ANOTHER_MACHINE"
    assert "fan-9" in error.message
    assert MACHINE in error.message


def test_a_base_of_another_sensor_set_is_refused_with_the_sensors(
    shelf: Shelf, seed_model: str, profile_artifact: str
) -> None:
    others = pump(300).rename({name: f"{name}_2" for name in pump(1).columns if name != "run_id"})
    error = refused(shelf, {"rows": real_rows(shelf, others), "profile": profile_artifact, "base": seed_model})
    assert error.reason == "BASE_SENSORS_DIFFER"
    assert "flow_m3h_2" in error.message


def test_a_base_with_damaged_weights_is_refused(
    shelf: Shelf, seed_model: str, merged: str, profile_artifact: str
) -> None:
    files = {name: shelf.catalog.read(seed_model, name) for name in ("model.json", "training.json")}
    broken = shelf.put("models", {**files, "weights.safetensors": b"PK\x03\x04 no weights"})
    error = refused(shelf, {"rows": merged, "profile": profile_artifact, "base": broken})
    assert error.reason == "MODEL_FILE_INVALID"


def test_rows_in_which_nothing_varies_are_refused(shelf: Shelf, profile_artifact: str) -> None:
    still = pump(200).select(pl.col("run_id"), *(pl.lit(1.5).alias(n) for n in pump(1).columns[1:-1]))
    error = refused(shelf, {"rows": real_rows(shelf, still), "profile": profile_artifact})
    assert error.reason == "NOTHING_TO_MODEL"


ODD_COLUMNS = {
    "constant": pl.lit(7.5),
    "all missing": pl.lit(None, pl.Float64),
    "one category": pl.lit("auto"),
    "NaN here and there": pl.when(pl.int_range(pl.len()) % 3 == 0).then(float("nan")).otherwise(pl.col("power_kw")),
    "infinite here and there": pl.when(pl.int_range(pl.len()) % 5 == 0)
    .then(float("inf"))
    .otherwise(pl.col("power_kw")),
    "nothing but NaN": pl.lit(float("nan")),
}


@pytest.mark.parametrize("odd", list(ODD_COLUMNS))
@pytest.mark.parametrize("engine", ["flow", "tvae"])
def test_an_odd_column_is_modelled_or_kept_as_it_is(shelf: Shelf, profile_artifact: str, odd: str, engine: str) -> None:
    rows = real_rows(shelf, pump(150, 1, real=True).with_columns(power_kw=ODD_COLUMNS[odd]))
    options = TrainingOptions(engine=engine, epochs=2, batch_size=100_000)  # a batch larger than the data, too
    made = run(shelf, "refine.refine", {"rows": rows, "profile": profile_artifact}, {"options": options.to_json()})
    model = made["model"].name
    report = shelf.catalog.read_json(model, "training.json")
    assert report["candidates"][0]["schedule"]["batch_size"] <= report["rows"]["real"]
    sampled = run(shelf, "refine.sample", {"model": model}, {"rows": 400})["rows"]
    column = shelf.catalog.read_table(sampled.name, "synthetic.parquet")["power_kw"]
    match odd:
        case "constant":
            assert column.unique().to_list() == [7.5]
        case "one category":
            assert column.unique().to_list() == ["auto"]
        case "all missing" | "nothing but NaN":
            assert column.null_count() == 400
        case _:
            assert column.drop_nulls().is_finite().all()
            assert 0.1 < column.null_count() / 400 < 0.5


# Strategy and progress ------------------------------------------------------------------------------------------------


def test_where_no_strategy_was_named_the_report_says_which_one_validation_chose(
    shelf: Shelf, seed_model: str, profile_artifact: str
) -> None:
    seeds = pump(400).with_columns(provenance=pl.lit("seed"))
    real = pump(300, 1, real=True).with_columns(provenance=pl.lit("real"))
    rows = shelf.put("merged", {"train.parquet": pl.concat([real[:220], seeds]), "val.parquet": real[220:]})
    inputs = {"rows": rows, "profile": profile_artifact, "base": seed_model}
    options = TrainingOptions(epochs=2, batch_size=64).to_json()
    made = run(shelf, "refine.refine", inputs, {"options": options, "choose_strategy": True})["model"]
    report = shelf.catalog.read_json(made.name, "training.json")
    assert {entry["name"]: entry["trained_on"] for entry in report["candidates"]} == {
        "control": None,
        "refined": "real-only",
        "merged": "merge",
        "scratch": "real-only",
    }
    assert report["strategy"]["chosen"] in ("real-only", "merge")
    assert made.name != run(shelf, "refine.refine", inputs, {"options": options})["model"].name


def test_every_epoch_tells_losses_rate_time_left_and_patience(
    shelf: Shelf, seed_model: str, merged: str, profile_artifact: str
) -> None:
    recording = Recording()
    refine(shelf, seed_model, merged, profile_artifact, recording)
    epochs = [event.body for event in recording.events if event.kind == "epoch"]
    assert len(epochs) >= 24
    for body in epochs:
        assert {
            "epoch", "epochs", "train_loss", "validation_loss", "best_validation_loss", "learning_rate", "seconds",
            "eta_seconds", "series", "patience_left",
        } <= set(body)  # fmt: skip
    for series in ("refined", "scratch"):
        told = [body for body in epochs if body["series"] == series]
        assert [body["epoch"] for body in told] == list(range(1, len(told) + 1))
        assert told[-1]["eta_seconds"] == 0
        best = [body["best_validation_loss"] for body in told]
        assert best == sorted(best, reverse=True)


def test_cancelling_while_hold_outs_are_made_keeps_the_candidate_that_is_ahead(
    shelf: Shelf, seed_model: str, merged: str, profile_artifact: str
) -> None:
    whole = Recording(checkpoints_due=True)
    refine(shelf, seed_model, merged, profile_artifact, whole)
    late = Recording(checkpoints=[whole.checkpoints[-1]], cancel="keep")  # resumed after the last epoch of the last one
    model = refine(shelf, seed_model, merged, profile_artifact, late)["model"]
    report = shelf.catalog.read_json(model.name, "training.json")
    assert report["choice"]["hold_outs"] == 0
    assert len(report["curves"]["scratch"]) == 12


def test_rows_of_a_foreign_model_say_where_they_come_from(shelf: Shelf, profile_artifact: str) -> None:
    own = shelf.put("processed", {"table.parquet": pump(300)})
    params = {"rows": 200, "imported_from": "sdv TVAESynthesizer, file tvae.pkl"}
    made = run(shelf, "refine.seed", {"profile": profile_artifact, "source": own}, params)["rows"]
    document = shelf.catalog.read_json(made.name, "seed.json")
    assert (document["origin"], document["imported_from"]) == ("imported", "sdv TVAESynthesizer, file tvae.pkl")
    assert made.params["imported_from"] == params["imported_from"]
