"""Which lines above the first values may name the columns, and which only list properties of the whole export."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from services.ingest.headings.names import Records, describes, labels
from services.ingest.layouts.headings import names_role

_ABOUT_DEVICES = re.compile(r"^((data|daten) ?)?(type|typ|address|adresse|register|device|source)", re.I)
_FEWEST_PAIRS = 4
_NARROW, _WIDER = 0.4, 1.5
_SEVERAL = 5


def may_name(rows: Records, lines: Sequence[int], first: int, width: int, is_unit: Callable[[str], bool]) -> list[int]:
    """Returns those of some lines above record `first`, the first of values, that may name `width` columns.

    Not those that list properties ("Model,SDS1202" or "Type:,0,1"), nor lines much narrower or wider than the values or
    with narrow lines below them.
    """
    listed = _pairs(rows, lines, is_unit)
    reach = max([width + 1, _WIDER * width, *(len(cells) for _, cells in rows[first:])])
    return [
        i
        for i in lines
        if i not in listed
        and not is_property(rows[i][1])
        and not _too_narrow(rows, i, first, width)
        and len(_filled(rows[i][1])) <= reach
    ]


def _filled(cells: Sequence[str]) -> list[str]:
    return [c for c in cells if c]


def is_property(cells: Sequence[str]) -> bool:
    """Returns whether a line begins with a key and a colon."""
    if len(cells) < 2 or not cells[0].endswith(":") or not any(c.isalpha() for c in cells[0]):
        return False
    others = _filled(cells[1:])
    if all(c.endswith(":") for c in others) or any(names_role(c, "time") for c in others):
        return False
    return not labels(cells[0]) and (not describes(cells[0]) or bool(_ABOUT_DEVICES.match(cells[0])))


def _pairs(rows: Records, lines: Sequence[int], is_unit: Callable[[str], bool]) -> frozenset[int]:
    """Returns the lines of a list of keys and values; the line right above the data may be the header below it."""
    if not lines:
        return frozenset()
    run = [i for i in lines if len(rows[i][1]) >= 2 and all(rows[i][1][:2]) and not any(rows[i][1][2:])]
    if len(run) < _FEWEST_PAIRS or run[-_FEWEST_PAIRS] < lines[-1] - _FEWEST_PAIRS:
        return frozenset()
    last, before = lines[-1], lines[-2]
    named = {last}
    if all(map(is_unit, _filled(rows[last][1]))) and names_role(rows[before][1][0], "time"):
        named.add(before)
    return frozenset(run) - named


def _too_narrow(rows: Records, at: int, first: int, width: int) -> bool:
    """Returns whether a line, or two lines between it and the values, have far fewer fields than the values."""
    if width < _SEVERAL:
        return False
    # Marks such as "#TYPES" are no lines of another table.
    between = [r for _, r in rows[at + 1 : first] if any(r) and not r[0].startswith("#")]
    narrow = sum(len(cells) < _NARROW * width for cells in between)
    return len(rows[at][1]) < _NARROW * width or narrow >= 2


def numbers_its_lines(names: Sequence[str], rows: Records, header: int, data: int) -> bool:
    """Returns whether the first name is only the running number of its line, as loggers number the rows below it."""
    if len(names) < 2 or not names[0].isdecimal() or any(not c[:1].isalpha() for c in names[1:] if c):
        return False
    first = [rows[i][1][0] for i in range(data, min(len(rows), data + 3)) if rows[i][1]]
    return len(first) > 1 and first == [str(int(names[0]) + data - header + i) for i in range(len(first))]
