"""Workbooks: xlsx, xlsm, xlsb, xls and ods, one sheet of them or several that belong together.

Before a parser sees an xlsx its XML is measured. Dates come out as dates under either epoch, formulas as their stored
values, formatted empty rows not at all.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import TracebackType

import polars as pl
import python_calamine as calamine

from services.chassis.errors import SensorForgeError
from services.ingest.formats.registry import Container
from services.ingest.formats.several_sheets import chosen_sheet, named_sheet, table_of_sheets
from services.ingest.formats.sheets import Rows, Sheet, as_text
from services.ingest.formats.workbook_size import measure
from services.ingest.headings.column_names import unique_names
from services.ingest.layouts.name_tables import names_by_number, numbers_tags, with_names
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Progress, SourceTable

_READER_ERRORS: tuple[type[Exception], ...] = (calamine.CalamineError, OSError, ValueError, IndexError)


def read_workbook(path: Path, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the table of a workbook, with parts where several of its sheets make it.

    Raises FILE_CORRUPT, FILE_ENCRYPTED, SHEET_NOT_FOUND, NO_ROWS, INGEST_LIMIT.
    """
    refuse_beyond("bytes", path.stat().st_size, limits.excel_bytes)
    if zipfile.is_zipfile(path):
        progress("measuring", 0, 0)
        measure(path, file_name, limits)
    progress("reading", 0, 0)
    with _panics_as_corrupt(file_name):
        names, sheets = _read(path, file_name, options, limits)
    progress("typing", 0, len(sheets))
    table = table_of_sheets(names, sheets, file_name, options, limits)
    if not options.raw and len(sheets) > 1 and not table.parts:
        chosen = chosen_sheet(sheets)
        if numbers_tags(chosen.rows[:1]):
            table.frame = with_names(table.frame, _tag_names([s for s in sheets if s is not chosen]))
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


def _read(path: Path, file_name: str, options: ReadOptions, limits: Limits) -> tuple[list[str], list[Sheet]]:
    """Returns the names of all worksheets and the cells of those that may be meant. Raises FILE_CORRUPT,
    FILE_ENCRYPTED, SHEET_NOT_FOUND."""
    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        names = [m.name for m in book.sheets_metadata if "Work" in str(m.typ)] or book.sheet_names
        refuse_beyond("sheets", len(names), limits.sheets)
        wanted = [named_sheet(names, options.sheet, file_name)] if options.sheet else names
        return names, [_sheet(book, name, limits) for name in wanted]
    except _READER_ERRORS as error:
        text = str(error)[:200]
        if "password" in text.lower() or "encrypt" in text.lower():
            raise SensorForgeError("FILE_ENCRYPTED", f"{file_name} is a workbook protected by a password.") from error
        raise SensorForgeError("FILE_CORRUPT", f"{file_name} cannot be read as a workbook: {text}.") from error


def _sheet(book: calamine.CalamineWorkbook, name: str, limits: Limits) -> Sheet:
    sheet = book.get_sheet_by_name(name)
    refuse_beyond("rows", sheet.total_height, limits.rows)
    refuse_beyond("cells in a sheet's range", sheet.total_height * sheet.total_width, limits.sheet_cells)
    rows: Rows = sheet.to_python(skip_empty_area=False)
    while rows and all(c == "" for c in rows[-1]):
        rows.pop()
    return Sheet(name, rows, list(sheet.merged_cell_ranges or []))


def _tag_names(sheets: list[Sheet]) -> list[dict[str, str]]:
    """Returns what sheets say that the numbers of tags mean."""
    found = []
    for sheet in sheets:
        header, *rows = sheet.rows or [[]]
        if rows and numbers_tags([header]):
            columns = zip(unique_names(list(map(as_text, header))), zip(*rows, strict=True), strict=True)
            frame = pl.DataFrame([pl.Series(n, list(map(as_text, v)), dtype=pl.String) for n, v in columns])
            found.append(names_by_number(frame))
    return [n for n in found if n]


CONTAINER = Container("excel", read_workbook)
