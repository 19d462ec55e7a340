"""Phases by the letters R, S and T, as motors and meters have them in Brazil, Germany and much of Asia, or by numbers.

Alone such a letter can be a spindle, a resistance or a torque. It is a phase where the same list has another of the
three in the same place of an otherwise equal name, behind something electrical: corrente_R, corrente_S, corrente_T.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from services.mapping.names import ParsedName
from services.mapping.tokens import Token

_PHASES = {"r": "phase_a", "s": "phase_b", "t": "phase_c", "rs": "phase_ab", "st": "phase_bc", "tr": "phase_ca"}
_FEWEST = 2  # letters that must stand in the same place
_ELECTRICAL = frozenset({"current", "voltage", "power", "energy", "power_factor", "winding", "distortion"})

_Place = tuple[int, tuple[str, ...]]


def letters_as_phases(names: Sequence[ParsedName]) -> list[ParsedName]:
    """Returns the names with R, S and T read as phases where several of them stand in one place, N as the neutral."""
    found: dict[_Place, set[str]] = defaultdict(set)
    for name in names:
        for place, token in enumerate(name.tokens):
            if token.text in _PHASES and _is_electrical(name, place):
                found[_around(name, place)].add(token.text)
    series = {around for around, letters in found.items() if len(letters) >= _FEWEST}
    return [_read(name, series) for name in names] if series else list(names)


def numbers_as_phases(names: Sequence[ParsedName]) -> list[ParsedName]:
    """Returns the names with 1-2, 2-3 and 3-1 read as two phases where several of them stand in one place of an
    otherwise equal name, behind something electrical: line_voltage_1_2, line_voltage_2_3; U12, U23."""
    found: dict[_Place, set[str]] = defaultdict(set)
    for name in names:
        for place, size, pair in _numbered_pairs(name):
            found[_beside(name, place, size)].add(pair)
    series = {beside for beside, pairs in found.items() if len(pairs) >= _FEWEST}
    return [_read_pair(name, series) for name in names] if series else list(names)


_PAIRS = {"12": "phase_ab", "23": "phase_bc", "31": "phase_ca", "13": "phase_ca"}


def _numbered_pairs(name: ParsedName) -> list[tuple[int, int, str]]:
    """Returns (place, words, phases) of every pair of numbers that may be one of phases."""
    texts = [token.text for token in name.tokens]
    found = [(at, 1, _PAIRS[text]) for at, text in enumerate(texts) if text in _PAIRS]
    found += [(at, 2, _PAIRS[a + b]) for at, (a, b) in enumerate(pairwise(texts)) if len(a) == 1 and a + b in _PAIRS]
    return [pair for pair in found if _is_electrical(name, pair[0])]


def _beside(name: ParsedName, place: int, size: int) -> _Place:
    return place, tuple(token.text for at, token in enumerate(name.tokens) if not place <= at < place + size)


def _read_pair(name: ParsedName, series: set[_Place]) -> ParsedName:
    for place, size, meaning in _numbered_pairs(name):
        if _beside(name, place, size) in series:
            text = " ".join(token.text for token in name.tokens[place : place + size])
            tokens = (*name.tokens[:place], Token(text, ((meaning,),)), *name.tokens[place + size :])
            return replace(name, tokens=tokens)
    return name


def _read(name: ParsedName, series: set[_Place]) -> ParsedName:
    tokens = list(name.tokens)
    for place, token in enumerate(tokens):
        if _around(name, place) in series and (meaning := _PHASES.get(token.text) or _NEUTRAL.get(token.text)):
            tokens[place] = Token(token.text, ((meaning,),), token.weight)
    return replace(name, tokens=tuple(tokens))


_NEUTRAL = {"n": "neutral_wire"}


def _around(name: ParsedName, place: int) -> _Place:
    return place, tuple(token.text for at, token in enumerate(name.tokens) if at != place)


def _is_electrical(name: ParsedName, place: int) -> bool:
    return any(
        _ELECTRICAL.intersection(token.readings[0])
        for at, token in enumerate(name.tokens)
        if at != place and token.readings
    )
