"""Roles: what a column is before the question which sensor it is.

By name and by behaviour, with the evidence in words: timestamp, run, RUL, label, state, set-point, constant, index or
sensor. A role is a proposal; a sensor of the profile that has the column's name comes first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.mapping.columns import ColumnInfo
from services.mapping.lexicon import Lexicon, fold
from services.mapping.names import ParsedName, parse_name
from services.mapping.plan import Role
from services.mapping.timeformats import candidate_formats


@dataclass(frozen=True)
class RoleGuess:
    """A role, how sure it is (0 to 1), and the evidence."""

    role: Role
    confidence: float
    evidence: str

    @property
    def is_measured(self) -> bool:
        """Whether such a column may become a sensor."""
        return self.role in ("sensor", "state", "setpoint")


_NAMELESS = re.compile(r"\s*(unnamed:?\s*\d*|_c\d+|index|#|column_?\d+)\s*", re.IGNORECASE)
_TIME_WORD_MAX = 3  # words beside one that means time: "start time", "time stamp utc"
_MOSTLY_TIMES = 0.8  # share of readable texts from which the others are errors, not another kind of value
_CLOCK_RISES = 0.9  # share of steps upward from which numbers can be a clock
_PARTICLES = frozenset(
    [*("of", "the", "der", "des", "und", "de", "du", "la", "d", "et", "y", "del", "e", "di", "della", "do", "da", "l")]
)


@dataclass(frozen=True)
class _Evidence:
    """What is known of a column's name: its words, the role words among them, its concepts, and if it is measured."""

    column: ColumnInfo
    words: list[str]
    key: str
    named: dict[str, frozenset[str]]
    parsed: ParsedName
    concepts: set[str]
    measured: bool
    roles: Mapping[str, frozenset[str]]

    def say(self, role: str) -> set[str]:
        """Returns the name's words that the lexicon lists under a heading."""
        return set(self.words) & self.roles[role]


def guess_role(column: ColumnInfo, lexicon: Lexicon) -> RoleGuess:
    """Returns the likeliest role of a column."""
    words = _words(column.name, lexicon)
    key = "".join(words)
    words = [word for word in words if word not in _PARTICLES] or words
    named = {role: known & ({key} | set(words)) for role, known in lexicon.roles.items()}
    parsed = parse_name(column.name, column.unit, lexicon)
    concepts = {
        concept
        for token in parsed.tokens
        if token.known and token.text not in _PARTICLES
        for reading in token.readings[:1]
        for concept in reading
    }
    measured = bool(
        concepts & set(lexicon.dimensions) - {"state", "alarm", "switch", "duration", "count", "load", "direction"}
    )
    seen = _Evidence(column, words, key, named, parsed, concepts, measured, lexicon.roles)
    for decide in (_time, _life, _run, _label, _index, _constant, _state, _setpoint):
        guess = decide(seen)
        if guess is not None:
            return guess
    return RoleGuess("sensor", 0.5, "nothing speaks against a measured value")


_NUMBER_SIGN = re.compile(r"\bn\s*[°º.]\s*|№", re.IGNORECASE)
_NUMBER_ENDING = re.compile(r"^(.{3,}?)(nummer|nr|id|kennung)$|^(.+?)(编号|号码|号)$")
_GENITIVES = ("", "s", "n", "en", "es")


def _one_of(word: str, known: frozenset[str]) -> str:
    """Returns the known word that this is, without what German puts between the parts of a compound, or nothing."""
    return next((stem for ending in _GENITIVES if (stem := word.removesuffix(ending)) in known), "")


def _words(name: str, lexicon: Lexicon) -> list[str]:
    """Returns the folded words; a number that ends a word which names a unit is a word of its own (Maschinennummer)."""
    spaced = _NUMBER_SIGN.sub(" nr ", name)
    spaced = re.sub(r"(?<=[a-zß-ÿ])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", spaced)
    words: list[str] = []
    for word in (fold(word) for word in re.findall(r"[^\W_\d]+", spaced)):
        match = _NUMBER_ENDING.match(word)
        if match and (unit := _one_of(match[1] or match[3], lexicon.roles["fleet"])):
            words += [unit, match[2] or match[4]]
        else:
            words.append(_one_of(word, lexicon.roles["fleet"]) or word)
    return words


def _looks_like_time(samples: tuple[str, ...]) -> bool:
    return bool(samples) and all(candidate_formats(sample) for sample in samples)


def _time(seen: _Evidence) -> RoleGuess | None:
    if seen.column.dtype == "datetime":
        return RoleGuess("timestamp", 1.0, "its values are times")
    if seen.column.dtype in ("", "string") and _looks_like_time(seen.column.samples):
        return RoleGuess("timestamp", 0.97, "its values are written as times")
    if seen.named["timestamp"] and (seen.column.timelike or 0.0) >= _MOSTLY_TIMES:
        return RoleGuess("timestamp", 0.95, f"its name says time and {seen.column.timelike:.0%} of its values are")
    if seen.key in seen.named["timestamp"] and seen.column.dtype == "":
        return RoleGuess("timestamp", 0.95, f"its name is {seen.key}")
    if _says_a_duration(seen):
        return None
    if seen.key in seen.roles["clock"] and _rises(seen.column):  # temps: times in French, temperatures in English
        return RoleGuess("timestamp", 0.9, f"its name is {seen.key}, and it rises")
    if seen.named["timestamp"] and not seen.measured and len(seen.words) <= _TIME_WORD_MAX:
        if seen.column.dtype == "string":
            return RoleGuess("timestamp", 0.7, f"its name says {min(seen.named['timestamp'])}")
        if seen.column.rising is not None and seen.column.rising < 0.5 and "date" not in seen.named["timestamp"]:
            return None
        if {"cycle", "cycles", "run", "on", "operating"} & set(seen.words) or (
            seen.parsed.unit_explicit and seen.parsed.unit is not None and seen.parsed.unit.dimension != "time"
        ):
            return None
        if (
            seen.column.quantiles
            and seen.column.rising is None
            and len(seen.words) > 1
            and not _could_be_clock(seen.column)
        ):
            return None
        return RoleGuess("timestamp", 0.9, f"its name says {min(seen.named['timestamp'])}")
    return None


