"""Tables written as markup for Excel: pages of HTML, often called .xls, and SpreadsheetML of Excel 2003.

Cells of HTML are text and are typed like those of a text file. What a page shows beside its tables is not read; a page
without a table of values is refused.
"""

from __future__ import annotations

import datetime as dt
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from services.chassis.errors import SensorForgeError
from services.ingest.formats.registry import Container
from services.ingest.formats.several_sheets import named_sheet, table_of_sheets
from services.ingest.formats.sheets import Ranges, Rows, Sheet, as_text
from services.ingest.formats.xml_events import read_events
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Progress, SourceTable
from services.ingest.text.encoding import detect_encoding
from services.ingest.values.cells import is_measured, kind_of

_CHARSET = re.compile(rb"""charset\s*=\s*["']?([A-Za-z0-9_-]{3,20})""", re.I)
_BLOCK = 1 << 20
_WIDEST_SPAN = 1_000
_LOOKED_AT = 50


class _Grid:
    """Rows of a table that grows cell by cell, with cells that span others."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name = name
        self._limits = limits
        self._rows: Rows = []
        self._merged: Ranges = []
        self._taken: dict[int, int] = {}
        self._cells = 0

    def row(self, at: int | None = None) -> None:
        """Begins the next row, or that of a number from 0."""
        at = len(self._rows) if at is None else at
        refuse_beyond("rows", at + 1, self._limits.rows)
        while len(self._rows) <= at:
            self._rows.append([])
            # Rows that cells from above reach into.
            self._taken = {c: n - 1 for c, n in self._taken.items() if n > 1}

    def cell(self, value: Any, *, at: int | None = None, across: int = 1, down: int = 1) -> None:
        """Puts a value into the next free place of the row, or into that of a number from 0."""
        if not self._rows:
            self.row()
        row = self._rows[-1]
        if at is None:
            while len(row) in self._taken:
                row.append("")
        else:
            refuse_beyond("columns", at + 1, self._limits.columns)
            row += [""] * (at - len(row))
        first, top = len(row), len(self._rows) - 1
        across, down = max(1, min(across, _WIDEST_SPAN)), max(1, min(down, _WIDEST_SPAN))
        row += [value, *[""] * (across - 1)]
        self._cells += across
        refuse_beyond("columns", len(row), self._limits.columns)
        refuse_beyond("cells in a sheet", self._cells, self._limits.sheet_cells)
        if across > 1 or down > 1:
            self._merged.append(((top, first), (top + down - 1, first + across - 1)))
        if down > 1:
            self._taken |= dict.fromkeys(range(first, first + across), down)

    def sheet(self) -> Sheet:
        """Returns the table, its rows equally wide."""
        rows = self._rows
        while rows and not any(c != "" for c in rows[-1]):
            rows.pop()
        width = max((len(r) for r in rows), default=0)
        refuse_beyond("cells in a sheet's range", width * len(rows), self._limits.sheet_cells)
        return Sheet(self.name, [r + [""] * (width - len(r)) for r in rows], self._merged)


class _Page(HTMLParser):
    """The tables of a page; a table inside a cell is one of its own."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(convert_charrefs=True)
        self._limits = limits
        self._open: list[_Grid] = []
        self._texts: list[list[str] | None] = []
        self._spans: list[dict[str, str]] = []
        self._unseen = 0
        self.tables: list[_Grid] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            grid = _Grid(f"table {len(self.tables) + 1}", self._limits)
            refuse_beyond("tables in a page", len(self.tables) + 1, self._limits.files)
            self.tables.append(grid)
            self._open.append(grid)
            self._texts.append(None)
            self._spans.append({})
        elif tag in ("script", "style"):
            self._unseen += 1
        elif not self._open:
            return
        elif tag == "tr":
            self._finish_cell()
            self._open[-1].row()
        elif tag in ("td", "th"):
            self._finish_cell()
            self._texts[-1] = []
            self._spans[-1] = {k: v or "" for k, v in attrs}
        elif tag in ("br", "p", "div") and self._texts[-1] is not None:
            self._texts[-1].append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._unseen = max(0, self._unseen - 1)
        elif tag in ("td", "th", "tr") and self._open:
            self._finish_cell()
        elif tag == "table" and self._open:
            self._finish_cell()
            self._open.pop()
            self._texts.pop()
            self._spans.pop()

    def handle_data(self, data: str) -> None:
        if self._open and not self._unseen and (texts := self._texts[-1]) is not None:
            texts.append(data)

    def close(self) -> None:
        super().close()
        while self._open:
            self.handle_endtag("table")

    def _finish_cell(self) -> None:
        texts, found = self._texts[-1], self._spans[-1]
        if texts is None:
            return
        text = " ".join("".join(texts).split())
        # Excel keeps all digits of a number beside what it shows.
        if (exact := found.get("x:num", "")) and kind_of(text) == "number" == kind_of(exact):
            text = exact
        self._open[-1].cell(text, across=_number(found.get("colspan", "")), down=_number(found.get("rowspan", "")))
        self._texts[-1] = None


