"""Phases by the letters R, S and T, as motors and meters have them in Brazil, Germany and much of Asia.

Alone such a letter can be a spindle, a resistance or a torque. It is a phase where the same list has another of the
three in the same place of an otherwise equal name, behind something electrical: corrente_R, corrente_S, corrente_T.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

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
