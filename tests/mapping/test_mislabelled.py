"""Mislabelled data: values that contradict the declared unit, the limits or the name they come under are spoken of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from services.machines.profile import MachineProfile, Sensor
from services.mapping.apply import apply_mapping
from services.mapping.columns import ColumnInfo
from services.mapping.plan import ColumnRule, MappingPlan
from services.mapping.suggest import suggest

ROWS = 400
NOISE = np.random.default_rng(7).normal(size=ROWS)


def codes(table: pl.DataFrame, sensors: tuple[Sensor, ...], *rules: ColumnRule, **profile: object) -> set[str]:
    """Returns the codes of the findings of a mapping, without those that only inform."""
    machine = MachineProfile("m1", sensors, **profile)  # type: ignore[arg-type]
    mapped = apply_mapping(table, {}, machine, MappingPlan(rules))
    return {finding.code for finding in mapped.findings if finding.severity != "info"}


def measured(values: np.ndarray, sensor: Sensor, source_unit: str = "") -> set[str]:
    table = pl.DataFrame({"x": values, "source_row": np.arange(1, len(values) + 1)})
    return codes(table, (sensor,), ColumnRule("x", "sensor", sensor.name, source_unit))


@pytest.mark.parametrize(
    ("what", "values", "sensor", "unit", "code"),
    [
        (
            "kelvin under °C",
            350 + NOISE,
            Sensor("bearing_temp_C", "°C", min=0, max=110),
            "",
            "VALUES_CONTRADICT_SENSOR",
        ),
        ("kelvin outdoors, no limits", 290 + NOISE, Sensor("ambient_temp_C", "°C"), "", "VALUES_IMPLAUSIBLE"),
        ("bar under mbar", 1.01 + NOISE / 1e3, Sensor("p", "mbar", min=800, max=1100), "", "VALUES_CONTRADICT_SENSOR"),
        ("bus voltage under current", 600 + NOISE, Sensor("i", "A", min=0, max=50), "", "VALUES_CONTRADICT_SENSOR"),
        ("milliamperes under A", 11000 + 9 * NOISE, Sensor("i", "A", min=0, max=50), "", "VALUES_CONTRADICT_SENSOR"),
        ("watts under kW", 5500 + 9 * NOISE, Sensor("power_kW", "kW", min=0, max=15), "kW", "VALUES_CONTRADICT_SENSOR"),
        (
            "turns a second under rpm",
            24.6 + NOISE / 10,
            Sensor("speed_rpm", "rpm", min=0, typical=1480, max=1600),
            "",
            "VALUES_ANOTHER_SCALE",
        ),
        ("shares under %", 0.5 + NOISE / 20, Sensor("valve_pct", "%", min=0, max=100), "", "VALUES_ANOTHER_SCALE"),
        ("power factor in percent", 87 + NOISE, Sensor("power_factor"), "", "VALUES_IMPLAUSIBLE"),
        ("humidity above saturation", 450 + NOISE, Sensor("humidity", "%RH"), "", "VALUES_IMPOSSIBLE"),
        ("pH of a flow", 38 + NOISE, Sensor("inflow_ph"), "", "VALUES_IMPLAUSIBLE"),
        ("below absolute zero", -300 + NOISE, Sensor("t", "°C"), "", "VALUES_IMPOSSIBLE"),
        ("degrees of wind in gons", 390 + NOISE, Sensor("wind_direction_deg", "°"), "", "VALUES_IMPLAUSIBLE"),
    ],
)
def test_values_that_contradict_unit_limits_or_quantity_are_flagged(
    what: str, values: np.ndarray, sensor: Sensor, unit: str, code: str
) -> None:
    assert code in measured(values, sensor, unit), what


@pytest.mark.parametrize(
    ("values", "sensor"),
    [
        (18 + 9 * NOISE, Sensor("ambient_temp_C", "°C")),
        (0.86 + NOISE / 50, Sensor("power_factor", min=0, max=1)),
        (45 + 9 * NOISE, Sensor("valve_pct", "%", min=0, max=100)),
        (1470 + 9 * NOISE, Sensor("speed_rpm", "rpm", min=0, typical=1480, max=1600)),
        (500 + 40 * NOISE, Sensor("speed_rpm", "rpm", min=0, typical=1480, max=1600)),
        (7.2 + NOISE / 10, Sensor("inflow_ph")),
    ],
)
def test_values_in_order_are_not_flagged(values: np.ndarray, sensor: Sensor) -> None:
    assert not measured(values, sensor)


def test_a_name_against_its_declared_unit_is_a_question() -> None:
    profile = MachineProfile("m1", (Sensor("bearing_temp_C", "°C"), Sensor("speed_rpm", "rpm")))
    (found,) = suggest([ColumnInfo("Lagerdruck", "°C")], profile).suggestions
    assert found.tier != "auto"
    assert "does not measure" in " ".join(found.reasons)


def life(rul: np.ndarray, runs: int = 4, **more: np.ndarray) -> pl.DataFrame:
    """Returns runs of equal length, one row a minute."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "t": [start + timedelta(minutes=i) for i in range(len(rul))],
            "unit": np.repeat([f"u{i}" for i in range(runs)], len(rul) // runs),
            "RUL": rul.astype(float),
            "T": 60 + np.resize(NOISE, len(rul)),
            **more,
            "source_row": np.arange(1, len(rul) + 1),
        }
    )


