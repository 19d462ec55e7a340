"""The demonstration's export is untidy in known ways, always the same, and fits the profile beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clients.cli.demo_sample import HEADER, LIVES, PERIOD_S, DemoSample, write_demo_sample
from services.machines.profile import parse_profile
from services.refine.augmentation.quality import correlation_error, kl
from services.refine.seeds.generate import generate_seed_rows


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> DemoSample:
    return write_demo_sample(tmp_path_factory.mktemp("demo") / "new" / "folder")


@pytest.fixture(scope="module")
def rows(sample: DemoSample) -> pl.DataFrame:
    table = pl.read_csv(sample.files[0], null_values=["", "Bad"], schema_overrides={"Speed [rpm]": pl.Float64})
    return table.with_columns(pl.col("Time").str.to_datetime("%Y-%m-%d %H:%M:%S"))


def test_it_has_about_ten_thousand_rows_of_many_runs(rows: pl.DataFrame) -> None:
    assert tuple(rows.columns) == HEADER
    assert 9000 < rows.height < 11_000
    assert rows["Run No"].n_unique() == LIVES > 60


def test_its_sensors_change_more_within_a_run_than_from_run_to_run(rows: pl.DataFrame) -> None:
    for name in HEADER[2:-2]:
        between = rows.group_by("Run No").agg(pl.col(name).mean())[name].std()
        assert between < 0.5 * rows[name].std(), name  # type: ignore[operator]


def test_some_held_out_runs_stand_for_all(rows: pl.DataFrame) -> None:
    """What the gates need: real rows of other runs must themselves meet the limits, .1 and .05."""
    sensors = [name for name in HEADER[2:-1] if name != "Speed [rpm]"]
    runs = np.random.default_rng(0).permutation(rows["Run No"].unique(maintain_order=True).to_numpy())
    held = pl.col("Run No").is_in(runs[: round(0.15 * LIVES)].tolist())
    seen, unseen = (rows.filter(which).select(sensors).drop_nulls().to_numpy() for which in (~held, held))
    assert np.mean([kl(unseen[:, j], seen[:, j]) for j in range(len(sensors))]) < 0.03
    assert correlation_error(unseen, seen) < 0.05


def test_every_run_ends_in_its_failure_and_rul_never_rises(rows: pl.DataFrame) -> None:
    for (_,), run in rows.group_by(["Run No"], maintain_order=True):
        assert run["RUL [h]"][-1] == 0
        assert (run["RUL [h]"].diff().drop_nulls() <= 0).all()


def test_it_is_untidy(sample: DemoSample, rows: pl.DataFrame) -> None:
    steps = rows["Time"].diff().dt.total_seconds().drop_nulls()
    assert rows["Flow [m3/h]"].null_count() > 10
    assert "Bad" in sample.files[0].read_text(encoding="utf-8")
    assert steps.n_unique() > 5  # jitter
    assert (steps == 0).sum() > 0  # repeated rows
    within = rows.select(pl.col("Time").diff().over("Run No").dt.total_seconds()).to_series().drop_nulls()
    assert within.max() > 5 * PERIOD_S  # the silent shift inside a run


def test_its_values_lie_inside_the_profile_s_limits_once_converted(sample: DemoSample, rows: pl.DataFrame) -> None:
    profile, notes = parse_profile(sample.profile_path.read_text(encoding="utf-8"), sample.profile_path.name)
    assert notes == []
    pressure = rows["Disch Press [kPa]"].drop_nulls() / 100
    heat = (rows["Brg Temp DE [°F]"].drop_nulls() - 32) / 1.8
    shaking = rows["Vib DE [mm/s]"].drop_nulls().sort()[:-20]  # spikes aside
    for values, name in (
        (pressure, "discharge_pressure_bar"),
        (heat, "bearing_de_temp_C"),
        (shaking, "vibration_de_mm_s"),
    ):
        sensor = profile.sensor(name)
        assert sensor.min is not None
        assert sensor.max is not None
        assert values.is_between(sensor.min, sensor.max).all()
    assert profile.rul_max is not None
    assert rows["RUL [h]"].max() < profile.rul_max  # type: ignore[operator]


def test_its_profile_makes_seed_rows_of_another_world(sample: DemoSample, rows: pl.DataFrame) -> None:
    profile, _ = parse_profile(sample.profile_path.read_text(encoding="utf-8"), "p.yaml")
    seed = generate_seed_rows(profile, 2000)
    real, made = rows["Mtr Power [kW]"].std(), seed["motor_power_kW"].std()
    assert abs(real - made) / real > 0.2  # type: ignore[operator]


def test_it_is_the_same_file_every_time(sample: DemoSample, tmp_path: Path) -> None:
    again = write_demo_sample(tmp_path)
    assert again.files[0].read_bytes() == sample.files[0].read_bytes()


def test_it_loads_no_service() -> None:
    code = "import sys, clients.cli.demo_sample; print([m for m in sys.modules if m.split('.')[0] == 'services'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
