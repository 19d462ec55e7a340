"""How far synthetic runs are from real validation runs: the figures by which an augmentation chooses its settings.

Promises to look at training and validation stretches only. Generated runs stand under the validation runs' own
conditions (remaining life, hour, states), so that nothing but the movement differs. Two figures come from learning: how
well windows of real and synthetic runs can be told apart, and how well remaining life, learnt from synthetic runs, is
predicted for real ones. The learner is a ridge regression on random rectified features (Rahimi & Recht 2008): it sees
interactions, needs no tuning and takes milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.refine.augmentation import temporal
from services.refine.augmentation.cascade import Cascade
from services.refine.augmentation.history import History, Stretch
from services.refine.augmentation.holding import Holds
from services.refine.augmentation.scales import Scales

Array = NDArray[np.float64]
Runs = Sequence[NDArray[np.floating]]
Lives = tuple[Runs, Sequence[Array | None]]  # scores of runs, and the remaining life of each where it is known

FEWEST_ROWS, FEWEST_STRETCHES = 500, 3  # of validation: fewer say too little
_MOST_ROWS = 12_000
_LIVES = 3  # of runs under each training run's conditions, to learn remaining life from
_DRAWS = 6  # of runs under each validation run's conditions: the real ones' scatter should be all there is
_WINDOW, _STRIDE = 20, 5
_FEATURES, _RIDGE, _FURTHEST = 400, 10.0, 6.0
_FOLDS = 3


@dataclass(frozen=True)
class Verdict:
    """Distances of one candidate, each also as it is for real training runs (`control`), and their sum.

    `window_auc`: area under the curve of telling windows apart, .5 is undetectable; `rul_error`: RMSE of remaining
    life, None without lives; `autocorrelation`, `cross_correlation`, `steps` as in `temporal`.
    """

    window_auc: float
    rul_error: float | None
    autocorrelation: float
    cross_correlation: float
    steps: float
    control: Verdict | None = None

    @property
    def score(self) -> float:
        """Lower is better: .1 is .05 of area, 5 % of RUL error, or a fifth more of all three correlation errors."""
        assert self.control is not None
        total = 2 * max(self.window_auc - 0.5, 0.0)
        if self.rul_error is not None and self.control.rul_error:
            total += 2 * max(math.log(self.rul_error / self.control.rul_error), 0.0)
        pairs = (
            (self.autocorrelation, self.control.autocorrelation),
            (self.cross_correlation, self.control.cross_correlation),
            (self.steps, self.control.steps),
        )
        # Both sides carry the control, so that what lies below it is no merit that outweighs the rest.
        return total + 0.5 * float(np.mean([math.log((d + c) / (2 * c)) for d, c in pairs]))


class Judge:
    """Scores cascades by a history's validation stretches; `of` returns None where these are too few."""

    def __init__(self, history: History, held: tuple[Stretch, ...], scales: Scales | None) -> None:
        self._history = history
        self._held = held
        self._scales = scales
        self._train = _up_to(history.stretches, _MOST_ROWS)
        real, train = (self._scaled([s.scores for s in stretches]) for stretches in (held, self._train))
        self._real = real
        lives = train, [stretch.rul for stretch in self._train]
        self._control = self._verdict(lives, lives)

    @classmethod
    def of(cls, history: History, scales: Scales | None = None) -> Judge | None:
        """Returns the judge of a history, who looks at runs on these scales, or at normal scores without any."""
        held = _up_to(history.validation, _MOST_ROWS // 2)
        if len(held) < FEWEST_STRETCHES or sum(len(stretch) for stretch in held) < FEWEST_ROWS:
            return None
        return cls(history, held, scales)

    def verdict(self, cascade: Cascade, seed: int) -> Verdict:
        """Returns how far the cascade's runs are from the validation runs."""
        runs, lives = (
            (
                self._scaled(_under(many * stretches, cascade, self._history.holds, at)),
                many * [stretch.rul for stretch in stretches],
            )
            for many, stretches, at in ((_DRAWS, self._held, seed), (_LIVES, self._train, seed + 1))
        )
        return replace(self._verdict(runs, lives), control=self._control)

    def _scaled(self, runs: Runs) -> Runs:
        return runs if self._scales is None else [self._scales.of(np.asarray(run, np.float32)) for run in runs]

    def _verdict(self, runs: Lives, lives: Lives) -> Verdict:
        real, rul = self._real, [stretch.rul for stretch in self._held]
        distances = (
            temporal.autocorrelation_error(real, runs[0]),
            temporal.cross_correlation_error(real, runs[0]),
            temporal.step_distance(real, runs[0]),
        )
        correlation, cross, steps = (max(1e-3, float(np.nan_to_num(value))) for value in distances)
        error = rul_error(*lives, real, rul) if self._history.has_lives else None
        return Verdict(window_auc(real, rul, *runs), error, correlation, cross, steps)


def window_auc(real: Runs, real_rul: Sequence[Array | None], other: Runs, other_rul: Sequence[Array | None]) -> float:
    """Returns the area under the ROC curve of telling windows apart, mean of three folds that share no run."""
    a, run_a, life_a = _windows(real, real_rul)
    b, run_b, life_b = _windows(other, other_rul)
    if min(len(a), len(b)) < 2 * _FOLDS:
        return 0.5
    x = np.concatenate([np.c_[a, life_a], np.c_[b, life_b]])
    y = np.r_[np.ones(len(a)), np.zeros(len(b))]
    fold = np.r_[run_a, run_b] % _FOLDS
    areas = []
    for k in range(_FOLDS):
        away, here = fold != k, fold == k
        if 0 < y[here].sum() < here.sum() and 0 < y[away].sum() < away.sum():
            weight = np.where(y[away] == 1, 1 / y[away].sum(), 1 / (1 - y[away]).sum()) * away.sum() / 2
            areas.append(_area(y[here], _learnt(x[away], y[away], x[here], weight)))
    return float(np.mean(areas)) if areas else 0.5


def rul_error(runs: Runs, rul: Sequence[Array | None], real: Runs, real_rul: Sequence[Array | None]) -> float:
    """Returns the RMSE of remaining life in windows of `real`, learnt from windows of `runs`, up to the ageing knee.

    The knee is .6 of the median life of `runs`: earlier nothing tells how long is left.
    """
    x, _, y = _windows(runs, rul)
    at, _, truth = _windows(real, real_rul)
    knee = 0.6 * float(np.median([life.max() for life in rul if life is not None]))
    found = _learnt(x, np.minimum(y[:, 0], knee), at, np.ones(len(x)))
    return float(np.sqrt(((found - np.minimum(truth[:, 0], knee)) ** 2).mean()))


def _up_to(stretches: Sequence[Stretch], rows: int) -> tuple[Stretch, ...]:
    """Returns stretches that are long enough for a window, up to a bounded number of rows."""
    chosen, seen = [], 0
    for stretch in stretches:
        if len(stretch) > _WINDOW + _STRIDE and seen < rows:
            chosen.append(stretch)
            seen += len(stretch)
    return tuple(chosen)


def _under(stretches: Sequence[Stretch], cascade: Cascade, holds: Holds | None, seed: int) -> Runs:
    """Returns synthetic scores of runs under the stretches' own conditions, read when these were."""
    lengths = [len(stretch) for stretch in stretches]
    rul = [stretch.rul for stretch in stretches if stretch.rul is not None]
    hour = [stretch.hour for stretch in stretches if stretch.hour is not None]
    scores = cascade.generate(
        lengths,
        np.concatenate(rul) if rul else None,
        np.concatenate(hour) if hour else None,
        np.concatenate([stretch.codes for stretch in stretches]),
        np.ones(sum(lengths), dtype=bool),
        seed,
    )
    if holds is not None:
        read = np.concatenate([stretch.read[:, [group[0] for group in holds.groups]] for stretch in stretches])
        read[np.cumsum([0, *lengths[:-1]])] = True
        scores = holds.applied(scores, read)
    return np.split(scores, np.cumsum(lengths)[:-1])


def _windows(runs: Runs, rul: Sequence[Array | None]) -> tuple[Array, NDArray[np.int64], Array]:
    """Returns mean, deviation, slope, first and last value of each column in windows (n, 5 C), the window's run (n,)
    and the remaining life at its end (n, 1), or (n, 0) where none is known."""
    t = np.arange(_WINDOW) - (_WINDOW - 1) / 2
    parts, numbers, lives = [], [], []
    for number, (run, life) in enumerate(zip(runs, rul, strict=True)):
        if len(run) >= _WINDOW:
            view = np.lib.stride_tricks.sliding_window_view(run, _WINDOW, axis=0)[::_STRIDE]
            slope = view @ t / (t * t).sum()
            parts.append(np.concatenate([view.mean(2), view.std(2), slope, view[:, :, 0], view[:, :, -1]], 1))
            numbers.append(np.full(len(view), number))
            lives.append(np.zeros((len(view), 0)) if life is None else life[_WINDOW - 1 :: _STRIDE][: len(view), None])
    return np.concatenate(parts).astype(np.float64), np.concatenate(numbers), np.concatenate(lives)


def _learnt(x: Array, y: Array, at: Array, weight: Array) -> Array:
    """Returns predictions for rows `at` of a weighted ridge regression on x and random rectified features of x."""
    centre, scale = x.mean(0), x.std(0) + 1e-9
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(x.shape[1], _FEATURES)) * 1.5 / math.sqrt(x.shape[1])
    offset = rng.normal(size=_FEATURES)

    def features(rows: Array) -> Array:
        z = np.clip((rows - centre) / scale, -_FURTHEST, _FURTHEST)
        return np.concatenate([np.ones((len(z), 1)), z, np.maximum(z @ mixing + offset, 0.0)], 1)

    design = features(x)
    weighted = design * weight[:, None]
    normal = weighted.T @ design + _RIDGE * np.eye(design.shape[1])
    return np.asarray(features(at) @ np.linalg.solve(normal, weighted.T @ y))


def _area(truth: Array, found: Array) -> float:
    """Returns the area under the ROC curve by ranks."""
    rank = np.empty(len(found))
    rank[np.argsort(found, kind="stable")] = np.arange(1, len(found) + 1)
    positive = truth.sum()
    return float((rank[truth == 1].sum() - positive * (positive + 1) / 2) / (positive * (len(truth) - positive)))
