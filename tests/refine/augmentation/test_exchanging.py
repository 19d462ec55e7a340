"""A batch of lives is mixed as the training lives are: most stand still, a few run away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.refine.augmentation.exchanging import CANDIDATES, fit_exchange

Floats = NDArray[np.float32]
LENGTH, RUNS = 120, 80
AROUND = np.full(2, 0.1)


def drifting(amplitudes: NDArray[np.float64], seed: int) -> Floats:
    """Returns slow paths (runs x 120, 2) that drift from start to end by these amplitudes (runs, 2)."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 1, LENGTH)[:, None]
    return np.concatenate([ramp * row + rng.normal(size=2) for row in amplitudes]).astype(np.float32)


def share_that_drifts(paths: Floats) -> float:
    """Returns the mean share of a run's variance that is its drift, beside what is around it."""
    runs = np.split(paths, len(paths) // LENGTH)
    return float(np.mean([run.var(0) / (run.var(0) + AROUND) for run in runs]))


def test_lives_are_exchanged_until_the_batch_remembers_as_the_training_lives_do() -> None:
    rng = np.random.default_rng(0)
    real = drifting(np.where(rng.random((RUNS, 2)) < 0.2, 6.0, 0.2), 1)  # of two kinds
    candidates = [drifting(rng.normal(size=(RUNS, 2)) * 2.6, seed) for seed in range(CANDIDATES)]  # of one
    lengths = [LENGTH] * RUNS
    exchange = fit_exchange(real, lengths, AROUND)
    assert exchange is not None
    chosen = exchange.chosen(candidates, lengths)
    aim, before, after = (share_that_drifts(paths) for paths in (real, candidates[0], chosen))
    assert abs(after - aim) < 0.5 * abs(before - aim)
    for run, path in enumerate(np.split(chosen, RUNS)):  # each is one that was drawn, whole
        own = slice(run * LENGTH, (run + 1) * LENGTH)
        assert any(np.array_equal(path, paths[own]) for paths in candidates)


def test_lives_too_short_to_compare_are_left_as_they_were_drawn() -> None:
    paths = np.random.default_rng(3).normal(size=(90, 2)).astype(np.float32)
    assert fit_exchange(paths, [30, 30, 30], AROUND) is None
    exchange = fit_exchange(drifting(np.ones((5, 2)), 4), [LENGTH] * 5, AROUND)
    assert exchange is not None
    assert np.array_equal(exchange.chosen([paths, paths + 1], [30, 30, 30]), paths)
