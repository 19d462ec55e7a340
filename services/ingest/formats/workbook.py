"""Workbooks: xlsx, xlsm, xlsb, xls and ods, one sheet of them, with its header found like that of a text file.

Before a parser sees an xlsx its XML is measured: bytes, cells, furthest cell, declared entities. Dates come out as
dates under either epoch, formulas as their stored values, formatted empty rows not at all.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
import zlib
from collections.abc import Sequence
from itertools import compress
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl
import python_calamine as calamine

from services.chassis.errors import SensorForgeError
from services.ingest.dialect import Dialect, lay_out
from services.ingest.formats.footer import FOOTER_LINES, is_footer
from services.ingest.formats.json_file import as_series
from services.ingest.formats.name_tables import names_by_number, numbers_tags, with_names
from services.ingest.formats.registry import Container
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.names import unique_names, unit_in_name
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, LineCounts, Progress, SourceTable

Rows = list[list[Any]]
Ranges = list[tuple[tuple[int, int], tuple[int, int]]]
"""First and last cell of every merged range, as (row, column) from 0."""
_SAMPLE_ROWS = 400
_RIVAL_SHARE = 0.2
"""Share of the fullest sheet's cells above which another sheet holds a table that is missed."""
_FAR_CELL = re.compile(rb'<c[^>]{0,200}? r="([A-Z]{1,3})(\d{1,12})"')
_FURTHEST_CELL = re.compile(rb' r="([A-Z]{3}|[A-Z]{1,3}(?=\d{7}))(\d{1,12})"')
_FEW_CELLS = 4_000
_LOOKED_AT = 16 << 10
_DECLARATIONS = tuple(m.encode(c) for m in ("<!DOCTYPE", "<!ENTITY") for c in ("utf-8", "utf-16-le", "utf-16-be"))
_ROW = re.compile(rb'<row[^>]{0,200}? r="(\d{1,12})"')
_READER_ERRORS: tuple[type[Exception], ...] = (calamine.CalamineError, OSError, ValueError, IndexError)


