"""What only a list of names as a whole shows: the phases R, S and T, and a prefix glued in front of every name."""

from __future__ import annotations

import pytest

from services.machines.profile import MachineProfile, Sensor
from services.mapping.columns import ColumnInfo
from services.mapping.glued_prefixes import with_prefixes_set_off
from services.mapping.names import parse_name
from services.mapping.phase_letters import letters_as_phases, numbers_as_phases
from services.mapping.side_letters import with_sides_spelt_out
from services.mapping.suggest import Suggestion, suggest

GLUED = ["XAACTPRS", "XAACTTEMP", "XACYCTIM", "XAMLDTEMP", "XAOILPRS", "XASPDACT", "XAINJTIM", "XABCKPRS"]


def propose(columns: list[ColumnInfo], sensors: list[Sensor]) -> dict[str, Suggestion]:
    return {s.column: s for s in suggest(columns, MachineProfile("m", tuple(sensors))).suggestions}


def test_letters_of_a_series_behind_something_electrical_are_phases() -> None:
    names = [parse_name(f"corrente_{letter}") for letter in "RSTN"]
    meanings = [name.tokens[-1].readings for name in letters_as_phases(names)]
    assert meanings == [(("phase_a",),), (("phase_b",),), (("phase_c",),), (("neutral_wire",),)]


def test_a_letter_alone_or_behind_something_else_stays_what_it_was() -> None:
    alone = [parse_name("corrente_S"), parse_name("temp_T")]
    assert letters_as_phases(alone) == alone
    levels = [parse_name("nivel_R"), parse_name("nivel_S")]
    assert letters_as_phases(levels) == levels


def test_phases_by_letter_find_their_sensors() -> None:
    sensors = [Sensor(f"current_phase_{letter}", "A") for letter in "abc"]
    found = propose([ColumnInfo(f"corrente_{letter}", "A") for letter in "RST"], sensors)
    assert [s.sensor for s in found.values()] == [sensor.name for sensor in sensors]


def test_a_prefix_of_all_names_is_set_off() -> None:
    assert with_prefixes_set_off(GLUED) == [f"XA_{name[2:]}" for name in GLUED]


@pytest.mark.parametrize(
    "names",
    [
        GLUED[:7],  # too few to tell a prefix from a word
        [f"TEMP{letter}" for letter in "ABCDEFGH"],  # a word, and letters that count
        ["OILPRESSURE", "OILTEMP", "MOTORSPEED", "MOTORCURRENT", "AIRFLOW", "AIRTEMP", "WATERFLOW", "POWER"],
    ],
)
def test_what_is_no_prefix_stays(names: list[str]) -> None:
    assert with_prefixes_set_off(names) == names


@pytest.mark.parametrize("name", ["engine_running_hours", "engineRunningHours", "Engine Running Hours [h]"])
def test_hours_are_a_unit_and_part_of_what_is_measured(name: str) -> None:
    assert any("duration" in reading for token in parse_name(name).tokens for reading in token.readings)


def test_dots_between_single_words_and_a_number_are_blanks() -> None:
    dotted, joined = parse_name("cyl.1.exhaust.temp"), parse_name("cyl_1_exhaust_temp")
    assert [token.text for token in dotted.tokens] == [token.text for token in joined.tokens]


def test_a_unit_of_another_dimension_under_the_right_name_is_told() -> None:
    sensors = [Sensor("motor_temp_C", "degC"), Sensor("speed_rpm", "rpm")]
    found = propose([ColumnInfo("Motor Temp [kPa]"), ColumnInfo("Speed", "rpm")], sensors)["Motor Temp [kPa]"]
    assert not found.sensor
    assert "motor_temp_C" in found.abstain_reason
    assert "refused" in found.abstain_reason


COUNTED = ["风机压力", "入口温度", "出口温度", "冷却水流量", "电机电流", "轴承温度", "转速", "功率", "液位"]


