"""Metrics of the order of rows against independent implementations and known truths."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from services.compare.datasets import Rows
from services.compare.metrics.temporal import (
    Series,
    autocorrelation_error,
    lagged_correlation_error,
    step_distance,
    window_two_sample_test,
)


def ar1(runs: int, length: int, seed: int, memory: float = 0.8, columns: int = 1) -> Rows:
    """Returns runs of an AR(1) process, equal columns apart from their noise."""
    rng = np.random.default_rng(seed)
    x = np.zeros((runs, length, columns))
    for i in range(1, length):
        x[:, i] = memory * x[:, i - 1] + rng.normal(size=(runs, columns))
    n = runs * length
    return Rows(x.reshape(n, columns), np.empty((n, 0), dtype=np.int64), np.repeat(np.arange(runs), length))


def test_autocorrelation_of_an_ar1_process_is_a_power_and_never_crosses_runs() -> None:
    rows = ar1(400, 100, 0)
    np.testing.assert_allclose(Series(rows).autocorrelations[0, :5, 0], 0.8 ** np.arange(1, 6), atol=0.03)
    alone = Rows(rows.numeric, rows.states, np.arange(len(rows)))
    assert np.isnan(Series(alone).autocorrelations).all()


def test_autocorrelation_of_one_run_agrees_with_numpy() -> None:
    rows = ar1(1, 300, 1)
    x = rows.numeric[:, 0] - rows.numeric[:, 0].mean()
    expected = [np.mean(x[lag:] * x[:-lag]) / x.var() for lag in (1, 7, 50)]
    np.testing.assert_allclose(Series(rows).autocorrelations[0, [0, 6, 49], 0], expected, rtol=1e-10)


def test_lagged_correlations_agree_with_numpy_and_see_a_delay_that_rows_hide() -> None:
    rows = ar1(1, 2000, 2, columns=2)
    delayed = Rows(np.column_stack([rows.numeric[:, 0], np.roll(rows.numeric[:, 0], 5)]), rows.states, rows.runs)
    found = Series(delayed).cross_correlations(5)[0, 0, 1]
    assert found == pytest.approx(np.corrcoef(delayed.numeric[:-5, 0], delayed.numeric[5:, 1])[0, 1], abs=0.01)
    ahead = Rows(delayed.numeric[:, ::-1].copy(), rows.states, rows.runs)
    assert lagged_correlation_error(Series(delayed), Series(delayed)).value == 0
    assert (lagged_correlation_error(Series(delayed), Series(ahead)).value or 0) > 0.3


def test_step_distance_agrees_with_scipy() -> None:
    real, rows = ar1(12, 60, 3), ar1(12, 60, 4, memory=0.5)
    steps = [np.diff(part.numeric.reshape(12, 60), axis=1).ravel() for part in (real, rows)]
    measured = step_distance(Series(real), Series(rows), np.array([2.0]))
    assert measured.value == pytest.approx(stats.wasserstein_distance(*steps) / 2)


def test_shuffled_time_is_seen_by_temporal_metrics_alone() -> None:
    real = ar1(40, 100, 5, memory=0.95, columns=2)
    fresh = ar1(40, 100, 6, memory=0.95, columns=2)
    order = np.random.default_rng(1).permutation(len(fresh))
    shuffled = Rows(fresh.numeric[order], fresh.states, fresh.runs)
    scale = real.numeric.std(axis=0)
    measures = {
        "memory": lambda rows: autocorrelation_error(Series(real), Series(rows, 1)),
        "steps": lambda rows: step_distance(Series(real), Series(rows, 1), scale),
        "windows": lambda rows: window_two_sample_test(Series(real), Series(rows, 1)),
    }
    for name, measure in measures.items():
        good, bad = measure(fresh), measure(shuffled)
        low, high = good.interval
        assert low is not None, name
        assert high is not None, name
        assert (bad.value or 0) > high + 0.1, name
        assert low <= (good.value or 0) <= high, name
    assert measures["windows"](fresh).value == pytest.approx(0.5, abs=0.08)
    assert (measures["windows"](shuffled).value or 0) > 0.95


def test_one_short_run_has_no_interval_in_time() -> None:
    rows = ar1(1, 120, 0)
    assert autocorrelation_error(Series(rows), Series(rows)).interval == (None, None)
