"""Names: what a column or sensor name says: its words, its unit, and what stands above it in a path.

It promises to read names as they are written in plants: snake, camel and kebab case, digits glued to words, unit
suffixes and brackets, OPC UA node ids, PI and topic paths, ISA-5.1 tags, aero-engine stations, phases. Each token keeps
every reading that the lexicon gives it; which one is meant is decided where two names are compared.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache

from services.machines.profile import Sensor
from services.machines.units import Unit, parse_unit
from services.mapping.compounds import remember, remembered
from services.mapping.lexicon import Lexicon, Reading, fold
from services.mapping.lexicon_files import default_lexicon
from services.mapping.plant_codes import spell_out
from services.mapping.tokens import Token, split_camel, tokenise, words_of
from services.mapping.unit_suffix import cut_unit, named_dimensions

# A word of the path above the last element says less than the element itself.
_HEAD_WEIGHT = 0.4


@dataclass(frozen=True)
class ParsedName:
    """A name taken apart. `unit_text` is the unit as written; `unit_explicit`: it is declared or in brackets."""

    raw: str
    tokens: tuple[Token, ...]
    unit: Unit | None = None
    unit_text: str = ""
    unit_explicit: bool = False

    @property
    def key(self) -> str:
        """The name without case and separators: two names with one key are the same name."""
        return squeeze(self.raw)


def squeeze(name: str) -> str:
    """Returns the folded name without anything but letters and digits."""
    return "".join(char for char in fold(name) if char.isalnum())


_NODE_ID = re.compile(r"^(?:nsu=[^;]*;|ns=\d+;)?[sigb]=", re.IGNORECASE)
_BRACKETS = re.compile(r"[\[({<]([^\])}>]{1,24})[\])}>]")


@lru_cache(maxsize=20000)
def _parse_cached(name: str, unit: str, digest: str) -> ParsedName:
    return _parse(name, unit, remembered(digest))


def parse_name(name: str, unit: str = "", lexicon: Lexicon | None = None) -> ParsedName:
    """Returns the name's tokens with all their readings and its unit: declared, else in brackets, else as a suffix."""
    lexicon = lexicon or default_lexicon()
    remember(lexicon)
    return _parse_cached(name[:256], unit[:40], lexicon.digest)


def is_difference(sensor: Sensor) -> bool:
    """Returns whether a sensor is a difference of two values, so that units convert without their zero point."""
    parsed = parse_name(sensor.name)
    concepts = {concept for token in parsed.tokens for reading in token.readings[:1] for concept in reading}
    return bool(concepts & _DIFFERENCES) or "difference" in sensor.quantity.lower()


def quantity_against_unit(parsed: ParsedName, lexicon: Lexicon) -> str:
    """Returns the word by which a name says what its declared unit does not measure (pressure in °C), or nothing."""
    if parsed.unit is None or not parsed.unit_explicit or parsed.unit.dimension in _GOES_WITH_ANYTHING:
        return ""
    word, dimensions = "", set()
    for token in parsed.tokens:
        measured = {d for reading in token.readings for c in reading for d in lexicon.dimensions.get(c, ())}
        if measured and token.known:
            word = word or token.text
            dimensions |= measured
    kinds = {dimension.rsplit(" ", 1)[-1] for dimension in dimensions}
    if parsed.unit.dimension in dimensions or (kinds & _WORK and parsed.unit.dimension.rsplit(" ", 1)[-1] in _WORK):
        return ""
    return word


_GOES_WITH_ANYTHING = frozenset({"ratio", "relative humidity", "dimensionless", "state", "count"})
_WORK = frozenset({"power", "energy"})  # loose language: "reactive power" in kvarh

_DIFFERENCES = frozenset({"difference", "superheat", "subcooling", "approach"})  # of two temperatures: 10 K are 18 °F


