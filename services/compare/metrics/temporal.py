"""Structure in time, for sets that are time series: memory, step sizes, lagged dependence, and whole windows.

Promises: nothing is ever paired across runs. Every number comes with resampled values: whole runs are drawn with
replacement (stretches of at least 100 rows where there are fewer than eight runs), real and synthetic ones alike. Row
metrics are blind to all of this: shuffled rows score as well as real ones there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.compare.datasets import Codes, Floats, Rows
from services.compare.metrics.classifier import auc, scores_out_of_fold
from services.compare.metrics.samples import UNKNOWN, Measured

MAX_LAG = 50
CROSS_LAGS = (1, 5, 20)
WINDOW = 20
RESAMPLES = 60
MOST_WINDOWS = 600
# With fewer the trees cannot split at all and say 0.5 of anything.
_FEWEST_WINDOWS = 40
# Fewer pairs than this at a lag say nothing about it.
_FEWEST_PAIRS = 10
_FEWEST_RUNS = 8
_SHORTEST_STRETCH = 100
_MOST_UNITS = 100
FEWEST_UNITS = 3


@dataclass(frozen=True)
class Series:
    """Rows in time, with how often each unit of resampling (runs, or stretches of few runs) counts in each draw."""

    rows: Rows
    seed: int = 0
    resamples: int = RESAMPLES

    @cached_property
    def units(self) -> Codes:
        """Number of the unit each row belongs to, (n,)."""
        runs = self.rows.runs
        starts = np.r_[True, runs[1:] != runs[:-1]]
        position = np.arange(len(runs)) - np.maximum.accumulate(np.where(starts, np.arange(len(runs)), 0))
        if starts.sum() < _FEWEST_RUNS:
            starts |= position % max(_SHORTEST_STRETCH, len(runs) // _MOST_UNITS) == 0
        unit = np.cumsum(starts) - 1
        count = int(unit[-1]) + 1
        return np.asarray(unit * _MOST_UNITS // count if count > _MOST_UNITS else unit)

    @cached_property
    def weights(self) -> Floats:
        """How often each unit counts, (1 + draws, units), row 0 all ones; no draws with one or two units."""
        count = int(self.units[-1]) + 1
        rng = np.random.default_rng([self.seed, 31])
        draws = rng.multinomial(count, np.full(count, 1 / count), size=self.resamples if count >= FEWEST_UNITS else 0)
        return np.vstack([np.ones(count), draws])

    @cached_property
    def centered(self) -> Floats:
        """Values about each column's mean over all rows."""
        known = ~np.isnan(self.rows.numeric)
        mean = np.nansum(self.rows.numeric, axis=0) / np.maximum(known.sum(axis=0), 1)
        return np.asarray(self.rows.numeric - mean)

    def together(self, lag: int) -> Codes:
        """Rows whose row `lag` later is of the same run."""
        return np.flatnonzero(self.rows.runs[lag:] == self.rows.runs[:-lag])

    def by_unit(self, values: Floats, rows: Codes) -> Floats:
        """Sums values (k, ...) of the rows (k,) over units; missing values count nowhere."""
        total = np.zeros((self.weights.shape[1], *values.shape[1:]))
        if len(rows):
            unit = self.units[rows]
            first = np.flatnonzero(np.r_[True, unit[1:] != unit[:-1]])
            np.add.at(total, unit[first], np.add.reduceat(values, first, axis=0))
        return total

    @cached_property
    def variance(self) -> Floats:
        """Variance of each column in each draw, (1 + draws, d); NaN where a column does not vary."""
        every = np.arange(len(self.rows))
        known = self.by_unit((~np.isnan(self.centered)).astype(np.float64), every)
        square = self.by_unit(np.nan_to_num(self.centered**2), every)
        found = (self.weights @ square) / np.maximum(self.weights @ known, 1e-12)
        return np.where(found > 1e-18, found, np.nan)

    @cached_property
    def autocorrelations(self) -> Floats:
        """Autocorrelation at lags 1 to 50, (1 + draws, lags, d), pooled over runs; NaN where it cannot be told."""
        result = np.full((len(self.weights), MAX_LAG, self.rows.numeric.shape[1]), np.nan)
        for lag in range(1, min(MAX_LAG + 1, len(self.rows))):
            pair = self.together(lag)
            if len(pair) < _FEWEST_PAIRS:
                break
            product = self.centered[pair] * self.centered[pair + lag]
            known = self.weights @ self.by_unit((~np.isnan(product)).astype(np.float64), pair)
            total = self.weights @ self.by_unit(np.nan_to_num(product), pair)
            result[:, lag - 1] = np.where(known > 0, total / np.maximum(known, 1e-12), np.nan) / self.variance
        return result

    def cross_correlations(self, lag: int) -> Floats:
        """Correlation of column i with column j `lag` rows later, (1 + draws, d, d); NaN where it cannot be told."""
        pair = self.together(lag)
        d = self.rows.numeric.shape[1]
        total = np.zeros((self.weights.shape[1], d, d))
        known = np.zeros((self.weights.shape[1], d, d))
        now, then = self.centered[pair], self.centered[pair + lag]
        unit = self.units[pair]
        for u in np.unique(unit):
            mine = unit == u
            a, b = now[mine], then[mine]
            total[u] = np.nan_to_num(a).T @ np.nan_to_num(b)
            known[u] = (~np.isnan(a)).astype(np.float64).T @ (~np.isnan(b)).astype(np.float64)
        scale = np.sqrt(self.variance)
        count = np.tensordot(self.weights, known, 1)
        mean = np.where(count > 0, np.tensordot(self.weights, total, 1) / np.maximum(count, 1e-12), np.nan)
        return np.asarray(mean / (scale[:, :, None] * scale[:, None, :]))


