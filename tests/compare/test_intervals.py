"""How sure a metric is, and the controls that it is held against."""

from __future__ import annotations

import numpy as np
import pytest

from services.compare.controls import bootstrap_of, calibrated
from services.compare.metrics.correlation import pearson, ranked
from services.compare.metrics.marginal import (
    wasserstein,
)
from services.compare.metrics.privacy import exact_copies
from services.compare.metrics.samples import Samples, block_weights, interval
from tests.compare.conftest import datasets, machine_rows, normal, numbers


def test_blocks_never_cross_runs_and_keep_neighbours_together() -> None:
    runs = np.repeat([0, 1, 2], [50, 30, 20])
    weights = block_weights(runs, 20, np.random.default_rng(0))
    assert weights.shape == (21, 100)
    assert (weights[0] == 1).all()
    assert (weights[:, :10] == weights[:, :1]).all()
    assert (weights[1:, 49] != weights[1:, 50]).any()


def test_an_interval_contains_its_value_and_shrinks_with_rows() -> None:
    widths = []
    for n in (200, 5000):
        measured = wasserstein(numbers(normal(500, 3), normal(n, 3, seed=2), normal(n, 3, seed=3, shift=0.5)))
        low, high = measured.interval
        assert low is not None
        assert high is not None
        assert low <= (measured.value or 0) <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_no_draws_give_no_interval() -> None:
    assert interval(1.0, np.empty(0)) == (None, None)


def test_the_calibrated_seed_has_the_training_margins_and_its_own_dependence() -> None:
    data = datasets(seed=machine_rows(2000, 4, shift=2.0))
    assert data.seed is not None
    moved = calibrated(data.seed, data, 0)
    for j in (0, 1, 2):
        assert np.quantile(moved.numeric[:, j], 0.3) == pytest.approx(
            np.quantile(data.train.numeric[:, j], 0.3), rel=0.02
        )
    before, after = pearson(ranked(data.seed.numeric)), pearson(ranked(moved.numeric))
    np.testing.assert_allclose(before[:3, :3], after[:3, :3], atol=0.01)


def test_the_bootstrap_control_consists_of_training_rows() -> None:
    data = datasets()
    rows = bootstrap_of(data.train, 300, 1)
    assert exact_copies(Samples("bootstrap", data, rows, resamples=0)).value == 1.0
