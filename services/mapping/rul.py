"""Remaining useful life: counted back from a failure within each run, or kept as measured; never made up.

A run that is known to end in a failure has an RUL in every row. A run with recorded failures, in its own rows or in a
failure log, has one up to its last failure and none after it, because what came later is censored. A run of which
nothing is known has none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile
from services.machines.units import parse_unit
from services.mapping import errors as errors
from services.mapping.failure_log import FailureLog, life_from_log
from services.mapping.findings import Finding

RulMode = Literal["auto", "keep", "recompute", "none"]


@dataclass(frozen=True)
class RulOptions:
    """`cap` limits RUL from above in RUL units (0: no cap). `runs_end_in_failure` None means: not said."""

    mode: RulMode = "auto"
    cap: float = 0.0
    runs_end_in_failure: bool | None = None


@dataclass(frozen=True)
class RemainingLife:
    """RUL of every row (Float64, null where it cannot be known) or None when there is none, its unit and its source."""

    values: pl.Series | None
    unit: str
    source: Literal["none", "measured", "recomputed"]
    findings: tuple[Finding, ...] = ()


def remaining_life(
    table: pl.DataFrame,
    profile: MachineProfile,
    options: RulOptions,
    failure_columns: tuple[str, ...] = (),
    log: FailureLog | None = None,
) -> RemainingLife:
    """Returns the remaining useful life of a mapped or cleaned table, in the profile's RUL unit.

    `failure_columns` are label columns whose value above zero marks a failure; a failure `log` comes before them and
    before a mapped RUL. Counted in rows when the unit is cycles
    or the table has no time, else in the profile's unit of time. Raises RUL_UNKNOWABLE when `keep` finds no mapped RUL
    or `recompute` finds no failure to count back from.
    """
    if options.mode == "none":
        return RemainingLife(None, "", "none")
    if log is not None and options.mode != "keep":
        return _from_log(table, profile, options, log)
    mapped = "rul" in table.columns and table["rul"].null_count() < table.height
    if options.mode == "keep" and not mapped:
        raise SensorForgeError("RUL_UNKNOWABLE", "RUL mode keep was asked for, and no RUL column is mapped.")
    if mapped and options.mode != "recompute":
        kept = table["rul"].cast(pl.Float64)
        return RemainingLife(_capped(kept, options.cap), profile.rul_unit, "measured")
    return _recomputed(table, profile, options, failure_columns)


def _recomputed(
    table: pl.DataFrame, profile: MachineProfile, options: RulOptions, failure_columns: tuple[str, ...]
) -> RemainingLife:
    run = "run_id" if "run_id" in table.columns else ""
    findings: list[Finding] = []
    ends_in_failure = options.runs_end_in_failure
    failed = _failures(table, failure_columns) if ends_in_failure is not True else None
    runs = table[run].n_unique() if run else 1
    if ends_in_failure is None and failed is None and run and runs >= 3 and profile.rul_unit:
        ends_in_failure = True
        findings.append(
            Finding(
                "RUL_ASSUMED_FAILURE",
                "warning",
                f"The profile has a life in {profile.rul_unit} and the file has {runs} runs: each is taken to end in a "
                "failure. If some were stopped earlier, say so with runs_end_in_failure=false.",
            )
        )
    if not ends_in_failure and failed is None:
        if options.mode == "recompute":
            raise SensorForgeError(
                "RUL_UNKNOWABLE",
                "RUL cannot be recomputed: no run is known to end in a failure and no failure is recorded.",
            )
        return RemainingLife(None, "", "none", tuple(findings))
    clock, unit = _clock(table, profile, findings)
    codes = table[run].rle_id().to_numpy() if run else np.zeros(table.height, dtype=np.int64)
    values = _to_run_end(clock, codes) if failed is None else _to_next_failure(clock, codes, failed)
    findings += _censored(values)
    series = pl.Series(values).fill_nan(None)
    return RemainingLife(_capped(series, options.cap), unit, "recomputed", tuple(findings))


def _from_log(table: pl.DataFrame, profile: MachineProfile, options: RulOptions, log: FailureLog) -> RemainingLife:
    findings: list[Finding] = []
    if not profile.rul_unit and log.by_time:
        profile = replace(profile, rul_unit="h")
    clock, unit = _clock(table, profile, findings)
    parsed = parse_unit(unit)
    timed = parsed is not None and parsed.dimension == "time"
    values, noticed = life_from_log(table, clock, log, float(parsed.factor) if parsed is not None and timed else None)
    findings += noticed
    findings += _censored(values)
    return RemainingLife(_capped(pl.Series(values).fill_nan(None), options.cap), unit, "recomputed", tuple(findings))


def _censored(values: npt.NDArray[np.float64]) -> list[Finding]:
    count = int(np.isnan(values).sum())
    if not count:
        return []
    what = f"{count} of {len(values)} rows have no known failure after them and therefore no RUL."
    return [Finding("RUL_CENSORED", "info", what)]


def _failures(table: pl.DataFrame, columns: tuple[str, ...]) -> npt.NDArray[np.bool_] | None:
    marks = np.zeros(table.height, dtype=bool)
    for name in columns:
        series = table[name]
        if series.dtype == pl.Boolean or series.dtype.is_numeric():
            values = series.cast(pl.Float64).fill_null(0.0).to_numpy()
            if set(np.unique(values)) <= {0.0, 1.0}:
                marks |= values > 0
    return marks if marks.any() else None


def _clock(
    table: pl.DataFrame, profile: MachineProfile, findings: list[Finding]
) -> tuple[npt.NDArray[np.float64], str]:
    """Returns the position of every row on the life axis and its unit: time where the unit is one, else rows."""
    unit = parse_unit(profile.rul_unit)
    timed = "timestamp" in table.columns and table["timestamp"].null_count() == 0
    if unit is not None and unit.dimension == "time":
        if timed:
            seconds = table["timestamp"].dt.epoch("us").to_numpy() / 1e6
            return seconds / float(unit.factor), unit.symbol
        if profile.sampling_period_s:
            findings.append(
                Finding(
                    "RUL_FROM_SAMPLING_PERIOD",
                    "info",
                    f"Rows have no time; RUL in {unit.symbol} counts {profile.sampling_period_s:g} s a row.",
                )
            )
            return _rows(table) * profile.sampling_period_s / float(unit.factor), unit.symbol
        findings.append(
            Finding(
                "RUL_IN_ROWS",
                "warning",
                f"Rows have no time and the profile no sampling period: RUL is counted in rows, not in {unit.symbol}.",
            )
        )
        return _rows(table), "rows"
    return _rows(table), profile.rul_unit or "rows"


def _rows(table: pl.DataFrame) -> npt.NDArray[np.float64]:
    """Returns row numbers: the file's own where they ascend within runs, so that rows lost in cleaning still count."""
    if "source_row" in table.columns:
        run = pl.col("run_id") if "run_id" in table.columns else pl.lit(0)
        back = table.select((pl.col("source_row").diff() <= 0) & (run == run.shift(1)))
        if not back.to_series().fill_null(False).any():
            return table["source_row"].cast(pl.Float64).to_numpy()
    return np.arange(table.height, dtype=np.float64)