def test_a_letter_with_a_running_number_in_front_of_all_names_is_left_out() -> None:
    numbered = [f"P{20 + i}{name}" for i, name in enumerate(COUNTED)]
    assert with_prefixes_set_off(numbered) == COUNTED


def test_a_letter_with_a_number_is_kept_where_it_tells_names_apart_or_is_no_count() -> None:
    same_words = [f"T{i} temperature" for i in range(1, 10)]
    assert with_prefixes_set_off(same_words) == same_words
    several_letters = [f"{letter}1 {name}" for letter, name in zip("PTFLSVIEN", COUNTED, strict=True)]
    assert with_prefixes_set_off(several_letters) == several_letters


def test_letters_of_sides_are_told_by_the_whole_list() -> None:
    sensors = [
        Sensor(f"{side}_{what}", unit)
        for side in ("inlet", "outlet")
        for what, unit in (("ph", ""), ("conductivity", "µS/cm"), ("suspended_solids", "mg/L"))
    ]
    names = ["PH-E", "COND-E", "SS-E", "PH-P", "PH-S", "COND-S", "SS-S"]
    found = {column: s.sensor for column, s in propose([ColumnInfo(name) for name in names], sensors).items()}
    assert found == {
        "PH-E": "inlet_ph",
        "COND-E": "inlet_conductivity",
        "SS-E": "inlet_suspended_solids",
        "PH-P": "",
        "PH-S": "outlet_ph",
        "COND-S": "outlet_conductivity",
        "SS-S": "outlet_suspended_solids",
    }


def test_a_water_works_sides_are_what_flows_in_and_out() -> None:
    names = ["PH-E", "PH-S", "COND-E", "COND-S"]
    assert with_sides_spelt_out(names, {"influent", "effluent"}) == [
        "PH influent",
        "PH effluent",
        "COND influent",
        "COND effluent",
    ]


@pytest.mark.parametrize(
    ("names", "sides"),
    [
        (["PH-E", "PH-S", "COND-S"], {"inlet", "outlet"}),  # one name alone has both letters
        (["PH-E", "PH-S", "COND-E", "COND-S"], {"inlet"}),  # the profile has one side
        (["I_R", "I_S", "I_T", "U_R", "U_S", "U_E", "I_E"], {"inlet", "outlet"}),  # phases
        (["P_A", "P_B", "P_E", "T_A", "T_B", "T_E"], {"inlet", "outlet"}),  # counted letters
    ],
)
def test_letters_that_may_be_others_stay(names: list[str], sides: set[str]) -> None:
    assert with_sides_spelt_out(names, sides) == names


@pytest.mark.parametrize(
    ("names", "sensors"),
    [
        (["Tension ligne L1-L2", "Tension ligne L2-L3", "Tension ligne L3-L1"], "line_voltage_{}_{}"),
        (["U12", "U23", "U31"], "voltage_l{}_l{}"),
        (["Uab", "Ubc", "Uca"], "u{}{}_voltage"),
    ],
)
def test_two_numbers_behind_something_electrical_are_two_phases(names: list[str], sensors: str) -> None:
    wanted = [Sensor(sensors.format(a, b), "V") for a, b in ("12", "23", "31")]
    found = propose([ColumnInfo(name, "V") for name in names], wanted)
    assert [s.sensor for s in found.values()] == [sensor.name for sensor in wanted]


def test_two_numbers_stay_numbers_alone_and_behind_other_words() -> None:
    names = [parse_name("line_voltage_1_2"), parse_name("temp_1_2"), parse_name("temp_2_3")]
    assert numbers_as_phases(names) == names


def test_what_is_desired_or_counted_is_no_measurement() -> None:
    sensors = [Sensor("engine_speed", "rpm"), Sensor("motor_current", "A")]
    found = propose([ColumnInfo("EnginesDesiredOperatingSpeed", "rpm"), ColumnInfo("Service A Counter")], sensors)
    assert [s.sensor for s in found.values()] == ["", ""]
