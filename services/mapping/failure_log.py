"""Failure logs: a separate file that says which unit failed when, and what that makes of each row's remaining life.

It promises that RUL counts only to failures that are written down, within the unit they are written for, and that rows
after a unit's last failure, and units without one, have none: they are censored. A failure that cannot be placed is
reported, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from services.chassis.errors import SensorForgeError
from services.mapping import errors as errors
from services.mapping.findings import Finding
from services.mapping.lexicon_files import default_lexicon
from services.mapping.timeaxis import TimeOptions, read_times


@dataclass(frozen=True)
class FailureLogOptions:
    """Columns by name (empty: found by name and values), the kinds that count (empty: all), how to read time."""

    run_column: str = ""
    time_column: str = ""
    kind_column: str = ""
    kinds: tuple[str, ...] = ()
    time: TimeOptions = field(default_factory=TimeOptions)


@dataclass(frozen=True)
class FailureLog:
    """The failures: the unit of each ("" without a unit column), and when: UTC microseconds, or the position in the
    unit's life (in RUL units, cycles counted from 1) when the log has numbers. The report tells how it was read."""

    units: tuple[str, ...]
    instants: npt.NDArray[np.float64]
    by_time: bool
    report: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()


def read_failure_log(table: pl.DataFrame, options: FailureLogOptions) -> FailureLog:
    """Returns the failures of a parsed log. Raises FAILURE_LOG_UNREADABLE, and as `read_times` does."""
    columns = [name for name in table.columns if name != "source_row"]
    words = default_lexicon().roles
    for given in (options.run_column, options.time_column, options.kind_column):
        if given and given not in columns:
            raise _unreadable(f"it has no column {given!r}; it has: {', '.join(columns)}")
    when = options.time_column or _time_column(table, columns, words["log_unit"], words["log_time"])
    rest = [name for name in columns if name != when]
    run = options.run_column or _named(rest, words["log_unit"])
    kind = options.kind_column or _named([name for name in rest if name != run], words["log_kind"])
    if options.kinds:
        if not kind:
            raise _unreadable("kinds are asked for, and no column says the kind of failure")
        table = table.filter(pl.col(kind).cast(pl.String).str.strip_chars().is_in(list(options.kinds)))
    if not table.height:
        raise _unreadable("it has no failure" + (f" of the kinds {', '.join(options.kinds)}" if options.kinds else ""))
    findings: list[Finding] = []
    instants, by_time = _instants(table, when, options.time, findings)
    units = _units(table[run]) if run else [""] * table.height
    known = np.isfinite(instants)
    if not known.all():
        findings.append(
            Finding(
                "FAILURE_WITHOUT_TIME",
                "warning",
                f"{int((~known).sum())} of {table.height} failures of the log have no readable time and do not count.",
                when,
            )
        )
    if not known.any():
        raise _unreadable(f"no value of {when!r} can be read")
    report = {
        "columns": {"run": run, "time": when, "kind": kind},
        "by": "time" if by_time else "position in life",
        "failures": int(known.sum()),
        "kinds": _kinds(table[kind]) if kind else {},
    }
    kept = tuple(unit for unit, good in zip(units, known, strict=True) if good)
    return FailureLog(kept, instants[known], by_time, report, tuple(findings))


def _unreadable(what: str) -> SensorForgeError:
    return SensorForgeError("FAILURE_LOG_UNREADABLE", f"The failure log cannot be read: {what}.")


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _named(columns: Sequence[str], words: frozenset[str]) -> str:
    exact = next((name for name in columns if _key(name) in words), "")
    return exact or next(
        (name for name in columns if words & set(re.findall(r"[a-z]+", name.casefold().replace("_", " ")))), ""
    )


def _time_column(
    table: pl.DataFrame, columns: Sequence[str], unit_words: frozenset[str], time_words: frozenset[str]
) -> str:
    """Returns the column that says when: the only one with times, else the one whose name says it."""
    timed = [name for name in columns if table[name].dtype.is_temporal()]
    if len(timed) == 1:
        return timed[0]
    found = _named(timed or [name for name in columns if _key(name) not in unit_words], time_words)
    if not found:
        raise _unreadable(f"no column says when; name it with time_column. It has: {', '.join(columns)}")
    return found


def _instants(
    table: pl.DataFrame, when: str, time: TimeOptions, findings: list[Finding]
) -> tuple[npt.NDArray[np.float64], bool]:
    series = table[when]
    if series.dtype.is_numeric() and not time.format:
        values = series.cast(pl.Float64).to_numpy()
        if np.nanmax(np.where(np.isfinite(values), values, 0.0)) < 1e8:  # later than 1973 as seconds: a clock
            return values.astype(np.float64), False
    axis = read_times(table, [when], time)
    findings += axis.findings
    return axis.times.dt.epoch("us").cast(pl.Float64).fill_null(float("nan")).to_numpy(), True


