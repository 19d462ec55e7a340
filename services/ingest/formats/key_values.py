"""Lines of named values: `2024-05-01 10:00 flow=3.2 temp="60"`, `[22-01-2023 16:17:24] - Temp: 25.3C Hum: 60 %`.

A line is a row, a key a column; a time before the first pair is the column `time`, other words there the column `text`.
A line without pairs is a reject, above the first row it is preamble. Of a key that a line has twice the last value
stands under the key, the others under numbered ones.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.delimited import read_delimited
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.headings.column_names import unique_names, unit_in_name
from services.ingest.headings.distinct_names import free_name
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import LineCounts, Progress, Reject, SourceTable

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_TIME = r"\d{4}[-/.]\d\d?[-/.]\d\d?[T ]\d\d?:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?"
_NUMBER = r"[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?"
_UNIT = (
    r"(?:°?[CFK]|deg ?[CF]|%(?: ?RH)?|m?bar|[hkM]?Pa|psi|[mk]?[VAW]|[kM]?Wh|kVAr?|rpm|[km]?Hz|mm/s|m/s"
    r"|[lL]/(?:min|[sh])|m[3³]/(?:min|[sh])|pp[mb]|lux|lx|dB|k?g|[mµu]?m|m?s|N|k?Nm)"
)
# Between blanks a colon must be followed by a number: "note: checked" is prose.
_BETWEEN_BLANKS = re.compile(
    r"(?<![^\s,;|])([A-Za-z_][\w.\[\]/%-]{0,80})"
    rf"(?:[:=] ?({_NUMBER}(?<=\d) {_UNIT}(?=\s*$|\s+[A-Za-z_][\w.]*[:=]))"
    rf"|=({_TIME}(?=[\s,;|]|$)|{_QUOTED}|[^\s,;|\"=]+)|[:=] ?({_NUMBER}(?:\b(?:[.,]\d+)?"
    r"|(?<=\d)[A-Za-z%°µ²³/]{1,8}(?=[\s,;|]|$))))"
)
_BETWEEN_MARKS = re.compile(
    rf"(?<![^\s,;|])([A-Za-z_][\w.\[\]/% -]{{0,80}}?) ?[:=] ?(?:({_TIME}|{_QUOTED})|([+-]?\d[\d.]*(?:[eE][+-]?\d+)?"
    r"(?: ?[A-Za-z%°µ²³/]{1,8})?|[A-Za-z][\w -]{0,30}))(?=\s*(?:[,;|]|$)|\s-\s)"
)
_MOMENT = re.compile(
    r"^[\[(]?\s*([A-Z][a-z]{2} [A-Z][a-z]{2} [\d ]?\d \d\d:\d\d:\d\d \d{4}"
    r"|\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{2,4}|\d{10,19}(?:\.\d+)?(?![\d:.]))"
    r"([T ,;_]{1,2}\d\d?:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?[AaPp][Mm])?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)?\s*[\])]?"
)
_WORDS = re.compile(r"[\s,;|:\[\]()<>-]*(?:[A-Za-z_][\w.]*[\s,;|:\[\]()<>-]+)*")
_BETWEEN = re.compile(r"(?:[\s,;|]|(?<=\s)-(?=\s))*")
_LOOKED_AT = 20
_FEWEST_LINES = 3
_LONGEST = 4_000
_MOST = 0.8

_Found = tuple[str, str, list[tuple[str, str]]]
"""Time, words and pairs of a line."""


def _found(line: str, pattern: re.Pattern[str]) -> _Found | None:
    """Returns what a line holds; None unless it consists of pairs and what stands before them."""
    pairs: list[tuple[str, str]] = []
    lead, end = "", 0
    for match in pattern.finditer(line):
        if not pairs:
            lead = line[: match.start()]
        elif not _BETWEEN.fullmatch(line, end, match.start()):
            return None
        value = next(v for v in match.groups()[1:] if v is not None)
        pairs.append((match[1], value[1:-1] if value[:1] == '"' else value))
        end = match.end()
    if not pairs or not _BETWEEN.fullmatch(line, end):
        return None
    moment = _MOMENT.match(lead)
    rest = lead[moment.end() :] if moment else lead
    if not _WORDS.fullmatch(rest):
        return None
    return moment[0].strip("[]() ,;") if moment else "", rest.strip("[]()<>:,;|- \t"), pairs


def _pattern(head: str) -> tuple[re.Pattern[str], int, int] | None:
    """Returns the pattern of the pairs, how many of the first lines have them, and how many were looked at."""
    lines = head.split("\n")[:-1] or [head]
    first = list(islice((line.strip() for line in lines if line.strip() and line[0] != "#"), _LOOKED_AT))
    if any(len(line) > _LONGEST for line in first):
        return None
    best = None
    for pattern in (_BETWEEN_BLANKS, _BETWEEN_MARKS):
        found = [f for line in first if (f := _found(line, pattern))]
        if len(found) >= max(_FEWEST_LINES, _MOST * len(first)) and _alike(found):
            best = max(best or (pattern, 0, 0), (pattern, len(found), len(first)), key=lambda b: b[1])
    return best


def _alike(found: list[_Found]) -> bool:
    """Returns whether lines tell of the same things: their keys come again, and numbers are among their values."""
    keys = Counter(key for _, _, pairs in found for key in {k for k, _ in pairs})
    if any(not time and len(pairs) < 2 for time, _, pairs in found):
        return False
    numbers = any(re.match(_NUMBER, value) for _, _, pairs in found for _, value in pairs)
    return numbers and sum(n for n in keys.values() if n > 1) >= _MOST * keys.total()


def recognise(head: str) -> str:
    """Returns why a text is lines of named values, or ""."""
    if "=" not in head and ":" not in head:
        return ""
    found = _pattern(head)
    return f"{found[1]} of the first {found[2]} lines are pairs of a name and a value" if found else ""


def read_lines(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns one row a line, one text column a key, or what was asked for. Raises NO_ROWS, INGEST_LIMIT."""
    if options.raw or options.delimiter or options.header_row is not None:
        return read_delimited(text, file_name, options, limits, progress)
    refuse_beyond("bytes", text.size, limits.scada_bytes)
    shape = _pattern(text.head(1 << 16))
    pattern = shape[0] if shape else _BETWEEN_BLANKS
    columns: dict[str, list[str | None]] = {"\0time": [], "\0text": []}
    rejects: list[Reject] = []
    lines = preamble = blank = row = 0
    numbers: list[int] = []
    at: list[int] = []
    for passage in text.passages(limits.line_bytes):
        progress("reading", lines, 0)
        for line in passage.removesuffix("\n").split("\n"):
            lines += 1
            bare = line.strip()
            if not bare:
                blank += 1
                continue
            found = _found(bare, pattern) if len(bare) <= limits.cell_bytes else None
            if found is None and not row:
                preamble += 1
                continue
            row += 1
            refuse_beyond("rows", row, limits.rows)
            if found is None:
                rejects.append(Reject(row, lines, "NOT_PAIRS", bare[:500]))
                refuse_beyond("rejects", len(rejects), limits.rejects)
                continue
            height = len(at)
            numbers.append(row)
            at.append(lines)
            for key, value in _distinct(found).items():
                cells = columns.setdefault(key, [])
                cells += [None] * (height - len(cells))
                cells.append(value or None)
            refuse_beyond("columns", len(columns), limits.columns)
    if not at:
        raise SensorForgeError("NO_ROWS", f"{file_name} has no line of named values.")
    filled = {k: [*v, *[None] * (len(at) - len(v))] for k, v in columns.items() if any(c is not None for c in v)}
    own = {"\0time": free_name("time", columns), "\0text": free_name("text", columns)}
    names = unique_names([own.get(k, k) for k in filled])
    frame = pl.DataFrame([pl.Series(n, v, dtype=pl.String) for n, v in zip(names, filled.values(), strict=True)])
    counts = LineCounts(lines, len(at), preamble=preamble, rejected=len(rejects), blank=blank)
    return SourceTable(
        frame,
        counts,
        pl.Series("source_row", numbers, dtype=pl.Int64),
        pl.Series("line", at, dtype=pl.Int64),
        units={n: u for n in names if (u := unit_in_name(n))},
        facts=[*text.facts],
        rejects=rejects,
    )


def _distinct(found: _Found) -> dict[str, str]:
    """Returns the cells of a line by column; of a key that stands twice the last one has its name."""
    time, words, pairs = found
    last = dict(pairs)
    cells = {"\0time": time, "\0text": words}
    repeated: Counter[str] = Counter()
    for at, (key, value) in enumerate(pairs):
        if len(last) == len(pairs) or all(k != key for k, _ in pairs[at + 1 :]):
            cells[key] = value
            continue
        repeated[key] += 1
        cells[f"{key}_{repeated[key] + 1}"] = value
    return cells


FORMAT = TextFormat("key_values", recognise, read_lines)
