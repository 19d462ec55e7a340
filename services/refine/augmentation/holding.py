"""Sensors that are read seldom and repeated in between: when they are read again, as the training runs show it.

A historian that stores changes, a slow poll, a valve that a controller moves now and then: the exact reading stands for
many rows, then jumps. Generated movement is smoothed into rows by nothing like it, so such columns are found, the
times a reading stands are modelled as dwell times are (`dwell`), and a generated column repeats the reading of the row
at which it was last read. Left alone are columns that repeat for other reasons: those on a grid coarser than their
noise (the codec rounds as the sensor does), those set to few values (`regimes`), and those that rest at one value, as
a current does while the machine stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.refine.augmentation.dwell import Record, States, fit_states

Array = NDArray[np.float64]

LEAST_REPEATED = 0.3  # of the rows
LEAST_STANDING = 0.5  # of the readings, those that stand for two rows or more
MOST_AT_REST = 0.3  # of the repeated rows, at any one value
FEWEST_READINGS = 30  # that stand for two rows or more
FEWEST_VALUES = 12  # of such readings: fewer are a regime's
GRID_STEPS = 3.0  # a reading moves on by so many steps of its grid, or it has only been rounded
TOGETHER = 0.8  # of the rows at which one of two columns is read, both are: then they are read as one


@dataclass(frozen=True)
class Holds:
    """Groups of columns (by number) that are read at the same rows, and the model of how long their readings stand.

    The model's one code is the parity of the reading's number, so that each reading is a spell.
    """

    groups: tuple[tuple[int, ...], ...]
    standing: tuple[States, ...]

    def draw(self, length: int, rul: Array | None, hour: Array | None, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Returns at which rows of an unbroken record each group is read again, (length, groups); at the first is."""
        drawn = [states.draw(length, rul, hour, rng)[:, 0] for states in self.standing]
        return np.stack([np.r_[True, np.diff(parity) != 0] for parity in drawn], 1)

    def applied(
        self, scores: NDArray[np.float32], read: NDArray[np.bool_], keep: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float32]:
        """Returns scores (kept rows, C) that repeat the row at which they were last `read` (rows, groups); a reading
        whose own row was not kept is that of the first kept row in which it stands."""
        held = scores.copy()
        for group, again in zip(self.groups, read.T, strict=True):
            reading = np.cumsum(again) if keep is None else np.cumsum(again)[keep]
            _, first, number = np.unique(reading, return_index=True, return_inverse=True)
            held[:, group] = scores[first[number]][:, group]
        return held


def is_held(runs: Sequence[Array]) -> bool:
    """Whether a column of unbroken runs (T,), NaN where missing, is read seldom and repeated in between."""
    values = [run[np.isfinite(run)] for run in runs]
    steps = np.concatenate([np.diff(run) for run in values])
    moved = np.abs(steps[steps != 0])
    if not len(moved) or 1 - len(moved) / len(steps) < LEAST_REPEATED:
        return False
    readings = [np.r_[True, np.diff(run) != 0] for run in values if len(run)]
    standing = np.concatenate([np.diff(np.r_[np.flatnonzero(read), len(read)]) for read in readings])
    value = np.concatenate([run[read] for run, read in zip([v for v in values if len(v)], readings, strict=True)])
    stands = standing >= 2
    if stands.mean() < LEAST_STANDING or stands.sum() < FEWEST_READINGS:
        return False
    distinct, place = np.unique(value[stands], return_inverse=True)
    at_rest = np.bincount(place, weights=standing[stands] - 1.0)
    grid = float(np.quantile(np.diff(np.unique(value)), 0.05))
    return bool(
        len(distinct) >= FEWEST_VALUES
        and at_rest.max() <= MOST_AT_REST * at_rest.sum()
        and np.median(moved) >= GRID_STEPS * grid
    )


def fit_holds(read: Sequence[NDArray[np.bool_]], held: Sequence[int], records: Sequence[Record]) -> Holds | None:
    """Returns the model of the columns `held`; None without any. `read` (T, C) tells for each record at which rows a
    column is not a repetition."""
    if not held:
        return None
    groups: list[list[int]] = []
    pooled = np.concatenate(read)
    for column in held:
        near = (g for g in groups if _shared(pooled[:, g[0]], pooled[:, column]) >= TOGETHER)
        group = next(near, None)
        if group is None:
            groups.append([column])
        else:
            group.append(column)
    standing = [
        fit_states(
            [
                Record(np.asarray(np.cumsum(again[:, [group[0]]], axis=0) % 2, np.int32), r.rul, r.hour, r.life)
                for again, r in zip(read, records, strict=True)
            ]
        )
        for group in groups
    ]
    return Holds(tuple(tuple(group) for group in groups), tuple(standing))


def _shared(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Returns the share of rows at which either is read, at which both are (Jaccard 1901)."""
    return float((one & other).sum() / max((one | other).sum(), 1))