def _number(text: str) -> int:
    return int(text) if text.strip().isdecimal() and len(text) < 7 else 1


def read_page(path: Path, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the table of a page of HTML. Raises FORMAT_UNSUPPORTED for one without values, NO_ROWS, INGEST_LIMIT."""
    refuse_beyond("bytes of HTML", path.stat().st_size, limits.json_whole_bytes)
    progress("reading", 0, 0)
    raw = path.read_bytes()
    page = _Page(limits)
    text = _decoded(raw, options)
    for at in range(0, len(text), _BLOCK):
        page.feed(text[at : at + _BLOCK])
    page.close()
    sheets = [s for s in (t.sheet() for t in page.tables) if _holds_values(s)]
    if not sheets:
        raise SensorForgeError("FORMAT_UNSUPPORTED", f"{file_name} is an HTML page without a table of values.")
    return _table(sheets, file_name, options, limits)


def _decoded(raw: bytes, options: ReadOptions) -> str:
    stated = _CHARSET.search(raw[:4096])
    detected = detect_encoding(raw[: 1 << 16], complete=len(raw) <= 1 << 16).value
    for name in (options.encoding, "" if detected.startswith("utf-16") else stated[1].decode() if stated else ""):
        if name:
            try:
                return raw.decode(name)
            except (LookupError, UnicodeDecodeError):
                continue
    return raw.decode(detected, "replace")


def _holds_values(sheet: Sheet) -> bool:
    """Returns whether a table has records of two cells or more of which some are numbers or times."""
    rows = [[as_text(c) for c in r] for r in sheet.rows[: 4 * _LOOKED_AT] if len(r) - r.count("") >= 2]
    return sum(any(is_measured(kind_of(c)) for c in r) for r in rows) > 0.3 * len(rows)


def read_spreadsheetml(
    path: Path, file_name: str, options: ReadOptions, limits: Limits, progress: Progress
) -> SourceTable:
    """Returns the table of an XML spreadsheet of Excel 2003. Raises FILE_CORRUPT, SHEET_NOT_FOUND, NO_ROWS."""
    refuse_beyond("bytes of XML", path.stat().st_size, limits.excel_bytes)
    progress("reading", 0, 0)
    grids: list[_Grid] = []
    cell: dict[str, str] = {}
    kind, texts = "", list[str]()

    def start(name: str, found: dict[str, str]) -> None:
        nonlocal cell, kind
        if name == "Worksheet":
            refuse_beyond("sheets", len(grids) + 1, limits.sheets)
            grids.append(_Grid(found.get("Name", f"Sheet{len(grids) + 1}"), limits))
        elif name == "Row" and grids:
            grids[-1].row(_number(found["Index"]) - 1 if "Index" in found else None)
        elif name == "Cell":
            cell, kind = found, ""
            texts.clear()
        elif name == "Data":
            kind = found.get("Type", "String")

    def end(name: str) -> None:
        nonlocal kind
        if name == "Data":
            cell["value"], cell["kind"] = "".join(texts), kind
            kind = ""
        elif name == "Cell" and grids:
            grids[-1].cell(
                _typed(cell.get("value", ""), cell.get("kind", "")),
                at=_number(cell["Index"]) - 1 if "Index" in cell else None,
                across=_number(cell.get("MergeAcross", "0")) + 1,
                down=_number(cell.get("MergeDown", "0")) + 1,
            )

    read_events(path, file_name, start=start, end=end, text=lambda t: texts.append(t) if kind else None)
    sheets = [s for s in (g.sheet() for g in grids) if s.rows]
    if not sheets:
        raise SensorForgeError("EMPTY_FILE", f"{file_name} is a spreadsheet without cells.")
    return _table(sheets, file_name, options, limits)


def _typed(text: str, kind: str) -> Any:
    """Returns the value of a cell; a text where it is not of its stated kind."""
    try:
        if kind == "Number":
            return float(text)
        if kind == "DateTime":
            moment = dt.datetime.fromisoformat(text)
            # Excel writes a time of day on the day before its first.
            return moment.time() if moment.year < 1900 else moment
    except ValueError:
        return text
    return text == "1" if kind == "Boolean" else text


def _table(sheets: list[Sheet], file_name: str, options: ReadOptions, limits: Limits) -> SourceTable:
    names = [s.name for s in sheets]
    if options.sheet:
        wanted = named_sheet(names, options.sheet, file_name)
        sheets = [s for s in sheets if s.name == wanted]
    return table_of_sheets(names, sheets, file_name, options, limits)


PAGE = Container("html", read_page)
SPREADSHEETML = Container("spreadsheetml", read_spreadsheetml)
