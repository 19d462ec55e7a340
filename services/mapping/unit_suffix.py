"""Units at the end of names: current_A, TempC, flow_m3_h. A suffix is one only where the named quantity can have it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.machines.units import Unit, parse_unit
from services.mapping.lexicon import Lexicon, fold
from services.mapping.tokens import tokenise

_GLUED_UNIT = re.compile(
    r"(?<=[a-zß-ÿ])(kNm|Nm|kWh|MWh|kW|KW|MW|RPM|Rpm|rpm|Hz|kPa|KPa|MPa|Mpa|Bar|bar|Psi|PSI|psi|Pct|Percent|DegC|degC|Deg"
    r"|MMs|Mms|MMS|M3h|Lpm|LPM|Gpm|GPM|Cfm|CFM|Psig|Psia|Mbar|MBar|Kwh|KWh|Kw|Mwh|Ppm|PPM)$"
)
_DEGREES = frozenset({"deg", "degree", "degrees"})
_SHORTEST_WORD = 4  # letters of a unit that is spelled out
_SINGLE = {"C", "F", "K", "A", "V", "W"}


def cut_unit(words: list[str], lexicon: Lexicon, only: Unit | None = None) -> tuple[list[str], Unit | None, str]:
    """Returns the words without a unit suffix, the unit, and its text.

    A suffix is a unit when its dimension is one that the quantity named before it can have, or when no quantity is
    named and the text is hardly ever anything else. `only` cuts a repetition of a unit that is known already.
    """
    if words and (glued := _GLUED_UNIT.search(words[-1])):
        words = [*words[:-1], words[-1][: glued.start()], glued.group(1)]
    elif words and re.search(r"(?<=[a-z])[CFAV]$", words[-1]):
        words = [*words[:-1], words[-1][:-1], words[-1][-1]]
        if not _suits(parse_unit(words[-1]), words[:-1], lexicon):
            words = [*words[:-2], words[-2] + words[-1]]
    if len(words) > 2 and fold(words[-1]) in _DEGREES and "temperature" in named_dimensions(words[:-1], lexicon)[0]:
        return words[:-1], None, ""  # of which scale is not said
    statistics = 0
    while statistics < 2 and len(words) - statistics > 2 and _is_statistic(words[-1 - statistics], lexicon):
        statistics += 1
    for skipped in range(statistics, -1, -1):
        body, tail = words[: len(words) - skipped], words[len(words) - skipped :]
        for size in (3, 2, 1):
            if len(body) < size + (0 if len(words) == 1 else 1) or (size == 1 and len(words) == 1):
                continue
            suffix, rest = body[-size:], body[:-size]
            for joined in ("/".join(suffix), "".join(suffix)):
                unit = parse_unit(joined)
                if unit is None or (only is not None and unit.dimension != only.dimension):
                    continue
                if size == 1 and rest and not tail and _ends_a_phrase(rest[-1], joined, unit, lexicon):
                    return words, unit, joined
                if len(joined) == 1 and named_dimensions(rest, lexicon)[1]:  # Phase A in amperes
                    continue
                if (only is not None and unit.symbol == only.symbol and rest) or _is_unit_suffix(
                    suffix, unit, rest + tail, lexicon
                ):
                    if (
                        rest
                        and fold(rest[-1]) in ("in", "en", "em")
                        and size == 1
                        and len(rest) > 1
                        and joined[0] in "°%"
                    ):
                        rest = rest[:-1]
                    return rest + tail, unit, joined
    return words, None, ""


def _ends_a_phrase(before: str, last: str, unit: Unit, lexicon: Lexicon) -> bool:
    """Returns whether a unit is also the second word of what is measured: running hours."""
    if len(last) < _SHORTEST_WORD:
        return False
    pair = (fold(before), fold(last))
    meanings = lexicon.phrases.get(pair, ())
    return any(unit.dimension in lexicon.dimensions.get(concept, ()) for meaning in meanings for concept in meaning)


def _is_statistic(word: str, lexicon: Lexicon) -> bool:
    return bool(
        {("average",), ("minimum",), ("maximum",), ("std",), ("rms",), ("peak",)}
        & set(lexicon.readings.get(fold(word), ()))
    )


def named_dimensions(words: Sequence[str], lexicon: Lexicon) -> tuple[set[str], bool]:
    """Returns the dimensions of the quantities that the words name, and whether a phase is among the words."""
    dimensions: set[str] = set()
    phase = False
    for token in tokenise(list(words), lexicon, None):
        for reading in token.readings:
            for concept in reading:
                dimensions |= lexicon.dimensions.get(concept, frozenset())
                phase = phase or concept == "phase"
    return dimensions, phase


def _suits(unit: Unit | None, words: Sequence[str], lexicon: Lexicon) -> bool:
    if unit is None:
        return False
    dimensions, phase = named_dimensions(words, lexicon)
    return unit.dimension in dimensions and not phase


def _is_unit_suffix(suffix: list[str], unit: Unit, rest: list[str], lexicon: Lexicon) -> bool:
    text = "".join(suffix)
    dimensions, phase = named_dimensions(rest, lexicon)
    single = len(suffix) == 1
    if single and len(text) == 1 and text not in "%°":
        if text.upper() not in _SINGLE | {"G", "M", "H", "S", "N", "R"} or phase:
            return False
        if unit.dimension in dimensions:
            return text.isupper() or text in "gmhskfcr" or len(rest) > 1
        return text in _SINGLE and not dimensions
    if single and text.lower() in lexicon.rarely_units:
        if text.lower() in ("min", "in"):
            return unit.dimension in dimensions and fold(rest[-1]) in ("time", "zeit", "duration", "runtime", "length")
        return unit.dimension in dimensions
    if not single and fold(suffix[0]) in lexicon.rarely_units and fold(suffix[0]) in ("in", "min", "at", "a", "v", "c"):
        return unit.dimension in dimensions and not any(d == "temperature" for d in dimensions)
    return not dimensions or unit.dimension in dimensions or _loosely(unit) or len(text) >= 3


def _loosely(unit: Unit) -> bool:
    """Percent goes with any quantity; another unit that suits none of the named ones is not cut off."""
    return unit.dimension in ("ratio", "relative humidity")