def _units(series: pl.Series) -> list[str]:
    if series.dtype.is_float() and (series.drop_nulls() == series.drop_nulls().round()).all():
        series = series.cast(pl.Int64)
    return [str(value).strip() for value in series.cast(pl.String).fill_null("").to_list()]


def _kinds(series: pl.Series) -> dict[str, int]:
    counts = series.cast(pl.String).fill_null("").value_counts(sort=True).head(20)
    return dict(zip(counts.to_series(0).to_list(), counts.to_series(1).to_list(), strict=True))


def life_from_log(
    table: pl.DataFrame, clock: npt.NDArray[np.float64], log: FailureLog, seconds_per_unit: float | None
) -> tuple[npt.NDArray[np.float64], list[Finding]]:
    """Returns RUL of each row to the next failure of its unit (NaN: censored) and findings.

    `clock` is the rows' position on the life axis in RUL units, ascending within each run, which lie together.
    `seconds_per_unit` is the length of an RUL unit when the clock is the rows' time, None when it counts rows. Raises
    FAILURE_LOG_NO_MATCH when no failure belongs to a unit of the table.
    """
    one_unit = "run_id" not in table.columns
    if one_unit and len(set(log.units)) > 1:
        raise SensorForgeError(
            "FAILURE_LOG_NO_MATCH",
            f"The failure log names {len(set(log.units))} units, and the table has no runs to match them with.",
        )
    if log.by_time and "timestamp" not in table.columns:
        raise SensorForgeError("FAILURE_LOG_NO_MATCH", "The failure log has times, and the rows have none.")
    for_all = one_unit or set(log.units) == {""}
    logged = np.asarray(log.units, dtype=object)
    stamps = table["timestamp"].dt.epoch("us").to_numpy().astype(np.float64) if log.by_time else None
    values = np.full(table.height, np.nan)
    units: list[str] = []
    matched = 0
    for unit, rows in _blocks(table):
        units.append(unit)
        mine = log.instants if for_all else log.instants[logged == unit]
        if not len(mine):
            continue
        matched += 1
        at = np.sort(_on_the_clock(mine, clock[rows], None if stamps is None else stamps[rows], seconds_per_unit))
        place = np.searchsorted(at, clock[rows], side="left")
        known = place < len(at)
        part = values[rows]
        part[known] = at[place[known]] - clock[rows][known]
    if not matched:
        raise SensorForgeError(
            "FAILURE_LOG_NO_MATCH",
            f"No unit of the failure log ({', '.join(sorted(set(log.units))[:5])}) is a run of the table "
            f"({', '.join(units[:5])}).",
        )
    return values, _about(log, units, matched, for_all)


def _blocks(table: pl.DataFrame) -> list[tuple[str, slice]]:
    """Returns each unit with the slice of its rows."""
    if "run_id" not in table.columns:
        return [("", slice(0, table.height))]
    runs = table["run_id"].fill_null("").rle()
    ends = np.cumsum(runs.struct.field("len").to_numpy())
    names = runs.struct.field("value").to_list()
    return [
        (name, slice(int(end - size), int(end)))
        for name, end, size in zip(names, ends, np.diff(ends, prepend=0), strict=True)
    ]


def _on_the_clock(
    instants: npt.NDArray[np.float64],
    clock: npt.NDArray[np.float64],
    stamps: npt.NDArray[np.float64] | None,
    seconds_per_unit: float | None,
) -> npt.NDArray[np.float64]:
    """Returns where the failures of a unit lie on the life axis of its rows."""
    if stamps is None:
        return np.asarray(clock[0] + instants - (1.0 if seconds_per_unit is None else 0.0))
    if seconds_per_unit is not None:
        return np.asarray(instants / 1e6 / seconds_per_unit)
    # Counted in rows, the last row at or before a failure is the one that failed.
    index = np.searchsorted(stamps, instants, side="right") - 1
    return np.asarray(clock[index[index >= 0]], dtype=np.float64)


def _about(log: FailureLog, units: Sequence[str], matched: int, for_all: bool) -> list[Finding]:
    found = list(log.findings)
    if for_all:
        return found
    table_units = set(units)
    strange = sorted(set(log.units) - table_units)
    if strange:
        found.append(
            Finding(
                "FAILURE_UNIT_UNKNOWN",
                "warning",
                f"The failure log names units that the table does not have: {', '.join(strange[:5])}"
                f"{' and more' if len(strange) > 5 else ''}.",
            )
        )
    if len(table_units) > matched:
        found.append(
            Finding(
                "UNITS_WITHOUT_FAILURE",
                "info",
                f"{len(table_units) - matched} of {len(table_units)} units have no failure in the log; their rows are "
                "censored.",
            )
        )
    return found
