"""A suggestion is one-to-one, says why, and leaves alone what it does not know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile, Sensor
from services.mapping.assignment import assign
from services.mapping.columns import ColumnInfo, describe_columns
from services.mapping.suggest import Proposal, Suggestion, suggest

MOTOR = MachineProfile(
    "motor",
    (
        Sensor("bearing_de_temp_C", "°C", min=20, max=90),
        Sensor("bearing_nde_temp_C", "°C", min=20, max=90),
        Sensor("winding_temp_C", "°C", min=20, max=155),
        Sensor("ambient_temp_K", "K", min=250, max=320),
        Sensor("rms_velocity_mm_s", "mm/s", min=0, max=12),
        Sensor("current_A", "A", min=0, max=20),
        Sensor("voltage_V", "V", min=0, max=440, aliases=("U_netz",)),
        Sensor("power_kW", "kW"),
        Sensor("speed_rpm", "rpm", min=0, max=3000),
        Sensor("running", role="state"),
    ),
)


def propose(*names: str, profile: MachineProfile = MOTOR) -> dict[str, Suggestion]:
    return {s.column: s for s in suggest([ColumnInfo(name) for name in names], profile).suggestions}


def test_abbreviations_and_other_languages_find_their_sensors() -> None:
    found = propose(
        "Temp_Bearing_DE", "BRG_TEMP_NDE", "Wicklungstemperatur", "Tamb", "Vib RMS", "Motorstrom", "P_kW", "n [1/min]"
    )
    assert {column: s.sensor for column, s in found.items()} == {
        "Temp_Bearing_DE": "bearing_de_temp_C",
        "BRG_TEMP_NDE": "bearing_nde_temp_C",
        "Wicklungstemperatur": "winding_temp_C",
        "Tamb": "ambient_temp_K",
        "Vib RMS": "rms_velocity_mm_s",
        "Motorstrom": "current_A",
        "P_kW": "power_kW",
        "n [1/min]": "speed_rpm",
    }


def test_an_alias_of_the_profile_is_certain() -> None:
    found = propose("U_NETZ")["U_NETZ"]
    assert (found.sensor, found.tier, found.confidence) == ("voltage_V", "auto", 1.0)
    assert "alias" in found.reasons[0]


def test_a_nearly_constant_column_of_the_profiles_own_name_stays_certain() -> None:
    table = pl.DataFrame({"U_NETZ": [399.0, 400.0] * 100})
    found = suggest(describe_columns(table, {}), MOTOR).suggestions[0]
    assert (found.sensor, found.tier) == ("voltage_V", "auto")


def test_values_outside_the_limits_contradict_even_the_profiles_own_name() -> None:
    table = pl.DataFrame({"U_NETZ": [9_000.0 + i for i in range(200)]})
    found = suggest(describe_columns(table, {}), MOTOR).suggestions[0]
    assert found.tier != "auto"


def test_drive_end_is_never_taken_for_the_other_end() -> None:
    found = propose("bearing_nde_temp")
    assert found["bearing_nde_temp"].sensor == "bearing_nde_temp_C"
    assert (
        propose("DE bearing temp", profile=MachineProfile("m", (Sensor("bearing_nde_temp_C", "°C"),)))[
            "DE bearing temp"
        ].tier
        != "auto"
    )


def test_a_column_that_does_not_say_which_end_is_left_to_a_person() -> None:
    found = propose("bearing temperature", profile=MachineProfile("m", (Sensor("bearing_de_temp_C", "°C"),)))
    assert found["bearing temperature"].tier == "review"


def test_names_without_meaning_are_left_alone() -> None:
    found = propose("col_1", "col_2", "XMEAS(3)", "qqq")
    assert all(not s.sensor and s.abstain_reason for s in found.values())


@settings(max_examples=30)
@given(
    st.lists(
        st.sampled_from(["Temp", "temp_1", "BearingTemp", "Current", "I", "U", "speed", "n", "Vib", "P", "x"]),
        unique=True,
    )
)
def test_no_sensor_is_given_twice(names: list[str]) -> None:
    given_out = [s.sensor for s in propose(*names).values() if s.sensor]
    assert len(given_out) == len(set(given_out))


def test_columns_with_one_name_each_get_an_answer() -> None:
    proposal = suggest([ColumnInfo("temp"), ColumnInfo("temp")], MOTOR)
    assert len(proposal.suggestions) == 2


def test_a_unit_is_planned_with_an_example() -> None:
    columns = [
        ColumnInfo("Ambient temp [°F]", quantiles=(50, 52, 55, 60, 70, 75, 80, 85, 90)),
        ColumnInfo("current (mA)"),
    ]
    ambient, current = suggest(columns, MOTOR).suggestions
    assert (ambient.source_unit, ambient.target_unit, ambient.unit_basis) == ("°F", "K", "declared")
    assert ambient.unit_example == "70 °F -> 294.26 K"
    assert (current.source_unit, current.unit_basis) == ("mA", "declared")


def test_a_unit_that_only_values_betray_is_asked_for() -> None:
    columns = [ColumnInfo("winding temperature", quantiles=(290, 295, 305, 310, 330, 390, 410, 415, 420))]
    found = suggest(columns, MOTOR).suggestions[0]
    assert (found.sensor, found.tier) == ("winding_temp_C", "review")
    assert (found.source_unit, found.unit_basis) == ("K", "inferred")


def test_acceleration_is_not_offered_as_velocity() -> None:
    assert propose("vibration rms [g]")["vibration rms [g]"].sensor == ""


def test_values_outside_the_limits_never_pass_unseen() -> None:
    columns = [ColumnInfo("current_A", quantiles=(300, 310, 320, 325, 330, 335, 340, 345, 350))]
    found = suggest(columns, MOTOR).suggestions[0]
    assert found.tier != "auto"


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("timestamp", ["2024-01-01 00:00:00", "2024-01-01 00:01:00"], "timestamp"),
        ("Datum", [1.0, 2.0], "timestamp"),
        ("unit_id", [1, 1, 2, 2], "run"),
        ("RUL", [4, 3, 2, 1], "rul"),
        ("anomaly", [0, 0, 1, 1], "label"),
        ("Unnamed: 0", [0, 1, 2, 3], "index"),
        ("status", ["on", "off", "on", "on"], "state"),
        ("Product type", ["L", "M", "H", "L"], "constant"),
        ("oil_temperature", [1.5, 2.25, 3.5, 4.0], "sensor"),
    ],
)
def test_roles_are_found_by_name_and_behaviour(name: str, values: list[object], role: str) -> None:
    profile = MachineProfile("m", (Sensor("something_else_entirely"),))
    column = describe_columns(pl.DataFrame({name: values}), {})
    assert suggest(column, profile).suggestions[0].role == role


def test_a_real_file_is_suggested(shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "sensor" / "metropt3_head.csv")
    profile = MachineProfile(
        "apu",
        (
            Sensor("compressor_oil_temp_C", "°C"),
            Sensor("motor_current_A", "A"),
            Sensor("reservoir_pressure_bar", "bar"),
        ),
    )
    proposal: Proposal = suggest(describe_columns(table, {}), profile)
    found = {s.column: (s.role, s.sensor) for s in proposal.suggestions}
    assert found["timestamp"] == ("timestamp", "")
    assert found["Unnamed: 0"] == ("index", "")
    assert found["Oil_temperature"] == ("sensor", "compressor_oil_temp_C")
    assert found["Motor_current"] == ("sensor", "motor_current_A")


def test_a_file_of_another_machine_is_called_one() -> None:
    proposal = suggest([ColumnInfo(n) for n in ("wafer_lot", "etch_depth", "ph", "turbidity", "weir height")], MOTOR)
    assert proposal.profile_fit < 0.35
    assert "does not look like motor" in proposal.warnings[0]


def test_an_empty_profile_is_refused() -> None:
    with pytest.raises(SensorForgeError) as caught:
        suggest([ColumnInfo("a")], MachineProfile("m", ()))
    assert caught.value.reason == "PROFILE_HAS_NO_COLUMNS"


def test_two_equal_candidates_are_left_to_a_person() -> None:
    scores = np.array([[0.8, 0.8], [0.8, 0.8]])
    assert [choice.sensor for choice in assign(scores)] == [None, None]


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 1000))
def test_assignment_is_one_to_one_and_above_the_threshold(columns: int, sensors: int, seed: int) -> None:
    scores = np.random.default_rng(seed).random((columns, sensors))
    choices = assign(scores)
    chosen = [choice.sensor for choice in choices if choice.sensor is not None]
    assert len(chosen) == len(set(chosen))
    assert all(scores[i, c.sensor] >= 0.45 for i, c in enumerate(choices) if c.sensor is not None)
    assert all(c.margin >= 0.05 and c.score >= 0.7 for c in choices if c.tier == "auto")


def test_a_date_and_a_time_of_day_are_proposed_as_time_together_and_two_clocks_are_not() -> None:
    split = pl.DataFrame({"Date": [f"{d:02}/03/2004" for d in range(13, 23)], "Time": ["18.00.00", "19.00.00"] * 5})
    twice = pl.DataFrame({name: [f"2004-03-{d} 18:00:00" for d in range(13, 23)] for name in ("logged", "measured")})
    roles = [[s.role for s in suggest(describe_columns(table, {}), MOTOR).suggestions] for table in (split, twice)]
    assert roles == [["timestamp", "timestamp"], ["timestamp", "auxiliary"]]


def test_a_name_that_contradicts_the_declared_unit_is_left_to_a_person() -> None:
    found = suggest([ColumnInfo("winding_temp_C", "°F")], MOTOR).suggestions[0]
    assert (found.sensor, found.tier, found.source_unit) == ("winding_temp_C", "review", "°F")
    assert any("name says C" in reason for reason in found.reasons)


def test_a_name_that_says_only_what_is_measured_is_asked_about() -> None:
    machine = MachineProfile("m", (Sensor("inlet_temp_C", "°C"), Sensor("outlet_temp_C", "°C")))
    found = propose("TT-101", profile=machine)["TT-101"]
    assert found.sensor == ""
    assert found.abstain_reason
    assert {name for name, _ in found.alternatives} == {"inlet_temp_C", "outlet_temp_C"}


def test_a_name_that_says_nothing_gets_sensors_by_its_values_to_choose_from_and_no_proposal() -> None:
    profile = MachineProfile(
        "m", (Sensor("oil_temp_C", "°C", min=20, max=90), Sensor("speed_rpm", "rpm", min=1000, max=3000))
    )
    values = tuple(float(v) for v in (1400, 1410, 1420, 1450, 1480, 1500, 1520, 1530, 1540))
    (suggestion,) = suggest([ColumnInfo("xq17", quantiles=values, dtype="number")], profile).suggestions
    assert (suggestion.sensor, suggestion.tier) == ("", "none")
    assert [name for name, _ in suggestion.alternatives] == ["speed_rpm"]
    assert "by its values alone it could be speed_rpm" in suggestion.abstain_reason