def _parse(name: str, unit: str, lexicon: Lexicon) -> ParsedName:
    text = unicodedata.normalize("NFKC", _NODE_ID.sub("", _RING.sub("°", name.strip())))
    text = _PARAMETER_NUMBER.sub("", text)
    text = _ELISION.sub("", text)
    text = _AT_HEIGHT_OF.sub(" ", text)
    text = _WEIGHTED_DECIBEL.sub(r"dB\1", text)
    text = _INLET_OR_OUTLET.sub(lambda match: "inlet" if match[1] == "I" else "outlet", text)
    text = _DOTTED_INITIALS.sub(lambda match: re.sub(r"[./]", "", match[0]), text)
    declared = parse_unit(unit) if unit else None
    found, found_text, explicit = declared, unit if declared else "", declared is not None
    for match in _likeliest_unit_first(text, lexicon):
        bracketed = parse_unit(match.group(1))
        if bracketed is not None and not _is_word_in_brackets(match.group(1), lexicon):
            if found is None and not _is_a_column_of_liquid(match.group(1), text[: match.start()], lexicon):
                found, found_text, explicit = bracketed, match.group(1), True
            text = text[: match.start()] + " " + text[match.end() :]
            break
        if _is_a_quotient_of_units(match.group(1)):  # pps/psia: a unit that the table does not have
            text = text[: match.start()] + " " + text[match.end() :]
            break
    head, last = _split_path(spell_out(text, lexicon.kks_systems, lexicon.kks_measures), lexicon)
    words = words_of(last)
    if found is not None:
        words, cut, _ = cut_unit(words, lexicon, only=found)
        if cut is not None and cut.measure and not found.measure:
            found = replace(found, measure=cut.measure)  # velocity_rms_mm_s, declared as mm/s
    elif not _ends_in_a_point_letter(last, words, lexicon):
        words, found, found_text = cut_unit(words, lexicon)
    tokens = tokenise(words, lexicon, found)
    measured = any(all(_says_quantity(reading, lexicon) for reading in token.readings) for token in tokens)
    if found is not None and found.measure and not any((found.measure.split("-")[0],) in t.readings for t in tokens):
        measure = found.measure.split("-")[0]  # rms, peak or peak-to-peak, said by the unit alone
        tokens.append(Token(measure, ((measure,),)))
    tokens = [*_head_tokens(tokenise(words_of(head), lexicon, None), lexicon, measured), *tokens]
    return ParsedName(name, tuple(tokens), found, found_text, explicit)


_POINT_LETTER = re.compile(r"[A-Z0-9]+(?:[-.][A-Z0-9]+)*[-.][FC]")  # CHW-F: a flow, CLG-C: a command


def _ends_in_a_point_letter(text: str, words: list[str], lexicon: Lexicon) -> bool:
    """Returns whether the last letter says what is measured, as in names of building points, and is no unit."""
    return bool(_POINT_LETTER.fullmatch(text.strip())) and not named_dimensions(words[:-1], lexicon)[0]


def _likeliest_unit_first(text: str, lexicon: Lexicon) -> list[re.Match[str]]:
    """Returns the brackets from the last to the first; those that the named quantity can be measured in come first."""
    found = list(reversed(list(_BRACKETS.finditer(text))))
    if len(found) < 2:
        return found
    named = named_dimensions(words_of(_BRACKETS.sub(" ", text)), lexicon)[0]
    return sorted(found, key=lambda match: (unit := parse_unit(match[1])) is None or unit.dimension not in named)


def _says_quantity(reading: Reading, lexicon: Lexicon) -> bool:
    return any(concept in lexicon.dimensions for concept in reading)


def _head_tokens(tokens: list[Token], lexicon: Lexicon, measured: bool) -> list[Token]:
    """Returns the words above the last element at less weight; what is measured is said below, not there."""
    kept = []
    for token in tokens:
        readings = tuple(
            r for r in token.readings if not (measured and _says_quantity(r, lexicon)) and not _STATES.intersection(r)
        )
        if readings and not token.text.isdigit():
            kept.append(replace(token, readings=readings, weight=_HEAD_WEIGHT * token.weight))
    return kept


_STATES = frozenset({"state", "alarm", "switch"})


def _is_a_quotient_of_units(text: str) -> bool:
    parts = text.split("/")
    return len(parts) == 2 and all(part.strip() and parse_unit(part) is not None for part in parts)


def _is_a_column_of_liquid(unit: str, rest: str, lexicon: Lexicon) -> bool:
    """Returns whether a length is meant as a pressure: inches of mercury or of water, which the text does not say."""
    return unit.strip() in ("in", "mm", "m", "ft") and "pressure" in named_dimensions(words_of(rest), lexicon)[0]


def _is_word_in_brackets(text: str, lexicon: Lexicon) -> bool:
    return len(text) > 1 and fold(text) in lexicon.readings and parse_unit(text) is None


