"""The unit table: what a unit text means and how numbers pass from one unit to another of the same dimension.

It promises that nothing is converted unless both units are read without doubt, and that a conversion which would
invent knowledge (gauge to absolute pressure, peak to rms, acceleration to velocity, mass flow to volume flow) is
refused with the reason. It reads the unit texts of machine exports, where C is a temperature and F is not a farad;
it is not a general unit library and knows no compound algebra. The data are in `units.yaml` beside this module.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from services.chassis.errors import ErrorKind, Reason, SensorForgeError, register_reasons
from services.machines.document import plain_yaml

register_reasons(
    {
        "UNIT_UNREADABLE": Reason(
            ErrorKind.INPUT, "FAILED_PRECONDITION", "Write the unit as in the list of units, e.g. °C, bar, mm/s or kW."
        ),
        "UNIT_INCOMPATIBLE": Reason(
            ErrorKind.INPUT, "FAILED_PRECONDITION", "Correct the unit of the column or of the sensor, or map another."
        ),
    }
)

Measure = Literal["", "rms", "peak", "peak-to-peak"]

# Texts that two units of machine exports share. None of them is read without asking.
_AMBIGUOUS = {"mw": ("MW", "mW"), "kn": ("kN", "kt"), "ton": ("t", "TR"), "tons": ("t", "TR"), "tr": ("TR", "rpm")}

_REFUSALS = {
    frozenset({"acceleration", "velocity"}): "velocity is the integral of acceleration over time, not a multiple of it",
    frozenset({"acceleration", "length"}): "displacement is the double integral of acceleration, not a multiple of it",
    frozenset({"velocity", "length"}): "displacement is the integral of velocity over time, not a multiple of it",
    frozenset({"velocity", "angular velocity"}): "surface speed and rotation differ by a radius that is not known",
    frozenset({"frequency", "angular velocity"}): "a supply frequency gives a rotation only with pole pairs and slip",
    frozenset({"volume flow", "mass flow"}): "mass flow is volume flow times a density that is not known",
    frozenset({"volume flow", "velocity"}): "volume flow is velocity times a cross-section that is not known",
    frozenset({"power", "apparent power"}): "active power is apparent power times a power factor that is not known",
    frozenset({"power", "reactive power"}): "active and reactive power are different components",
    frozenset({"apparent power", "reactive power"}): "apparent and reactive power are different quantities",
    frozenset({"power", "energy"}): "energy is the integral of power over time",
    frozenset({"power", "current"}): "power is current times a voltage and a power factor that are not known",
    frozenset({"torque", "energy"}): "newton metres of torque are no joules",
    frozenset({"torque", "force"}): "torque is force times a lever arm that is not known",
    frozenset({"force", "mass"}): "weight and mass differ by gravity; state which one the sensor measures",
    frozenset({"pressure", "length"}): "a head is a pressure only with the density of the fluid",
    frozenset({"mass concentration", "parts"}): "parts per million depend on molar mass, temperature and pressure",
}


# Dimensions whose numbers mean the same without a conversion: humidity is a percentage, flags and scores are numbers.
_SAME_NUMBERS = (
    frozenset({"ratio", "relative humidity"}),
    frozenset({"count", "state"}),
    frozenset({"count", "dimensionless"}),
    frozenset({"state", "dimensionless"}),
)


@dataclass(frozen=True)
class Unit:
    """A unit of one dimension: base value = value * factor + offset.

    `reference` keeps apart what a zero or a volume refers to (gauge, absolute, normal, standard, actual, A-weighted);
    `measure` keeps rms, peak and peak-to-peak apart. Both are empty when the text does not say.
    """

    symbol: str
    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)
    reference: str = ""
    measure: Measure = ""


@dataclass(frozen=True)
class Conversion:
    """target = value * scale + shift. `note` says what had to be assumed; empty when nothing."""

    source: Unit
    target: Unit
    scale: float
    shift: float
    note: str = ""

    @property
    def identity(self) -> bool:
        return self.scale == 1.0 and self.shift == 0.0


@dataclass(frozen=True)
class _Table:
    version: int
    units: dict[str, Unit]
    exact: dict[str, Unit]
    folded: dict[str, Unit]


def _fraction(value: object) -> Fraction:
    return Fraction(str(value))


_DEGREE_SIGNS = str.maketrans({"º": "°", "˚": "°", "◦": "°", "∘": "°", "ᵒ": "°", "Ω": "Ω", "℃": "°C", "℉": "°F"})
_MICRO = str.maketrans(
    {"μ": "u", "µ": "u", "ɥ": "u", "″": '"', "”": '"', "“": '"', "−": "-", "–": "-", "⁄": "/", "∕": "/"}
)
_ENCLOSING = {"[": "]", "(": ")", "{": "}", "<": ">"}


def _normal(text: str) -> str:
    """Returns the text without spaces, enclosing brackets, exponent and multiplication signs; letter case is kept."""
    text = unicodedata.normalize("NFKC", text.translate(_DEGREE_SIGNS)).translate(_MICRO).strip()
    while len(text) > 1 and text[0] in _ENCLOSING and text[-1] == _ENCLOSING[text[0]]:
        text = text[1:-1].strip()
    text = re.sub(r"(?i)\bdeg(?:rees?)?[\s._]+(?=[cfkr])", "deg", text)
    text = re.sub(r"(?i)\s+per\s+", "/", text)
    text = re.sub(r"\*\*|[\s^*·⋅]", "", text)
    text = re.sub(r"(?<=[A-Za-z])\.(?=[A-Za-z])", "", text)
    return text.rstrip(".") if len(text) > 1 else text


@lru_cache(maxsize=1)
def _table() -> _Table:
    raw: dict[str, Any] = plain_yaml(resources.files(__package__).joinpath("units.yaml").read_text("utf-8"))
    units: dict[str, Unit] = {}
    exact: dict[str, Unit] = {}
    folded: dict[str, Unit] = {}
    for dimension, entries in raw["dimensions"].items():
        for symbol, entry in entries.items():
            unit = Unit(
                symbol=symbol,
                dimension=dimension,
                factor=_fraction(entry["factor"]),
                offset=_fraction(entry.get("offset", 0)),
                reference=entry.get("reference", ""),
            )
            units[symbol] = unit
            for alias in [symbol, *entry["aliases"].split(" ")]:
                key = _normal(alias)
                if not key:
                    continue
                if exact.setdefault(key, unit) is not unit:
                    raise ValueError(f"units.yaml: {alias!r} names both {exact[key].symbol} and {symbol}")
                # One letter means different things in both cases (g and G, t and T), so it is never folded.
                if not entry.get("exact") and len(key) > 1:
                    folded.setdefault(key.lower(), unit)
    return _Table(int(raw["version"]), units, exact, folded)


def table_version() -> int:
    """Returns the version of the unit table; it is an input of everything that converts."""
    return _table().version


def known_units() -> dict[str, Unit]:
    """Returns every unit by its symbol."""
    return dict(_table().units)


def known_aliases() -> dict[str, str]:
    """Returns every text (spaces and brackets removed) with the symbol it stands for."""
    return {alias: unit.symbol for alias, unit in sorted(_table().exact.items())}


_MEASURES: tuple[tuple[str, Measure], ...] = (
    (r"(?:pk-?pk|p-?p|peak-?(?:to-?)?peak|p2p|pkpk|ss)", "peak-to-peak"),
    (r"(?:rms|eff|r\.m\.s\.?)", "rms"),
    (r"(?:0-?pk?|zero-?peak|peak|pk)", "peak"),
)
_REFERENCES = ((r"(?:gauge|gage|g|ü|rel)", "gauge"), (r"(?:absolute|abs|a)", "absolute"))


def _lookup(text: str) -> Unit | None:
    table = _table()
    if text.lower() in _AMBIGUOUS and (text == text.lower() or text not in table.exact):
        return None
    return table.exact.get(text) or table.folded.get(text.lower())


def _read(text: str) -> Unit | None:
    for candidate in dict.fromkeys((text, text.replace("_", "/"), text.replace("_", ""))):
        found = _lookup(candidate)
        if found is not None:
            return found
    for pattern, measure in _MEASURES:
        match = re.fullmatch(rf"(?i)(.+?)[_\-(\[,;/]*{pattern}[)\]]*", text)
        inner = _read(match.group(1)) if match else None
        if inner is not None and not inner.measure and inner.dimension in _OSCILLATING:
            return replace(inner, measure=measure)
        match = re.fullmatch(rf"(?i){pattern}[_\-/]*(.+)", text)
        inner = _read(match.group(1)) if match else None
        if inner is not None and not inner.measure and inner.dimension in _OSCILLATING:
            return replace(inner, measure=measure)
    for pattern, reference in _REFERENCES:
        match = re.fullmatch(rf"(?i)(.+?)[_\-(\[,;]*{pattern}[)\].]*", text)
        inner = _read(match.group(1)) if match else None
        if inner is not None and not inner.reference and inner.dimension == "pressure":
            return replace(inner, reference=reference)
    return None


_OSCILLATING = frozenset({"velocity", "acceleration", "length", "current", "voltage"})


@lru_cache(maxsize=4096)
def parse_unit(text: str) -> Unit | None:
    """Returns the unit a text stands for, or None when it is unknown or stands for two units (`mw`, `ton`).

    Reads brackets, degree signs, exponents and suffixes for gauge/absolute and rms/peak: "[deg C]", "m3/h", "bar(g)",
    "mm/s RMS". An empty text is None: a missing unit is not a dimensionless one.
    """
    if len(text) > 40:
        return None
    cleaned = _normal(text)
    return _read(cleaned) if cleaned else None


def unit_readings(text: str) -> tuple[Unit, ...]:
    """Returns all units a text can stand for: none when unknown, two when ambiguous, else the one."""
    unit = parse_unit(text)
    if unit is not None:
        return (unit,)
    symbols = _AMBIGUOUS.get(_normal(text).lower(), ())
    return tuple(_table().units[symbol] for symbol in symbols)


def require_unit(text: str) -> Unit:
    """Returns the unit a text stands for. Raises UNIT_UNREADABLE, naming both meanings of an ambiguous text."""
    unit = parse_unit(text)
    if unit is not None:
        return unit
    readings = unit_readings(text)
    if readings:
        meanings = " or ".join(f"{reading.symbol} ({reading.dimension})" for reading in readings)
        raise SensorForgeError("UNIT_UNREADABLE", f"The unit {text!r} can be {meanings}; write which one is meant.")
    near = similar_units(text)
    hint = f" Similar units: {', '.join(near)}." if near else ""
    raise SensorForgeError("UNIT_UNREADABLE", f"The unit {text!r} is not known.{hint}")


def similar_units(text: str, limit: int = 3) -> list[str]:
    """Returns symbols whose aliases look like the text, best first."""
    table = _table()
    keys = difflib.get_close_matches(_normal(text).lower(), list(table.folded), n=limit * 2, cutoff=0.6)
    return list(dict.fromkeys(table.folded[key].symbol for key in keys))[:limit]


def refusal(source: Unit, target: Unit, *, delta: bool = False) -> str:
    """Returns why values in `source` must not be converted into `target`; empty when they may.

    `delta` means differences: a difference has no zero point, so gauge against absolute is then allowed.
    """
    pair = frozenset({source.dimension, target.dimension})
    if len(pair) == 2 and pair not in _SAME_NUMBERS:
        text = f"{source.symbol} is a unit of {source.dimension} and {target.symbol} is a unit of {target.dimension}"
        why = _REFUSALS.get(pair, "")
        return f"{text}: {why}" if why else text
    if source.reference and target.reference and source.reference != target.reference:
        pressures = {source.reference, target.reference} == {"gauge", "absolute"}
        if not (pressures and delta):
            why = (
                "the atmospheric pressure between them is not recorded"
                if pressures
                else "the conditions they refer to differ"
            )
            return f"{source.symbol} is {source.reference} and {target.symbol} is {target.reference}: {why}"
    if source.measure and target.measure and source.measure != target.measure:
        return (
            f"the column is {source.measure} and the sensor is {target.measure}: "
            "their ratio depends on the shape of the signal"
        )
    return ""


def conversion(source: Unit | str, target: Unit | str, *, delta: bool = False) -> Conversion:
    """Returns the affine conversion between two units of one dimension.

    `delta` converts differences (a temperature rise, a pressure drop): the offset is left out.
    Raises UNIT_UNREADABLE for an unknown text and UNIT_INCOMPATIBLE with the reason where converting would invent data.
    """
    a = require_unit(source) if isinstance(source, str) else source
    b = require_unit(target) if isinstance(target, str) else target
    why = refusal(a, b, delta=delta)
    if why:
        raise SensorForgeError(
            "UNIT_INCOMPATIBLE",
            f"Values in {a.symbol} are not converted to {b.symbol}: {why}.",
            metadata={"source": a.symbol, "target": b.symbol},
        )
    notes = []
    if a.dimension == "pressure" and a.reference != b.reference and not delta:
        notes.append(f"{a.reference or b.reference} pressure is assumed on both sides")
    elif a.reference != b.reference and not delta:
        notes.append(f"{a.reference or b.reference} conditions are assumed on both sides")
    if a.measure != b.measure:
        notes.append(f"{a.measure or b.measure} values are assumed on both sides")
    scale = a.factor / b.factor
    shift = Fraction(0) if delta else (a.offset - b.offset) / b.factor
    return Conversion(a, b, float(scale), float(shift), "; ".join(notes))


@overload
def convert(values: float, source: Unit | str, target: Unit | str, *, delta: bool = False) -> float: ...
@overload
def convert(
    values: npt.NDArray[np.floating[Any]] | Iterable[float],
    source: Unit | str,
    target: Unit | str,
    *,
    delta: bool = False,
) -> npt.NDArray[np.float64]: ...
def convert(
    values: float | npt.NDArray[np.floating[Any]] | Iterable[float],
    source: Unit | str,
    target: Unit | str,
    *,
    delta: bool = False,
) -> float | npt.NDArray[np.float64]:
    """Returns the values in the target unit: a float for a float, else a float64 array of the same shape.

    NaN stays NaN. Raises as `conversion` does.
    """
    plan = conversion(source, target, delta=delta)
    if isinstance(values, (int, float)):
        return float(values) if plan.identity else values * plan.scale + plan.shift
    array = np.asarray(values if isinstance(values, np.ndarray) else list(values), dtype=np.float64)
    return array.copy() if plan.identity else array * plan.scale + plan.shift
