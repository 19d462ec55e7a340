"""Lives stand still while they are healthy and hurry towards their end, and so do drawn ones."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from services.refine.augmentation.movement import fit_movement
from services.refine.augmentation.pace import Pace, fit_pace, fit_paced_memory

Floats = NDArray[np.float32]
LENGTH = 200
RUL = np.arange(float(LENGTH))[::-1]


def hurrying(lives: int) -> list[Floats]:
    """Returns latents (200, 2) of lives that move four times as fast in their last 40 rows as before."""
    rng = np.random.default_rng(0)
    time = np.cumsum(np.where(RUL < 40, 4.0, 1.0))
    found = []
    for _ in range(lives):
        even = gaussian_filter1d(rng.normal(size=(600, 2)), 15, axis=0)[100:500] * np.sqrt(2 * np.sqrt(np.pi) * 15)
        found.append(np.stack([np.interp(time, np.arange(400), column) for column in even.T], 1).astype(np.float32))
    return found


def step(runs: list[Floats], rows: slice) -> float:
    return float(np.mean([(np.diff(run[rows], axis=0) ** 2).mean() for run in runs]))


def test_drawn_lives_hurry_where_real_ones_do() -> None:
    real = hurrying(40)
    memory, pace = fit_paced_memory(real, [RUL] * len(real), whiten=True)
    assert pace is not None
    drawn = pace.drawn(memory, [LENGTH] * 40, np.tile(RUL, 40), np.random.default_rng(1))
    lives = np.split(drawn, 40)
    assert drawn.shape == (40 * LENGTH, 2)
    assert np.allclose(drawn.std(0), 1, atol=0.15)
    for rows in (slice(0, 140), slice(170, 200)):
        assert step(lives, rows) == pytest.approx(step(real, rows), rel=0.35)


def test_an_operational_clock_ticks_once_a_row_where_speed_is_even() -> None:
    pace = Pace(np.array([0.0, 100.0]), np.array([[1.0, 2.0], [1.0, 2.0]]))
    times = pace.times(RUL)
    assert np.array_equal(times[:, 0], np.arange(LENGTH))
    run = hurrying(1)[0]
    even, twice = pace.evened(run, RUL)
    assert np.allclose(even, run[:, 0])
    assert np.array_equal(times[:, 1], 2 * np.arange(LENGTH))
    assert np.allclose(twice[::2], run[:, 1])


def test_too_few_rows_tell_no_pace() -> None:
    assert fit_pace(hurrying(3), [RUL] * 3) is None


def test_a_sensor_that_stands_in_every_window_stands_when_generated() -> None:
    rng = np.random.default_rng(2)
    lengths, rul = [50] * 30, np.repeat(np.linspace(300, 0, 30), 50)
    offset = np.repeat(rng.normal(size=(30, 2)), 50, axis=0)
    real = (offset + rng.normal(size=(1500, 2)) * [0.01, 1.0]).astype(np.float32)
    made = (np.tile(offset, (3, 1)) + rng.normal(size=(4500, 2)) * [0.2, 1.0]).astype(np.float32)
    movement = fit_movement(made, real, lengths, rul)
    assert movement is not None
    moved = movement.applied(made, 3 * lengths, np.tile(rul, 3))
    within = [np.mean([window.std(0) for window in np.split(rows, len(rows) // 50)], 0) for rows in (real, moved)]
    assert within[1][0] == pytest.approx(within[0][0], rel=0.2)
    assert np.array_equal(moved[:, 1], made[:, 1])
    assert fit_movement(np.tile(real, (3, 1)), real, lengths, rul) is None
