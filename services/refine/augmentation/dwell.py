"""States through time: a semi-Markov model of what the machine does next, and for how long.

A spell is an unbroken stretch in one state (all discrete columns together, so that no combination is invented). The
next state is one that was seen to follow, near the same remaining life and hour of the day. A spell ends in one of two
ways, whichever comes first: by its *dwell time*, drawn from the state's own distribution (Kaplan & Meier 1958 in
Efron's redistribute-to-the-right form, so that a spell cut off by the end of a record counts as "at least so long";
smoothed among its likes on a logarithmic scale, so that times between the seen ones occur too), counted to the hour at
which it ended where hours are known, since the end of a shift says more than its length; or by *age*, where the change
was seen to come at a remaining life rather than after a time (a warning before the failure).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from services.refine.discrete import Codes

Array = NDArray[np.float64]
Places = NDArray[np.int64]

RUL_BINS, HOUR_BINS = 6, 8
FEWEST_SPELLS = 12  # in a context of remaining life and hour; with fewer the hour, then the life is left out of it
FEWEST_AGEINGS = 3
WIDEST_AGEING = 0.5  # standard deviation of the log of remaining life (or its share) at a change that comes with age
WIDEST_SMOOTHING = 0.25  # of the log of a dwell time; below it Silverman's rule, 1.06 sd n^(-1/5)
LIKENESS = 0.7  # of the log of dwell times: a lunch break says nothing about how long nights are
_UNSEEN = -1


@dataclass(frozen=True)
class Record:
    """States of one unbroken record: codes (T, G), remaining life (T,) and hour of day (T,) where known.

    `life` is the whole life of its run, in the unit of `rul`.
    """

    codes: Codes
    rul: Array | None = None
    hour: Array | None = None
    life: float = 1.0


@dataclass(frozen=True)
class Ageing:
    """A change of state that comes with age: at remaining lives (n,), as shares of the life if `relative`."""

    following: int
    at: Array
    relative: bool


@dataclass(frozen=True)
class _Spells:
    """Spells of all records, one a place. `following` is _UNSEEN where the record ended first."""

    state: Places
    dwell: Places
    following: Places
    rul: Array
    hour: Array
    end_rul: Array
    life: Array
    first: NDArray[np.bool_]


@dataclass(frozen=True)
class States:
    """A fitted model. `tuples` (S, G) are the states' codes; `ageing` maps a state to its changes with age."""

    tuples: Codes
    spells: _Spells
    ageing: dict[int, tuple[Ageing, ...]]
    rul_edges: Array
    cut: NDArray[np.bool_]  # spells that ended with their record or by age: they would have lasted longer
    row_spell: Places
    row_hour: Array | None
    samples_an_hour: float
    _found: dict[tuple[int, int, int], Places] = field(default_factory=dict, compare=False)

    def draw(self, length: int, rul: Array | None, hour: Array | None, rng: np.random.Generator) -> Codes:
        """Returns codes (length, G) of one unbroken record under its remaining life and hours, where known."""
        width = self.tuples.shape[1]
        if width == 0 or len(self.tuples) == 1:
            return np.repeat(self.tuples[:1], length, axis=0) if width else np.zeros((length, 0), np.int32)
        out = np.empty(length, np.int64)
        thresholds = self._thresholds(rul, rng)
        at, state, left, following = 0, *self._beginning(rul, hour, rng)
        while True:
            until, turn = at + left, following
            for ageing, threshold in thresholds.get(state, ()):
                assert rul is not None
                # RUL falls, so its negative is sorted: the first row at or below the threshold.
                age = max(at + 1, int(np.searchsorted(-rul, -threshold)))
                if age < until:
                    until, turn = age, ageing.following
            out[at:until] = state
            if until >= length:
                return self.tuples[out]
            at, state = until, turn
            left, following = self._dwell(state, rul, hour, at, rng)

    def _thresholds(self, rul: Array | None, rng: np.random.Generator) -> dict[int, list[tuple[Ageing, float]]]:
        if rul is None:
            return {}
        drawn: dict[int, list[tuple[Ageing, float]]] = {}
        for state, changes in self.ageing.items():
            for change in changes:
                order = np.arange(len(change.at))
                at = float(np.interp(rng.random() * (len(order) - 1), order, change.at))  # between those seen
                drawn.setdefault(state, []).append((change, at * float(rul[0]) if change.relative else at))
        return drawn

    def _beginning(self, rul: Array | None, hour: Array | None, rng: np.random.Generator) -> tuple[int, int, int]:
        """Returns state, samples left in it and the state that follows, as a life or a record begins."""
        spells = self.spells
        if rul is not None:
            begun = np.flatnonzero(spells.first)
            near = begun[self._bin(spells.rul[begun]) == self._bin(rul[:1])[0]]
            spell = int(rng.choice(near if len(near) else begun))
            state = int(spells.state[spell])
            return state, *self._dwell(state, rul, hour, 0, rng)
        rows = np.arange(len(self.row_spell))
        if hour is not None and self.row_hour is not None:  # as some real row near that hour stood
            close = np.flatnonzero(np.abs((self.row_hour - hour[0] + 12) % 24 - 12) <= 12 / HOUR_BINS)
            rows = close if len(close) >= FEWEST_SPELLS else rows
        row = int(rng.choice(rows))
        spell = int(self.row_spell[row])
        state, following = int(spells.state[spell]), int(spells.following[spell])
        left = int(np.searchsorted(self.row_spell, spell, side="right")) - row
        if following == _UNSEEN:
            dwell, following = self._dwell(state, rul, hour, 0, rng)
            left = max(left, dwell)
        return state, left, following

    def _bin(self, rul: Array) -> Places:
        return np.searchsorted(self.rul_edges, rul)

    def _context(self, rul: Array | None, hour: Array | None, at: int) -> tuple[int, int]:
        return (
            -1 if rul is None else int(self._bin(rul[at : at + 1])[0]),
            -1 if hour is None else int(hour[at] * HOUR_BINS / 24) % HOUR_BINS,
        )

    def _candidates(self, state: int, life: int, hour: int) -> Places:
        """Returns the spells of a state that began near a remaining life and an hour, the nearest if few did."""
        key = (state, life, hour)
        if key not in self._found:
            spells = np.flatnonzero(self.spells.state == state)
            in_life = spells[self._bin(self.spells.rul[spells]) == life] if life >= 0 else spells
            found = in_life if len(in_life) >= FEWEST_SPELLS else spells
            if hour >= 0 and len(found) > FEWEST_SPELLS:
                apart = np.abs((self.spells.hour[found] - (hour + 0.5) * 24 / HOUR_BINS + 12) % 24 - 12)
                near = np.sort(apart)[FEWEST_SPELLS - 1]
                found = found[apart <= max(near, 12 / HOUR_BINS)]
            self._found[key] = found
        return self._found[key]

    def _dwell(
        self, state: int, rul: Array | None, hour: Array | None, at: int, rng: np.random.Generator
    ) -> tuple[int, int]:
        """Returns a dwell time in samples, of a spell that begins at row `at`, and the state that follows."""
        spells, cut = self.spells, self.cut
        candidates = self._candidates(state, *self._context(rul, hour, at))
        spell = int(candidates[rng.integers(len(candidates))])
        while cut[spell]:
            longer = candidates[spells.dwell[candidates] > spells.dwell[spell]]
            if not len(longer):
                break
            spell = int(longer[rng.integers(len(longer))])
        following = int(spells.following[spell])
        if cut[spell]:  # nothing longer was seen
            known = np.flatnonzero((spells.state == state) & ~cut)
            following = int(spells.following[rng.choice(known)]) if len(known) else state
        dwell = float(spells.dwell[spell])
        log = np.log(spells.dwell[candidates])
        alike = log[np.abs(log - math.log(dwell)) < LIKENESS]
        width = min(WIDEST_SMOOTHING, 1.06 * float(alike.std()) * len(alike) ** -0.2)
        if hour is not None:
            later = self.samples_an_hour * ((hour[at] - spells.hour[spell] + 12) % 24 - 12)
            dwell -= later if abs(later) < dwell / 2 else 0.0
        dwell *= float(np.exp(width * rng.standard_normal()))
        return max(1, int(dwell + rng.random())), following


