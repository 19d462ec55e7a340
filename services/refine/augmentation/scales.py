"""The scale on which each sensor's runs are generated: the one on which its movement depends least on its level.

Normal scores make margins easy and movement hard: where a sensor seldom is, a step of its own is many scores wide or
next to none, so that noise which is the same at any level seems to grow and shrink with it. Most sensors err by the
same amount everywhere, or by the same share of what they read; on the scale of their units, or of their logarithm,
the noise is steady and an engine has nothing to learn about it (variance stabilisation: Bartlett 1947). Which scale
does so is measured column by column; normal scores are kept where no other is clearly steadier. All are monotone, and
the way back goes through the codec's own scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from services.refine.normal_scores import NormalScores

Floats = NDArray[np.float32]
Array = NDArray[np.float64]
ScaleKind = Literal["score", "unit", "log"]

LEVELS = 10  # bins of as many rows each
SMOOTHING = 10.0  # samples: what counts as the level when the noise at it is asked for
CLEARLY = 0.8  # of the unsteadiness of normal scores
FURTHEST = 20.0  # standard deviations of a column from its mean: heavier tails are left to normal scores
WIDE = 3.0  # highest over lowest value, of a column whose logarithm is tried


@dataclass(frozen=True)
class Scale:
    """One column's scale. Units and logarithms count in standard deviations from the mean."""

    scores: NormalScores
    kind: ScaleKind = "score"
    centre: float = 0.0
    spread: float = 1.0

    def of(self, scores: NDArray[np.floating]) -> Array:
        """Returns normal scores (n,) on this scale."""
        if self.kind == "score":
            return np.asarray(scores, np.float64)
        values = self.scores.decode(scores)
        if self.kind == "log":
            values = np.log(np.maximum(values, float(self.scores.knots[0])))
        return (values - self.centre) / self.spread

    def back(self, scaled: NDArray[np.floating]) -> NDArray[np.floating]:
        """Returns the normal scores of numbers (n,) on this scale."""
        if self.kind == "score":
            return scaled
        values = np.clip(scaled.astype(np.float64), -FURTHEST, FURTHEST) * self.spread + self.centre
        return self.scores.encode(np.exp(values) if self.kind == "log" else values)

    @property
    def rounding(self) -> float:
        """Variance that a reading on the sensor's grid has over what it reads (Sheppard 1897), on this scale."""
        return (self.scores.step / self.spread) ** 2 / 12 if self.kind == "unit" else 0.0


@dataclass(frozen=True)
class Scales:
    """The scales of all columns, in order."""

    columns: tuple[Scale, ...]

    def of(self, scores: Floats) -> Floats:
        """Returns normal scores (T, C) on the columns' scales."""
        return np.stack([scale.of(scores[:, j]) for j, scale in enumerate(self.columns)], 1).astype(np.float32)

    def back(self, scaled: NDArray[np.floating]) -> Floats:
        """Returns the normal scores (T, C) of numbers on the columns' scales."""
        return np.stack([scale.back(scaled[:, j]) for j, scale in enumerate(self.columns)], 1).astype(np.float32)

    def before_rounding(self, spread: Array) -> Array:
        """Returns the standard deviations (C,) that become `spread` once the readings are put on their grids."""
        rounding = np.array([scale.rounding for scale in self.columns])
        return np.asarray(np.sqrt(np.maximum(spread**2 - rounding, 0.05 * spread**2)))


def fit_scales(columns: Sequence[NormalScores], runs: Sequence[Floats]) -> Scales:
    """Returns the steadiest scale of each column of unbroken stretches (T, C) of normal scores."""
    found = []
    for j, scores in enumerate(columns):
        column = [run[:, j] for run in runs]
        ways = [Scale(scores), *_others(scores, np.concatenate(column))]
        rough = [unsteadiness([way.of(run) for run in column]) for way in ways]
        best = int(np.argmin(rough))
        found.append(ways[best] if rough[best] < CLEARLY * rough[0] else ways[0])
    return Scales(tuple(found))


def _others(scores: NormalScores, pooled: Floats) -> list[Scale]:
    """Returns the scales of units and of logarithms, where engines can work on them."""
    kinds: list[ScaleKind] = ["unit"]
    if 0 < WIDE * scores.knots[0] < scores.knots[-1]:
        kinds.append("log")
    found = []
    for kind in kinds:
        there = Scale(scores, kind).of(pooled)
        centre, spread = float(there.mean()), float(there.std())
        if 0 < float(np.abs(there - centre).max()) <= FURTHEST * spread:
            found.append(Scale(scores, kind, centre, spread))
    return found


def unsteadiness(runs: Sequence[Array]) -> float:
    """Returns the standard deviation of the logarithm of the mean step of runs (T,) over their levels: 0 where steps
    are alike everywhere."""
    smooth = [gaussian_filter1d(run, min(SMOOTHING, len(run) / 8), mode="nearest") for run in runs]
    level = np.concatenate([(run[1:] + run[:-1]) / 2 for run in smooth])
    steps = np.concatenate([np.abs(np.diff(run)) for run in runs])
    steps = np.minimum(steps, np.quantile(steps, 0.99))
    parts = np.array_split(steps[np.argsort(level, kind="stable")], LEVELS)
    return float(np.log(np.array([part.mean() for part in parts if len(part)]) + 1e-9).std())
