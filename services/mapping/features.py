"""Features: a column or a sensor taken apart so that it can be compared: readings, unit, quantities, numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise, product

from services.machines.profile import Sensor
from services.machines.units import Unit, parse_unit
from services.mapping.columns import ColumnInfo
from services.mapping.glued_prefixes import with_prefixes_set_off
from services.mapping.lexicon import Lexicon, Reading
from services.mapping.likeness import initials_of
from services.mapping.names import ParsedName, parse_name, squeeze
from services.mapping.numbering import count_alike, is_small_number, says_quantity
from services.mapping.side_letters import with_sides_spelt_out
from services.mapping.tokens import Token
from services.mapping.type_prefixes import without_type_prefixes

_MOST_VARIANTS = 12
_SHORTEST_NAME = 4  # letters that a name keeps without its unit
_MEASURED = ("actual",)  # PV: what every column is, unless its name says otherwise
_CODE_LETTER = 0.3  # weight of a letter that only counts things
_OF_WEIGHT = 0.5  # weight from which a word counts as one that names a thing
_OPTIONAL = 0.5  # weight of component and position when the sensor's name does not say them

# Quantities that any number can have, so that they neither join nor part two names.
_WITHOUT_GATE = frozenset({"state", "alarm", "switch", "ratio", "load", "duration", "count", "wear", "health"})
STATE_WORDS = frozenset({"state", "alarm", "switch"})


@dataclass(frozen=True, eq=False)
class Word:
    """One concept of a name in one reading, with the text it comes from and its weight. Made by `word_of` only: equal
    words are one object, which makes them quick to look up."""

    concept: str
    text: str
    weight: float
    known: bool
    optional: bool = False


@lru_cache(maxsize=200_000)
def word_of(concept: str, text: str, weight: float, known: bool, optional: bool = False) -> Word:
    """Returns the one word of these values."""
    return Word(concept, text, weight, known, optional)


@dataclass(frozen=True)
class Variant:
    """One way to read a name: its words and what follows from them, ready for fast comparison.

    `groups` are the members of each exclusive group (by its number) that the name has; `counted` are the numbers with
    the word before them: the second meter is not the second phase of a meter. `telling` are the places of the words
    that say which thing is meant.
    """

    words: tuple[Word, ...]
    concepts: frozenset[str]
    said: frozenset[str]
    groups: dict[int, frozenset[str]]
    one_sided: frozenset[str]
    numbers: frozenset[str]
    quantities: frozenset[str]
    dimensions: frozenset[str]
    counted: frozenset[tuple[str, str]] = frozenset()
    telling: frozenset[int] = frozenset()


@dataclass
class Features:
    """A column or a sensor, ready to be compared. `counted` are the words with a number behind them."""

    parsed: ParsedName
    unit: Unit | None
    keys: frozenset[str] = frozenset()
    is_state: bool = False
    variants: list[Variant] = field(default_factory=list)
    concepts: frozenset[str] = frozenset()
    spoken: tuple[str, ...] = ()
    spoken_quantities: frozenset[str] = frozenset()
    initials: dict[str, tuple[str, ...]] = field(default_factory=dict)
    counted: tuple[tuple[Token, str], ...] = ()

    @property
    def bare_key(self) -> str:
        """The name's key without the unit at its end: cumulative_flow_m3 is named as cumulative flow is."""
        return _without_unit(self.parsed)


