"""Tokens: the words of a name and everything that each of them can mean.

Splits camel case, digits, German compounds and Chinese texts, and knows the words with a grammar of their own: ISA-5.1
tags, phases, aero-engine stations, equipment tags. It decides nothing that the rest of the name could decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from services.machines.units import Unit
from services.mapping.lexicon import Lexicon, Reading, fold

_LOOP_NUMBER_WEIGHT = 0.2
_WORDS = re.compile(r"[^\W_]+|%|°|[ΔΦφ]", re.UNICODE)
_CAMEL = re.compile(r"(?<=[a-zß-ÿ])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])(?!(?<=[A-Z])[A-Z]s\b)")
_CJK = re.compile(r"[\u3400-\u9fff\uac00-\ud7af]")
_DIGITS = re.compile(r"\d+|[^\d]+")
_EQUIPMENT = re.compile(r"[A-Z]{1,4}\d+[A-Z]{1,2}")  # AH2A, P101B: an equipment tag, no words

_lexicons: dict[str, Lexicon] = {}


def remember(lexicon: Lexicon) -> None:
    """Makes a lexicon known by its digest, which is what caches are keyed by."""
    _lexicons.setdefault(lexicon.digest, lexicon)


def remembered(digest: str) -> Lexicon:
    """Returns the lexicon of that digest."""
    return _lexicons[digest]


@dataclass(frozen=True)
class Token:
    """One word: its folded text, its readings (concept lists), its weight, and whether the lexicon knows it."""

    text: str
    readings: tuple[Reading, ...]
    weight: float = 1.0
    known: bool = True


def words_of(text: str) -> list[str]:
    """Returns the words of a text between its separators, as written."""
    return _WORDS.findall(text)


def split_camel(word: str) -> list[str]:
    """Returns the parts of a camel-case word."""
    return _CAMEL.sub(" ", word).split()


def tokenise(words: list[str], lexicon: Lexicon, unit: Unit | None) -> list[Token]:
    """Returns the tokens of the words of a name; readings that `unit` rules out are dropped."""
    surfaces: list[str] = []
    grammar: dict[int, tuple[Reading, ...]] = {}
    for word in words:
        special = _special(word, lexicon)
        if special is not None:
            grammar[len(surfaces)] = special
            surfaces.append(fold(word))
            continue
        known = fold(word) in lexicon.readings and not word.islower()
        for part in [word] if known else split_camel(word):
            surfaces += _pieces(fold(part), part, lexicon, grammar, len(surfaces))
    tokens: list[Token] = []
    romance = any(surface in lexicon.romance for surface in surfaces)
    at = 0
    while at < len(surfaces):
        size = next(
            (
                n
                for n in range(min(lexicon.longest_phrase, len(surfaces) - at), 1, -1)
                if tuple(surfaces[at : at + n]) in lexicon.phrases
            ),
            0,
        )
        if size:
            phrase = lexicon.phrases[tuple(surfaces[at : at + size])]
            tokens.append(Token(" ".join(surfaces[at : at + size]), (phrase,)))
            at += size
            continue
        if not (romance and surfaces[at] == "de" and 0 < at < len(surfaces) - 1):  # of, not drive end
            tokens += _token(surfaces[at], grammar.get(at), lexicon)
        at += 1
    return _in_context(tokens, lexicon, unit)


def _pieces(word: str, written: str, lexicon: Lexicon, grammar: dict[int, tuple[Reading, ...]], at: int) -> list[str]:
    if word in lexicon.readings or word in lexicon.stop:
        if written.isupper() and (isa := _isa(written, lexicon)) is not None:
            grammar[at] = tuple(dict.fromkeys((*lexicon.readings.get(word, ()), isa)))
        return [word]
    pieces: list[str] = []
    if _EQUIPMENT.fullmatch(written):
        return [word]
    if written.isupper() and word.isalpha() and len(word) >= 6 and (joined := _joined_abbreviations(word, lexicon)):
        return joined
    for part in _DIGITS.findall(word):
        if part.isdigit():
            pieces.append(part.lstrip("0") or "0")
            continue
        original = written[: len(part)] if not pieces else ""
        if original.isupper() and part not in lexicon.readings and (isa := _isa(original, lexicon)) is not None:
            grammar[at + len(pieces)] = (isa,)
            pieces.append(part)
            continue
        pieces += split_compound(part, lexicon)
    return pieces


def _joined_abbreviations(word: str, lexicon: Lexicon) -> list[str]:
    """Returns the abbreviations that a run of capitals consists of (ACTHTGSP: act htg sp), longest first, or nothing.

    Short pieces are found in any word, so at most one may have two letters and none may have one.
    """
    if (word,) in lexicon.readings.get(word, ()):
        return []
    best: list[list[str] | None] = [[], *([None] * len(word))]
    for end in range(2, len(word) + 1):
        for begin in range(max(0, end - 12), end - 1):
            before, piece = best[begin], word[begin:end]
            if before is None or not (piece in lexicon.readings or piece in lexicon.stop):
                continue
            pieces = [*before, piece]
            known = best[end]
            if sum(len(p) == 2 for p in pieces) <= 1 and (known is None or len(pieces) < len(known)):
                best[end] = pieces
    return best[len(word)] or []


def _isa(letters: str, lexicon: Lexicon) -> Reading | None:
    """Returns the reading of an ISA-5.1 tag's letters (PDIT: pressure difference), or None."""
    if not 2 <= len(letters) <= 4:
        return None
    first, following = letters[0], letters[1:]
    difference = following.startswith("D") and len(following) > 1 and following[1:] in lexicon.isa_following
    if first not in lexicon.isa_first or not (difference or following in lexicon.isa_following):
        return None
    return (lexicon.isa_first[first], "difference") if difference else (lexicon.isa_first[first],)