_RING = re.compile(r"˚|(?<![Nn])º")  # what keyboards offer for a degree sign
_INLET_OR_OUTLET = re.compile(r"(?<![A-Za-z])([IO])/L(?![A-Za-z])")
# U1-06, 16-14, 01.07, r0021, p1082[0] of drives
_PARAMETER_NUMBER = re.compile(r"^(?:[A-Za-z]?\d{1,3}[-.]\d{2,3}|[rpRP]\d{4,5}(?:\[\d+\])?)[\s_:]+(?=[^\W\d])")
_ELISION = re.compile(r"(?<![^\W_])(?:d|l|qu|(?:d|n|s)?(?:e|u)?ll)['’](?=[^\W\d_])", re.IGNORECASE)  # d'eau, dell'olio
_AT_HEIGHT_OF = re.compile(
    r"(?<![A-Za-z])at (?:an? |the )?(?:height|depth|elevation)(?: of)?(?![A-Za-z])", re.IGNORECASE
)
_WEIGHTED_DECIBEL = re.compile(r"dB\s?\(([ACZ])\)")
_PATH = re.compile(r"[\\\\/|>!]|::")
# L.O., H.T., T/C: initials that stand for two words
_DOTTED_INITIALS = re.compile(r"(?<![A-Za-z.])(?:[A-Za-z]\.){2,3}(?![A-Za-z])|(?<![A-Za-z/])[A-Z]/[A-Z](?![A-Za-z/])")
_TITLE = re.compile(r"(.{1,40}?)(?:\s[-–—]\s|:\s)(.+)")  # a code or a part, then what is measured there
_DOT = re.compile(r"(?<=[^\W\d])\.+(?=[^\W])|(?<=\d)\.+(?=[^\W\d]{2})|\.{2,}")
_ABBREVIATION_POINT = re.compile(r"\b([^\W\d_]{2,6})\.(?=[^\W_])")  # EXH.GAS, CYL.1 in a text with blanks: no path


def _without_point(match: re.Match[str], lexicon: Lexicon) -> str:
    return f"{match[1]} " if fold(match[1]) in lexicon.readings else match[0]


_PLAIN_VALUE = frozenset({"pv", "cv", "fcv", "out", "present", "currentvalue"})


def _split_path(text: str, lexicon: Lexicon) -> tuple[str, str]:
    """Returns what stands above the last telling element of a path, and that element.

    Slashes always make a path. Dots do where the last element says more than one word; else they only separate words.
    A title before a dash or a colon stands above what is measured. An element that only qualifies (SP, PV, Status) is
    read together with the one above it.
    """
    if " " in text.strip():
        text = _ABBREVIATION_POINT.sub(lambda match: _without_point(match, lexicon), text)
    parts = [part for part in _PATH.split(text) if part.strip()]
    if len(parts) == 1 and (title := _TITLE.fullmatch(text)) and named_dimensions(words_of(title[2]), lexicon)[0]:
        return title[1], title[2]
    if parts:
        dotted = [part for part in _DOT.split(parts[-1]) if part.strip()]
        if any(part.isdigit() for part in dotted) and all(len(_pieces_of(part)) == 1 for part in dotted):
            parts[-1] = " ".join(dotted)  # cyl.1.exhaust.temp: the dots are blanks
        elif len(dotted) > 2 or (len(dotted) == 2 and any(len(_pieces_of(part)) > 1 for part in dotted)):
            parts = [*parts[:-1], *dotted]
        elif len(dotted) == 2:
            parts[-1] = " ".join(dotted)
    if len(parts) < 2:
        return "", parts[0] if parts else text
    last = len(parts) - 1
    first = last
    while first > 0 and all(_only_qualifies(word, lexicon) for word in _pieces_of(parts[first])):
        first -= 1
    if first > 0 and len(_pieces_of(" ".join(parts[first:]))) == 1:
        first -= 1
    return " ".join(parts[:first]), " ".join(parts[first:])


def _pieces_of(text: str) -> list[str]:
    return [piece for word in words_of(text) for piece in split_camel(word)]


_QUALIFYING = frozenset({"setpoint", "actual", "minimum", "maximum", "average", "state", "alarm", "switch", "command"})


def _only_qualifies(word: str, lexicon: Lexicon) -> bool:
    folded = fold(word)
    readings = lexicon.readings.get(folded, ())
    plain = folded in lexicon.stop or folded in _PLAIN_VALUE or folded.isdigit()
    return plain or any(_QUALIFYING.issuperset(reading) for reading in readings)
