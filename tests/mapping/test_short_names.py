"""Short names of plants: capitals run together, consonants, units glued on, phases, counted things, points of texts."""

from __future__ import annotations

import pytest

from services.machines.profile import MachineProfile, Sensor
from services.mapping.columns import ColumnInfo
from services.mapping.names import parse_name
from services.mapping.suggest import suggest


def concepts(name: str) -> set[str]:
    """Returns the concepts of the first reading of each word, without numbers."""
    return {c for token in parse_name(name).tokens for c in token.readings[0] if not c.startswith("#")}


def found(columns: list[str], sensors: list[Sensor]) -> dict[str, str]:
    """Returns the sensor proposed for each column, empty for none."""
    profile = MachineProfile("m1", tuple(sensors))
    return {s.column: s.sensor for s in suggest([ColumnInfo(name) for name in columns], profile).suggestions}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vibDEaxMMs", {"vibration", "de", "axial"}),
        ("PMP_THRST_BRG_VBRTN", {"pump", "thrust_side", "bearing", "vibration"}),
        ("Thrust Brg", {"thrust_side", "bearing"}),
        ("TotVArhImpPhA", {"total", "reactive", "energy", "imported", "phase_a"}),
        ("WphA", {"power", "phase_a"}),
        ("phase_voltage_bc", {"phase", "voltage", "phase_bc"}),
        ("Tensión R-S", {"voltage", "phase_ab"}),
        ("ME CYL.1 EXH.GAS OUT TEMP", {"main", "engine", "cylinder", "exhaust", "gas", "outlet", "temperature"}),
        ("Mill O/L Temp", {"mill", "outlet", "temperature"}),
        ("16-14 Motor current", {"motor", "current"}),
        ("DO_MGL", {"fuel", "oil"}),  # the first reading; dissolved oxygen where the profile has it
        ("Motoröldruck", {"motor", "oil", "pressure"}),
        ("Methangehalt", {"methane", "concentration"}),
        ("Température extérieure", {"temperature", "ambient"}),
        ("吸气温度", {"inlet", "temperature"}),
        ("引风机电流", {"induced", "fan", "current"}),
    ],
)
def test_a_short_name_says_what_it_means(name: str, expected: set[str]) -> None:
    assert concepts(name) == expected


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("vibDEaxMMs", "mm/s"),
        ("Motor Temperature (F) (Raw)", "°F"),
        ("DO_MGL", "mg/L"),
        ("Noise dB(A)", "dB"),
        ("cooling valve cmd", ""),
        ("Couch Vac", ""),
        ("CHW-F", ""),
    ],
)
def test_a_unit_is_cut_off_only_where_it_is_one(name: str, unit: str) -> None:
    parsed = parse_name(name)
    assert (parsed.unit.symbol[:2] if unit == "dB" else parsed.unit.symbol if parsed.unit else "") == unit


def test_a_code_before_a_number_is_the_thing_that_the_profile_counts() -> None:
    sensors = [Sensor(f"{thing}_{n}_{what}") for thing, what in (("tank", "level"), ("pump", "flow")) for n in (1, 2)]
    names = ["LVL_T1", "LVL_T2", "F_PU1", "F_PU2"]
    assert list(found(names, sensors).values()) == ["tank_1_level", "tank_2_level", "pump_1_flow", "pump_2_flow"]


def test_numbers_of_a_meter_are_its_phases_and_never_its_total() -> None:
    sensors = [Sensor(f"active_power_{which}", "W") for which in ("total", "l1", "l2", "l3")]
    names = ["active_power", "active_power1", "active_power2", "active_power3"]
    assert list(found(names, sensors).values()) == [sensor.name for sensor in sensors]


def test_the_current_of_a_pump_is_that_of_its_motor_where_only_that_is_known() -> None:
    assert found(["PUMP_CURRENT_AVG"], [Sensor("motor_current_A", "A"), Sensor("flow", "m³/h")]) == {
        "PUMP_CURRENT_AVG": "motor_current_A"
    }


@pytest.mark.parametrize(
    ("column", "sensor"),
    [
        ("Coolant temp", "exhaust_gas_temp_C"),
        ("Öltemperatur", "ambient_temp_C"),
        ("Presión aceite", "fuel_pressure_bar"),
        ("Gear oil temp", "nacelle_temp_C"),
    ],
)
def test_two_things_are_not_one_because_both_are_the_only_ones_measured(column: str, sensor: str) -> None:
    assert found([column], [Sensor(sensor), Sensor("speed_rpm", "rpm")]) == {column: ""}
