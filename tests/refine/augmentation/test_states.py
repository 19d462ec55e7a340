"""States through time: what follows what, for how long, when in a life, and at what hour."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.refine.augmentation.dwell import Record, States, fit_states

IDLE, RUN, WARNING, FAULT = range(4)


def life(samples: int, rng: np.random.Generator) -> Record:
    """Returns a life that runs for about 27 samples, idles for about 6, warns in its last tenth and faults at last."""
    states: list[int] = []
    while len(states) < samples:
        states += [RUN] * max(1, round(rng.gamma(9, 3))) + [IDLE] * max(1, round(rng.gamma(4, 1.5)))
    rul = np.arange(samples)[::-1].astype(float)
    codes = np.array(states[:samples], np.int32)
    codes[rul < 0.1 * samples] = WARNING
    codes[rul < 5] = FAULT
    return Record(codes[:, None], rul, None, float(samples))


def dwell_times(records: list[np.ndarray], state: int) -> np.ndarray:
    """Returns the lengths of spells of a state that did not end with the record."""
    found = []
    for codes in records:
        borders = [0, *(np.flatnonzero(np.diff(codes[:, 0])) + 1).tolist(), len(codes)]
        found += [b - a for a, b in pairwise(borders) if codes[a, 0] == state and b < len(codes)]
    return np.array(found)


@pytest.fixture(scope="module")
def real() -> list[Record]:
    rng = np.random.default_rng(0)
    return [life(int(rng.integers(300, 600)), rng) for _ in range(12)]


@pytest.fixture(scope="module")
def model(real: list[Record]) -> States:
    return fit_states(real)


@pytest.fixture(scope="module")
def made(model: States) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    lengths = rng.integers(300, 600, 150)
    return [model.draw(int(n), np.arange(n)[::-1].astype(float), None, rng) for n in lengths]


@pytest.mark.parametrize("state", [IDLE, RUN])
def test_dwell_times_have_mean_and_spread_of_the_real_ones(
    state: int, real: list[Record], made: list[np.ndarray]
) -> None:
    truth, found = dwell_times([record.codes for record in real], state), dwell_times(made, state)
    assert found.mean() == pytest.approx(truth.mean(), rel=0.1)
    assert found.std() == pytest.approx(truth.std(), rel=0.35)


def test_dwell_times_are_modelled_and_not_only_those_that_were_seen(real: list[Record], made: list[np.ndarray]) -> None:
    assert set(dwell_times(made, RUN)) - set(dwell_times([record.codes for record in real], RUN))


def test_changes_that_come_with_age_come_with_age(made: list[np.ndarray]) -> None:
    for codes in made:
        assert (codes[-2:, 0] == FAULT).all()
        assert not (codes[:-6, 0] == FAULT).any()
        assert (codes[:, 0] == WARNING).mean() == pytest.approx(0.09, abs=0.03)


def test_nothing_follows_that_was_never_seen_to_follow(real: list[Record], made: list[np.ndarray]) -> None:
    def changes(records: list[np.ndarray]) -> set[tuple[int, int]]:
        return {(int(a), int(b)) for codes in records for a, b in pairwise(codes[:, 0]) if a != b}

    assert changes(made) <= changes([record.codes for record in real])


def test_a_machine_that_works_by_day_stands_by_night() -> None:
    hour = (np.arange(24 * 6 * 40) / 6) % 24
    codes = ((hour >= 6) & (hour < 22)).astype(np.int32)[:, None]
    codes[(hour > 12) & (hour < 12.4)] = 0  # a break
    codes[np.random.default_rng(1).random(len(hour)) < 0.004] = 0  # and short stops at any time
    model = fit_states([Record(codes, None, hour)])
    drawn = model.draw(len(hour), None, hour, np.random.default_rng(0))
    assert drawn[(hour > 23) | (hour < 5)].mean() < 0.1
    assert drawn[(hour > 7) & (hour < 11)].mean() > 0.9


def test_a_spell_cut_off_by_the_end_of_a_record_counts_as_at_least_so_long() -> None:
    rng = np.random.default_rng(2)
    records = []
    for _ in range(200):  # dwell times of about 50, seen through records of 60
        start = int(rng.integers(0, 40))
        end = start + max(1, round(rng.normal(50, 3)))
        codes = np.zeros((60, 1), np.int32)
        codes[start:end] = 1
        records.append(Record(codes))
    drawn = fit_states(records).draw(60_000, None, None, rng)
    seen = np.concatenate([dwell_times([record.codes], 1) for record in records])
    assert dwell_times([drawn], 1).mean() > 0.9 * seen.mean()


@given(st.lists(st.integers(0, 3), min_size=8, max_size=60), st.integers(1, 200), st.integers(0, 5))
def test_any_record_can_be_modelled_and_only_its_states_come_out(states: list[int], length: int, seed: int) -> None:
    codes = np.array(states, np.int32)[:, None]
    drawn = fit_states([Record(codes)]).draw(length, None, None, np.random.default_rng(seed))
    assert drawn.shape == (length, 1)
    assert set(drawn[:, 0].tolist()) <= set(states)


def test_columns_of_states_keep_to_combinations_that_were_seen() -> None:
    rng = np.random.default_rng(3)
    mode = np.repeat(rng.integers(0, 3, 60), 10)
    codes = np.stack([mode, mode == 2], 1).astype(np.int32)
    drawn = fit_states([Record(codes)]).draw(2000, None, None, rng)
    assert ((drawn[:, 0] == 2) == (drawn[:, 1] == 1)).all()
