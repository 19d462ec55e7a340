"""The unit table reads what machine exports write and never converts what it does not know."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.machines.units import (
    conversion,
    convert,
    known_aliases,
    known_units,
    parse_unit,
    refusal,
    require_unit,
    similar_units,
    unit_readings,
)

UNITS = sorted(known_units().values(), key=lambda unit: unit.symbol)
PAIRS = [(a, b) for a in UNITS for b in UNITS if not refusal(a, b)]
finite = st.floats(-1e6, 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("C", "°C"),
        ("F", "°F"),
        ("R", "°R"),
        ("K", "K"),
        ("degC", "°C"),
        ("[deg C]", "°C"),
        ("º C", "°C"),
        ("℃", "°C"),
        ("g", "g"),
        ("PS", "PS"),
        ("pct", "%"),
        ("Nm", "N·m"),
        ("N.m", "N·m"),
        ("l/min", "L/min"),
        ("m3/h", "m³/h"),
        ("m³/h", "m³/h"),
        ("mm_s", "mm/s"),
        ("m/s^2", "m/s²"),
        ("m.s-1", "m/s"),
        ("U/min", "rpm"),
        ("1/min", "rpm"),
        ("tr/min", "rpm"),
        ("kgf/cm²", "at"),
        ("in. H2O", "inH2O"),
        ("% RH", "%RH"),
        ("KPA", "kPa"),
        ("Kw", "kW"),
        ("mPa", "mPa"),
        ("MPa", "MPa"),
        ("mpa", "MPa"),
        ("µS/cm", "µS/cm"),
        ("μm", "µm"),
        ("kN", "kN"),
        ("RT", "TR"),
    ],
)
def test_units_of_machine_exports_are_read_as_engineers_mean_them(text: str, symbol: str) -> None:
    unit = parse_unit(text)
    assert unit is not None
    assert unit.symbol == symbol


@pytest.mark.parametrize(
    ("text", "reference", "measure"),
    [
        ("barg", "gauge", ""),
        ("bar(g)", "gauge", ""),
        ("psia", "absolute", ""),
        ("kPa abs", "absolute", ""),
        ("MPaG", "gauge", ""),
        ("g rms", "", "rms"),
        ("mm/s RMS", "", "rms"),
        ("µm pk-pk", "", "peak-to-peak"),
        ("mm/s peak", "", "peak"),
        ("Vrms", "", "rms"),
        ("scfm", "standard", ""),
        ("Nm3/h", "normal", ""),
    ],
)
def test_what_a_number_refers_to_is_kept(text: str, reference: str, measure: str) -> None:
    unit = parse_unit(text)
    assert unit is not None
    assert (unit.reference, unit.measure) == (reference, measure)


@pytest.mark.parametrize("text", ["", " ", "foo", "L1", "°C/min", "x" * 50, "mw", "kn", "ton", "Δ"])
def test_an_unknown_or_ambiguous_text_is_no_unit(text: str) -> None:
    assert parse_unit(text) is None


def test_every_symbol_that_is_written_is_read_back_as_its_unit() -> None:
    symbols = set(known_aliases().values())
    assert {symbol for symbol in symbols if getattr(parse_unit(symbol), "symbol", "") != symbol} == set()


def test_the_table_has_no_text_with_two_meanings_and_enough_aliases() -> None:
    aliases = known_aliases()
    assert len(aliases) > 250
    for alias, symbol in aliases.items():
        readings = unit_readings(alias)
        assert symbol in {unit.symbol for unit in readings}, alias


@given(st.sampled_from(PAIRS), finite)
def test_conversion_there_and_back_returns_the_value(pair: tuple, value: float) -> None:
    a, b = pair
    back = convert(convert(value, a, b), b, a)
    scale = max(abs(value), abs(conversion(b, a).shift), 1e-9)
    assert math.isclose(back, value, rel_tol=1e-9, abs_tol=1e-9 * scale)


@given(st.sampled_from(PAIRS), finite, finite)
def test_differences_convert_without_offset(pair: tuple, first: float, second: float) -> None:
    a, b = pair
    by_values = convert(first, a, b) - convert(second, a, b)
    by_difference = convert(first - second, a, b, delta=True)
    assert math.isclose(
        by_values, by_difference, rel_tol=1e-6, abs_tol=1e-6 * (abs(conversion(a, b).scale) * 1e3 + 1e3)
    )


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (0.0, "°C", "°F", 32.0),
        (212.0, "F", "C", 100.0),
        (518.67, "R", "°C", 15.0),
        (14.503773773, "psi", "bar", 1.0),
        (1.0, "in/s", "mm/s", 25.4),
        (1.0, "g", "m/s2", 9.80665),
        (1.0, "m3/h", "l/min", 1000 / 60),
        (1.0, "hp", "kW", 0.74569987),
        (1.0, "gpm", "l/min", 3.785411784),
        (100.0, "cfm", "m3/h", 169.9010795),
        (1.0, "TR", "kW", 3.5168528),
        (1.0, "rad/s", "rpm", 9.5492966),
        (1.0, "knots", "m/s", 0.5144444),
        (1.0, "lbf-ft", "Nm", 1.3558179),
        (0.5, "fraction", "%", 50.0),
        (29.92, "inHg", "mbar", 1013.2075),
    ],
)
def test_known_conversions(value: float, source: str, target: str, expected: float) -> None:
    assert convert(value, source, target) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("g", "mm/s", "integral"),
        ("barg", "bara", "atmospheric"),
        ("mm/s rms", "mm/s peak", "shape"),
        ("kVA", "kW", "power factor"),
        ("kg/h", "m3/h", "density"),
        ("Nm", "kWh", "joules"),
        ("Hz", "rpm", "pole"),
        ("°C", "bar", "temperature"),
        ("Nm3/h", "Sm3/h", "conditions"),
    ],
)
def test_a_conversion_that_invents_knowledge_is_refused_with_its_reason(source: str, target: str, why: str) -> None:
    with pytest.raises(SensorForgeError, match=why) as caught:
        convert(1.0, source, target)
    assert caught.value.reason == "UNIT_INCOMPATIBLE"


def test_a_pressure_drop_may_pass_from_gauge_to_absolute() -> None:
    assert convert(2.0, "barg", "kPa abs", delta=True) == 200.0


def test_what_is_assumed_is_said() -> None:
    assert "gauge" in conversion("barg", "psi").note
    assert "rms" in conversion("mm/s rms", "in/s").note
    assert conversion("bar", "psi").note == ""


def test_an_ambiguous_unit_is_named_with_both_meanings() -> None:
    with pytest.raises(SensorForgeError, match=r"MW \(power\) or mW"):
        require_unit("mw")
    with pytest.raises(SensorForgeError, match="is not known"):
        require_unit("kilopascals'")
    assert "°C" in similar_units("celsiu")


def test_arrays_keep_shape_and_missing_values() -> None:
    values = np.array([32.0, np.nan, 212.0])
    converted = convert(values, "°F", "°C")
    np.testing.assert_allclose(converted, [0.0, np.nan, 100.0], atol=1e-12)
    assert values[0] == 32.0
