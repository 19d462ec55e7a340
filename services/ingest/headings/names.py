"""What the lines above a table say its columns are called: group labels, names over two lines, labels beside pairs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.ingest.layouts.headings import names_role
from services.ingest.values.cells import CellKind, kind_of

HEADER_DEPTH = 8
_DESCRIBES = re.compile(
    r"^((point |tag )?descript(?:ion|or)s?|desc|comments?|remarks?|units?|uom|eng(ineering)?[ ._]?units?|types?"
    r"|data ?types?|address(es)?|registers?|device|source|einheit(en)?"
    r"|beschreibung|kommentar|bemerkung|daten ?typ|typ|adresse|unité|libellé)\s*:?$",
    re.I,
)
_LABEL = re.compile(r"^((point|tag|signal|channel|sensor)( ?names?)?|names?|variable)\s*:?$", re.I)

Records = Sequence[tuple[int, list[str]]]
"""Line from 0 and trimmed fields of every record; blank ones have none."""


def describes(text: str) -> bool:
    """Returns whether the first cell of a line says that the line describes the columns rather than names them."""
    return bool(_DESCRIBES.match(text))


def labels(text: str) -> bool:
    """Returns whether the first cell of a line says that the line names the columns ("Tag name:")."""
    return bool(_LABEL.match(text))


def padded(cells: Sequence[str], width: int) -> tuple[str, ...]:
    """Returns as many cells as a table is wide, "" where a line has none."""
    return tuple(cells[:width]) + ("",) * (width - len(cells))


def block_above(rows: Records, first: int) -> list[int]:
    """Returns the filled records directly above the data, up to a blank one."""
    block: list[int] = []
    for i in range(first - 1, max(-1, first - 1 - HEADER_DEPTH), -1):
        if not any(rows[i][1]):
            if block:
                break
            continue
        block.append(i)
    return block[::-1]


def joined_names(
    rows: Records,
    kinds: list[list[CellKind]],
    header: int,
    units_at: int | None,
    data: int,
    measured: tuple[bool, ...],
    width: int,
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Returns (names, indices of group lines joined): what the lines of the header's block say together."""
    own = rows[header][1]
    if one := _one_name_for_date_and_clock(own, rows, data, width):
        return one, ()
    body = [kinds[i] for i in range(data, len(rows)) if len(rows[i][1]) == width]
    in_place = names_role(own[0], "time") and sum(k[0] == "time" for k in body) > 0.5 * len(body)
    if len(own) == width - 1 and measured[:1] == (True,) and not in_place and any(k[-1] != "empty" for k in body):
        # R writes no name above its row names, so the names stand one field to the left. Where the last field is empty
        # throughout, lines end with a delimiter that the header lacks.
        return ("", *own), ()
    names = list(padded(own, width))
    block = [i for i in block_above(rows, data) if i != units_at]
    others = [i for i in block if i != header and sum(map(bool, rows[i][1])) >= max(2, 0.3 * width)]
    nearest = sorted(others, key=lambda i: (i > header, abs(i - header)))
    for at, name in enumerate(names):
        if name and not (labels(name) and at == 0):
            continue
        beside = rows[units_at][1] if units_at is not None else []
        if not name and at < len(beside) and names_role(beside[at], "time"):
            names[at] = beside[at]  # "Date/Time" stands in the line of the units
            continue
        for i in nearest:
            cell = rows[i][1][at] if at < len(rows[i][1]) else ""
            if at == 0 and describes(cell):
                continue
            if cell and kind_of(cell) == "text" and (not name or names_role(cell, "time")):
                names[at] = cell
                break
    if sum(names_role(n, "time") for n in names) > 1:
        return _tags_over_roles(rows, [i for i in block if i < header], names) or (tuple(names), ())
    groups = []
    # A marked line above names that are not marked is a remark.
    marked = own[0].startswith("#")
    for i in sorted((i for i in others if i < header and rows[i][1][0].startswith("#") <= marked), reverse=True):
        if over := _group_labels(rows[i][1], names, width):
            groups.append(i)
            names = [_under(label, name) for label, name in zip(over, names, strict=True)]
    return tuple(names), tuple(sorted(groups))


_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:[.,:]\d{1,9})?)?")
_CLOCK_NAME = "clock"


