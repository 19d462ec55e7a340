"""Margins of generated scores mapped, in order, onto those of the training rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

LEVELS = 128


@dataclass(frozen=True)
class Margins:
    """Quantiles (LEVELS, C) of generated and of training scores."""

    made: Array
    real: Array

    @classmethod
    def of(cls, made: Floats, real: Floats) -> Margins:
        """Returns the margins of generated scores (m, C) and of training scores (n, C)."""
        levels = (np.arange(LEVELS) + 0.5) / LEVELS
        source, target = (np.quantile(scores.astype(np.float64), levels, axis=0) for scores in (made, real))
        rising = np.arange(LEVELS)[:, None] * 1e-9  # np.interp needs increasing points
        return cls(np.asarray(source + rising), np.asarray(target))

    def applied(self, scores: Floats) -> Floats:
        """Returns generated scores (n, C) with the training scores' margins."""
        out = np.empty(scores.shape, np.float32)
        for j in range(scores.shape[1]):
            source, target = self.made[:, j], self.real[:, j]
            inside = np.interp(scores[:, j], source, target)
            # Beyond the outermost quantiles the tail is shifted, not squashed.
            out[:, j] = inside + np.minimum(scores[:, j] - source[0], 0) + np.maximum(scores[:, j] - source[-1], 0)
        return out
