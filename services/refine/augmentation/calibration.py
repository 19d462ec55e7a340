"""The last small correction of an engine's output: means, spreads and correlations as the training rows have them.

Two engines in a row, and a memory between them, leave every sensor a little off its level and spread at each age, and
sensors a little more or less alike than they are. Both are measured on trial runs under the training runs' own
conditions, and mapped away age by age: level and spread, and correlations by the linear map that moves rows least.

Correlations are an age's own, since what ends a life ties sensors to each other: lives that fail at one limit are all
alike in the direction of wear at their ends, however far they are from each other before. Lives are few, so an age's
correlations are believed over those of all ages only as far as they differ by more than chance (Schaefer & Strimmer
2005, with all ages as the target).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.refine.augmentation.memory import transport

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

RANKS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)  # of remaining lives: the end of life turns fastest
ROWS_A_KNOT = 100  # with fewer rows in all, one level and one spread are taken for all ages
RIDGE = 0.01  # of a unit variance: what is added to correlations whose rows hardly spread in some direction
MOST = 2.0  # times a spread may be widened or narrowed


@dataclass(frozen=True)
class Moments:
    """Means and spreads (K, C) at the knots, and correlations of what is left: (K, C, C), and (C, C) of all ages."""

    mean: Array
    spread: Array
    correlation: Array
    pooled: Array

    @classmethod
    def of(cls, at: Array, rows: Array, rul: Array | None) -> Moments:
        """Returns the moments of rows (n, C) at remaining lives (n,)."""
        hats = _hats(at, rul, len(rows))
        normal = hats.T @ hats + 1e-6 * np.eye(hats.shape[1])
        mean = np.linalg.solve(normal, hats.T @ rows)
        left = rows - hats @ mean
        weight = np.maximum(hats.sum(0), 1e-9)  # a knot that no row is near has moments that no row will ask for
        spread = np.sqrt(np.maximum(hats.T @ left**2 / weight[:, None], 1e-12))
        left /= hats @ spread
        near = [np.flatnonzero(column) for column in hats.T]
        correlation = [left[i].T @ (left[i] * hats[i, k, None]) / weight[k] for k, i in enumerate(near)]
        return cls(np.asarray(mean), np.asarray(spread), np.stack(correlation), np.asarray(left.T @ left / len(left)))

    def shrunk(self, belief: Array) -> Array:
        """Returns the correlations (K, C, C), each believed so far (K,) and for the rest taken from all ages."""
        own = belief[:, None, None]
        return np.asarray(own * self.correlation + (1 - own) * self.pooled)


@dataclass(frozen=True)
class Calibration:
    """Moments of generated and of training rows at remaining lives `at` (K,), K is 1 where none is known; how far each
    age's correlations are `belief`-ed (K,), and the maps (K, C, C) from the ones to the others."""

    at: Array
    made: Moments
    real: Moments
    belief: Array
    turns: Array

    def applied(self, values: NDArray[np.floating], rul: Array | None) -> Floats:
        """Returns generated values (n, C), at remaining lives (n,), with the training rows' level, spread and
        correlations."""
        hats = _hats(self.at, rul, len(values))
        standard = (values - hats @ self.made.mean) / (hats @ self.made.spread)
        turned = np.zeros(standard.shape)
        for weight, turn in zip(hats.T, self.turns, strict=True):
            near = np.flatnonzero(weight)
            turned[near] += weight[near, None] * (standard[near] @ turn)
        widened = np.clip(self.real.spread / self.made.spread, 1 / MOST, MOST)
        return np.asarray(turned * (hats @ (self.made.spread * widened)) + hats @ self.real.mean, np.float32)

    def of_batch(self, values: NDArray[np.floating], rul: Array) -> Calibration:
        """Returns the calibration of just these rows (n, C), of whole runs: many drawn at random are not yet average
        ones at every age (moment matching: Barraquand 1995)."""
        return _between(self.at, Moments.of(self.at, values.astype(np.float64), rul), self.real, self.belief)


def fit_calibration(
    made: NDArray[np.floating],
    made_rul: Array | None,
    real: NDArray[np.floating],
    real_rul: Array | None,
    real_run: NDArray[np.integer],
) -> Calibration:
    """Returns the calibration of generated rows (m, C) to real rows (n, C), with their remaining lives if known;
    `real_run` (n,) says which real rows are of one run."""
    at = np.zeros(1)
    if real_rul is not None and len(real_rul) >= ROWS_A_KNOT * len(RANKS):
        at = np.unique(np.quantile(real_rul, RANKS))
    of_made, of_real = (
        Moments.of(at, rows.astype(np.float64), rul) for rows, rul in ((made, made_rul), (real, real_rul))
    )
    return _between(at, of_made, of_real, _belief(of_real, _independent(_hats(at, real_rul, len(real)), real_run)))


def _between(at: Array, made: Moments, real: Moments, belief: Array) -> Calibration:
    ridge = RIDGE * np.eye(made.mean.shape[1])
    pairs = zip(made.shrunk(belief), real.shrunk(belief), strict=True)
    return Calibration(at, made, real, belief, np.stack([transport(a + ridge, b + ridge) for a, b in pairs]))


def _hats(at: Array, rul: Array | None, rows: int) -> Array:
    """Returns each row's weights of the knots, (rows, K), as straight lines between knots have them."""
    if len(at) == 1 or rul is None:
        return np.ones((rows, 1))
    place = np.interp(rul, at, np.arange(len(at)))
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(len(at)))))


def _belief(moments: Moments, independent: Array) -> Array:
    """Returns how far each age's correlations differ from those of all ages by more than chance, 0 to 1, (K,)."""
    chance = ((1 - moments.correlation**2) ** 2).sum((1, 2)) / np.maximum(independent - 1, 1)
    apart = ((moments.correlation - moments.pooled) ** 2).sum((1, 2))
    return np.asarray(1 - np.minimum(1.0, chance / np.maximum(apart, 1e-12)))


def _independent(hats: Array, run: NDArray[np.integer]) -> Array:
    """Returns as how many independent samples the runs count that were seen near each knot, (K,) (Kish 1965)."""
    _, number = np.unique(run, return_inverse=True)
    weight = np.stack([np.bincount(number, weights=column) for column in hats.T])
    return np.asarray(weight.sum(1) ** 2 / np.maximum((weight**2).sum(1), 1e-12))