def fit_states(records: Sequence[Record]) -> States:
    """Returns the model of the records' states; their codes have the same columns."""
    pooled = np.concatenate([record.codes for record in records])
    width = pooled.shape[1]
    tuples, states = np.unique(pooled, axis=0, return_inverse=True) if width else (pooled[:1], np.zeros(len(pooled)))
    ends = np.cumsum([len(record.codes) for record in records])[:-1]
    of_record = np.split(np.asarray(states).reshape(-1).astype(np.int64), ends)
    spells = _spells(records, of_record)
    known = spells.rul[np.isfinite(spells.rul)]
    edges = np.quantile(known, np.linspace(0, 1, RUL_BINS + 1)[1:-1]) if len(known) else np.zeros(0)
    ageing = _ageing(spells) if len(known) else {}
    aged = np.zeros(len(spells.state), dtype=bool)
    for state, changes in ageing.items():
        aged |= (spells.state == state) & np.isin(spells.following, [change.following for change in changes])
    hours = [record.hour for record in records if record.hour is not None]
    steps = [np.maximum(np.diff(hour) % 24, 1e-6) for hour in hours if len(hour) > 1]
    return States(
        tuples=np.asarray(tuples, np.int32),
        spells=spells,
        ageing=ageing,
        rul_edges=np.asarray(edges),
        cut=aged | (spells.following == _UNSEEN),
        row_spell=np.repeat(np.arange(len(spells.state)), spells.dwell),
        row_hour=np.concatenate(hours) if len(hours) == len(records) else None,
        samples_an_hour=1 / float(np.median(np.concatenate(steps))) if steps else 0.0,
    )


