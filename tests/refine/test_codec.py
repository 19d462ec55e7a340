"""The codec: what comes back from a round trip, what is never invented, and the odd columns of real files."""

from __future__ import annotations

import json
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import kstest

from services.refine.checkpoint import pack, unpack
from services.refine.codec import Codec
from services.refine.columns import ColumnSpec
from services.refine.discrete import DiscreteTuple
from services.refine.normal_scores import Limits, NormalScores, Points, find_grid
from services.refine.sketches import CodecSketch, fit_in_chunks

VALUES = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=2, max_size=200).map(np.array)
GRIDDED = st.tuples(
    st.lists(st.integers(-500, 500), min_size=2, max_size=200), st.sampled_from([0.01, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0])
)


@given(VALUES)
@settings(deadline=None, max_examples=60)
def test_a_value_that_was_seen_comes_back(values: np.ndarray) -> None:
    fitted = NormalScores.fit(values)
    np.testing.assert_allclose(
        fitted.decode(fitted.encode(values)), values, rtol=1e-5, atol=1e-4 * np.ptp(values) + 1e-6
    )


@given(GRIDDED, st.integers(0, 2**31))
@settings(deadline=None, max_examples=60)
def test_decoded_values_lie_on_the_sensors_grid(case: tuple[list[int], float], seed: int) -> None:
    counts, step = case
    values = np.round(np.array(counts) * step, 6)
    fitted = NormalScores.fit(values)
    drawn = fitted.decode(np.random.default_rng(seed).normal(size=500))
    steps = (drawn - values.min()) / step
    assert np.abs(steps - np.rint(steps)).max() < 1e-6


@given(VALUES, st.integers(0, 2**31))
@settings(deadline=None, max_examples=60)
def test_decoding_is_monotone(values: np.ndarray, seed: int) -> None:
    scores = np.sort(np.random.default_rng(seed).normal(0, 2, 300))
    decoded = NormalScores.fit(values).decode(scores)
    assert (np.diff(decoded) >= 0).all()


@given(VALUES)
@settings(deadline=None, max_examples=60)
def test_encoding_is_monotone_beyond_the_seen_range_too(values: np.ndarray) -> None:
    wide = np.sort(np.concatenate([values, values * 1.5, values - 10]))
    scores = NormalScores.fit(values).encode(wide)
    assert (np.diff(scores) >= -1e-6).all()
    assert np.isfinite(scores).all()


@given(VALUES, st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**31))
@settings(deadline=None, max_examples=60)
def test_no_decoded_value_leaves_the_physical_limits(values: np.ndarray, low: float, high: float, seed: int) -> None:
    limits = Limits(float(values.min()) - low, float(values.max()) + high)
    drawn = NormalScores.fit(values, limits).decode(np.random.default_rng(seed).normal(0, 4, 300))
    assert drawn.min() >= limits.minimum
    assert drawn.max() <= limits.maximum


def test_scores_of_a_quantised_sensor_are_normal_once_ties_are_drawn() -> None:
    rng = np.random.default_rng(0)
    coarse = np.round(rng.gamma(3, 1, 4000))
    scores = NormalScores.fit(coarse).encode(coarse, rng)
    assert kstest(scores, "norm").statistic < 0.02


def test_values_written_with_binary_noise_come_back_digit_by_digit() -> None:
    noisy = np.array([-0.0139999999999993, -0.0120000000000004, 0.0, 0.0139999999999993] * 50)
    fitted = NormalScores.fit(noisy)
    drawn = fitted.decode(np.random.default_rng(0).normal(0, 0.8, 500))
    assert set(drawn[np.isclose(drawn, -0.014)]) == {-0.0139999999999993}


def test_tails_reach_beyond_the_seen_range_but_not_far() -> None:
    values = np.random.default_rng(0).normal(50, 5, 500)
    fitted = NormalScores.fit(values)
    far = fitted.decode(np.array([-5.0, 5.0]))
    span = values.max() - values.min()
    assert values.min() - 0.25 * span <= far[0] < values.min()
    assert values.max() < far[1] <= values.max() + 0.25 * span


