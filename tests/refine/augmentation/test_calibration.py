"""What engines get slightly wrong is mapped away; what they get right stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from services.refine.augmentation.calibration import fit_calibration
from services.refine.augmentation.memory import RUNS_TO_BALANCE, fit_memory, transport
from services.refine.augmentation.path_model import PathModel

Array = NDArray[np.float64]
LIVES, LENGTH = 20, 200
RUL = np.tile(np.arange(float(LENGTH))[::-1], LIVES)
RUN = np.repeat(np.arange(LIVES), LENGTH)


def worn(seed: int, *, bias: float = 0.0, widen: float = 1.0, alike: float = 0.8) -> Array:
    """Returns two sensors (n, 2) that rise and scatter less towards the end of life, `alike` in what they scatter."""
    rng = np.random.default_rng(seed)
    scatter = rng.multivariate_normal([0, 0], [[1, alike], [alike, 1]], len(RUL)) * widen * (0.3 + RUL[:, None] / 200)
    return np.asarray(np.exp(-RUL / 40)[:, None] * [3.0, -2.0] + bias + scatter)


def test_level_spread_and_correlation_become_those_of_real_rows_at_every_age() -> None:
    real, made = worn(1), worn(2, bias=0.4, widen=1.3, alike=0.5)
    calibrated = fit_calibration(made, RUL, real, RUL, RUN).applied(made, RUL)
    for low, high in ((0, 10), (10, 60), (60, 200)):
        rows = (low <= RUL) & (high > RUL)
        assert np.allclose(calibrated[rows].mean(0), real[rows].mean(0), atol=0.12)
        assert np.allclose(calibrated[rows].std(0), real[rows].std(0), rtol=0.12)
    left = [rows - np.exp(-RUL / 40)[:, None] * [3.0, -2.0] for rows in (real, calibrated)]
    assert np.corrcoef(left[1].T)[0, 1] == pytest.approx(np.corrcoef(left[0].T)[0, 1], abs=0.03)


def lives_with(seed: int, lives: int, at_the_end: float) -> tuple[Array, Array, NDArray[np.int64]]:
    """Returns two sensors (n, 2) of lives that each stand still beside the mean, as much alike as `at_the_end` in their
    last 20 rows and not at all before, with remaining life and run (n,)."""
    rng = np.random.default_rng(seed)
    before, after = (rng.multivariate_normal([0, 0], [[1, alike], [alike, 1]], lives) for alike in (0.0, at_the_end))
    rul = np.tile(np.arange(float(LENGTH))[::-1], lives)
    run = np.repeat(np.arange(lives), LENGTH)
    values = np.where((rul < 20)[:, None], after[run], before[run])
    return values + 0.1 * rng.normal(size=values.shape), rul, run


def test_lives_that_end_alike_are_made_to_end_alike() -> None:
    (real, rul, run), (made, made_rul, _) = lives_with(3, 60, -0.95), lives_with(4, 240, 0.0)
    calibrated = fit_calibration(made, made_rul, real, rul, run).applied(made, made_rul)
    assert np.corrcoef(calibrated[made_rul < 15].T)[0, 1] < -0.85
    assert abs(np.corrcoef(calibrated[made_rul > 40].T)[0, 1] - np.corrcoef(real[rul > 40].T)[0, 1]) < 0.1


def test_an_age_at_which_a_few_lives_are_alike_by_chance_is_not_made_so() -> None:
    rng = np.random.default_rng(5)
    rul, run = np.tile(np.arange(float(LENGTH))[::-1], 6), np.repeat(np.arange(6), LENGTH)
    real = rng.normal(size=(6, 5, 2))[run, (rul // 40).astype(int)] + 0.1 * rng.normal(size=(len(rul), 2))
    chance = max(abs(np.corrcoef(real[(low <= rul) & (rul < low + 40)].T)[0, 1]) for low in range(0, LENGTH, 40))
    made, made_rul, _ = lives_with(6, 240, 0.0)
    calibrated = fit_calibration(made, made_rul, real, rul, run).applied(made, made_rul)
    learnt = [calibrated[(low <= made_rul) & (made_rul < low + 40)] for low in range(40, LENGTH, 40)]
    assert chance > 0.6
    assert max(abs(np.corrcoef(rows.T)[0, 1]) for rows in learnt) < 0.75 * chance


def test_many_runs_are_brought_to_the_real_moments_at_every_age_and_ages_they_lack_do_no_harm() -> None:
    (real, rul, run), (made, made_rul, _) = lives_with(3, 60, -0.95), lives_with(4, 240, 0.0)
    calibration = fit_calibration(made, made_rul, real, rul, run)
    batch, batch_rul, _ = lives_with(7, 30, 0.0)
    own = calibration.of_batch(batch, batch_rul).applied(batch, batch_rul)
    ends = [rows[at < 5].mean(0) for rows, at in ((real, rul), (own, batch_rul))]
    assert np.allclose(ends[1], ends[0], atol=0.05)
    young = batch_rul < 60
    assert np.isfinite(
        calibration.of_batch(batch[young], batch_rul[young]).applied(batch[young], batch_rul[young])
    ).all()


def test_rows_that_are_right_already_hardly_move() -> None:
    real, made = worn(1), worn(2)
    moved = fit_calibration(made, RUL, real, RUL, RUN).applied(made, RUL) - made
    assert np.abs(moved).mean() < 0.05


def test_series_without_remaining_life_are_calibrated_as_one() -> None:
    rng = np.random.default_rng(0)
    real, made = rng.normal(5, 2, (3000, 3)), rng.normal(4, 3, (3000, 3))
    calibrated = fit_calibration(made, None, real, None, np.zeros(3000, int)).applied(made, None)
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
