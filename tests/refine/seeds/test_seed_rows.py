"""Seed rows cover every sensor inside its limits, live whole lives, and are refused where they would be invented."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile, Sensor, parse_profile
from services.refine.seeds.archetypes import archetype_for
from services.refine.seeds.generate import generate_seed_rows

EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "services" / "machines" / "examples").glob("*.yaml"))


def profile_of(*sensors: Sensor, **rest: object) -> MachineProfile:
    return MachineProfile("m1", sensors, **rest)  # type: ignore[arg-type]


def violations(profile: MachineProfile, rows: pl.DataFrame) -> dict[str, int]:
    found = {}
    for sensor in profile.columns:
        if sensor.role == "state":
            bad = (~rows[sensor.name].is_in(list(sensor.states or ("idle", "running")))).sum()
        else:
            values = rows[sensor.name].to_numpy()
            low = -np.inf if sensor.min is None else sensor.min
            high = np.inf if sensor.max is None else sensor.max
            bad = int((~np.isfinite(values) | (values < low) | (values > high)).sum())
        if bad:
            found[sensor.name] = bad
    return found


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_every_example_profile_gives_rows_inside_its_limits(path: Path) -> None:
    profile, _ = parse_profile(path.read_text(encoding="utf-8"), path.name)
    rows = generate_seed_rows(profile, 3000, seed=3)
    assert rows.columns == ["run_id", "timestamp", *(s.name for s in profile.columns), "rul"]
    assert rows.height == 3000
    assert violations(profile, rows) == {}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_every_number_of_an_example_varies_around_its_typical_value(path: Path) -> None:
    profile, _ = parse_profile(path.read_text(encoding="utf-8"), path.name)
    rows = generate_seed_rows(profile, 4000, seed=1)
    for sensor in profile.columns:
        if sensor.role == "state" or sensor.typical is None or sensor.min is None or sensor.max is None:
            continue
        values = rows[sensor.name].to_numpy()
        assert values.std() > 0, sensor.name
        assert abs(np.median(values) - sensor.typical) < 0.15 * (sensor.max - sensor.min), sensor.name


def test_ten_thousand_rows_take_less_than_two_seconds() -> None:
    profile, _ = parse_profile(EXAMPLES[0].read_text(encoding="utf-8"), "p.yaml")
    started = time.process_time()
    generate_seed_rows(profile, 10_000)
    assert time.process_time() - started < 2


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    profile, _ = parse_profile(EXAMPLES[-1].read_text(encoding="utf-8"), "p.yaml")
    first = generate_seed_rows(profile, 1000, seed=5)
    assert first.equals(generate_seed_rows(profile, 1000, seed=5))
    assert not first.equals(generate_seed_rows(profile, 1000, seed=6))


@settings(deadline=None, max_examples=40)
@given(
    rows=st.integers(1, 3000),
    period=st.sampled_from([None, 0.1, 10.0, 3600.0]),
    unit=st.sampled_from(["", "h", "cycles", "min", "days"]),
    longest=st.sampled_from([None, 1.0, 125.0, 40_000.0]),
    seed=st.integers(0, 9),
)
def test_rul_falls_strictly_to_zero_in_every_run_and_agrees_with_the_clock(
    rows: int, period: float | None, unit: str, longest: float | None, seed: int
) -> None:
    sensor = Sensor("current_a", unit="A", min=0.0, typical=40.0, max=90.0)
    profile = profile_of(sensor, category="motor", sampling_period_s=period, rul_unit=unit, rul_max=longest)
    table = generate_seed_rows(profile, rows, seed)
    assert table.height == rows
    assert table["timestamp"].is_sorted()
    assert table["timestamp"].n_unique() == rows
    for (_,), run in table.group_by(["run_id"], maintain_order=True):
        rul = run["rul"].to_numpy()
        assert rul[-1] == 0
        assert (np.diff(rul) < 0).all()
        assert longest is None or rul.max() <= max(longest, (period or 60.0) * len(rul) / 60.0)
        elapsed = run["timestamp"].dt.epoch("us").to_numpy() / 1e6
        seconds = {"h": 3600.0, "min": 60.0, "days": 86400.0, "": 3600.0}.get(unit, period or 60.0)
        assert np.allclose((rul[0] - rul) * seconds, elapsed - elapsed[0], atol=0.01 + 1e-5 * seconds)


_NAMES = [
    "bearing_temp",
    "flow",
    "inlet_pressure",
    "vib_x",
    "foo",
    "speed_rpm",
    "current",
    "humidity",
    "energy_kwh",
    "P2",
]


@settings(deadline=None, max_examples=60)
@given(
    data=st.data(), category=st.sampled_from(["motor", "pump", "fan", "compressor", "cnc", "chiller", "turbine", "x"])
)
def test_no_reading_leaves_the_limits_of_any_profile(data: st.DataObject, category: str) -> None:
    sensors = []
    for number, name in enumerate(data.draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=6, unique=True))):
        low = data.draw(st.floats(-1e4, 1e4, allow_nan=False))
        high = low + data.draw(st.floats(1e-3, 1e5))
        typical = data.draw(st.none() | st.floats(0, 1).map(lambda share, a=low, b=high: a + share * (b - a)))
        typical = None if typical is None else min(max(typical, low), high)
        unit = data.draw(st.sampled_from(["", "°C", "K", "°F", "bar", "A", "%"]))
        step = data.draw(st.none() | st.sampled_from([0.01, 1.0, 50.0]))
        role = data.draw(st.sampled_from(["measurement", "measurement", "setpoint"]))
        sensors.append(Sensor(f"{name}_{number}", unit, "", low, typical, high, role=role, resolution=step))
    profile = profile_of(*sensors, category=category)
    assert violations(profile, generate_seed_rows(profile, 300, seed=1)) == {}


def test_a_profile_of_bare_names_is_refused_with_the_way_to_get_limits() -> None:
    profile, _ = parse_profile("machine_id: m1\nsensors: [{name: s1}, {name: s2}]", "p.yaml")
    with pytest.raises(SensorForgeError) as refused:
        generate_seed_rows(profile)
    assert refused.value.reason == "SEED_LIMITS_MISSING"
    assert "s1, s2" in refused.value.message
    assert "{name: s1, unit: ?, min: ?, typical: ?, max: ?}" in refused.value.message
    assert "profile init" in refused.value.remedy


def test_limits_follow_from_a_typical_value_or_from_a_quantity_that_is_the_same_everywhere() -> None:
    profile = profile_of(
        Sensor("current_a", unit="A", typical=40.0),
        Sensor("ambient_temp", unit="°F"),
        Sensor("humidity", unit="%", quantity="humidity"),
        Sensor("pressure", unit="bar", max=10.0),
    )
    rows = generate_seed_rows(profile, 2000)
    assert 30 < rows["current_a"].median() < 50
    assert 60 < rows["ambient_temp"].median() < 90
    assert rows["humidity"].is_between(0, 100).all()
    assert rows["pressure"].is_between(0, 10).all()


@pytest.mark.parametrize("rows", [0, -1, 10_000_001])
def test_an_impossible_number_of_rows_is_refused(rows: int) -> None:
    with pytest.raises(SensorForgeError, match="seed rows were asked for"):
        generate_seed_rows(profile_of(Sensor("current_a", typical=1.0)), rows)


@pytest.mark.parametrize(
    ("category", "title", "name"),
    [
        ("air compressor", "", "compressor"),
        ("AirCompressor", "", "compressor"),
        ("", "Water chiller 3", "chiller"),
        ("rotating", "Pumps, hall 2", "pump"),
        ("turbofan", "", "turbine"),
        ("", "", "generic"),
    ],
)
def test_the_archetype_is_read_from_the_profile_s_own_words(category: str, title: str, name: str) -> None:
    assert archetype_for(profile_of(Sensor("a"), category=category, title=title)).name == name


def test_faults_are_reported_only_close_to_the_failure() -> None:
    states = Sensor("mode", role="state", states=("idle", "running", "fault"))
    profile = profile_of(Sensor("current_a", typical=40.0), states, category="motor", rul_unit="cycles", rul_max=300.0)
    rows = generate_seed_rows(profile, 3000)
    assert set(rows["mode"].unique()) == {"idle", "running", "fault"}
    assert rows.filter(pl.col("mode") == "fault")["rul"].max() < 10


def test_resolution_is_kept_and_limits_off_its_grid_are_not_crossed() -> None:
    profile = profile_of(Sensor("temp", unit="°C", min=0.3, typical=40.0, max=80.1, resolution=0.5), category="motor")
    values = generate_seed_rows(profile, 500)["temp"].to_numpy()
    assert np.allclose(values % 0.5, 0)
    assert values.min() >= 0.3


def test_a_counter_only_grows_within_a_run() -> None:
    profile = profile_of(
        Sensor("operating_hours", unit="h", min=0.0, max=100_000.0), category="motor", rul_unit="h", rul_max=9000.0
    )
    rows = generate_seed_rows(profile, 2000)
    for (_,), run in rows.group_by(["run_id"]):
        assert (run["operating_hours"].diff().drop_nulls() >= 0).all()


def test_a_set_point_is_held_and_its_measurement_follows_it() -> None:
    profile = profile_of(
        Sensor("speed_set", unit="rpm", quantity="speed", min=0.0, typical=1000.0, max=2000.0, role="setpoint"),
        Sensor("speed", unit="rpm", quantity="speed", min=0.0, typical=1000.0, max=2000.0),
        category="pump",
        sampling_period_s=10.0,
    )
    rows = generate_seed_rows(profile, 4000)
    held = (rows["speed_set"].diff().drop_nulls() == 0).mean()
    assert held is not None
    assert held > 0.9
    assert np.corrcoef(rows["speed_set"], rows["speed"])[0, 1] > 0.9


# Standstill -----------------------------------------------------------------------------------------------------------


def motor_that_stops() -> MachineProfile:
    return profile_of(
        Sensor("current", unit="A", quantity="current", min=0, typical=40, max=70),
        Sensor("voltage", unit="V", quantity="voltage", min=360, typical=400, max=440),
        Sensor("speed", unit="rpm", quantity="speed", min=0, typical=1480, max=1520),
        Sensor("vib_de", unit="mm/s", quantity="vibration", min=0, typical=2, max=11),
        Sensor("winding", unit="°C", quantity="temperature", component="winding", min=-10, typical=85, max=155),
        Sensor("room", unit="°C", quantity="temperature", component="ambient", min=-10, typical=22, max=45),
        Sensor("hours", unit="h", quantity="runtime", min=0, typical=20_000, max=60_000),
        Sensor("status", role="state", states=("off", "starting", "running", "fault")),
        category="motor",
        rul_unit="h",
        sampling_period_s=60.0,
    )


@pytest.fixture(scope="module")
def stopping() -> pl.DataFrame:
    return generate_seed_rows(motor_that_stops(), 10_000, seed=2)


def test_a_machine_with_a_state_for_it_stops_stands_and_starts(stopping: pl.DataFrame) -> None:
    shares = dict(stopping["status"].value_counts(normalize=True).iter_rows())
    assert 0.03 < shares["off"] < 0.5
    assert shares["starting"] > 0.002
    assert shares["running"] > 0.4
    assert violations(motor_that_stops(), stopping) == {}


def test_nothing_flows_or_moves_at_rest_and_the_mains_stay(stopping: pl.DataFrame) -> None:
    off = stopping.filter(pl.col("status") == "off")
    for name, typical in (("current", 40), ("speed", 1480), ("vib_de", 2)):
        assert off[name].max() < 0.05 * typical  # type: ignore[operator]
    assert off["voltage"].min() > 360  # type: ignore[operator]


def test_heat_goes_with_a_lag_and_hours_are_not_counted_at_rest(stopping: pl.DataFrame) -> None:
    rows = stopping.with_columns(
        off=pl.col("status") == "off", run=pl.col("run_id"), above=pl.col("winding") - pl.col("room")
    ).with_columns(spell=pl.struct("run", "off").rle_id())
    long = rows.filter(pl.col("off")).filter(pl.len().over("spell") > 90)
    assert long.height
    for (_,), spell in long.group_by(["spell"], maintain_order=True):
        assert spell["above"][-1] < 0.5 * max(spell["above"][0], 20.0)
        assert spell["hours"][-1] - spell["hours"][0] < 0.1


def test_a_machine_fails_while_it_works(stopping: pl.DataFrame) -> None:
    last = stopping.group_by("run_id", maintain_order=True).tail(20)
    assert not (last["status"] == "off").any()


def test_a_machine_whose_limits_or_states_know_no_standstill_never_stops() -> None:
    profile = motor_that_stops()
    limited = profile_of(
        *(Sensor("speed", unit="rpm", quantity="speed", min=1400, typical=1480, max=1520), *profile.sensors[3:]),
        category="motor",
    )
    rows = generate_seed_rows(limited, 4000, seed=2)
    assert (rows["vib_de"] > 0.2).all()
    stateless = profile_of(*profile.sensors[:-1], category="motor")
    assert (generate_seed_rows(stateless, 4000, seed=2)["current"] > 2).all()


# Odd profiles ---------------------------------------------------------------------------------------------------------


def test_sensors_with_names_in_other_languages_and_of_unknown_quantities_are_covered() -> None:
    profile = profile_of(
        Sensor("Lagertemperatur_AS", unit="°C", min=0, max=120),
        Sensor("Schwingung_Antriebsseite", unit="mm/s", min=0, max=12),
        Sensor("débit_eau", unit="m³/h", min=0, max=80),
        Sensor("轴承温度", unit="°C", min=0, max=120),
        Sensor("Температура масла", min=10, max=90),
        Sensor("glimmung", min=-3, max=-1),
        Sensor("x", min=1e-9, max=2e-9),
        Sensor("y", min=-1e12, max=1e12),
        category="Kreiselpumpe pump",
    )
    rows = generate_seed_rows(profile, 2000, seed=5)
    assert violations(profile, rows) == {}
    for sensor in profile.columns:
        assert rows[sensor.name].n_unique() > 3, sensor.name


@pytest.mark.parametrize("category", ["motor", "pump", "fan", "compressor", "cnc", "chiller", ""])
def test_limits_as_narrow_as_a_resolution_or_a_point_are_kept(category: str) -> None:
    profile = profile_of(
        Sensor("temp", unit="°C", quantity="temperature", min=20, typical=20.05, max=20.1, resolution=0.1),
        Sensor("speed", unit="rpm", quantity="speed", min=1479.9, typical=1480, max=1480.1),
        Sensor("flow", unit="m³/h", quantity="flow", min=5, max=5.0001),
        Sensor("vib", unit="mm/s", quantity="vibration", min=0, typical=0, max=0.001),
        category=category,
    )
    assert violations(profile, generate_seed_rows(profile, 2000, seed=1)) == {}
