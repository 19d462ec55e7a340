"""The physical relations that docs/physics.md promises hold in the rows, through noise and instrument error."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from services.machines.profile import MachineProfile, Sensor
from services.refine.seeds import physics
from services.refine.seeds.generate import generate_seed_rows


def rows_of(category: str, *sensors: Sensor, period: float = 60.0) -> pl.DataFrame:
    profile = MachineProfile(
        "m1", sensors, category=category, sampling_period_s=period, rul_unit="h", rul_max=700 * period / 3600
    )
    return generate_seed_rows(profile, 8000, seed=2)


def spread(ratio: NDArray[np.float64]) -> float:
    """Returns the relative spread of what should be a constant."""
    return float(np.std(ratio) / np.mean(ratio))


def column(rows: pl.DataFrame, name: str) -> NDArray[np.float64]:
    return rows[name].to_numpy().astype(np.float64)


def s(name: str, unit: str, quantity: str, low: float, typical: float, high: float, place: str = "") -> Sensor:
    return Sensor(name, unit, quantity, low, typical, high, component=place)


MOTOR = (
    s("u", "V", "voltage", 0, 400, 480),
    s("i", "A", "current", 0, 78, 160),
    s("pf", "", "power factor", 0, 0.86, 1),
    s("p", "kW", "power", 0, 46, 100),
    s("tw", "°C", "temperature", 0, 80, 200, "winding"),
    s("ta", "°C", "temperature", -40, 24, 60, "ambient"),
    s("v", "mm/s", "vibration", 0, 1.5, 20, "bearing drive end"),
)


def test_motor_power_is_voltage_times_current_times_power_factor() -> None:
    rows = rows_of("motor", *MOTOR)
    ratio = column(rows, "p") * 1000 / (column(rows, "u") * column(rows, "i") * column(rows, "pf"))
    assert spread(ratio) < 0.015
    assert np.mean(ratio) == pytest.approx(46_000 / (400 * 78 * 0.86), rel=0.02)  # the profile's own constant, about √3


def test_winding_heat_follows_the_square_of_current_with_a_lag() -> None:
    rows = rows_of("motor", *MOTOR).filter(pl.col("rul") > 0.4 * pl.col("rul").max())
    run = rows.filter(pl.col("run_id") == "seed-002")
    rise, heating = column(run, "tw") - column(run, "ta"), column(run, "i")[None, :] ** 2
    instant = np.corrcoef(rise[60:], heating[0, 60:])[0, 1]
    lagged = np.corrcoef(rise[60:], physics.first_order_lag(heating, 900.0, 60.0)[0, 60:])[0, 1]
    assert lagged > 0.95 > instant


def test_vibration_grows_towards_the_failure() -> None:
    rows = rows_of("motor", *MOTOR)
    runs = rows.group_by("run_id").agg(
        (pl.col("v").tail(10).mean() / pl.col("v").head(100).mean()).alias("growth"), pl.len()
    )
    assert runs.filter(pl.col("len") > 300)["growth"].median() > 1.5


def test_pump_power_is_flow_times_head_over_efficiency() -> None:
    rows = rows_of(
        "pump",
        s("q", "m³/h", "flow", 0, 100, 250),
        s("dp", "bar", "differential pressure", 0, 5, 12),
        s("eta", "%", "efficiency", 0, 70, 100),
        s("torque", "N·m", "torque", 0, 100, 300),
        s("n", "rpm", "speed", 0, 1480, 2200),
    )
    hydraulic = column(rows, "q") * column(rows, "dp") / column(rows, "eta")
    assert spread(column(rows, "torque") * column(rows, "n") / hydraulic) < 0.05


def test_fan_obeys_the_affinity_laws() -> None:
    rows = rows_of(
        "fan",
        s("n", "rpm", "speed", 0, 1000, 2000),
        s("dp", "Pa", "pressure", 0, 500, 2000),
        s("t", "N·m", "torque", 0, 50, 200),
    )
    n, dp = np.log(column(rows, "n")), np.log(column(rows, "dp"))
    assert np.polyfit(n, dp, 1)[0] == pytest.approx(2, abs=0.15)


def test_chiller_moves_heat_by_flow_and_difference_and_its_cop_is_cooling_over_power() -> None:
    rows = rows_of(
        "chiller",
        s("supply", "°C", "temperature", 2, 7, 16, "chilled water supply"),
        s("return", "°C", "temperature", 4, 12.5, 25, "chilled water return"),
        s("flow", "l/s", "flow", 0, 20, 40, "evaporator"),
        s("q", "kW", "capacity", 0, 400, 900),
        s("p", "kW", "power", 0, 80, 250),
        s("cop", "", "cop", 0, 5, 9),
    )
    heat = column(rows, "flow") * (column(rows, "return") - column(rows, "supply"))
    assert spread(column(rows, "q") / heat) < 0.05
    assert spread(column(rows, "cop") * column(rows, "p") / column(rows, "q")) < 0.03


def test_a_step_through_a_first_order_lag_is_63_percent_there_after_one_time_constant() -> None:
    step = np.zeros((1, 400))
    step[:, 100:] = 1.0
    response = physics.first_order_lag(step, time_constant_s=50.0, dt_s=1.0)
    assert response[0, 99] == pytest.approx(0)
    assert response[0, 149] == pytest.approx(1 - np.exp(-1), abs=0.01)


def test_wandering_noise_has_unit_variance_and_the_asked_memory() -> None:
    noise = physics.wandering(np.random.default_rng(0), (400, 300), time_constant_s=10.0, dt_s=1.0)
    assert noise.std() == pytest.approx(1, abs=0.05)
    assert np.mean(noise[:, :-10] * noise[:, 10:]) == pytest.approx(np.exp(-1), abs=0.06)
