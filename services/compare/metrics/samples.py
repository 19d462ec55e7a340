"""What a metric is given and what it gives back, with the resampling that puts an interval around every number.

A metric sees real training rows (which fix bins and scales), real test rows (the truth) and one set of rows under
test. Its interval comes from a bootstrap: test rows in blocks of neighbours, since a machine's rows are not
independent (moving-block bootstrap, Künsch 1989), synthetic rows one by one. Every set of a comparison is measured
with the *same* resampled test rows, so that differences between sets can be given an interval as well.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from services.compare.datasets import Column, Datasets, Floats, Rows

COVERAGE = 0.95
RESAMPLES = 100
# Beyond this many rows a set's interval is dominated by the other set; fewer resamples keep memory and time bounded.
_MANY_ROWS = 20_000


@dataclass(frozen=True)
class Samples:
    """One set of rows (`rows`, called `name`) to be measured against the real test rows of a comparison."""

    name: str
    data: Datasets
    rows: Rows
    seed: int = 0
    resamples: int = RESAMPLES
    beside_real: bool = False  # also measure what learners make of real rows, and of both together
    every_sensor: bool = False  # also learn every sensor in turn

    @property
    def numeric(self) -> tuple[Column, ...]:
        return self.data.numeric

    @property
    def states(self) -> tuple[Column, ...]:
        return self.data.states

    @property
    def train(self) -> Rows:
        return self.data.train

    @property
    def test(self) -> Rows:
        return self.data.test

    @cached_property
    def varying(self) -> npt.NDArray[np.bool_]:
        """Which numeric columns vary in the real training or test rows, (d,)."""
        return varying(self.train.numeric) | varying(self.test.numeric)

    @cached_property
    def test_weights(self) -> Floats:
        """How often each test row counts, (1 + resamples, n_test). Row 0 is all ones: the value itself."""
        rng = np.random.default_rng([self.seed, 1])
        return block_weights(self.test.runs, self._count, rng)

    @cached_property
    def weights(self) -> Floats:
        """How often each row under test counts, (1 + resamples, n). Row 0 is all ones."""
        rng = np.random.default_rng([self.seed, 2, zlib.crc32(self.name.encode())])
        n = len(self.rows)
        drawn = rng.multinomial(n, np.full(n, 1.0 / n), size=self._count)
        return np.vstack([np.ones(n), drawn])

    @property
    def _count(self) -> int:
        return self.resamples if max(len(self.rows), len(self.test)) <= _MANY_ROWS else min(self.resamples, 40)

    def scaled(self, rows: Rows) -> Floats:
        """Returns rows as points for distances, (n, d'): training median and standard deviation, missing values at the
        median, states one-hot with distance 1 between two states."""
        center, scale = self.data.scale
        points = [np.nan_to_num((rows.numeric - center) / scale, nan=0.0)]
        for k, column in enumerate(self.states):
            one_hot = rows.states[:, k][:, None] == np.arange(len(column.categories))[None, :]
            points.append(one_hot / np.sqrt(2.0))
        return np.hstack(points)

    def pick(self, n: int, most: int, stream: int) -> npt.NDArray[np.int64]:
        """Returns `most` of n row numbers at random but sorted, or all; the same numbers for the same stream."""
        if n <= most:
            return np.arange(n)
        rng = np.random.default_rng([self.seed, 3, stream])
        return np.sort(rng.choice(n, size=most, replace=False))


@dataclass(frozen=True)
class Measured:
    """A metric's value with its resampled values (`draws`), its part per column and named details.

    `floor` is the value that a perfect set of this size would get from chance alone. None stands for "cannot be said".
    """

    value: float | None
    draws: Floats = field(default_factory=lambda: np.empty(0))
    per_column: Mapping[str, float | None] = field(default_factory=dict)
    details: Mapping[str, float | None] = field(default_factory=dict)
    floor: float | None = None

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """The value's 95 % interval."""
        return interval(self.value, self.draws)


UNKNOWN = Measured(None)


def interval(value: float | None, draws: Floats) -> tuple[float | None, float | None]:
    """Returns the interval of a value from its resampled values.

    The spread of the draws is put around the value instead of around their mean: resampling repeats rows, which pushes
    divergences and distances up in every draw (Efron & Tibshirani 1993, chapter 10, on bootstrap bias).
    """
    seen = draws[np.isfinite(draws)]
    if value is None or len(seen) < 10:
        return None, None
    low, high = np.quantile(seen, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2]) - seen.mean()
    return value + float(low), value + float(high)


def averaged(columns: Mapping[str, Floats], floor: float | None = None, **details: float | None) -> Measured:
    """Returns the mean over columns of per-column values (1 + resamples,), with the largest one as detail `max`."""
    usable = {name: values for name, values in columns.items() if np.isfinite(values[0])}
    per_column = {name: (float(values[0]) if name in usable else None) for name, values in columns.items()}
    if not usable:
        return Measured(None, per_column=per_column, details=details)
    every = np.stack(list(usable.values()))
    mean = every.mean(axis=0)
    return Measured(float(mean[0]), mean[1:], per_column, {"max": float(every[:, 0].max()), **details}, floor)


def varying(numeric: Floats) -> npt.NDArray[np.bool_]:
    """Returns which columns hold more than one value, (d,); a spread of rounding errors is one value."""
    found = np.zeros(numeric.shape[1], dtype=bool)
    for j, values in enumerate(numeric.T):
        seen = values[~np.isnan(values)]
        found[j] = len(seen) > 1 and float(np.ptp(seen)) > 1e-9 * max(1.0, float(np.abs(seen).max()))
    return found


def block_ids(runs: npt.NDArray[np.int64], most: int | None = None) -> npt.NDArray[np.int64]:
    """Returns the number of the block, from 0, that each row belongs to: about sqrt(n) neighbours, at most `most`.

    A block never crosses from one run into another; with many short runs a block is a run.
    """
    n = len(runs)
    length = max(1, min(int(np.sqrt(n)), most or n))
    starts = np.r_[True, runs[1:] != runs[:-1]]
    position = np.arange(n) - np.maximum.accumulate(np.where(starts, np.arange(n), 0))
    return np.asarray(np.cumsum(starts | (position % length == 0)) - 1)


def block_weights(runs: npt.NDArray[np.int64], resamples: int, rng: np.random.Generator) -> Floats:
    """Returns weights (1 + resamples, n), row 0 all ones, from drawing whole blocks with replacement."""
    block = block_ids(runs)
    count = int(block[-1]) + 1
    drawn = rng.multinomial(count, np.full(count, 1.0 / count), size=resamples)
    return np.vstack([np.ones(len(runs)), drawn[:, block]])
