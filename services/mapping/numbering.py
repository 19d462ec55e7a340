"""Numbering: names of one file made to count and to begin as those of the profile do.

A prefix that the whole file has says nothing about a column; a file may count from 0 or by letters where the profile
counts from 1. It changes only words that the file as a whole shows to be such.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from services.mapping.lexicon import Lexicon
from services.mapping.names import ParsedName
from services.mapping.phase_colours import colours_as_phases
from services.mapping.phase_letters import letters_as_phases, numbers_as_phases
from services.mapping.tokens import Token

_FEW_COLUMNS = 4  # too few to tell a prefix from a word
_LONGEST_PREFIX = 3
_SHARED_BY = 0.7  # share of the columns that makes a prefix
_CODE = 0.4  # weight of letters that only count things, beside a word for what is measured
_LETTERS = "abcdefghijkl"


def count_alike(
    columns: Sequence[ParsedName], sensors: Sequence[ParsedName], lexicon: Lexicon
) -> tuple[list[ParsedName], list[ParsedName]]:
    """Returns the columns' names without a common prefix, counted as the sensors' names are, and the sensors' names."""
    columns, sensors = (numbers_as_phases(letters_as_phases(colours_as_phases(names))) for names in (columns, sensors))
    wanted = small_numbers(sensors)
    names = _without_a_common_end(_set_back_a_common_prefix(list(columns), wanted, lexicon), lexicon)
    names = _count_from_one(_letters_to_numbers(names, wanted, lexicon), wanted)
    if _last_letters(names, lexicon) >= _LETTERED and _last_letters(sensors, lexicon) >= _LETTERED:
        return [_lettered(name, lexicon) for name in names], [_lettered(name, lexicon) for name in sensors]
    return names, list(sensors)


def is_small_number(token: Token) -> bool:
    """Returns whether a token is a number of one or two digits, which counts things."""
    return token.text.isdigit() and len(token.text) <= 2


def small_numbers(names: Sequence[ParsedName]) -> set[int]:
    """Returns all numbers that count things in the names."""
    return {int(token.text) for name in names for token in name.tokens if is_small_number(token)}


def says_quantity(tokens: Sequence[Token], lexicon: Lexicon) -> bool:
    """Returns whether some token can say what is measured."""
    return any(c in lexicon.dimensions for token in tokens for reading in token.readings for c in reading)


def _set_back_a_common_prefix(names: list[ParsedName], wanted: set[int], lexicon: Lexicon) -> list[ParsedName]:
    """Takes out of the first words what most columns share (IW_, L1_, Fed1): it cannot tell them apart, so it says
    neither what is measured nor which of several sensors is meant, where the rest of the name says something. A number
    does (BLW1, BLW2) where the profile has it among others."""
    if len(names) < _FEW_COLUMNS:
        return names
    for place in range(_LONGEST_PREFIX):
        words = Counter(name.tokens[place].text for name in names if len(name.tokens) > place + 1)
        common = {text for text, count in words.items() if count >= _SHARED_BY * len(names)}
        if len(wanted) > 1:
            common = {text for text in common if not (text.isdigit() and int(text) in wanted)}
        if not common:
            return names
        for i, name in enumerate(names):
            tokens = name.tokens
            if len(tokens) <= place + 1 or tokens[place].text not in common:
                continue
            if says_quantity(tokens[place + 1 :], lexicon):
                changed = (*tokens[:place], _set_back(tokens[place], lexicon), *tokens[place + 1 :])
                names[i] = replace(name, tokens=changed)
    return names


def _without_a_common_end(names: list[ParsedName], lexicon: Lexicon) -> list[ParsedName]:
    """Drops the last word that nearly all columns share (ValueY, _y), where the words before it say what is measured:
    it is no axis and no unit. A word that the rest does without (the temperature of every column) stays."""
    ends = Counter(name.tokens[-1].text for name in names if len(name.tokens) > 1)
    if len(names) < _FEW_COLUMNS or not ends:
        return names
    end, count = ends.most_common(1)[0]
    if count < _SHARED_BY * len(names):
        return names
    return [
        replace(name, tokens=name.tokens[:-1])
        if len(name.tokens) > 2 and name.tokens[-1].text == end and says_quantity(name.tokens[:-1], lexicon)
        else name
        for name in names
    ]


