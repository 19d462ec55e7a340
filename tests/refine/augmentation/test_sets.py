"""Augmented sets are whole lives in time order: exact sizes, falling RUL, no shared run, inside the limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from services.chassis.errors import SensorForgeError
from services.refine.augmentation import temporal
from services.refine.augmentation.quality import nearest_verdict
from services.refine.augmentation.quality_text import quality_text
from tests.refine.augmentation.conftest import PROFILE, Augment, Augmented, lives, model_of, series


@pytest.fixture(scope="module")
def made(augment: Augment, table: pl.DataFrame) -> Augmented:
    return augment(table, {"rows": 2001})


def test_odd_totals_are_met_exactly(made: Augmented) -> None:
    assert (made.train.height, made.val.height, made.test.height) == (1401, 300, 300)


def test_columns_are_run_time_sensors_and_rul(made: Augmented) -> None:
    assert made.train.columns == ["run_id", "timestamp", "temp", "flow", "vib", "mode", "rul"]
    units = {column.name: column.unit for column in made.manifest.file("train.parquet").columns}
    assert units["temp"] == "°C"
    assert units["rul"] == "h"


def test_rul_falls_strictly_in_every_run_by_one_cadence(made: Augmented) -> None:
    for (_,), run in made.every.group_by(["run_id"]):
        falls = -np.diff(run["rul"].to_numpy())
        assert (falls > 0).all()
        assert np.allclose(falls, 1 / 60)


def test_no_run_is_in_two_sets(made: Augmented) -> None:
    names = [set(rows["run_id"].unique()) for rows in (made.train, made.val, made.test)]
    assert sum(map(len, names)) == len(set.union(*names))


def test_only_the_last_run_of_a_set_is_trimmed(made: Augmented, table: pl.DataFrame) -> None:
    longest = table.group_by("run_id").len()["len"]
    for rows in (made.train, made.val, made.test):
        counted = rows.group_by("run_id", maintain_order=True).agg(pl.len(), pl.col("rul").min())
        assert (counted["rul"] == 0).all()
        assert (counted["len"][:-1] >= longest.min() - 1).all()  # type: ignore[operator]
        assert (counted["len"] <= longest.max() + 1).all()  # type: ignore[operator]


def test_timestamps_rise_at_the_machines_cadence_after_the_last_real_row(made: Augmented, table: pl.DataFrame) -> None:
    rows = made.every
    assert rows["timestamp"].is_sorted()
    assert rows["timestamp"].n_unique() == rows.height
    assert rows["timestamp"].min() > table["timestamp"].max()  # type: ignore[operator]
    steps = rows.select(pl.col("timestamp").diff().over("run_id").dt.total_seconds()).to_series().drop_nulls()
    assert steps.unique().to_list() == [60]


def test_every_row_is_inside_the_limits_on_the_grid_and_complete(made: Augmented) -> None:
    rows = made.every
    for sensor in PROFILE.columns:
        if sensor.role != "state":
            assert rows[sensor.name].is_between(sensor.min, sensor.max).all()
    assert set(rows["mode"].unique()) <= {"idle", "run"}
    assert np.allclose(rows["temp"] * 10, np.round(rows["temp"] * 10), atol=1e-6)
    assert rows.null_count().sum_horizontal().item() == 0


def test_values_beyond_a_tighter_profile_are_put_on_its_limits_and_disclosed(
    augment: Augment, table: pl.DataFrame
) -> None:
    tight = replace(PROFILE, sensors=(replace(PROFILE.sensors[0], max=50.0), *PROFILE.sensors[1:]))
    made = augment(table, {"rows": 500}, profile=tight)
    assert made.every["temp"].max() == 50.0
    assert made.report["gates"]["limits"] == "passed"
    assert any("put on the limit" in text for text in made.report["disclosures"])


def test_the_report_says_what_was_promised_and_measured(made: Augmented) -> None:
    report = made.report
    assert {
        report["gates"][g] for g in ("limits", "rul_strictly_decreasing", "timestamps_sorted", "runs_disjoint")
    } == {"passed"}
    assert report["sets"]["train"]["rows"] == 1401
    assert report["temporal"]["autocorrelation_error"] < 0.5
    assert report["rows"]["kl_augmented"] < 1
    assert "holdout.parquet" in report["use"]
    assert report["nearest_runs"]["ratio"] > 0


def test_the_report_can_be_read_as_text(augment: Augment, table: pl.DataFrame, made: Augmented) -> None:
    text = quality_text(made.report)
    assert "train          1,401" in text
    assert "PASSED     limits" in text
    assert "holdout.parquet" in text
    assert max(map(len, text.splitlines())) <= 110
    rare = augment(table, {"rows": 800, "oversample": "mode == 'idle'", "share": 0.6})
    assert "At least 60% of each set meet: mode == 'idle'" in quality_text(rare.report)
    assert {file.name for file in rare.manifest.files} >= {"quality.json", "quality.txt", "train.parquet"}


@pytest.mark.parametrize(
    ("close_share", "runs", "verdict"),
    [(0.2, 10, "passed"), (0.3, 10, "undecided"), (0.6, 10, "failed"), (0.3, 20, "failed")],
)
def test_few_training_runs_cannot_convict_synthetic_runs_of_copying(
    close_share: float, runs: int, verdict: str
) -> None:
    assert nearest_verdict(close_share, runs) == verdict


def test_settings_are_chosen_on_validation_runs(augment: Augment) -> None:
    table = lives(24, seed=5)
    chosen = augment(table, {"rows": 300}).report["settings"]
    assert set(chosen["width_scores"]) == {"9", "20"}
    assert chosen["width"] in (9, 20)
    unseen = table.filter(pl.col("split") != "val")
    usual = augment(unseen, {"rows": 300}).report["settings"]
    assert usual == {"width": 20, "width_scores": {}, "mixing": 0, "mixing_scores": {}}


def test_the_same_seed_gives_the_same_rows(augment: Augment, table: pl.DataFrame, made: Augmented) -> None:
    assert augment(table, {"rows": 2001}).every.equals(made.every)


def test_states_keep_their_dwell_times(made: Augmented, table: pl.DataFrame) -> None:
    def changes(rows: pl.DataFrame) -> float:
        return float((rows["mode"] != rows["mode"].shift()).mean() or 0)

    assert changes(made.train) == pytest.approx(changes(table), rel=0.5)


def test_autocorrelation_is_closer_to_the_real_one_than_that_of_independent_rows(
    made: Augmented, table: pl.DataFrame
) -> None:
    sensors = ["temp", "flow", "vib"]

    def runs(rows: pl.DataFrame) -> list[np.ndarray]:
        return [part.select(sensors).to_numpy() for part in rows.partition_by("run_id", maintain_order=True)]

    real = runs(table)
    drawn = model_of(table).sample(1400, seed=1).sort("rul", descending=True)
    independent = [drawn[k::12].select(sensors).to_numpy() for k in range(12)]
    assert temporal.autocorrelation_error(real, runs(made.train)) < 0.5 * temporal.autocorrelation_error(
        real, independent
    )


def test_the_tvae_keeps_the_promises_too(augment: Augment, table: pl.DataFrame) -> None:
    made = augment(table, {"rows": 500}, kind="tvae")
    assert made.every.height == 500
    assert "failed" not in {made.report["gates"][g] for g in ("limits", "rul_strictly_decreasing", "runs_disjoint")}


def test_gaps_and_missing_values_are_survived(augment: Augment, table: pl.DataFrame) -> None:
    rng = np.random.default_rng(0)
    holes = table.with_columns(
        pl.when(pl.Series(rng.random(table.height) < 0.1)).then(None).otherwise(pl.col("flow")).alias("flow")
    ).filter(pl.Series(rng.random(table.height) > 0.03))
    made = augment(holes, {"rows": 400})
    assert made.every.null_count().sum_horizontal().item() == 0


# Series without lives -------------------------------------------------------------------------------------------------


def test_a_machine_without_lives_gets_continuous_series_without_rul(augment: Augment) -> None:
    made = augment(series(), {"rows": 3000})
    assert made.train.columns == ["run_id", "timestamp", "temp", "flow", "vib"]
    assert made.every.height == 3000
    assert not made.report["lives"]
    steps = made.every.select(pl.col("timestamp").diff().over("run_id").dt.total_seconds()).to_series().drop_nulls()
    assert steps.unique().to_list() == [600]
    assert any("continuous series" in text for text in made.report["disclosures"])


def test_one_drifting_record_is_resampled_and_says_so(augment: Augment) -> None:
    made = augment(series(900, drift=1.5), {"rows": 600})
    assert any("resampled" in text for text in made.report["disclosures"])
    codes = [event.body.get("code") for event in made.recording.events]
    assert "AUGMENT_SLOW_PATH_RESAMPLED" in codes


def test_rul_that_only_the_seed_knows_still_falls_and_is_marked(augment: Augment, table: pl.DataFrame) -> None:
    real = table.drop("rul", "vib")
    made = augment(real, {"rows": 900}, model=model_of(table))
    assert made.train.columns == ["run_id", "timestamp", "temp", "flow", "vib", "mode", "rul"]
    for (_,), run in made.every.group_by(["run_id"]):
        assert (np.diff(run["rul"].to_numpy()) < 0).all()
        assert run["rul"].min() >= 0  # type: ignore[operator]
    marked = {c.name for c in made.manifest.file("train.parquet").columns if c.metadata.get("seed_derived") == "true"}
    assert marked == {"vib", "rul"}


# Refusals -------------------------------------------------------------------------------------------------------------


def test_lives_of_a_machine_without_rul_are_refused(augment: Augment) -> None:
    with pytest.raises(SensorForgeError) as refused:
        augment(series(), {"rows": 100, "lives": True})
    assert refused.value.reason == "AUGMENT_NO_LIVES"


def test_too_short_a_record_is_refused(augment: Augment, table: pl.DataFrame) -> None:
    with pytest.raises(SensorForgeError) as refused:
        augment(table.head(60), {"rows": 100}, model=model_of(table))
    assert refused.value.reason == "AUGMENT_ROWS_TOO_FEW"


def test_without_a_table_nothing_is_invented(augment: Augment, table: pl.DataFrame) -> None:
    with pytest.raises(SensorForgeError) as refused:
        augment(table, {"rows": 100}, with_table=False)
    assert refused.value.reason == "AUGMENT_TABLE_MISSING"


def test_test_and_validation_rows_are_never_used_for_fitting(augment: Augment) -> None:
    table = lives(10, seed=4)
    spoiled = table.with_columns(pl.when(pl.col("split") == "test").then(99.0).otherwise(pl.col("temp")).alias("temp"))
    model = model_of(table)
    assert augment(table, {"rows": 300}, model=model).every.equals(augment(spoiled, {"rows": 300}, model=model).every)
