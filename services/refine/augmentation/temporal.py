"""What tells ordered rows from shuffled ones: autocorrelation, steps, lagged cross-correlation, nearest runs.

All functions take lists of runs, arrays (T, D) in engineering units or scores, without missing values. Definitions are
in docs/physics.md; row metrics are blind to all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Runs = Sequence[NDArray[np.floating]]

LAGS = 50
CROSS_LAGS = (0, 1, 5, 10)


def autocorrelation(runs: Runs, lags: int = LAGS) -> Array:
    """Returns the autocorrelation at lags 1 .. lags, (lags, D): run means removed, averaged over runs.

    Runs not longer than lags + 5 are left out; NaN where none is left.
    """
    found = []
    for run in runs:
        if len(run) > lags + 5:
            y = run - run.mean(0)
            variance = (y * y).sum(0) + 1e-12
            found.append(np.stack([(y[:-k] * y[k:]).sum(0) / variance for k in range(1, lags + 1)]))
    return np.mean(found, 0) if found else np.full((lags, runs[0].shape[1] if len(runs) else 0), np.nan)


def common_lags(*groups: Runs) -> int:
    """Returns the number of lags, at most 50, for which at least half of each group's runs are long enough."""
    halves = [float(np.median([len(run) for run in group])) for group in groups if len(group)]
    return int(max(2, min([LAGS, *(half - 6 for half in halves)])))


def autocorrelation_error(real: Runs, other: Runs) -> float:
    """Returns the mean |difference| of autocorrelations over lags and columns."""
    lags = common_lags(real, other)
    return float(np.nanmean(np.abs(autocorrelation(real, lags) - autocorrelation(other, lags))))


def cross_correlation(runs: Runs, centre: Array, scale: Array) -> Array:
    """Returns lagged correlation matrices (lags, D, D) of rows standardised by `centre` and `scale`."""
    matrices = []
    for lag in CROSS_LAGS:
        total, pairs = np.zeros((len(centre), len(centre))), 0
        for run in runs:
            if len(run) > lag:
                y = (run - centre) / scale
                total += y[: len(y) - lag].T @ y[lag:]
                pairs += len(y) - lag
        matrices.append(total / max(pairs, 1))
    return np.stack(matrices)


def cross_correlation_error(real: Runs, other: Runs) -> float:
    """Returns the mean |difference| of the lagged correlation matrices, each standardised by itself."""

    def of(runs: Runs) -> Array:
        pooled = np.concatenate(list(runs)).astype(np.float64)
        return cross_correlation(runs, pooled.mean(0), pooled.std(0) + 1e-12)

    return float(np.abs(of(real) - of(other)).mean())


def step_distance(real: Runs, other: Runs) -> float:
    """Returns the Wasserstein-1 distance of first differences in real standard deviations, mean of columns."""
    scale = np.concatenate(list(real)).std(0) + 1e-12
    a = np.concatenate([np.diff(run, axis=0) for run in real]) / scale
    b = np.concatenate([np.diff(run, axis=0) for run in other]) / scale
    return float(np.mean([wasserstein(a[:, j], b[:, j]) for j in range(a.shape[1])]))


def wasserstein(a: NDArray[np.floating], b: NDArray[np.floating], levels: int = 2000) -> float:
    """Returns the Wasserstein-1 distance of two samples from their quantiles at evenly spaced levels."""
    q = (np.arange(levels) + 0.5) / levels
    return float(np.abs(np.quantile(a, q) - np.quantile(b, q)).mean())


@dataclass(frozen=True)
class NearestRuns:
    """Distances of runs to their nearest training run, and of training runs to each other."""

    synthetic: Array
    real: Array

    @property
    def close_share(self) -> float:
        """Share of synthetic runs nearer to a training run than all but 5 % of training runs are to another one."""
        return float((self.synthetic < np.quantile(self.real, 0.05)).mean()) if len(self.real) > 1 else float("nan")

    @property
    def ratio(self) -> float:
        """Median synthetic distance over median real distance: about 1 or more is fresh, near 0 is copied."""
        return float(np.median(self.synthetic) / np.median(self.real)) if len(self.real) > 1 else float("nan")


def nearest_runs(train: Runs, synthetic: Runs, points: int = 64) -> NearestRuns:
    """Returns nearest-run distances: RMS difference of paths, aligned at their ends, on `points` samples."""

    def tail(run: NDArray[np.floating], length: int) -> Array:
        at = np.linspace(len(run) - length, len(run) - 1, points)
        rows = np.arange(len(run))
        return np.stack([np.interp(at, rows, run[:, j]) for j in range(run.shape[1])], 1)

    def distance(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
        length = min(len(one), len(other))
        return float(np.sqrt(((tail(one, length) - tail(other, length)) ** 2).mean()))

    to_train = np.array([min(distance(run, real) for real in train) for run in synthetic])
    among = [
        min(distance(run, o) for j, o in enumerate(train) if j != i) for i, run in enumerate(train) if len(train) > 1
    ]
    return NearestRuns(to_train, np.array(among))
