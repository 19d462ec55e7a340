"""A mapping loses no row, converts by declared units only, and says what contradicts it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile, Sensor
from services.mapping.apply import Mapped, apply_mapping
from services.mapping.plan import ColumnRule, MappingPlan

COMPRESSOR = MachineProfile(
    "apu",
    (
        Sensor("oil_temp", "°F", min=60, max=230),
        Sensor("panel_pressure", "psi", min=0, max=200),
        Sensor("motor_current", "A", min=0, max=12),
        Sensor("intake_valve", role="state", states=("open", "closed")),
        Sensor("rated_power", "kW", role="nameplate"),
    ),
)


def plan(*rules: tuple[str, ...]) -> MappingPlan:
    return MappingPlan(tuple(ColumnRule(*rule) for rule in rules))  # type: ignore[arg-type]


def apply(table: pl.DataFrame, profile: MachineProfile, *rules: tuple[str, ...], **units: str) -> Mapped:
    return apply_mapping(table, units, profile, plan(*rules))


def codes(mapped: Mapped) -> set[str]:
    return {finding.code for finding in mapped.findings}


def test_a_real_file_is_mapped_row_by_row(shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "sensor" / "metropt3_head.csv")
    mapped = apply(
        table,
        COMPRESSOR,
        ("timestamp", "timestamp"),
        ("Oil_temperature", "sensor", "oil_temp", "°C"),
        ("TP3", "sensor", "panel_pressure", "bar"),
        ("Motor_current", "sensor", "motor_current"),
        ("LPS", "label"),
    )
    assert mapped.table.height == table.height
    assert mapped.table.columns == [
        "source_row", "timestamp", "segment", "oil_temp", "panel_pressure", "motor_current", "aux.LPS",
    ]  # fmt: skip
    np.testing.assert_allclose(mapped.table["oil_temp"], table["Oil_temperature"] * 1.8 + 32)
    assert mapped.units["oil_temp"] == "°F"
    assert mapped.column_metadata["oil_temp"] == {"source_column": "Oil_temperature", "source_unit": "°C"}
    assert mapped.report["unmapped_sensors"] == ["intake_valve"]
    assert mapped.report["time"]["median_step_s"] == 10.0


def test_a_file_without_time_keeps_its_order_and_a_false_unit_is_flagged(shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "sensor" / "gt_2015.csv")
    profile = MachineProfile("gt", (Sensor("compressor_discharge_pressure", "bar", min=8, max=16),))
    mapped = apply(table, profile, ("CDP", "sensor", "compressor_discharge_pressure", "mbar"))
    assert "timestamp" not in mapped.table.columns
    assert mapped.table["source_row"].to_list() == list(range(1, table.height + 1))
    found = next(finding for finding in mapped.findings if finding.code == "VALUES_CONTRADICT_SENSOR")
    assert "bar" in found.message
    assert found.column == "CDP"


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(-50, 50)), min_size=1, max_size=60))
def test_every_source_row_is_in_the_result_once(rows: list[tuple[int, float]]) -> None:
    table = pl.DataFrame({"unit": [unit for unit, _ in rows], "t": [value for _, value in rows]})
    profile = MachineProfile("m", (Sensor("temp", "°C"),))
    mapped = apply(table, profile, ("unit", "run"), ("t", "sensor", "temp"))
    assert sorted(mapped.table["source_row"]) == list(range(1, len(rows) + 1))
    back = mapped.table.sort("source_row")
    assert back["temp"].to_list() == table["t"].to_list()
    assert back["run_id"].to_list() == [str(unit) for unit, _ in rows]
    assert mapped.table["run_id"].rle_id().max() == table["unit"].n_unique() - 1


def test_declared_unit_beats_the_sensors_own_and_a_rule_beats_both() -> None:
    table = pl.DataFrame({"p": [1.0]})
    profile = MachineProfile("m", (Sensor("p", "kPa"),))
    assert apply(table, profile, ("p", "sensor", "p")).table["p"][0] == 1.0
    assert apply(table, profile, ("p", "sensor", "p"), p="bar").table["p"][0] == 100.0
    assert apply(table, profile, ("p", "sensor", "p", "MPa"), p="bar").table["p"][0] == 1000.0


def test_a_unit_in_brackets_is_declared() -> None:
    table = pl.DataFrame({"Air temperature [K]": [300.0]})
    profile = MachineProfile("m", (Sensor("air_temp", "°C"),))
    assert apply(table, profile, ("Air temperature [K]", "sensor", "air_temp")).table["air_temp"][0] == pytest.approx(
        26.85
    )


def test_a_difference_converts_without_its_zero_point() -> None:
    profile = MachineProfile("m", (Sensor("oil_temp_difference", "°F"),))
    mapped = apply(pl.DataFrame({"dT": [10.0]}), profile, ("dT", "sensor", "oil_temp_difference", "K"))
    assert mapped.table["oil_temp_difference"][0] == 18.0


def test_a_name_that_contradicts_the_declared_unit_is_flagged_and_the_declaration_believed() -> None:
    profile = MachineProfile("m", (Sensor("oil_temp", "°C"),))
    mapped = apply(
        pl.DataFrame({"oil_temp_C": [212.0]}), profile, ("oil_temp_C", "sensor", "oil_temp"), oil_temp_C="°F"
    )
    assert mapped.table["oil_temp"][0] == pytest.approx(100.0)
    assert "UNIT_CONTRADICTED" in codes(mapped)
    agreed = apply(
        pl.DataFrame({"oil_temp_C": [90.0]}), profile, ("oil_temp_C", "sensor", "oil_temp"), oil_temp_C="degC"
    )
    assert "UNIT_CONTRADICTED" not in codes(agreed)


@pytest.mark.parametrize("sensor", ["suction_superheat", "condenser_subcooling", "cooling_tower_approach"])
def test_a_superheat_is_a_difference_of_temperatures(sensor: str) -> None:
    profile = MachineProfile("m", (Sensor(sensor, "K"),))
    assert apply(pl.DataFrame({"x": [18.0]}), profile, ("x", "sensor", sensor, "°F")).table[sensor][0] == 10.0


@pytest.mark.parametrize(
    ("rules", "reason", "words"),
    [
        ([("x", "sensor", "oil_temp"), ("y", "sensor", "oil_temp")], "MAPPING_CONFLICT", "'x' and 'y'"),
        ([("nope", "sensor", "oil_temp")], "MAPPING_COLUMN_MISSING", "'nope'"),
        ([("x", "sensor", "nope")], "MAPPING_SENSOR_UNKNOWN", "'nope'"),
        ([("x", "sensor", "rated_power")], "MAPPING_SENSOR_UNKNOWN", "nameplate"),
        ([("x", "sensor")], "MAPPING_SENSOR_UNKNOWN", "names no sensor"),
        ([("x", "wizard")], "MAPPING_ROLE_UNKNOWN", "'wizard'"),
        ([("x", "auxiliary")], "MAPPING_EMPTY", "No column"),
        ([("x", "sensor", "oil_temp"), ("x", "auxiliary")], "MAPPING_CONFLICT", "twice"),
        ([("x", "rul"), ("y", "rul"), ("z", "sensor", "oil_temp")], "MAPPING_CONFLICT", "role rul"),
        ([("x", "sensor", "oil_temp", "bar")], "UNIT_INCOMPATIBLE", "'x' -> sensor 'oil_temp'"),
        ([("x", "sensor", "oil_temp", "furlong")], "UNIT_UNREADABLE", "furlong"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(rules: list[tuple[str, ...]], reason: str, words: str) -> None:
    table = pl.DataFrame({"x": [1.0], "y": [1.0], "z": [1.0]})
    with pytest.raises(SensorForgeError, match=words) as caught:
        apply(table, COMPRESSOR, *rules)
    assert caught.value.reason == reason


def test_a_profile_without_columns_is_refused() -> None:
    with pytest.raises(SensorForgeError) as caught:
        apply(pl.DataFrame({"x": [1.0]}), MachineProfile("m", ()), ("x", "auxiliary"))
    assert caught.value.reason == "PROFILE_HAS_NO_COLUMNS"


def test_a_required_sensor_without_a_column_blocks() -> None:
    profile = MachineProfile("m", (Sensor("a"), Sensor("b", required=True)))
    with pytest.raises(SensorForgeError, match="requires b") as caught:
        apply(pl.DataFrame({"x": [1.0]}), profile, ("x", "sensor", "a"))
    assert caught.value.reason == "MAPPING_REQUIRED_MISSING"


def test_text_among_numbers_is_missing_and_counted() -> None:
    profile = MachineProfile("m", (Sensor("a"),))
    mapped = apply(pl.DataFrame({"x": ["1", "Bad", " 2.5 ", None]}), profile, ("x", "sensor", "a"))
    assert mapped.table["a"].to_list() == [1.0, None, 2.5, None]
    assert "NOT_A_NUMBER" in codes(mapped)


def test_states_are_text_and_strange_ones_are_named() -> None:
    table = pl.DataFrame({"v": ["Open", "closed", "ajar"]})
    mapped = apply(table, COMPRESSOR, ("v", "state", "intake_valve"))
    assert mapped.table["intake_valve"].to_list() == ["open", "closed", "ajar"]
    assert "STATE_UNKNOWN" in codes(mapped)
    flags = apply(
        pl.DataFrame({"v": [1.0, 0.0]}), MachineProfile("m", (Sensor("s", role="state"),)), ("v", "state", "s")
    )
    assert flags.table["s"].to_list() == ["1", "0"]


def test_swapped_headers_are_flagged() -> None:
    profile = MachineProfile("m", (Sensor("t", "°C", min=20, max=120), Sensor("n", "rpm", min=1000, max=3000)))
    table = pl.DataFrame({"temp": np.linspace(1400, 1500, 50), "speed": np.linspace(60, 80, 50)})
    mapped = apply(table, profile, ("temp", "sensor", "t"), ("speed", "sensor", "n"))
    assert {"COLUMNS_LOOK_SWAPPED", "VALUES_CONTRADICT_SENSOR"} <= codes(mapped)


def test_swapped_rul_headers_are_flagged() -> None:
    life = np.tile(np.arange(49.0, -1, -1), 4)
    table = pl.DataFrame(
        {"unit": np.repeat([1, 2, 3, 4], 50), "rul": np.random.default_rng(0).normal(0, 1, 200), "s": life}
    )
    profile = MachineProfile("m", (Sensor("s"),))
    mapped = apply(table, profile, ("unit", "run"), ("rul", "rul"), ("s", "sensor", "s"))
    found = next(finding for finding in mapped.findings if finding.code == "RUL_NOT_FALLING")
    assert "swapped" in found.message
    good = apply(table, profile, ("unit", "run"), ("s", "rul"), ("rul", "sensor", "s"))
    assert "RUL_NOT_FALLING" not in codes(good)


def test_impossible_values_are_flagged() -> None:
    profile = MachineProfile("m", (Sensor("t", "K"),))
    assert "VALUES_IMPOSSIBLE" in codes(apply(pl.DataFrame({"t": [-5.0, 20.0]}), profile, ("t", "sensor", "t")))


def test_interleaved_runs_are_put_together_and_an_unknown_unit_is_reported() -> None:
    table = pl.DataFrame({"t": [0, 0, 60, 60], "unit": ["b", "a", "b", "a"], "x": [1.0, 2.0, 3.0, 4.0]})
    profile = MachineProfile("m", (Sensor("x", "bar"),))
    mapped = apply(table, profile, ("t", "timestamp"), ("unit", "run"), ("x", "sensor", "x"), x="furlong")
    assert mapped.table["run_id"].to_list() == ["b", "b", "a", "a"]
    assert mapped.table["x"].to_list() == [1.0, 3.0, 2.0, 4.0]
    assert mapped.table["segment"].to_list() == [0, 0, 1, 1]
    assert "UNIT_NOT_READ" in codes(mapped)
