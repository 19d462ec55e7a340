"""Rows held back: whole runs, else blocks of time, disjoint."""

from __future__ import annotations

import numpy as np
import polars as pl

from services.refine.holding_back import held_back, hold_outs
from tests.refine.conftest import pump


def test_whole_runs_are_held_back() -> None:
    rows = pump(500)
    held = held_back(rows, seed=3)
    assert 0.05 < held.mean() < 0.3
    assert not set(rows["run_id"].filter(pl.Series(held))) & set(rows["run_id"].filter(pl.Series(~held)))


def test_without_runs_blocks_of_time_are_held_back() -> None:
    shuffled = pl.DataFrame({"timestamp": np.random.default_rng(0).permutation(1000), "x": np.zeros(1000)})
    held = held_back(shuffled, seed=1)
    taken = np.sort(shuffled["timestamp"].to_numpy()[held])
    assert held.sum() == 150
    assert (np.diff(taken) > 1).sum() <= 3


def test_hold_outs_are_disjoint_runs_or_blocks() -> None:
    by_run = hold_outs(pump(500), count=3, seed=1)
    assert len(by_run) == 3
    assert np.sum(by_run, axis=0).max() == 1
    for held in by_run:
        kept, gone = (set(pump(500)["run_id"].filter(pl.Series(mask))) for mask in (~held, held))
        assert not kept & gone
    shuffled = pl.DataFrame({"source_row": np.random.default_rng(0).permutation(400), "x": np.zeros(400)})
    for held in hold_outs(shuffled, count=3):
        assert (np.diff(np.sort(shuffled["source_row"].to_numpy()[held])) > 1).sum() <= 3
