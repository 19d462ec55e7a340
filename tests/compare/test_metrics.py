"""Every metric against an independent implementation and against a known truth."""

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

from services.compare.controls import bootstrap_of, calibrated
from services.compare.datasets import Rows
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
from services.compare.metrics.privacy import exact_copies, nearer_to_training, seen_test_rows, unseen_real_rows
from services.compare.metrics.samples import Samples, block_weights, interval
from services.compare.metrics.temporal import (
    Series,
    autocorrelation_error,
    lagged_correlation_error,
    step_distance,
    window_two_sample_test,
)
from tests.compare.conftest import datasets, machine_rows, numbers, samples_of, split_rows


def normal(n: int, d: int = 1, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, d))


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


# Memorisation


def test_fresh_rows_are_as_near_to_unseen_rows_as_to_training() -> None:
    measured = nearer_to_training(numbers(normal(1000, 5), normal(1000, 5, seed=2), normal(1000, 5, seed=3)))
    assert measured.value == pytest.approx(0.5, abs=0.04)


def test_memorised_rows_scream() -> None:
    train = normal(1000, 5)
    noisy = train + 0.01 * normal(1000, 5, seed=9)
    for refined in (train, noisy):
        measured = nearer_to_training(numbers(train, normal(1000, 5, seed=2), refined))
        assert (measured.value or 0) > 0.95
        assert (measured.details["nearer_than_neighbours"] or 0) > 0.95


def asset_rows(seed: int, assets: np.ndarray, memory: float) -> np.ndarray:
    """Returns 300 rows of each asset about its own level, with memory in time."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(len(assets), 300, assets.shape[1]))
    for i in range(1, 300):
        noise[:, i] = memory * noise[:, i - 1] + np.sqrt(1 - memory**2) * noise[:, i]
    return np.asarray((assets[:, None] + 0.5 * noise).reshape(-1, assets.shape[1]))


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_split_by_run_fresh_rows_of_the_same_assets_get_half_and_copies_scream(memory: float) -> None:
    assets, others = normal(10, 5, seed=1), normal(4, 5, seed=2)
    train, test = asset_rows(3, assets, memory), asset_rows(4, others, memory)
    fresh = asset_rows(5, assets, memory)
    copies = train + 0.01 * normal(len(train), 5, seed=6)

    def share(refined: np.ndarray) -> Samples:
        samples = numbers(train, test, refined)
        runs = np.repeat(np.arange(len(assets)), 300)
        held = replace(samples.data.train, runs=runs)
        return replace(samples, data=replace(samples.data, train=held, same_assets=False))

    measured = nearer_to_training(share(fresh))
    assert (measured.value or 0) == pytest.approx(0.5, abs=0.12)
    assert (measured.value or 1) < 0.55
    assert (unseen_real_rows(share(fresh)).value or 1) < 0.3
    screaming = nearer_to_training(share(copies))
    assert (screaming.value or 0) > 0.99
    assert (screaming.details["nearer_than_neighbours"] or 0) > 0.99


def test_held_out_rows_among_training_rows_are_leakage() -> None:
    train, test = normal(400, 3), normal(200, 3, seed=1)
    leaked = np.vstack([train, test[:50]])
    samples = numbers(leaked, test, normal(100, 3, seed=2))
    assert seen_test_rows(samples).value == 0
    control = seen_test_rows(replace(samples, rows=samples.train))
    assert control.value == pytest.approx(0.25)
    assert control.details["by_chance"] == 0


def test_a_machine_at_low_resolution_repeats_itself_without_leakage() -> None:
    rows = [np.round(normal(1000, 2, seed=seed)) for seed in (1, 2, 3)]
    samples = numbers(*rows)
    measured = seen_test_rows(replace(samples, rows=samples.train))
    assert (measured.value or 0) > 0.9
    assert measured.details["by_chance"] == pytest.approx(measured.value, abs=0.1)


def test_a_hold_out_of_another_season_shows_in_the_control_as_well() -> None:
    train, test = normal(1000, 5), normal(1000, 5, seed=2, shift=0.7)
    samples = numbers(train, test, normal(1000, 5, seed=3))
    share, control = nearer_to_training(samples).value, unseen_real_rows(samples).value
    assert share is not None
    assert control is not None
    assert share > 0.6
    assert control == pytest.approx(share, abs=0.05)


def test_exact_copies_are_counted_and_a_hair_of_difference_is_none() -> None:
    train = normal(300, 3)
    refined = np.vstack([train[:30], normal(70, 3, seed=5), train[:10] * (1 + 1e-6)])
    measured = exact_copies(numbers(train, normal(100, 3, seed=2), refined))
    assert measured.details["rows"] == 30


def test_rows_of_an_outage_are_no_copies_of_each_other_but_sparse_rows_may_be() -> None:
    def outage(values: np.ndarray, rows: int) -> np.ndarray:
        values = values.copy()
        values[:rows, 1:] = np.nan
        values[:rows, 0] = 7.0
        values[:3] = np.nan
        return values

    train, test = outage(normal(200, 6), 30), outage(normal(100, 6, seed=2), 20)
    refined = outage(normal(100, 6, seed=3), 10)
    refined[50] = train[50]
    measured = exact_copies(numbers(train, test, refined))
    assert measured.value == 1 / 100
    assert measured.details == {"rows": 1.0, "mostly_missing": 10.0}
    assert seen_test_rows(replace(numbers(train, test, refined), name="control")).value == 0.0

    lonely = np.where(np.arange(6) == (np.arange(300) % 6)[:, None], normal(300, 6), np.nan)
    assert exact_copies(numbers(lonely, normal(100, 6, seed=2), lonely[:100])).value == 1.0


# Time


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


# Intervals and controls


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
