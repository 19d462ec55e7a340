"""The last small correction of an engine's output: means, spreads and correlations as the training rows have them.

Two engines in a row, and a memory between them, leave every sensor a little off its level and spread at each age, and
sensors a little more or less alike than they are. Both are measured on trial runs under the training runs' own
conditions, and mapped away: level and spread age by age, correlations by the linear map that moves rows least. That map
is close to the identity, so that movement stays as it is.
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
class Calibration:
    """Means and spreads (K, C) at remaining lives `at` (K,), of generated and of training rows, and the map (C, C) of
    correlations; K is 1 where no remaining life is known."""

    at: Array
    made_mean: Array
    made_spread: Array
    real_mean: Array
    real_spread: Array
    turn: Array

    def applied(self, values: NDArray[np.floating], rul: Array | None) -> Floats:
        """Returns generated values (n, C), at remaining lives (n,), with the training rows' level, spread and
        correlations."""
        hats = _hats(self.at, rul, len(values))
        standard = (values - hats @ self.made_mean) / (hats @ self.made_spread)
        return np.asarray(standard @ self.turn * (hats @ self.real_spread) + hats @ self.real_mean, np.float32)


def fit_calibration(
    made: NDArray[np.floating], made_rul: Array | None, real: NDArray[np.floating], real_rul: Array | None
) -> Calibration:
    """Returns the calibration of generated rows (m, C) to real rows (n, C), with their remaining lives if known."""
    at = np.zeros(1)
    if real_rul is not None and len(real_rul) >= ROWS_A_KNOT * len(RANKS):
        at = np.unique(np.quantile(real_rul, RANKS))
    of_made, of_real = (
        _moments(at, rows.astype(np.float64), rul) for rows, rul in ((made, made_rul), (real, real_rul))
    )
    ridge = RIDGE * np.eye(made.shape[1])
    widened = np.clip(of_real[1] / of_made[1], 1 / MOST, MOST)
    return Calibration(
        at, of_made[0], of_made[1], of_real[0], of_made[1] * widened, transport(of_made[2] + ridge, of_real[2] + ridge)
    )


def _hats(at: Array, rul: Array | None, rows: int) -> Array:
    """Returns each row's weights of the knots, (rows, K), as straight lines between knots have them."""
    if len(at) == 1 or rul is None:
        return np.ones((rows, 1))
    place = np.interp(rul, at, np.arange(len(at)))
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(len(at)))))


def _moments(at: Array, rows: Array, rul: Array | None) -> tuple[Array, Array, Array]:
    """Returns means and spreads (K, C) at the knots and the correlation (C, C) of what is left."""
    hats = _hats(at, rul, len(rows))
    normal = hats.T @ hats + 1e-6 * np.eye(hats.shape[1])
    mean = np.linalg.solve(normal, hats.T @ rows)
    left = rows - hats @ mean
    spread = np.sqrt(np.maximum(hats.T @ left**2 / hats.sum(0)[:, None], 1e-12))
    left /= hats @ spread
    return np.asarray(mean), np.asarray(spread), np.asarray(left.T @ left / len(left))
