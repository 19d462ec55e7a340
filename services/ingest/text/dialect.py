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
from dataclasses import dataclass, field, replace

from services.ingest.headings.header import find_heading, measured_columns, timed_columns
from services.ingest.headings.header import looks_like_data as looks_like_data
from services.ingest.headings.names import block_above
from services.ingest.options import WHITESPACE, ReadOptions
from services.ingest.tables import Fact
from services.ingest.text.plain_lines import PlainLines
from services.ingest.values.cells import WEIGHT, CellKind, is_measured, kind_of

_PRIOR = {
    ",": 1.0,
    ";": 1.0,
    "\t": 1.0,
    "|": 0.99,
    WHITESPACE: 0.74,
    " ": 0.72,
    ":": 0.45,
    "^": 0.8,
    "~": 0.8,
    "#": 0.55,
    "\x1f": 1.0,
    "\x01": 1.0,
}
_RARE = ("§", "¦", "¬", "||", "::", "~~", "##", "^^", "&&", "+", "?", "!", "*", "&")
"""Tried where nearly every line has the same number of them."""
_RARE_PRIOR = 0.45
# Single blanks delimit only where quotes keep the blanks of texts, as R's write.table does.
_QUOTED_BETWEEN_BLANKS = re.compile(r'^(?:"[^"\n]*"|\S+)(?: (?:"[^"\n]*"|[^\s"]+))* "[^"\n]*"(?: |$)', re.M)
_DATED_CLOCK = re.compile(r"(?:\d{4}|[-/.]\d\d?)[T ,;]{1,2}\d\d?:\d\d|\d\d?:\d\d:\d\d \d{4}\b")
SAMPLE_RECORDS = 400
_FEWEST_ROWS = 3
_RECORDS_LOOKED_AT = 60
SAMPLE_CHARACTERS = 600_000


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
    blank_follows: bool = False
    """Every delimiter of the sample is followed by a blank, which is no part of the cell then."""
    heading_rows: tuple[tuple[str, ...], ...] = ()
    """The cells of all filled lines of the header's block."""
    timed: tuple[bool, ...] = ()
    """For each field whether nearly all its sampled cells are dates or times."""
    day_first: bool | None = None
    """What a pattern of dates in the heading says of their order."""
    escaped: bool = False
    """A delimiter after a backslash is part of the cell."""


def split_line(line: str, delimiter: str, quote: str) -> list[str]:
    """Returns the fields of one line."""
    if not delimiter:
        return [line.strip(quote) if quote else line]
    if delimiter == WHITESPACE:
        return line.split()
    return next(iter(_records(line, delimiter, quote, 1)), (0, [""]))[1]


def _records(
    text: str, delimiter: str, quote: str, limit: int, *, escaped: bool = False
) -> list[tuple[int, list[str]]]:
    """Returns (line from 0, fields) of the records in a sample, blank ones with no fields."""
    lines = PlainLines(delimiter, escaped)
    if delimiter != WHITESPACE and lines.rewrite is not None:
        plain = lines.rewrite(text.encode("utf-8", "replace")).decode()
        return [(i, [lines.restored(c) for c in r]) for i, r in _records(plain, lines.byte, quote, limit)]
    if delimiter == WHITESPACE:
        return [(i, line.split()) for i, line in enumerate(text.split("\n")[:limit])]
    if not delimiter and not quote:
        return [(i, [line] if line.strip() else []) for i, line in enumerate(text.split("\n")[:limit])]
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter or "\x00",
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        # A quote may open after blanks; each blank counts where blanks are the delimiter.
        skipinitialspace=delimiter != " ",
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
    delimiters = [options.delimiter] if options.delimiter else [declared[1]] if declared else _candidates(sample)
    if options.quote is not None:
        quotes = [options.quote]
    else:
        quotes = ['"', ""] if '"' in sample else [""]
        if re.search(r"(?:^|[^\w '] ?)'[^'\n]*'(?:[^\w ']|$)", sample, re.M):
            quotes.append("'")
    comments = _comments(sample)
    scored: list[tuple[float, str, str, int, list[tuple[int, list[str]]]]] = []
    escaping: set[tuple[str, str]] = set()
    for delimiter in delimiters:
        if delimiter != WHITESPACE and delimiter not in sample:
            continue
        if delimiter == " " and not options.delimiter and not _QUOTED_BETWEEN_BLANKS.search(sample):
            continue
        if delimiter == ":" and not options.delimiter and not declared and _clock_a_line(sample):
            continue
        for quote in quotes if delimiter != WHITESPACE else [""]:
            prior = _prior(sample, delimiter, quote)
            records = _records(sample, delimiter, quote, SAMPLE_RECORDS)
            best = _score(_without_comments(records, comments, delimiter), delimiter, quote, prior)
            if "\\" + delimiter in sample:
                whole = _records(sample, delimiter, quote, SAMPLE_RECORDS, escaped=True)
                better = _score(whole, delimiter, quote, prior)
                if better is not None and (best is None or better[0] > 1.02 * best[0]):
                    best, records = better, whole
                    escaping.add((delimiter, quote))
            if best is not None:
                scored.append((best[0], delimiter, quote, best[1], records))
    if not options.delimiter and any(d == "\t" and _share(r, w) >= 0.9 for _, d, _, w, r in scored):
        # Blanks inside the cells of a table of tabs ("12.5 bar") delimit nothing.
        scored = [s for s in scored if s[1] != WHITESPACE]
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
    escaped = (delimiter, quote) in escaping
    if escaped:
        facts.append(Fact("escape", "\\", "a delimiter after a backslash belongs to its cell"))
    found = _structure(records, delimiter, quote, width, first_line, options, facts)
    return replace(found, blank_follows=_blank_follows(sample, delimiter, quote), escaped=escaped)


