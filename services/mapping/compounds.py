"""Compounds: words that are written without a gap between them.

Cuts German compounds, English words run together, symbols with a place (Tevap) and Chinese texts into words that the
lexicon has. What it cannot cut stays one word.
"""

from __future__ import annotations

import re
from functools import lru_cache

from services.mapping.lexicon import Lexicon

_LONGEST_WORD = 8  # letters of a word in a text without blanks
_CJK = re.compile(r"[\u3400-\u9fff\uac00-\ud7af]")

_lexicons: dict[str, Lexicon] = {}


def remember(lexicon: Lexicon) -> None:
    """Makes a lexicon known by its digest, which is what caches are keyed by."""
    _lexicons.setdefault(lexicon.digest, lexicon)


def remembered(digest: str) -> Lexicon:
    """Returns the lexicon of that digest."""
    return _lexicons[digest]


@lru_cache(maxsize=20000)
def _compound(word: str, digest: str) -> tuple[str, ...]:
    lexicon = remembered(digest)
    if word in lexicon.readings or word in lexicon.stop or (len(word) < 4 and not _CJK.search(word)):
        return (word,)
    if word in lexicon.phrase_words:
        return (word,)
    if _CJK.search(word):
        return _fewest_words(word, lexicon)
    if word[0] in "xyz" and word[1:] in lexicon.readings and len(word) > 3:
        return (word[0], word[1:])
    if word[-1] in "xyz" and len(word) > 4 and word[:-1] in lexicon.readings:  # MAGNETY
        return (word[:-1], word[-1])
    for deeper in (False, True):
        if parts := _cut_in_two(word, lexicon, deeper):
            return parts
    if (known := _known_pieces(word, lexicon, all_of_it=True)) is not None:
        return known
    if word[0] in _SYMBOLS and word[1:] in lexicon.readings and len(word) > _LONG_AFTER_A_SYMBOL:
        return (word[0], word[1:])
    for cut in range(3, len(word) - 5):  # an unknown modifier before a known noun: Verteilergetriebe
        if word[cut:] in lexicon.readings:
            return (word[:cut], word[cut:])
    for size in (5, 4):  # the same before a short word for what is measured: Homogenisatordruck
        if len(word) > size + 4 and _is_a_quantity(word[-size:], lexicon):
            return (word[:-size], word[-size:])
    for cut in range(len(word) - 4, 5, -1):  # a known modifier before an unknown noun: Leistungsanteil
        if word[:cut] in lexicon.readings and (rest := word[cut:].removeprefix("s")) and len(rest) >= 4:
            return (word[:cut], rest)
    if (known := _known_pieces(word, lexicon)) is not None:
        return known
    if len(word) >= 4 and word[0] in _SYMBOLS_OF_A_PLACE and _names_a_place(word[1:], lexicon):
        return (word[0], word[1:])
    return (word,)


def _cut_in_two(word: str, lexicon: Lexicon, deeper: bool) -> tuple[str, ...]:
    """Returns a known modifier and a known noun; `deeper`: the modifier may itself be a compound. Or nothing."""
    for cut in range(len(word) - 2, 1, -1):
        first, second = word[:cut], word[cut:]
        head = second if second in lexicon.readings else second[:-1] if second.endswith("s") else ""
        if head in lexicon.acronyms or first in lexicon.acronyms or head not in lexicon.readings:
            continue
        if len(second) < 3 and len(first) < (5 if second == _OIL else 6):
            continue
        for stem in dict.fromkeys((first, first.rstrip("s"), first[:-1] if first.endswith(("n", "e", "s")) else first)):
            if stem in lexicon.readings and (
                len(stem) >= (2 if len(second) >= 5 else 3) or (stem == _OIL and len(second) == 4)
            ):
                return (stem, second)
            if deeper and len(second) >= 4 and len(stem) >= 6 and len(parts := _compound(stem, lexicon.digest)) > 1:
                return (*parts, second)
    return ()


_OIL = "ol"  # Öl, the one noun of two letters that German compounds end in


def _known_pieces(word: str, lexicon: Lexicon, *, all_of_it: bool = False) -> tuple[str, ...] | None:
    """Returns a run-together word as words of three letters and more, with at most a fifth of other letters between
    (igenspeed: i gen speed), or with none (`all_of_it`), or None. Fewest other letters first, then fewest words."""
    if len(word) < 7 or not word.isalpha() or not word.isascii():
        return None
    # best[end]: other letters, number of words, pieces
    best: list[tuple[int, int, tuple[str, ...]]] = [(0, 0, ())]
    for end in range(1, len(word) + 1):
        other, count, pieces = best[end - 1]
        choice = (other + 1, count, pieces)
        for begin in range(max(0, end - 16), end - 2):
            piece = word[begin:end]
            if piece not in lexicon.readings or piece in lexicon.acronyms:
                continue
            other, count, pieces = best[begin]
            candidate = (other, count + 1, (*pieces, piece))
            if candidate[:2] < choice[:2]:
                choice = candidate
        best.append(choice)
    other, count, pieces = best[-1]
    covers = (other == 0 if all_of_it else other * 5 <= len(word)) and sum(len(piece) >= 4 for piece in pieces) >= 1
    return pieces if count >= 2 and covers else None


_LONG_AFTER_A_SYMBOL = 6  # letters: Tdewpoint, but Train is no temperature of rain
_SYMBOLS = frozenset("tpfqniuv")  # of temperature, pressure, flow, rotation, current and voltage: Tevap, Pexh
_SYMBOLS_OF_A_PLACE = _SYMBOLS | {"a"}  # and of acceleration, where nothing else than a place follows: aquer


def _is_a_quantity(word: str, lexicon: Lexicon) -> bool:
    readings = lexicon.readings.get(word, ())
    return len(readings) == 1 and len(readings[0]) == 1 and readings[0][0] in lexicon.dimensions


def _names_a_place(word: str, lexicon: Lexicon) -> bool:
    """Returns whether all readings of a word say where something is measured and none says what."""
    readings = lexicon.readings.get(word, ())
    return bool(readings) and not any(concept in lexicon.dimensions for reading in readings for concept in reading)


def _fewest_words(word: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Returns a text without blanks (Chinese, Korean) cut into words of the lexicon: fewest letters left over, then
    fewest words."""
    best: list[tuple[int, int, tuple[str, ...]]] = [(0, 0, ())]
    for end in range(1, len(word) + 1):
        other, count, pieces = best[end - 1]
        choice = (other + 1, count + 1, (*pieces, word[end - 1]))
        for begin in range(max(0, end - _LONGEST_WORD), end):
            piece = word[begin:end]
            if piece in lexicon.readings or piece in lexicon.stop:
                other, count, pieces = best[begin]
                if (other, count + 1) < choice[:2]:
                    choice = (other, count + 1, (*pieces, piece))
        best.append(choice)
    return _together(best[-1][2], lexicon)


def _together(pieces: tuple[str, ...], lexicon: Lexicon) -> tuple[str, ...]:
    """Returns the pieces with neighbouring letters that mean nothing alone joined to one unknown word."""
    joined: list[str] = []
    for piece in pieces:
        unknown = piece not in lexicon.readings and piece not in lexicon.stop
        if unknown and joined and joined[-1] not in lexicon.readings and joined[-1] not in lexicon.stop:
            joined[-1] += piece
        else:
            joined.append(piece)
    return tuple(joined)


def split_compound(word: str, lexicon: Lexicon) -> list[str]:
    """Returns the parts of a run-together word that the lexicon knows (Öltemperatur, windspeed), else the word."""
    remember(lexicon)
    return list(_compound(word, lexicon.digest))
