"""Sides by one letter behind a hyphen or an underscore: COND-E and COND-S are told by the whole list.

Alone an E or an S says nothing. Where several names of a list come with both letters of a pair, and the profile has
both sides, the letters stand for them: entrada and salida (entrée and sortie), in and out, Eingang and Ausgang, Vorlauf
and Rücklauf.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

_PAIRS = (
    ("e", "s", "inlet", "outlet"),
    ("e", "s", "influent", "effluent"),
    ("i", "o", "inlet", "outlet"),
    ("i", "e", "influent", "effluent"),
    ("e", "a", "inlet", "outlet"),
    ("v", "r", "supply", "return"),
)
_FEWEST = 2  # names that come with both letters
_LAST_LETTER = re.compile(r"(.*[^\W_])([-_.])([A-Za-z])")


def with_sides_spelt_out(names: Sequence[str], sides: Iterable[str]) -> list[str]:
    """Returns the names with the letter of a side as a word; `sides` are the concepts that the profile's names say."""
    matches = [_LAST_LETTER.fullmatch(name) for name in names]
    letters: dict[str, set[str]] = defaultdict(set)
    for match in matches:
        if match is not None:
            letters[match[1].casefold()].add(match[3].casefold())
    said = set(sides)
    for first, second, one, other in _PAIRS:
        both = sum({first, second} <= found for found in letters.values())
        others = {letter for found in letters.values() if {first, second} & found for letter in found}
        # Phases R, S and T, axes and counted letters run on; the letters of a pair may stand beside those of stages.
        if both < _FEWEST or not {one, other} <= said or _runs(others - {first, second}, first, second):
            continue
        word = {first: one, second: other}
        return [
            f"{match[1]} {word[match[3].casefold()]}" if match and match[3].casefold() in word else name
            for name, match in zip(names, matches, strict=True)
        ]
    return list(names)


def _runs(others: set[str], first: str, second: str) -> bool:
    """Returns whether other letters of the list make a series with one of the pair (R, S, T; A, B, C)."""
    return any({letter, first} <= run or {letter, second} <= run for letter in others for run in _SERIES)


_SERIES = (frozenset("rst"), frozenset("abc"), frozenset("uvw"))