def _set_back(token: Token, lexicon: Lexicon) -> Token:
    """Returns the word at less weight, without readings that could speak for or against a sensor."""
    kept = tuple(
        reading
        for reading in token.readings
        if not any(c in lexicon.dimensions or c in lexicon.one_sided or c[0] == "#" for c in reading)
    )
    return replace(token, readings=kept or ((token.text,),), weight=0.4 * token.weight)


def _count_from_one(names: list[ParsedName], wanted: set[int]) -> list[ParsedName]:
    """Shifts the columns' numbers where they count 0 to n-1 what the profile counts 1 to n."""
    counted = small_numbers(names)
    if len(counted) < 2 or not wanted:
        return names
    shift = min(wanted) - min(counted)
    if {min(counted), min(wanted)} != {0, 1} or max(counted) + shift != max(wanted):
        return names
    return [replace(name, tokens=tuple(_shifted(token, shift) for token in name.tokens)) for name in names]


def _shifted(token: Token, shift: int) -> Token:
    return replace(token, readings=((f"#{int(token.text) + shift}",),)) if is_small_number(token) else token


def _letters_to_numbers(names: list[ParsedName], wanted: set[int], lexicon: Lexicon) -> list[ParsedName]:
    """Reads PSA, PSB, PSC as 1, 2, 3 where the columns' last letters run from A on and the sensors have numbers."""
    if not wanted or small_numbers(names):
        return names
    series: dict[str, set[str]] = {}
    for name in names:
        for token in name.tokens:
            if _may_end_in_a_letter(token):
                series.setdefault(token.text[:-1], set()).add(token.text[-1])
    running = {stem for stem, letters in series.items() if _run_from_a(letters)}
    if not any(len(series[stem]) >= 3 for stem in running):
        return names
    return [
        replace(
            name,
            tokens=tuple(
                part
                for i, token in enumerate(name.tokens)
                for part in _numbered(token, name.tokens[:i] + name.tokens[i + 1 :], running, lexicon)
            ),
        )
        for name in names
    ]


def _numbered(token: Token, others: Sequence[Token], running: set[str], lexicon: Lexicon) -> tuple[Token, ...]:
    if not _may_end_in_a_letter(token) or token.text[:-1] not in running:
        return (token,)
    stem = token.text[:-1]
    number = str(_LETTERS.index(token.text[-1]) + 1)
    readings = lexicon.readings.get(stem, ((stem,),))
    weight = _CODE * token.weight if says_quantity(others, lexicon) else token.weight
    return (
        Token(stem, readings, weight, stem in lexicon.readings),
        Token(number, ((f"#{number}",),)),
    )


def _may_end_in_a_letter(token: Token) -> bool:
    return 2 <= len(token.text) <= 6 and token.text.isalpha() and token.text.isascii() and token.text[-1] in _LETTERS


def _run_from_a(letters: set[str]) -> bool:
    return len(letters) >= 2 and sorted(letters) == list(_LETTERS[: len(letters)])


_LETTERED = frozenset("ab")  # a series of letters that begins so counts things: pump A, pump B


def _last_letters(names: Sequence[ParsedName], lexicon: Lexicon) -> set[str]:
    return {name.tokens[-1].text for name in names if _ends_in_a_counting_letter(name, lexicon)}


def _ends_in_a_counting_letter(name: ParsedName, lexicon: Lexicon) -> bool:
    """Returns whether the last word is a letter that counts: not where it can be a phase's (current A)."""
    tokens = name.tokens
    if len(tokens) < 2 or len(tokens[-1].text) > 1 or tokens[-1].text not in _LETTERS or len(tokens[-1].readings) < 2:
        return False
    said = {concept for token in tokens[:-1] for reading in token.readings for concept in reading}
    return says_quantity(tokens[:-1], lexicon) and not said & _IN_PHASES


_IN_PHASES = frozenset({"current", "voltage", "power", "winding", "phase", "energy", "power_factor", "line"})


def _lettered(name: ParsedName, lexicon: Lexicon) -> ParsedName:
    if not _ends_in_a_counting_letter(name, lexicon):
        return name
    letter = name.tokens[-1].text
    return replace(name, tokens=(*name.tokens[:-1], Token(letter, ((f"#{_LETTERS.index(letter) + 1}",),))))
