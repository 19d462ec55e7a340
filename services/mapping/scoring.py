"""Scoring: how likely a column is a sensor, from words, units and values.

It promises that names are compared by what they mean, that quantity and unit can veto any likeness of words, and that
values only ever lower a score: they prove that a name is wrong, never that it is right. Scores are 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from services.machines.profile import Sensor
from services.machines.units import Unit, refusal
from services.mapping.columns import ColumnInfo
from services.mapping.features import (
    Features,
    Variant,
    Word,
    column_features,
    read_variant,
    weights_of,
    word_of,
)
from services.mapping.lexicon import Lexicon
from services.mapping.likeness import letters_in_order, likeness_of_texts, symbol_of
from services.mapping.only_one import BELOW_CERTAIN, enough_sensors, prefer_the_only_one, several_columns
from services.mapping.oppositions import (
    CONFLICT,
    COUNTS_ANOTHER_THING,
    Matches,
    against,
    apart,
    conflicts,
    other_quantity,
    shown,
)
from services.mapping.values import share_inside, veto

_UNKNOWN_QUANTITY = 0.85
_OTHER_QUANTITY = 0.1
_EXTRA_COLUMN_WORD = 0.65  # a word that only the column has counts less against it than one that only the sensor has
_NEUTRAL_WORD = 0.05  # and one that says little (total, actual) only decides between two that are else the same
_INITIALS = 0.85
_A_RELATIVE = 0.6  # likeness of concepts below which they are not the same thing
_NEARLY_CERTAIN = 0.63  # below, no candidate is certain anyhow
_KEPT_APART = 0.14  # share of their difference that candidates below certain keep


@dataclass(frozen=True)
class PairReading:
    """The readings of a column's and a sensor's name under which they are most alike, and their words that go together
    as (likeness, place in the column, place in the sensor)."""

    column: Variant
    sensor: Variant
    matches: Matches


@dataclass
class Scores:
    """Scores of all columns (rows) against all sensors (columns), with the reasons of those above zero."""

    values: npt.NDArray[np.float64]
    columns: list[Features]
    sensors: list[Features]
    reasons: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    inside: dict[tuple[int, int], float] = field(default_factory=dict)
    readings: dict[tuple[int, int], PairReading] = field(default_factory=dict)


def score(columns: Sequence[ColumnInfo], sensors: Sequence[Sensor], lexicon: Lexicon) -> Scores:
    """Returns the score matrix: one row a column, one column a sensor."""
    left, right = column_features(columns, sensors, lexicon)
    comparer = _Comparer(lexicon, left, right)
    result = Scores(np.zeros((len(columns), len(sensors))), left, right)
    for i, (column, ours) in enumerate(zip(columns, left, strict=True)):
        for j, (sensor, theirs) in enumerate(zip(sensors, right, strict=True)):
            value, reasons, reading = comparer.compare(ours, theirs)
            if value <= 0.05:
                continue
            if reading is not None:
                result.readings[(i, j)] = reading
            inside = share_inside(column, sensor, ours.unit, theirs.unit)
            if inside is not None:
                result.inside[(i, j)] = inside
            named = bool(ours.keys & theirs.keys)
            result.values[i, j] = min(veto(value, column, theirs.is_state, inside, reasons, named=named), 1.0)
            result.reasons[(i, j)] = reasons
    prefer_the_only_one(result.values, result.reasons, left, right)
    return result


class _Comparer:
    """Compares names by words whose likeness is worked out once for the two vocabularies."""

    def __init__(self, lexicon: Lexicon, columns: Sequence[Features], sensors: Sequence[Features]) -> None:
        self._lexicon = lexicon
        self._column_weights = weights_of(columns)
        self._sensor_weights = weights_of(sensors)
        self._vocabulary = {w for features in sensors for variant in features.variants for w in variant.words}
        self._alike: dict[Word, dict[Word, float]] = {}
        self._weights: dict[int, tuple[list[float], list[float], float, Variant]] = {}
        self._enough = enough_sensors(columns, sensors)
        self._several = several_columns(columns)
        self._refusals: dict[tuple[Unit, Unit], float] = {}

    def compare(self, column: Features, sensor: Features) -> tuple[float, list[str], PairReading | None]:
        """Returns the best score over all readings of both names, why, and those readings (None: the same name)."""
        gate = self._gate_units(column.unit, sensor.unit)
        if gate == 0.0:
            return 0.0, [], None
        if column.keys & sensor.keys:
            return gate, [_why_one_name(column, sensor)], None
        best = 0.0
        reading: PairReading | None = None
        extra = self._by_initials(column, sensor) or self._by_code(column, sensor)
        for left in column.variants if extra is None else [*column.variants, extra]:
            for right in sensor.variants:
                matches = self._matches(left, right)
                value = self._pair(left, right, matches, column, sensor)
                if left is extra:
                    value *= BELOW_CERTAIN
                elif value > _NEARLY_CERTAIN and (
                    places_of(right) - left.concepts
                    or self._by_a_relative(left, right)
                    or self._one_of_the_unnamed(left, right)
                ):
                    value = min(value, BELOW_CERTAIN - _KEPT_APART * (1 - value))  # keeps the candidates in order
                if value > best:
                    best, reading = value, PairReading(left, right, matches)
        if reading is None:
            return 0.0, [], None
        return best * gate, self._explain(reading, sensor) if best > 0.2 else [], reading

    def _gate_units(self, a: Unit | None, b: Unit | None) -> float:
        if a is None or b is None:
            return 1.0
        if (a, b) not in self._refusals:
            refused = bool(refusal(a, b))
            self._refusals[(a, b)] = 1.0 if not refused else 0.0 if a.dimension != b.dimension else 0.5
        return self._refusals[(a, b)]

    def _pair(self, left: Variant, right: Variant, matches: Matches, column: Features, sensor: Features) -> float:
        names = self._names(left, right, matches)
        if names <= 0:
            return 0.0
        quantity = self._quantity(left, right, column.unit, sensor.unit)
        damping = CONFLICT ** conflicts(left, right, sensor.is_state, self._lexicon)
        damping *= apart(left, right, matches, self._enough)
        if left.counted and right.counted and not left.counted & right.counted:
            damping *= COUNTS_ANOTHER_THING
        if quantity is None:
            damping *= other_quantity(left, right, matches, self._lexicon)
            return names * damping * _UNKNOWN_QUANTITY
        if quantity == 0.0:
            return names * damping * _OTHER_QUANTITY
        return (0.8 * names + 0.2 * quantity) * damping

    def _by_a_relative(self, left: Variant, right: Variant) -> bool:
        """Returns whether what is meant is common only by a word like it: air and ambient, oil and hydraulic."""
        meant = {right.words[j].concept for j in right.telling}
        if meant & left.concepts:
            return False
        related = self._lexicon.related
        best = max((related.get((word.concept, c), 0.0) for c in meant for word in left.words), default=0.0)
        return 0.0 < best < _A_RELATIVE

    def _one_of_the_unnamed(self, left: Variant, right: Variant) -> bool:
        """Returns whether the column says only what is measured and the sensor of which thing (temperature, jacket
        temperature), where other columns measure the same: the name does not say that it is that thing's."""
        if left.telling or left.numbers or not left.quantities & self._several:
            return False
        things = {right.words[j].concept for j in right.telling}
        return bool(things - self._lexicon.qualifiers) and not things & left.concepts

    def _matches(self, left: Variant, right: Variant) -> Matches:
        """Returns (likeness, left word, right word) of the words that go together, best first, each once."""
        pairs = []
        for i, a in enumerate(left.words):
            alike = self._likenesses(a)
            if alike:
                pairs += [(alike[b], i, j) for j, b in enumerate(right.words) if b in alike]
        pairs.sort(key=lambda pair: -pair[0])
        used_left: set[int] = set()
        used_right: set[int] = set()
        kept = []
        for pair in pairs:
            if pair[1] not in used_left and pair[2] not in used_right:
                used_left.add(pair[1])
                used_right.add(pair[2])
                kept.append(pair)
        return kept

    def _names(self, left: Variant, right: Variant, matches: Matches) -> float:
        """Returns the matched share of the weight of all words. Equal numbers alone say nothing."""
        if not any(right.words[j].concept[0] != "#" for _, _, j in matches):
            return 0.0
        ours, our_costs, total = self._weighed(left, self._column_weights, _EXTRA_COLUMN_WORD)
        theirs, their_costs, more = self._weighed(right, self._sensor_weights, 1.0)
        total += more
        gained = 0.0
        for likeness, i, j in matches:
            gained += likeness * (ours[i] + theirs[j])
            total += ours[i] - our_costs[i] + theirs[j] - their_costs[j]
        return gained / total if total else 0.0

    def _weighed(
        self, variant: Variant, weights: Mapping[str, float], extra: float
    ) -> tuple[list[float], list[float], float]:
        """Returns the weight of each word, what it costs when nothing matches it, and the sum of these costs."""
        known = self._weights.get(id(variant))
        if known is None:
            gains = [word.weight * weights.get(word.concept, 1.0) for word in variant.words]
            neutral = self._lexicon.neutral
            costs = [
                0.0 if word.optional else gain * (_NEUTRAL_WORD if word.concept in neutral else extra)
                for word, gain in zip(variant.words, gains, strict=True)
            ]
            # The variant is kept with its weights so that its id stays its own.
            known = self._weights[id(variant)] = (gains, costs, sum(costs), variant)
        return known[:3]

    def _likenesses(self, word: Word) -> Mapping[Word, float]:
        """Returns the words of the sensors that are like a column's word, with how much."""
        if word not in self._alike:
            found = {}
            for other in self._vocabulary:
                if word.concept == other.concept:
                    found[other] = 1.0
                    continue
                value = self._lexicon.related.get((word.concept, other.concept), 0.0)
                if not (word.known and other.known) and word.concept[0] != "#" != other.concept[0]:
                    value = max(value, likeness_of_texts(word.text, other.text))
                if value > 0:
                    found[other] = value
            self._alike[word] = found
        return self._alike[word]

    def _explain(self, reading: PairReading, sensor: Features) -> list[str]:
        left, right, matches = reading.column, reading.sensor, reading.matches
        matched = [shown({right.words[j].concept}) for _, _, j in matches]
        said = [f"both say {', '.join(matched)}"] if matched else []
        return said + against(left, right, sensor.is_state, matches, self._lexicon)

    def _quantity(self, left: Variant, right: Variant, unit_a: Unit | None, unit_b: Unit | None) -> float | None:
        """Returns 1 for the same quantity, .9 for one dimension, 0 for different ones, None when a side says none."""
        if unit_a is not None and unit_b is not None:
            possible: bool | None = self._gate_units(unit_a, unit_b) > 0
        else:
            of_left = {unit_a.dimension} if unit_a else left.dimensions
            of_right = {unit_b.dimension} if unit_b else right.dimensions
            possible = bool(of_left & of_right) if of_left and of_right else None
        if left.quantities & right.quantities:
            return 1.0 if possible is not False else 0.35
        if possible is None:
            return None
        if not possible:
            return 0.0
        if unit_a is not None and unit_b is not None:
            return 0.9
        related = any((p, q) in self._lexicon.related for p in left.quantities for q in right.quantities)
        return 0.9 if related or not left.quantities or not right.quantities else 0.3

    def _by_initials(self, column: Features, sensor: Features) -> Variant | None:
        """Returns an extra reading in which a short word stands for the initials of the sensor's words, or None.

        OT for oil temperature, HUFL for high useful load. Only for words that the lexicon does not know for certain.
        """
        for token in column.parsed.tokens:
            short = token.text
            if not (2 <= len(short) <= 5 and short.isascii() and short.isalpha()):
                continue
            if token.known and len(token.readings) == 1 and len(short) > 3:
                continue
            run = sensor.initials.get(short, ())
            if not run and len(column.parsed.tokens) == 1 and not token.known:
                run = letters_in_order(short, sensor.spoken)
                run = run or symbol_of(short, sensor.spoken, sensor.spoken_quantities)
            if not run:
                continue
            first = sensor.variants[0].words
            words = [
                word_of(word.concept, word.text, _INITIALS * word.weight, True)
                for word in first
                if any(part in run for part in word.text.split())
            ]
            others = {c for other in column.parsed.tokens if other is not token for r in other.readings for c in r}
            taken = {concept for reading in token.readings for concept in reading} - others
            rest = [word for word in column.variants[0].words if word.text != short and word.concept not in taken]
            if words:
                found = read_variant(words + rest, self._lexicon)
                said = read_variant(rest, self._lexicon).quantities
                return None if said and not said & sensor.variants[0].quantities else found
        return None

    def _by_code(self, column: Features, sensor: Features) -> Variant | None:
        """Returns an extra reading in which letters before a number stand for the word before that number in the
        sensor's name (T1: tank 1, PU2: pump 2), or None."""
        for short, number in column.counted if sensor.counted else ():
            if len(short.text) > _LONGEST_CODE:
                continue
            for meant, counted in sensor.counted:
                if counted != number or not meant.text.startswith(short.text) or meant.text == short.text:
                    continue
                guesses = {concept for reading in short.readings for concept in reading}
                nearest = max(column.variants, key=lambda variant: len(variant.concepts & sensor.concepts))
                rest = [w for w in nearest.words if w.text != short.text and w.concept not in guesses]
                word = word_of(meant.readings[0][0], short.text, _INITIALS * meant.weight, True)
                return read_variant([word, *rest], self._lexicon)
        return None


_LONGEST_CODE = 3  # letters


def _why_one_name(column: Features, sensor: Features) -> str:
    if column.parsed.key == sensor.parsed.key:
        return "the same name"
    ours = column.keys & sensor.keys
    return "the same name but for the unit" if sensor.bare_key in ours else "an alias in the profile"


def places_of(variant: Variant) -> frozenset[str]:
    """Returns the words that say which one of several like sensors it is: a column must say them as well."""
    return variant.said & _WHICH_ONE


_WHICH_ONE = frozenset(
    [
        *("de", "nde", "front", "rear", "left", "right", "top", "bottom", "middle", "high", "low"),
        *("x", "y", "z", "axial", "horizontal", "vertical", "primary", "secondary", "supply", "return", "mixed"),
        "alarm",
        *("phase_a", "phase_b", "phase_c", "phase_ab", "phase_bc", "phase_ca"),
    ]
)
