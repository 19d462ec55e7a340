"""Refinement: what it keeps of the base, how candidates are chosen, and rows that do not fit."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from services.chassis.errors import SensorForgeError
from services.refine.codec import Codec
from services.refine.energy import EnergySpace, energy_distance
from services.refine.model import PROVENANCE, Model
from services.refine.training import Rows, schedule, train
from tests.refine.conftest import pump
from tests.refine.refining import HELD, REAL, refine


def test_refinement_comes_nearer_to_real_rows_than_the_base_and_the_control(base: Model) -> None:
    refinement, model, report = refine(REAL, base)
    fresh = pump(3000, 5, real=True)
    space = EnergySpace.of(refinement.codec, refinement.real)
    control = refinement.model_of(refinement.training.ready[0])
    distances = [
        energy_distance(space.place(m.sample(3000, seed=1)), space.place(fresh)) for m in (base, control, model)
    ]
    assert distances[2] < 0.3 * distances[0]
    assert distances[2] < distances[1]
    assert report["refinement_improvement"]["percent"] > 30
    json.dumps(report, allow_nan=False)


def test_refinement_beats_fine_tuning_on_the_frozen_seed_codec(flow_base: Model) -> None:
    _, model, _ = refine(REAL, flow_base)
    naive = flow_base.engine.clone()
    encoded = flow_base.codec.encode(REAL, np.random.default_rng(0))
    held = flow_base.codec.encode(HELD, np.random.default_rng(0))
    train(naive, Rows(encoded.scores), Rows(held.scores), schedule(500, epochs=20, batch_size=64, refinement=True))
    fresh = pump(3000, 5, real=True)
    space = EnergySpace.of(Codec.fit(REAL), REAL)
    frozen = flow_base.codec.decode(naive.sample(3000), np.zeros((3000, 0), np.int32))
    distances = [energy_distance(space.place(rows), space.place(fresh)) for rows in (model.sample(3000), frozen)]
    assert distances[0] < distances[1]


def test_a_column_that_is_missing_in_the_file_stays_seed_derived(flow_base: Model) -> None:
    refinement, model, report = refine(REAL.drop("rul"), flow_base, HELD.drop("rul"))
    assert model.seed_derived == ("rul",)
    assert report["columns"]["seed_derived"] == ["rul"]
    assert {c["name"] for c in report["candidates"]} == {"control", "refined"}
    sampled = model.sample(4000)
    assert sampled["rul"].null_count() == 0
    assert 400 < sampled["rul"].mean() < 600
    # The physics of the seed still ties it to the sensors: worn pumps vibrate.
    assert np.corrcoef(sampled["rul"], sampled["vibration_mm_s"])[0, 1] < -0.3
    assert any(notice.code == "SCRATCH_NOT_TRAINED" for notice in refinement.notices)


def test_seed_and_real_rows_are_told_apart_by_provenance() -> None:
    both = pl.concat(
        [
            pump(1500).with_columns(provenance=pl.lit("seed")),
            REAL.drop("rul")
            .with_columns(rul=pl.lit(None, pl.Float64), provenance=pl.lit("real"))
            .select(*pump(1).columns, "provenance"),
        ]
    )
    _, model, report = refine(both, None)
    assert report["rows"] == {"real": 500, "seed": 1500, "validation": 120}
    assert report["chosen"] == "merged"
    assert PROVENANCE in model.engine.layout.conditions
    sampled = model.sample(4000)
    assert sampled["flow_m3h"].mean() == pytest.approx(REAL["flow_m3h"].mean(), rel=0.05)
    assert model.seed_derived == ("rul",)


def test_a_base_and_seed_rows_go_together(flow_base: Model) -> None:
    both = pl.concat([pump(600).with_columns(provenance=pl.lit("seed")), REAL.with_columns(provenance=pl.lit("real"))])
    _, model, report = refine(both, flow_base, epochs=5)
    assert {c["name"] for c in report["candidates"]} == {"control", "refined", "scratch"}
    assert model.sample(2000)["flow_m3h"].mean() == pytest.approx(REAL["flow_m3h"].mean(), rel=0.06)


def test_rows_without_a_base_are_trained_from_scratch() -> None:
    _, model, report = refine(REAL, None)
    assert report["chosen"] == "scratch"
    assert report["refinement_improvement"]["percent"] is None
    assert model.origin == "scratch"


def test_every_option_of_transfer_is_accepted(base: Model) -> None:
    _, model, report = refine(REAL, base, epochs=2, freeze_encoder=True, l2_sp=0.01, replay=0.3, calibrate=True)
    refined = next(c for c in report["candidates"] if c["name"] == "refined")
    assert refined["schedule"]["replay"] == 0.3
    assert model.calibration is not None
    assert Model.from_files(*model.to_files()).sample(50).equals(model.sample(50))


def test_calibration_gives_the_training_rows_margins(base: Model) -> None:
    _, model, _ = refine(REAL, base, epochs=3, calibrate=True)
    scores, _ = model.sample_encoded(20_000, seed=9)
    np.testing.assert_allclose(np.quantile(scores, [0.1, 0.5, 0.9], axis=0)[:, 0], [-1.28, 0, 1.28], atol=0.06)


def test_too_few_validation_rows_are_taken_from_training_instead() -> None:
    refinement, _, report = refine(REAL, None, None)
    assert 40 < report["rows"]["validation"] < 120
    assert report["rows"]["real"] + report["rows"]["validation"] == 500
    assert not set(refinement.real["run_id"]) & set(refinement.validation["run_id"])


# Rows and bases that do not go together -------------------------------------------------------------------------------


def reason(rows: pl.DataFrame, base: Model | None = None, **options: object) -> str:
    with pytest.raises(SensorForgeError) as raised:
        refine(rows, base, None, **options)
    return raised.value.reason


def test_99_rows_are_too_few() -> None:
    assert reason(REAL[:99]) == "TRAINING_ROWS_TOO_FEW"


def test_a_base_of_another_machine_is_refused(flow_base: Model) -> None:
    assert reason(REAL, replace(flow_base, machine="other")) == "BASE_OF_ANOTHER_MACHINE"


def test_a_base_of_another_sensor_set_is_refused(flow_base: Model) -> None:
    assert reason(REAL.rename({name: f"x_{name}" for name in REAL.columns[1:]}), flow_base) == "BASE_SENSORS_DIFFER"


def test_a_base_of_another_engine_is_refused(flow_base: Model) -> None:
    assert reason(REAL, flow_base, engine="tvae") == "TRAINING_OPTION_INVALID"


def test_rows_without_any_varying_number_are_refused() -> None:
    constant = pl.DataFrame({"speed_rpm": [1.0] * 200, "state": ["on"] * 200})
    assert reason(constant) == "NOTHING_TO_MODEL"


def test_a_sensor_the_base_does_not_know_is_learnt_from_nothing(flow_base: Model) -> None:
    more = REAL.with_columns(head_m=pl.col("flow_m3h") * 2)
    refinement, model, _ = refine(more, flow_base, HELD.with_columns(head_m=pl.col("flow_m3h") * 2))
    assert any(notice.code == "SENSORS_NEW_TO_BASE" for notice in refinement.notices)
    sampled = model.sample(2000)
    assert np.corrcoef(sampled["head_m"], sampled["flow_m3h"])[0, 1] > 0.9


@pytest.mark.parametrize("engine", ["flow", "tvae"])
def test_constant_empty_and_one_category_columns_are_handled(engine: str) -> None:
    rows, held = (
        table.with_columns(
            fixed=pl.lit(3.5),
            dead=pl.lit(None, pl.Float64),
            mode=pl.lit("auto"),
            broken=pl.when(pl.int_range(table.height) % 5 == 0).then(float("inf")).otherwise(pl.col("speed_rpm")),
            gaps=pl.when(pl.int_range(table.height) % 4 == 0).then(float("nan")).otherwise(pl.col("power_kw")),
        )
        for table in (REAL, HELD)
    )
    _, model, report = refine(rows, None, held, engine=engine, epochs=3)
    sampled = model.sample(2000)
    assert sampled["fixed"].unique().to_list() == [3.5]
    assert sampled["dead"].null_count() == 2000
    assert sampled["mode"].unique().to_list() == ["auto"]
    assert sampled["gaps"].is_null().mean() == pytest.approx(0.25, abs=0.04)
    assert sampled["broken"].drop_nulls().is_finite().all()
    assert report["columns"]["empty"] == ["dead"]


def test_a_sensor_that_is_constant_in_the_real_rows_only_stays_constant(flow_base: Model) -> None:
    _, model, _ = refine(REAL.with_columns(speed_rpm=900.0), flow_base, HELD.with_columns(speed_rpm=900.0), epochs=3)
    assert model.sample(500)["speed_rpm"].unique().to_list() == [900.0]


def test_a_batch_larger_than_the_data_is_cut_to_it_and_that_is_said() -> None:
    _, _, report = refine(REAL, None, batch_size=100_000, epochs=2)
    assert report["candidates"][0]["schedule"]["batch_size"] == 500
    told = next(notice["message"] for notice in report["notices"] if notice["code"] == "BATCH_CUT")
    assert "100,000" in told
    assert "500 real rows" in told


def test_a_damaged_model_file_is_refused(flow_base: Model) -> None:
    document, weights = flow_base.to_files()
    for broken in (weights[:100], b"PK\x03\x04", b""):
        with pytest.raises(SensorForgeError) as raised:
            Model.from_files(document, broken)
        assert raised.value.reason == "MODEL_FILE_INVALID"
    with pytest.raises(SensorForgeError, match="format"):
        Model.from_files(document | {"format": 99}, weights)
