"""Augmented sets, checked before anyone trains on them: the same questions as for real data, plus those about time.

Promises: every check is a finding with its number; nothing is repaired. Rows are compared with the real test rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from services.compare.datasets import RUL, Datasets, Floats, rows_of
from services.compare.metrics.correlation import correlation_error
from services.compare.metrics.marginal import kl_divergence, limit_violations
from services.compare.metrics.samples import Samples
from services.compare.metrics.temporal import autocorrelation, autocorrelation_error, step_distance

SPLITS = ("train", "val", "test")
# Enough for every metric here, and it keeps 50,000 x 50 rows small.
_MOST_ROWS = 20_000


@dataclass(frozen=True)
class Check:
    """One check of an augmented set."""

    name: str
    outcome: Literal["pass", "fail", "skipped"]
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
    samples = Samples("augmented", data, part, seed, resamples=0)
    outside = limit_violations(samples)
    if outside.value is not None:
        checks.append(
            Check(
                "inside_limits",
                "pass" if outside.value <= 0.001 else "fail",
                f"{100 * outside.value:.2f} % of the rows leave the profile's limits.",
            )
        )
    real = data.test if len(np.unique(data.test.runs)) < len(data.test) / 2 else data.train
    error, per_column = autocorrelation_error(real, part)
    best, _ = autocorrelation_error(real, data.train)
    numbers = {
        "rows": {split: len(table) for split, table in sets.items()},
        "runs": {split: _runs(table) for split, table in sets.items()},
        "kl_divergence": kl_divergence(samples).value,
        "correlation_error": correlation_error(samples).value,
        "limit_violations": outside.value,
        "autocorrelation_error": error,
        "autocorrelation_error_control": best,
        "autocorrelation_error_per_sensor": {data.numeric[j].name: value for j, value in per_column.items()},
        "step_distance": step_distance(real, part, data.scale[1]),
    }
    return AugmentedQuality(tuple(checks), numbers, autocorrelation(real), autocorrelation(part))


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
