"""Which rows to keep for validation where the caller has none: whole runs, else blocks of time, never neighbours."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

SHARE = 0.15
FEWEST_RUNS = 5
BLOCKS = 20


def held_back(table: pl.DataFrame, *, share: float = SHARE, seed: int = 0, by_run: bool = True) -> NDArray[np.bool_]:
    """Returns a mask (n,) of about `share` of the rows: runs where there are five, else blocks along the timestamp.

    A table without runs and time is taken in row order, and so is one whose runs are not to matter (`by_run` off). At
    least one row is held back and one is not.
    """
    n = table.height
    rng = np.random.default_rng(seed)
    groups = _groups(table, by_run)
    sizes = np.bincount(groups)
    mask = np.zeros(n, bool)
    for group in rng.permutation(len(sizes)):
        if mask.sum() + sizes[group] / 2 > share * n and mask.any():
            break
        mask |= groups == group
    if mask.all():
        mask[: n // 2] = False
    return mask


def _groups(table: pl.DataFrame, by_run: bool) -> NDArray[np.int64]:
    """Returns a group number a row: its run, or its block of time."""
    n = table.height
    if by_run and "run_id" in table.columns and table["run_id"].n_unique() >= FEWEST_RUNS:
        return table["run_id"].rank("dense").fill_null(0).to_numpy().astype(np.int64)
    order = np.arange(n)
    if by_run and "timestamp" in table.columns:
        order = table["timestamp"].cast(pl.Int64).fill_null(0).arg_sort().to_numpy()
    groups = np.empty(n, np.int64)
    groups[order] = np.arange(n) * min(BLOCKS, n) // n
    return groups
