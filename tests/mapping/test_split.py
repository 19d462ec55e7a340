"""A split gives every row one set, leaks no neighbour and no run, and is the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.mapping.split import GUARD, TEST, TRAIN, VAL, SplitOptions, split_rows

SETS = {TRAIN, VAL, TEST, GUARD}


@given(st.integers(20, 20_000), st.integers(0, 2**31))
def test_every_row_has_exactly_one_set(rows: int, seed: int) -> None:
    split = split_rows(rows, None, SplitOptions(), seed)
    assert len(split.sets) == rows
    assert set(split.sets) <= SETS
    assert {TRAIN, VAL, TEST} <= set(split.sets)


@given(st.integers(20, 20_000), st.integers(0, 2**31))
def test_held_out_rows_never_touch_another_set(rows: int, seed: int) -> None:
    sets = split_rows(rows, None, SplitOptions(), seed).sets
    before, after = sets[:-1], sets[1:]
    borders = {tuple(sorted(pair)) for pair in zip(before[before != after], after[before != after], strict=True)}
    assert all(GUARD in pair for pair in borders)


@given(st.integers(400, 20_000), st.integers(0, 1000))
def test_shares_are_exact_to_a_row(rows: int, seed: int) -> None:
    sets = split_rows(rows, None, SplitOptions(), seed).sets
    used = np.sum(sets != GUARD)
    assert abs(np.sum(sets == TEST) - 0.15 * used) <= 2
    assert abs(np.sum(sets == VAL) - 0.15 * used) <= 2
    assert np.sum(sets == GUARD) <= 0.12 * rows


@given(st.integers(20, 3000), st.integers(0, 1000))
def test_the_same_seed_gives_the_same_split(rows: int, seed: int) -> None:
    assert np.array_equal(
        split_rows(rows, None, SplitOptions(), seed).sets, split_rows(rows, None, SplitOptions(), seed).sets
    )


def test_blocks_move_with_the_seed_and_are_not_the_tail() -> None:
    rows = 5000
    seen = [split_rows(rows, None, SplitOptions(), seed).sets for seed in range(20)]
    assert any(sets[-1] == TRAIN for sets in seen)
    assert len({tuple(np.flatnonzero(sets == TEST)[:5]) for sets in seen}) > 10
    assert all(np.sum(np.diff((sets == TEST).astype(int)) == 1) >= 5 for sets in seen)


@settings(max_examples=30)
@given(st.lists(st.integers(5, 300), min_size=6, max_size=40), st.integers(0, 1000))
def test_no_run_is_in_two_sets(lengths: list[int], seed: int) -> None:
    runs = np.repeat(np.arange(len(lengths)), lengths)
    split = split_rows(len(runs), runs, SplitOptions(), seed)
    assert split.by == "run"
    for run in range(len(lengths)):
        assert len(set(split.sets[runs == run])) == 1
    assert {TRAIN, VAL, TEST} == set(split.sets)


def test_few_runs_are_split_by_block() -> None:
    runs = np.repeat([0, 1], 500)
    assert split_rows(1000, runs, SplitOptions(), 0).by == "block"


def test_too_few_rows_or_runs_are_refused() -> None:
    with pytest.raises(SensorForgeError, match="19 rows") as caught:
        split_rows(19, None, SplitOptions(), 0)
    assert caught.value.reason == "SPLIT_TOO_FEW_ROWS"
    with pytest.raises(SensorForgeError, match="three runs"):
        split_rows(100, np.repeat([0, 1], 50), SplitOptions(by="run"), 0)


@pytest.mark.parametrize(("train", "val"), [(0.9, 0.1), (0.0, 0.5), (0.5, -0.1), (1.2, 0.1)])
def test_shares_that_leave_no_test_rows_are_refused(train: float, val: float) -> None:
    with pytest.raises(SensorForgeError) as caught:
        split_rows(1000, None, SplitOptions(train, val), 0)
    assert caught.value.reason == "SPLIT_INVALID"