def column_features(
    columns: Sequence[ColumnInfo], sensors: Sequence[Sensor], lexicon: Lexicon
) -> tuple[list[Features], list[Features]]:
    """Returns the features of all columns and of all sensors; readings are pruned to what both sides share."""
    right = [_of_sensor(sensor, lexicon) for sensor in sensors]
    names = with_prefixes_set_off(without_type_prefixes([column.name for column in columns]))
    names = with_sides_spelt_out(names, {concept for sensor in right for concept in _all_concepts(sensor.parsed)})
    left = [_of_column(column, name, lexicon) for column, name in zip(columns, names, strict=True)]
    counted = count_alike([f.parsed for f in left], [f.parsed for f in right], lexicon)
    for features, parsed in zip((*left, *right), (*counted[0], *counted[1]), strict=True):
        features.parsed = parsed
    seen = {concept for features in right for concept in _all_concepts(features.parsed)}
    for features in left:
        _read(features, _variants(features, lexicon, seen), lexicon)
    seen = {concept for features in left for concept in _all_concepts(features.parsed)}
    for features, sensor in zip(right, sensors, strict=True):
        _read(
            features, [_with_context(words, sensor, lexicon) for words in _variants(features, lexicon, seen)], lexicon
        )
    return left, right


def _of_column(column: ColumnInfo, name: str, lexicon: Lexicon) -> Features:
    parsed = parse_name(name, column.unit, lexicon)
    return Features(parsed, parsed.unit, frozenset({parsed.key, squeeze(column.name), _without_unit(parsed)}))


def _of_sensor(sensor: Sensor, lexicon: Lexicon) -> Features:
    parsed = parse_name(sensor.name, sensor.unit, lexicon)
    unit = parse_unit(sensor.unit) or parsed.unit
    keys = frozenset({_without_unit(parsed), *(squeeze(alias) for alias in (sensor.name, *sensor.aliases))})
    stated = bool(_all_concepts(parsed) & STATE_WORDS)
    is_state = sensor.role == "state" or stated or (unit is not None and unit.dimension == "state")
    return Features(parsed, unit, keys, is_state)


def _without_unit(parsed: ParsedName) -> str:
    """Returns the name's key without the unit at its end: cumulative_flow_m3 is named as cumulative flow is."""
    rest = parsed.key.removesuffix(squeeze(parsed.unit_text)) if parsed.unit_text else parsed.key
    return rest if len(rest) >= _SHORTEST_NAME else parsed.key


def _all_concepts(parsed: ParsedName) -> set[str]:
    return {concept for token in parsed.tokens for reading in token.readings for concept in reading}


def _variants(features: Features, lexicon: Lexicon, seen: set[str]) -> list[list[Word]]:
    """Returns the name's readings as lists of words: those that share a concept with the other side, at most twelve."""
    choices: list[list[tuple[Token, Reading]]] = []
    certain = {c for token in features.parsed.tokens if len(token.readings) == 1 for c in token.readings[0]}
    measured = any(concept in lexicon.dimensions and concept not in _WITHOUT_GATE for concept in certain)
    counts = "count" in certain
    for i, token in enumerate(features.parsed.tokens):
        kept = [reading for reading in token.readings if seen.intersection(reading) or reading == _MEASURED]
        if len(token.readings) > 1:  # the c of current_c is not one more word for current
            kept = [reading for reading in kept if not certain.issuperset(reading)] or kept
        if counts and len(token.text) == 1:  # nor does the A of a service's counter
            kept = [reading for reading in kept if not lexicon.dimensions.keys() & reading]
            token = token if kept else replace(token, readings=((token.text,),), weight=_CODE_LETTER, known=False)
        if measured and len(token.text) <= 2:  # nor is the A of Temp_A1, or the U1 of a winding temperature
            kept = [reading for reading in kept if not lexicon.dimensions.keys() & reading] or kept
        if not kept and _is_a_code_letter(i, features.parsed.tokens, lexicon):
            token = replace(token, readings=((token.text,),), weight=_CODE_LETTER, known=False)
        choices.append([(token, reading) for reading in kept or [_opposed(token, seen, lexicon)]])
    variants: list[list[Word]] = []
    for combination in product(*choices):
        words: list[Word] = []
        for token, reading in combination:
            for concept in reading:
                # A short form for three things must not weigh three times as much as a word for one.
                share = token.weight if len(reading) == 1 else token.weight * max(0.6, 1.5 / len(reading))
                word = word_of(concept, token.text if len(reading) == 1 else concept, share, token.known)
                place = next((i for i, known in enumerate(words) if known.concept == concept), None)
                if place is None:
                    words.append(word)
                elif words[place].weight < share:  # said above in the path, and again in the name itself
                    words[place] = word
        variants.append(_with_unit(words, features.unit, lexicon))
        if len(variants) == _MOST_VARIANTS:
            break
    return variants


