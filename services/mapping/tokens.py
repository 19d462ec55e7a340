"""Tokens: the words of a name and everything that each of them can mean.

Splits camel case and digits, and knows the words with a grammar of their own: ISA-5.1
tags, phases, aero-engine stations, equipment tags. It decides nothing that the rest of the name could decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from services.machines.units import Unit
from services.mapping.compounds import split_compound
from services.mapping.lexicon import Lexicon, Reading, fold, skeleton
from services.mapping.tag_grammar import instrument_tag, special_readings

_LOOP_NUMBER_WEIGHT = 0.2
_CUT_SHORT_WEIGHT = 0.8
_ONE_OF_SEVERAL_WEIGHT = 0.7
_SHORTEST_OF_SEVERAL = 3  # letters of a short form that can be one of several words; the other names decide which
_SHORTEST_CUT = 4  # letters of a word cut short (Getr., Puiss.)
_SHORTEST_INFLECTED = 6  # letters from which an ending is taken for grammar
_WORDS = re.compile(r"[^\W_]+|%|°|[ΔΦφ]", re.UNICODE)
_CAMEL = re.compile(
    r"(?<=[a-zß-ÿ])(?=[A-Z])|(?<=[a-z]\d)(?=[A-Z])|(?<=\d)(?=[A-Z][a-z]{2})"
    r"|(?<=[A-Z])(?=[A-Z][a-z])(?!(?<=[A-Z])[A-Z]s\b)"
    r"|(?<=[A-Za-z])(?=[\u3400-\u9fff])|(?<=[\u3400-\u9fff])(?=[A-Za-z])"
)
# capitals that are one unit or one word, whatever follows
_VOLT_AMPERES = re.compile(
    r"(?<![A-Z])[kM]?V(?:Arh|Ar|Ah|ARh)(?![a-z])|(?<![A-Za-z])(?:SoC|SoH|SoE|DoD|CosPhi)(?![a-z])"
)
_DIGITS = re.compile(r"\d+|[^\d]+")
_CODE = re.compile(r"([A-Z]{2,4})\d{2,4}")
_FORMULA_FIRST = re.compile(r"([a-z]{1,3}\d)([a-z]{3,})")
_AT_HEIGHT = re.compile(r"(t|rh|ws|wd|ghi)(?:2|10|50|80|100|120)m")
_AT_METRES = re.compile(r"(\d{1,3})m")  # wind_speed_80m
_EQUIPMENT = re.compile(r"[A-Z]{1,4}\d+[A-Z]{1,2}")  # AH2A, P101B: an equipment tag, no words


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
    return _CAMEL.sub(" ", _volt_amperes_apart(word)).split()


def _volt_amperes_apart(word: str) -> str:
    return _VOLT_AMPERES.sub(lambda match: f" {match[0].lower()} ", word)


_CAPITALS_THEN_SMALL = re.compile(r"([A-Z]{2,3})([a-z]{1,4})(?![a-z])")


def split_known(word: str, lexicon: Lexicon) -> list[str]:
    """Returns the parts of a camel-case word; capitals that are a word stay together before small letters that are one
    as well (DEax: DE ax), which capitals alone would cut in the middle."""
    known = lexicon.readings

    def apart(match: re.Match[str]) -> str:
        capitals, small = match[1], match[2]
        both = fold(capitals) in known and small in known and fold(capitals[-1] + small) not in known
        return f" {capitals} {small} " if both else match[0]

    return [
        part
        for piece in _CAPITALS_THEN_SMALL.sub(apart, _volt_amperes_apart(word)).split()
        for part in split_camel(piece)
    ]


def tokenise(words: list[str], lexicon: Lexicon, unit: Unit | None) -> list[Token]:
    """Returns the tokens of the words of a name; readings that `unit` rules out are dropped."""
    surfaces: list[str] = []
    grammar: dict[int, tuple[Reading, ...]] = {}
    for word in words:
        special = special_readings(word, lexicon)
        if special is not None:
            grammar[len(surfaces)] = special
            surfaces.append(fold(word))
            continue
        known = fold(word) in lexicon.readings and not word.islower()
        for part in [word] if known else split_known(word, lexicon):
            surfaces += _pieces(fold(part), part, lexicon, grammar, len(surfaces))
    tokens: list[Token] = []
    romance = any(surface in lexicon.romance for surface in surfaces)
    spoken = [lexicon.spoken_as(surface) for surface in surfaces]
    electric = any(_ELECTRIC.intersection(r) for surface in surfaces for r in lexicon.readings.get(surface, ()))
    at = 0
    while at < len(surfaces):
        size, meanings = _phrase(surfaces, spoken, at, lexicon)
        if size:
            tokens.append(Token(" ".join(surfaces[at : at + size]), meanings))
            at += size
            continue
        pair = "".join(surfaces[at : at + 2]) if electric and len(surfaces[at]) == 1 else ""
        if len(pair) == 2 and pair in lexicon.phases:
            tokens.append(Token(pair, ((lexicon.phases[pair],),)))  # R-S
            at += 1
        elif electric and (phase := _phase_after(surfaces[at], at, lexicon)):
            tokens.append(Token(surfaces[at], ((phase,),)))
        elif at and surfaces[at] in _METRES and surfaces[at - 1].isdigit():
            pass  # at 10 metres: the number says where
        elif romance and surfaces[at] in _STAGES:
            tokens.append(Token(surfaces[at], (_STAGES[surfaces[at]],)))
        elif not (romance and surfaces[at] in _OF and 0 < at < len(surfaces) - 1):
            first = at == 0 and surfaces[0] in _FIRST_NO_ARTICLE
            tokens += (
                [Token(surfaces[0], lexicon.readings[surfaces[0]])]
                if first
                else _token(surfaces[at], grammar.get(at), lexicon)
            )
        at += 1
    if not tokens:  # words that elsewhere say nothing (DO) are all there is
        tokens = [Token(word, lexicon.readings[word]) for word in surfaces if word in lexicon.readings]
    return _in_context(tokens, lexicon, unit)


_FIRST_NO_ARTICLE = frozenset({"do", "die"})  # dissolved oxygen, a die: these are words where a name begins
_OF = frozenset({"de", "da", "en", "em", "se", "su", "ce"})  # where other words are Romance: no drive end, no enable
# alta, media, baja presión; alta, baja tensión: where other words are Romance
_STAGES = {
    "ap": ("high", "pressure"),
    "mp": ("intermediate", "pressure"),
    "bp": ("low", "pressure"),
    "at": ("primary",),
    "bt": ("secondary",),
}
_METRES = frozenset({"meter", "meters", "metre", "metres"})
_ELECTRIC = frozenset({"voltage", "current"})
_TO_NEUTRAL = {"an": "a", "bn": "b", "cn": "c"}


def _phase_after(surface: str, at: int, lexicon: Lexicon) -> str | None:
    """Returns the phase that two letters behind a voltage or a current name (phase_voltage_an, volts_bc), or None."""
    if at == 0 or len(surface) != 2 or (surface in lexicon.readings and surface not in _TO_NEUTRAL):
        return None
    return lexicon.phases.get(_TO_NEUTRAL.get(surface, surface))


def _phrase(surfaces: list[str], spoken: list[str], at: int, lexicon: Lexicon) -> tuple[int, tuple[Reading, ...]]:
    """Returns the length of the longest phrase that begins there, as written or abbreviated, and what it means."""
    for size in range(min(lexicon.longest_phrase, len(surfaces) - at), 1, -1):
        meanings = lexicon.phrase_of(tuple(surfaces[at : at + size]), tuple(spoken[at : at + size]))
        if meanings:
            return size, meanings
    return 0, ()


def _pieces(word: str, written: str, lexicon: Lexicon, grammar: dict[int, tuple[Reading, ...]], at: int) -> list[str]:
    if word in lexicon.readings or word in lexicon.stop:
        if written.isupper() and (isa := instrument_tag(written, lexicon)) is not None:
            grammar[at] = tuple(dict.fromkeys((*lexicon.readings.get(word, ()), isa)))
        return [word]
    pieces: list[str] = []
    if (height := _AT_HEIGHT.fullmatch(word)) and height[1] in lexicon.readings:
        return [height[1]]  # WS10M: wind speed ten metres above the ground
    if place := _AT_METRES.fullmatch(word):
        return [place[1].lstrip("0") or "0"]
    if _EQUIPMENT.fullmatch(written):
        return [word]
    if (code := _CODE.fullmatch(written)) and not _means_something(code[1], lexicon):
        return [word]  # BT17: a code, whose number counts nothing
    if word in lexicon.skeletons:
        return [word]
    if (glued := _FORMULA_FIRST.fullmatch(word)) and glued[1] in lexicon.readings:
        return [glued[1], *split_compound(glued[2], lexicon)]  # CO2air
    if written.isupper() and word.isalpha() and len(word) >= 5 and (joined := _joined_abbreviations(word, lexicon)):
        return joined
    for part in _DIGITS.findall(word):
        if part.isdigit():
            pieces.append(part.lstrip("0") or "0")
            continue
        original = written[: len(part)] if not pieces else ""
        if (
            original.isupper()
            and part not in lexicon.readings
            and (isa := instrument_tag(original, lexicon)) is not None
        ):
            grammar[at + len(pieces)] = (isa,)
            pieces.append(part)
            continue
        pieces += split_compound(part, lexicon)
    return pieces


def _means_something(letters: str, lexicon: Lexicon) -> bool:
    known = lexicon.readings.keys() | lexicon.stop
    return bool({fold(letters), fold(letters)[:-1]} & known) or instrument_tag(letters, lexicon) is not None


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
    readings = readings or _inflected(surface, lexicon)
    if readings:
        return [Token(surface, readings)]
    if len(surface) >= _SHORTEST_CUT and surface.isalpha() and (full := lexicon.cut_short(surface)):
        return [Token(surface, (full,), _CUT_SHORT_WEIGHT)]
    if readings := lexicon.misspelt(surface):
        return [Token(surface, readings, _CUT_SHORT_WEIGHT)]
    if len(surface) >= _SHORTEST_OF_SEVERAL and surface.isalpha() and (meanings := lexicon.shortened(surface)):
        return [Token(surface, ((surface,), *meanings), _ONE_OF_SEVERAL_WEIGHT, known=False)]
    weight = 0.3 if any(char.isdigit() for char in surface) else 1.0 if len(surface) > 1 else 0.5
    return [Token(surface, ((surface,),), weight, known=False)]


_ENDINGS = ("es", "er", "en", "em", "e", "a", "o", "as", "os", "i", "s")


def _inflected(word: str, lexicon: Lexicon) -> tuple[Reading, ...] | None:
    """Returns the readings of a word in another gender, number or case (extérieure, vorderes, traseira), or of its
    consonants alone (vbrtn)."""
    if len(word) > 3 and word.isascii() and word.isalpha() and word == skeleton(word) and word in lexicon.skeletons:
        return (lexicon.skeletons[word],)
    if len(word) < _SHORTEST_INFLECTED:
        return None
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < _SHORTEST_INFLECTED - 1:
            continue
        for other in ("", "o", "a", "e"):
            if readings := lexicon.readings.get(stem + other):
                return readings
    return None


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
        if result and (pair := _PHASE_PAIRS.get(f"{result[-1].text} {token.text}")):
            result[-1] = Token(f"{result[-1].text} {token.text}", ((pair,),))  # Phase 2-3
            continue
        before = result[-1].text if result and token.readings == (("phase",),) else ""
        if len(before) == 1 and before in lexicon.phases:  # A phase, A相
            result[-1] = Token(f"phase {result[-1].text}", ((lexicon.phases[result[-1].text],),))
            continue
        if result and token.text in _PHASE_LETTERS and result[-1].readings in _IN_PHASES:
            phase = lexicon.phases.get(token.text, "phase_b")  # y: of R, Y, B
            result.append(Token(token.text, ((phase,),)))  # winding b: no bearing
            continue
        if result and token.text in lexicon.phases and _is_phase(result[-1]):
            result[-1] = Token(f"phase {token.text}", ((lexicon.phases[token.text],),))
            continue
        result.append(token)
    if len(result) > 1 and result[0].text == "pv":  # a process value stands at the end, photovoltaics in front
        result[0] = replace(result[0], readings=tuple(r for r in result[0].readings if r != ("actual",)))
    if len(result) == 2 and any(token.readings[0] in _OF_AIR for token in result):  # Temp_Out, In_Hum
        result = [replace(t, readings=_IN_OR_OUT_OF_DOORS.get(t.text, t.readings)) for t in result]
    for i, token in enumerate(result[:-1]):
        following = result[i + 1].readings[0]
        if len(result[i + 1].text) == 1:
            continue
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


_PHASE_PAIRS = {"phase 1 2": "phase_ab", "phase 2 3": "phase_bc", "phase 3 1": "phase_ca", "phase 1 3": "phase_ca"}
_PHASE_LETTERS = frozenset("abcuvwy")
_IN_PHASES = frozenset({(("winding",),), (("voltage",),), (("current",),)})
_OF_AIR = frozenset({("temperature",), ("humidity",), ("relative", "humidity")})
_IN_OR_OUT_OF_DOORS = {"out": (("outlet",), ("ambient",)), "in": (("inlet",), ("room",))}


def _is_phase(token: Token) -> bool:
    """Returns whether a letter after this word is that of a phase: phase A, Ph A."""
    return token.readings == (("phase",),) or token.text == "ph"


def _is_no_current(unit: Unit | None) -> bool:
    return unit is None or unit.dimension != "current"


def _reading_fits(reading: Reading, unit: Unit, lexicon: Lexicon) -> bool:
    quantities = [concept for concept in reading if concept in lexicon.dimensions]
    return not quantities or any(unit.dimension in lexicon.dimensions[concept] for concept in quantities)
