"""Drafted profiles parse, cover the sensors, and mark what was guessed."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from services.machines.draft import ColumnFacts, draft_profile, facts_of, sampling_period_of
from services.machines.interleaved import interleaved_by
from services.machines.profile import parse_profile


def table() -> pl.DataFrame:
    start = datetime(2024, 1, 1)
    return pl.DataFrame(
        {
            "index": list(range(60)),
            "timestamp": [start + timedelta(minutes=i) for i in range(60)],
            "bearing_de_temp_C": [60 + i / 10 for i in range(60)],
            "current_a": [float(i % 7) for i in range(60)],
            "Pump Pressure": [1.5 + (i % 5) for i in range(60)],
            "mode": ["idle", "run"] * 30,
            "note": [f"operator {i}" for i in range(60)],
            "RUL": [float(60 - i * 1.5) for i in range(60)],
        }
    )


def test_a_draft_covers_the_sensors_and_leaves_out_time_index_and_text() -> None:
    profile, _ = parse_profile(draft_profile(facts_of(table(), {"Pump Pressure": "bar"}), "pump-7", 60), "draft.yaml")
    assert [s.name for s in profile.sensors] == ["bearing_de_temp_C", "current_a", "Pump Pressure", "mode"]
    assert profile.sensor("bearing_de_temp_C").unit == "°C"
    assert profile.sensor("current_a").unit == "A"
    assert profile.sensor("Pump Pressure").unit == "bar"
    assert profile.sensor("mode").states == ("idle", "run")
    assert profile.rul_max is not None
    assert profile.sampling_period_s == 60


def test_proposed_limits_contain_the_data_and_say_that_they_are_proposed() -> None:
    text = draft_profile(facts_of(table()))
    profile, _ = parse_profile(text, "draft.yaml")
    sensor = profile.sensor("bearing_de_temp_C")
    assert sensor.min is not None
    assert sensor.max is not None
    assert sensor.min < 60
    assert sensor.max > 65.9
    assert all("proposed" in line for line in text.splitlines() if line.strip().startswith(("min:", "max:")))


def test_a_positive_sensor_is_not_given_a_negative_limit() -> None:
    profile, _ = parse_profile(draft_profile(facts_of(table())), "draft.yaml")
    assert profile.sensor("current_a").min == 0


@given(
    st.lists(
        st.builds(
            ColumnFacts,
            name=st.text(max_size=30),
            kind=st.just("number"),
            low=st.floats(-1e12, 1e12),
            median=st.none(),
            high=st.floats(-1e12, 1e12),
        ),
        max_size=4,
    )
)
def test_a_draft_of_any_columns_is_readable_yaml(columns: list[ColumnFacts]) -> None:
    import yaml

    named = [ColumnFacts(f"c{i}_{c.name}", "number", "", c.low, c.low, c.high) for i, c in enumerate(columns)]
    assert yaml.safe_load(draft_profile(named))["machine_id"] == "my-machine"


def test_switches_written_with_a_decimal_point_are_states_and_other_fractions_are_not() -> None:
    rows = pl.DataFrame({"COMP": [0.0, 1.0] * 30, "load": [0.0, 0.5] * 30, "stuck": [1.0] * 60})
    states = {facts.name: facts.states for facts in facts_of(rows)}
    assert states == {"COMP": ("0", "1"), "load": (), "stuck": ()}


def test_the_sampling_period_is_the_median_step_of_the_time_column() -> None:
    assert sampling_period_of(table()) == 60
    assert sampling_period_of(table().drop("timestamp")) is None
    assert sampling_period_of(table().head(1)) is None
    assert sampling_period_of(table().with_columns(pl.col("timestamp").dt.truncate("20m"))) is None


def test_the_number_of_a_run_and_the_count_within_it_are_no_sensors_whatever_their_names() -> None:
    rows = pl.DataFrame(
        {
            "column_1": [run for run in (1, 2, 3) for _ in range(30)],
            "column_2": [cycle for _ in range(3) for cycle in range(1, 31)],
            "column_3": [0.5 + row % 7 for row in range(90)],
        }
    )
    document = draft_profile(facts_of(rows))
    assert [sensor.name for sensor in parse_profile(document, "draft.yaml")[0].sensors] == ["column_3"]
    assert "--run-column column_1" in document


def test_the_column_that_tells_two_machines_of_one_log_apart_is_no_state() -> None:
    start = datetime(2025, 1, 1)
    times = [start + timedelta(minutes=row // 2) for row in range(400)]
    rows = pl.DataFrame({"time": times, "pump": ["A", "B"] * 200, "mode": ["on", "off", "on", "on"] * 100, "flow": 1.5})
    assert interleaved_by(rows, "time") == "pump"
    assert "--run-column pump" in draft_profile(facts_of(rows))
    alone = rows.with_columns(time=pl.Series([start + timedelta(minutes=row) for row in range(400)]))
    assert interleaved_by(alone, "time") == ""
    assert "name: pump" in draft_profile(facts_of(alone))


def test_a_saw_tooth_that_restarts_every_few_rows_stays_a_sensor() -> None:
    rows = pl.DataFrame({"step": [row % 4 for row in range(100)], "batch": [row // 4 for row in range(100)]})
    assert not any(facts.numbers_runs for facts in facts_of(rows))


def test_failure_flags_are_labels_and_switches_are_states() -> None:
    rows = 400
    rare = [1 if i in (100, 300) else 0 for i in range(rows)]
    table = pl.DataFrame(
        {
            "Machine failure": [i % 2 for i in range(rows)],
            "TWF": rare,
            "E17": rare,
            "Valve open": rare,
            "Pump running": [i % 3 == 0 for i in range(rows)],
            "isAnomaly": [i % 5 == 0 for i in range(rows)],
            "Torque [Nm]": [40.0 + i % 7 for i in range(rows)],
        }
    )
    text = draft_profile(facts_of(table))
    profile, _ = parse_profile(text, "draft.yaml")
    assert {s.name: s.role for s in profile.sensors} == {
        "Valve open": "state",
        "Pump running": "state",
        "Torque [Nm]": "measurement",
    }
    for name in ("Machine failure", "TWF", "E17", "isAnomaly"):
        assert any(name in line and "flags failures" in line for line in text.splitlines())