_GIVEN = {
    "i": ("current",),
    "u": ("voltage",),
    "v": ("voltage",),
    "e": ("voltage",),
    "p": ("power",),
    "q": ("reactive", "power"),
    "s": ("apparent", "power"),
}
_STATION = re.compile(r"^(T|P|Ps|PS|Pt|W|N)(\d{1,2})$")
_STATION_QUANTITY = {
    "t": ("temperature",),
    "p": ("pressure",),
    "ps": ("static", "pressure"),
    "pt": ("total", "pressure"),
    "w": ("flow",),
    "n": ("rotation",),
}


def _special(word: str, lexicon: Lexicon) -> tuple[Reading, ...] | None:
    """Returns the readings of words with a grammar of their own: phases (Ia, UL1, V_ab) and engine stations (T24)."""
    folded = fold(word)
    if folded in lexicon.readings:
        return None
    if re.fullmatch(r"l[123](l[123])?|l[123]{2}", folded):
        return ((lexicon.phases[folded],),) if folded in lexicon.phases else None
    if re.fullmatch(r"p[123]", folded):  # phase, pressure or power
        number = f"#{folded[1]}"
        return ((f"phase_{'abc'[int(folded[1]) - 1]}",), ("pressure", number), ("power", number))
    if re.fullmatch(r"[iuv][123]", folded):
        digit = folded[1]
        return ((*_GIVEN[folded[0]], f"#{digit}"), (*_GIVEN[folded[0]], f"phase_{'abc'[int(digit) - 1]}"))
    match = re.fullmatch(r"([iuvepqs])(l[123](?:l[123])?|l?[123]{2}|[abc]|ab|bc|ca|rs|st|tr|uv|vw|wu|[rstuvw])", folded)
    if match and match.group(2) in lexicon.phases and len(word) <= 5:
        return ((*_GIVEN[match.group(1)], lexicon.phases[match.group(2)]),)
    station = _STATION.match(word)
    if station and station.group(2) in lexicon.stations:
        quantity = _STATION_QUANTITY[station.group(1).lower()]
        return ((*quantity, *lexicon.stations[station.group(2)]), (*quantity, f"#{station.group(2)}"))
    return None