def _clock_a_line(sample: str) -> bool:
    """Returns whether nearly every line has a date with a clock outside quotes, whose colons delimit nothing."""
    lines = [line for line in sample.split("\n") if line.strip()]
    return sum(bool(_DATED_CLOCK.search(re.sub(r'"[^"]*"', "", x))) for x in lines) >= 0.9 * len(lines)


def _comments(sample: str) -> int:
    """Returns how many lines at the beginning are comments behind "#" before the last one, which may name columns."""
    lines = sample.split("\n")
    begun = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    return max(0, begun - 1) if len(lines) - begun >= _FEWEST_ROWS else 0


def _without_comments(records: list[tuple[int, list[str]]], lines: int, delimiter: str) -> list[tuple[int, list[str]]]:
    """Returns the records behind so many lines; a mark that begins lines is a delimiter only where others have it."""
    return records if delimiter == "#" and lines < _FEWEST_ROWS else [r for r in records if r[0] >= lines]


def _candidates(sample: str) -> list[str]:
    """Returns the delimiters worth trying: the usual ones, and rare ones that nearly every line has as often."""
    lines = [line for line in sample.split("\n") if line.strip()]
    found = list(_PRIOR)
    for delimiter in _RARE:
        if len(lines) < 2 or delimiter not in sample:
            continue
        usual, often = Counter(line.count(delimiter) for line in lines).most_common(1)[0]
        single = delimiter[0]
        alone = len(delimiter) == 2 and sample.count(single) != 2 * sample.count(delimiter)
        if usual and often >= 0.9 * len(lines) and not alone:
            found.append(delimiter)
            # Where it is always doubled, one of it delimits nothing.
            found = [d for d in found if d != single or len(delimiter) == 1]
    return found


def _prior(sample: str, delimiter: str, quote: str) -> float:
    """Returns how likely a delimiter is before its records are looked at; certain where it stands between quotes."""
    usual = _PRIOR.get(delimiter, _RARE_PRIOR if delimiter in _RARE and delimiter.isascii() else 0.8)
    if not quote or delimiter == WHITESPACE:
        return usual
    between = re.compile(f"(?<!{quote}){quote}{re.escape(delimiter)} ?{quote}(?!{quote})")
    lines = [line for line in sample.split("\n") if line.strip()]
    return 1.0 if usual < 1 and sum(bool(between.search(x)) for x in lines) >= 0.9 * len(lines) else usual


def _blank_follows(sample: str, delimiter: str, quote: str) -> bool:
    """Returns whether a blank stands behind every delimiter outside quotes."""
    if delimiter in ("", " ", WHITESPACE) or delimiter + " " not in sample:
        return False
    quoted = re.escape(quote)
    bare = re.sub(f"{quoted}[^{quoted}]*{quoted}", "", sample) if quote else sample
    return bare.count(delimiter) == bare.count(delimiter + " ")


def _shown(delimiter: str) -> str:
    return {"\t": "\\t", "\x1f": "\\x1f", "\x01": "\\x01"}.get(delimiter, delimiter)


def _share(records: list[tuple[int, list[str]]], width: int) -> float:
    rows = [r for _, r in records if r]
    return sum(len(r) == width for r in rows) / max(1, len(rows))