def read_workbook(path: Path, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns one sheet as a table. Raises FILE_CORRUPT, FILE_ENCRYPTED, SHEET_NOT_FOUND, NO_ROWS, INGEST_LIMIT."""
    refuse_beyond("bytes", path.stat().st_size, limits.excel_bytes)
    if zipfile.is_zipfile(path):
        progress("measuring", 0, 0)
        measure(path, file_name, limits)
    progress("reading", 0, 0)
    with _panics_as_corrupt(file_name):
        chosen, rows, merged, fact, rivals, names = _read(path, file_name, options, limits)
    progress("typing", 0, len(rows))
    table = _table(rows, merged, chosen, file_name, options, limits)
    table.facts.insert(0, fact)
    table.frame = table.frame if options.raw else with_names(table.frame, names)
    if rivals:
        text = f"{file_name}: sheet {chosen!r} was read; {', '.join(rivals[:10])} hold tables as well (--sheet)."
        table.warnings.append(("SHEETS_UNREAD", text))
    return table


class _panics_as_corrupt:  # noqa: N801
    """Turns a panic of the Rust reader into FILE_CORRUPT; its class derives from BaseException and has no import."""

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and kind.__name__ == "PanicException":
            raise SensorForgeError(
                "FILE_CORRUPT", f"{self._file_name} cannot be read as a workbook: {str(error)[:200]}."
            ) from error


def _read(
    path: Path, file_name: str, options: ReadOptions, limits: Limits
) -> tuple[str, Rows, Ranges, Fact, list[str], list[dict[str, str]]]:
    """Returns (sheet, rows, merged ranges, the fact about the sheet, other sheets with tables, names of tag numbers).

    Raises FILE_CORRUPT, FILE_ENCRYPTED.
    """
    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        names = [m.name for m in book.sheets_metadata if "Work" in str(m.typ)] or book.sheet_names
        refuse_beyond("sheets", len(names), limits.sheets)
        sheet, rows, fact, rivals = _chosen_sheet(book, names, options, file_name, limits)
        tag_names = _tag_names(book, [n for n in names if n != fact.value], limits) if numbers_tags(rows[:1]) else []
        return fact.value, rows, list(sheet.merged_cell_ranges or []), fact, rivals, tag_names
    except _READER_ERRORS as error:
        text = str(error)[:200]
        if "password" in text.lower() or "encrypt" in text.lower():
            raise SensorForgeError("FILE_ENCRYPTED", f"{file_name} is a workbook protected by a password.") from error
        raise SensorForgeError("FILE_CORRUPT", f"{file_name} cannot be read as a workbook: {text}.") from error


def measure(path: Path, file_name: str, limits: Limits) -> None:
    """Raises INGEST_LIMIT or FILE_CORRUPT when the XML inside is too much, or declares entities."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(m.file_size for m in archive.infolist())
            packed = max(1, sum(m.compress_size for m in archive.infolist()))
            refuse_beyond("bytes unpacked", total, limits.decompressed_bytes)
            if total > (64 << 20) and total > packed * limits.compression_ratio:
                raise SensorForgeError(
                    "INGEST_LIMIT", f"{file_name} unpacks {total:,} bytes from {packed:,}; that is refused as a bomb."
                )
            for member in archive.infolist():
                if member.filename.lower().endswith((".xml", ".rels")):
                    _measure_member(archive, member, file_name, limits)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise SensorForgeError("FILE_CORRUPT", f"{file_name}: the zip container is broken ({error}).") from error


def _measure_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file_name: str, limits: Limits) -> None:
    read = cells = furthest_row = furthest_column = 0
    sheet = "worksheets/" in member.filename
    carry = b""
    with archive.open(member) as source:
        while block := source.read(1 << 20):
            read += len(block)
            if read > min(limits.decompressed_bytes, max(member.file_size, 1) + (1 << 20)):
                raise SensorForgeError("INGEST_LIMIT", f"{file_name}: {member.filename} is longer than it says.")
            text = carry + block
            if any(mark in text for mark in _DECLARATIONS):
                raise SensorForgeError(
                    "FILE_CORRUPT", f"{file_name}: {member.filename} declares XML entities, which no workbook needs."
                )
            if sheet:
                cells += text.count(b"<c ") + text.count(b"<c>") - carry.count(b"<c ") - carry.count(b"<c>")
                rows = _ROW.findall(text)
                furthest_row = max(furthest_row, *(int(r) for r in rows[-2:]), 0) if rows else furthest_row
                if b'r="A' in text or furthest_column == 0:
                    # In a block of many cells whole rows are looked at here and there, in one of few cells all.
                    step = len(text) // 4 if text.count(b"<c ") > _FEW_CELLS else max(1, len(text))
                    size = _LOOKED_AT if step < len(text) else len(text)
                    looked_at = [c for at in range(0, len(text), step) for c in _FAR_CELL.findall(text, at, at + size)]
                else:
                    looked_at = []
                for letters, number in (*looked_at, *_FURTHEST_CELL.findall(text)):
                    furthest_column = max(furthest_column, _column_number(letters))
                    furthest_row = max(furthest_row, int(number))
            carry = text[-256:]
    refuse_beyond("rows in a sheet", furthest_row, limits.rows)
    refuse_beyond("cells in a sheet", cells, limits.sheet_cells)
    refuse_beyond("cells in a sheet's range", furthest_row * furthest_column, limits.sheet_cells)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _chosen_sheet(
    book: calamine.CalamineWorkbook, names: list[str], options: ReadOptions, file_name: str, limits: Limits
) -> tuple[calamine.CalamineSheet, Rows, Fact, list[str]]:
    """Returns the sheet that is asked for, else the fullest, its rows, the fact that says why, and other sheets that
    are not much emptier."""
    if options.sheet:
        by_number = (
            names[int(options.sheet) - 1] if options.sheet.isdigit() and 0 < int(options.sheet) <= len(names) else ""
        )
        name = options.sheet if options.sheet in names else by_number
        if not name:
            raise SensorForgeError(
                "SHEET_NOT_FOUND", f"{file_name} has no sheet {options.sheet!r}; it has {', '.join(names)}."
            )
        given = book.get_sheet_by_name(name)
        return given, _rows(given, limits), Fact("sheet", name, "given", tuple(n for n in names if n != name)), []
    if len(names) == 1:
        only = book.get_sheet_by_name(names[0])
        return only, _rows(only, limits), Fact("sheet", names[0], "the only sheet"), []
    fullest, best, filled = "", book.get_sheet_by_name(names[0]), -1
    most: Rows = []
    sizes: dict[str, int] = {}
    for name in names:
        sheet = book.get_sheet_by_name(name)
        rows = _rows(sheet, limits)
        cells = sum(len(r) - r.count("") >= 2 for r in rows) * max((len(r) for r in rows[:50]), default=0)
        sizes[name] = cells
        if cells > filled:
            fullest, best, filled, most = name, sheet, cells, rows
    others = tuple(n for n in names if n != fullest)
    rivals = [n for n in others if sizes[n] > _RIVAL_SHARE * filled]
    return best, most, Fact("sheet", fullest, f"most filled cells of {len(names)} sheets", others), rivals


