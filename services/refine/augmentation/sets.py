"""Generating one set after another, batch by batch: planned runs in, finished rows out, in bounded memory.

Every row is inside the sensors' limits and meets the condition; runs are whole but for the last of each set, of which
the end is kept. Runs follow each other on one time line, so timestamps rise through train, val and test. Oversampled
rare rows come from runs of their own, after the others: of these only the rare rows are kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile
from services.refine.augmentation import errors as errors
from services.refine.augmentation.borrowed import Lender
from services.refine.augmentation.cascade import Cascade
from services.refine.augmentation.history import History
from services.refine.augmentation.lives import Plan, plan_end_s, plan_runs, rul_per_sample, timestamps
from services.refine.augmentation.where import Condition, both
from services.refine.codec import MISSING, Codec

BATCH_ROWS = 60_000
LEAST_ROUND = 0.05  # of a set's rows
_TRIAL_ROWS = 50_000  # candidates after which a condition that hardly any row meets is given up
_LEAST_ACCEPTANCE = 0.002


@dataclass
class _Yield:
    """How many rows were generated for a condition, and how many of them met it."""

    candidates: int = 0
    accepted: int = 0


@dataclass
class SetMaker:
    """Makes the rows of sets in order. `share` of each set's rows meet the condition `rare`, or more if more do so
    anyway; `met` counts them."""

    history: History
    cascade: Cascade
    codec: Codec
    profile: MachineProfile
    columns: tuple[str, ...]
    condition: Condition
    lender: Lender | None
    seed: int
    rare: Condition = field(default_factory=lambda: Condition(""))
    share: float = 0.0
    begin_s: float = 0.0
    met: int = 0
    clipped: int = 0
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    _batches: int = 0
    _yields: dict[str, _Yield] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for sensor in self.profile.columns:
            low = -np.inf if sensor.min is None else sensor.min
            high = np.inf if sensor.max is None else sensor.max
            self.limits[sensor.name] = (low, high)

    def rows_of(self, name: str, rows: int) -> Iterator[pl.DataFrame]:
        """Yields exactly `rows` rows of the set in batches, runs numbered from 1. Raises WHERE_UNSATISFIED."""
        missing, number, lacking = rows, 0, math.ceil(self.share * rows) if self.rare.keeps is not None else 0
        while missing > 0:
            # Rows as they come, until rare ones have to make up their share; not for a few rows, the ends of runs.
            usual = missing - lacking if lacking == 0 or missing - lacking > LEAST_ROUND * rows else 0
            condition = self.condition if usual else both(self.condition, self.rare)
            for batch in self._rows(condition, usual or missing, rows):
                runs = batch.with_columns((pl.col("_run") + number).alias("_run"))
                number = int(runs["_run"][-1]) + 1
                missing -= runs.height
                met = self._rare_rows(runs)
                self.met += met
                lacking = min(max(0, lacking - met), missing)
                label = pl.concat_str([pl.lit(f"syn-{name}-"), (pl.col("_run") + 1).cast(pl.String).str.zfill(5)])
                yield runs.select(label.alias("run_id"), "timestamp", *self.columns)

    def _rare_rows(self, batch: pl.DataFrame) -> int:
        if self.rare.keeps is None:
            return 0
        return int(batch.select(self.rare.keeps.fill_null(False).sum()).item())

    def _rows(self, condition: Condition, rows: int, asked: int) -> Iterator[pl.DataFrame]:
        """Yields exactly `rows` rows that meet the condition, runs numbered from 0 in each batch."""
        missing, found = rows, self._yields.setdefault(condition.text, _Yield())
        while missing > 0:
            batch = self._batch(min(BATCH_ROWS, _needed(condition, missing, found)), condition, found)
            if condition.keeps is not None:
                batch = batch.filter(condition.keeps)
            found.accepted += batch.height
            self._give_up_if_hopeless(condition, found, asked)
            if batch.height:
                batch = _first_rows_of_whole_runs(batch.with_columns(pl.col("_run").rle_id()), missing)
                missing -= batch.height
                yield batch

    def _batch(self, rows: int, condition: Condition, found: _Yield) -> pl.DataFrame:
        """Returns the rows of newly planned runs with `_run`; without those that cannot meet the condition."""
        seed = self.seed + 7919 * self._batches
        self._batches += 1
        plan = plan_runs(self.history, rows, seed=seed, begin_s=self.begin_s)
        self.begin_s = plan_end_s(plan, self.history)
        keep = self._possible(plan, condition)
        found.candidates += plan.rows
        if not keep.any():
            return self._empty()
        scores = self.cascade.generate(plan.lengths, plan.rul, plan.hour, plan.codes, keep, seed, plan.windows)
        if self.history.holds is not None and plan.read is not None:
            scores = self.history.holds.applied(scores, plan.read, keep)
        table = self._decoded(scores, plan, keep, seed)
        clock = pl.Series(timestamps(self.history, plan.clock_s[keep])).cast(pl.Datetime("us", "UTC"))
        table = table.with_columns(clock.alias("timestamp"), pl.Series("_run", plan.run[keep]))
        return table.select("_run", "timestamp", *self.columns)

    def _possible(self, plan: Plan, condition: Condition) -> NDArray[np.bool_]:
        """Returns which rows may meet the condition, by what is known before a sensor is generated."""
        keep = np.ones(plan.rows, dtype=bool)
        if plan.rul is not None:
            low, high = condition.bound("rul")
            keep &= (plan.rul >= low) & (plan.rul <= high)
        discrete = [c.name for c in self.codec.columns if c.kind == "discrete"]
        if condition.keeps is not None and condition.names and set(condition.names) <= set(discrete):
            codes = plan.codes[:, : len(self.codec.discrete.names)]
            states = self.codec.decode(np.zeros((plan.rows, len(self.codec.continuous)), np.float32), codes)
            keep &= states.select(condition.keeps.fill_null(False)).to_series().to_numpy()
        return keep

    def _decoded(self, scores: NDArray[np.float32], plan: Plan, keep: NDArray[np.bool_], seed: int) -> pl.DataFrame:
        full = np.zeros((len(scores), len(self.codec.continuous)), np.float32)
        full[:, [self.codec.continuous.index(name) for name in self.cascade.columns]] = scores
        codes = plan.codes[keep][:, : len(self.codec.discrete.names)].copy()
        bits = [g for g, name in enumerate(self.codec.discrete.names) if name.startswith(MISSING)]
        codes[:, bits] = 0  # generated rows are complete
        table = self.codec.decode(full, codes)
        if self.lender is not None:
            lent = self.lender.matching(scores, seed)
            table = table.with_columns(lent[name] for name in self.history.untold if name in lent.columns)
            if "rul" in self.columns and plan.rul is None:
                rul = rul_by_level(lent["rul"].to_numpy(), plan, keep, self.history, self.profile)
                table = table.with_columns(pl.Series("rul", rul))
        if plan.rul is not None:
            table = table.with_columns(pl.Series("rul", plan.rul[keep]))
        return self._inside_limits(table)

    def _inside_limits(self, table: pl.DataFrame) -> pl.DataFrame:
        """Returns the table with numbers outside their sensor's limits put on the limit, and counts them."""
        clipped = []
        for name, (low, high) in self.limits.items():
            if name in table.columns and table[name].dtype.is_numeric() and (np.isfinite(low) or np.isfinite(high)):
                outside = (table[name] < low) | (table[name] > high)
                count = int(outside.sum() or 0)
                if count:
                    self.clipped += count
                    clipped.append(pl.col(name).clip(low, high))
        return table.with_columns(clipped) if clipped else table

    def _empty(self) -> pl.DataFrame:
        return pl.DataFrame(schema={"_run": pl.Int64, "timestamp": pl.Datetime("us", "UTC")})

    def _give_up_if_hopeless(self, condition: Condition, found: _Yield, rows: int) -> None:
        if found.candidates < _TRIAL_ROWS or found.accepted >= _LEAST_ACCEPTANCE * found.candidates:
            return
        met = (
            f"{found.accepted} of {found.candidates:,} generated rows meet"
            if found.accepted
            else f"none of {found.candidates:,} generated rows meets"
        )
        raise SensorForgeError(
            "WHERE_UNSATISFIED",
            f"{met} the condition {condition.text!r}, so {rows:,} rows of it would be an invention of its own.",
            remedy=f"Widen the condition on {', '.join(condition.names)}, or collect rows that meet it.",
        )


