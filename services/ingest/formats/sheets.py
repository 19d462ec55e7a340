"""One sheet of a workbook, or one table of a page, as a table, laid out like a text file.

Cells come typed from the reader; only a column of several kinds is gone through cell by cell.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.formats.footer import FOOTER_LINES, is_footer
from services.ingest.formats.json_flat import as_series
from services.ingest.headings.column_names import unique_names, unit_in_name
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import LineCounts, SourceTable
from services.ingest.text.dialect import Dialect, lay_out
from services.ingest.values.timestamps import TimeColumn, find_time

Rows = list[list[Any]]
Ranges = list[tuple[tuple[int, int], tuple[int, int]]]
"""First and last cell of every merged range, as (row, column) from 0."""
_SAMPLE_ROWS = 400


@dataclass(frozen=True)
class Sheet:
    """The cells of a sheet, all rows equally wide and "" where blank, without blank rows at the end."""

    name: str
    rows: Rows
    merged: Ranges = field(default_factory=list)

    @property
    def filled(self) -> int:
        """About how many cells its table has: rows with two filled cells or more, times the width of the first."""
        wide = sum(len(r) - r.count("") >= 2 for r in self.rows)
        return wide * max((len(r) for r in self.rows[:50]), default=0)


def _with_merged(sample: list[list[str]], merged: Ranges) -> list[list[str]]:
    """Returns the first rows with merged cells filled from their first one, so that a header says what it shows."""
    filled = [list(r) for r in sample]
    for (top, left), (bottom, right) in merged:
        if top >= len(filled) or left >= len(filled[top]) or not filled[top][left]:
            continue
        for row in filled[top : bottom + 1]:
            for column in range(left, min(right + 1, len(row))):
                row[column] = row[column] or filled[top][left]
    return filled


def _with_labels(columns: list[tuple[Any, ...]], merged: Ranges, height: int) -> list[tuple[Any, ...]]:
    """Returns the columns of a sheet with texts and dates below each other where they stand in one merged cell.

    A number in one is that of its first row. Ranges that overlap, as only made-up ones do, are filled no further than
    the sheet has cells.
    """
    filled: dict[int, list[Any]] = {}
    left_over = height * len(columns)
    for (top, left), (bottom, right) in merged:
        span = min(bottom + 1, height) - top
        if span < 2 or left != right or left >= len(columns) or span > left_over:
            continue
        cells = filled.get(left) or list(columns[left])
        if isinstance(cells[top], str | dt.date) and cells[top] != "":
            left_over -= span
            cells[top + 1 : top + span] = [cells[top] if c == "" else c for c in cells[top + 1 : top + span]]
            filled[left] = cells
    return [tuple(filled.get(i, c)) for i, c in enumerate(columns)] if filled else columns


def sheet_table(sheet: Sheet, file_name: str, options: ReadOptions, limits: Limits) -> SourceTable:
    """Returns the table of a sheet. Raises EMPTY_FILE, NO_ROWS, INGEST_LIMIT."""
    rows = sheet.rows
    columns = list(zip(*rows, strict=True))
    width = max((i + 1 for i, c in enumerate(columns) if c.count("") < len(c)), default=0)
    if not width:
        raise SensorForgeError("EMPTY_FILE", f"{file_name}: sheet {sheet.name!r} is empty.")
    refuse_beyond("columns", width, limits.columns)
    sample = _with_merged([[as_text(c) for c in r[:width]] for r in rows[:_SAMPLE_ROWS]], sheet.merged)
    layout: Dialect = lay_out([(i, r if any(r) else []) for i, r in enumerate(sample)], width, options)
    first = layout.first_data_line
    beyond = _footer_start(rows, width, layout)
    filled = [len(r) - r.count("") > 0 for r in rows[first:beyond]]
    remarks = sum(len(r) - r.count("") > 0 for r in rows[beyond:])
    kept = sum(filled)
    if not kept:
        raise SensorForgeError("NO_ROWS", f"{file_name}: sheet {sheet.name!r} has a header but no data row.")
    names = unique_names(list(options.column_names) or list(layout.names))
    names = unique_names([*names, *[""] * (width - len(names))])[:width]
    columns = _with_labels(columns, [m for m in sheet.merged if m[0][0] >= first], len(rows))
    data = (c[first:beyond] for c in columns[:width])
    cells = (c if kept == len(filled) else tuple(compress(c, filled)) for c in data)
    head = rows[:first]
    blank_above = sum(all(c == "" for c in r) for r in head)
    marked = (layout.header_line is not None) + (layout.units_line is not None)
    units = {n: unit_in_name(n) for n in names} | {n: u for n, u in zip(names, layout.units, strict=False) if u}
    return SourceTable(
        frame=pl.DataFrame([column(name, values) for name, values in zip(names, cells, strict=True)]),
        counts=LineCounts(
            total=len(rows),
            rows=kept,
            preamble=len(head) - blank_above - marked,
            header=int(layout.header_line is not None),
            units=int(layout.units_line is not None),
            footer=remarks,
            blank=len(filled) - kept + blank_above + len(rows) - beyond - remarks,
        ),
        row_numbers=pl.int_range(1, kept + 1, dtype=pl.Int64, eager=True),
        line_numbers=pl.Series("line", list(compress(range(first + 1, beyond + 1), filled)), dtype=pl.Int64),
        units={n: u for n, u in units.items() if u},
        facts=[f for f in layout.facts if f.key != "delimiter"],
        preamble=[list(p) for p in layout.preamble],
        has_header=layout.header_line is not None,
    )


def _footer_start(rows: Rows, width: int, layout: Dialect) -> int:
    """Returns the index where remarks and summaries below the data begin, the number of rows when there are none."""
    first, stop = layout.first_data_line, len(rows)
    if not any(layout.measured) or stop - first <= 1:
        return stop
    for index in range(stop - 1, max(first, stop - FOOTER_LINES - 1), -1):
        cells = [as_text(c) for c in rows[index][:width]]
        if not any(cells):
            continue
        lead = cells[layout.timed.index(True)] if True in layout.timed else ""
        # Remarks stand in the first column, words before a summary where the rows have their times.
        if not ((cells[0] or lead) and is_footer(cells, layout)):
            break
        stop = index
    return stop


def as_text(value: Any) -> str:
    """Returns a cell as the text that a reader of the sheet would type."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return str(value)


