"""Likeness of words that the lexicon does not both know: abbreviations, typing errors and initials."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz import fuzz

from services.mapping.lexicon import skeleton


@lru_cache(maxsize=100_000)
def likeness_of_texts(a: str, b: str) -> float:
    """Returns how much two words that the lexicon does not both know look alike: prefix, typing error, abbreviation."""
    if a == b:
        return 1.0
    if len(a) < 3 or len(b) < 3 or not (a[0].isalpha() and b[0].isalpha()):
        return 0.0
    short, long = (a, b) if len(a) < len(b) else (b, a)
    if long.startswith(short):
        return 0.85
    likeness = fuzz.ratio(a, b) / 100
    if likeness >= 0.85:
        return float(likeness) * 0.95
    bones = skeleton(long)
    if short[0] == long[0] and len(short) > 2 and short == skeleton(short) and bones.startswith(short):
        return 0.9 if short == bones else 0.75
    if short[0] == long[0] and len(long) > len(short) + 1 and " " not in long:
        letters = iter(long)
        if all(char in letters for char in short):
            return 0.6
    return 0.0


def initials_of(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Returns every text of two to five initials of neighbouring words with the words it stands for."""
    found: dict[str, tuple[str, ...]] = {}
    for start in range(len(words)):
        for size in range(2, min(5, len(words) - start) + 1):
            run = tuple(words[start : start + size])
            found.setdefault("".join(word[0] for word in run), run)
    return found


def letters_in_order(short: str, words: Sequence[str]) -> tuple[str, ...]:
    """Returns all the words when the letters run through them: every word's first letter, and any after it (HUFL)."""
    if not 2 <= len(words) < len(short) or len(short) < 3:
        return ()

    def reads(letter: int, word: int, begin: int) -> bool:
        if letter == len(short):
            return word == len(words) - 1
        inside = words[word].find(short[letter], begin)
        if inside > 0 and reads(letter + 1, word, inside + 1):
            return True
        return word + 1 < len(words) and words[word + 1][0] == short[letter] and reads(letter + 1, word + 1, 1)

    return tuple(words) if words[0][0] == short[0] and reads(1, 0, 1) else ()


def symbol_of(short: str, words: Sequence[str], quantities: frozenset[str]) -> tuple[str, ...]:
    """Returns the words that a symbol with indices stands for: the quantity's letter first, then two or three letters
    of other words in any order (TEI: temperature, evaporator, inlet), or nothing."""
    if not 3 <= len(short) <= 4:
        return ()
    quantity = next((word for word in words if word in quantities and word[0] == short[0]), None)
    if quantity is None:
        return ()
    left = [word for word in words if word not in quantities]
    found = [quantity]
    for letter in short[1:]:
        word = next((word for word in left if word[0] == letter), None)
        if word is None:
            return ()
        left.remove(word)
        found.append(word)
    return tuple(found)