def _needed(condition: Condition, missing: int, found: _Yield) -> int:
    """Returns how many candidates to plan for so many rows, from the share accepted so far."""
    if condition.keeps is None:
        return missing
    if found.accepted == 0:
        return max(missing, found.candidates)
    return int(1.1 * missing * found.candidates / found.accepted) + 1


def rul_by_level(
    matched: NDArray[np.float64], plan: Plan, keep: NDArray[np.bool_], history: History, profile: MachineProfile
) -> NDArray[np.float64]:
    """Returns an RUL for series of a machine whose real rows have none: the refined model's level, the clock's slope.

    The level of a run is the median RUL `matched` for its kept rows; within the run RUL falls with every sample.
    """
    step = rul_per_sample(history, profile)
    run = plan.run[keep]
    rul = np.empty(len(run))
    first = np.cumsum([0, *plan.lengths])
    samples = np.arange(plan.rows)[keep] - first[run]
    for number in np.unique(run):
        rows = run == number
        half = step * plan.lengths[number] / 2
        middle = max(float(np.nanmedian(matched[rows])), half)
        if profile.rul_max is not None:
            middle = max(min(middle, profile.rul_max - half), half)
        rul[rows] = middle + half - step * (samples[rows] + 1)
    return rul


def _first_rows_of_whole_runs(batch: pl.DataFrame, most: int) -> pl.DataFrame:
    """Returns whole runs from the first on, and of the run that is too many its end: together at most `most` rows."""
    if batch.height <= most:
        return batch
    ends = batch.select(pl.col("_run").rle().struct.field("len")).to_series().cum_sum().to_numpy()
    whole = int(np.searchsorted(ends, most, side="right"))
    full = int(ends[whole - 1]) if whole else 0
    if full == most:
        return batch.head(most)
    last = batch.slice(int(ends[whole]) - (most - full), most - full)
    return pl.concat([batch.head(full), last])
