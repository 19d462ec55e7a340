"""The model of slow paths: their mean under the conditions, and what each life does beside it.

Linear on purpose. Lives are few, however many rows they have: a network that is told the remaining life learns each
life's own way by heart and gives it to all ages. The mean follows remaining life along straight lines between knots
that are denser towards the end, along lines of its own in each state; the hour is added, by least squares. Noise is
the plain difference, so that a latent moves exactly as smoothly as its path. Distribution and correlations are left to
the latent's trend and memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

KNOTS = 12
RIDGE = 1.0  # rows' worth of belief that a condition changes nothing


@dataclass(frozen=True)
class PathModel:
    """Coefficients (F, C) of the features of conditions: the one at `life` is the logarithm of remaining life, scaled
    to [-3, 1], those at `states` are states. Called as an engine is; `evaluations` is taken for that alone."""

    coefficients: Array
    life: int
    states: tuple[int, ...]

    @classmethod
    def fit(cls, scores: Floats, conditions: Floats | None, names: Sequence[str]) -> PathModel:
        """Returns the model of rows (n, C) under conditions (n, K) with these names."""
        life = list(names).index("rul:log")
        states = tuple(k for k, name in enumerate(names) if not name.startswith(("rul:", "hour:", "day:")))
        features = _features(conditions, life, states)
        normal = features.T @ features + RIDGE * np.eye(features.shape[1])
        return cls(np.asarray(np.linalg.solve(normal, features.T @ scores), np.float64), life, states)

    def encode(self, scores: Floats, conditions: Floats | None, *, evaluations: int = 1) -> Floats:
        """Returns what rows (n, C) have beside their mean."""
        return np.asarray(scores - self._mean(conditions), np.float32)

    def decode(self, noise: Floats, conditions: Floats | None, *, evaluations: int = 1) -> Floats:
        """Returns rows (n, C) of noise beside the mean."""
        return np.asarray(self._mean(conditions) + noise, np.float32)

    def _mean(self, conditions: Floats | None) -> Array:
        return np.asarray(_features(conditions, self.life, self.states) @ self.coefficients, np.float64)


def _features(conditions: Floats | None, life: int, states: Sequence[int]) -> Array:
    """Returns a constant, the conditions, each row's weights of the knots, and these in each state, (n, F)."""
    assert conditions is not None
    place = (conditions[:, life].astype(np.float64) + 3) / 4 * (KNOTS - 1)
    hats = np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(KNOTS)))
    ageing = [hats * conditions[:, [state]] for state in states]
    return np.concatenate([np.ones((len(conditions), 1)), conditions, hats, *ageing], 1).astype(np.float64)
