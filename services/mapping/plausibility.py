"""Plausibility: values that a quantity hardly ever has, and values that look as if they were written in another unit.

Limits of a profile say what a machine may do; here is what the world may do, so that a column without limits, or with
wide ones, is not believed either. Sporadic outliers are a matter of cleaning and are not spoken of here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.machines.profile import Sensor
from services.machines.units import convert, known_units, parse_unit
from services.mapping.findings import Finding
from services.mapping.names import parse_name

_FEW = 0.05  # share of implausible values that may be outliers


@dataclass(frozen=True)
class _Range:
    """What a quantity of these concepts can be, in `unit` (empty: as it is)."""

    concepts: frozenset[str]
    unit: str
    low: float
    high: float


# Records with a margin: air -89 to 57 °C and gusts of 113 m/s (WMO archive of extremes), 1,361 W/m² above the
# atmosphere with the excess that clouds reflect; pH of strong acids and bases; the rest by definition.
_RANGES = (
    _Range(frozenset({"ambient", "temperature"}), "°C", -90.0, 65.0),
    _Range(frozenset({"room", "temperature"}), "°C", -90.0, 65.0),
    _Range(frozenset({"wind", "speed"}), "m/s", -0.5, 115.0),
    _Range(frozenset({"wind", "direction"}), "°", -361.0, 361.0),
    _Range(frozenset({"irradiance"}), "W/m²", -50.0, 2000.0),
    _Range(frozenset({"power_factor"}), "", -1.01, 1.01),
    _Range(frozenset({"acidity"}), "", -1.0, 15.0),
    _Range(frozenset({"level"}), "%", -15.0, 115.0),
    _Range(frozenset({"charge"}), "%", -1.0, 105.0),
    _Range(frozenset({"grid", "frequency"}), "Hz", -0.1, 70.0),
    _Range(frozenset({"sound"}), "dB", -10.0, 194.0),
)


def implausible(finite: npt.NDArray[np.float64], sensor: Sensor, column: str) -> list[Finding]:
    """Returns a finding when more than a twentieth of the values is what such a quantity cannot be."""
    concepts = _concepts(sensor)
    unit = parse_unit(sensor.unit) or parse_name(sensor.name).unit
    for known in _RANGES:
        if not known.concepts <= concepts or concepts & _ELSEWHERE:
            continue
        base = parse_unit(known.unit) if known.unit else None
        if base is not None and (unit is None or unit.dimension != base.dimension):
            continue
        values = convert(finite, unit, base) if base is not None and unit is not None else finite
        if base is None and unit is not None and unit.symbol == "%":
            values = finite / 100.0
        share = float(np.mean((values < known.low) | (values > known.high)))
        if share > _FEW:
            return [
                Finding(
                    "VALUES_IMPLAUSIBLE",
                    "warning",
                    f"{column!r} -> {sensor.name}: {share:.0%} of the values are outside what it can be, {known.low:g} "
                    f"to {known.high:g} {known.unit}".rstrip()
                    + f"; they run from {finite.min():g} to "
                    f"{finite.max():g}.{_fitting(finite, sensor, known)}",
                    column,
                    {"share": round(share, 4)},
                )
            ]
    return []


_ELSEWHERE = frozenset({"rotor", "generator", "exhaust", "difference", "setpoint", "std"})


def _fitting(finite: npt.NDArray[np.float64], sensor: Sensor, known: _Range) -> str:
    base = parse_unit(known.unit) if known.unit else None
    if base is None:
        return ""
    middle = np.quantile(finite, [0.05, 0.5, 0.95])
    fitting = [
        other.symbol
        for other in known_units().values()
        if other.dimension == base.dimension and not other.reference and other.symbol != sensor.unit
        and np.all((convert(middle, other, base) >= known.low) & (convert(middle, other, base) <= known.high))
    ]  # fmt: skip
    return f" Read as {' or '.join(fitting[:3])} they would fit." if fitting else ""


def other_scale(finite: npt.NDArray[np.float64], sensor: Sensor, column: str) -> list[Finding]:
    """Returns a finding when the values lie within the limits, and yet look like shares of one in place of percent, or
    like another unit by the profile's typical value."""
    unit = parse_unit(sensor.unit)
    if unit is None:
        return []
    low, middle, high = (float(q) for q in np.quantile(finite, [0.0, 0.5, 1.0]))
    if unit.symbol == "%" and (sensor.max or 0.0) >= 20.0 and 0.0 <= low < high <= 1.0 and len(np.unique(finite)) > 5:
        words = f"all values lie between {low:g} and {high:g}, as shares of one do; the sensor is in %."
        return [Finding("VALUES_ANOTHER_SCALE", "warning", f"{column!r} -> {sensor.name}: {words}", column)]
    if sensor.typical is None or not sensor.typical or not middle:
        return []
    if unit.dimension == "temperature" or 1 / _FAR <= middle / sensor.typical <= _FAR:
        return []
    fitting = [
        other.symbol
        for other in known_units().values()
        if other.dimension == unit.dimension
        and not other.reference
        and abs(convert(middle, other, unit) / sensor.typical - 1.0) <= _NEAR
    ]
    if not fitting:
        return []
    words = f"around {middle:g}, far from the typical {sensor.typical:g} {unit.symbol}; read as " + " or ".join(fitting)
    return [Finding("VALUES_ANOTHER_SCALE", "warning", f"{column!r} -> {sensor.name}: {words} they would fit.", column)]


_FAR = 5.0  # factor between the values and the typical one from which another unit is likelier than another load
_NEAR = 0.35  # how near the typical value they must come in that unit


def _concepts(sensor: Sensor) -> set[str]:
    found: set[str] = set()
    for text in (sensor.name, sensor.quantity, sensor.component):
        if text:
            found |= {concept for token in parse_name(text).tokens for concept in token.readings[0]}
    return found