def _opposed(token: Token, seen: set[str], lexicon: Lexicon) -> Reading:
    """Returns the reading of a word that is none of the other side's: one that contradicts it (phase A, where that side
    has a phase B) if there is one, else the first."""
    for reading in token.readings[1:]:
        if any(group.intersection(reading) and group & seen for group in lexicon.exclusive):
            return reading
    return token.readings[0]


def _is_a_code_letter(place: int, tokens: Sequence[Token], lexicon: Lexicon) -> bool:
    """Returns whether a letter before a number only counts things (S4, B1), while other words say what is measured."""
    if len(tokens[place].text) > 1 or place + 1 == len(tokens) or not is_small_number(tokens[place + 1]):
        return False
    return says_quantity([*tokens[:place], *tokens[place + 1 :]], lexicon)


def _read(features: Features, variants: list[list[Word]], lexicon: Lexicon) -> None:
    features.variants = [read_variant(words, lexicon) for words in variants]
    features.concepts = frozenset(concept for variant in features.variants for concept in variant.concepts)
    features.spoken = tuple(word for token in features.parsed.tokens for word in token.text.split() if word.isalpha())
    features.spoken_quantities = frozenset(
        word
        for token in features.parsed.tokens
        if any(concept in lexicon.dimensions for concept in token.readings[0])
        for word in token.text.split()
    )
    features.initials = initials_of(features.spoken)
    features.counted = tuple(
        (word, number.text)
        for word, number in pairwise(features.parsed.tokens)
        if number.text.isdigit() and word.text.isalpha()
    )


def read_variant(words: list[Word], lexicon: Lexicon) -> Variant:
    """Returns the words with everything that a comparison needs."""
    concepts = frozenset(word.concept for word in words)
    said = frozenset(word.concept for word in words if not word.optional)
    quantities = frozenset(c for c in concepts if c in lexicon.dimensions and c not in _WITHOUT_GATE)
    return Variant(
        words=tuple(words),
        concepts=concepts,
        said=said,
        groups={n: concepts & group for n, group in enumerate(lexicon.exclusive) if concepts & group},
        one_sided=said & lexicon.one_sided,
        numbers=frozenset(c for c in concepts if c[0] == "#" and len(c) <= 3),
        quantities=quantities,
        dimensions=frozenset(d for c in quantities for d in lexicon.dimensions[c]),
        counted=frozenset((a.concept, b.concept) for a, b in pairwise(words) if b.concept[0] == "#"),
        telling=frozenset(place for place, word in enumerate(words) if _is_telling(word, lexicon)),
    )


def _is_telling(word: Word, lexicon: Lexicon) -> bool:
    """Returns whether a word says which thing is meant (a part, a medium, a place) rather than how much of what."""
    if word.optional or word.weight < _OF_WEIGHT or len(word.text) < 2 or word.concept[0] == "#":
        return False
    if not word.known:
        return word.text.isascii() and word.text.isalpha()
    silent = word.concept in lexicon.neutral and word.concept not in _TELLING_ALL_THE_SAME
    return not (silent or word.concept in lexicon.dimensions or word.concept in _TELLING_NOTHING)


_TELLING_ALL_THE_SAME = frozenset({"control", "process"})
_TELLING_NOTHING = frozenset(
    {"active", "air_handling_unit", "analysis", "calculated", "electrical", "meter"}
)  # power is active power


