"""Planning runs before a single sensor is generated: how long, with which RUL, when, and in which states.

RUL is T - t by construction, so it falls strictly in every run. Lifetimes are drawn between the training runs' own
(interpolated order statistics), and evenly: each part of their distribution has its turn before any has a second one.
States follow each other by the model of `dwell`, under the run's RUL and hours; so do the rows at which seldom read
sensors are read (`holding`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from services.machines.profile import MachineProfile
from services.machines.units import parse_unit
from services.refine.augmentation.clock import hours_of_day, hours_of_week
from services.refine.augmentation.history import GAP_STEPS, History
from services.refine.discrete import Codes

Array = NDArray[np.float64]

SHORTEST_SERIES = 500
LONGEST_SERIES = 5000
PAUSE_STEPS = 60  # between two runs


@dataclass(frozen=True)
class Plan:
    """Runs one after the other: lengths, and for each row RUL, seconds since the plan's start, hour of the week,
    codes, and at which rows the groups of the history's holds are `read` (rows, groups), None without holds. `windows`
    are the lengths of unbroken pieces."""

    lengths: tuple[int, ...]
    rul: Array | None
    clock_s: Array
    hour: Array | None
    codes: Codes
    windows: tuple[int, ...]
    read: NDArray[np.bool_] | None = None

    @property
    def rows(self) -> int:
        """Rows of all runs."""
        return sum(self.lengths)

    @property
    def run(self) -> NDArray[np.int64]:
        """Number of each row's run, from 0."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)


def plan_runs(history: History, rows: int, *, seed: int, begin_s: float = 0.0) -> Plan:
    """Returns whole runs with at least `rows` rows together; the first begins `begin_s` after the history's start."""
    rng = np.random.default_rng([seed, 21])
    lengths: list[int] = []
    ruls: list[Array] = []
    elapsed: list[Array] = []
    ranks = _even_ranks(len(history.lengths), rng)
    while sum(lengths) < rows:
        length, rul, seconds = _run(history, next(ranks), rng)
        lengths.append(length)
        elapsed.append(seconds)
        if rul is not None:
            ruls.append(rul)
    clocks, begin = [], begin_s
    for seconds in elapsed:
        clocks.append(begin + seconds)
        begin += float(seconds[-1]) + PAUSE_STEPS * history.cadence_s
    clock = np.concatenate(clocks)
    rul = np.concatenate(ruls) if ruls else None
    hour = hours_of_week(clock + history.start.timestamp()) if history.hourly else None
    pieces = _pieces(history, clock, rul, hour)
    codes = np.concatenate([history.states.draw(*piece, rng) for piece in pieces])
    read = None if history.holds is None else np.concatenate([history.holds.draw(*piece, rng) for piece in pieces])
    return Plan(tuple(lengths), rul, clock, hour, codes, tuple(length for length, _, _ in pieces), read)


def plan_end_s(plan: Plan, history: History) -> float:
    """Returns when a run after this plan may begin."""
    return float(plan.clock_s[-1]) + PAUSE_STEPS * history.cadence_s


def timestamps(history: History, clock_s: Array) -> NDArray[np.int64]:
    """Returns microseconds since 1970 of seconds since the history's start."""
    start = round(history.start.timestamp() * 1e6)
    return start + np.round(clock_s * 1e6).astype(np.int64)


def rul_per_sample(history: History, profile: MachineProfile) -> float:
    """Returns the RUL that one sample uses up: as measured, else one cadence in the profile's unit, else 1 a sample."""
    if history.rul_step > 0:
        return history.rul_step
    unit, second = (parse_unit(text) if text else None for text in (profile.rul_unit, "s"))
    if unit is not None and second is not None and unit.dimension == second.dimension:
        return history.cadence_s / float(unit.factor / second.factor)
    return 1.0


def _even_ranks(runs: int, rng: np.random.Generator) -> Iterator[float]:
    """Yields ranks in [0, 1), one from each of `runs` equal parts in random order before any part comes again."""
    while True:
        for part in rng.permutation(runs):
            yield float((part + rng.random()) / runs)


def _run(history: History, rank: float, rng: np.random.Generator) -> tuple[int, Array | None, Array]:
    """Returns length, RUL if lives are known, and seconds since its first row, of the run with that rank in life."""
    if history.has_lives and history.sparse:  # seen through windows: the windows of a training run, stretched a little
        life = history.lives[int(rank * len(history.lives))]
        stretch = float(rng.uniform(0.9, 1.1))
        steps = np.round(life.elapsed_s * stretch / history.cadence_s)
        return len(life.rul), life.rul * stretch, _strictly_rising(steps) * history.cadence_s
    if history.has_lives:
        order = np.arange(len(history.lengths))
        middle = rank * len(order) - 0.5  # each lifetime in the middle of its share of ranks: their mean stays
        length = max(2, round(float(np.interp(middle, order, history.lengths))))
        last = float(np.median([life.rul.min() for life in history.lives]))
        rul = (length - 1 - np.arange(length, dtype=np.float64)) * history.rul_step + (
            last if last < 2 * history.rul_step else 0.0
        )
        return length, rul, np.arange(length, dtype=np.float64) * history.cadence_s
    typical = float(np.median(history.lengths))
    length = int(np.clip(typical * rng.uniform(0.8, 1.2), SHORTEST_SERIES, LONGEST_SERIES))
    return length, None, np.arange(length, dtype=np.float64) * history.cadence_s


def _strictly_rising(steps: Array) -> Array:
    """Returns the steps, each at least one more than the one before."""
    offset = steps - np.arange(len(steps))
    return np.asarray(np.maximum.accumulate(offset) + np.arange(len(steps)))


def _pieces(
    history: History, clock_s: Array, rul: Array | None, hour: Array | None
) -> list[tuple[int, Array | None, Array | None]]:
    """Returns length, RUL and hour of day of the unbroken pieces; after a pause, as between two runs or recording
    windows, everything begins anew."""
    hour = None if hour is None else hours_of_day(hour)
    begins = np.flatnonzero(np.diff(clock_s) > GAP_STEPS * history.cadence_s) + 1
    return [
        (last - first, None if rul is None else rul[first:last], None if hour is None else hour[first:last])
        for first, last in pairwise([0, *begins.tolist(), len(clock_s)])
    ]
