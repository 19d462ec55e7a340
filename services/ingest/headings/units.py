"""The line of a heading that holds the units of the columns, and what a unit looks like there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.ingest.headings.names import Records, describes
from services.ingest.options import ReadOptions
from services.ingest.values.cells import CellKind, is_measured
from services.ingest.values.date_patterns import is_date_pattern
from services.machines.units import parse_unit

_FEWEST_UNITS = 3
_FEW_NAMES = 3
_ENCLOSED = re.compile(r"^#?(?:\[[^\[\]]{0,24}\]|\([^()]{0,24}\))$")
_UNIT_LIKE = re.compile(r"^[\[(]?\s*([^\[\]()]{0,14})\s*[\])]?$")


def is_unit(text: str) -> bool:
    """Returns whether a cell holds a unit, bare or in brackets."""
    match = _UNIT_LIKE.match(text.strip())
    return bool(match and match[1].strip() and (parse_unit(match[1].strip()) is not None or match[1].strip() in "-%"))


def mostly_units(cells: Sequence[str]) -> bool:
    """Returns whether most of some filled cells are units, or patterns of dates among them."""
    return sum(is_unit(c) or is_date_pattern(c) for c in cells) >= 0.6 * len(cells)


def all_enclosed(names: Sequence[str], cells: Sequence[str]) -> bool:
    """Returns whether a record has something in brackets under each name, and a unit among it: `#[C],#[kPa],#[#]`."""
    filled = [c for c in cells if c]
    return (
        len(names) == len(cells)
        and len(filled) >= max(2, len(cells) - 2)
        and all(map(_ENCLOSED.match, filled))
        and any(is_unit(c.removeprefix("#")) for c in filled)
    )


def enclosed_unit(text: str) -> str:
    """Returns what stands in the brackets of a row of units, "" for a dash or a number sign."""
    inner = text.removeprefix("#")[1:-1].strip()
    return inner if any(c.isalpha() or c in "%°‰" for c in inner) else ""


def units_of(names: Sequence[str], cells: Sequence[str]) -> list[str]:
    """Returns the unit in each cell of a units row, "" where there is none."""
    if all_enclosed(names, cells):
        return [enclosed_unit(c) for c in cells]
    return [bare_unit(c) if is_unit(c) else "" for c in cells]


def bare_unit(text: str) -> str:
    """Returns the unit without its brackets; "" for a dash."""
    unit = text.strip().strip("[]() ").strip()
    return "" if unit == "-" else unit


def find_units_row(
    rows: Records, kinds: list[list[CellKind]], header: int | None, data: int, options: ReadOptions
) -> int | None:
    """Returns the index of the units row: below the header, in the same block of lines."""
    if header is None or options.units_row is False:
        return None
    for at in range(header + 1, max(len(rows) if options.units_row else data + 1, header + 1)):
        if at >= len(rows):
            break
        cells = [c for c in rows[at][1] if c and not describes(c)]
        if not cells:
            continue
        alike = mostly_units(cells) and any(c != "-" for c in cells)
        below = at == header + 1
        alike = alike or (
            below and (units_under(rows[header][1], rows[at][1]) or all_enclosed(rows[header][1], rows[at][1]))
        )
        if options.units_row or (alike and not any(is_measured(k) for k in kinds[at])):
            return at
        if (len(cells) < 2 and sum(map(bool, rows[header][1])) > _FEW_NAMES) or at >= data:
            break
    return None


def units_under(names: Sequence[str], cells: Sequence[str]) -> bool:
    """Returns whether a record repeats some cells of the one above it and has units under the others.

    Loggers write what their channels are over lines such as "NO.,Time,ms,bar,degC,V,A1234"; Campbell's begin such a
    line with "TS", whatever its units are.
    """
    if len(names) == len(cells) and [*map(str.upper, names[:1]), *cells[:1]] == ["TIMESTAMP", "TS"]:
        return True
    differing = [(name, cell) for name, cell in zip(names, cells, strict=False) if cell and name != cell]
    units = sum(is_unit(cell) and not is_unit(name) for name, cell in differing)
    repeated = any(name and name == cell for name, cell in zip(names, cells, strict=False))
    enough = units >= max(_FEWEST_UNITS, 0.5 * len(differing)) or (repeated and units >= max(2, 0.3 * len(differing)))
    return len(names) == len(cells) and enough


def above_units(rows: Records, best: int, block: Sequence[int]) -> int:
    """Returns the line above the best one when that holds nothing but units: channels may have numbers for names."""
    cells = rows[best][1]
    upper = rows[best - 1][1] if best - 1 in block else []
    named = len(upper) == len(cells) > 2 and all(upper) and len(set(upper)) == len(upper) and not describes(upper[0])
    return best - 1 if named and all(map(is_unit, cells)) and not is_unit(upper[0]) else best
