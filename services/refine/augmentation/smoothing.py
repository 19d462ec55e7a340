"""Where slow ends and fast begins: the Gaussian filter in time, and the units in which either side is counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

Floats = NDArray[np.float32]
Array = NDArray[np.float64]


def smoothed(scores: Floats, width: float) -> Floats:
    """Returns the rows smoothed in time by a Gaussian of that width in samples, shorter at short runs."""
    width = min(width, len(scores) / 8)
    if width < 0.5:
        return scores
    return np.asarray(gaussian_filter1d(scores.astype(np.float64), width, axis=0, mode="nearest"), np.float32)


def centre_and_scale(parts: Sequence[Floats]) -> tuple[Array, Array]:
    """Returns mean and standard deviation (C,) of all rows of the parts (T, C)."""
    pooled = np.concatenate(parts).astype(np.float64)
    return pooled.mean(0), np.maximum(pooled.std(0), 1e-3)
