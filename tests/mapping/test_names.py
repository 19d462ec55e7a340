"""Names are taken apart as people in plants write them."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.machines.profile import Sensor
from services.mapping.lexicon import fold
from services.mapping.lexicon_files import default_lexicon, load_lexicon
from services.mapping.names import is_difference, parse_name


def concepts(name: str, unit: str = "") -> set[str]:
    return {concept for token in parse_name(name, unit).tokens for concept in token.readings[0]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bearing_de_temp_C", {"bearing", "de", "temperature"}),
        ("BRG_TEMP_NDE", {"bearing", "temperature", "nde"}),
        ("MotorSpeed", {"motor", "speed"}),
        ("TT-101", {"temperature", "#101"}),
        ("PDIT203", {"pressure", "difference", "#203"}),
        ("U_L1L2 [V]", {"voltage", "phase_ab"}),
        ("Ia", {"current", "phase_a"}),
        ("phase A current", {"phase_a", "current"}),
        ("cos phi", {"power_factor"}),
        ("Öltemperatur", {"oil", "temperature"}),
        ("Oeltemperatur", {"oil", "temperature"}),
        ("Generatordrehzahl", {"generator", "rotation"}),
        ("température palier côté accouplement", {"temperature", "bearing", "de"}),
        ("temperatura del aceite", {"temperature", "oil"}),
        ("pressione olio", {"pressure", "oil"}),
        ("temperatura do mancal", {"temperature", "bearing"}),
        ("主轴温度", {"spindle", "temperature"}),
        ("CHWST", {"chilled_water", "supply", "temperature"}),
        ("non-drive end vibration", {"nde", "vibration"}),
        ("GnTmpSta", {"generator", "temperature", "stator"}),
        ("T24_R", {"temperature", "low", "pressure", "compressor", "outlet"}),
        ("current speed", {"actual", "speed"}),
        ("water_temp_in", {"water", "temperature", "inlet"}),
        ("speed_min", {"speed", "minimum"}),
    ],
)  # fmt: skip
def test_words_become_concepts(name: str, expected: set[str]) -> None:
    assert concepts(name) == expected


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("oil_temp_C", "°C"), ("OilTempC", "°C"), ("Leistung (kW)", "kW"), ("P_kW", "kW"), ("flow_m3_h", "m³/h"),
        ("vibration_mm_s", "mm/s"), ("wind_speed_mps", "m/s"), ("Tool wear [min]", "min"), ("speed_min", None),
        ("water_temp_in", None), ("voltage_phase_c", None), ("current_A", "A"), ("温度(℃)", "°C"), ("torque_Nm", "N·m"),
        ("Temperature_C_avg", "°C"), ("Temp. in °C", "°C"), ("humidity_pct", "%"), ("phase_A", None), ("level_m", "m"),
    ],
)  # fmt: skip
def test_units_are_found_in_names_where_the_quantity_can_have_them(name: str, symbol: str | None) -> None:
    unit = parse_name(name).unit
    assert (unit.symbol if unit else None) == symbol


@pytest.mark.parametrize(
    "name",
    [
        "ns=2;s=Channel1.Device1.Motor.BearingTempDE",
        r"\\PISRV\Plant\Motor1\Bearing Temp DE",
        "plant/line1/bearing_temp_de",
    ],
)
def test_the_last_element_of_a_path_says_most(name: str) -> None:
    tokens = parse_name(name).tokens
    strong = {concept for token in tokens if token.weight == 1.0 for concept in token.readings[0]}
    assert {"bearing", "temperature", "de"} <= strong
    assert not {"site", "motor", "line"} & strong


@given(st.text(max_size=80))
def test_no_name_makes_the_parser_fail(name: str) -> None:
    parsed = parse_name(name)
    assert parsed.raw == name
    assert all(token.readings for token in parsed.tokens)


def test_differences_are_recognised() -> None:
    assert is_difference(Sensor("oil_temp_rise"))
    assert is_difference(Sensor("filter_dp"))
    assert not is_difference(Sensor("oil_temp"))


def test_the_lexicon_is_extended_by_a_file_of_the_same_form(tmp_path: Path) -> None:
    extra = tmp_path / "mine.yaml"
    extra.write_text("version: 1\nconcepts:\n  gripper: {en: manipulum}\nabbreviations:\n  xq7: [oil temperature]\n")
    mine = load_lexicon(extra)
    assert [token.readings for token in parse_name("xq7", "", mine).tokens] == [(("oil", "temperature"),)]
    assert mine.digest != default_lexicon().digest
    assert ("oil", "temperature") not in default_lexicon().readings.get("xq7", ())


@pytest.mark.parametrize(
    "text",
    [
        "[1",
        "- a",
        "concepts: {a: {en: x}}",
        "version: 1\nwords: {}",
        "version: 1\nabbreviations: {a: b}",
        "version: 1\nconcepts: {a: {en: [x]}}",
    ],
)
def test_a_wrong_lexicon_is_refused_with_its_file(tmp_path: Path, text: str) -> None:
    extra = tmp_path / "mine.yaml"
    extra.write_text(text)
    with pytest.raises(SensorForgeError, match=r"mine\.yaml") as caught:
        load_lexicon(extra)
    assert caught.value.reason == "LEXICON_INVALID"


def test_every_word_of_the_lexicon_is_folded() -> None:
    lexicon = default_lexicon()
    assert all(word == fold(word) for word in lexicon.readings)
    known = {concept for readings in lexicon.readings.values() for reading in readings for concept in reading}
    for group in (*lexicon.exclusive, lexicon.one_sided, lexicon.neutral):
        assert group <= known | set(lexicon.phases.values()), group - known


def test_every_short_form_and_phrase_of_the_lexicon_is_defined_once() -> None:
    defined: dict[str, str] = {}
    for path in sorted(Path(str(resources.files("services.mapping"))).joinpath("lexicon").glob("*.yaml")):
        document = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
        for section, entries in document.value:
            if section.value not in ("abbreviations", "phrases", "concepts", "quantities"):
                continue
            for word, _ in entries.value:
                place = path.name if section.value in ("concepts", "quantities") else ""
                key = f"{section.value} {place} {fold(word.value)}"
                assert key not in defined, f"{word.value!r} stands in {defined[key]} and in {path.name}"
                defined[key] = path.name
