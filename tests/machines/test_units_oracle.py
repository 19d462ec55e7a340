"""A second opinion on every factor of the unit table: pint's, wherever pint knows the unit at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.machines.units import Unit, convert, known_units

pint = pytest.importorskip("pint")
REGISTRY = pint.UnitRegistry()

# What pint calls a unit that it would misread or not read by our symbol.
SPELLED = {
    "°C": "degC", "°F": "degF", "°R": "degR", "°": "degree", "K": "kelvin", "g": "standard_gravity",
    "mg": "millistandard_gravity", "gram": "gram", "mil": "thou", "wk": "week", "PS": "metric_horsepower",
    "TR": "refrigeration_ton", "gpm": "gallon/minute", "gph": "gallon/hour", "cfm": "foot**3/minute",
    "cfh": "foot**3/hour", "bbl": "oil_bbl", "bbl/d": "oil_bbl/day", "kcal": "kilocalorie",
    "at": "technical_atmosphere",
    "kcal/h": "kilocalorie/hour", "BTU": "Btu_it", "BTU/h": "Btu_it/hour",
    "kBTU/h": "kiloBtu_it/hour", "BTU/lb": "Btu_it/pound", "klb/h": "kilopound/hour", "µε": "microstrain_",
    "var": "volt*ampere", "kvar": "kilovolt*ampere", "Mvar": "megavolt*ampere", "varh": "volt*ampere*hour",
    "kvarh": "kilovolt*ampere*hour", "Mvarh": "megavolt*ampere*hour", "VAh": "volt*ampere*hour",
    "kVAh": "kilovolt*ampere*hour", "VA": "volt*ampere", "kVA": "kilovolt*ampere", "MVA": "megavolt*ampere",
    "%": "percent", "fraction": "dimensionless", "‰": "permille", "ppb": "ppb_", "vol%": "percent",
    "rpm": "revolutions_per_minute", "krpm": "kilorevolutions_per_minute", "rps": "revolution/second",
    "mm/rev": "millimeter/turn", "in/rev": "inch/turn", "Nm³/h": "meter**3/hour", "Nm³/min": "meter**3/minute",
    "NL/min": "liter/minute", "NL/h": "liter/hour", "Sm³/h": "meter**3/hour", "SL/min": "liter/minute",
    "sccm": "centimeter**3/minute", "scfm": "foot**3/minute", "acfm": "foot**3/minute", "am³/h": "meter**3/hour",
    "mg/Nm³": "milligram/meter**3", "kt": "knot", "g/kg": "gram/kilogram", "kg/kg": "kilogram/kilogram",
    "T": "tesla", "mT": "millitesla", "lx": "lux", "NTU": "", "pH": "", "dB": "", "dB(A)": "", "dB(C)": "",
    "count": "", "cycles": "", "ADC count": "", "bool": "", "1": "", "%RH": "",
}  # fmt: skip
# Alone in their dimension or counts: there is nothing to convert. Each name here is one of the table.
NOTHING_TO_CONVERT = {symbol for symbol, name in SPELLED.items() if not name}
DEFINED = {"ppb_": "1e-9", "microstrain_": "1e-6"}


def _pint_name(unit: Unit) -> str:
    name = SPELLED.get(unit.symbol)
    if name is None:
        name = unit.symbol
        for written, said in (("³", "**3"), ("²", "**2"), ("·", "*"), ("µ", "u"), ("Ω", "ohm")):
            name = name.replace(written, said)
    return name


def _quantity(value: float, unit: Unit):  # type: ignore[no-untyped-def]
    name = _pint_name(unit)
    if name in DEFINED:
        return REGISTRY.Quantity(value * float(DEFINED[name]), "dimensionless")
    return REGISTRY.Quantity(value, name)


COMPARED = [unit for unit in known_units().values() if unit.symbol not in NOTHING_TO_CONVERT]


def _base(unit: Unit) -> Unit:
    return next(o for o in known_units().values() if o.dimension == unit.dimension and o.factor == 1 and not o.offset)


@pytest.mark.parametrize("unit", COMPARED, ids=lambda unit: unit.symbol)
def test_pint_agrees_on_every_factor_and_offset(unit: Unit) -> None:
    base = _base(unit)
    for value in (0.0, 1.0, -7.25, 1e4):
        theirs = _quantity(value, unit).to(_pint_name(base) if _pint_name(base) not in DEFINED else "dimensionless")
        ours = value * float(unit.factor) + float(unit.offset or 0)
        scale = 1 / float(DEFINED[_pint_name(base)]) if _pint_name(base) in DEFINED else 1.0
        assert ours == pytest.approx(theirs.magnitude * scale, rel=1e-6, abs=1e-9)


def test_only_units_without_a_second_one_of_their_kind_are_left_out_of_the_comparison() -> None:
    table = known_units()
    assert set(table) >= NOTHING_TO_CONVERT
    for symbol in NOTHING_TO_CONVERT:
        assert table[symbol].factor == 1


TEMPERATURES = [unit for unit in COMPARED if unit.dimension == "temperature"]


@given(st.tuples(st.sampled_from(TEMPERATURES), st.sampled_from(TEMPERATURES)), st.floats(-1e5, 1e5))
def test_differences_agree_with_pint_too(pair: tuple[Unit, Unit], difference: float) -> None:
    a, b = pair
    names = {"°C": "delta_degC", "°F": "delta_degF", "K": "kelvin", "°R": "degR"}
    theirs = REGISTRY.Quantity(difference, names.get(a.symbol, a.symbol)).to(names.get(b.symbol, b.symbol)).magnitude
    assert convert(difference, a, b, delta=True) == pytest.approx(theirs, rel=1e-9, abs=1e-9)
