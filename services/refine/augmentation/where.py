"""The little language of conditions: `rul < 50 and (mode == 'running' or speed_rpm >= 900) and not flow > 80`.

Promises a filter on rows that evaluates nothing but comparisons of columns with constants. Unknown columns, states that
were never seen and syntax errors are refused where they are read. `in (a, b)` and `between a and b` are allowed; a name
that is no plain word is written in backquotes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from services.chassis.errors import SensorForgeError
from services.refine.augmentation import errors as errors

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.])|(?P<text>'[^']*'|\"[^\"]*\")|"
    r"(?P<name>`[^`]+`|[^\W\d][\w.]*)|(?P<op><=|>=|==|!=|<>|=|<|>)|(?P<mark>[(),&|]))"
)
_WORDS = {"and": "and", "&": "and", "or": "or", "|": "or", "not": "not", "in": "in", "between": "between"}
MOST_CHARACTERS = 2000
MOST_DEPTH = 20
Bounds = tuple[float, float]
_EVERYTHING: Bounds = (-math.inf, math.inf)


@dataclass(frozen=True)
class Condition:
    """A parsed condition: `keeps` as a filter, the columns it names, and intervals outside which no row can meet it."""

    text: str
    keeps: pl.Expr | None = None
    names: tuple[str, ...] = ()
    bounds: Mapping[str, Bounds] = field(default_factory=dict)

    def bound(self, name: str) -> Bounds:
        """Returns the closed interval in which the column must lie, whatever else holds."""
        return self.bounds.get(name, _EVERYTHING)


def both(one: Condition, other: Condition) -> Condition:
    """Returns the condition that a row meets if it meets both."""
    if one.keeps is None or other.keeps is None:
        return other if one.keeps is None else one
    names = one.bounds.keys() | other.bounds.keys()
    return Condition(
        f"({one.text}) and ({other.text})",
        one.keeps & other.keeps,
        tuple(dict.fromkeys(one.names + other.names)),
        {name: _both(one.bound(name), other.bound(name)) for name in names},
    )


@dataclass(frozen=True)
class _Part:
    keeps: pl.Expr
    names: tuple[str, ...]
    bounds: Mapping[str, Bounds]


def parse_condition(text: str, numbers: Sequence[str], states: Mapping[str, Sequence[str]]) -> Condition:
    """Returns the condition on numeric columns `numbers` and on state columns with their known `states`.

    Raises WHERE_INVALID, naming the place, the column or the state that is not known.
    """
    if not text.strip():
        return Condition("")
    if len(text) > MOST_CHARACTERS:
        raise SensorForgeError(
            "WHERE_INVALID", f"The condition has {len(text)} characters; {MOST_CHARACTERS} are allowed."
        )
    part = _Reader(text, numbers, states).read()
    return Condition(text.strip(), part.keeps, tuple(dict.fromkeys(part.names)), part.bounds)


class _Reader:
    """Recursive descent over the tokens: or < and < not < comparison."""

    def __init__(self, text: str, numbers: Sequence[str], states: Mapping[str, Sequence[str]]) -> None:
        self.text = text
        self.numbers = set(numbers)
        self.states = states
        self.tokens = self._tokens()
        self.at = 0

    def read(self) -> _Part:
        part = self._any_of(0)
        if self.at < len(self.tokens):
            raise self._wrong(f"{self._shown()} is not expected here")
        return part

    def _tokens(self) -> list[tuple[str, str, int]]:
        found: list[tuple[str, str, int]] = []
        at = 0
        while self.text[at:].strip():
            match = _TOKEN.match(self.text, at)
            if match is None:
                place = at + len(self.text[at:]) - len(self.text[at:].lstrip())
                raise self._wrong(f"{self.text[place]!r} at character {place + 1} is not understood")
            kind = str(match.lastgroup)
            value = match[kind]
            word = _WORDS.get(value.lower())
            found.append((word, value, match.start(kind)) if word else (kind, value, match.start(kind)))
            at = match.end()
        return found

    def _wrong(self, why: str) -> SensorForgeError:
        return SensorForgeError("WHERE_INVALID", f"The condition {self.text.strip()!r} cannot be read: {why}.")

    def _shown(self) -> str:
        if self.at >= len(self.tokens):
            return "its end"
        return f"{self.tokens[self.at][1]!r} at character {self.tokens[self.at][2] + 1}"

    def _kind(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def _take(self, kind: str, wanted: str) -> str:
        if self._kind() != kind:
            raise self._wrong(f"{wanted} is expected instead of {self._shown()}")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def _is_mark(self, mark: str) -> bool:
        return self._kind() == "mark" and self.tokens[self.at][1] == mark

    def _any_of(self, depth: int) -> _Part:
        part = self._all_of(depth)
        while self._kind() == "or":
            self.at += 1
            other = self._all_of(depth)
            bounds = {n: _hull(part.bounds[n], other.bounds[n]) for n in part.bounds.keys() & other.bounds.keys()}
            part = _Part(part.keeps | other.keeps, part.names + other.names, bounds)
        return part

    def _all_of(self, depth: int) -> _Part:
        part = self._one(depth)
        while self._kind() == "and" or self._is_mark(","):
            self.at += 1
            other = self._one(depth)
            bounds = {
                n: _both(part.bounds.get(n, _EVERYTHING), other.bounds.get(n, _EVERYTHING))
                for n in part.bounds.keys() | other.bounds.keys()
            }
            part = _Part(part.keeps & other.keeps, part.names + other.names, bounds)
        return part

    def _one(self, depth: int) -> _Part:
        if depth > MOST_DEPTH:
            raise self._wrong(f"it is nested deeper than {MOST_DEPTH}")
        if self._kind() == "not":
            self.at += 1
            part = self._one(depth + 1)
            return _Part(~part.keeps, part.names, {})
        if self._is_mark("("):
            self.at += 1
            part = self._any_of(depth + 1)
            if not self._is_mark(")"):
                raise self._wrong(f"')' is expected instead of {self._shown()}")
            self.at += 1
            return part
        return self._comparison()

    def _comparison(self) -> _Part:
        name = self._take("name", "a column").strip("`")
        if name not in self.numbers and name not in self.states:
            known = ", ".join(sorted({*self.numbers, *self.states})[:12])
            raise self._wrong(f"{name!r} is no column of the model, which has {known}")
        if self._kind() == "in":
            self.at += 1
            return self._one_of(name)
        if self._kind() == "between":
            self.at += 1
            low = self._number(name)
            self._take("and", "'and'")
            high = self._number(name)
            return _Part(pl.col(name).is_between(low, high), (name,), {name: (low, high)})
        operator = self._take("op", "a comparison")
        if name in self.states:
            state = self._state(name)
            if operator not in ("=", "==", "!=", "<>"):
                raise self._wrong(f"states such as {name!r} can be compared with == and != only")
            equal = pl.col(name).cast(pl.String) == state
            return _Part(equal if operator in ("=", "==") else ~equal, (name,), {})
        value = self._number(name)
        column = pl.col(name)
        inf = math.inf
        kept, bounds = {
            "<": (column < value, (-inf, math.nextafter(value, -inf))),
            "<=": (column <= value, (-inf, value)),
            ">": (column > value, (math.nextafter(value, inf), inf)),
            ">=": (column >= value, (value, inf)),
            "=": (column == value, (value, value)),
            "==": (column == value, (value, value)),
            "!=": (column != value, _EVERYTHING),
            "<>": (column != value, _EVERYTHING),
        }[operator]
        return _Part(kept, (name,), {name: bounds})

    def _one_of(self, name: str) -> _Part:
        if not self._is_mark("("):
            raise self._wrong(f"'(' is expected instead of {self._shown()}")
        self.at += 1
        states: list[str] = []
        values: list[float] = []
        while True:
            if name in self.states:
                states.append(self._state(name))
            else:
                values.append(self._number(name))
            if not self._is_mark(","):
                break
            self.at += 1
        if not self._is_mark(")"):
            raise self._wrong(f"')' is expected instead of {self._shown()}")
        self.at += 1
        if states:
            return _Part(pl.col(name).cast(pl.String).is_in(states), (name,), {})
        return _Part(pl.col(name).is_in(values), (name,), {name: (min(values), max(values))})

    def _number(self, name: str) -> float:
        if self._kind() != "number":
            raise self._wrong(f"a number to compare {name!r} with is expected instead of {self._shown()}")
        return float(self._take("number", "a number"))

    def _state(self, name: str) -> str:
        if self._kind() not in ("text", "name", "number"):
            raise self._wrong(f"a state of {name!r} is expected instead of {self._shown()}")
        state = self.tokens[self.at][1].strip("'\"`")
        self.at += 1
        known = {str(value): str(value) for value in self.states[name]}
        known |= {_plain(value): str(value) for value in self.states[name]}
        if state not in known and _plain(state) not in known:
            seen = ", ".join(repr(str(value)) for value in self.states[name][:12])
            raise self._wrong(f"{name!r} was never {state!r}; it was {seen}")
        return known.get(state, known.get(_plain(state), state))


def _plain(value: object) -> str:
    """Returns a state as it may be written: `1` and `1.0` are the same state."""
    try:
        return f"{float(str(value)):g}"
    except ValueError:
        return str(value)


def _both(a: Bounds, b: Bounds) -> Bounds:
    return max(a[0], b[0]), min(a[1], b[1])


def _hull(a: Bounds, b: Bounds) -> Bounds:
    return min(a[0], b[0]), max(a[1], b[1])