@pytest.mark.parametrize(
    ("values", "step"),
    [
        (np.arange(0, 10, 0.5), 0.5),
        (np.array([0.1, 0.2, 0.3, 0.7]), 0.1),
        (np.array([100.0, 110.0, 150.0]), 10.0),
        (np.random.default_rng(0).normal(size=100), 0.0),
        (np.sort(np.repeat(np.arange(40) * 5 / 9, 5)), 5 / 9),  # whole °F written as °C
        (np.array([3.0, 3.0]), 0.0),
    ],
)
def test_the_grid_of_a_sensor_is_found(values: np.ndarray, step: float) -> None:
    assert find_grid(values)[0] == pytest.approx(step)


# Tables ---------------------------------------------------------------------------------------------------------------


def mixed(rows: int = 800, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    running = rng.random(rows) < 0.8
    current = np.where(running, rng.normal(40, 3, rows), 0.0)
    return pl.DataFrame(
        {
            "timestamp": pl.int_range(rows, eager=True),
            "state": np.where(running, np.where(rng.random(rows) < 0.02, "fault", "run"), "stop"),
            "current_a": np.where(rng.random(rows) < 0.1, np.nan, current),
            "pressure_bar": np.where(rng.random(rows) < 0.05, np.inf, rng.normal(5, 1, rows)),
            "alarm": running & (rng.random(rows) < 0.05),
            "stage": rng.integers(0, 3, rows),
            "serial": [7] * rows,
            "dead": [None] * rows,
            "site": ["north"] * rows,
        }
    )


def test_every_kind_of_column_is_recognised() -> None:
    kinds = {column.name: column.kind for column in Codec.fit(mixed()).columns}
    assert kinds == {
        "state": "discrete",
        "current_a": "continuous",
        "pressure_bar": "continuous",
        "alarm": "discrete",
        "stage": "discrete",
        "serial": "constant",
        "dead": "empty",
        "site": "constant",
    }


def test_a_table_survives_the_round_trip() -> None:
    table = mixed().drop("timestamp")
    codec = Codec.fit(table)
    encoded = codec.encode(table, np.random.default_rng(0))
    back = codec.decode(np.nan_to_num(encoded.scores), encoded.codes)
    for name in ("state", "alarm", "site"):
        assert back[name].to_list() == table[name].to_list()
    assert back["stage"].to_list() == [float(v) for v in table["stage"]]
    assert back["serial"].unique().to_list() == [7.0]
    assert back["dead"].null_count() == table.height
    known = np.isfinite(table["current_a"].to_numpy())
    assert (back["current_a"].is_not_null().to_numpy() == known).all()
    np.testing.assert_allclose(back["current_a"].to_numpy()[known], table["current_a"].to_numpy()[known], atol=1e-3)
    assert back["pressure_bar"].null_count() == int(np.isinf(table["pressure_bar"].to_numpy()).sum())


def test_drawn_tuples_were_all_seen_and_rare_ones_keep_their_share() -> None:
    table = mixed(4000)
    codec = Codec.fit(table)
    codes = codec.discrete.draw(40_000, np.random.default_rng(1))
    seen = set(map(tuple, codec.encode(table).codes.tolist()))
    assert set(map(tuple, codes.tolist())) <= seen
    drawn = codec.decode(np.zeros((40_000, len(codec.continuous))), codes)
    assert (drawn["state"] == "fault").mean() == pytest.approx((table["state"] == "fault").mean(), rel=0.15)


def test_a_tuple_that_explodes_is_drawn_in_blocks_that_keep_related_columns_together() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 30, 2000)
    codes = np.column_stack([first, first, rng.integers(0, 30, 2000), rng.integers(0, 30, 2000)]).astype(np.int32)
    discrete = DiscreteTuple.fit(list("abcd"), [30] * 4, codes)
    assert any({0, 1} <= set(block.columns) for block in discrete.blocks)
    drawn = discrete.draw(1000, rng)
    assert (drawn[:, 0] == drawn[:, 1]).all()


