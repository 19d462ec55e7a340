"""What makes a pair certain, a question, or nothing."""

from __future__ import annotations

import pytest

from services.machines.profile import MachineProfile, Sensor
from services.mapping.columns import ColumnInfo
from services.mapping.lexicon_files import default_lexicon
from services.mapping.suggest import Suggestion, suggest


def proposed(columns: list[str], sensors: list[str]) -> dict[str, Suggestion]:
    profile = MachineProfile("m", tuple(Sensor(name) for name in sensors))
    return {s.column: s for s in suggest([ColumnInfo(name) for name in columns], profile).suggestions}


@pytest.mark.parametrize(
    ("column", "sibling"),
    [
        ("motor_bearing_temp_de", "motor_bearing_temperature_nde"),
        ("gear_oil_temp", "hydraulic_oil_temperature"),
    ],
)
def test_the_sibling_of_a_missing_sensor_is_never_certain(column: str, sibling: str) -> None:
    found = proposed([column, "motor_current", "ambient_temp"], [sibling, "motor_current", "ambient_temperature"])
    assert found[column].tier != "auto"
    assert found["motor_current"].tier == found["ambient_temp"].tier == "auto"


def test_the_same_name_is_certain_beside_a_column_that_only_resembles_it() -> None:
    found = proposed(["active_power", "act_power_production"], ["active_power", "active_energy_produced"])
    assert (found["active_power"].sensor, found["active_power"].tier) == ("active_power", "auto")


def test_a_word_that_every_column_has_makes_none_of_them_doubtful() -> None:
    names = ["me_lub_oil_press", "me_scav_air_press", "me_fuel_oil_temp", "me_tc_rpm", "me_rpm"]
    sensors = ["lube_oil_pressure", "scavenge_air_pressure", "fuel_oil_temperature", "turbocharger_speed"]
    found = proposed(names, [*sensors, "main_engine_speed", "starting_air_pressure"])
    assert [found[name].tier for name in names[1:4]] == ["auto"] * 3


def test_an_alarm_is_not_given_to_a_measurement_for_want_of_a_better_sensor() -> None:
    assert proposed(["low_oil_pressure_alarm"], ["oil_pressure", "speed"])["low_oil_pressure_alarm"].sensor == ""


def test_a_short_form_of_several_words_means_the_one_that_the_profile_has() -> None:
    meanings = default_lexicon().shortened("compr")
    assert ("compressor",) in meanings
    assert default_lexicon().shortened("c") == ()
