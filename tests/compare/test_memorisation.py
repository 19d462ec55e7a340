"""Whether rows are new: nearness to training rows, exact copies, and held-out rows that were seen before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.compare.metrics.privacy import exact_copies, nearer_to_training, seen_test_rows, unseen_real_rows
from services.compare.metrics.samples import Samples
from tests.compare.conftest import normal, numbers


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
