"""Which of several drawn lives a batch is made of: those that together remember as the training runs do.

Lives are not of one kind. Some sensors hardly move in most lives and run away in a few, and a memory in which every
life wanders alike, however exactly its average is fitted, makes too many lives of the middle kind. So more slow paths
are drawn than are needed, and in a batch with enough runs to be an average, paths are exchanged for others of the same
length and remaining life while that brings the mean autocorrelation of the batch nearer to that of the training runs.
Each run is still a free draw; only their mixture is chosen (exchange algorithm: Fedorov 1972).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

LAGS = (0, 5, 10, 20, 35, 50)
CANDIDATES = 4  # drawn for each run
LEAST_GAIN = 1e-3  # of the squared distance: a smaller one is not worth an exchange


@dataclass(frozen=True)
class Exchange:
    """Mean autocorrelations (F,) of training runs by their slow paths, and the variance (C,) of what is around these,
    in the slow paths' units."""

    target: Array
    around: Array

    def chosen(self, candidates: Sequence[Floats], lengths: Sequence[int]) -> Floats:
        """Returns slow paths (rows, C) of runs of these lengths, each run's from one of the candidates (rows, C)."""
        bounds = np.cumsum([0, *lengths])
        drawn = np.stack([_features(paths, bounds, self.around) for paths in candidates], 1)
        counted = ~np.isnan(drawn[:, 0, 0])
        choice = np.zeros(len(lengths), np.int64)
        if counted.any():
            choice[counted] = _exchanged(drawn[counted] - self.target)
        return np.concatenate(
            [candidates[k][first:last] for k, (first, last) in zip(choice.tolist(), pairwise(bounds), strict=True)]
        )


def fit_exchange(paths: Floats, lengths: Sequence[int], around: Array) -> Exchange | None:
    """Returns the exchange for training runs' slow paths (rows, C), of runs of these lengths one after the other; None
    without a run that is long enough."""
    features = _features(paths, np.cumsum([0, *lengths]), around)
    counted = features[~np.isnan(features[:, 0])]
    return Exchange(np.asarray(counted.mean(0)), around) if len(counted) else None


def _features(paths: Floats, bounds: NDArray[np.int64], around: Array) -> Array:
    """Returns each run's autocovariance at the lags, over its variance with what is around the path, (runs, F); NaN for
    runs that are not longer than the lags."""
    found = np.full((len(bounds) - 1, len(LAGS) * paths.shape[1]), np.nan)
    for run, (first, last) in enumerate(pairwise(bounds)):
        length = last - first
        if length > LAGS[-1] + 5:
            y = paths[first:last].astype(np.float64)
            y -= y.mean(0)
            whole = (y * y).sum(0) + length * around
            found[run] = np.concatenate([(y[: length - lag] * y[lag:]).sum(0) / whole for lag in LAGS])
    return found


def _exchanged(excess: Array) -> NDArray[np.int64]:
    """Returns the candidate (n,) of each run with which the sum of the chosen rows of `excess` (n, K, F) is near 0."""
    every = np.arange(len(excess))
    choice = np.zeros(len(excess), np.int64)
    total = excess[:, 0].sum(0)
    for _ in every:
        after = excess + (total - excess[every, choice])[:, None]
        distance = (after**2).sum(2)
        run, candidate = np.unravel_index(int(distance.argmin()), distance.shape)
        if distance[run, candidate] > (1 - LEAST_GAIN) * float(total @ total):
            break
        choice[run], total = candidate, after[run, candidate]
    return choice
