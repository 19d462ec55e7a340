"""Which rows to hold back for choosing: whole runs, else blocks of time, never neighbours of rows that are kept."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

SHARE = 0.15
FEWEST_RUNS = 5
BLOCKS = 20
_ORDERS = ("timestamp", "source_row")  # merged rows come shuffled; the first of these says what came after what


def held_back(table: pl.DataFrame, *, share: float = SHARE, seed: int = 0, by_run: bool = True) -> NDArray[np.bool_]:
    """Returns a mask (n,) of about `share` of the rows: runs where there are five, else blocks along the time.

    A table without time is taken in row order, and so is one whose runs are not to matter (`by_run` off). At least one
    row is held back and one is not.
    """
    return hold_outs(table, count=1, share=share, seed=seed, by_run=by_run)[0]


def hold_outs(
    table: pl.DataFrame, *, count: int, share: float = SHARE, seed: int = 0, by_run: bool = True
) -> list[NDArray[np.bool_]]:
    """Returns up to `count` disjoint masks (n,), each chosen as by `held_back`; fewer where the groups do not reach."""
    n = table.height
    groups = _groups(table, by_run)
    sizes = np.bincount(groups)
    waiting = list(np.random.default_rng(seed).permutation(len(sizes)))
    masks: list[NDArray[np.bool_]] = []
    while waiting and len(masks) < count:
        mask = np.zeros(n, bool)
        while waiting and not (mask.any() and mask.sum() + sizes[waiting[0]] / 2 > share * n):
            mask |= groups == waiting.pop(0)
        if mask.all():
            mask[: n // 2] = False
        if not masks or mask.sum() >= share * n / 2:  # a last remnant decides nothing
            masks.append(mask)
    return masks


def _groups(table: pl.DataFrame, by_run: bool) -> NDArray[np.int64]:
    """Returns a group number a row: its run, or its block of time."""
    n = table.height
    if by_run and "run_id" in table.columns and table["run_id"].n_unique() >= FEWEST_RUNS:
        return table["run_id"].rank("dense").fill_null(0).to_numpy().astype(np.int64)
    order = np.arange(n)
    time = next((name for name in _ORDERS if name in table.columns), None)
    if by_run and time is not None:
        order = table[time].cast(pl.Int64).fill_null(0).arg_sort().to_numpy()
    groups = np.empty(n, np.int64)
    groups[order] = np.arange(n) * min(BLOCKS, n) // n
    return groups