def _to_run_end(clock: npt.NDArray[np.float64], codes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    last = np.r_[np.flatnonzero(np.diff(codes) != 0), len(codes) - 1]
    lengths = np.diff(np.r_[-1, last])
    return np.repeat(clock[last], lengths) - clock


def _to_next_failure(
    clock: npt.NDArray[np.float64], codes: npt.NDArray[Any], failed: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Returns the time to the next failed row of the same run; NaN after the last one."""
    frame = pl.DataFrame({"code": codes, "at": np.where(failed, clock, np.nan)})
    following = frame.select(pl.col("at").fill_nan(None).backward_fill().over("code"))["at"].to_numpy()
    return np.asarray(following, dtype=np.float64) - clock


def _capped(values: pl.Series, cap: float) -> pl.Series:
    return values.clip(upper_bound=cap) if cap > 0 else values


_NEW_LIFE = 0.1  # an RUL that rises by more than this share of its run's longest is a repaired unit, no noise


def relative_life(table: pl.DataFrame) -> pl.Series:
    """Returns RUL as a share of the largest RUL of its life (1 = new, 0 = failed), null where RUL is.

    A life is a run, or a run's part from one failure to the next where RUL starts anew.
    """
    if "rul" not in table.columns:
        return pl.Series("relative", [None] * table.height, dtype=pl.Float64)
    run = pl.col("run_id") if "run_id" in table.columns else pl.lit("")
    rises = pl.col("rul").diff().over(run) > _NEW_LIFE * pl.col("rul").max().over(run)
    lives = table.with_columns(run.alias("run"), rises.fill_null(False).alias("anew")).with_columns(
        pl.col("anew").cast(pl.Int32).cum_sum().over("run").alias("life")
    )
    top = pl.col("rul").max().over("run", "life")
    return lives.select(pl.when(top == 0).then(pl.col("rul") * 0).otherwise(pl.col("rul") / top).alias("relative"))[
        "relative"
    ]


def quartile_of_life(table: pl.DataFrame) -> pl.Series:
    """Returns the quarter of life of each row, 0 (0-25 % left) to 3 (75-100 % left); null where RUL is."""
    return (relative_life(table) * 4).floor().clip(0, 3).cast(pl.Int8)
