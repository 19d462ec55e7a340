"""Words of a name in the company of others: articles, heights, colours of phases, letters that count, wrong letters."""

from __future__ import annotations

import numpy as np
import pytest

from services.machines.profile import MachineProfile, Sensor
from services.mapping.assignment import assign
from services.mapping.columns import ColumnInfo
from services.mapping.lexicon_files import default_lexicon
from services.mapping.names import parse_name
from services.mapping.suggest import suggest


def said(name: str) -> set[str]:
    return {concept for token in parse_name(name).tokens for concept in token.readings[0]}


def answers(names: list[str], sensors: list[str]) -> list[str]:
    profile = MachineProfile("m", tuple(Sensor(*sensor.split(":")) for sensor in sensors))
    return [s.sensor for s in suggest([ColumnInfo(name) for name in names], profile).suggestions]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Pression d'huile", {"pressure", "oil"}),
        ("Portata dell'acqua", {"flow", "water"}),
        ("Wind speed at the height of 10 meters", {"wind", "speed", "#10"}),
        ("wind_speed_80m", {"wind", "speed", "#80"}),
        ("r0026 Vdc act", {"direct_current", "voltage", "actual"}),
        ("temperatue_oil", {"temperature", "oil"}),
        ("SoCPercent", {"charge"}),
        ("Leistungsanteil", {"power", "ratio"}),
        ("flujo agua alta presión", {"flow", "water", "high", "pressure"}),
        ("Voltage Phase 2-3", {"voltage", "phase_bc"}),
        ("一区温度", {"#1", "zone", "temperature"}),
    ],
)
def test_words_are_read_in_the_company_of_others(name: str, expected: set[str]) -> None:
    assert expected <= said(name)


def test_a_wrong_letter_at_either_end_or_in_a_short_word_is_no_other_word() -> None:
    lexicon = default_lexicon()
    assert lexicon.misspelt("pressrue") == lexicon.readings["pressure"]
    assert not lexicon.misspelt("wressure")
    assert not lexicon.misspelt("flov")


def test_a_column_with_the_very_name_of_a_sensor_is_not_swapped_away() -> None:
    scores = np.array([[1.0, 0.77], [0.82, 0.57]])
    assert [choice.sensor for choice in assign(scores)] == [0, 1]


def test_of_two_sensors_the_one_without_the_further_word_is_meant() -> None:
    assert answers(["Batteriestrom"], ["total_battery_current:A", "battery_current:A"]) == ["battery_current"]


def test_b_is_the_blue_phase_where_there_is_a_yellow_one() -> None:
    sensors = ["current_l1_A:A", "current_l2_A:A", "current_l3_A:A"]
    assert answers(["IR", "IY", "IB"], sensors) == ["current_l1_A", "current_l2_A", "current_l3_A"]
    assert answers(["IA", "IB", "IC"], sensors) == ["current_l1_A", "current_l2_A", "current_l3_A"]


def test_letters_that_count_on_both_sides_are_the_same_letters() -> None:
    sensors = ["pump_pressure_a_bar:bar", "pump_pressure_b_bar:bar"]
    assert answers(["Pump Press B", "Pump Press A"], sensors) == ["pump_pressure_b_bar", "pump_pressure_a_bar"]


def test_a_mean_over_the_phases_is_none_of_them() -> None:
    assert answers(["AVG_CURRENT"], ["current_l1_A:A", "current_l2_A:A"]) == [""]
