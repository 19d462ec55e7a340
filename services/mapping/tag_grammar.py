"""Tag grammar: words that are built by a rule and stand in no lexicon: instrument tags, phases and engine stations.

It promises a reading only for words of exactly that form: PDIT by ISA-5.1, IL1 and WphA by the lettering of phases, T24
by the stations of ARP755. Which reading is meant is decided where two names are compared.
"""

from __future__ import annotations

import re

from services.mapping.lexicon import Lexicon, Reading, fold


def instrument_tag(letters: str, lexicon: Lexicon) -> Reading | None:
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


_PER_PHASE = re.compile(
    r"(?:(a|i|v|u|w|p|q|s|va|var|pf|wh)ph|phase|(a|w|va|var|pf|wh)(?=l))(a|b|c|ab|bc|ca|l[123])"
)  # WphA, phaseA, AL1


def special_readings(word: str, lexicon: Lexicon) -> tuple[Reading, ...] | None:
    """Returns the readings of words with a grammar of their own: phases (Ia, UL1, WphA) and engine stations (T24)."""
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
    if match := _PER_PHASE.fullmatch(folded):
        quantity = match[1] or match[2]
        readings = lexicon.readings.get(quantity, ()) if quantity else ((),)
        return tuple((*reading, lexicon.phases[match[3]]) for reading in readings) or None
    match = re.fullmatch(r"([iuvepqs])(l[123](?:l[123])?|l?[123]{2}|[abc]|ab|bc|ca|rs|st|tr|uv|vw|wu|[rstuvw])", folded)
    if match and match.group(2) in lexicon.phases and len(word) <= 5:
        tag = instrument_tag(word, lexicon) if word.isupper() else None  # IT-201: a current transmitter, or phase T
        return ((*_GIVEN[match.group(1)], lexicon.phases[match.group(2)]), *([tag] if tag else []))
    station = _STATION.match(word)
    if station and station.group(2) in lexicon.stations:
        quantity = _STATION_QUANTITY[station.group(1).lower()]
        return ((*quantity, *lexicon.stations[station.group(2)]), (*quantity, f"#{station.group(2)}"))
    return None