def test_training_draws_rare_tuples_more_often() -> None:
    codes = np.array([[0]] * 900 + [[1]] * 100, np.int32)
    weights = DiscreteTuple.fit(["a"], [2], codes).tempered_weights(codes)
    assert weights[-1] / weights[0] == pytest.approx(3.0)  # (900 / 100) ** .5
    assert weights.mean() == pytest.approx(1.0)


def test_a_codec_is_the_same_after_being_stored() -> None:
    table = mixed()
    codec = Codec.fit(table)
    document, arrays = codec.to_json()
    again = Codec.from_json(json.loads(json.dumps(document)), arrays)
    encoded = codec.encode(table)
    assert again.encode(table).codes.tolist() == encoded.codes.tolist()
    np.testing.assert_array_equal(again.encode_scores(table), encoded.scores)
    assert again.condition_names == codec.condition_names


def test_a_column_that_the_new_rows_lack_keeps_the_codec_it_had() -> None:
    before = Codec.fit(mixed())
    after = Codec.fit(mixed(seed=1).drop("current_a", "state"), fallback=before)
    assert set(after.kept_from_base) == {"current_a", "state"}
    assert after.names == before.names
    drawn = after.decode(np.zeros((5000, 2)), after.discrete.draw(5000, np.random.default_rng(0)))
    assert (drawn["state"] == "stop").mean() == pytest.approx(0.2, abs=0.05)
    assert np.isnan(after.encode_scores(mixed(seed=1).drop("current_a"))[:, 0]).all()


def test_a_number_stays_continuous_when_the_base_had_it_so() -> None:
    base = Codec.fit(pl.DataFrame({"speed": np.random.default_rng(0).normal(size=500)}))
    swapped = Codec.fit(pl.DataFrame({"speed": [1.0] * 250 + [2.0] * 250}), fallback=base)
    assert swapped.continuous == ("speed",)


def test_profile_states_make_a_number_discrete() -> None:
    table = pl.DataFrame({"mode": np.random.default_rng(0).integers(0, 12, 200)})
    assert Codec.fit(table).continuous == ("mode",)
    assert Codec.fit(table, [ColumnSpec("mode", kind="discrete")]).continuous == ()


def test_condition_names_tell_the_category() -> None:
    assert "state=fault" in Codec.fit(mixed()).condition_names
    assert "missing:current_a" in Codec.fit(mixed()).condition_names
    assert not any(math.isnan(v) for v in Codec.fit(mixed()).conditions(Codec.fit(mixed()).encode(mixed()).codes).flat)


def test_tuples_are_drawn_as_often_as_they_were_seen_up_to_one_row() -> None:
    codes = np.array([[0]] * 977 + [[1]] * 20 + [[2]] * 3, np.int32)
    drawn = DiscreteTuple.fit(["a"], [3], codes).draw(2001, np.random.default_rng(0))
    assert np.abs(np.bincount(drawn[:, 0]) - np.array([977, 20, 3]) * 2.001).max() <= 1
    assert np.abs(np.corrcoef(drawn[:-1, 0], drawn[1:, 0])[0, 1]) < 0.1  # in random order


@pytest.mark.parametrize("rows", [0, 1, 99])
def test_few_rows_are_encoded_and_decoded(rows: int) -> None:
    table = mixed().drop("timestamp")[:rows]
    codec = Codec.fit(table)
    encoded = codec.encode(table, np.random.default_rng(0))
    back = codec.decode(np.nan_to_num(encoded.scores), encoded.codes)
    assert back.columns == table.columns
    assert back.height == rows