def _token(surface: str, grammar: tuple[Reading, ...] | None, lexicon: Lexicon) -> list[Token]:
    if grammar:
        return [Token(surface, grammar)]
    if surface.isdigit():
        return [Token(surface, ((f"#{surface}",),), _LOOP_NUMBER_WEIGHT if len(surface) > 2 else 1.0)]
    if surface in lexicon.stop:
        return []
    readings = lexicon.readings.get(surface)
    if readings is None and surface.endswith("s") and len(surface) > 3:
        readings = lexicon.readings.get(surface[:-1])
    if readings:
        return [Token(surface, readings)]
    weight = 0.3 if any(char.isdigit() for char in surface) else 1.0 if len(surface) > 1 else 0.5
    return [Token(surface, ((surface,),), weight, known=False)]


def _in_context(tokens: list[Token], lexicon: Lexicon, unit: Unit | None) -> list[Token]:
    """Returns the tokens with readings dropped that the unit rules out, and phase numbers and `current` resolved."""
    result: list[Token] = []
    for token in tokens:
        if unit is not None and len(token.readings) > 1:
            fitting = tuple(r for r in token.readings if _reading_fits(r, unit, lexicon))
            if fitting:
                token = replace(token, readings=fitting)
        if result and token.text in ("1", "2", "3") and result[-1].readings == (("phase",),):
            letter = "abc"[int(token.text) - 1]
            result[-1] = Token(f"phase {token.text}", ((f"phase_{letter}",),))
            continue
        if result and result[-1].readings == (("phase",),) and token.text in lexicon.phases:
            result[-1] = Token(f"phase {token.text}", ((lexicon.phases[token.text],),))
            continue
        result.append(token)
    for i, token in enumerate(result[:-1]):
        following = result[i + 1].readings[0]
        if (
            token.text in ("current", "aktuelle", "actual")
            and any(
                concept in lexicon.dimensions
                and concept not in ("state", "ratio", "load", "distortion", "voltage_unbalance", "count")
                for concept in following
            )
            and _is_no_current(unit)
        ):
            result[i] = Token(token.text, (("actual",),))
    return result


def _is_no_current(unit: Unit | None) -> bool:
    return unit is None or unit.dimension != "current"


def _reading_fits(reading: Reading, unit: Unit, lexicon: Lexicon) -> bool:
    quantities = [concept for concept in reading if concept in lexicon.dimensions]
    return not quantities or any(unit.dimension in lexicon.dimensions[concept] for concept in quantities)


@lru_cache(maxsize=20000)
def _compound(word: str, digest: str) -> tuple[str, ...]:
    lexicon = remembered(digest)
    if word in lexicon.readings or word in lexicon.stop or (len(word) < 4 and not _CJK.search(word)):
        return (word,)
    if _CJK.search(word):
        return _longest_match(word, lexicon)
    if word[0] in "xyz" and word[1:] in lexicon.readings and len(word) > 3:
        return (word[0], word[1:])
    for cut in range(len(word) - 2, 1, -1):
        first, second = word[:cut], word[cut:]
        head = second if second in lexicon.readings else second[:-1] if second.endswith("s") else ""
        if head not in lexicon.readings or (len(second) < 3 and not (len(second) == 2 and len(first) >= 6)):
            continue
        for stem in dict.fromkeys((first, first.rstrip("s"), first[:-1] if first.endswith(("n", "e", "s")) else first)):
            if stem in lexicon.readings and len(stem) >= (2 if len(second) >= 5 else 3):
                return (stem, second)
            if len(second) >= 4 and len(stem) >= 6 and len(parts := _compound(stem, digest)) > 1:
                return (*parts, second)
    for cut in range(3, len(word) - 5):  # an unknown modifier before a known noun: Verteilergetriebe
        if word[cut:] in lexicon.readings:
            return (word[:cut], word[cut:])
    return (word,)


def _longest_match(word: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Returns a text without blanks (Chinese, Korean) cut into the longest words that the lexicon has."""
    found: list[str] = []
    at = 0
    while at < len(word):
        size = next(
            (
                n
                for n in range(min(8, len(word) - at), 0, -1)
                if word[at : at + n] in lexicon.readings or word[at : at + n] in lexicon.stop
            ),
            1,
        )
        found.append(word[at : at + size])
        at += size
    return tuple(found)


def split_compound(word: str, lexicon: Lexicon) -> list[str]:
    """Returns the parts of a run-together word that the lexicon knows (Öltemperatur, windspeed), else the word."""
    remember(lexicon)
    return list(_compound(word, lexicon.digest))
