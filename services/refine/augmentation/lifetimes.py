"""Lifetimes as the rows tell them: which runs fell to which remaining life, how fast, how much of a life was seen.

Tables are the history's, with `_run` and `_row` (position in the machine's own order).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Array = NDArray[np.float64]

FEWEST_ROWS = 100  # of a training history
FEWEST_LIVES = 2
SHORTEST_LIFE = 8  # rows


@dataclass(frozen=True)
class Life:
    """One training run as far as it was seen: RUL (T,) and seconds since its first row (T,) of its training rows."""

    run: str
    rul: Array
    elapsed_s: Array


def known_rul(table: pl.DataFrame) -> int:
    """Returns the number of rows with an RUL."""
    return int(table["rul"].drop_nulls().len()) if "rul" in table.columns else 0


def lives_known(table: pl.DataFrame) -> bool:
    """Whether enough runs with an RUL that falls were seen."""
    if known_rul(table) < FEWEST_ROWS:
        return False
    falling = (
        table.filter(pl.col("rul").is_not_null())
        .group_by("_run")
        .agg((pl.col("rul").first() > pl.col("rul").last()).alias("falls"))
    )
    return int(falling["falls"].sum()) >= FEWEST_LIVES


def lives_of(table: pl.DataFrame, cadence: float) -> tuple[Life, ...]:
    """Returns the lives, one a run; rows are `cadence` seconds apart where no timestamps tell."""
    found = []
    known = table.filter(pl.col("rul").is_not_null())
    for (run,), rows in known.group_by(["_run"], maintain_order=True):
        rul = rows["rul"].cast(pl.Float64).to_numpy()
        keep = np.r_[True, np.diff(np.minimum.accumulate(rul)) < 0]
        if keep.sum() < SHORTEST_LIFE:
            continue
        if "timestamp" in rows.columns and rows["timestamp"].null_count() == 0:
            seconds = rows["timestamp"].dt.epoch("us").to_numpy() / 1e6
        else:
            seconds = rows["_row"].to_numpy() * cadence
        found.append(Life(str(run), rul[keep].astype(np.float64), np.asarray(seconds - seconds[0], np.float64)[keep]))
    return tuple(found)


def measured_rul_step(table: pl.DataFrame) -> float:
    """Returns the RUL that a sample uses up: the median fall between neighbouring rows of a run."""
    falls = table.select((-pl.col("rul").cast(pl.Float64).diff()).over("_run")).to_series().drop_nulls()
    falls = falls.filter(falls > 0)
    return float(np.median(falls.to_numpy())) if len(falls) else 1.0


def is_sparse(lives: Sequence[Life], rul_step: float) -> bool:
    """Whether lives were seen through windows: then a life is far more samples than any recording has rows."""
    return bool(np.median([life.rul.max() / rul_step / len(life.rul) for life in lives]) > 4)


def run_lengths(table: pl.DataFrame, lives: Sequence[Life], rul_step: float, sparse: bool) -> Array:
    """Returns the lengths of runs in samples, ascending: whole lifetimes where lives are known and not `sparse`."""
    if lives:
        lengths = [len(life.rul) if sparse else round(life.rul.max() / rul_step) + 1 for life in lives]
    else:
        lengths = table.group_by("_run", maintain_order=True).agg(pl.len())["len"].to_list()
    return np.sort(np.array(lengths, dtype=np.float64))
