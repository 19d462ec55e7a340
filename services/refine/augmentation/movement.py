"""How far slow paths move within a recording window, brought to what training windows show at the same age.

Where lives are seen through short windows, a sensor can be all but still within each and far from itself between them
(a leakage, a filter's clogging). Directions of the latent are shared by all sensors, and the conditions tell a mean by
least squares, so a little of what moves others reaches the one that stands, many times its own movement. A path that
moves clearly more than training windows do is drawn towards its window's mean; where it moves less, nothing is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

RANKS = (0.0, 0.1, 0.3, 0.6, 1.0)  # of the windows' remaining lives
CLEARLY = 0.8  # of the generated movement: what comes nearer is left alone
STILL = 1e-6  # standard deviations: less is none


@dataclass(frozen=True)
class Movement:
    """Shares (K, C) of the generated movement that are left at remaining lives `at` (K,); 1 is all."""

    at: Array
    share: Array

    def applied(self, path: Floats, lengths: Sequence[int], rul: Array) -> Floats:
        """Returns a path (n, C), of windows of these lengths one after the other, at remaining lives (n,)."""
        mean, _ = _of_windows(path, lengths)
        middle, _ = _of_windows(rul[:, None], lengths)
        share = np.stack([np.interp(middle[:, 0], self.at, column) for column in self.share.T], 1)
        window = np.repeat(np.arange(len(lengths)), lengths)
        return np.asarray(mean[window] + share[window] * (path - mean[window]), np.float32)


def fit_movement(made: Floats, real: Floats, lengths: Sequence[int], rul: Array) -> Movement | None:
    """Returns the movement of real windows (n, C) under whose conditions `made` (m, C) was generated, m a multiple of
    n; None where nothing moves clearly too much."""
    _, own = _of_windows(real, lengths)
    times = len(made) // len(real)
    _, trial = _of_windows(made, times * list(lengths))
    middle = _of_windows(rul[:, None], lengths)[0][:, 0]
    apart = np.log(own + STILL) - np.log(trial + STILL).reshape(times, *own.shape).mean(0)
    at = np.unique(np.quantile(middle, RANKS))
    place = np.interp(middle, at, np.arange(len(at)))
    hats = np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(len(at))))
    share = np.exp(hats.T @ apart / hats.sum(0)[:, None])
    share[share > CLEARLY] = 1.0
    return Movement(np.asarray(at), share) if (share < 1).any() else None


def _of_windows(rows: NDArray[np.floating], lengths: Sequence[int]) -> tuple[Array, Array]:
    """Returns mean and standard deviation (W, C) of each window; 0 for one without rows."""
    window = np.repeat(np.arange(len(lengths)), lengths)
    count = np.maximum(np.bincount(window, minlength=len(lengths)), 1)[:, None]

    def mean(values: NDArray[np.floating]) -> Array:
        columns = [np.bincount(window, weights=column, minlength=len(lengths)) for column in values.T]
        return np.asarray(np.stack(columns, 1) / count)

    middle = mean(rows)
    return middle, np.sqrt(mean((rows - middle[window]) ** 2))
