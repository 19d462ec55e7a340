"""Operating regimes and levels: what a machine is set to, told apart from what it does.

A numeric column whose values lie in a few tight clusters (an altitude, a set-point, a gear) is a choice, not a
measurement: its clusters become a state like any other, with dwell times of its own. And where sensors jump when a
state changes, each state has its own level and spread; the cascade then models what is left, which moves on smoothly
through the changes. Both are found in the training rows; a machine that has neither is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.refine.discrete import Codes

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

MOST_CLUSTERS = 12
LEAST_GAP = 0.03  # of the column's range, between two clusters
MOST_INSIDE = 0.15  # of the column's range, all clusters' widths together
LEAST_SHARE = 0.01  # of the rows, in each cluster
MOST_LEVELS = 48
LEAST_ROWS = 30  # in a level
LEFT_OVER = 0.5  # of the squared jumps at changes of state: levels that leave more do not explain them


@dataclass(frozen=True)
class Regimes:
    """Columns that are set to a few values, the borders between their clusters and the combinations that were seen."""

    names: tuple[str, ...]
    borders: tuple[Array, ...]
    combinations: NDArray[np.int64]

    def labels(self, table: pl.DataFrame) -> NDArray[np.int32]:
        """Returns the number of each row's combination, (n,); one that training never had counts as the nearest."""
        places = self._places(table)
        apart = (places[:, None, :] != self.combinations[None, :, :]).sum(2)
        return np.asarray(apart.argmin(1), np.int32)

    def _places(self, table: pl.DataFrame) -> NDArray[np.int64]:
        columns = []
        for name, borders in zip(self.names, self.borders, strict=True):
            values = table[name].cast(pl.Float64).fill_null(strategy="forward").fill_null(strategy="backward")
            columns.append(np.searchsorted(borders, values.to_numpy()))
        return np.stack(columns, 1)


def find_regimes(train: pl.DataFrame, names: Sequence[str]) -> Regimes | None:
    """Returns the regimes in the training rows' numeric columns `names`; None where no column is set to few values."""
    found: list[str] = []
    borders: list[Array] = []
    for name in names:
        clusters = _borders(train[name].cast(pl.Float64).drop_nulls().to_numpy())
        if clusters is not None:
            found.append(name)
            borders.append(clusters)
    if not found:
        return None
    places = Regimes(tuple(found), tuple(borders), np.zeros((1, len(found)), np.int64))._places(train)
    combinations, counts = np.unique(places, axis=0, return_counts=True)
    usual = counts >= LEAST_SHARE / 2 * len(places)
    if not 2 <= usual.sum() <= 2 * MOST_CLUSTERS:
        return None
    return Regimes(tuple(found), tuple(borders), combinations[usual])


def _borders(values: Array) -> Array | None:
    """Returns the middles of the gaps between 2 to 12 tight clusters, or None."""
    if len(values) < 100:
        return None
    ordered = np.sort(values)
    span = float(ordered[-1] - ordered[0])
    if span <= 0:
        return None
    gaps = np.flatnonzero(np.diff(ordered) > LEAST_GAP * span)
    if not 1 <= len(gaps) < MOST_CLUSTERS:
        return None
    groups = np.split(ordered, gaps + 1)
    if min(len(group) for group in groups) < LEAST_SHARE * len(values):
        return None
    if sum(float(group[-1] - group[0]) for group in groups) > MOST_INSIDE * span:
        return None
    return np.asarray((ordered[gaps] + ordered[gaps + 1]) / 2)


@dataclass(frozen=True)
class Levels:
    """Level and spread (L, C) of each state: `columns` of the codes make a state, `states` (L - 1, columns) are those
    with a level of their own. The last level is that of all other rows."""

    columns: tuple[int, ...]
    states: Codes
    level: Array
    spread: Array

    def of(self, codes: Codes) -> NDArray[np.int64]:
        """Returns the number of each row's level, (n,)."""
        chosen = codes[:, self.columns]
        found = np.full(len(chosen), len(self.states), np.int64)
        for number, state in enumerate(self.states):
            found[(chosen == state).all(1)] = number
        return found

    def removed(self, scores: Floats, codes: Codes) -> Floats:
        """Returns the scores (n, C) above their state's level, in its spreads."""
        level = self.of(codes)
        return np.asarray((scores - self.level[level]) / self.spread[level], np.float32)

    def restored(self, scores: NDArray[np.floating], codes: Codes) -> Floats:
        """Returns what `removed` took away put back."""
        level = self.of(codes)
        return np.asarray(scores * self.spread[level] + self.level[level], np.float32)


def find_levels(parts: Sequence[tuple[Floats, Codes]]) -> Levels | None:
    """Returns the levels that best explain the jumps of scores at changes of state; None if none explains half.

    `parts` are scores (T, C) and codes (T, G) of unbroken stretches.
    """
    width = parts[0][1].shape[1]
    varying = [g for g in range(width) if len({int(v) for _, codes in parts for v in np.unique(codes[:, g])}) > 1]
    choices = [(g,) for g in varying] + ([tuple(varying)] if len(varying) > 1 else [])
    best: tuple[float, Levels] | None = None
    for columns in choices:
        levels = _levels(parts, columns)
        if levels is None:
            continue
        left = _left_over(parts, levels)
        if left < LEFT_OVER and (best is None or left < best[0]):
            best = left, levels
    return best[1] if best else None


def _levels(parts: Sequence[tuple[Floats, Codes]], columns: tuple[int, ...]) -> Levels | None:
    scores = np.concatenate([s for s, _ in parts]).astype(np.float64)
    codes = np.concatenate([c[:, columns] for _, c in parts])
    states, place, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    usual = np.flatnonzero(counts >= LEAST_ROWS)
    if not 2 <= len(usual) <= MOST_LEVELS:
        return None
    rows = [scores[place.reshape(-1) == number] for number in usual] + [scores]
    level = np.stack([part.mean(0) for part in rows])
    spread = np.maximum(np.stack([part.std(0) for part in rows]), 1e-3)
    return Levels(columns, np.asarray(states[usual], np.int32), level, spread)


def _left_over(parts: Sequence[tuple[Floats, Codes]], levels: Levels) -> float:
    """Returns the squared jumps at changes of state that remain above the levels, as a share of all; 1 without any."""
    before = after = 0.0
    for scores, codes in parts:
        level = levels.of(codes)
        changes = np.flatnonzero(np.diff(level))
        if len(changes):
            above = scores - levels.level[level]
            before += float((np.diff(scores, axis=0)[changes] ** 2).sum())
            after += float((np.diff(above, axis=0)[changes] ** 2).sum())
    return after / before if before > 0 else 1.0