def _spells(records: Sequence[Record], states: Sequence[Places]) -> _Spells:
    columns: list[tuple[int, int, int, float, float, float, float, bool]] = []
    for record, state in zip(records, states, strict=True):
        begins = [0, *(np.flatnonzero(np.diff(state)) + 1).tolist(), len(state)]
        for begin, end in pairwise(begins):
            last = end == len(state)
            columns.append(
                (
                    int(state[begin]),
                    end - begin,
                    _UNSEEN if last else int(state[end]),
                    np.nan if record.rul is None else float(record.rul[begin]),
                    np.nan if record.hour is None else float(record.hour[begin]),
                    np.nan if record.rul is None or last else float(record.rul[end]),
                    record.life,
                    begin == 0,
                )
            )
    begun, dwell, following, rul, hour, end_rul, life, first = zip(*columns, strict=True)
    return _Spells(
        np.array(begun), np.array(dwell), np.array(following), np.array(rul), np.array(hour), np.array(end_rul),
        np.array(life), np.array(first),
    )  # fmt: skip


def _ageing(spells: _Spells) -> dict[int, tuple[Ageing, ...]]:
    """Returns the changes that come with age: seen at a narrower range of remaining lives than of dwell times."""
    found: dict[int, list[Ageing]] = {}
    lives = len(np.unique(spells.life))
    changed = (spells.following != _UNSEEN) & (spells.end_rul >= 0)
    for state, following in {(int(a), int(b)) for a, b in zip(spells.state, spells.following, strict=True)}:
        chosen = changed & (spells.state == state) & (spells.following == following)
        if not FEWEST_AGEINGS <= chosen.sum() <= 2 * lives:
            continue
        at, share = spells.end_rul[chosen], spells.end_rul[chosen] / np.maximum(spells.life[chosen], 1e-12)
        step = max(float(at[at > 0].min(initial=np.inf)), 1e-9) if (at > 0).any() else 1.0
        spread = float(np.log(at + step).std())
        relative = float(np.log(share + step / spells.life.max()).std())
        if min(spread, relative) <= min(WIDEST_AGEING, float(np.log(spells.dwell[chosen]).std())):
            found.setdefault(state, []).append(
                Ageing(following, np.sort(share if relative < spread else at), relative < spread)
            )
    return {state: tuple(changes) for state, changes in found.items()}
