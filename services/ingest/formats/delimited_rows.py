"""One pass over a delimited text, block by block: what each record becomes, and the table of those that are rows.

Nothing but the block at hand is in memory. Every line is counted once, as preamble, header, units, row, reject,
footer, blank or continuation of a quoted cell, and the parser must return as many rows as were counted without it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.delimited_layout import Layout
from services.ingest.formats.footer import FOOTER_LINES, is_footer
from services.ingest.formats.repeated_headings import repeated_headings
from services.ingest.formats.text_file import Text
from services.ingest.layouts.tag_labels import refuse_another_tag
from services.ingest.limits import refuse_beyond
from services.ingest.tables import LineCounts, Progress, Reject
from services.ingest.text.quoting import canonical
from services.ingest.text.record_blocks import Block, ahead, record_blocks
from services.ingest.text.records import Ints, Records, cut_off

BLOCK_BYTES = 8 << 20
WIDEN_SHARE = 0.05
"""Share of rows with surplus fields above which the table is widened instead of rejecting them."""
_UNREADABLE = (pl.exceptions.ComputeError, pl.exceptions.SchemaError)

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Part:
    """Consecutive rows: cells as text, except of columns that a type was asked for; numbers of their rows and lines."""

    frame: pl.DataFrame
    row_numbers: Ints
    lines: Ints
    rejects: list[Reject]


@dataclass
class RowPass:
    """Reads all rows at one width, as often as `parts` is called; what it counts is complete when that is exhausted.

    `typed` names columns that may be parsed as numbers at once; a block in which that fails comes as text.
    """

    text: Text
    layout: Layout
    names: Sequence[str]
    progress: Progress
    typed: Mapping[str, pl.DataType] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    row_number: int = 0
    padded: int = 0
    surplus: int = 0
    widest: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    _seen: int = 0
    _kept: int = 0
    _header: int | None = None
    _units: int | None = None
    _units_row: Sequence[str] = ()
    _data_from: int = 0

    def parts(self, block_bytes: int = BLOCK_BYTES) -> Iterator[Part]:
        """Yields the rows. Raises INGEST_LIMIT in flight, LEDGER_UNBALANCED."""
        layout, dialect = self.layout, self.layout.dialect
        self.row_number = self.padded = self.surplus = self.widest = self._seen = self._kept = 0
        self._header = self._units = None
        self._units_row = ()
        self.rejected = Counter()
        self.counted = dict.fromkeys(LineCounts.__dataclass_fields__, 0)
        self._data_from = dialect.first_data_line + 1
        blocks = record_blocks(
            self._counted_blocks(block_bytes),
            layout.delimiter,
            layout.quote,
            held_back=FOOTER_LINES + 1,
            longest_line=layout.limits.line_bytes,
            plain=layout.lines.rewrite,
        )
        for block in ahead(blocks):
            self._seen += len(block.records)
            refuse_beyond("rows", self._seen, layout.limits.rows)
            yield self._part(block)

    def counts(self) -> LineCounts:
        """Returns what became of all lines."""
        return LineCounts(**self.counted).without_blanked(self.layout.blanked)

    def _counted_blocks(self, size: int) -> Iterator[bytes]:
        read, last = 0, b"\n"
        for block in self.text.blocks(size):
            self.counted["total"] += int(np.count_nonzero(np.frombuffer(block, np.uint8) == ord("\n")))
            read, last = read + len(block), block[-1:]
            self.progress("reading", read, self.text.size)
            yield block
        self.counted["total"] += last != b"\n"

    def _part(self, block: Block) -> Part:
        records = block.records
        header = self._find_line(block, self.layout.dialect.header_line, self._header)
        if header is not None:
            self._header = int(records.line[header])
        units = self._find_line(block, self.layout.dialect.units_line, self._units)
        if units is not None:
            self._units = int(records.line[units])
            self._units_row = [c.strip() for c in self.layout.fields(block, units)]
        self._data_from = max(self._data_from, (self._header or 0) + 1, (self._units or 0) + 1)
        index = np.arange(len(records))
        is_header = np.isin(index, () if header is None else header)
        is_units = np.isin(index, () if units is None else units)
        length = records.end - records.start
        empty_cells = (length == records.fields - 1) & (self.layout.dialect.width > 1)
        blank = ((records.fields == 0) | empty_cells) & ~is_header & ~is_units
        before = records.line < self._data_from
        after = index >= self._footer_start(block, before)
        is_row = ~before & ~after & ~blank
        rejected = self._rejected(block, is_row)
        kept = is_row.copy()
        kept[list(rejected)] = False
        row_number = self.row_number + np.cumsum(is_row, dtype=np.int64)
        self._count(records, blank, before & ~blank & ~is_header & ~is_units, after & ~blank, is_row | is_header)
        self.row_number += int(is_row.sum())
        self._kept += int(kept.sum())
        refuse_beyond("cells", self._kept * len(self.names), self.layout.limits.cells)
        self.padded += int(np.maximum(len(self.names) - records.fields[kept], 0).sum())
        rejects = [
            Reject(int(row_number[i]), int(records.line[i]), reason, self.layout.shown(block, i))
            for i, reason in sorted(rejected.items())
        ]
        frame = self._parse(block, kept)
        if frame.height != int(kept.sum()):
            raise SensorForgeError(
                "LEDGER_UNBALANCED",
                f"{self.layout.file_name}: {int(kept.sum())} rows were counted, the parser returned {frame.height}.",
            )
        part = self._without_repeated_headings(Part(frame, row_number[kept], records.line[kept], rejects))
        self.counted["rows"] += part.frame.height
        self.counted["rejected"] += len(part.rejects)
        self.rejected.update(r.reason for r in part.rejects)
        return part

    def _find_line(self, block: Block, line: int | None, found: int | None) -> int | None:
        """Returns the record at a line (from 0) of the text when it is in this block and was not met before."""
        if line is None or found is not None or not len(block.records):
            return None
        index = int(np.searchsorted(block.records.line, line + 1))
        if index < len(block.records):
            return index
        return len(block.records) - 1 if block.last else None

    def _count(self, records: Records, blank: Flags, preamble: Flags, footer: Flags, may_continue: Flags) -> None:
        counted = self.counted
        counted["header"] = int(self._header is not None)
        counted["units"] = int(self._units is not None)
        counted["blank"] += int(blank.sum())
        counted["preamble"] += int(records.lines[preamble].sum())
        counted["footer"] += int(records.lines[footer].sum())
        counted["continuation"] += int((records.lines[may_continue] - 1).sum())

    def _footer_start(self, block: Block, before: Flags) -> int:
        """Returns the index where the lines after the data begin: going up from the end, the last data record + 1."""
        records, stop = block.records, len(block.records)
        first = int(before.sum())
        if not block.last or not any(self.layout.dialect.measured) or stop - first <= 1:
            return stop
        for index in range(len(records) - 1, max(first, len(records) - FOOTER_LINES) - 1, -1):
            if index in records.broken or cut_off(block.data, records, index):
                break
            cells = self.layout.fields(block, index) if records.fields[index] else []
            if any(c.strip() for c in cells):
                if not is_footer(cells, self.layout.dialect):
                    break
                stop = index
        return stop

    def _rejected(self, block: Block, is_row: Flags) -> dict[int, str]:
        """Returns the reason for every record that cannot become a row."""
        records, limits, options = block.records, self.layout.limits, self.layout.options
        width, given = len(self.names), self.layout.dialect.width
        rejects: dict[int, str] = {i: "UNBALANCED_QUOTE" for i in records.broken if is_row[i]}
        long = is_row & (records.fields > width)
        for i in np.flatnonzero(long).tolist():
            if i not in rejects and any(c.strip() for c in self.layout.fields(block, i)[width:]):
                rejects[i] = "TOO_MANY_FIELDS"
                self.surplus += 1
                self.widest = max(self.widest, int(records.fields[i]))
        last = len(records) - 1
        cut = block.last and last >= 0 and is_row[last] and not block.data.endswith(b"\n")
        if cut and records.fields[last] < given and not options.raw:
            rejects.setdefault(last, "TRUNCATED_LAST_LINE")
        few = is_row & (records.fields < (1 if options.raw else max(2 if given > 1 else 1, given / 2)))
        self._refuse_rejects(block, few, rejects)
        rejects |= {i: "TOO_FEW_FIELDS" for i in np.flatnonzero(few).tolist() if i not in rejects}
        length = records.end - records.start
        for i in np.flatnonzero(is_row & (length > limits.cell_bytes)).tolist():
            if length[i] > limits.line_bytes:
                rejects[i] = "LINE_TOO_LONG"
            elif i not in rejects and any(len(c.encode()) > limits.cell_bytes for c in self.layout.fields(block, i)):
                rejects[i] = "CELL_TOO_LONG"
        if b"\0" in block.data:
            nul = np.flatnonzero(np.frombuffer(block.data, np.uint8) == 0)
            owners = np.unique(np.searchsorted(records.start, nul, side="right") - 1)
            rejects |= {i: "NUL_BYTE" for i in owners.tolist() if is_row[i]}
        return rejects

    def _refuse_rejects(self, block: Block, few: Flags, others: Mapping[int, str]) -> None:
        """Raises INGEST_LIMIT, before they are listed, where more records are rejected than may be."""
        count, limit = self.rejected.total() + int(few.sum()) + len(others), self.layout.limits.rejects
        if count <= limit:
            return
        first = min([*others, *np.flatnonzero(few)[:1].tolist()])
        reasons = {*self.rejected, *others.values()}
        quoted = "; a quote is opened that none closes" if "UNBALANCED_QUOTE" in reasons else ""
        raise SensorForgeError(
            "INGEST_LIMIT",
            f"{self.layout.file_name}: more than {limit:,} records cannot be read{quoted}. Line "
            f"{block.records.line[first]}, for one, is {self.layout.shown(block, first)[:80]!r}.",
        )

    def _parse(self, block: Block, kept: Flags) -> pl.DataFrame:
        """Returns the kept records as a table; of text, empty unquoted cells are null."""
        indices = np.flatnonzero(kept)
        if not len(indices):
            return pl.DataFrame(schema=dict.fromkeys(self.names, pl.String))
        if self.layout.quote == "'" or not self.layout.delimiter:
            return self._without_lead(self._parse_slowly(block, indices))
        source = self._canonical_bytes(block, indices, kept)
        if self.typed:
            with suppress(*_UNREADABLE):
                frame = self._read_csv(source, self.typed)
                # "nan" and "inf" are texts that mean missing, so such a block is read as text.
                floats = [n for n, t in self.typed.items() if t.is_float()]
                if not floats or all(frame.select(pl.col(floats).is_finite().all()).row(0)):
                    return frame
        try:
            frame = self.layout.lines.restored_columns(self._read_csv(source, {}))
        except _UNREADABLE:
            frame = self._parse_slowly(block, indices)
        return self._without_lead(frame)

    def _without_lead(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Returns raw cells without the blank that follows every delimiter; other cells are trimmed where typed."""
        if not (self.layout.options.raw and self.layout.dialect.blank_follows):
            return frame
        return frame.with_columns(pl.col(list(self.names[1:])).str.strip_prefix(" "))

    def _read_csv(self, source: bytes, typed: Mapping[str, pl.DataType]) -> pl.DataFrame:
        return pl.read_csv(
            source,
            has_header=False,
            separator=self.layout.delimiter,
            quote_char=self.layout.quote if self.layout.quote.encode() in source else None,
            schema={n: typed.get(n, pl.String()) for n in self.names},
            missing_columns="insert",
            raise_if_empty=False,
            truncate_ragged_lines=True,
        )

    def _canonical_bytes(self, block: Block, indices: Ints, kept: Flags) -> bytes:
        """Returns the kept records as bytes that any CSV parser reads the same way."""
        data, records = block.data, block.records
        too_wide = kept & (records.fields > len(self.names))
        if len(indices) == len(records) and not records.rewritten and not too_wide.any():
            return data if data.endswith(b"\n") else data + b"\n"
        pieces: list[bytes] = []
        special = np.array(sorted({*(i for i in records.rewritten if kept[i]), *np.flatnonzero(too_wide)}), np.int64)
        for run in np.split(indices, np.flatnonzero(np.diff(indices) != 1) + 1):
            first = int(run[0])
            within = special[np.searchsorted(special, run[0]) : np.searchsorted(special, run[-1], side="right")]
            for i in within.tolist():
                if i > first:
                    pieces.append(data[records.start[first] : records.end[i - 1]])
                if too_wide[i]:
                    pieces.append(canonical(self.layout.fields(block, i)[: len(self.names)], self.layout.delimiter))
                else:
                    pieces.append(records.rewritten[i])
                first = i + 1
            if first <= run[-1]:
                pieces.append(data[records.start[first] : records.end[run[-1]]])
        return b"\n".join(pieces) + b"\n"

    def _parse_slowly(self, block: Block, indices: Ints) -> pl.DataFrame:
        width = len(self.names)
        rows = [self.layout.fields(block, i)[:width] for i in indices.tolist()]
        full = [[c if c else None for c in r] + [None] * (width - len(r)) for r in rows]
        return pl.DataFrame(full, schema=dict.fromkeys(self.names, pl.String), orient="row")

    def _without_repeated_headings(self, part: Part) -> Part:
        """Returns the rows that are not the header or the units row again, as exports glued together have them."""
        dialect = self.layout.dialect
        if self.layout.options.raw:
            return part
        found = repeated_headings(part.frame, self.names, dialect, self._units_row)
        if not found:
            return part
        again = [
            Reject(int(part.row_numbers[i]), int(part.lines[i]), "REPEATED_HEADER", dialect.delimiter.join(cells))
            for i, cells in sorted(found.items())
        ]
        refuse_another_tag(
            self.layout.file_name, map(self.layout.delimiter.join, dialect.preamble), again, part.rejects
        )
        rejects = sorted([*part.rejects, *again], key=lambda r: r.line)
        rows = np.ones(part.frame.height, bool)
        rows[list(found)] = False
        return Part(part.frame.filter(pl.Series(rows)), part.row_numbers[rows], part.lines[rows], rejects)