def test_a_constant_that_must_be_a_number_stays_what_it_is() -> None:
    table = pl.DataFrame({"rul": [40.0] * 120})
    codec = Codec.fit(table, [ColumnSpec("rul", Limits(0.0), kind="continuous")])
    drawn = codec.decode(np.random.default_rng(0).normal(size=(50, 1)), np.zeros((50, 0), np.int32))
    np.testing.assert_allclose(drawn["rul"].to_numpy(), 40.0, rtol=1e-6)


def test_values_that_are_no_numbers_are_missing_and_enter_no_score() -> None:
    values = np.array([1.0, np.nan, 3.0, np.inf, -np.inf, 2.0] * 30)
    fitted = NormalScores.fit(values)
    scores = fitted.encode(values, np.random.default_rng(0))
    assert (np.isnan(scores) == ~np.isfinite(values)).all()
    assert fitted.knots.min() == 1.0
    assert fitted.knots.max() == 3.0
    assert np.isnan(fitted.decode(np.array([np.nan]))).all()


# Chunks ---------------------------------------------------------------------------------------------------------------


def chunks(table: pl.DataFrame, rows: int) -> list[pl.DataFrame]:
    return [table[i : i + rows] for i in range(0, table.height, rows)]


def test_a_codec_fitted_in_chunks_is_that_of_all_rows() -> None:
    table = pl.concat([mixed(2000, seed).drop("timestamp") for seed in range(10)])
    whole, merged = Codec.fit(table), fit_in_chunks(chunks(table, 1700))
    assert [(c.name, c.kind, c.values, c.sometimes_missing) for c in merged.columns] == [
        (c.name, c.kind, c.values, c.sometimes_missing) for c in whole.columns
    ]
    assert merged.discrete.to_json() == whole.discrete.to_json()
    expected, found = whole.encode(table), merged.encode(table)
    assert (found.codes == expected.codes).all()
    difference = np.abs(ndtr(found.scores) - ndtr(expected.scores))
    assert np.nanmax(difference) < 0.001


def test_ranks_stay_within_a_thousandth_over_fifty_chunks() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.gamma(2, 3, 60_000), rng.normal(40, 1, 40_000)])
    rng.shuffle(values)
    whole = NormalScores.fit(values)
    points = Points.of(values[:2000])
    for start in range(2000, len(values), 2000):
        points = points + Points.of(values[start : start + 2000])
    merged = NormalScores.merged(points)
    assert len(points.values) <= 8192 + 256
    assert points.weights.sum() == pytest.approx(len(values))
    assert np.abs(ndtr(merged.encode(values)) - ndtr(whole.encode(values))).max() < 0.001
    assert (merged.knots[0], merged.knots[-1]) == (values.min(), values.max())


def test_a_number_with_few_values_in_one_chunk_alone_is_continuous() -> None:
    rng = np.random.default_rng(0)
    parts = [pl.DataFrame({"load": [5.0] * 400}), pl.DataFrame({"load": rng.normal(size=400)})]
    assert fit_in_chunks(parts).continuous == ("load",)


def test_a_grid_is_found_over_chunks() -> None:
    table = pl.DataFrame({"temp": np.round(np.random.default_rng(0).normal(50, 4, 3000) * 2) / 2})
    assert fit_in_chunks(chunks(table, 500)).scores_of("temp").step == 0.5


def test_chunks_of_different_tables_do_not_add_up() -> None:
    one, other = (CodecSketch.of(pl.DataFrame({name: [1.0, 2.0]})) for name in "ab")
    with pytest.raises(ValueError, match="same columns"):
        one + other
    with pytest.raises(ValueError, match="no chunks"):
        fit_in_chunks([])


def test_a_merged_codec_is_stored_as_safetensors_and_json() -> None:
    table = mixed(3000).drop("timestamp")
    codec = fit_in_chunks(chunks(table, 1000))
    again = Codec.from_json(*unpack(pack(*codec.to_json())))
    np.testing.assert_array_equal(again.encode_scores(table), codec.encode_scores(table))