def _says_a_duration(seen: _Evidence) -> bool:
    """Returns whether "time" is how long something takes (fill time), which its other words tell from an instant."""
    others = set(seen.words) - seen.named["timestamp"]
    return bool(seen.say("clock") and others) and not others & seen.roles["instant"] and not _rises(seen.column)


def _rises(column: ColumnInfo) -> bool:
    return column.rising is not None and column.rising > _CLOCK_RISES


def _could_be_clock(column: ColumnInfo) -> bool:
    low, high = column.quantiles[0], column.quantiles[-1]
    return high > low and (low > 3e8 or low == 0.0)


def _life(seen: _Evidence) -> RoleGuess | None:
    if seen.named["rul"] or (seen.say("life") and seen.say("remaining")):
        return RoleGuess("rul", 0.95, "its name says remaining useful life")
    return None


def _run(seen: _Evidence) -> RoleGuess | None:
    exact = seen.key in seen.named["run"] or (len(seen.words) == 1 and seen.words[0] in seen.named["run"])
    composite = seen.words[0] in seen.roles["fleet"] and seen.words[-1] in seen.roles["number"] if seen.words else False
    composite |= len(seen.words) == 2 and bool(seen.say("fleet") and seen.say("number"))
    if not (exact or composite) or (seen.measured and not composite):
        return None
    if seen.column.distinct is not None and seen.column.rows and seen.column.distinct > max(2, 0.5 * seen.column.rows):
        return RoleGuess("index", 0.7, "its name says an id, and nearly every row has its own")
    if seen.column.distinct == 1:
        return RoleGuess("constant", 0.7, "its name says an id, and it never changes")
    return RoleGuess("run", 0.85, "its name says a unit, run or batch")


def _label(seen: _Evidence) -> RoleGuess | None:
    if not seen.named["label"] or seen.concepts & {"setpoint"}:
        return None
    if seen.measured and not seen.say("label_for_certain"):
        return None
    if seen.column.continuous and seen.column.dtype == "number" and (seen.column.distinct or 99) > 50:
        return None
    return RoleGuess("label", 0.85, f"its name says {min(seen.named['label'])}")


def _index(seen: _Evidence) -> RoleGuess | None:
    nameless = not seen.column.name.strip() or _NAMELESS.fullmatch(seen.column.name)
    counts = seen.column.unit_step is None or seen.column.unit_step > 0.9 or seen.column.rising == 1.0
    if nameless and counts:
        return RoleGuess("index", 0.95, "it has no name of its own")
    if _says_a_duration(seen):
        return None
    exact = seen.key in seen.named["index"] or (
        len(seen.words) <= 2 and bool(seen.named["index"] & {seen.words[-1]} if seen.words else False)
    )
    if exact and not seen.measured:
        if (
            seen.column.unit_step is not None
            and seen.column.unit_step < 0.5
            and seen.column.rising is not None
            and seen.column.rising < 0.9
        ):
            if seen.words and seen.words[-1] in ("id", "uid", "nr") and not seen.column.continuous:
                return RoleGuess("constant", 0.6, "its name says an id")
            return None
        return RoleGuess("index", 0.85, "its name says a row or cycle number")
    if (
        seen.column.unit_step is not None
        and seen.column.unit_step > 0.999
        and seen.column.whole
        and (seen.column.rows or 0) > 10
        and not seen.measured
    ):
        return RoleGuess("index", 0.7, "it counts the rows")
    return None


def _constant(seen: _Evidence) -> RoleGuess | None:
    if (
        seen.column.dtype == "string"
        and seen.column.distinct is not None
        and seen.column.distinct > 30
        and not seen.measured
    ):
        return RoleGuess("constant", 0.6, "it is free text")
    if (
        seen.named["constant"]
        and not seen.measured
        and seen.column.dtype in ("", "string")
        and not (seen.concepts & {"state"})
    ):
        return RoleGuess("constant", 0.6, f"its name says {min(seen.named['constant'])}")
    if seen.column.dtype == "empty":
        return RoleGuess("constant", 0.9, "it is empty")
    return None


def _state(seen: _Evidence) -> RoleGuess | None:
    if seen.column.dtype == "boolean":
        return RoleGuess("state", 0.9, "its values are true and false")
    if seen.named["state"] and not seen.measured and not seen.column.continuous:
        return RoleGuess("state", 0.8, f"its name says {min(seen.named['state'])}")
    if seen.column.dtype == "string":
        return RoleGuess("state", 0.7, "its values are words")
    return None


def _setpoint(seen: _Evidence) -> RoleGuess | None:
    if "setpoint" in seen.concepts:
        return RoleGuess("setpoint", 0.8, "its name says set-point")
    return None


def sensor_is_role_like(parsed: ParsedName) -> bool:
    """Returns whether a sensor's own name says state, time or count, so that such columns may be its."""
    concepts = {concept for token in parsed.tokens for reading in token.readings for concept in reading}
    return bool(concepts & {"state", "duration", "count"})