def _tag_names(book: calamine.CalamineWorkbook, names: list[str], limits: Limits) -> list[dict[str, str]]:
    """Returns what the other sheets of a workbook say that the numbers of tags mean."""
    found = []
    for name in names:
        header, *rows = _rows(book.get_sheet_by_name(name), limits) or [[]]
        if rows and numbers_tags([header]):
            columns = zip(unique_names(list(map(as_text, header))), zip(*rows, strict=True), strict=True)
            frame = pl.DataFrame([pl.Series(n, list(map(as_text, v)), dtype=pl.String) for n, v in columns])
            found.append(names_by_number(frame))
    return [n for n in found if n]


def _rows(sheet: calamine.CalamineSheet, limits: Limits) -> Rows:
    """Returns the cells of a sheet, all rows equally wide, without the blank rows at the end."""
    refuse_beyond("rows", sheet.total_height, limits.rows)
    refuse_beyond("cells in a sheet's range", sheet.total_height * sheet.total_width, limits.sheet_cells)
    rows: Rows = sheet.to_python(skip_empty_area=False)
    while rows and all(c == "" for c in rows[-1]):
        rows.pop()
    return rows


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


def _table(rows: Rows, merged: Ranges, sheet: str, file_name: str, options: ReadOptions, limits: Limits) -> SourceTable:
    columns = list(zip(*rows, strict=True))
    width = max((i + 1 for i, c in enumerate(columns) if c.count("") < len(c)), default=0)
    if not width:
        raise SensorForgeError("EMPTY_FILE", f"{file_name}: sheet {sheet!r} is empty.")
    refuse_beyond("columns", width, limits.columns)
    sample = _with_merged([[as_text(c) for c in r[:width]] for r in rows[:_SAMPLE_ROWS]], merged)
    layout: Dialect = lay_out([(i, r if any(r) else []) for i, r in enumerate(sample)], width, options)
    first = layout.first_data_line
    beyond = _footer_start(rows, width, layout)
    filled = [len(r) - r.count("") > 0 for r in rows[first:beyond]]
    remarks = sum(len(r) - r.count("") > 0 for r in rows[beyond:])
    kept = sum(filled)
    if not kept:
        raise SensorForgeError("NO_ROWS", f"{file_name}: sheet {sheet!r} has a header but no data row.")
    names = unique_names(list(options.column_names) or list(layout.names))
    names = unique_names([*names, *[""] * (width - len(names))])[:width]
    data = (c[first:beyond] for c in columns[:width])
    cells = (c if kept == len(filled) else tuple(compress(c, filled)) for c in data)
    head = rows[:first]
    blank_above = sum(all(c == "" for c in r) for r in head)
    marked = (layout.header_line is not None) + (layout.units_line is not None)
    units = {n: unit_in_name(n) for n in names} | {n: u for n, u in zip(names, layout.units, strict=False) if u}
    return SourceTable(
        frame=pl.DataFrame([_column(name, values) for name, values in zip(names, cells, strict=True)]),
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
        if not (cells[0] and is_footer(cells, layout)):  # remarks stand in the first column
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


def _column(name: str, values: Sequence[Any]) -> pl.Series:
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
    if kinds and kinds <= {int, float}:
        fits = all(v is None or (float(v).is_integer() and abs(v) < 2**53) for v in values)
        return as_series(name, [None if v is None else int(v) for v in values] if fits else list(values))
    return pl.Series(name, [None if v is None or v == "" else as_text(v) for v in values], dtype=pl.String)


CONTAINER = Container("excel", read_workbook)
