"""What of a latent still depends on the remaining life, although the engine was told it: its distribution at each age.

An engine that had learnt everything from its condition would leave a latent N(0, 1) at any age. The little that it did
not learn is the very thing that a model of remaining life looks for: a level, a spread, a few lives that end far from
all others. It is taken out of the latent, dimension by dimension, before its memory is fitted, and put back into drawn
noise; in between, lives blend as Gaussians do. A distribution over all lives gives none of them away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

RANKS = (0.0, 0.03, 0.07, 0.15, 0.3, 0.5, 0.75, 1.0)  # of remaining lives: the end of life turns fastest
ROWS_A_KNOT = 40  # with fewer the distribution would be that of a few rows, not of an age
REACH = 0.7  # of the way to the next knot: whose rows a knot's quantiles are taken of
SHARES = np.array([0.005, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.995])
LEVELS = ndtri(SHARES)
CHUNK = 20_000  # rows at a time


@dataclass(frozen=True)
class Trend:
    """Quantiles (K, Q, D) of a latent at remaining lives `at` (K,), straight lines between and beyond; those of N(0, 1)
    are LEVELS (Q,)."""

    at: Array
    quantiles: Array

    def removed(self, latent: Floats, rul: Array) -> Floats:
        """Returns the latent (T, D) as it would be if it were N(0, 1) at each remaining life (T,)."""
        out = np.empty(latent.shape, np.float32)
        for rows, low, share in self._places(rul):
            for d in range(latent.shape[1]):
                value = latent[rows, d].astype(np.float64)
                table = self.quantiles[:, :, d]
                known = table[low] * (1 - share)[:, None] + table[low + 1] * share[:, None]
                k = np.clip((value[:, None] > known).sum(1) - 1, 0, len(LEVELS) - 2)
                row = np.arange(len(k))
                begin, end = known[row, k], known[row, k + 1]
                out[rows, d] = LEVELS[k] + (value - begin) * (LEVELS[k + 1] - LEVELS[k]) / (end - begin)
        return out

    def restored(self, noise: Floats, rul: Array) -> Floats:
        """Returns what `removed` took away put back."""
        out = np.empty(noise.shape, np.float32)
        for rows, low, share in self._places(rul):
            for d in range(noise.shape[1]):
                value = noise[rows, d].astype(np.float64)
                k = np.clip(np.searchsorted(LEVELS, value) - 1, 0, len(LEVELS) - 2)
                table = self.quantiles[:, :, d]
                begin = table[low, k] * (1 - share) + table[low + 1, k] * share
                end = table[low, k + 1] * (1 - share) + table[low + 1, k + 1] * share
                out[rows, d] = begin + (value - LEVELS[k]) * (end - begin) / (LEVELS[k + 1] - LEVELS[k])
        return out

    def _places(self, rul: Array) -> list[tuple[slice, NDArray[np.int64], Array]]:
        """Returns, for a chunk of rows at a time, the knot before each row and how far it is on the way to the next."""
        place = np.interp(rul, self.at, np.arange(len(self.at)))
        low = np.minimum(place.astype(np.int64), len(self.at) - 2)
        chunks = [slice(first, first + CHUNK) for first in range(0, len(rul), CHUNK)]
        return [(rows, low[rows], place[rows] - low[rows]) for rows in chunks]


def fit_trend(latent: Floats, rul: Array) -> Trend | None:
    """Returns the trend of rows (n, D) with their remaining lives (n,): quantiles of overlapping groups that each cover
    an equal share of the rows; None with too few rows for it."""
    ranks = RANKS
    if len(rul) * RANKS[1] < ROWS_A_KNOT:
        ranks = tuple(np.linspace(0, 1, min(len(RANKS), len(rul) // ROWS_A_KNOT)))
    knots = len(ranks)
    if knots < 3:
        return None
    at = np.quantile(rul, ranks)
    if len(np.unique(at)) < knots:
        return None
    place = np.interp(rul, at, np.arange(knots))
    reach = [REACH / 2, *[REACH] * (knots - 2), REACH / 2]  # what is seen from one side alone is seen from nearer
    groups = [latent[np.abs(place - knot) <= reach[knot]].astype(np.float64) for knot in range(knots)]
    rising = 1e-6 * np.arange(len(LEVELS))[None, :, None]  # so that neighbouring quantiles always differ
    return Trend(np.asarray(at), np.stack([np.quantile(group, SHARES, axis=0) for group in groups]) + rising)
