"""CSV, TSV and their relatives: any delimiter, quote or encoding, with preamble, units row, footer and ragged rows.

Every cell comes out as text. Every line becomes exactly one of: preamble, header, units, row, reject, footer, blank or
continuation of a quoted cell; the count of rows that the parser returns must equal the count made without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.delimited_layout import Layout
from services.ingest.formats.delimited_rows import WIDEN_SHARE, Part, RowPass
from services.ingest.formats.text_file import Text
from services.ingest.headings.column_names import unique_names, unit_in_name
from services.ingest.headings.distinct_names import renamed
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Progress, SourceTable, silent
from services.ingest.text.dialect import Dialect, detect_dialect
from services.ingest.values.cells import is_measured, kind_of

Made = TypeVar("Made")
_FEWEST_CELLS = 3


def read_delimited(
    text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress = silent
) -> SourceTable:
    """Returns the table of a delimited text. Raises NOT_A_TABLE, NO_ROWS, INGEST_LIMIT."""
    progress("detecting", 0, 0)
    dialect = detect_dialect(text.head(), options)
    return read_with_dialect(text, dialect, file_name, options, limits, progress)


def read_with_dialect(
    text: Text, dialect: Dialect, file_name: str, options: ReadOptions, limits: Limits, progress: Progress = silent
) -> SourceTable:
    """Returns the table of a delimited text whose layout is known."""
    delimited = Delimited.of(text, dialect, file_name, options, limits)
    parts, rows, facts = delimited.settled(lambda rows: list(rows.parts()), progress)
    return delimited.table(parts, rows, facts)


@dataclass(frozen=True)
class Delimited:
    """A delimited text with its layout, to be read at once or part by part."""

    text: Text
    layout: Layout

    @classmethod
    def of(cls, text: Text, dialect: Dialect, file_name: str, options: ReadOptions, limits: Limits) -> Delimited:
        """Raises INGEST_LIMIT for too many columns, NOT_A_TABLE for prose."""
        begun = b"\n" not in text.head().encode()
        refuse_beyond(
            "columns in the beginning of its first line" if begun else "columns", dialect.width, limits.columns
        )
        _refuse_prose(dialect, text, file_name)
        if options.day_first is None:
            options = replace(options, day_first=dialect.day_first)
        return cls(text, Layout(dialect, options, limits, file_name))

    def settled(self, read: Callable[[RowPass], Made], progress: Progress) -> tuple[Made, RowPass, list[Fact]]:
        """Returns what `read` makes of the rows at the width that suits them, the pass, and the fact about that width.

        Where more than WIDEN_SHARE of the rows have cells beyond the header (any row, for raw text), columns are added
        and `read` is called again. Raises INGEST_LIMIT, NO_ROWS.
        """
        width, facts = self.layout.dialect.width, list[Fact]()
        while True:
            rows = RowPass(self.text, self.layout, self.names(width), progress)
            made = read(rows)
            raw, surplus = self.layout.options.raw, rows.surplus
            named = rows.widest <= len(self.layout.dialect.names)
            if not surplus or not (raw or named or surplus > WIDEN_SHARE * rows.row_number):
                break
            refuse_beyond("columns", rows.widest, self.layout.limits.columns)
            evidence = f"rows with up to {rows.widest} fields under a header of {width}; columns added"
            width, facts = rows.widest, [Fact("ragged_rows", str(surplus), evidence)]
        if not rows.counted["rows"]:
            raise SensorForgeError("NO_ROWS", f"{self.layout.file_name} has {_no_row(rows)}.")
        return made, rows, facts

    def names(self, width: int) -> list[str]:
        """Returns unique names for `width` columns."""
        given = list(self.layout.options.column_names) or list(self.layout.dialect.names)
        names = unique_names([*given, *[""] * (width - len(given))][:width])
        new = renamed(names)
        return [new.get(n, n) for n in names]

    def table(self, parts: list[Part], rows: RowPass, facts: list[Fact]) -> SourceTable:
        """Returns consecutive parts of a pass as one table; its counts are those of the pass so far."""
        dialect, names = self.layout.dialect, list(rows.names)
        units = {n: unit_in_name(n) for n in names}
        units |= {n: u for n, u in zip(names, dialect.units, strict=False) if u}
        frame = pl.concat([p.frame for p in parts], rechunk=False)
        above = _rows_above(dialect, frame)
        text = f"{self.layout.file_name}: {above} lines above the header look like rows; they are none (--header-row)."
        return SourceTable(
            frame=frame,
            counts=rows.counts(),
            row_numbers=pl.Series("source_row", np.concatenate([p.row_numbers for p in parts]), dtype=pl.Int64),
            line_numbers=pl.Series("line", np.concatenate([p.lines for p in parts]), dtype=pl.Int64),
            units={n: u for n, u in units.items() if u},
            facts=[*self.text.facts, *dialect.facts, *facts],
            rejects=[r for p in parts for r in p.rejects],
            preamble=[list(p) for p in dialect.preamble],
            padded=rows.padded,
            has_header=dialect.header_line is not None,
            day_first=dialect.day_first,
            warnings=[("ROWS_ABOVE_HEADER", text)] if above and not self.layout.options.raw else [],
        )


def _rows_above(dialect: Dialect, frame: pl.DataFrame) -> int:
    """Returns how many lines above the header have the width and the kinds of cells of the first row."""
    first = [kind_of(str(c or "")) for c in (frame.row(0) if frame.height else ())]
    if dialect.header_line is None or not any(map(is_measured, first)) or len(first) < _FEWEST_CELLS:
        return 0
    return sum([kind_of(c) for c in cells] == first for cells in dialect.preamble)


def _no_row(rows: RowPass) -> str:
    """Returns what a file without a row has."""
    counted = rows.counted
    if not counted["rejected"]:
        return f"{counted['total']} lines but no data row below its header"
    why = ", ".join(f"{reason} {count}" for reason, count in sorted(rows.rejected.items()))
    return f"no row that can be read: all {counted['rejected']} records were rejected ({why})"


def _refuse_prose(dialect: Dialect, text: Text, file_name: str) -> None:
    if dialect.width > 1 or any(dialect.measured):
        return
    lines = [line for line in text.head(20_000).split("\n") if line.strip()][:200]
    wordy = sum(len(line.split()) > 5 for line in lines)
    if wordy > 0.3 * len(lines):
        raise SensorForgeError(
            "NOT_A_TABLE", f"{file_name} reads like prose: no delimiter gives its lines columns ({lines[0][:60]!r})."
        )