_QUANTITY_OF_DIMENSION = {
    "temperature": "temperature", "pressure": "pressure", "angular velocity": "rotation", "current": "current",
    "voltage": "voltage", "power": "power", "apparent power": "power", "reactive power": "power",
    "volume flow": "flow", "mass flow": "flow", "acceleration": "acceleration", "torque": "torque", "force": "force",
    "frequency": "frequency", "relative humidity": "humidity", "sound level": "sound", "energy": "energy",
    "reactive energy": "energy", "conductivity": "conductivity", "density": "density", "irradiance": "irradiance",
    "acidity": "acidity", "turbidity": "turbidity", "resistance": "resistance", "strain": "strain",
    "illuminance": "illuminance", "kinematic viscosity": "viscosity", "dynamic viscosity": "viscosity",
}  # fmt: skip


_MOTION_WORDS = frozenset({"speed", "spd", "geschwindigkeit", "vitesse", "velocidad", "feedrate"})  # not velocity
_ABOUT_VIBRATION = frozenset(
    {"rms", "peak", "bearing", "de", "nde", "casing", "axial", "radial", "horizontal", "vertical", "motor", "pump"}
)


def _with_unit(words: list[Word], unit: Unit | None, lexicon: Lexicon) -> list[Word]:
    """Returns the words with the quantity that the unit implies where the name does not say it."""
    if unit is None:
        return words
    named = [word.concept for word in words if word.concept in lexicon.dimensions and word.concept not in _WITHOUT_GATE]
    if unit.dimension in ("reactive power", "reactive energy") and not any(
        word.concept == "reactive" for word in words
    ):
        words = [*words, word_of("reactive", "reactive", 0.7, True)]
    if unit.dimension in ("apparent power", "apparent energy") and not any(
        word.concept == "apparent" for word in words
    ):
        words = [*words, word_of("apparent", "apparent", 0.7, True)]
    if unit.dimension == "time" and not named and all(word.concept != "duration" for word in words):
        return [*words, word_of("duration", "duration", 0.8, True)]
    implied = _QUANTITY_OF_DIMENSION.get(unit.dimension)
    if implied and not any(unit.dimension in lexicon.dimensions[concept] for concept in named):
        # The unit is right and the word is loose language: "reactive power" in kvarh is an energy.
        words = [word for word in words if word.concept not in named]
        return [*words, word_of(implied, implied, 0.8, True)]
    if unit.dimension == "velocity" and unit.symbol in ("mm/s", "in/s"):
        # Vibration velocity: a bearing at so many mm/s, or a velocity that is an rms; not a feed or a belt.
        about = {word.concept for word in words}
        moves = any(word.concept == "speed" and word.text in _MOTION_WORDS for word in words)
        if "vibration" not in about and not moves and (not named or about & _ABOUT_VIBRATION or about <= {"speed"}):
            return [*(word for word in words if word.concept != "speed"), word_of("vibration", "vibration", 0.8, True)]
    return words


def _with_context(words: list[Word], sensor: Sensor, lexicon: Lexicon) -> list[Word]:
    """Returns the words with what the profile says beside the name: component, position and quantity. None of these
    need to match."""
    words = list(words)
    for text in (sensor.quantity, sensor.component, sensor.position):
        for token in parse_name(text, "", lexicon).tokens if text else ():
            for concept in token.readings[0]:
                if all(word.concept != concept for word in words):
                    words.append(word_of(concept, token.text, _OPTIONAL, token.known, optional=True))
    return words


def weights_of(features: Sequence[Features]) -> dict[str, float]:
    """Returns the weight of each concept: high when few of the names have it, never below a quarter."""
    names = len(features)
    frequency: dict[str, int] = {}
    for feature in features:
        for concept in feature.concepts:
            frequency[concept] = frequency.get(concept, 0) + 1
    return {c: 0.25 + math.log((names + 1) / (n + 0.5)) / math.log(names + 2) for c, n in frequency.items()}
