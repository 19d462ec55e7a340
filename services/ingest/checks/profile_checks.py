"""The checks that need to know the machine: physical limits, units, remaining life, states, expected columns."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.checks.findings import Check
from services.ingest.checks.statistics import NumberStatistics
from services.machines.profile import Sensor
from services.machines.units import convert, parse_unit

_RUL_NAME = re.compile(r"^(rul|remaining[ _-]?(useful[ _-]?)?life.*|time[ _-]to[ _-]failure|ttf)$", re.I)
_KIN = (
    "°C",
    "°F",
    "K",
    "bar",
    "mbar",
    "psi",
    "kPa",
    "MPa",
    "Pa",
    "kW",
    "W",
    "MW",
    "mm/s",
    "m/s",
    "in/s",
    "V",
    "kV",
    "A",
    "mA",
    "L/min",
    "m3/h",
    "rpm",
    "Hz",
    "Nm",
)
OFTEN_OUTSIDE = 0.5
"""Share of cells outside the physical limits above which the unit is doubted rather than the sensor."""


def remaining_life(check: Check) -> dict[str, Any] | None:
    """Returns how the remaining-life column behaves within runs; it should fall, and not be constant or negative."""
    name = next((n for n in check.statistics if n == "rul"), "") or next(
        (n for n in check.statistics if _RUL_NAME.match(n)), ""
    )
    if not name:
        return None
    keys = [k for k in ("run_id", "segment") if k in check.table.columns][:1]
    step = pl.col(name).diff()
    steps = check.table.select((step.over(keys) if keys else step).alias("step"))["step"].drop_nulls()
    moving = steps.filter(steps != 0)
    falling = float((moving < 0).mean() or 0.0) if len(moving) else 0.0  # type: ignore[arg-type]
    s = check.statistics[name]
    constant = s.minimum == s.maximum
    if constant and s.count:
        check.add(
            "RUL_CONSTANT",
            "warning",
            f"Column {name!r} is {s.minimum:g} in every row; that is no remaining life.",
            name,
        )
    elif len(moving) and falling < 0.5:
        check.add(
            "RUL_RISES",
            "warning",
            f"Column {name!r} rises in {1 - falling:.0%} of its steps; it looks like elapsed time, not remaining life.",
            name,
        )
    if s.minimum is not None and s.minimum < 0:
        below = int((check.table[name] < 0).sum())
        check.add("RUL_NEGATIVE", "warning", f"Column {name!r} is negative in {below:,} rows.", name, below)
    return {"column": name, "falling_share": falling, "constant": constant, "min": s.minimum, "max": s.maximum}


def limits(check: Check) -> dict[str, int]:
    """Returns cells outside the physical limits by sensor; a unit that explains them is named."""
    assert check.profile is not None
    beyond = {}
    for sensor in check.profile.columns:
        s = check.statistics.get(sensor.name)
        if s is None or (sensor.min is None and sensor.max is None) or s.minimum is None or s.maximum is None:
            continue
        low = sensor.min if sensor.min is not None else float("-inf")
        high = sensor.max if sensor.max is not None else float("inf")
        count = 0
        if s.minimum < low or s.maximum > high:
            count = int((~check.table[sensor.name].is_between(low, high)).sum())
        if not count:
            continue
        beyond[sensor.name] = count
        share = count / max(1, s.count)
        if share > OFTEN_OUTSIDE:
            other = _fitting_unit(sensor, s)
            hint = f"; read as {other} they would fit" if other else ""
            check.add(
                "UNIT_CONTRADICTION",
                "warning",
                f"{share:.0%} of {sensor.name!r} lies outside its limits {low:g} to {high:g} {sensor.unit} "
                f"(values {s.minimum:g} to {s.maximum:g}){hint}.",
                sensor.name,
                count,
            )
        else:
            check.add(
                "BEYOND_LIMITS",
                "warning",
                f"{count:,} values of {sensor.name!r} lie outside its limits {low:g} to {high:g} {sensor.unit}.",
                sensor.name,
                count,
            )
    return beyond


def _fitting_unit(sensor: Sensor, s: NumberStatistics) -> str:
    """Returns the unit in which the middle half of the values would lie inside the limits, or ""."""
    own = parse_unit(sensor.unit) if sensor.unit else None
    if own is None or s.quartile_1 is None or s.quartile_3 is None:
        return ""
    for symbol in _KIN:
        other = parse_unit(symbol)
        if other is None or other.dimension != own.dimension or symbol == sensor.unit:
            continue
        try:
            low, high = convert(s.quartile_1, other, own), convert(s.quartile_3, other, own)
        except SensorForgeError:
            continue
        if (sensor.min is None or low >= sensor.min) and (sensor.max is None or high <= sensor.max):
            return symbol
    return ""


def profile_columns(check: Check) -> dict[str, Any]:
    """Returns how the table's columns meet the profile's sensors."""
    assert check.profile is not None
    expected = [s.name for s in check.profile.columns]
    present = [n for n in expected if n in check.table.columns]
    absent = [n for n in expected if n not in check.table.columns]
    for sensor in check.profile.columns:
        if sensor.required and sensor.name in absent:
            check.add(
                "REQUIRED_SENSOR_MISSING", "error", f"The required sensor {sensor.name!r} has no column.", sensor.name
            )
        if sensor.states and sensor.name in check.table.columns:
            values = check.table[sensor.name].drop_nulls().cast(pl.String).unique()
            odd = sorted(set(values.to_list()) - set(sensor.states))
            if odd:
                check.add(
                    "UNKNOWN_STATE",
                    "warning",
                    f"{sensor.name!r} has values that its profile does not list: {', '.join(odd[:5])}.",
                    sensor.name,
                    len(odd),
                )
    if absent and len(present) < 0.5 * len(expected):
        check.add(
            "FEW_SENSORS",
            "warning",
            f"{len(present)} of the profile's {len(expected)} sensors have a column; missing are "
            f"{', '.join(absent[:8])}.",
            count=len(absent),
        )
    return {"sensors": len(expected), "present": len(present), "absent": absent}