def column(name: str, values: Sequence[Any]) -> pl.Series:
    """Returns cells, "" where they are blank, as one column; only a column of several kinds is gone through by cell."""
    kinds = set(map(type, values))
    if str in kinds and not any(v for v in values if type(v) is str):
        kinds.remove(str)
        values = [None if type(v) is str else v for v in values]
    if kinds == {float}:
        numbers = pl.Series(name, values, dtype=pl.Float64)
        whole = (numbers == numbers.floor()) & (numbers.abs() < 2**53)
        return numbers.cast(pl.Int64) if whole.all() else numbers
    if kinds == {dt.datetime}:
        return pl.Series(name, values, dtype=pl.Datetime("us"))
    if kinds == {str}:
        texts = pl.Series(name, values, dtype=pl.String)
        return texts.set(texts == "", None)
    if kinds == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean)
    if kinds and kinds <= {dt.datetime, dt.date}:
        moments = [v if v is None or isinstance(v, dt.datetime) else dt.datetime.combine(v, dt.time()) for v in values]
        return pl.Series(name, moments, dtype=pl.Datetime("us"))
    if (
        dt.datetime in kinds
        and kinds <= {dt.datetime, dt.date, str}
        and (times := _mixed_times(name, values)) is not None
    ):
        return times
    if kinds and kinds <= {int, float}:
        fits = all(v is None or (float(v).is_integer() and abs(v) < 2**53) for v in values)
        return as_series(name, [None if v is None else int(v) for v in values] if fits else list(values))
    return pl.Series(name, [None if v is None or v == "" else as_text(v) for v in values], dtype=pl.String)


def _mixed_times(name: str, values: Sequence[Any]) -> pl.Series | None:
    """Returns dates beside texts that are dates as well; None where a text is none, or day and month may be swapped.

    Excel reads the texts of a file it opens as dates where it can: of days first it takes those up to the 12th, with
    day and month swapped, and leaves the others as texts.
    """
    texts = pl.Series(name, [v.strip() or None if isinstance(v, str) else None for v in values], dtype=pl.String)
    found = find_time(texts)
    if not isinstance(found, TimeColumn) or found.values.dtype != pl.Datetime("us"):
        return None
    if found.values.null_count() > texts.null_count():
        return None
    dates = pl.Series(name, [v if type(v) is dt.datetime else None for v in values], dtype=pl.Datetime("us"))
    if found.format.startswith("%d") and (dates.dt.day() <= 12).all() and (found.values.dt.day() > 12).all():
        return None
    return dates.zip_with(dates.is_not_null(), found.values)
