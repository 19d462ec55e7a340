"""Drawn noise keeps N(0, 1) rows and remembers as long as the noise it was fitted to."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from services.refine.augmentation import temporal
from services.refine.augmentation.memory import Kernel, fit_memory, kernels, pooled_autocorrelation

ABOVE = [Kernel("white", above=9.0), Kernel("ar1", 0.8, above=9.0), Kernel("rbf", 6, above=9.0)]


@pytest.mark.parametrize(
    "kernel", [*kernels(400, (24.0,)), *ABOVE], ids=lambda k: f"{k.kind}-{k.scale:g}-{k.decay:g}-{k.above:g}"
)
def test_every_kernel_draws_noise_of_unit_variance_with_its_own_autocorrelation(kernel: Kernel) -> None:
    noise = kernel.draw(400, 60, 3, np.random.default_rng(0))
    found, _ = pooled_autocorrelation(list(noise), 20)
    assert noise.shape == (400, 60, 3)
    assert noise.std() == pytest.approx(1, abs=0.06)
    assert np.abs(found.mean(1) - kernel.autocorrelation(20)).max() < 0.12


def mixed(runs: int, length: int, seed: int) -> list[np.ndarray]:
    """Two directions with memory (one slow, one fast) and one without, rotated so that no column shows it alone."""
    rng = np.random.default_rng(seed)
    slow, fast = Kernel("rbf", 40.0), Kernel("ar1", 0.7)
    z = np.concatenate([k.draw(runs, length, 1, rng) for k in (slow, fast, Kernel("white"))], 2)
    turn, _ = np.linalg.qr(np.random.default_rng(7).normal(size=(3, 3)))
    return list((z @ turn).astype(np.float32))


def test_a_rotated_memory_is_found_and_drawn_again() -> None:
    real = mixed(60, 150, 1)
    memory = fit_memory(real, whiten=False)
    drawn = list(memory.draw(60, 150, np.random.default_rng(3)))
    a, _ = pooled_autocorrelation(real, 30)
    b, _ = pooled_autocorrelation(drawn, 30)
    assert np.abs(a - b).max() < 0.2
    assert np.abs(np.cov(np.concatenate(drawn), rowvar=False) - np.eye(3)).max() < 0.2


def test_residuals_of_smoothing_are_drawn_with_the_swing_back_that_they_have() -> None:
    rng = np.random.default_rng(5)
    white = rng.normal(size=(60, 200, 2))
    real = list((white - gaussian_filter1d(white, 6.0, axis=1)).astype(np.float32))
    drawn = list(fit_memory(real, whiten=True, above=6.0).draw(60, 200, rng))
    a, _ = pooled_autocorrelation(real, 12)
    b, _ = pooled_autocorrelation(drawn, 12)
    assert a[1:6].mean() < -0.04
    assert np.abs(a - b)[1:].max() < 0.04


def test_whitening_gives_back_mean_and_covariance() -> None:
    rng = np.random.default_rng(0)
    scale = np.array([[2.0, 0.5], [0.0, 0.3]])
    real = [(rng.normal(size=(100, 2)) @ scale + [1, -2]).astype(np.float32) for _ in range(30)]
    drawn = np.concatenate(list(fit_memory(real, whiten=True).draw(200, 50, np.random.default_rng(1))))
    assert np.allclose(drawn.mean(0), [1, -2], atol=0.1)
    assert np.allclose(np.cov(drawn, rowvar=False), np.cov(np.concatenate(real), rowvar=False), atol=0.2)


def test_a_copied_run_is_near_and_a_fresh_one_is_not() -> None:
    train, fresh = mixed(12, 120, 1), mixed(12, 120, 2)
    copied = temporal.nearest_runs(train, [run + 0.01 for run in train])
    assert copied.close_share == 1
    assert temporal.nearest_runs(train, fresh).ratio > 0.8


def test_shuffled_rows_lose_their_autocorrelation() -> None:
    real = mixed(20, 120, 1)
    rng = np.random.default_rng(0)
    shuffled = [rng.permutation(run) for run in real]
    assert temporal.autocorrelation_error(real, mixed(20, 120, 5)) < 0.5 * temporal.autocorrelation_error(
        real, shuffled
    )
    assert temporal.step_distance(real, real) == 0


def test_runs_that_scatter_most_at_their_ends_do_not_pass_for_forgetful() -> None:
    rng = np.random.default_rng(6)
    widening = 0.5 + np.abs(np.linspace(-1, 1, 100))[:, None] ** 6 * 3
    real = [(rng.normal(size=2) * widening + 0.01 * rng.normal(size=(100, 2))).astype(np.float32) for _ in range(60)]
    drawn = list(fit_memory(real, whiten=True).draw(60, 100, rng))
    moved = [np.mean([((run[5:] - run[:-5]) ** 2).mean() for run in runs]) for runs in (real, drawn)]
    assert moved[1] < 1.5 * moved[0]
