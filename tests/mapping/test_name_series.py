"""What only a list of names as a whole shows: the phases R, S and T, and a prefix glued in front of every name."""

from __future__ import annotations

import pytest

from services.machines.profile import MachineProfile, Sensor
from services.mapping.columns import ColumnInfo
from services.mapping.glued_prefixes import with_prefixes_set_off
from services.mapping.names import parse_name
from services.mapping.phase_letters import letters_as_phases
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
