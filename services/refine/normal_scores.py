"""One continuous column as normal scores: its empirical quantiles laid onto the standard normal distribution.

Promises: scores of the fitted rows are about N(0, 1); the map is monotone; a value that was seen comes back as itself,
one that was not comes back within its neighbours, on the sensor's grid where it has one, and never outside the physical
limits. Ties are spread over their probability mass when a random generator is given (otherwise they get its middle).
Tails go on with the slope of the outer two percent, at most a quarter of the observed range beyond it.
Non-finite values are missing; the column says nothing about how often (see `discrete`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Values = NDArray[np.float64]

KNOTS = 4096  # order statistics kept of a longer column
TAIL_KNOTS = 128  # of these, consecutive ones at each end
TAIL_SHARE = 0.02  # outer share of the rows whose slope carries the tail on
TAIL_REACH = 0.25  # share of the observed range that a tail may add
MAX_SCORE = 5.0
HOLE_WIDTH = 0.05  # share of the observed range that makes a gap between neighbouring values a hole ...
HOLE_MASS = 0.02  # ... if so much of the rows lies on either side
FEWEST_FOR_HOLES = 50  # values: fewer are all far apart
MAX_DECIMALS = 6


@dataclass(frozen=True)
class Limits:
    """Physical limits of a sensor; infinite where the profile gives none."""

    minimum: float = -math.inf
    maximum: float = math.inf


OPEN = Limits()


@dataclass(frozen=True)
class Points:
    """A column in short: ascending distinct `values` and how many rows each stands for. Of a long column the quantiles
    that `NormalScores.fit` keeps, so a value's rank is off by at most n / (2 KNOTS) rows, and the tails are whole."""

    values: Values
    weights: Values

    @classmethod
    def of(cls, values: Values) -> Points:
        """Returns the points of the finite values; none for none."""
        return cls._thinned(*_distinct(np.sort(values[np.isfinite(values)])))

    def __add__(self, other: Points) -> Points:
        """Returns the points of both columns' rows."""
        values, place = np.unique(np.concatenate([self.values, other.values]), return_inverse=True)
        weights = np.bincount(place, np.concatenate([self.weights, other.weights]), len(values))
        return self._thinned(values, weights.astype(np.float64))

    @classmethod
    def _thinned(cls, values: Values, weights: Values) -> Points:
        if len(values) <= 2 * KNOTS:
            return cls(values, weights)
        upto = np.cumsum(weights)
        middle = upto - weights / 2
        wanted = np.unique(np.searchsorted(middle, _kept_ranks(int(upto[-1]), 2 * KNOTS - 2 * TAIL_KNOTS) + 0.5))
        tails = np.concatenate([np.arange(TAIL_KNOTS), len(values) - 1 - np.arange(TAIL_KNOTS)])
        kept = np.unique(np.concatenate([wanted.clip(max=len(values) - 1), tails]))
        # A point that goes gives its rows to the neighbours that stay, half to each.
        bounds = np.concatenate([[0], (upto[kept[:-1]] + (upto - weights)[kept[1:]]) / 2, [upto[-1]]])
        return cls(values[kept], np.diff(bounds))


