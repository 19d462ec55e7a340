"""How a delimited text file is laid out: delimiter, quote, preamble, header, units row, first data line.

Every candidate pair of delimiter and quote splits a sample of the head; the pair wins whose block of equally wide
records is longest and whose cells look most like values. A run of blanks is one delimiter. Each decision is a fact
with evidence; options replace decisions one by one.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field

from services.ingest.cells import WEIGHT, CellKind, is_measured, kind_of
from services.ingest.options import WHITESPACE, ReadOptions
from services.ingest.tables import Fact
from services.machines.units import parse_unit

_PRIOR = {
    ",": 1.0,
    ";": 1.0,
    "\t": 1.0,
    "|": 0.99,
    WHITESPACE: 0.74,
    ":": 0.45,
    "^": 0.8,
    "~": 0.8,
    "#": 0.55,
    "\x1f": 1.0,
    "\x01": 1.0,
}
SAMPLE_RECORDS = 400
SAMPLE_CHARACTERS = 600_000
HEADER_DEPTH = 8
_UNIT_LIKE = re.compile(r"^[\[(]?\s*([^\[\]()]{0,14})\s*[\])]?$")


@dataclass(frozen=True)
class Dialect:
    """A layout. Line numbers are physical lines from 0; `header_line` is None when there is no header.

    `names` has one entry per field, "" where the file gives none; `units` likewise. `measured` tells for each field
    whether its sampled cells are mostly numbers or times.
    """

    delimiter: str
    quote: str
    width: int
    header_line: int | None
    units_line: int | None
    first_data_line: int
    names: tuple[str, ...]
    units: tuple[str, ...]
    measured: tuple[bool, ...]
    preamble: tuple[tuple[str, ...], ...] = ()
    facts: tuple[Fact, ...] = field(default=())


def split_line(line: str, delimiter: str, quote: str) -> list[str]:
    """Returns the fields of one line."""
    if not delimiter:
        return [line.strip(quote) if quote else line]
    if delimiter == WHITESPACE:
        return line.split()
    return next(iter(_records(line, delimiter, quote, 1)), (0, [""]))[1]


def _records(text: str, delimiter: str, quote: str, limit: int) -> list[tuple[int, list[str]]]:
    """Returns (line from 0, fields) of the records in a sample, blank ones with no fields."""
    if delimiter == WHITESPACE:
        return [(i, line.split()) for i, line in enumerate(text.split("\n")[:limit])]
    if not delimiter and not quote:
        return [(i, [line] if line.strip() else []) for i, line in enumerate(text.split("\n")[:limit])]
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter or "\x00",
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    found: list[tuple[int, list[str]]] = []
    before = 0
    try:
        for row in reader:
            found.append((before, row))
            before = reader.line_num
            if len(found) >= limit:
                break
    except csv.Error:
        pass
    return found


def detect_dialect(text: str, options: ReadOptions) -> Dialect:
    """Returns the layout of a file from its head (str with "\\n" line ends). Never raises: prose gets one column."""
    sample = "\n".join(
        text[:SAMPLE_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").split("\n")[: SAMPLE_RECORDS + 1]
    )
    first_line = 0
    declared = re.match(r"^sep=(.)\n", sample, re.I)
    if declared:
        sample, first_line = sample[declared.end() :], 1
    delimiters = [options.delimiter] if options.delimiter else [declared[1]] if declared else list(_PRIOR)
    if options.quote is not None:
        quotes = [options.quote]
    else:
        quotes = ['"', ""] if '"' in sample else [""]
        if re.search(r"(?:^|[,;\t|])'[^'\n]*'(?:[,;\t|]|$)", sample, re.M):
            quotes.append("'")
    scored: list[tuple[float, str, str, int, list[tuple[int, list[str]]]]] = []
    for delimiter in delimiters:
        if delimiter != WHITESPACE and delimiter not in sample:
            continue
        for quote in quotes if delimiter != WHITESPACE else [""]:
            records = _records(sample, delimiter, quote, SAMPLE_RECORDS)
            if (best := _score(records, delimiter, quote)) is not None:
                scored.append((best[0], delimiter, quote, best[1], records))
    scored.sort(key=lambda s: -s[0])
    single = _single_column(sample, quotes[0])
    if not scored or (not options.delimiter and scored[0][0] < single[0]):
        scored.insert(0, (single[0], "", quotes[0], 1, single[1]))
    score, delimiter, quote, width, records = scored[0]
    others = tuple(
        dict.fromkeys(
            _shown(d) + (f" with {k} columns") for s, d, q, k, _ in scored[1:4] if s > 0.3 * score and d != delimiter
        )
    )
    facts = [
        Fact(
            "delimiter",
            _shown(delimiter) if delimiter else "none",
            "given"
            if options.delimiter or declared
            else f"{width} columns in {_share(records, width):.0%} of the first records",
            others,
            ambiguous=bool(len(scored) > 1 and scored[1][0] > 0.97 * score and scored[1][3] != width),
        )
    ]
    if quote and quote in sample:
        facts.append(Fact("quote", quote, "given" if options.quote is not None else "encloses fields of the sample"))
    return _structure(records, delimiter, quote, width, first_line, options, facts)


def _shown(delimiter: str) -> str:
    return {"\t": "\\t", "\x1f": "\\x1f", "\x01": "\\x01"}.get(delimiter, delimiter)


def _share(records: list[tuple[int, list[str]]], width: int) -> float:
    rows = [r for _, r in records if r]
    return sum(len(r) == width for r in rows) / max(1, len(rows))


def _score(records: list[tuple[int, list[str]]], delimiter: str, quote: str) -> tuple[float, int] | None:
    """Returns (score, width) of one way to split: uniform width, coverage, cells that look like values."""
    rows = [r for _, r in records if r]
    widths = Counter(len(r) for r in rows if len(r) > 1)
    if not widths:
        return None
    width = max(widths, key=lambda w: widths[w] * w**0.25)
    same = [i for i, r in enumerate(rows) if len(r) == width]
    inside = same[-1] - same[0] + 1
    cells = [c for i in same for c in rows[i]]
    if len(cells) > 20_000:
        cells = cells[:: len(cells) // 20_000]
    kinds = [kind_of(c) for c in cells]
    if all(k == "empty" for k in kinds):
        return None
    looks = sum(WEIGHT[k] for k in kinds) / len(kinds)
    if not quote:
        looks -= 0.5 * sum('"' in c for c in cells) / len(cells)
    if delimiter == WHITESPACE and sum(map(is_measured, kinds)) < 0.6 * len(kinds):
        return None
    if looks <= 0:
        return None
    score = (len(same) / inside) ** 1.5 * (inside / len(rows)) ** 0.8 * looks**2 * _PRIOR.get(delimiter, 0.8)
    score *= 1 + 0.04 * min(width, 30) ** 0.5
    return score * (1.0005 if quote == '"' else 0.97 if quote == "'" else 1.0), width


def _single_column(sample: str, quote: str) -> tuple[float, list[tuple[int, list[str]]]]:
    records = _records(sample, "", quote, SAMPLE_RECORDS)
    kinds = [kind_of(r[0]) for _, r in records if r]
    looks = sum(WEIGHT[k] for k in kinds) / max(1, len(kinds))
    # A comma inside most cells is more likely a delimiter than a mark of numbers.
    looks *= 1 - 0.4 * sum("," in r[0] for _, r in records if r) / max(1, len(kinds))
    return 0.55 * looks**2, records


def lay_out(records: list[tuple[int, list[str]]], width: int, options: ReadOptions) -> Dialect:
    """Returns where header, units and data are in records that are split already (a sheet); lines count from 0."""
    return _structure(records, "", "", width, 0, options, [])


def is_unit(text: str) -> bool:
    """Returns whether a cell holds a unit, bare or in brackets."""
    match = _UNIT_LIKE.match(text.strip())
    return bool(match and match[1].strip() and (parse_unit(match[1].strip()) is not None or match[1].strip() in "-%"))


def bare_unit(text: str) -> str:
    """Returns the unit without its brackets; "" for a dash."""
    unit = text.strip().strip("[]() ").strip()
    return "" if unit == "-" else unit


def _structure(
    records: list[tuple[int, list[str]]],
    delimiter: str,
    quote: str,
    width: int,
    first_line: int,
    options: ReadOptions,
    facts: list[Fact],
) -> Dialect:
    rows = [(line, [c.strip() for c in r]) for line, r in records]
    kinds: list[list[CellKind]] = [[kind_of(c) for c in r] for _, r in rows]
    measured = _measured_columns(rows, kinds, width)
    if options.header_row is not None:
        header, data = _given_header(rows, options.header_row - 1 - first_line)
        evidence = "given"
    else:
        header, data, evidence = _find_header(rows, kinds, measured, width)
    units_at: int | None = None
    if header is not None:
        follower = next((i for i in range(header + 1, len(rows)) if any(rows[i][1])), None)
        wanted = options.units_row if options.units_row is not None else None
        if follower is not None and wanted is not False:
            cells = [c for c in rows[follower][1] if c]
            alike = sum(map(is_unit, cells)) >= 0.6 * len(cells)
            if wanted or (alike and not any(is_measured(k) for k in kinds[follower])):
                units_at, data = follower, max(data, follower + 1)
    names = _padded(rows[header][1] if header is not None else [], width)
    if header is not None and len(rows[header][1]) == width - 1 and measured[:1] == (True,):
        # R writes no name above its row names, so the names stand one field to the left.
        names = ("", *rows[header][1])
    units = _padded([bare_unit(c) for c in rows[units_at][1]] if units_at is not None else [], width)
    shown = "none" if header is None else str(rows[header][0] + first_line + 1)
    facts.append(Fact("header_row", shown, evidence, ambiguous=False))
    if units_at is not None:
        facts.append(
            Fact(
                "units_row",
                str(rows[units_at][0] + first_line + 1),
                "cells are units: " + ", ".join(filter(None, units))[:80],
            )
        )
    above = header if header is not None else data
    first_data = rows[data][0] if data < len(rows) else (rows[-1][0] + 1 if rows else 0)
    return Dialect(
        delimiter=delimiter,
        quote=quote,
        width=width,
        header_line=None if header is None else rows[header][0] + first_line,
        units_line=None if units_at is None else rows[units_at][0] + first_line,
        first_data_line=first_data + first_line,
        names=names,
        units=units,
        measured=measured,
        preamble=tuple(
            tuple(r) for i, (_, r) in enumerate(rows[: max(above, data)]) if any(r) and i not in (header, units_at)
        ),
        facts=tuple(facts),
    )


def _padded(cells: list[str], width: int) -> tuple[str, ...]:
    return tuple(cells[:width]) + ("",) * (width - len(cells))


def _measured_columns(rows: list[tuple[int, list[str]]], kinds: list[list[CellKind]], width: int) -> tuple[bool, ...]:
    body = [k for k, (_, r) in zip(kinds, rows, strict=True) if len(r) == width]
    body = body[min(3, len(body) // 2) :]
    flags = []
    for column in range(width):
        filled = [k[column] for k in body if k[column] not in ("empty", "token")]
        flags.append(bool(filled) and sum(map(is_measured, filled)) >= 0.5 * len(filled))
    return tuple(flags)


def _given_header(rows: list[tuple[int, list[str]]], line: int) -> tuple[int | None, int]:
    if line < 0:
        return None, next((i for i, (_, r) in enumerate(rows) if any(r)), 0)
    at = next((i for i, (number, _) in enumerate(rows) if number >= line), max(0, len(rows) - 1))
    return at, at + 1


def looks_like_data(cells: list[str], measured: tuple[bool, ...]) -> bool:
    """Returns whether a record holds values where the table holds values: at least 60 % of the filled cells there."""
    relevant = [kind_of(c) for c, m in zip(cells, measured, strict=False) if m]
    filled = [k for k in relevant if k != "empty"]
    if not filled:
        return False
    values = sum(is_measured(k) for k in filled)
    return values >= 1 and values + sum(k == "token" for k in filled) >= 0.6 * len(filled)


def _find_header(
    rows: list[tuple[int, list[str]]], kinds: list[list[CellKind]], measured: tuple[bool, ...], width: int
) -> tuple[int | None, int, str]:
    """Returns (header index or None, first data index, evidence)."""
    wide = [i for i, (_, r) in enumerate(rows) if r and (len(r) >= max(1, width - 1) or len(r) >= 0.6 * width)]
    if not wide:
        return None, 0, "no record is wide enough"
    if not any(measured):
        return _header_of_text(rows, wide, width)
    data = [i for i in wide if looks_like_data(rows[i][1], measured)]
    if not data:
        return wide[0], wide[0] + 1, "no value below it"
    first = next((i for n, i in enumerate(data) if n + 2 >= len(data) or data[n + 2] - i <= 5), data[0])
    above = [i for i in range(max(0, first - HEADER_DEPTH), first) if i in set(wide) and any(rows[i][1])]
    candidates = []
    for i in above:
        filled = [c for c in rows[i][1] if c]
        enough = len(filled) >= (1 if width == 1 else max(2, 0.5 * min(width, len(rows[i][1]))))
        if not enough or sum(is_measured(k) for k in kinds[i]) > 0.34 * len(filled):
            continue
        unit_row = sum(map(is_unit, filled)) >= 0.6 * len(filled) and i > above[0]
        candidates.append((len(set(filled)) / width - (0.8 if unit_row else 0) - 0.02 * (first - i), i))
    if not candidates:
        if (later := _values_below(rows, kinds, measured, data, first)) is not None:
            return first, later, "its texts stand where values follow"
        return None, first, "the first record already holds values"
    best = max(candidates)[1]
    return best, first, f"names above values; data start at line {rows[first][0] + 1}"


def _values_below(
    rows: list[tuple[int, list[str]]],
    kinds: list[list[CellKind]],
    measured: tuple[bool, ...],
    data: list[int],
    first: int,
) -> int | None:
    """Returns the first data index when the record at `first` has numbers for names (register addresses)."""
    texts = [j for j, (k, m) in enumerate(zip(kinds[first], measured, strict=False)) if m and k == "text"]
    below = [i for i in data if i > first][:50]
    names = rows[first][1]
    if not texts or not below or len(set(names)) != len(names) or not all(names):
        return None
    pure = all(kinds[i][j] != "text" for i in below for j in texts if j < len(kinds[i]))
    return below[0] if pure else None


def _header_of_text(rows: list[tuple[int, list[str]]], wide: list[int], width: int) -> tuple[int | None, int, str]:
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
