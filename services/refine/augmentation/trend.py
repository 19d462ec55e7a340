"""What of a latent still depends on the remaining life, although the engine was told it: a level and a spread.

An engine that had learnt everything from its condition would leave a latent with mean 0 and variance 1 at any age. The
little that it did not learn is the very thing that a model of remaining life looks for, so it is taken out of the
latent before its memory is fitted, and put back into drawn noise. An average over all lives gives none of them away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

KNOTS = 12
ROWS_A_KNOT = 40  # with fewer the level would be that of a few rows, not of an age


@dataclass(frozen=True)
class Trend:
    """Level and spread (K, D) of a latent at remaining lives `at` (K,), straight lines between."""

    at: Array
    level: Array
    spread: Array

    def removed(self, latent: Floats, rul: Array) -> Floats:
        """Returns the latent (T, D) in spreads above its level at each remaining life (T,)."""
        level, spread = self._along(rul)
        return np.asarray((latent - level) / spread, np.float32)

    def restored(self, noise: Floats, rul: Array) -> Floats:
        """Returns what `removed` took away put back."""
        level, spread = self._along(rul)
        return np.asarray(noise * spread + level, np.float32)

    def _along(self, rul: Array) -> tuple[Array, Array]:
        columns = range(self.level.shape[1])
        return (
            np.stack([np.interp(rul, self.at, self.level[:, d]) for d in columns], 1),
            np.stack([np.interp(rul, self.at, self.spread[:, d]) for d in columns], 1),
        )


def fit_trend(latent: Floats, rul: Array) -> Trend | None:
    """Returns the trend of rows (n, D) with their remaining lives (n,): means under overlapping triangles that each
    cover an equal share of the rows; None with too few rows for it."""
    knots = min(KNOTS, len(rul) // ROWS_A_KNOT)
    if knots < 3:
        return None
    levels = np.linspace(0, 1, knots)
    at = np.quantile(rul, levels)
    if len(np.unique(at)) < knots:
        return None
    rank = np.interp(rul, at, levels)
    weight = np.maximum(1 - np.abs(rank[:, None] - levels[None, :]) * (knots - 1), 0.0)
    weight /= weight.sum(0)
    level = weight.T @ latent
    variance = weight.T @ latent.astype(np.float64) ** 2 - level**2
    return Trend(np.asarray(at), np.asarray(level), np.sqrt(np.maximum(variance, 1e-4)))
