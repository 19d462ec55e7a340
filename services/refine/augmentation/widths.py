"""Choosing where slow ends and fast begins: the cascade's smoothing width, by trial fits judged on validation rows.

A short trial of each width generates runs under the validation stretches' own conditions (RUL, hour, states), so that
nothing but the movement differs, and four distances say how unlike it is. The usual width is kept unless another one is
clearly better: trials are short and validation units few, so a close race decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.refine.augmentation import temporal
from services.refine.augmentation.cascade import SERIES_SMOOTHING, SMOOTHING, Cascade, Progress, fit_cascade
from services.refine.augmentation.history import History, Stretch
from services.refine.codec import Codec
from services.refine.energy import energy_distance

Runs = Sequence[NDArray[np.floating]]

LIFE_WIDTHS = (4.0, SMOOTHING, 20.0)
SERIES_WIDTHS = (SERIES_SMOOTHING, SMOOTHING)
TRIAL_STEPS = 500
FEWEST_ROWS, FEWEST_STRETCHES = 500, 3  # of validation: fewer say too little
CLEARLY = 0.1  # in natural log: a tenth better on the mean of the four distances
_MOST_ROWS = 6000
_WINDOW, _STRIDE = 20, 5


@dataclass(frozen=True)
class ChosenWidth:
    """The width to fit with, and the score of every width tried (lower is better; empty where none could be)."""

    width: float
    scores: dict[float, float]


def choose_width(
    history: History, codec: Codec, kind: str, *, seed: int = 0, progress: Progress | None = None
) -> ChosenWidth:
    """Returns the smoothing width for a history; the usual one without trials where validation rows are too few."""
    usual = SMOOTHING if history.has_lives else SERIES_SMOOTHING
    held = _held(history)
    if len(held) < FEWEST_STRETCHES or sum(len(stretch) for stretch in held) < FEWEST_ROWS:
        return ChosenWidth(usual, {})
    real = [stretch.scores for stretch in held]
    control = distances(real, [stretch.scores for stretch in history.stretches])
    widths = LIFE_WIDTHS if history.has_lives else SERIES_WIDTHS
    scores = {}
    for number, width in enumerate(widths):
        if progress is not None:
            progress("choose smoothing", number, len(widths))
        trial = fit_cascade(history, codec, kind, seed=seed, smoothing=width, steps=TRIAL_STEPS)
        found = distances(real, _under_conditions_of(held, trial, seed))
        # Both sides of each ratio carry the control, so that a distance below it does not outweigh the others.
        scores[width] = float(np.mean([math.log((d + c) / (2 * c)) for d, c in zip(found, control, strict=True)]))
    best = min(scores, key=lambda width: scores[width])
    return ChosenWidth(best if scores[best] < scores[usual] - CLEARLY else usual, scores)


def distances(real: Runs, other: Runs) -> tuple[float, float, float, float]:
    """Returns window energy distance, autocorrelation, cross-correlation and step error of runs of scores, each > 0."""
    a, b = _windows(real), _windows(other)
    scale = a.std(0) + 1e-6
    found = (
        energy_distance((a / scale).astype(np.float32), (b / scale).astype(np.float32), most_rows=1500),
        temporal.autocorrelation_error(real, other),
        temporal.cross_correlation_error(real, other),
        temporal.step_distance(real, other),
    )
    energy, autocorrelation, cross, steps = (max(1e-3, float(np.nan_to_num(value))) for value in found)
    return energy, autocorrelation, cross, steps


def _held(history: History) -> tuple[Stretch, ...]:
    """Returns validation stretches that are long enough for a window, up to a bounded number of rows."""
    chosen, rows = [], 0
    for stretch in history.validation:
        if len(stretch) > _WINDOW + _STRIDE and rows < _MOST_ROWS:
            chosen.append(stretch)
            rows += len(stretch)
    return tuple(chosen)


def _under_conditions_of(held: Sequence[Stretch], cascade: Cascade, seed: int) -> Runs:
    rows = sum(len(stretch) for stretch in held)
    plan = [stretch for _ in range(max(1, min(4, _MOST_ROWS // rows))) for stretch in held]
    lengths = [len(stretch) for stretch in plan]
    rul = [stretch.rul for stretch in plan if stretch.rul is not None]
    hour = [stretch.hour for stretch in plan if stretch.hour is not None]
    scores = cascade.generate(
        lengths,
        np.concatenate(rul) if rul else None,
        np.concatenate(hour) if hour else None,
        np.concatenate([stretch.codes for stretch in plan]),
        np.ones(sum(lengths), dtype=bool),
        seed,
    )
    return np.split(scores, np.cumsum(lengths)[:-1])


def _windows(runs: Runs) -> NDArray[np.float64]:
    """Returns mean, deviation, slope, first and last value of each column in windows, (n, 5 C)."""
    t = np.arange(_WINDOW) - (_WINDOW - 1) / 2
    parts = []
    for run in runs:
        if len(run) >= _WINDOW:
            view = np.lib.stride_tricks.sliding_window_view(run, _WINDOW, axis=0)[::_STRIDE]
            slope = view @ t / (t * t).sum()
            parts.append(np.concatenate([view.mean(2), view.std(2), slope, view[:, :, 0], view[:, :, -1]], 1))
    return np.concatenate(parts).astype(np.float64)
