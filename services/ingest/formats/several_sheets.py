"""Which sheets of a workbook, or tables of a page, are read: one that is asked for, or the fullest and its like.

Sheets that go on in time under the same columns, that hold one tag each, or that have other columns at the same times
belong together: they become parts, which are put together like files. Any other sheet that is not much emptier than the
fullest is named in a warning.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.formats.sheets import Sheet, sheet_table
from services.ingest.layouts.clock import trimmed
from services.ingest.layouts.headings import names_role
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, SourceTable
from services.ingest.values.timestamps import TimeColumn, find_time

_RIVAL_SHARE = 0.2
"""Share of the fullest sheet's cells above which another sheet holds a table that is missed."""
_WIDEST_SAMPLE = 5
_Span = tuple[dt.datetime, dt.datetime]


def named_sheet(names: Sequence[str], wanted: str, file_name: str) -> str:
    """Returns the sheet of a name, or of a number from 1. Raises SHEET_NOT_FOUND."""
    if wanted in names:
        return wanted
    if wanted.isdigit() and 0 < int(wanted) <= len(names):
        return names[int(wanted) - 1]
    raise SensorForgeError("SHEET_NOT_FOUND", f"{file_name} has no sheet {wanted!r}; it has {', '.join(names)}.")


def chosen_sheet(sheets: Sequence[Sheet]) -> Sheet:
    """Returns the sheet with most filled cells, the first of several."""
    return max(sheets, key=lambda s: s.filled)


def table_of_sheets(
    names: Sequence[str], sheets: Sequence[Sheet], file_name: str, options: ReadOptions, limits: Limits
) -> SourceTable:
    """Returns the table of the fullest of some sheets, with parts where others belong to it.

    `names` are those of all sheets, also of those that were not asked for. Raises EMPTY_FILE, NO_ROWS, INGEST_LIMIT.
    """
    chosen = chosen_sheet(sheets)
    table = sheet_table(chosen, file_name, options, limits)
    others = tuple(n for n in names if n != chosen.name)
    why = "given" if options.sheet else f"most filled cells of {len(names)} sheets" if others else "the only sheet"
    table.facts.insert(0, Fact("sheet", chosen.name, why, others))
    rivals = [s for s in sheets if s is not chosen and s.filled > _RIVAL_SHARE * chosen.filled]
    alone = options.raw or len(sheets) == 1
    parts = [] if alone else _parts(chosen, table, sheets, rivals, file_name, options, limits)
    taken = {name for name, _ in parts}
    if unread := [s.name for s in rivals if s.name not in taken]:
        text = f"{file_name}: sheet {chosen.name!r} was read; {', '.join(unread[:10])} hold tables as well (--sheet)."
        table.warnings.append(("SHEETS_UNREAD", text))
    if parts:
        shown = ", ".join(name for name, _ in parts)[:300]
        table.facts[0] = Fact("sheet", shown, "sheets that belong together are read like files", others)
    table.parts = parts
    return table


def _parts(
    chosen: Sheet,
    table: SourceTable,
    sheets: Sequence[Sheet],
    rivals: Sequence[Sheet],
    file_name: str,
    options: ReadOptions,
    limits: Limits,
) -> list[tuple[str, SourceTable]]:
    """Returns the sheets that belong to the chosen one, itself included, as (name, table); [] where there is none."""
    tables: dict[str, SourceTable] = {chosen.name: table}
    for sheet in sheets:
        if sheet is chosen or not sheet.rows:
            continue
        try:
            other = sheet_table(sheet, file_name, options, limits)
        except SensorForgeError:
            continue
        like = _named_like(other, table)
        if like is not None or sheet in rivals or other.frame.height == table.frame.height:
            tables[sheet.name] = like or other
    spans = {name: s for name, t in tables.items() if (s := _span(t.frame, options)) is not None}
    if chosen.name not in spans:
        return []
    order = {s.name: i for i, s in enumerate(sheets)}
    alike = sorted(
        (n for n in spans if tables[n].frame.columns == table.frame.columns), key=lambda n: (spans[n], order[n])
    )
    if len(alike) > 1 and all(spans[a][1] <= spans[b][0] for a, b in pairwise(alike)):
        return [(n, tables[n]) for n in alike]
    single = [n for n in spans if _one_tag(tables[n].frame, table.frame)]
    if len(single) > 1 and chosen.name in single:
        return [(n, tables[n]) for n in sorted(single, key=lambda n: order[n])]
    beside = [n for n in spans if n == chosen.name or _beside(table.frame, tables[n].frame)]
    beside = [n for n in beside if spans[n] == spans[chosen.name]]
    names = [c for n in beside for c in tables[n].frame.columns[1:]]
    if len(beside) > 1 and len(set(names)) == len(names):
        return [(n, tables[n]) for n in sorted(beside, key=lambda n: order[n])]
    return []


def _one_tag(frame: pl.DataFrame, like: pl.DataFrame) -> bool:
    """Returns whether a sheet holds a time and one value, which a quality and a unit may stand beside."""
    values = sum(names_role(n, "value") for n in frame.columns)
    return frame.width == 2 or (frame.columns == like.columns and frame.width <= _WIDEST_SAMPLE and values == 1)


def _beside(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Returns whether two sheets have the same times in their first columns, and other columns beside them."""
    return one.height == other.height and one.columns[0] == other.columns[0] and one[:, 0].equals(other[:, 0])


def _named_like(other: SourceTable, table: SourceTable) -> SourceTable | None:
    """Returns a sheet with the columns of the chosen one, None where it is another table.

    Exports that fill a sheet go on in the next one, some without a header.
    """
    if other.frame.columns == table.frame.columns:
        return other
    if other.has_header or not table.has_header or other.frame.dtypes != table.frame.dtypes:
        return None
    other.frame.columns = table.frame.columns
    other.units = dict(table.units)
    return other


def _span(frame: pl.DataFrame, options: ReadOptions) -> _Span | None:
    """Returns the first and the last time of a sheet's first time column; None where it has none or it is undecided."""
    for column in frame.get_columns()[:3]:
        times = column
        if column.dtype == pl.String:
            found = find_time(trimmed(column), day_first=options.day_first)
            if not isinstance(found, TimeColumn):
                continue
            times = found.values
        if isinstance(times.dtype, pl.Datetime) and times.null_count() < len(times):
            naive = times.dt.replace_time_zone(None)
            first, last = naive.min(), naive.max()
            assert isinstance(first, dt.datetime)
            assert isinstance(last, dt.datetime)
            return first, last
    return None
