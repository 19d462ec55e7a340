"""How fast lives move at each age: the operational time in which a slow latent has one memory from birth to failure.

A healthy machine hardly changes over many samples, a failing one does within few; a memory fitted to both would let
healthy lives wander and dying ones linger. Slow paths are smoothed and so have a speed at every row; its root mean
square at each remaining life is the rate of an operational clock (time deformation: Stock 1988), by which the latent's
memory is fitted and drawn. Each direction has a clock of its own: what most lives end alike by hurries, while what
parts a few of them from the others is settled long before and stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from services.refine.augmentation.memory import Memory, fit_memory

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

RANKS = (0.0, 0.03, 0.07, 0.15, 0.3, 0.5, 0.75, 1.0)  # of remaining lives: the end of life turns fastest
FEWEST_ROWS = 1000
FURTHEST = 6.0  # times faster or slower than on average: more is not believed


@dataclass(frozen=True)
class Pace:
    """Speeds (K, D) of D directions at remaining lives `at` (K,), 1 on average over the rows."""

    at: Array
    speed: Array

    def times(self, rul: Array) -> Array:
        """Returns the operational times (T, D) of one run's rows, from 0, in samples of average speed."""
        passed = np.cumsum([np.interp(rul, self.at, speed) for speed in self.speed.T], axis=1).T
        return np.asarray(passed - passed[0])

    def evened(self, run: Floats, rul: Array) -> list[Floats]:
        """Returns each direction of one run (T, D) at whole operational times: D arrays of lengths of their own."""
        return [
            np.interp(np.arange(int(times[-1]) + 1), times, column).astype(np.float32)
            for times, column in zip(self.times(rul).T, run.T, strict=True)
        ]

    def drawn(self, memory: Memory, lengths: Sequence[int], rul: Array, rng: np.random.Generator) -> Floats:
        """Returns latents (rows, D) of runs of these lengths, with a memory that is one of operational times."""
        times = [self.times(rul[first:last]) for first, last in pairwise(np.cumsum([0, *lengths]))]
        long = [int(time[-1].max()) + 2 for time in times]
        even = memory.draw_directions(long, rng)
        place = np.concatenate([time + first for time, first in zip(times, np.cumsum([0, *long[:-1]]), strict=True)])
        low = place.astype(np.int64)
        share = (place - low).astype(np.float32)
        directions = np.arange(even.shape[1])
        return memory.mixed(even[low, directions] * (1 - share) + even[low + 1, directions] * share)


def fit_pace(runs: Sequence[Floats], rul: Sequence[Array]) -> Pace | None:
    """Returns the pace of each direction of whole lives' slow latents (T, D) with their remaining lives (T,); None with
    too few rows."""
    age = np.concatenate([(life[1:] + life[:-1]) / 2 for life in rul])
    squared = np.concatenate([np.diff(run.astype(np.float64), axis=0) ** 2 for run in runs])
    if len(age) < FEWEST_ROWS:
        return None
    at = np.unique(np.quantile(age, RANKS))
    place = np.interp(age, at, np.arange(len(at)))
    hats = np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(len(at))))
    speed = np.sqrt(hats.T @ squared / hats.sum(0)[:, None]) + 1e-12
    for _ in range(2):  # the average after bounding is that of bounded speeds
        speed /= (hats @ speed).mean(0)
        speed = np.clip(speed, 1 / FURTHEST, FURTHEST)
    return Pace(np.asarray(at), np.asarray(speed))


def fit_paced_memory(
    runs: Sequence[Floats], rul: Sequence[Array], *, whiten: bool, periods: Sequence[float] = ()
) -> tuple[Memory, Pace | None]:
    """Returns the memory of slow latents (T, D) and, given whole lives' remaining lives (T,) for each run, the pace of
    its directions, by whose operational times it is then one; None without, or with too few rows to tell it."""
    memory = fit_memory(runs, whiten=whiten, periods=periods)
    directions = [memory.directions(run) for run in runs]
    pace = fit_pace(directions, rul) if rul else None
    if pace is None:
        return memory, None
    evened = [pace.evened(run, life) for run, life in zip(directions, rul, strict=True)]
    return memory.remembering(list(zip(*evened, strict=True))), pace
