"""Contradictions: values that do not fit the unit, the limits or the name they come under.

A name match alone imports mislabelled data at full confidence. These checks look at the numbers and speak up; they
change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from services.machines.profile import MachineProfile, Sensor
from services.machines.units import convert, known_units, parse_unit
from services.mapping.findings import Finding
from services.mapping.plan import ColumnRule
from services.mapping.plausibility import implausible, other_scale

# A column contradicts its sensor when fewer than half of its values lie in the physical limits widened by this share
# of their range. Limits are typical ranges of a model, and a real machine may well run a little outside.
_WIDENING = 0.25
_FEWEST_INSIDE = 0.5

# What no measurement of the dimension can be, in the unit of the key.
_IMPOSSIBLE = {"K": (0.0, 1e5), "%RH": (-1.0, 110.0), "rpm": (-1e6, 1e6)}


def share_inside(values: npt.NDArray[np.float64], sensor: Sensor) -> float | None:
    """Returns the share of finite values within the sensor's widened limits; None without limits or values."""
    finite = values[np.isfinite(values)]
    if sensor.min is None or sensor.max is None or not len(finite):
        return None
    slack = _WIDENING * (sensor.max - sensor.min)
    return float(np.mean((finite >= sensor.min - slack) & (finite <= sensor.max + slack)))


def check_columns(table: pl.DataFrame, profile: MachineProfile, rules: Mapping[str, ColumnRule]) -> list[Finding]:
    """Returns findings on mapped numeric sensors: outside their limits, impossible, constant, empty or swapped."""
    found: list[Finding] = []
    numeric = [s for s in profile.columns if s.name in rules and table[s.name].dtype == pl.Float64]
    values = {sensor.name: table[sensor.name].to_numpy() for sensor in numeric}
    misfits: list[Sensor] = []
    for sensor in numeric:
        column = rules[sensor.name].column
        finite = values[sensor.name][np.isfinite(values[sensor.name])]
        if not len(finite):
            found.append(Finding("COLUMN_EMPTY", "warning", f"{column!r} -> {sensor.name}: no value at all.", column))
            continue
        if len(finite) > 1 and finite.min() == finite.max():
            found.append(
                Finding(
                    "COLUMN_CONSTANT",
                    "info",
                    f"{column!r} -> {sensor.name} is {finite[0]:g} in every row.",
                    column,
                )
            )
        found += _impossible(finite, sensor, column) or implausible(finite, sensor, column)
        inside = share_inside(finite, sensor)
        if inside is not None and inside < _FEWEST_INSIDE:
            misfits.append(sensor)
            found.append(_outside(finite, sensor, column, inside))
        else:
            found += other_scale(finite, sensor, column)
    found += _swapped(values, misfits, rules)
    return found


def _impossible(finite: npt.NDArray[np.float64], sensor: Sensor, column: str) -> list[Finding]:
    unit = parse_unit(sensor.unit)
    if unit is None:
        return []
    for symbol, (low, high) in _IMPOSSIBLE.items():
        base = known_units()[symbol]
        if base.dimension != unit.dimension:
            continue
        converted = convert(finite, unit, base)
        wrong = int(np.sum((converted < low) | (converted > high)))
        if wrong:
            return [
                Finding(
                    "VALUES_IMPOSSIBLE",
                    "warning",
                    f"{column!r} -> {sensor.name}: {wrong} of {len(finite)} values cannot be in {sensor.unit} "
                    f"(from {finite.min():g} to {finite.max():g}).",
                    column,
                    {"values": wrong},
                )
            ]
    return []


def _outside(finite: npt.NDArray[np.float64], sensor: Sensor, column: str, inside: float) -> Finding:
    fitting = units_that_fit(finite, sensor)
    hint = f" Read as {' or '.join(fitting)} they would fit." if fitting else ""
    low, middle, high = (float(q) for q in np.quantile(finite, [0.01, 0.5, 0.99]))
    return Finding(
        "VALUES_CONTRADICT_SENSOR",
        "warning",
        f"{column!r} -> {sensor.name}: only {inside:.0%} of the values lie near the limits {sensor.min:g} to "
        f"{sensor.max:g} {sensor.unit}; they run from {low:g} to {high:g} around {middle:g}.{hint}",
        column,
        {"inside": round(inside, 4), "units_that_fit": fitting},
    )


def units_that_fit(values_in_sensor_unit: npt.NDArray[np.float64], sensor: Sensor) -> list[str]:
    """Returns units of the sensor's dimension in which the same numbers would lie within its limits."""
    unit = parse_unit(sensor.unit)
    if unit is None:
        return []
    sample = np.quantile(values_in_sensor_unit, np.linspace(0.02, 0.98, 33))
    fitting = []
    for other in known_units().values():
        if other.dimension != unit.dimension or other.symbol == unit.symbol or other.reference:
            continue
        share = share_inside(convert(sample, other, unit), sensor)
        if share is not None and share >= 0.9:
            fitting.append(other.symbol)
    return fitting[:3]


def _swapped(
    values: Mapping[str, npt.NDArray[np.float64]], misfits: list[Sensor], rules: Mapping[str, ColumnRule]
) -> list[Finding]:
    found = []
    for i, first in enumerate(misfits):
        for second in misfits[i + 1 :]:
            crossed = (share_inside(values[first.name], second), share_inside(values[second.name], first))
            if all(share is not None and share >= 0.9 for share in crossed):
                a, b = rules[first.name].column, rules[second.name].column
                found.append(
                    Finding(
                        "COLUMNS_LOOK_SWAPPED",
                        "warning",
                        f"{a!r} fits {second.name} and {b!r} fits {first.name}: their headers look swapped.",
                        a,
                    )
                )
    return found