def _score(records: list[tuple[int, list[str]]], delimiter: str, quote: str, prior: float) -> tuple[float, int] | None:
    """Returns (score, width) of one way to split: uniform width, coverage, cells that look like values."""
    rows = [r for _, r in records if r]
    widths = Counter(len(r) for r in rows if len(r) > 1)
    if not widths:
        return None
    width = max(widths, key=lambda w: widths[w] * w**0.25 * _like_values(rows, w, len(widths)))
    same = [i for i, r in enumerate(rows) if len(r) == width]
    inside = same[-1] - same[0] + 1
    cells = [c for i in same for c in rows[i]]
    if len(cells) > 20_000:
        cells = cells[:: len(cells) // 20_000]
    kinds = [kind_of(c) for c in cells]
    if all(k == "empty" for k in kinds):
        return None
    looks = sum(map(_looks, cells, kinds, [quote] * len(cells))) / len(cells)
    if not quote:
        looks -= 0.5 * sum('"' in c or (c[:1] == c[-1:] == "'" and len(c) > 1) for c in cells) / len(cells)
    if delimiter == WHITESPACE and (sum(map(is_measured, kinds)) < 0.6 * len(kinds) or '"' in rows[same[0]][0]):
        return None
    if looks <= 0:
        return None
    score = (len(same) / inside) ** 1.5 * (inside / len(rows)) ** 0.8 * looks**2 * prior
    score *= 1 + 0.04 * min(width, 30) ** 0.5
    return score * (1.0005 if quote == '"' else 0.97 if quote == "'" else 1.0), width


def _like_values(rows: list[list[str]], width: int, widths: int) -> float:
    """Returns how much the cells of the records of a width look like values: keys and texts above a table do not."""
    if widths == 1:
        return 1.0
    cells = [c for r in [r for r in rows if len(r) == width][:_RECORDS_LOOKED_AT] for c in r]
    return (sum(WEIGHT[kind_of(c)] for c in cells) / len(cells)) ** 2


def _looks(cell: str, kind: CellKind, quote: str) -> float:
    """Returns how much a cell speaks for its dialect; quotes are there for cells with delimiters in them."""
    return WEIGHT["text" if kind == "odd" and quote and len(cell) <= 80 and "\n" not in cell else kind]


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


def _unmarked(cells: list[str], width: int) -> list[str]:
    """Returns the cells of a record without the mark of a comment that stands alone before as many names as there are
    columns ("# time flow", as numpy writes)."""
    return cells[1:] if len(cells) == width + 1 and cells[0] in _MARKS and width > 1 else cells


_MARKS = frozenset({"#", "%", "//", "!"})


def _structure(
    records: list[tuple[int, list[str]]],
    delimiter: str,
    quote: str,
    width: int,
    first_line: int,
    options: ReadOptions,
    facts: list[Fact],
) -> Dialect:
    rows = [(line + first_line, _unmarked([c.strip() for c in r], width)) for line, r in records]
    kinds: list[list[CellKind]] = [[kind_of(c) for c in r] for _, r in rows]
    found = find_heading(rows, kinds, width, options)
    line_of = [line for line, _ in rows]
    shown = "none" if found.header is None else str(line_of[found.header] + 1)
    facts.append(Fact("header_row", shown, found.evidence, ambiguous=False))
    if found.groups:
        above = ", ".join(str(line_of[i] + 1) for i in found.groups)
        facts.append(Fact("header_groups", above, "labels over several columns stand before their names"))
    if found.units_row is not None:
        units = ", ".join(filter(None, found.units))[:80]
        facts.append(Fact("units_row", str(line_of[found.units_row] + 1), f"cells are units: {units}"))
    marked = (found.header, found.units_row)
    after = line_of[found.data] if found.data < len(rows) else (line_of[-1] + 1 if rows else first_line)
    top = max(found.data if found.header is None else found.header, found.data)
    return Dialect(
        delimiter=delimiter,
        quote=quote,
        width=width,
        header_line=None if found.header is None else line_of[found.header],
        units_line=None if found.units_row is None else line_of[found.units_row],
        first_data_line=after,
        names=found.names,
        units=found.units,
        measured=measured_columns(rows, kinds, width),
        timed=timed_columns(rows, kinds, found.data, width),
        day_first=found.day_first,
        heading_rows=() if found.header is None else tuple(tuple(rows[i][1]) for i in block_above(rows, found.data)),
        preamble=tuple(tuple(r) for i, (_, r) in enumerate(rows[:top]) if any(r) and i not in marked),
        facts=tuple(facts),
    )