def life_codes(table: pl.DataFrame, rul: str = "RUL", **profile: object) -> set[str]:
    rules = [ColumnRule("t", "timestamp"), ColumnRule("unit", "run"), ColumnRule(rul, "rul")]
    other = "T" if rul == "RUL" else "RUL"
    rules.append(ColumnRule(other, "sensor", "temp"))
    return {code for code in codes(table, (Sensor("temp", "°C"),), *rules, **profile) if code.startswith("RUL")}


FALLING = np.tile(np.arange(99, -1, -1), 4)


@pytest.mark.parametrize(
    ("what", "rul", "profile", "code"),
    [
        ("a counter that rises", np.tile(np.arange(100), 4), {}, "RUL_NOT_FALLING"),
        ("one value", np.full(400, 7), {}, "RUL_CONSTANT"),
        ("below zero", FALLING - 20, {}, "RUL_NEGATIVE"),
        ("to the end of the file", np.arange(399, -1, -1), {}, "RUL_OVER_THE_FILE"),
        ("hours read as minutes", FALLING / 60, {"rul_unit": "min"}, "RUL_ANOTHER_UNIT"),
        ("rows read as hours", FALLING, {"rul_unit": "h"}, "RUL_ANOTHER_UNIT"),
        ("a share of the life", FALLING / 100, {"rul_max": 200.0}, "RUL_IS_A_SHARE"),
        ("a repair in the middle", np.tile(np.r_[np.arange(50, 0, -1), np.arange(50, 0, -1)], 4), {}, "RUL_JUMPS_UP"),
        ("longer than any life", FALLING + 5000, {"rul_max": 150.0}, "RUL_ABOVE_LIFE"),
        ("noise", 50 + np.resize(NOISE, 400), {}, "RUL_NOT_FALLING"),
    ],
)
def test_a_life_that_is_none_is_flagged(what: str, rul: np.ndarray, profile: dict[str, object], code: str) -> None:
    assert code in life_codes(life(rul), **profile), what


def test_headers_of_life_and_sensor_that_are_swapped_are_named() -> None:
    table = life(FALLING)
    rules = [ColumnRule("t", "timestamp"), ColumnRule("unit", "run"), ColumnRule("T", "rul")]
    plan = MappingPlan((*rules, ColumnRule("RUL", "sensor", "temp")))
    found = apply_mapping(table, {}, MachineProfile("m1", (Sensor("temp", "°C"),)), plan).findings
    assert any(finding.code == "RUL_NOT_FALLING" and "'temp'" in finding.message for finding in found)


@pytest.mark.parametrize(
    ("rul", "profile"),
    [
        (FALLING, {"rul_unit": "min", "rul_max": 120.0}),
        (np.minimum(FALLING, 60), {"rul_unit": "min"}),  # capped
        (FALLING + np.repeat([0, 30, 10, 20], 100), {}),  # censored runs that end above zero
    ],
)
def test_a_life_in_order_is_not_flagged(rul: np.ndarray, profile: dict[str, object]) -> None:
    assert not life_codes(life(rul), **profile)