@dataclass(frozen=True)
class NormalScores:
    """The fitted map of one column. `knots` are order statistics, `levels` their probabilities (both ascending)."""

    knots: Values
    levels: Values
    limits: Limits = OPEN
    step: float = 0.0  # grid spacing; 0 when the column has no grid
    origin: float = 0.0

    @classmethod
    def fit(cls, values: Values, limits: Limits | None = None, resolution: float | None = None) -> NormalScores:
        """Returns the map for the finite `values`; raises ValueError when there are none."""
        finite = np.sort(values[np.isfinite(values)])
        if not len(finite):
            raise ValueError("a column without finite values has no normal scores")
        kept = _kept_ranks(len(finite))
        return cls._of(finite[kept], (kept + 0.5) / len(finite), finite, limits, resolution)

    @classmethod
    def merged(cls, points: Points, limits: Limits | None = None, resolution: float | None = None) -> NormalScores:
        """Returns the map for the rows that `points` summarise; their own ranks are off by at most half a knot."""
        n = int(points.weights.sum())
        kept = _kept_ranks(n)
        upto = np.cumsum(points.weights)
        knots = points.values[np.searchsorted(upto, kept + 0.5).clip(max=len(upto) - 1)]
        knots[0], knots[-1] = points.values[0], points.values[-1]
        return cls._of(knots, (kept + 0.5) / n, points.values, limits, resolution)

    @classmethod
    def _of(
        cls, knots: Values, levels: Values, ordered: Values, limits: Limits | None, resolution: float | None
    ) -> NormalScores:
        limits = limits or Limits()
        # Rows outside the limits are the validation report's business; a model must still reproduce what it is given.
        limits = Limits(min(limits.minimum, float(ordered[0])), max(limits.maximum, float(ordered[-1])))
        step, origin = find_grid(ordered, resolution)
        return cls(knots, levels, limits, step, origin)

    @property
    def constant(self) -> bool:
        return bool(self.knots[0] == self.knots[-1])

    def encode(self, values: Values, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Returns scores of the same shape, NaN where a value is not finite."""
        flat = np.asarray(values, np.float64).ravel()
        order = np.argsort(flat)  # neighbours are then looked up together: five times as fast as in the rows' order
        ordered = flat[order]
        z = self._scores
        scores = np.interp(ordered, self.knots, z)
        if self._has_ties:
            left = np.searchsorted(self.knots, ordered, "left")
            right = np.searchsorted(self.knots, ordered, "right")
            # A value met twice or more is an atom: its score is drawn from (or put in the middle of) the atom's mass.
            tied = np.flatnonzero(right - left > 1)
            edges = self._edges()
            low, high = edges[left[tied]], edges[right[tied]]
            share = 0.5 if rng is None else rng.random(len(tied))
            scores[tied] = ndtri(low + (high - low) * share)
        below, above = self._tail_slopes
        first, last = np.searchsorted(ordered, self.knots[0], "left"), np.searchsorted(ordered, self.knots[-1], "right")
        scores[:first] = z[0] - (self.knots[0] - ordered[:first]) / below
        scores[last:] = z[-1] + (ordered[last:] - self.knots[-1]) / above
        np.clip(scores, -MAX_SCORE, MAX_SCORE, out=scores)
        scores[~np.isfinite(ordered)] = np.nan
        return _back(scores, order, np.float32).reshape(np.shape(values))

    def decode(self, scores: NDArray[Any]) -> Values:
        """Returns values of the same shape, inside the limits and on the grid; NaN stays NaN."""
        flat = np.asarray(scores).ravel()
        order = ascending(flat)
        ordered = flat[order].astype(np.float64)
        z = self._scores
        values = np.interp(ordered, *self._without_holes)
        below, above = self._tail_slopes
        reach = TAIL_REACH * (self.knots[-1] - self.knots[0])
        first, last = np.searchsorted(ordered, z[0], "left"), np.searchsorted(ordered, z[-1], "right")
        values[:first] = self.knots[0] - np.minimum((z[0] - ordered[:first]) * below, reach)
        values[last:] = self.knots[-1] + np.minimum((ordered[last:] - z[-1]) * above, reach)
        if self.step:
            values = np.clip(self._on_grid(values), *self._grid_inside())
        np.clip(values, self.limits.minimum, self.limits.maximum, out=values)
        return _back(values, order, np.float64).reshape(np.shape(scores))

    @cached_property
    def _scores(self) -> Values:
        return np.asarray(ndtri(self.levels), np.float64)

    @cached_property
    def _has_ties(self) -> bool:
        return bool((self.knots[1:] == self.knots[:-1]).any())

    def _on_grid(self, values: Values) -> Values:
        """Returns the values moved to the grid, with the very digits that the file had."""
        snapped = self.origin + np.rint((values - self.origin) / self.step) * self.step
        # Multiples of .1 are no binary numbers: rounding gives back the digits that a sensor would print.
        snapped = np.round(snapped, _decimals(self.step))
        # A file may hold -0.0139999999999993 for -0.014. To whoever counts values, these are two.
        place = np.searchsorted(self.knots, snapped - self.step / 4).clip(max=len(self.knots) - 1)
        seen = self.knots[place]
        return np.where(np.abs(seen - snapped) < self.step * 1e-3, seen, snapped)

    @cached_property
    def _without_holes(self) -> tuple[Values, Values]:
        """Returns (scores, knots) that jump over wide gaps between two parts of the distribution.

        A motor draws 0 A or 40 A: interpolated, one row in n would draw something between that never occurred.
        """
        z = self._scores
        widths = np.diff(self.knots)
        between = (self.levels[:-1] > HOLE_MASS) & (self.levels[1:] < 1 - HOLE_MASS)
        holes = np.flatnonzero(between & (widths > HOLE_WIDTH * (self.knots[-1] - self.knots[0])))
        if not len(holes) or len(z) < FEWEST_FOR_HOLES:
            return z, self.knots
        middle = np.repeat((z[holes] + z[holes + 1]) / 2, 2)
        ends = np.column_stack([self.knots[holes], self.knots[holes + 1]]).ravel()
        place = np.repeat(holes + 1, 2)
        return np.insert(z, place, middle), np.insert(self.knots, place, ends)

    def _edges(self) -> Values:
        """Returns the probabilities between which each knot lies, one more than there are knots."""
        inner = (self.levels[1:] + self.levels[:-1]) / 2
        return np.concatenate([[self.levels[0] / 2], inner, [(1 + self.levels[-1]) / 2]])

    @cached_property
    def _tail_slopes(self) -> tuple[float, float]:
        """Returns value a score in the lower and the upper tail, never zero, so that encoding stays defined."""
        z = self._scores
        span = float(self.knots[-1] - self.knots[0])
        least = max(span, abs(float(self.knots[0])), 1e-12) * 1e-9
        if len(z) < 2:
            return least, least
        lower = min(int(np.searchsorted(self.levels, TAIL_SHARE)) + 1, len(z) - 1)
        upper = max(int(np.searchsorted(self.levels, 1 - TAIL_SHARE)) - 2, 0)
        below = float(self.knots[lower] - self.knots[0]) / float(z[lower] - z[0])
        above = float(self.knots[-1] - self.knots[upper]) / float(z[-1] - z[upper])
        return max(below, least), max(above, least)

    def _grid_inside(self) -> tuple[float, float]:
        """Returns the outermost grid points inside the limits, and what was seen in any case."""
        low, high = self.limits.minimum, self.limits.maximum
        if math.isfinite(low):
            low = self.origin + math.ceil((low - self.origin) / self.step - 1e-6) * self.step
        if math.isfinite(high):
            high = self.origin + math.floor((high - self.origin) / self.step + 1e-6) * self.step
        return min(low, float(self.knots[0])), max(high, float(self.knots[-1]))

    def to_json(self) -> dict[str, Any]:
        """Returns everything but the arrays; JSON has no infinity, so open limits are null."""
        low, high = self.limits.minimum, self.limits.maximum
        return {
            "minimum": low if math.isfinite(low) else None,
            "maximum": high if math.isfinite(high) else None,
            "step": self.step,
            "origin": self.origin,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any], knots: Values, levels: Values) -> NormalScores:
        low, high = document["minimum"], document["maximum"]
        limits = Limits(-math.inf if low is None else float(low), math.inf if high is None else float(high))
        return cls(knots, levels, limits, float(document["step"]), float(document["origin"]))


def _kept_ranks(n: int, most: int = KNOTS) -> NDArray[np.int64]:
    """Returns the ranks that are kept of n sorted values: all of few, else evenly spaced ones and whole tails."""
    if n <= most:
        return np.arange(n)
    inner = np.linspace(0, n - 1, most - 2 * TAIL_KNOTS)
    ends = np.concatenate([np.arange(TAIL_KNOTS), n - 1 - np.arange(TAIL_KNOTS)])
    return np.unique(np.concatenate([np.rint(inner), ends]).astype(np.int64))


def _distinct(ordered: Values) -> tuple[Values, Values]:
    """Returns the distinct ones of sorted values and how often each occurs."""
    starts = np.flatnonzero(np.concatenate([[True], np.diff(ordered) > 0])) if len(ordered) else np.arange(0)
    return ordered[starts], np.diff(np.append(starts, len(ordered))).astype(np.float64)


def ascending(values: NDArray[Any]) -> NDArray[np.int64]:
    """Returns the order (n,) that sorts `values` (n,), NaN last; for float32 in half the time that argsort takes.

    The bits of a float are in its order once those of negative ones are flipped. In front of the row's number they make
    an integer, and integers alone are sorted fast.
    """
    if values.dtype != np.float32 or len(values) >= 2**32:
        return np.argsort(values)
    bits = np.where(np.isnan(values), np.float32(np.nan), values).view(np.int32)
    keys = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64)
    keys <<= 32
    keys |= np.arange(len(values))
    keys.sort()
    return keys & 0xFFFFFFFF


def _back(ordered: Values, order: NDArray[np.int64], kind: type[Any]) -> NDArray[Any]:
    """Returns sorted values in the rows' own order."""
    values = np.empty(len(ordered), kind)
    values[order] = ordered
    return values


def find_grid(ordered: Values, resolution: float | None = None) -> tuple[float, float]:
    """Returns (step, origin) of the grid that all the ordered finite values lie on; (0, 0) when there is none.

    Tries the declared resolution, then multiples of powers of ten (0.5, 0.02, 10), then the smallest difference, which
    finds grids that a unit conversion has moved.
    """
    distinct = ordered[np.concatenate([[True], np.diff(ordered) > 0])]
    if len(distinct) < 2:
        return 0.0, 0.0
    origin = float(distinct[0])
    if resolution and _lies_on_grid(distinct, resolution, origin):
        return float(resolution), origin
    for decimals in range(MAX_DECIMALS + 1):
        scaled = distinct * 10.0**decimals
        whole = np.rint(scaled)
        if np.abs(whole).max() < 2**52 and np.abs(scaled - whole).max() < 1e-6:
            common = int(np.gcd.reduce((whole - whole[0]).astype(np.int64)))
            return common / 10**decimals, origin
    smallest = float(np.diff(distinct).min())
    if len(distinct) <= len(ordered) / 4 and _lies_on_grid(distinct, smallest, origin):
        return smallest, origin
    return 0.0, 0.0


def _lies_on_grid(distinct: Values, step: float, origin: float) -> bool:
    counts = (distinct - origin) / step
    return bool(np.abs(counts).max() < 2**40 and np.abs(counts - np.rint(counts)).max() < 1e-3)


def _decimals(step: float) -> int:
    """Returns the decimals that print multiples of `step` exactly, and plenty when it is no decimal number.

    0.5 -> 1, 10.0 -> 0, 0.02 -> 2, 5/9 -> 12
    """
    for decimals in range(MAX_DECIMALS + 1):
        if abs(round(step, decimals) - step) < 1e-12:
            return decimals
    return 12
