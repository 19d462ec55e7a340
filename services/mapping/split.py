"""Splitting real rows into training, validation and test, by whole runs or by random blocks of time.

It promises that every row gets exactly one of train, val, test and guard, that no run is in two sets when split by run,
and that otherwise test and validation rows have guard rows between them and any other set, so that no neighbour of a
test row is seen in training. The same seed gives the same split. It never picks single random rows, and never the tail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from services.chassis.errors import SensorForgeError
from services.mapping import errors as errors

SplitBy = Literal["auto", "run", "block"]
TRAIN, VAL, TEST, GUARD = "train", "val", "test", "guard"

_FEWEST_ROWS = 20
_FEWEST_RUNS = 6  # below this a set would be one run or none, and says little about runs never seen


@dataclass(frozen=True)
class SplitOptions:
    """Shares of training and validation rows; the rest are test rows."""

    train: float = 0.70
    val: float = 0.15
    by: SplitBy = "auto"


@dataclass(frozen=True)
class Split:
    """The set of every row, in row order, how it was made, and its figures for the report."""

    sets: npt.NDArray[np.str_]
    by: Literal["run", "block"]
    report: dict[str, Any]


def split_rows(rows: int, runs: npt.NDArray[Any] | None, options: SplitOptions, seed: int) -> Split:
    """Returns the set of each row of a time-ordered table.

    `runs` has one label a row (None: one run). Raises SPLIT_TOO_FEW_ROWS below 20 rows (or three runs when split by
    run is asked for) and SPLIT_INVALID for shares that leave a set empty.
    """
    if not (options.train > 0 and options.val > 0 and options.train + options.val < 1):
        raise SensorForgeError(
            "SPLIT_INVALID",
            f"Shares of {options.train:g} training and {options.val:g} validation rows leave no test rows.",
        )
    if rows < _FEWEST_ROWS:
        raise SensorForgeError(
            "SPLIT_TOO_FEW_ROWS", f"{rows} rows are too few for three sets; at least {_FEWEST_ROWS}."
        )
    if options.by not in ("auto", "run", "block"):
        raise SensorForgeError(
            "SPLIT_INVALID", f"Unknown way to split {options.by!r}.", remedy="Use auto, run or block."
        )
    count = len(np.unique(runs)) if runs is not None else 1
    by_run = options.by == "run" or (options.by == "auto" and count >= _FEWEST_RUNS)
    rng = np.random.default_rng(seed)
    if by_run:
        if runs is None or count < 3:
            raise SensorForgeError(
                "SPLIT_TOO_FEW_ROWS",
                f"A split by run needs at least three runs, and the table has {count}.",
                remedy="Map a run column, or split by block.",
            )
        sets = _by_run(np.asarray(runs), options, rng)
    else:
        sets = _by_block(rows, options, rng)
    return Split(sets, "run" if by_run else "block", _figures(sets, runs, by_run))


def _figures(sets: npt.NDArray[np.str_], runs: npt.NDArray[Any] | None, by_run: bool) -> dict[str, Any]:
    used = int(np.sum(sets != GUARD))
    report: dict[str, Any] = {"by": "run" if by_run else "block", "rows": {}, "share": {}}
    for name in (TRAIN, VAL, TEST, GUARD):
        count = int(np.sum(sets == name))
        report["rows"][name] = count
        if name != GUARD:
            report["share"][name] = round(count / used, 4)
    if by_run and runs is not None:
        report["runs"] = {name: len(np.unique(np.asarray(runs)[sets == name])) for name in (TRAIN, VAL, TEST)}
    else:
        starts = np.r_[True, sets[1:] != sets[:-1]]
        report["blocks"] = {name: int(np.sum(starts & (sets == name))) for name in (TRAIN, VAL, TEST, GUARD)}
    return report


def _by_run(runs: npt.NDArray[Any], options: SplitOptions, rng: np.random.Generator) -> npt.NDArray[np.str_]:
    """Returns the best of many random assignments of whole runs: the one whose row shares are nearest to the target."""
    names, codes, sizes = np.unique(runs, return_inverse=True, return_counts=True)
    total = len(runs)
    test_target = (1 - options.train - options.val) * total
    val_target = options.val * total
    best: tuple[float, npt.NDArray[np.str_]] | None = None
    for _ in range(200):
        order = rng.permutation(len(names))
        reached = np.cumsum(sizes[order])
        tests = _nearest(reached, test_target, 1, len(names) - 2)
        vals = _nearest(reached - reached[tests - 1], val_target, tests + 1, len(names) - 1)
        sets = np.full(len(names), TRAIN, dtype="<U5")
        sets[order[:tests]] = TEST
        sets[order[tests:vals]] = VAL
        miss = abs(sizes[sets == TEST].sum() - test_target) + abs(sizes[sets == VAL].sum() - val_target)
        if best is None or miss < best[0]:
            best = (float(miss), sets)
    assert best is not None
    return best[1][codes]


def _nearest(reached: npt.NDArray[np.int64], target: float, low: int, high: int) -> int:
    """Returns how many of the ordered runs come nearest to `target` rows, between `low` and `high` runs."""
    counts = np.arange(low, high + 1)
    return int(counts[np.argmin(np.abs(reached[counts - 1] - target))])


def _by_block(rows: int, options: SplitOptions, rng: np.random.Generator) -> npt.NDArray[np.str_]:
    """Returns a split into randomly placed blocks of random length with guard rows on both sides of each.

    One block of a held-out set for every hundred rows, two at least and ten at most; about 5 % of the rows are guards.
    """
    blocks = int(np.clip(rows // 100, 2, 10)) if rows >= 60 else 1
    guard = int(np.clip(rows // 800, 1, 60))
    usable = rows - 2 * guard * 2 * blocks
    held_test = max(blocks, round((1 - options.train - options.val) * usable))
    held_val = max(blocks, round(options.val * usable))
    lengths = [(TEST, n) for n in _portions(held_test, blocks, rng)] + [
        (VAL, n) for n in _portions(held_val, blocks, rng)
    ]
    rng.shuffle(lengths)
    training = rows - held_test - held_val - 2 * guard * len(lengths)
    gaps = _portions(training, len(lengths) + 1, rng, spread=1.0)
    names, counts = [TRAIN], [gaps[0]]
    for gap, (name, length) in zip(gaps[1:], lengths, strict=True):
        names += [GUARD, name, GUARD, TRAIN]
        counts += [guard, length, guard, gap]
    return np.repeat(np.asarray(names, dtype="<U5"), counts)


def _portions(total: int, parts: int, rng: np.random.Generator, spread: float = 0.3) -> list[int]:
    """Returns `parts` whole numbers that sum to `total`, each at least 1: even with spread 0, wholly random with 1."""
    weights = (1 - spread) * np.ones(parts) + spread * rng.exponential(1.0, parts)
    free = total - parts
    edges = np.round(np.cumsum(weights) / weights.sum() * free).astype(int)
    return [int(n) + 1 for n in np.diff(np.r_[0, edges])]
