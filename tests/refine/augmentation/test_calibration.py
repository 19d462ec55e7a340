"""What engines get slightly wrong is mapped away; what they get right stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from services.refine.augmentation.calibration import fit_calibration
from services.refine.augmentation.memory import RUNS_TO_BALANCE, fit_memory, transport
from services.refine.augmentation.path_model import PathModel

Array = NDArray[np.float64]
RUL = np.tile(np.arange(200.0)[::-1], 20)


def worn(seed: int, *, bias: float = 0.0, widen: float = 1.0, alike: float = 0.8) -> Array:
    """Returns two sensors (n, 2) that rise and scatter less towards the end of life, `alike` in what they scatter."""
    rng = np.random.default_rng(seed)
    scatter = rng.multivariate_normal([0, 0], [[1, alike], [alike, 1]], len(RUL)) * widen * (0.3 + RUL[:, None] / 200)
    return np.asarray(np.exp(-RUL / 40)[:, None] * [3.0, -2.0] + bias + scatter)


def test_level_spread_and_correlation_become_those_of_real_rows_at_every_age() -> None:
    real, made = worn(1), worn(2, bias=0.4, widen=1.3, alike=0.5)
    calibrated = fit_calibration(made, RUL, real, RUL).applied(made, RUL)
    for low, high in ((0, 10), (10, 60), (60, 200)):
        rows = (low <= RUL) & (high > RUL)
        assert np.allclose(calibrated[rows].mean(0), real[rows].mean(0), atol=0.12)
        assert np.allclose(calibrated[rows].std(0), real[rows].std(0), rtol=0.12)
    left = [rows - np.exp(-RUL / 40)[:, None] * [3.0, -2.0] for rows in (real, calibrated)]
    assert np.corrcoef(left[1].T)[0, 1] == pytest.approx(np.corrcoef(left[0].T)[0, 1], abs=0.03)


def test_rows_that_are_right_already_hardly_move() -> None:
    real, made = worn(1), worn(2)
    moved = fit_calibration(made, RUL, real, RUL).applied(made, RUL) - made
    assert np.abs(moved).mean() < 0.05


def test_series_without_remaining_life_are_calibrated_as_one() -> None:
    rng = np.random.default_rng(0)
    real, made = rng.normal(5, 2, (3000, 3)), rng.normal(4, 3, (3000, 3))
    calibrated = fit_calibration(made, None, real, None).applied(made, None)
    assert np.allclose(calibrated.mean(0), real.mean(0), atol=1e-4)
    assert np.allclose(calibrated.std(0), real.std(0), rtol=0.02)


def test_transport_between_covariances_is_exact_and_symmetric() -> None:
    rng = np.random.default_rng(3)
    made, real = (np.cov(rng.normal(size=(50, 4)), rowvar=False) for _ in range(2))
    turn = transport(made, real)
    assert np.allclose(turn, turn.T)
    assert np.allclose(turn @ made @ turn, real)


def test_many_drawn_runs_have_exactly_the_fitted_mean_and_covariance_and_few_are_left_alone() -> None:
    rng = np.random.default_rng(4)
    memory = fit_memory([rng.normal(size=(80, 2)).cumsum(0).astype(np.float32) for _ in range(30)], whiten=True)
    enough = round(2 * RUNS_TO_BALANCE)
    drawn = memory.draw_runs(enough * [60], rng)
    balanced = memory.balanced(drawn, enough)
    assert np.allclose(balanced.mean(0), memory.mean, atol=1e-3)
    assert np.allclose(np.cov(balanced, rowvar=False), memory.mixing.T @ memory.mixing, rtol=1e-3)
    assert memory.balanced(drawn, enough - 1) is drawn


def test_a_path_model_follows_the_end_of_life_in_each_state_and_gives_back_what_it_was_given() -> None:
    rng = np.random.default_rng(5)
    log = 4 * np.log1p(RUL) / np.log1p(200.0) - 3
    state = rng.integers(0, 2, len(RUL))
    conditions = np.stack([log, state == 0, state == 1], 1).astype(np.float32)
    mean = np.exp(-RUL / 20) * np.where(state == 0, 3.0, -1.0)
    paths = (mean + 0.1 * rng.normal(size=len(RUL)))[:, None].astype(np.float32)
    model = PathModel.fit(paths, conditions, ("rul:log", "mode:on", "mode:off"))
    noise = model.encode(paths, conditions)
    assert np.abs(noise[:, 0] - (paths[:, 0] - mean)).mean() < 0.03
    assert np.allclose(model.decode(noise, conditions), paths, atol=1e-5)
