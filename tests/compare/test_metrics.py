"""Metrics of single rows, of columns and of pairs of them against independent implementations and known truths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from sklearn.metrics import roc_auc_score

from services.compare.metrics.classifier import auc, train_on_synthetic, two_sample_test
from services.compare.metrics.correlation import correlation_error, pearson, ranked
from services.compare.metrics.energy import energy_distance
from services.compare.metrics.marginal import (
    constants_kept,
    divergence,
    kl_divergence,
    kolmogorov_smirnov,
    limit_violations,
    mean_error,
    missing_error,
    quantiles,
    std_error,
    tail_error,
    wasserstein,
)
from services.compare.metrics.privacy import nearer_to_training
from services.compare.metrics.samples import Samples
from tests.compare.conftest import datasets, machine_rows, normal, numbers, samples_of, split_rows

# Marginals


def test_kl_is_what_the_definition_says_computed_by_hand() -> None:
    train, test, refined = normal(3000, seed=1), normal(1000, seed=2), normal(2000, seed=3, shift=0.4)
    edges = np.r_[-np.inf, np.quantile(train[:, 0], np.arange(1, 20) / 20), np.inf]
    p = np.histogram(test[:, 0], edges)[0] + 0.5
    q = np.histogram(refined[:, 0], edges)[0] + 0.5
    by_hand = stats.entropy(p, q)
    assert kl_divergence(numbers(train, test, refined)).value == pytest.approx(by_hand, abs=1e-12)


def test_kl_of_shifted_normals_is_half_the_squared_shift() -> None:
    measured = kl_divergence(numbers(normal(50_000), normal(50_000, seed=2), normal(50_000, seed=3, shift=0.5)))
    assert measured.value == pytest.approx(0.5**2 / 2, rel=0.06)


def test_kl_of_one_source_is_about_its_noise_floor() -> None:
    values = [
        kl_divergence(numbers(normal(2000, 4, seed=i), normal(1000, 4, seed=i + 50), normal(2000, 4, seed=i + 99)))
        for i in range(8)
    ]
    floor = values[0].floor
    assert floor == pytest.approx(19 / 2 * (1 / 2000 + 1 / 1000))
    assert np.mean([measured.value for measured in values]) == pytest.approx(floor, rel=0.25)


def test_kl_uses_fewer_bins_for_few_test_rows() -> None:
    measured = kl_divergence(numbers(normal(500), normal(100, seed=2), normal(500, seed=3)))
    assert measured.floor == pytest.approx(4 / 2 * (1 / 500 + 1 / 100))


def test_divergence_is_never_negative_and_zero_for_equal_counts() -> None:
    counts = np.array([3.0, 0.0, 9.0])
    assert divergence(counts, counts) == 0
    assert divergence(counts, counts[::-1]) > 0


def test_wasserstein_agrees_with_scipy_and_with_the_shift() -> None:
    test, refined = normal(700, seed=2), normal(900, seed=3, shift=2.0)
    value = wasserstein(numbers(normal(500), test, refined)).value
    assert value == pytest.approx(stats.wasserstein_distance(test[:, 0], refined[:, 0]) / test.std())
    assert value == pytest.approx(2.0, rel=0.05)


@settings(max_examples=30, deadline=None)
@given(
    hnp.arrays(np.float64, 40, elements=st.floats(-1e3, 1e3).map(lambda x: round(x, 2))),
    hnp.arrays(np.float64, 30, elements=st.floats(-1e3, 1e3).map(lambda x: round(x, 2))),
)
def test_distances_agree_with_scipy_on_any_values_with_ties(test: np.ndarray, refined: np.ndarray) -> None:
    samples = numbers(np.arange(40.0)[:, None], test[:, None], refined[:, None])
    usual = np.arange(40.0).std()
    scale = test.std() if test.std() >= 0.1 * usual else usual
    assert wasserstein(samples).value == pytest.approx(stats.wasserstein_distance(test, refined) / scale, abs=1e-9)
    assert kolmogorov_smirnov(samples).value == pytest.approx(stats.ks_2samp(test, refined).statistic, abs=1e-12)


def test_ks_is_the_complement_of_sdmetrics_score() -> None:
    from sdmetrics.single_column import KSComplement

    test, refined = normal(700, seed=2), normal(900, seed=3, shift=0.3)
    score = KSComplement.compute(pd.Series(test[:, 0]), pd.Series(refined[:, 0]))
    assert kolmogorov_smirnov(numbers(normal(500), test, refined)).value == pytest.approx(1 - score)


def test_moments_and_tails_of_a_scaled_set() -> None:
    test = normal(4000, seed=2)
    samples = numbers(normal(500), test, test * 2 + 1)
    assert mean_error(samples).value == pytest.approx(abs(test.mean() + 1) / test.std())
    assert std_error(samples).value == pytest.approx(1.0)
    tails = np.quantile(test, [0.01, 0.99])
    assert tail_error(samples).value == pytest.approx(np.abs(tails + 1).mean() / test.std(), rel=1e-6)


def test_a_sensor_at_rest_in_the_hold_out_is_scaled_by_its_training_values() -> None:
    test = 0.001 * normal(500, seed=2)
    value = wasserstein(numbers(normal(500), test, normal(500, seed=3))).value
    assert value == pytest.approx(0.8, abs=0.1)


def test_states_are_compared_by_category_whatever_their_spelling() -> None:
    real = split_rows(2000, 50, 1000).with_columns(pl.when(pl.col("mode") == "high").then(1).otherwise(0).alias("mode"))
    same = machine_rows(2000, 9).with_columns(pl.when(pl.col("mode") == "high").then(1.0).otherwise(0.0).alias("mode"))
    only = same.with_columns(pl.lit(1.0).alias("mode"))
    assert (kl_divergence(samples_of(datasets(real, same))).per_column["mode"] or 0) < 0.02
    assert (kl_divergence(samples_of(datasets(real, only))).per_column["mode"] or 0) > 1


def test_rows_outside_physical_limits_are_counted_once_each() -> None:
    refined = machine_rows(100, 2).with_columns(
        pl.when(pl.int_range(pl.len()) < 10).then(-5.0).otherwise(pl.col("current_a")).alias("current_a"),
        pl.when(pl.int_range(pl.len()) < 15).then(999.0).otherwise(pl.col("vibration")).alias("vibration"),
    )
    measured = limit_violations(samples_of(datasets(refined=refined)))
    assert measured.value == pytest.approx(0.15)
    assert measured.per_column["current_a"] == pytest.approx(0.10)


# Awkward data


def test_a_constant_is_judged_by_being_kept_and_stays_out_of_distances() -> None:
    kept = samples_of(datasets())
    assert constants_kept(kept).value == 1.0
    assert "rated" not in kl_divergence(kept).per_column
    lost = samples_of(datasets(refined=machine_rows(500, 2).with_columns(pl.col("rated") + 0.1)))
    assert constants_kept(lost).value == 0.0


def test_missing_values_are_left_out_and_reported() -> None:
    holes = machine_rows(2000, 2).with_columns(
        pl.when(pl.int_range(pl.len()) % 4 == 0).then(None).otherwise(pl.col("current_a")).alias("current_a")
    )
    samples = samples_of(datasets(refined=holes))
    assert missing_error(samples).per_column["current_a"] == pytest.approx(0.25)
    assert (kl_divergence(samples).per_column["current_a"] or 1) < 0.03
    for measure in (correlation_error, energy_distance, two_sample_test, nearer_to_training):
        assert np.isfinite(measure(samples).value or 0.0)


def test_one_sensor_has_no_correlation_and_everything_else() -> None:
    samples = numbers(normal(200), normal(100, seed=2), normal(200, seed=3))
    assert correlation_error(samples).value is None
    assert kl_divergence(samples).value is not None
    assert energy_distance(samples).value is not None


def test_a_column_that_one_set_lacks_is_unknown_there_and_not_zero() -> None:
    data = datasets(seed=machine_rows(300, 3).drop("vibration"))
    assert data.seed is not None
    measured = kl_divergence(Samples("seed", data, data.seed, resamples=10))
    assert measured.per_column["vibration"] is None
    assert measured.value is not None


def test_weighted_quantiles_agree_with_numpy_on_repeated_values() -> None:
    rng = np.random.default_rng(0)
    values, counts = rng.normal(size=50), rng.integers(0, 4, size=50)
    expected = np.quantile(np.repeat(values, counts), [0.01, 0.3, 0.99])
    np.testing.assert_allclose(quantiles(values, counts[None].astype(float), (0.01, 0.3, 0.99))[0], expected)


def test_every_error_of_a_column_has_an_interval() -> None:
    rows = machine_rows(500, 2).with_columns(vibration=pl.when(pl.col("rul") < 90).then(pl.col("vibration")))
    samples = samples_of(datasets(refined=rows))
    for measure in (tail_error, missing_error, constants_kept, mean_error, std_error):
        low, high = measure(samples).interval
        assert low is not None, measure
        assert high is not None, measure
        assert low <= (measure(samples).value or 0.0) <= high, measure


# Dependence


def test_pearson_agrees_with_numpy_and_pairwise_with_pandas() -> None:
    rows = normal(200, 4, seed=5) @ normal(4, 4, seed=6)
    np.testing.assert_allclose(pearson(rows), np.corrcoef(rows.T), atol=1e-12)
    rows[::7, 1] = np.nan
    rows[::5, 2] = np.nan
    np.testing.assert_allclose(pearson(rows), pd.DataFrame(rows).corr().to_numpy(), atol=1e-12)


def test_rank_correlation_agrees_with_scipy() -> None:
    rows = np.round(normal(200, 3, seed=5) @ normal(3, 3, seed=6), 1)
    np.testing.assert_allclose(pearson(ranked(rows)), stats.spearmanr(rows).statistic, atol=1e-12)


def test_shuffled_columns_scream_in_the_correlation_and_not_in_the_marginals() -> None:
    rng = np.random.default_rng(0)
    mix = np.array([[1, 0.9, 0.8], [0, 0.4, 0.1], [0, 0, 0.6]])
    train, test, refined = (normal(3000, 3, seed=i) @ mix for i in (1, 2, 3))
    shuffled = np.column_stack([rng.permutation(column) for column in refined.T])
    good, bad = numbers(train, test, refined), numbers(train, test, shuffled)
    assert kl_divergence(bad).value == kl_divergence(good).value
    assert (correlation_error(good).value or 1) < 0.03
    assert (correlation_error(bad).value or 0) > 0.6


def test_energy_distance_agrees_with_scipy_in_one_dimension() -> None:
    train, test, refined = normal(400), normal(500, seed=2), normal(600, seed=3, shift=0.7)
    expected = stats.energy_distance(test[:, 0] / train.std(), refined[:, 0] / train.std()) ** 2
    assert energy_distance(numbers(train, test, refined)).value == pytest.approx(expected, rel=1e-6)


# Learners


def test_auc_agrees_with_sklearn_also_with_ties() -> None:
    rng = np.random.default_rng(0)
    real, fake = np.round(rng.random(300), 1), np.round(rng.random(300) ** 0.5, 1)
    order = np.argsort(np.r_[real, fake], kind="stable")
    value = auc(real, fake, np.ones((1, 300)), np.ones((1, 300)), order)[0]
    assert value == pytest.approx(roc_auc_score(np.r_[np.zeros(300), np.ones(300)], np.r_[real, fake]))


def test_a_classifier_cannot_tell_rows_of_one_source() -> None:
    measured = two_sample_test(numbers(normal(50, 3), normal(1500, 3, seed=2), normal(1500, 3, seed=3)))
    assert measured.value == pytest.approx(0.5, abs=0.05)


def test_a_classifier_tells_a_copula_that_keeps_marginals_and_correlations() -> None:
    x = normal(1500, seed=2)
    real = np.column_stack([x, np.abs(x) + 0.2 * normal(1500, seed=4)])
    rng = np.random.default_rng(1)
    independent = np.column_stack([rng.permutation(column) for column in real.T])
    samples = numbers(real, real, independent)
    assert kl_divergence(samples).value == pytest.approx(0, abs=0.001)
    assert (correlation_error(samples).value or 1) < 0.08
    assert (two_sample_test(samples).value or 0) > 0.75


def test_what_is_learnt_from_good_rows_is_true_of_reality_and_from_shuffled_life_is_not() -> None:
    good = replace(samples_of(datasets()), beside_real=True)
    measured = train_on_synthetic(good)
    assert (measured.value or 0) > 0.5
    assert measured.value == pytest.approx(measured.details["train_on_real"], abs=0.1)
    wrong = machine_rows(2000, 2).with_columns(pl.col("rul").shuffle(seed=1))
    assert (train_on_synthetic(samples_of(datasets(refined=wrong))).value or 0) < 0.1


def test_every_sensor_can_be_learnt_in_turn_and_the_headline_stays_that_of_life() -> None:
    samples = samples_of(datasets(split_rows(200, 0, 150), machine_rows(200, 2)), resamples=0)
    usual, every = train_on_synthetic(samples), train_on_synthetic(replace(samples, every_sensor=True))
    assert every.value == usual.value
    assert set(usual.per_column) == {"rul"}
    assert set(every.per_column) == {"rul", "current_a", "bearing_temp", "vibration"}
    assert (every.per_column["current_a"] or 0) > 0.4