def autocorrelation_error(real: Series, rows: Series, names: tuple[str, ...] = ()) -> Measured:
    """Mean |difference| of autocorrelations over lags 1 to 50 and columns, each column about its mean over all rows.

    A column that varies in the real rows and not in the others counts as 0 there.
    """
    first, second = _together(real.autocorrelations, rows.autocorrelations)
    gap = np.abs(first - _where_other_is_known(second, first, rows.autocorrelations[0]))
    if not np.isfinite(gap[0]).any():
        return UNKNOWN
    per_column = {name: _mean(gap[0, :, j]) for j, name in enumerate(names) if np.isfinite(gap[0, :, j]).any()}
    return _averaged(gap, per_column)


def lagged_correlation_error(real: Series, rows: Series) -> Measured:
    """Mean |difference| of the correlations between one column and another 1, 5 and 20 rows later, over all pairs."""
    gaps = []
    for lag in CROSS_LAGS:
        if min(len(real.together(lag)), len(rows.together(lag))) < _FEWEST_PAIRS:
            continue
        first, second = _together(real.cross_correlations(lag), rows.cross_correlations(lag))
        gap = np.abs(first - np.where(np.isnan(second) & ~np.isnan(first), 0.0, second))
        d = gap.shape[1]
        gaps.append(gap[:, ~np.eye(d, dtype=bool)])
    if not gaps or not np.isfinite(gaps[0][0]).any():
        return UNKNOWN
    return _averaged(np.stack(gaps, axis=1), {})


def step_distance(real: Series, rows: Series, scale: Floats) -> Measured:
    """Wasserstein-1 distance of the differences between neighbouring rows over `scale` (d,), mean over columns."""
    columns = []
    for j in range(real.rows.numeric.shape[1]):
        steps, weights = [], []
        for part in (real, rows):
            pair = part.together(1)
            step = part.rows.numeric[pair + 1, j] - part.rows.numeric[pair, j]
            known = ~np.isnan(step)
            steps.append(step[known])
            weights.append(part.weights[:, part.units[pair[known]]])
        if min(map(len, steps)) >= _FEWEST_PAIRS:
            columns.append(_transport(steps, weights) / float(scale[j]))
    return _averaged(np.stack(columns, axis=1), {}) if columns else UNKNOWN


