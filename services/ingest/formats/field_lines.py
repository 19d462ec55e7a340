"""Records with a field a line: `psql -x`, `mysql -E`, PowerShell's Format-List and others that write `name: value`.

A rule such as `-[ RECORD 1 ]---` or `*** 1. row ***`, or else a blank line, begins each record. A line that names no
field goes on with the value above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.delimited import read_delimited
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.headings.column_names import unique_names, unit_in_name
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import LineCounts, Progress, Reject, SourceTable

_RULE = re.compile(r"\s*(?:-\[ RECORD \d+ \][-+]*|\*{3,} *\d+\. row *\*{3,})\s*")
_FOOTER = re.compile(r"\s*\(?\d+ rows?(?: in set.*)?\)?\s*")
_BAR = re.compile(r"([^|]{1,80}?)\s*\| ?(.*)")
_COLON = re.compile(r"\s*([^\W\d][^:=|]{0,80}?)\s*:(?:\s+(.*))?")
_LOOKED_AT = 400
_FEWEST_RECORDS = 3
_FEWEST_FIELDS = 2
_MOST = 0.8
_STRAYS = 0.1


@dataclass
class _Record:
    """The fields of one record, and the line (from 1) at which it begins."""

    line: int
    fields: dict[str, str] = field(default_factory=dict)
    lines: int = 0


@dataclass
class _Reader:
    """What became of the lines: `records` come one by one, `counts` hold when they are exhausted."""

    ruled: bool
    begun: bool = False
    preamble: int = 0
    blank: int = 0
    footer: int = 0
    total: int = 0
    strays: list[tuple[int, str]] = field(default_factory=list)
    """Lines (from 1) that name no field where no value stands above them."""

    def records(self, lines: Iterable[str]) -> Iterator[_Record]:
        """Yields the records of a text's lines."""
        record: _Record | None = None
        last = ""
        for line in lines:
            self.total += 1
            bare = line.strip()
            match = (_BAR if self.ruled and "|" in line else _COLON).fullmatch(line)
            named = match[1].strip() if match else ""
            begins = bool(_RULE.fullmatch(line)) if self.ruled else bool(named) and record is None
            if begins:
                if record is not None:
                    yield record
                record, last = _Record(self.total), ""
                self.begun = True
                record.lines = 1
                if self.ruled:
                    continue
            elif not bare:
                self.blank += 1
                if record is not None and not self.ruled:
                    yield record
                    record = None
                continue
            elif record is None and (self.ruled or not self.begun):
                self.preamble += 1
                continue
            elif record is None or not (named or last):
                self.strays.append((self.total, bare))
                continue
            elif _FOOTER.fullmatch(line):
                self.footer += 1
                continue
            else:
                record.lines += 1
            if match and named:
                last = named
                record.fields[last] = (match[2] or "").strip()
            else:
                more = (match[2] if match else line).strip()
                record.fields[last] = f"{record.fields[last].removesuffix('+').rstrip()}\n{more}"
        if record is not None:
            yield record


def recognise(head: str) -> str:
    """Returns why a text is records with a field a line, or ""."""
    lines = (head.split("\n")[:-1] or [head])[:_LOOKED_AT]
    ruled = sum(bool(_RULE.fullmatch(line)) for line in lines)
    if not ruled and sum(bool(_COLON.fullmatch(line)) for line in lines) < _MOST * sum(bool(x.strip()) for x in lines):
        return ""
    reader = _Reader(bool(ruled))
    records = list(reader.records(lines))
    whole = records[:-1] if len(lines) == _LOOKED_AT else records
    if (
        len(reader.strays) > _STRAYS * len(whole)
        or len(whole) < (1 if ruled else _FEWEST_RECORDS)
        or not whole[0].fields
    ):
        return ""
    names = list(whole[0].fields)
    alike = sum(list(record.fields) == names for record in whole)
    if not ruled and (len(names) < _FEWEST_FIELDS or alike < _MOST * len(whole)):
        return ""
    how = "behind rules" if ruled else "between blank lines"
    return f"the first {len(whole)} records {how} have a field a line"


def read_records(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns one row a record, one text column a field. Raises NO_ROWS, INGEST_LIMIT."""
    if options.raw or options.delimiter or options.header_row is not None:
        return read_delimited(text, file_name, options, limits, progress)
    refuse_beyond("bytes of records with a field a line", text.size, limits.json_whole_bytes)
    progress("reading", 0, 0)
    lines = text.data.decode("utf-8").removesuffix("\n").split("\n")
    reader = _Reader(any(_RULE.fullmatch(line) for line in lines[:_LOOKED_AT]))
    columns: dict[str, list[str | None]] = {}
    at: list[int] = []
    inside = 0
    for record in reader.records(lines):
        refuse_beyond("rows", len(at) + 1, limits.rows)
        for name, value in record.fields.items():
            cells = columns.setdefault(name, [])
            cells += [None] * (len(at) - len(cells))
            cells.append(value or None)
        refuse_beyond("columns", len(columns), limits.columns)
        at.append(record.line)
        inside += record.lines
    refuse_beyond("cells", len(columns) * len(at), limits.cells)
    if not at or not columns:
        raise SensorForgeError("NO_ROWS", f"{file_name} has no record with a field a line.")
    names = unique_names(list(columns))
    frame = pl.DataFrame(
        [
            pl.Series(name, [*cells, *[None] * (len(at) - len(cells))], dtype=pl.String)
            for name, cells in zip(names, columns.values(), strict=True)
        ]
    )
    row_of = np.searchsorted(at, [line for line, _ in reader.strays]).tolist()
    rejects = [
        Reject(row, line, "NOT_PAIRS", stray[:500]) for row, (line, stray) in zip(row_of, reader.strays, strict=True)
    ]
    refuse_beyond("rejects", len(rejects), limits.rejects)
    counts = LineCounts(
        reader.total,
        len(at),
        preamble=reader.preamble,
        rejected=len(rejects),
        footer=reader.footer,
        blank=reader.blank,
        continuation=inside - len(at),
    )
    return SourceTable(
        frame,
        counts,
        pl.Series("source_row", range(1, len(at) + 1), dtype=pl.Int64),
        pl.Series("line", at, dtype=pl.Int64),
        units={n: u for n in names if (u := unit_in_name(n))},
        facts=[*text.facts],
        rejects=rejects,
    )


FORMAT = TextFormat("field_lines", recognise, read_records)
