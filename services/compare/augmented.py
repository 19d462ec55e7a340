"""Augmented sets, checked before anyone trains on them: the same questions as for real data, plus those about time.

Promises: every check is a finding with its number; nothing is repaired. Rows are compared with the real test rows, and
real training rows beside them say what a perfect set would get.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from services.compare.datasets import RUL, Datasets, Floats, rows_of
from services.compare.metrics import temporal
from services.compare.metrics.correlation import correlation_error
from services.compare.metrics.marginal import kl_divergence, limit_violations, missing_error
from services.compare.metrics.samples import Measured, Samples
from services.compare.metrics.temporal import Series

_FEW_UNITS = 5
SPLITS = ("train", "val", "test")
# Enough for every metric here, and it keeps 50,000 x 50 rows small.
_MOST_ROWS = 20_000
_RESAMPLES = 40
# An excess over real training rows that a model of time series would notice; independent rows exceed both by far.
_CORRELATION_LIMIT = 0.05
_AUTOCORRELATION_LIMIT = 0.05

DEFINITIONS = {
    "autocorrelation_error": "Mean |difference| of autocorrelations to the real test rows, lags 1 to 50 and all "
    "columns that vary; pairs of rows of one run only, each column about its mean over all rows.",
    "lagged_correlation_error": "Mean |difference| of the correlations between one column and another 1, 5 and 20 rows "
    "later in the same run, over all pairs of columns.",
    "step_distance": "Wasserstein-1 distance of the differences between neighbouring rows of a run, over the standard "
    "deviation of the real training values; mean over columns.",
    "window_c2st_auc": "ROC-AUC, out of fold over 3 folds, of gradient boosting that tells windows of 20 neighbouring "
    "rows from real ones, as many of each (at most 600), by each column's mean, spread, slope and mean step. 0.5: it "
    "cannot tell; 1: it always can. Runs of one machine differ, so compare with what real training rows get.",
    "interval": "95 % interval from drawing whole runs with replacement (stretches of at least 100 rows where there "
    "are fewer than eight runs), real and augmented ones; none where there are only one or two to draw.",
}


@dataclass(frozen=True)
class Check:
    """One check of an augmented set."""

    name: str
    outcome: Literal["pass", "fail", "undecided", "skipped"]
    explanation: str


@dataclass(frozen=True)
class AugmentedQuality:
    """All checks, the numbers behind them, and autocorrelations (lags, d) of real and augmented rows for a plot."""

    checks: tuple[Check, ...]
    numbers: Mapping[str, Any]
    real_autocorrelation: Floats
    autocorrelation: Floats

    def to_json(self) -> dict[str, Any]:
        """Returns the part of comparison.json about augmented sets."""
        return {"checks": [asdict(check) for check in self.checks], **self.numbers}


def check_augmented(sets: Mapping[str, pl.DataFrame], data: Datasets, seed: int = 0) -> AugmentedQuality:
    """Returns the checks of the sets (by split name) against the real rows of a comparison."""
    checks = [_disjoint(sets), _sorted(sets), _falling(sets)]
    whole = pl.concat([table for table in sets.values() if len(table)], how="diagonal_relaxed")
    rows = rows_of(whole, data.numeric, data.states)
    part = rows.take(np.arange(min(len(rows), _MOST_ROWS)))
    samples = Samples("augmented", data, part, seed, resamples=_RESAMPLES)
    beside_real = Samples("control", data, data.train, seed, resamples=_RESAMPLES)
    outside = limit_violations(samples)
    if outside.value is not None:
        checks.append(
            Check(
                "inside_limits",
                "pass" if outside.value <= 0.001 else "fail",
                f"{100 * outside.value:.2f} % of the rows leave the profile's limits.",
            )
        )
    missing = missing_error(samples)
    worst = missing.details.get("max") or 0.0
    checks.append(
        Check(
            "cells_filled",
            "pass" if worst <= 0.05 else "fail",
            f"The share of missing cells differs from the real rows' by at most {100 * worst:.1f} % of a column.",
        )
    )
    dependence, best = correlation_error(samples), correlation_error(beside_real)
    checks.append(_kept("correlations_kept", "Correlation error", dependence, best.value, _CORRELATION_LIMIT))
    # Without runs of neighbouring test rows (a random split), training rows have to stand for reality, and no control.
    use_test = len(np.unique(data.test.runs)) < len(data.test) / 2
    real = Series(data.test if use_test else data.train, seed)
    mine = Series(part, seed + 1)
    measured = {"kl_divergence": kl_divergence(samples), "correlation_error": dependence} | _in_time(real, mine, data)
    control = {"kl_divergence": kl_divergence(beside_real), "correlation_error": best}
    if use_test:
        control |= _in_time(real, Series(data.train, seed + 2), data)
    numbers: dict[str, Any] = {
        "rows": {split: len(table) for split, table in sets.items()},
        "runs": {split: _runs(table) for split, table in sets.items()},
        "missing_error": missing.value,
        "limit_violations": outside.value,
        "autocorrelation_error_per_sensor": dict(measured["autocorrelation_error"].per_column),
        "definitions": DEFINITIONS,
    }
    for name, value in measured.items():
        beside = control.get(name)
        numbers[name] = value.value
        numbers[f"{name}_interval"] = list(value.interval)
        numbers[f"{name}_control"] = beside.value if beside else None
        numbers[f"{name}_control_interval"] = list(beside.interval) if beside else [None, None]
    units = int(real.units.max()) + 1
    if units < temporal.FEWEST_UNITS:
        numbers["interval_note"] = (
            f"No intervals in time: the {len(real.rows)} real rows make {units} stretches, too few to resample."
        )
    elif units < _FEW_UNITS:
        numbers["interval_note"] = (
            f"Intervals in time rest on {units} real runs or stretches only; take them as a lower bound of the doubt."
        )
    memory = measured["autocorrelation_error"]
    real_memory = numbers["autocorrelation_error_control"]
    checks.append(_kept("memory_kept", "Autocorrelation error", memory, real_memory, _AUTOCORRELATION_LIMIT))
    return AugmentedQuality(tuple(checks), numbers, real.autocorrelations[0], mine.autocorrelations[0])


def _in_time(real: Series, rows: Series, data: Datasets) -> dict[str, Measured]:
    return {
        "autocorrelation_error": temporal.autocorrelation_error(
            real, rows, tuple(column.name for column in data.numeric)
        ),
        "lagged_correlation_error": temporal.lagged_correlation_error(real, rows),
        "step_distance": temporal.step_distance(real, rows, data.scale[1]),
        "window_c2st_auc": temporal.window_two_sample_test(real, rows),
    }


def _kept(name: str, title: str, measured: Measured, control: float | None, limit: float) -> Check:
    """Returns whether a set keeps what it should: its error may exceed that of real training rows by the limit. Whether
    one that exceeds it does so by more than chance, its interval says, where it has one."""
    value, low = measured.value, measured.interval[0]
    if value is None or control is None:
        return Check(name, "skipped", f"{title} cannot be compared with that of real training rows here.")
    text = f"{title} is {value:.3f}, real training rows get {control:.3f}; {limit:g} more is accepted."
    if value - control <= limit:
        return Check(name, "pass", text)
    if low is not None and low - control <= limit:
        return Check(name, "undecided", f"{text} That may be chance: its interval begins at {low:.3f}.")
    return Check(name, "fail", text)


def _runs(table: pl.DataFrame) -> int:
    return table["run_id"].n_unique() if "run_id" in table.columns else 1


def _disjoint(sets: Mapping[str, pl.DataFrame]) -> Check:
    if not all("run_id" in table.columns for table in sets.values()):
        return Check("runs_in_one_split", "skipped", "The sets have no run_id column.")
    runs = [set(table["run_id"].unique().to_list()) for table in sets.values()]
    shared = set().union(*runs) and sum(map(len, runs)) - len(set().union(*runs))
    text = "No run is in two splits." if not shared else f"{shared} runs are in more than one split."
    return Check("runs_in_one_split", "fail" if shared else "pass", text)


def _sorted(sets: Mapping[str, pl.DataFrame]) -> Check:
    if not all("timestamp" in table.columns for table in sets.values()):
        return Check("timestamps_sorted", "skipped", "The sets have no timestamp column.")
    wrong = sum(_wrong_steps(table, "timestamp", falling=False) for table in sets.values())
    text = (
        "Timestamps rise within every run." if not wrong else f"{wrong} timestamps are not later than the one before."
    )
    return Check("timestamps_sorted", "fail" if wrong else "pass", text)


def _falling(sets: Mapping[str, pl.DataFrame]) -> Check:
    if not all(RUL in table.columns and table[RUL].null_count() < len(table) for table in sets.values()):
        return Check("rul_decreasing", "skipped", "The sets have no remaining useful life.")
    wrong = sum(_wrong_steps(table, RUL, falling=True) for table in sets.values())
    text = (
        "Remaining useful life falls at every step of every run."
        if not wrong
        else f"Remaining useful life does not fall at {wrong} steps within runs."
    )
    return Check("rul_decreasing", "fail" if wrong else "pass", text)


def _wrong_steps(table: pl.DataFrame, column: str, *, falling: bool) -> int:
    step = pl.col(column).diff()
    if "run_id" in table.columns:
        step = step.over("run_id")
    if table[column].dtype.is_temporal():
        step = step.dt.total_microseconds()
    wrong = (step >= 0) if falling else (step <= 0)
    return int(table.select(wrong.sum()).item() or 0)
