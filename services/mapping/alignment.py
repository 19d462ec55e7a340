"""Aligning what is sampled at different cadence: to each row of the slower side the latest value of the faster one.

It promises that no row is invented and no value is repeated beyond its tolerance: the rows are those of the slower
side, a value comes from its own moment or earlier (as-of join), never from another run, and never from the future. What
is older than the tolerance stays missing and is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from services.chassis.errors import SensorForgeError
from services.mapping import errors as errors
from services.mapping.findings import Finding

SLOWEST = "slowest"

# Sensors whose usual steps differ by more than this are sampled at different cadence, not merely with some cells empty.
_ANOTHER_CADENCE = 1.5
_FEWEST_VALUES = 3  # two steps at least, to speak of a usual one


@dataclass(frozen=True)
class AlignOptions:
    """`rows`: empty for none, "slowest", or the sensor whose values make the rows. `tolerance_s` 0: the longer of the
    sensor's and the row sensor's usual step."""

    rows: str = ""
    tolerance_s: float = 0.0


NOT_ALIGNED = AlignOptions()


@dataclass(frozen=True)
class Aligned:
    """The rows after alignment, the report, and findings."""

    table: pl.DataFrame
    report: dict[str, Any]
    findings: tuple[Finding, ...] = ()


def cadences(table: pl.DataFrame, sensors: Sequence[str]) -> dict[str, float]:
    """Returns the usual step (median, seconds) between the values of each sensor that has some, within runs."""
    if "timestamp" not in table.columns:
        return {}
    run = pl.col("run_id") if "run_id" in table.columns else pl.lit("")
    found = {}
    for name in sensors:
        stamps = table.filter(pl.col(name).is_not_null() & pl.col("timestamp").is_not_null()).select(
            pl.col("timestamp").dt.epoch("us").diff().over(run).alias("step")
        )["step"]
        steps = stamps.filter(stamps > 0)
        if len(steps) >= _FEWEST_VALUES - 1:
            found[name] = float(np.median(steps.to_numpy())) / 1e6
    return found


def mixed_cadence(table: pl.DataFrame, sensors: Sequence[str]) -> Finding | None:
    """Returns a finding when sensors of one table come at different cadence, so that most rows lack some of them."""
    steps = cadences(table, sensors)
    if len(steps) < 2:
        return None
    fast, slow = min(steps.values()), max(steps.values())
    if slow <= _ANOTHER_CADENCE * fast:
        return None
    rare = [name for name, step in steps.items() if step > _ANOTHER_CADENCE * fast]
    return Finding(
        "CADENCE_MIXED",
        "warning",
        f"Sensors come at different cadence: every {fast:g} s and, for {', '.join(rare[:5])}"
        f"{' and more' if len(rare) > 5 else ''}, every {slow:g} s. Rows in between lack them; aligning to the slowest "
        "makes one complete row for each of its values.",
        "",
        {"steps_s": steps},
    )


def align(table: pl.DataFrame, sensors: Sequence[str], options: AlignOptions) -> Aligned:
    """Returns the rows of the row sensor's values, with the latest value of every other column as of then.

    `table` is sorted by run and time and has `timestamp`; rows without a time are left out and counted. Raises
    ALIGNMENT_IMPOSSIBLE without times, for a sensor that is not mapped, and for a negative tolerance.
    """
    if not options.rows:
        return Aligned(table, {})
    if "timestamp" not in table.columns:
        raise SensorForgeError("ALIGNMENT_IMPOSSIBLE", "Rows without timestamps cannot be aligned by time.")
    if options.tolerance_s < 0:
        raise SensorForgeError("ALIGNMENT_IMPOSSIBLE", f"The tolerance is {options.tolerance_s:g} s; it must be 0 up.")
    steps = cadences(table, sensors)
    if options.rows != SLOWEST and options.rows not in sensors:
        raise SensorForgeError(
            "ALIGNMENT_IMPOSSIBLE",
            f"Rows cannot be aligned to {options.rows!r}: no column is mapped to it. Mapped are: {', '.join(sensors)}.",
        )
    if not steps:
        raise SensorForgeError("ALIGNMENT_IMPOSSIBLE", "No sensor has three values with a time: there is no cadence.")
    base = options.rows if options.rows != SLOWEST else max(steps, key=lambda name: steps[name])
    step = steps.get(base, 0.0)
    timed = table.filter(pl.col("timestamp").is_not_null())
    rows = timed.filter(pl.col(base).is_not_null())
    result = rows
    stale: dict[str, int] = {}
    for name in sensors:
        if name == base:
            continue
        tolerance = options.tolerance_s or max(steps.get(name, step), step)
        result = result.with_columns(_as_of(rows, timed, name, tolerance))
        stale[name] = result[name].null_count()
    report = {
        "rows": base,
        "step_s": step,
        "steps_s": steps,
        "tolerance_s": options.tolerance_s or "the longer usual step",
        "rows_in": table.height,
        "rows_out": result.height,
        "without_time": table.height - timed.height,
        "stale": {name: count for name, count in stale.items() if count},
    }
    return Aligned(result, report, tuple(_told(base, step, report)))


def _told(base: str, step: float, report: Mapping[str, Any]) -> list[Finding]:
    found = [
        Finding(
            "ALIGNED",
            "info",
            f"{report['rows_out']:,} of {report['rows_in']:,} rows are kept, one for each value of {base} (every "
            f"{step:g} s); the other sensors give their latest value.",
        )
    ]
    if report["stale"]:
        shown = ", ".join(f"{name} in {count:,}" for name, count in list(report["stale"].items())[:5])
        found.append(
            Finding("ALIGNED_STALE", "warning", f"No value within the tolerance: {shown} rows; they stay missing.")
        )
    return found


def _as_of(rows: pl.DataFrame, values: pl.DataFrame, name: str, tolerance_s: float) -> pl.Series:
    """Returns for each row the latest value of a column at or before it, in its run, at most `tolerance_s` old."""
    keys = ["timestamp"] + (["run_id"] if "run_id" in rows.columns else [])
    left = rows.select(keys).with_row_index("row").sort("timestamp", maintain_order=True)
    right = values.select([*keys, name]).filter(pl.col(name).is_not_null()).sort("timestamp", maintain_order=True)
    joined = left.join_asof(
        right,
        on="timestamp",
        by="run_id" if "run_id" in keys else None,
        strategy="backward",
        tolerance=f"{round(tolerance_s * 1e6)}us",
        check_sortedness=False,
    )
    return joined.sort("row")[name]


def join(table: pl.DataFrame, other: pl.DataFrame, tolerance_s: float = 0.0) -> Aligned:
    """Returns the rows of the slower of two mapped tables with the columns of both.

    Both have `timestamp` and are sorted by run and time; run ids are matched where both have them. Raises
    ALIGNMENT_IMPOSSIBLE without times or runs in common, and MAPPING_CONFLICT when a sensor is in both.
    """
    for which, frame in (("first", table), ("second", other)):
        if "timestamp" not in frame.columns or frame["timestamp"].null_count() == frame.height:
            raise SensorForgeError("ALIGNMENT_IMPOSSIBLE", f"The {which} table has no timestamps to join by.")
    both = sorted(set(_measured(table)) & set(_measured(other)))
    if both:
        raise SensorForgeError(
            "MAPPING_CONFLICT", f"Both tables have {', '.join(both)}; leave them out of one of the mappings."
        )
    if ("run_id" in table.columns) != ("run_id" in other.columns):
        raise SensorForgeError("ALIGNMENT_IMPOSSIBLE", "Only one of the tables has runs: map a run column in both.")
    steps = (_usual_step(table), _usual_step(other))
    rows, values = (table, other) if steps[0] >= steps[1] else (other, table)
    rows = rows.filter(pl.col("timestamp").is_not_null())
    values = values.filter(pl.col("timestamp").is_not_null())
    tolerance = tolerance_s or max(steps)
    added = [_as_of(rows, values, name, tolerance) for name in _measured(values)]
    result = rows.with_columns(added)
    matched = result.select(pl.any_horizontal(pl.col(series.name).is_not_null() for series in added)).to_series()
    if not int(matched.sum()):
        run = " in the same run" if "run_id" in rows.columns else ""
        nearest = _nearest(rows, values)
        raise SensorForgeError(
            "ALIGNMENT_IMPOSSIBLE",
            f"No row of the one table is within {tolerance:g} s after a row of the other{run}: "
            + ("they do not overlap in time." if nearest is None else f"the nearest is {nearest:g} s after one."),
            remedy="Join logs of the same period."
            if nearest is None
            else f"Give a tolerance of at least {nearest:g} s, or join logs of the same period.",
        )
    report = {
        "rows_of": "table" if rows.height and steps[0] >= steps[1] else "other",
        "steps_s": {"table": steps[0], "other": steps[1]},
        "tolerance_s": tolerance,
        "rows_in": {"table": table.height, "other": other.height},
        "rows_out": result.height,
        "matched": int(matched.sum()),
    }
    missing = result.height - int(matched.sum())
    findings = []
    if missing:
        findings.append(
            Finding(
                "JOINED_UNMATCHED",
                "warning",
                f"{missing:,} of {result.height:,} rows have no row of the other table within {tolerance:g} s before "
                "them; its sensors are missing there.",
            )
        )
    return Aligned(result, report, tuple(findings))


def _nearest(rows: pl.DataFrame, values: pl.DataFrame) -> float | None:
    """Returns the seconds from a row back to the nearest earlier row of the other table, None where the tables are of
    different periods."""
    ends = [frame.select(first=pl.col("timestamp").min(), last=pl.col("timestamp").max()) for frame in (rows, values)]
    if (ends[1]["first"] > ends[0]["last"]).any() or (ends[1]["last"] < ends[0]["first"]).any():
        return None
    moments = values.with_columns(pl.col("timestamp").alias("\0earlier"))
    earlier = _as_of(rows, moments, "\0earlier", _LONGEST_S)
    gap = (rows["timestamp"] - earlier).dt.total_microseconds().min()
    return None if gap is None else int(str(gap)) / 1e6


_LONGEST_S = 1e10  # three centuries


def _measured(table: pl.DataFrame) -> list[str]:
    return [name for name in table.columns if name not in ("source_row", "timestamp", "run_id", "segment")]


def _usual_step(table: pl.DataFrame) -> float:
    run = pl.col("run_id") if "run_id" in table.columns else pl.lit("")
    steps = table.select(pl.col("timestamp").dt.epoch("us").diff().over(run).alias("s"))["s"]
    steps = steps.filter(steps > 0)
    return float(np.median(steps.to_numpy())) / 1e6 if len(steps) else 0.0
