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
_CAMEL = re.compile(
    r"(?<=[a-zß-ÿ])(?=[A-Z])|(?<=[a-z]\d)(?=[A-Z])|(?<=\d)(?=[A-Z][a-z]{2})"
    r"|(?<=[A-Z])(?=[A-Z][a-z])(?!(?<=[A-Z])[A-Z]s\b)"
)
_CJK = re.compile(r"[\u3400-\u9fff\uac00-\ud7af]")
_DIGITS = re.compile(r"\d+|[^\d]+")
_CODE = re.compile(r"([A-Z]{2,4})\d{2,4}")
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
    if (code := _CODE.fullmatch(written)) and not _means_something(code[1], lexicon):
        return [word]  # BT17: a code, whose number counts nothing
    if written.isupper() and word.isalpha() and len(word) >= 5 and (joined := _joined_abbreviations(word, lexicon)):
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


def _means_something(letters: str, lexicon: Lexicon) -> bool:
    known = lexicon.readings.keys() | lexicon.stop
    return bool({fold(letters), fold(letters)[:-1]} & known) or _isa(letters, lexicon) is not None


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
        place = lexicon.stations.get(folded[1])
        at_station = (("pressure", *place),) if place else ()
        return ((f"phase_{'abc'[int(folded[1]) - 1]}",), ("pressure", number), ("power", number), *at_station)
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
        if result and token.text in ("1", "2", "3") and result[-1].readings in ((("phase",),), (("line",),)):
            letter = "abc"[int(token.text) - 1]
            result[-1] = Token(f"phase {token.text}", ((f"phase_{letter}",),))
            continue
        before = result[-1].text if result and token.readings == (("phase",),) else ""
        if len(before) == 1 and before in lexicon.phases:  # A phase, A相
            result[-1] = Token(f"phase {result[-1].text}", ((lexicon.phases[result[-1].text],),))
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
    if word in lexicon.phrase_words:
        return (word,)
    if _CJK.search(word):
        return _longest_match(word, lexicon)
    if word[0] in "xyz" and word[1:] in lexicon.readings and len(word) > 3:
        return (word[0], word[1:])
    if word[-1] in "xyz" and len(word) > 4 and word[:-1] in lexicon.readings:  # MAGNETY
        return (word[:-1], word[-1])
    for cut in range(len(word) - 2, 1, -1):
        first, second = word[:cut], word[cut:]
        head = second if second in lexicon.readings else second[:-1] if second.endswith("s") else ""
        if head in lexicon.acronyms or first in lexicon.acronyms:
            continue
        if head not in lexicon.readings or (len(second) < 3 and not (len(second) == 2 and len(first) >= 6)):
            continue
        for stem in dict.fromkeys((first, first.rstrip("s"), first[:-1] if first.endswith(("n", "e", "s")) else first)):
            if stem in lexicon.readings and len(stem) >= (2 if len(second) >= 5 else 3):
                return (stem, second)
            if len(second) >= 4 and len(stem) >= 6 and len(parts := _compound(stem, digest)) > 1:
                return (*parts, second)
    if (known := _known_pieces(word, lexicon)) is not None:
        return known
    for cut in range(3, len(word) - 5):  # an unknown modifier before a known noun: Verteilergetriebe
        if word[cut:] in lexicon.readings:
            return (word[:cut], word[cut:])
    if len(word) >= 4 and word[0] in _SYMBOLS and _names_a_place(word[1:], lexicon):
        return (word[0], word[1:])
    return (word,)


def _known_pieces(word: str, lexicon: Lexicon) -> tuple[str, ...] | None:
    """Returns a run-together word as words of three letters and more, with at most a fifth of other letters between
    (igenspeed: i gen speed), or None. Fewest other letters first, then fewest words."""
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
    covers = other * 5 <= len(word) and sum(len(piece) >= 4 for piece in pieces) >= 1
    return pieces if count >= 2 and covers else None


_SYMBOLS = frozenset("tpfqniu")  # of temperature, pressure, flow, rotation, current and voltage: Tevap, Pexh


def _names_a_place(word: str, lexicon: Lexicon) -> bool:
    """Returns whether all readings of a word say where something is measured and none says what."""
    readings = lexicon.readings.get(word, ())
    return bool(readings) and not any(concept in lexicon.dimensions for reading in readings for concept in reading)


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