def window_two_sample_test(real: Series, rows: Series) -> Measured:
    """C2ST on windows of 20 neighbouring rows, as many of each (at most 600): ROC-AUC out of fold of gradient boosting
    that sees of every column in a window its mean, spread, slope and mean absolute step. 0.5: it cannot tell."""
    parts = [_windows(part) for part in (real, rows)]
    n = min(min(len(x) for x, _ in parts), MOST_WINDOWS)
    if n < _FEWEST_WINDOWS:
        return UNKNOWN
    rng = np.random.default_rng([real.seed, 32])
    chosen = [np.sort(rng.choice(len(x), n, replace=False)) for x, _ in parts]
    x = np.vstack([part[0][pick] for part, pick in zip(parts, chosen, strict=True)])
    y = np.r_[np.zeros(n), np.ones(n)]
    score = scores_out_of_fold(x, y, real.seed, rounds=50)
    first, second = (
        part.weights[:, unit[pick]] for part, (_, unit), pick in zip((real, rows), parts, chosen, strict=True)
    )
    size = min(len(first), len(second))
    values = auc(score[:n], score[n:], first[:size], second[:size], np.argsort(score, kind="stable"))
    return Measured(float(values[0]), values[1:], floor=0.5)


def _windows(part: Series) -> tuple[Floats, Codes]:
    """Returns what is seen of each window, (windows, 4 d), and its unit; windows of a run do not overlap."""
    runs = part.rows.runs
    starts = np.r_[True, runs[1:] != runs[:-1]]
    position = np.arange(len(runs)) - np.maximum.accumulate(np.where(starts, np.arange(len(runs)), 0))
    first = np.flatnonzero(position % WINDOW == 0)
    first = first[first + WINDOW <= len(runs)]
    first = first[runs[first] == runs[first + WINDOW - 1]]
    values = part.rows.numeric[first[:, None] + np.arange(WINDOW)]  # (windows, 20, d)
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=1), 1)
    mean = np.nansum(values, axis=1) / count
    away = np.nan_to_num(values - mean[:, None])
    time = (np.arange(WINDOW) - (WINDOW - 1) / 2)[None, :, None]
    step = np.abs(np.diff(values, axis=1))
    steps = np.nansum(step, axis=1) / np.maximum((~np.isnan(step)).sum(axis=1), 1)
    seen = [mean, np.sqrt((away**2).sum(axis=1) / count), (away * time).sum(axis=1), steps]
    return np.hstack(seen), part.units[first]


def _together(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Returns both with as many draws as the one with fewer."""
    size = min(len(first), len(second))
    return first[:size], second[:size]


def _where_other_is_known(second: Floats, first: Floats, value: Floats) -> Floats:
    """Returns the second with 0 where its column does not vary though the first one's does, lag by lag."""
    lags = np.flatnonzero(np.isfinite(value).any(axis=1))  # lags for which the second has any pairs at all
    result = second.copy()
    result[:, lags] = np.where(np.isnan(second[:, lags]) & ~np.isnan(first[:, lags]), 0.0, second[:, lags])
    return result


def _mean(values: Floats) -> float:
    return float(values[np.isfinite(values)].mean())


def _averaged(gap: Floats, per_column: dict[str, float | None] | dict[str, float]) -> Measured:
    """Returns the mean over everything but the draws, of what is known of the value itself."""
    flat = gap.reshape(len(gap), -1)
    flat = flat[:, np.isfinite(flat[0])]
    known = np.isfinite(flat)
    mean = np.where(known, flat, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return Measured(float(mean[0]), mean[1:], dict(per_column))


def _transport(steps: list[Floats], weights: list[Floats]) -> Floats:
    """Returns the Wasserstein-1 distance for each draw."""
    values = np.concatenate(steps)
    order = np.argsort(values, kind="stable")
    gaps = np.diff(values[order])
    size = min(map(len, weights))
    result = np.empty(size)
    for b in range(size):
        real, rows = weights[0][b], weights[1][b]
        mass = np.concatenate([real / max(real.sum(), 1e-12), -rows / max(rows.sum(), 1e-12)])
        result[b] = np.abs(np.cumsum(mass[order])[:-1]) @ gaps
    return result
