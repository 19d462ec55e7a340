"""A sibling is never taken for the sensor that is missing, and what a file as a whole shows is believed."""

from __future__ import annotations

import pytest

from services.machines.profile import MachineProfile, Sensor
from services.mapping.columns import ColumnInfo
from services.mapping.suggest import Suggestion, suggest
from services.mapping.type_prefixes import without_type_prefixes


def propose(columns: list[str], *sensors: str) -> dict[str, Suggestion]:
    profile = MachineProfile("m", (*(Sensor(name) for name in sensors), Sensor("cycle_count")))
    return {s.column: s for s in suggest([ColumnInfo(name) for name in columns], profile).suggestions}


@pytest.mark.parametrize(
    ("column", "sibling"),
    [
        ("Kühlwasser Eintritt Temp", "cooling_water_outlet_temp_C"),
        ("Volts A-N", "voltage_b_V"),
        ("Brg 1 Temp", "bearing_2_temp_C"),
        ("DE Vib", "nde_vibration_mm_s"),
        ("Motor Current", "input_current_A"),
        ("Reactor Temp", "condenser_temp_C"),
        ("Coolant_Temperature", "controller_temp_C"),
        ("SpeedMin", "speed_max_rpm"),
        ("Speed setpoint", "speed_rpm"),
        ("Supply air temp", "mixed_air_temp_C"),
        ("Mains_L1_Current", "generator_current_l1_A"),
        ("Spindle_Vibration", "spindle_torque_Nm"),
        ("Temperature_J4", "controller_temp_C"),
    ],
)
def test_the_sibling_of_a_missing_sensor_is_left_empty_or_asked_about(column: str, sibling: str) -> None:
    found = propose([column], sibling)[column]
    assert found.tier != "auto"
    assert not found.sensor or found.confidence < 0.65


def test_an_unknown_word_is_a_question_where_every_column_can_have_a_sensor_and_none_else() -> None:
    with_enough = propose(["Temp Xylo"], "digester_temp_C")["Temp Xylo"]
    with_too_few = propose(["Temp Xylo", "Temp Brom", "Temp Quark"], "digester_temp_C")
    assert (with_enough.sensor, with_enough.tier) == ("digester_temp_C", "review")
    assert not any(found.sensor for found in with_too_few.values())


def test_type_prefixes_are_cut_only_in_a_file_that_has_them() -> None:
    siemens = ["rT_Kuehl", "iPress", "bRun", "fbMot01.rSpeed", "rLevel"]
    assert without_type_prefixes(siemens) == ["T_Kuehl", "Press", "Run", "Mot01.Speed", "Level"]
    symbols = ["iGen", "uGen", "tOil", "pOil", "nRotor"]
    assert without_type_prefixes(symbols) == symbols


@pytest.mark.parametrize(
    ("column", "sensor"),
    [
        ("rT_Kuehl", "coolant_temp_C"),
        ("Temp_Out", "outdoor_temp_C"),
        ("Getr.-öltemp.", "gearbox_oil_temp_C"),
        ("Puiss. active", "active_power_kW"),
        ("CO2air", "air_co2_ppm"),
        ("WS10M", "wind_speed_m_s"),
        ("curburnpow", "burner_power_pct"),
        ("P_el", "electrical_power_kW"),
    ],
)
def test_field_abbreviations_are_read(column: str, sensor: str) -> None:
    others = ["bRun", "iPress", "rLevel"] if column.startswith("rT") else []
    assert propose([column, *others], sensor)[column].sensor == sensor


def test_an_end_that_all_columns_share_is_no_axis() -> None:
    columns = [f"G1-{name} ValueY" for name in ("VIBRACION COJINETE LA", "TEMPERATURA ACEITE", "POTENCIA", "CAUDAL")]
    found = propose(columns, "bearing_de_vibration_mm_s", "oil_temp_C", "power_kW", "flow_m3_h")
    assert [found[column].sensor for column in columns] == [
        "bearing_de_vibration_mm_s", "oil_temp_C", "power_kW", "flow_m3_h",
    ]  # fmt: skip


def test_a_peak_is_not_taken_for_an_rms_whose_unit_is_declared() -> None:
    sensors = (Sensor("vibration_x_rms_mm_s", "mm/s"), Sensor("vibration_x_peak_mm_s", "mm/s"))
    columns = (ColumnInfo("Vib_X peak [mm/s]"), ColumnInfo("Vib_X rms [mm/s]"))
    found = suggest(columns, MachineProfile("pump", sensors)).suggestions
    assert [suggestion.sensor for suggestion in found] == ["vibration_x_peak_mm_s", "vibration_x_rms_mm_s"]
    alone = suggest(columns[:1], MachineProfile("pump", sensors[:1])).suggestions[0]
    assert alone.tier != "auto"


def test_the_inlet_of_a_cooler_is_before_it() -> None:
    sensors = (Sensor("oil_temperature_before_cooler", "°C"), Sensor("oil_temperature_after_cooler", "°C"))
    columns = (ColumnInfo("oil_cooler_outlet_temp"), ColumnInfo("oil_cooler_inlet_temp"))
    found = suggest(columns, MachineProfile("engine", sensors)).suggestions
    assert [s.sensor for s in found] == ["oil_temperature_after_cooler", "oil_temperature_before_cooler"]


@pytest.mark.parametrize("form", ["cooling/{}_temp", "cooling_{}_temp", "cooling water {} temperature", "CW {} temp"])
def test_supply_and_return_of_cooling_water_are_not_exchanged(form: str) -> None:
    sensors = tuple(Sensor(f"cooling_water_{side}_temp", "°C") for side in ("supply", "return"))
    columns = tuple(ColumnInfo(form.format(side), "°C") for side in ("supply", "return"))
    proposed = suggest(columns, MachineProfile("m", sensors)).suggestions
    assert [s.sensor for s in proposed] == [sensor.name for sensor in sensors]


def test_supply_air_is_no_chilled_water() -> None:
    profile = MachineProfile("m", (Sensor("chilled_water_supply_temp", "°C"), Sensor("suction_pressure", "bar")))
    (proposed,) = suggest((ColumnInfo("AHU-7 Supply Air Temp", "°C"),), profile).suggestions
    assert proposed.tier == "review"
    assert "but air against chilled water" in proposed.reasons


def test_a_drives_speed_is_its_motors() -> None:
    profile = MachineProfile("m", (Sensor("motor_speed", "rpm"), Sensor("motor_temp", "°C")))
    (proposed,) = suggest((ColumnInfo("VSD actual speed", "rpm"),), profile).suggestions
    assert proposed.sensor == "motor_speed"
