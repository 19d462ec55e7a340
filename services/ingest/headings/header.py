"""Where the header of a table stands, what its lines say together, and where the data begins.

The names are the best line of distinct texts above the first values. Lines around it in the same block may hold units,
groups of columns ("Pump 1" over "Flow" and "Temp") or names that the best line lacks; what only describes (addresses,
data types, remarks) is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from services.ingest.headings.candidates import is_property, may_name, numbers_its_lines
from services.ingest.headings.names import (
    HEADER_DEPTH,
    Records,
    block_above,
    joined_names,
    named_pairs,
    names_in_one_cell,
    padded,
)
from services.ingest.headings.names import describes as describes
from services.ingest.headings.units import above_units, find_units_row, mostly_units, units_of, units_under
from services.ingest.headings.units import bare_unit as bare_unit
from services.ingest.headings.units import is_unit as is_unit
from services.ingest.layouts.headings import names_role
from services.ingest.options import ReadOptions
from services.ingest.values.cells import CellKind, is_measured, kind_of
from services.ingest.values.date_patterns import day_before_month, is_date_pattern

# Width and kind of each field below their names, as in the RDB files of hydrologists.
_FIELD_FORMAT = re.compile(r"^\d{1,3}[sdnSDN]$")
_COMMENT_MARK = re.compile(r"^[#%;]+\s*(?=[^\W\d_])")
_MAIN = 4
"""How many times more records than another table above it the main one has."""
_FEWEST_TIMES, _NEARLY_ALL = 5, 0.6
_FEWEST_NAMED = 2
_FEWEST_ALIKE = 3


@dataclass(frozen=True)
class Heading:
    """Indices of header, units row and first data record; names and units, "" where there is none; the evidence.

    `groups` are the indices of lines whose labels stand before the names. `day_first` is told by a pattern of dates
    among the units ("dd/MM/yyyy"), None where there is none.
    """

    header: int | None
    units_row: int | None
    data: int
    names: tuple[str, ...]
    units: tuple[str, ...]
    evidence: str
    groups: tuple[int, ...] = ()
    day_first: bool | None = None


def find_heading(rows: Records, kinds: list[list[CellKind]], width: int, options: ReadOptions) -> Heading:
    """Returns the heading of records of `width` fields whose cells look like `kinds`."""
    measured = measured_columns(rows, kinds, width)
    if options.header_row is not None:
        header, data = _given_header(rows, options.header_row - 1)
        evidence = "given"
    else:
        header, data, evidence = _find_header(rows, kinds, measured, width)
    units_at = find_units_row(rows, kinds, header, data, options)
    if units_at is not None:
        data = max(data, units_at + 1)
    if header is None:
        names: tuple[str, ...] = ("",) * width
        groups: tuple[int, ...] = ()
    elif options.header_row is not None:
        names, groups = padded(rows[header][1], width), ()
    elif whole := names_in_one_cell(rows[header][1], width):
        names, groups = whole, ()
    elif (pairs := named_pairs(rows, data, width)) is not None:
        header, names, groups = pairs[0], pairs[1], ()
    else:
        names, groups = joined_names(rows, kinds, header, units_at, data, measured, width)
    names = (_COMMENT_MARK.sub("", names[0]), *names[1:])
    if header is not None and options.header_row is None and numbers_its_lines(names, rows, header, data):
        names = ("", *names[1:])
    if header is not None:
        # Names of fields that few rows have.
        names = (*names, *rows[header][1][width:])
    units: tuple[str, ...] = ("",) * width
    if header is not None and units_at is not None:
        units = padded(units_of(rows[header][1], rows[units_at][1]), width)
    patterns = [c for c in rows[units_at][1] if is_date_pattern(c)] if units_at is not None else []
    order = day_before_month(patterns[0]) if patterns else None
    return Heading(header, units_at, data, names, units, evidence, groups, order)


def measured_columns(rows: Records, kinds: list[list[CellKind]], width: int) -> tuple[bool, ...]:
    """Returns for each column whether its cells are mostly numbers or times."""
    body = [k for k, (_, r) in zip(kinds, rows, strict=True) if len(r) == width]
    body = body[min(3, len(body) // 2) :]
    flags = []
    for column in range(width):
        filled = [k[column] for k in body if k[column] not in ("empty", "token")]
        flags.append(bool(filled) and sum(map(is_measured, filled)) >= 0.5 * len(filled))
    return tuple(flags)


def timed_columns(rows: Records, kinds: list[list[CellKind]], data: int, width: int) -> tuple[bool, ...]:
    """Returns for each column whether nearly all its filled cells from record `data` on are dates or times."""
    body = [k for k, (_, r) in zip(kinds[data:], rows[data:], strict=True) if len(r) == width]
    flags = []
    for column in range(width):
        filled = [k[column] for k in body if k[column] != "empty"]
        flags.append(len(filled) >= _FEWEST_TIMES and filled.count("time") >= _NEARLY_ALL * len(filled))
    return tuple(flags)


def looks_like_data(cells: Sequence[str], measured: tuple[bool, ...]) -> bool:
    """Returns whether a record holds values where the table holds values: at least 60 % of the filled cells there."""
    relevant = [kind_of(c) for c, m in zip(cells, measured, strict=False) if m]
    filled = [k for k in relevant if k != "empty"]
    if not filled:
        return False
    values = sum(is_measured(k) for k in filled)
    return values >= 1 and values + sum(k == "token" for k in filled) >= 0.6 * len(filled)


def _given_header(rows: Records, line: int) -> tuple[int | None, int]:
    if line < 0:
        return None, next((i for i, (_, r) in enumerate(rows) if any(r)), 0)
    at = next((i for i, (number, _) in enumerate(rows) if number >= line), max(0, len(rows) - 1))
    return at, at + 1


def _find_header(
    rows: Records, kinds: list[list[CellKind]], measured: tuple[bool, ...], width: int
) -> tuple[int | None, int, str]:
    """Returns (header index or None, first data index, evidence)."""
    wide = [i for i, (_, r) in enumerate(rows) if r and (len(r) >= max(1, width - 1) or len(r) >= 0.6 * width)]
    if not wide:
        return None, 0, "no record is wide enough"
    if not any(measured):
        return _header_of_text(rows, wide, width)
    begun = Counter(rows[i][1][0] for i in wide)
    # Lines that all begin with the same word ("Data:") are no list of keys and values.
    data = [
        i
        for i in wide
        if looks_like_data(rows[i][1], measured)
        and (begun[rows[i][1][0]] >= max(_FEWEST_ALIKE, len(wide) / 2) or not is_property(rows[i][1]))
    ]
    if not data:
        return wide[0], wide[0] + 1, "no value below it"
    led = _led_by_values(data, kinds, measured)
    data = _main_table(rows, led, width)
    apart = f"; {len(led) - len(data)} records of another table above it are no rows" if len(data) < len(led) else ""
    first = _first_data(rows, data, width)
    for at in (first - 1, first):
        if at >= 0 and rows[at][1] == ["", *map(str, range(width - 1))] and width > 1:
            return at, at + 1, "columns are counted from 0, as pandas does"
    block = block_above(rows, first)
    candidates = _scored(rows, kinds, may_name(rows, block, first, width, is_unit), first, width)
    if not candidates:
        reach = [i for i in range(max(0, first - HEADER_DEPTH), first) if i in set(wide) and any(rows[i][1])]
        candidates = _scored(rows, kinds, may_name(rows, reach, first, width, is_unit), first, width)
    if not candidates:
        for at in (first, block[-1] if block else first):
            if (later := _values_below(rows, kinds, measured, data, at, width)) is not None:
                return at, later, "its texts stand where values follow"
        if block and names_in_one_cell(rows[block[-1]][1], width):
            return block[-1], first, "one cell holds as many names as the rows have values"
        first = _narrower_above(rows, kinds, measured, first)
        return None, first, "the first record already holds values"
    best = max(candidates)[1]
    for at in (i for i in (first, *block[-1:]) if i > best + 1):
        dated = any(names_role(c, "time") for c in rows[at][1])
        numbered = dated and sum(map(is_measured, kinds[at])) >= 0.5 * width
        if numbered and (later := _values_below(rows, kinds, measured, data, at, width)) is not None:
            return at, later, "its texts stand where values follow"
    best = above_units(rows, best, block)
    best = _below_group_labels(rows, best, first, width)
    first = _first_row_below(best, first, rows, kinds, measured, set(data))
    return best, first, f"names above values; data start at line {rows[first][0] + 1}{apart}"


def _led_by_values(data: list[int], kinds: list[list[CellKind]], measured: tuple[bool, ...]) -> list[int]:
    """Returns the records of values, where nearly all begin with one, without those that begin with a text."""
    lead = measured.index(True)
    begun = [i for i in data if kinds[i][lead] != "text"]
    return begun if len(begun) >= 0.9 * len(data) else data


def _main_table(rows: Records, data: list[int], width: int) -> list[int]:
    """Returns the records of values of the table of `width` fields, without those of other tables above its header."""
    exact = [i for i in data if len(rows[i][1]) == width]
    others = [i for i in data if len(rows[i][1]) != width]
    if not others or not exact or others[-1] > exact[0] or len(exact) < _MAIN * len(others):
        return data
    between = [rows[i][1] for i in range(others[-1] + 1, exact[0])]
    return exact if any(len(_texts(cells)) >= 0.6 * width for cells in between) else data


def _texts(cells: Sequence[str]) -> list[str]:
    return [c for c in cells if kind_of(c) == "text"]


def _first_data(rows: Records, data: list[int], width: int) -> int:
    """Returns the first record of values that others follow; numbers amid the lines above the header do not count."""
    filled = [i for i, (_, r) in enumerate(rows) if any(r)]
    at = {i: n for n, i in enumerate(filled)}
    full = sum(len(rows[i][1]) == width for i in data) >= 0.9 * len(data)
    among = set(data)
    for i in data:
        following = filled[at[i] + 1 : at[i] + 3] if i in at else []
        above = [rows[j][1] for j in filled[: at.get(i, 0)]]
        # Exports glued together have the header again between the data.
        if all(j in among or _again(rows[j][1], above) for j in following) and (not full or len(rows[i][1]) == width):
            return i
    return next((i for n, i in enumerate(data) if n + 2 >= len(data) or data[n + 2] - i <= 5), data[0])


def _again(cells: list[str], above: Sequence[list[str]]) -> bool:
    """Returns whether a record stands above already, but perhaps for a running number before it."""
    numbered = len(cells) > _FEWEST_NAMED and cells[0].isdigit() and not any(map(str.isdigit, cells[1:]))
    return cells in above or (numbered and cells[1:] in [r[1:] for r in above])


def _narrower_above(rows: Records, kinds: list[list[CellKind]], measured: tuple[bool, ...], first: int) -> int:
    """Returns the first row where narrower rows of the same file, begun with a time like the others, stand above."""
    while first and len(rows[first - 1][1]) > 1 and kinds[first - 1][0] == kinds[first][0] == "time":
        if not looks_like_data(rows[first - 1][1], measured):
            break
        first -= 1
    return first


def _first_row_below(
    header: int,
    first: int,
    rows: Records,
    kinds: list[list[CellKind]],
    measured: tuple[bool, ...],
    data: set[int],
) -> int:
    """Returns the first row below the header: rows of values that lack fields, or that hold mostly texts or words for
    "no value", are rows all the same when they stand between the header and the others."""
    leading = measured.index(True)
    of_data = kinds[first][leading] if leading < len(kinds[first]) else "empty"
    for at in range(first - 1, header, -1):
        cells = rows[at][1]
        remark = len(cells) == 1 < len(measured) and not cells[0].endswith(":")
        if not any(cells) or (remark and any(i in data for i in range(header + 1, at))):
            # A remark between the first rows; what follows a title is another table.
            continue
        led = is_measured(of_data) and len(cells) > leading and kinds[at][leading] == of_data
        # Rows that are short of fields hold values all the same.
        short = (
            led and 1 < len(cells) < len(measured) and all(is_measured(k) or k in ("token", "empty") for k in kinds[at])
        )
        no_values = all(k in ("token", "empty") for k in kinds[at]) and any(c.isalpha() for c in "".join(cells))
        if at not in data and not short and not (len(cells) == len(measured) and (led or no_values)):
            break
        first = at
    return first


def _scored(
    rows: Records, kinds: list[list[CellKind]], reach: Sequence[int], first: int, width: int
) -> list[tuple[float, int]]:
    """Returns (score, index) of the records that may be the header."""
    found: list[tuple[float, int]] = []
    for i in reach:
        cells = rows[i][1]
        filled = [c for c in cells if c]
        enough = len(filled) >= (1 if width == 1 else max(2, 0.5 * min(width, len(cells))))
        # pandas leaves the index of a series without a name.
        enough = enough or (width == len(cells) == 2 and not cells[0] and i >= first - 2 and "text" in kinds[i])
        if not enough or sum(is_measured(k) for k in kinds[i]) > 0.34 * len(filled):
            continue
        names = rows[i - 1][1] if found and found[-1][1] == i - 1 else []
        unit_row = i > reach[0] and (mostly_units(filled) or units_under(names, cells))
        score = min(1.0, len(set(filled)) / width) - (0.8 if unit_row else 0)
        # Words for "no value" name columns only where nothing else does.
        score -= 0.8 * all(map(_FIELD_FORMAT.match, filled))
        # Names have letters; numbers of channels stand beside them.
        score -= 0.3 * sum(not any(map(str.isalpha, c)) for c in filled) / len(filled)
        score -= 0.3 * bool(describes(cells[0]) or all(k in ("token", "empty") for k in kinds[i]))
        # What a line that names every column has below it describes them.
        score -= 0.3 * (not cells[0] and any(j < i and _names_all(rows[j][1], width) for j in reach))
        # Lines that leave the first column free describe the columns one after another, the names first.
        score += 0.02 * (first - i) * (1 if not cells[0] and len(reach) > 2 else -1)
        found.append((score, i))
    return found


def _names_all(cells: Sequence[str], width: int) -> bool:
    """Returns whether a line has a text of its own over each column, that of the times first."""
    own = list(cells[: width - (len(cells) == width and not cells[-1])])
    named = len(own) >= width - 1 and all(own) and any(names_role(c, "time") for c in own[:3])
    named = named and not any(is_measured(kind_of(c)) for c in own)
    return named and len(set(own)) == len(own)


def _below_group_labels(rows: Records, best: int, first: int, width: int) -> int:
    """Returns the line under the best one when that only labels groups of columns and leaves the others blank."""
    upper = padded(rows[best][1], width)
    below = next((i for i in range(best + 1, first) if any(rows[i][1])), None)
    if below is None or all(upper):
        return best
    lower = padded(rows[below][1], width)
    filled = [c for c in lower if c]
    named = all(kind_of(c) == "text" for c in filled) and not mostly_units(filled) and not describes(lower[0])
    covers = all(a or b for a, b in zip(upper, lower, strict=True))
    return below if named and covers and len(filled) > sum(map(bool, upper)) else best


def _values_below(
    rows: Records,
    kinds: list[list[CellKind]],
    measured: tuple[bool, ...],
    data: list[int],
    first: int,
    width: int,
) -> int | None:
    """Returns the first data index when the record at `first` has numbers for names (register addresses)."""
    texts = [j for j, (k, m) in enumerate(zip(kinds[first], measured, strict=False)) if m and k == "text"]
    below = [i for i in data if i > first][:50]
    names = list(rows[first][1])
    dated = any(names_role(names[j], "time") for j in texts)
    if len(names) == width and not names[-1] and dated:
        # Lines that end with a delimiter.
        names.pop()
    distinct = len(names) >= width - dated and len(set(names)) == len(names) and all(names)
    if not texts or not below or not distinct or is_property(names):
        return None
    # The label of a summary at the end stands among the times.
    enough = 0.6 if dated else 1.0
    pure = all(sum(kinds[i][j] != "text" for i in below if j < len(kinds[i])) >= enough * len(below) for j in texts)
    return below[0] if pure and all(kinds[below[0]][j] != "text" for j in texts) else None


def _header_of_text(rows: Records, wide: list[int], width: int) -> tuple[int | None, int, str]:
    first = wide[0]
    names = rows[first][1]
    below = [rows[i][1] for i in wide[1:]]
    unique = len(set(names)) == len(names) and all(names)
    repeated = any(name == r[j] for r in below for j, name in enumerate(names) if j < len(r))
    short = all(len(n) <= 60 for n in names)
    if unique and short and below and not repeated and (width > 1 or _reads_like_a_name(names[0], below)):
        return first, first + 1, "distinct texts that do not occur below"
    if unique and not below and width > 1 and short:
        return first, first + 1, "only record"
    return None, first, "the first record looks like those below"


def _reads_like_a_name(name: str, below: list[list[str]]) -> bool:
    lengths = {len(r[0]) for r in below if r}
    return len(lengths) == 1 and len(name) not in lengths
