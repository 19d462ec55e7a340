"""Values: whether a column's numbers can be a sensor's. They prove that a name is wrong, never that it is right."""

from __future__ import annotations

import numpy as np

from services.machines.profile import Sensor
from services.machines.units import Unit, convert, parse_unit, refusal
from services.mapping.columns import ColumnInfo

_WIDENING = 0.25  # limits are typical ranges; a real machine may run a little outside
# Units in which exports come when they declare none.
TYPICAL_UNITS = {
    "temperature": ("°C", "°F", "K"),
    "pressure": ("bar", "psi", "kPa", "MPa", "mbar", "Pa"),
    "velocity": ("mm/s", "in/s", "m/s"),
    "current": ("A", "mA"),
    "voltage": ("V", "kV", "mV"),
    "power": ("W", "kW", "MW"),
    "angular velocity": ("rpm", "rps", "rad/s"),
    "volume flow": ("m³/h", "L/min", "L/s", "gpm", "m³/s"),
    "mass flow": ("kg/s", "kg/h", "t/h"),
    "ratio": ("%", "fraction"),
    "length": ("mm", "m", "µm"),
    "torque": ("N·m", "kN·m"),
    "energy": ("kWh", "MWh", "Wh"),
}


def share_inside(column: ColumnInfo, sensor: Sensor, source: Unit | None, target: Unit | None) -> float | None:
    """Returns the share of the central quantiles within the widened limits, in the unit that suits best if none is
    declared; None without values or limits."""
    if len(column.quantiles) < 7 or sensor.min is None or sensor.max is None:
        return None
    slack = _WIDENING * (sensor.max - sensor.min)
    central = np.asarray(column.quantiles[2:7], dtype=np.float64)
    readings = [(central, 1.0)]
    if target is not None and source is not None and source.dimension == target.dimension:
        readings = [(convert(central, source, target), 1.0)] if not refusal(source, target) else readings
    elif target is not None and source is None:
        for symbol in TYPICAL_UNITS.get(target.dimension, ()):
            other = parse_unit(symbol)
            if other is not None and other.symbol != target.symbol:
                readings.append((convert(central, other, target), 0.8))
    return max(weight * float(np.mean((x >= sensor.min - slack) & (x <= sensor.max + slack))) for x, weight in readings)


def veto(
    value: float,
    column: ColumnInfo,
    is_state: bool,
    inside: float | None,
    reasons: list[str],
    *,
    named: bool = False,
) -> float:
    """Returns the score lowered where the values cannot be the sensor's; says so in `reasons`.

    A column that is `named` as the profile names the sensor may be nearly constant: only its limits can contradict.
    """
    if column.two_valued and not is_state and not named:
        value *= 0.5
        reasons.append("but it has only two values")
    if is_state and not named and column.quantiles and not column.two_valued and column.continuous:
        value *= 0.3
        reasons.append("but a state has no continuous values")
    if inside is None:
        return value
    if inside >= 0.9:
        reasons.append("its values lie within the sensor's limits")
    elif inside < 0.5:
        reasons.append("but its values lie outside the sensor's limits")
    return value * (0.35 + 0.65 * inside)
