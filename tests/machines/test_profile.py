"""Profiles: what is accepted, what is refused, and that a refusal names the line."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import ErrorKind, SensorForgeError
from services.machines.examples import example, example_names
from services.machines.profile import MachineProfile, parse_profile

SMALLEST = "machine_id: m1\nsensors:\n  - name: current_a\n"


def refusal(document: str) -> str:
    with pytest.raises(SensorForgeError) as caught:
        parse_profile(document, "motor.yaml")
    assert caught.value.reason == "PROFILE_INVALID"
    assert caught.value.kind is ErrorKind.INPUT
    assert caught.value.message.startswith("motor.yaml")
    return caught.value.message


def sensor(*lines: str) -> str:
    """Returns a profile whose only sensor starts in line 3 and has the lines from line 4."""
    return "machine_id: m1\nsensors:\n  - name: s\n" + "".join(f"    {line}\n" for line in lines)


def test_smallest_profile_is_a_machine_id_and_a_name() -> None:
    profile, notes = parse_profile(SMALLEST, "motor.yaml")
    assert profile.machine_id == "m1"
    assert profile.sensor("current_a").role == "measurement"
    assert any("no unit" in note for note in notes)
    assert any("no min or max" in note for note in notes)


@pytest.mark.parametrize("name", example_names())
def test_every_example_is_valid_and_complete(name: str) -> None:
    profile, notes = parse_profile(example(name), name)
    assert len(profile.sensors) >= 13
    assert not [note for note in notes if "min or max" in note]
    assert MachineProfile.from_json(json.loads(json.dumps(profile.to_json()))) == profile


def test_the_five_promised_examples_ship() -> None:
    assert {"motor", "pump", "cnc", "chiller", "air_compressor"} <= set(example_names())


def test_yaml_and_json_of_the_same_content_are_the_same_profile() -> None:
    document = example("motor")
    as_json = json.dumps(yaml.safe_load(document), indent="\t")
    assert parse_profile(as_json, "m.json")[0] == parse_profile(document, "m.yaml")[0]


def test_canonical_json_is_itself_a_valid_document() -> None:
    profile, _ = parse_profile(example("chiller"), "chiller.yaml")
    assert parse_profile(json.dumps(profile.to_json()), "again.json")[0] == profile


def test_a_zero_limit_survives_json() -> None:
    profile, _ = parse_profile(sensor("min: 0", "max: 1"), "m")
    assert MachineProfile.from_json(profile.to_json()).sensor("s").min == 0.0


def test_nameplate_constants_are_no_columns() -> None:
    profile, _ = parse_profile(example("motor"), "motor.yaml")
    assert "current_25pct_load_A" not in [s.name for s in profile.columns]
    assert profile.sensor("current_25pct_load_A").typical == 38


def test_units_are_read_to_one_symbol() -> None:
    assert parse_profile(sensor("unit: deg C"), "m")[0].sensor("s").unit == "°C"


@pytest.mark.parametrize("unit", ["bar(g)", "mm/s rms"])
def test_a_unit_that_says_more_than_its_symbol_is_kept_as_written(unit: str) -> None:
    assert parse_profile(sensor(f"unit: {unit}"), "m")[0].sensor("s").unit == unit


@pytest.mark.parametrize(
    ("document", "line", "words"),
    [
        (sensor("unit: blorbs"), 4, ["unknown unit", "'blorbs'"]),
        (sensor("unit: ton"), 4, ["'ton'", "which one"]),
        (sensor("min: 5", "max: 5"), 4, ["min 5", "below max 5"]),
        (sensor("min: 1", "typical: 9", "max: 5"), 5, ["typical 9", "outside", "1 to 5"]),
        (sensor("min: low"), 4, ["min must be a number", "'low'"]),
        (sensor("max: .nan"), 4, ["max must be a number"]),
        (sensor("maxx: 4"), 4, ["unknown key 'maxx'", "did you mean 'max'"]),
        (sensor("uom: bar"), 4, ["unknown key 'uom'", "did you mean 'unit'"]),
        (sensor("role: set-point"), 4, ["unknown role", "did you mean 'setpoint'"]),
        (sensor("states: [a, b]"), 4, ["role: state"]),
        (sensor("resolution: 0"), 4, ["resolution"]),
        (sensor("min: 1", "min: 2"), 5, ["'min' twice"]),
        (sensor("required: maybe"), 4, ["true or false"]),
        (sensor("role: nameplate", "required: true"), 5, ["nameplate"]),
        (SMALLEST + "  - name: current_a\n", 4, ["duplicate sensor 'current_a'", "line 3"]),
        (SMALLEST + "  - {name: i, aliases: [current_a]}\n", 4, ["alias", "'current_a'"]),
        (SMALLEST + "  - unit: A\n", 4, ["no name"]),
        (SMALLEST + "  - [1, 2]\n", 4, ["a sensor must be a mapping"]),
        (SMALLEST + "  - name: split\n", 4, ["reserved"]),
        (SMALLEST + "sampling_period: 3 bar\n", 4, ["duration"]),
        (SMALLEST + "sampling_period_s: -1\n", 4, ["above 0"]),
        (SMALLEST + "life: {max: 0}\n", 4, ["above 0"]),
        (SMALLEST + "sensor: []\n", 4, ["did you mean 'sensors'"]),
        ("machine_id: Motor 1\nsensors: [a]\n", 1, ["'Motor 1'", "lower-case"]),
        ("sensors: [a]\n", 1, ["machine_id is missing"]),
        ("machine_id: m1\nsensors: []\n", 2, ["sensors is empty"]),
        ("machine_id: m1\nsensors:\n", 2, ["sensors is empty"]),
        ("machine_id: m1\n", 1, ["sensors is missing"]),
        ("machine_id: m1\nsensors: {a: 1}\n", 2, ["must be a list"]),
        ("- a\n", 1, ["a profile is a mapping"]),
        ("a: b: c\n", 1, ["mapping values"]),
        ("machine_id: m1\nx: &a 1\ny: *a\n", 3, ["aliases"]),
        ("machine_id: m1\n---\nmachine_id: m2\n", 2, ["second document"]),
        ("a: !!python/object/apply:os.system [ls]\nsensors: [a]\nmachine_id: m\n", 1, ["unknown key 'a'"]),
    ],
)
def test_a_refusal_names_the_line_and_the_value(document: str, line: int, words: list[str]) -> None:
    message = refusal(document)
    assert f"line {line}:" in message
    for word in words:
        assert word in message


def test_all_problems_are_told_at_once() -> None:
    message = refusal(sensor("unit: blorbs", "minn: 2"))
    assert "2 problems" in message
    assert "line 4" in message
    assert "line 5" in message


@pytest.mark.parametrize(
    "document", ["", "   \n", "# only a comment\n", "\x00", "[" * 5000, "{" * 5000, "x" * (2 << 20)]
)
def test_unusable_text_is_refused_without_a_crash(document: str) -> None:
    refusal(document)


def test_a_rul_sensor_is_read_as_the_machines_life() -> None:
    profile, notes = parse_profile(SMALLEST + "  - {name: rul, unit: h, max: 900}\n", "m")
    assert [s.name for s in profile.sensors] == ["current_a"]
    assert (profile.rul_unit, profile.rul_max) == ("h", 900)
    assert any("line 4" in note for note in notes)


def test_sampling_period_may_carry_a_unit() -> None:
    assert parse_profile(SMALLEST + "sampling_period: 15 min\n", "m")[0].sampling_period_s == 900


def test_states_keep_the_words_as_written() -> None:
    profile, _ = parse_profile(sensor("role: state", "states: [on, off, 0]"), "m")
    assert profile.sensor("s").states == ("on", "off", "0")


@given(st.text(max_size=200))
def test_any_text_is_a_profile_or_an_explained_refusal(document: str) -> None:
    try:
        profile, _ = parse_profile(document, "any.yaml")
    except SensorForgeError:
        refusal_text = refusal(document.replace("any.yaml", ""))
        assert refusal_text.endswith(".")
    else:
        assert profile.sensors


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20),
        min_size=1,
        max_size=5,
        unique=True,
    ),
    st.floats(-1e9, 1e9),
    st.floats(1e-3, 1e6),
)
def test_any_sound_sensor_list_comes_back_as_it_went_in(names: list[str], low: float, span: float) -> None:
    names = [f"s_{name}" for name in names]
    document = {"machine_id": "m", "sensors": [{"name": n, "min": low, "max": low + span} for n in names]}
    profile, _ = parse_profile(json.dumps(document, ensure_ascii=False), "m.json")
    assert [s.name for s in profile.sensors] == names
    assert profile.sensors[0].min == low
