"""Certainty: how often a pair of a column and a sensor like this one is right.

It promises a share between 0 and 1 that was fitted on labelled files, each also with 30 % of its sensors taken out, so
that being the best of what there is does not pass for being right. It looks at what the score cannot see: how far the
next best are, what each name says that the other does not, and how many sensors say all that both have in common.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

from services.mapping.features import STATE_WORDS, Variant, weights_of
from services.mapping.lexicon import Lexicon
from services.mapping.oppositions import conflicts
from services.mapping.scoring import PairReading, Scores, places_of

CANDIDATE = 0.2  # scores below are no candidates
PROPOSED = 0.6  # share of right pairs from which one is proposed
CERTAIN = 0.92  # and from which it is called certain: of 390 such pairs in files never read before none was wrong
_FAIR = 0.45  # scores below weigh against a pair on their own
_SAYS_SOMETHING = 0.5  # weight of words that are no common prefix
_SHARED_BY = 0.6  # share of the columns whose common word tells none of them apart
_FEW = 4  # columns that at least share it
_WRITTEN_OUT = 4  # letters of a word that is no short form
_TOO_NEAR = 0.02  # a rival within this is as good
_BETTER_MATCHED = 0.05  # and is none when it has a partner of its own that is so much better
_MOST = 4  # sensors or columns that are counted


@dataclass(frozen=True)
class Evidence:
    """What is known of a pair. `ours` and `theirs` are the weights of known words that the column and the sensor alone
    say, `against` is their product; `ambiguous` sensors more say all that is common; `elsewhere` words of the column
    are those of other sensors; `together` counts the telling words in common."""

    score: float
    ahead_of_sensors: float
    ahead_of_columns: float
    poor: float
    same_name: float
    together: float
    against: float
    ambiguous: float
    elsewhere: float
    all_said: float
    one_unit: float
    one_quantity: float
    conflicts: float
    words: float
    sensors_words: float
    other_columns: float
    of_quantity: float
    crowded: float


# Logistic regression, fitted on labelled files.
_WEIGHTS = Evidence(
    score=4.25,
    ahead_of_sensors=1.59,
    ahead_of_columns=1.97,
    poor=-1.19,
    same_name=2.39,
    together=-0.02,
    against=-0.22,
    ambiguous=-0.25,
    elsewhere=-0.81,
    all_said=1.08,
    one_unit=-0.89,
    one_quantity=-1.40,
    conflicts=0.88,
    words=0.18,
    sensors_words=0.32,
    other_columns=0.64,
    of_quantity=0.07,
    crowded=-0.14,
)
_INTERCEPT = -1.49


class Judge:
    """Judges the pairs of one file and one profile."""

    def __init__(self, scores: Scores, lexicon: Lexicon) -> None:
        self._scores = scores
        self._lexicon = lexicon
        self._of_columns = weights_of(scores.columns)
        self._of_sensors = weights_of(scores.sensors)
        said = Counter(concept for column in scores.columns for concept in column.concepts)
        self._common = {c for c, count in said.items() if count >= max(_FEW, _SHARED_BY * len(scores.columns))}
        self._best = scores.values.max(axis=1, initial=0.0)

    def share_right(self, i: int, j: int) -> float:
        """Returns how often a pair of column i and sensor j like this one is right, 0 to 1."""
        found = zip(astuple(self.evidence(i, j)), astuple(_WEIGHTS), strict=True)
        return 1 / (1 + math.exp(-_INTERCEPT - sum(value * weight for value, weight in found)))

    def is_open(self, i: int, j: int) -> bool:
        """Returns whether something is left that speaks against the pair: a contradiction, a side that only the sensor
        says, a thing on each side that the other does not name, or one that only the column names where other sensors
        have as much in common, so that the sensor may be a sibling of the one that is meant."""
        reading = self._scores.readings.get((i, j))
        if reading is None:
            return False
        if conflicts(reading.column, reading.sensor, self._scores.sensors[j].is_state, self._lexicon):
            return True
        if places_of(reading.sensor) - reading.column.concepts:
            return True
        ours = _things(reading.column, {match[1] for match in reading.matches}, _WRITTEN_OUT)
        theirs = _things(reading.sensor, {match[2] for match in reading.matches}, _WRITTEN_OUT)
        return bool(ours and (theirs or self._as_much_in_common(reading)))

    def is_clear(self, i: int, j: int, chosen: Mapping[int, int]) -> bool:
        """Returns whether no other sensor suits the column and no other column the sensor as well, but those that suit
        each other better (`chosen`: the sensor of each column)."""
        values = self._scores.values
        owner = {sensor: column for column, sensor in chosen.items()}
        near = values[i, j] - _TOO_NEAR
        for other in np.flatnonzero(values[i] > near).tolist():
            if other != j and not (
                other in owner and values[owner[other], other] >= values[i, other] + _BETTER_MATCHED
            ):
                return False
        for other in np.flatnonzero(values[:, j] > near).tolist():
            if other != i and not (
                other in chosen and values[other, chosen[other]] >= values[other, j] + _BETTER_MATCHED
            ):
                return False
        return True

    def is_far_fetched(self, i: int, j: int) -> bool:
        """Returns whether a pair with a poor score has not even the quantity in common, is of a set-point or a state
        and a measurement, or each side names another thing."""
        reading = self._scores.readings.get((i, j))
        if reading is None or self._scores.values[i, j] >= _FAIR:
            return False
        if not reading.column.quantities & reading.sensor.quantities:
            return True
        if "setpoint" in reading.column.said - reading.sensor.concepts:
            return True
        if reading.column.concepts & STATE_WORDS and not self._scores.sensors[j].is_state:
            return True
        ours = _things(reading.column, {match[1] for match in reading.matches})
        theirs = _things(reading.sensor, {match[2] for match in reading.matches})
        return bool(ours and theirs and not _telling_in_common(reading))

    def evidence(self, i: int, j: int) -> Evidence:
        """Returns what is known of column i and sensor j."""
        values = self._scores.values
        score = float(values[i, j])
        column, sensor = self._scores.columns[i], self._scores.sensors[j]
        ahead = (_ahead(values[i], j), _ahead(values[:, j], i))
        one_unit = float((column.unit is None) != (sensor.unit is None))
        reading = self._scores.readings.get((i, j))
        poor = max(0.0, _FAIR - score)
        if reading is None:
            rest = (1.0, 0.0, 1.0, 1.0, self._fit_without(i), 1.0, 0.0)
            return Evidence(score, *ahead, poor, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, one_unit, *rest)
        ours, unknown = self._alone(reading.column, {match[1] for match in reading.matches}, self._of_columns)
        theirs, strange = self._alone(reading.sensor, {match[2] for match in reading.matches}, self._of_sensors)
        theirs += strange
        said = reading.sensor.quantities
        columns, sensors = (
            sum(1 for other in side if any(variant.quantities & said for variant in other.variants))
            for side in (self._scores.columns, self._scores.sensors)
        )
        return Evidence(
            score,
            *ahead,
            poor,
            0.0,
            float(min(_telling_in_common(reading), _MOST)),
            min(ours, 1.0) * min(theirs, 1.0),
            float(min(self._as_much_in_common(reading), _MOST)),
            float(min(self._elsewhere(reading, j), _MOST)),
            float(not ours and not theirs and not unknown),
            one_unit,
            1.0 if said & reading.column.quantities else 0.0 if said and reading.column.quantities else 0.5,
            float(conflicts(reading.column, reading.sensor, sensor.is_state, self._lexicon)),
            float(len(reading.column.words)),
            float(len(reading.sensor.words)),
            self._fit_without(i),
            float(sensors),
            float(max(0, min(columns - sensors, _MOST))),
        )

    def _fit_without(self, i: int) -> float:
        """Returns how well the other columns match, 0 to 1."""
        others = np.delete(self._best, i)
        return float(others[others >= CANDIDATE].sum() / max(1, min(len(others), len(self._scores.sensors) - 1)))

    def _alone(self, variant: Variant, matched: set[int], weights: Mapping[str, float]) -> tuple[float, float]:
        """Returns the weights of the known and of the unknown words that nothing on the other side goes with."""
        known = unknown = 0.0
        for place, word in enumerate(variant.words):
            if place in matched or word.optional or word.concept[0] == "#":
                continue
            if word.concept in self._lexicon.neutral or (weights is self._of_columns and word.concept in self._common):
                continue
            weight = word.weight * weights.get(word.concept, 1.0)
            if not word.known:
                unknown += weight
            elif word.concept not in self._lexicon.dimensions:
                known += weight
        return known, unknown

    def _as_much_in_common(self, reading: PairReading) -> int:
        common = {reading.sensor.words[match[2]].concept for match in reading.matches}
        return sum(1 for other in self._scores.sensors if common <= other.concepts) - 1

    def _elsewhere(self, reading: PairReading, j: int) -> int:
        matched = {match[1] for match in reading.matches}
        alone = {
            word.concept
            for place, word in enumerate(reading.column.words)
            if place not in matched and word.weight >= _SAYS_SOMETHING and word.concept not in self._common
        }
        others = [other for k, other in enumerate(self._scores.sensors) if k != j]
        return sum(1 for concept in alone if any(concept in other.concepts for other in others))


def _ahead(scores: npt.NDArray[np.float64], place: int) -> float:
    others = np.delete(scores, place)
    return float(scores[place] - (others.max() if others.size else 0.0))


def _things(variant: Variant, matched: set[int], unknown_of: int = 1000) -> frozenset[str]:
    """Returns the things that the name says and nothing on the other side goes with: known ones, and words from
    `unknown_of` letters on that nobody knows."""
    alone = (variant.words[place] for place in variant.telling - matched)
    return frozenset(word.concept for word in alone if word.known or len(word.text) >= unknown_of)


def _telling_in_common(reading: PairReading) -> int:
    return sum(1 for _, i, j in reading.matches if i in reading.column.telling or j in reading.sensor.telling)