def _one_name_for_date_and_clock(own: Sequence[str], rows: Records, data: int, width: int) -> tuple[str, ...]:
    """Returns the names where one stands over a date and a clock that are two fields ("time temp" over "2024-03-14
    10:00:00 20.5"); nothing where the names are as many as the fields, or stand one field to the left, as R's do."""
    names = own[1:] if own[:1] in (["#"], ["%"], ["//"]) else own
    body = [cells for _, cells in rows[data:] if len(cells) == width]
    if len(names) != width - 1 or not all(names) or not body:
        return ()
    for at in range(width - 1):
        stamped = sum(bool(_DATE.fullmatch(r[at]) and _CLOCK.fullmatch(r[at + 1])) for r in body)
        if stamped >= _NEARLY_ALL * len(body):
            each = at > 0 and names_role(names[at - 1], "time") and names_role(names[at], "clock")
            return () if each else (*names[: at + 1], _CLOCK_NAME, *names[at + 1 :])
    return ()


_NEARLY_ALL = 0.9


def _group_labels(cells: Sequence[str], names: Sequence[str], width: int) -> list[str]:
    """Returns the label over every column when a line groups the columns, else nothing."""
    over = list(padded(cells, width))
    filled = [c for c in over if c]
    if any(kind_of(c) != "text" for c in filled) or (filled and _DESCRIBES.match(filled[0])):
        return []
    repeated = len(set(filled)) < len(filled)
    if repeated and len(set(filled)) > 1 and len(filled) >= width - 1:
        return over
    doubled = len({n for n in names if n}) < sum(map(bool, names))
    if doubled and 2 <= len(filled) < width:
        # A label stands once, over the first of its columns.
        for at in range(1, width):
            over[at] = over[at] or over[at - 1]
        return over
    return []


def _tags_over_roles(
    rows: Records, above: Sequence[int], names: list[str]
) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
    """Returns (names, the line) where a line labels each group of the same headings, among them a time, by its tag.

    Loggers of OPC DA write "Flow" over "Value", "Quality" and "Timestamp".
    """
    for lead in (0, 1):
        roles = names[lead:]
        lengths = (k for k in range(2, len(roles) // 2 + 1) if len(roles) % k == 0)
        length = next((k for k in lengths if roles == roles[:k] * (len(roles) // k)), 0)
        if not length or not any(names_role(n, "time") for n in roles[:length]):
            continue
        for i in reversed(above):
            over = padded(rows[i][1], len(names))[lead:]
            tags = over[::length]
            placed = all(c in ("", tags[at // length]) for at, c in enumerate(over))
            if placed and len(set(tags)) == len(tags) and all(kind_of(t) == "text" for t in tags):
                return (*names[:lead], *(f"{tags[at // length]} {role}" for at, role in enumerate(roles))), (i,)
    return None


def named_pairs(rows: Records, data: int, width: int) -> tuple[int, tuple[str, ...]] | None:
    """Returns the line that names every second column behind one repeated label ("Name", "Flow", "Name", "Temp").

    Oscilloscopes such as TwinCAT Scope write so; the columns between are the times.
    """
    for i in range(max(0, data - 2 * HEADER_DEPTH), data):
        cells = rows[i][1]
        tags, names = cells[0::2], cells[1::2]
        repeated = len(cells) == width >= 4 and width % 2 == 0 and len(set(tags)) == 1
        if repeated and _LABEL.match(tags[0]) and all(names) and len(set(names)) == len(names):
            return i, tuple(name for tag in names for name in ("Time", tag))
    return None


def names_in_one_cell(cells: Sequence[str], width: int) -> tuple[str, ...]:
    """Returns the names of `width` columns where one cell holds them all between runs of blanks, else nothing.

    ZPlot quotes its header as a whole above rows of numbers between commas.
    """
    names = tuple(re.split(r"\s{2,}|\t", cells[0].strip())) if len(cells) == 1 < width else ()
    distinct = len(names) == width and len(set(names)) == width
    return names if distinct and sum(kind_of(n) == "text" for n in names) >= 0.6 * width else ()


def _under(label: str, name: str) -> str:
    if not label or not name or name.startswith(label) or names_role(name, "time"):
        return name or label
    return f"{label} {name}"
