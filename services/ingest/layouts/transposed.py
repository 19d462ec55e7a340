"""Tables that lie on their side: one line a tag, one column a time. They are turned, so that each tag is a column.

The times stand in the header, or in the first row where that was not taken for one. The texts before them say what a
line is: its tag, and maybe its unit and more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from services.ingest.formats.registry import Reshape
from services.ingest.headings.header import bare_unit, is_unit
from services.ingest.layouts.clock import utc_times
from services.ingest.layouts.headings import names_role
from services.ingest.layouts.pivot import pivoted
from services.ingest.options import ReadOptions
from services.ingest.tables import SourceTable
from services.ingest.values.cells import kind_of

_FEWEST_TIMES = 3
_MOST_LABELS = 5


@dataclass(frozen=True)
class _Sides:
    """The columns that label lines and those of one time each; the times; whether the first row has them."""

    labels: list[str]
    columns: list[str]
    times: list[str]
    in_row: bool


def recognise(table: SourceTable, options: ReadOptions) -> str:
    """Returns why a table lies on its side, or ""."""
    sides = None if options.tag_column or options.value_column else _sides(table)
    if sides is None:
        return ""
    tags = table.frame.height - sides.in_row
    return f"{len(sides.times)} times stand side by side over {tags} lines that begin with a name each"


def _sides(table: SourceTable) -> _Sides | None:
    names = table.frame.columns
    if table.has_header:
        return _of_lines(table.frame, names, in_row=False)
    if not table.frame.height or table.frame.schema[names[-1]] != pl.String:
        return None
    first = [str(c or "").strip() for c in table.frame.row(0)]
    return _of_lines(table.frame.slice(1), first, in_row=True)


def _of_lines(lines: pl.DataFrame, heads: list[str], *, in_row: bool) -> _Sides | None:
    """Returns the sides when all heads but those of the first columns are times and the first column has names."""
    labels = next((i for i, head in enumerate(heads[: _MOST_LABELS + 1]) if _is_moment(head)), 0)
    stop = len(heads)
    while stop > labels and not heads[stop - 1]:
        # Lines that end with a delimiter.
        stop -= 1
    times = heads[labels:stop]
    if not labels or len(times) < _FEWEST_TIMES or not all(map(_is_moment, times)) or not lines.height:
        return None
    tags = [str(t or "").strip() for t in lines.to_series(0)]
    if len(set(tags)) < len(tags) or not all(kind_of(t) == "text" for t in tags):
        return None
    if any(_is_moment(str(cell or "").strip()) for cell in lines.row(0)):
        # Times below times are values.
        return None
    return _Sides(lines.columns[:labels], lines.columns[labels:stop], times, in_row)


def _is_moment(text: str) -> bool:
    """Returns whether a text is a time with a date; hours of the day head the columns of other tables."""
    return kind_of(text) == "time" and any(mark in text for mark in "-/.")


def turned(table: SourceTable, file_name: str, options: ReadOptions) -> SourceTable:
    """Returns one row a time and one text column a tag; `timestamp` is UTC. Raises TIMESTAMP_AMBIGUOUS."""
    sides = _sides(table)
    assert sides is not None
    skip = int(sides.in_row)
    lines = table.frame.slice(skip)
    stamps, fact = utc_times(pl.Series("timestamp", sides.times), options, file_name)
    tags = lines.to_series(0).str.strip_chars()
    units = _units(lines, sides, tags)
    numbers = table.line_numbers.slice(skip)
    parts = [
        pl.DataFrame({"tag": tags, "value": _trimmed(lines[column]), "line": numbers}).with_columns(
            pl.lit(stamp).cast(stamps.dtype).alias("time"), pl.lit(True).alias("good")
        )
        for column, stamp in zip(sides.columns, stamps, strict=True)
    ]
    counts = replace(table.counts, rows=table.counts.rows - skip, header=table.counts.header + skip)
    samples = pl.concat(parts).select("time", "tag", "value", "good", "line")
    wide = pivoted(replace(table, counts=counts), samples, [*table.facts, fact], units)
    if others := [n for n in sides.labels[1:] if n not in _unit_columns(lines, sides)]:
        text = f"{file_name} describes its tags in {', '.join(others)}; the turned table has no place for that."
        wide.warnings = [*wide.warnings, ("LABELS_LEFT_OUT", text)]
    return wide


def _trimmed(cells: pl.Series) -> pl.Series:
    texts = cells.cast(pl.String).str.strip_chars()
    return texts.set(texts == "", None)


def _unit_columns(lines: pl.DataFrame, sides: _Sides) -> list[str]:
    """Returns the labels beside the tags that are units, by their heading or by what they hold."""
    return [n for n in sides.labels[1:] if names_role(n, "unit") or all(is_unit(t) for t in lines[n].drop_nulls() if t)]


def _units(lines: pl.DataFrame, sides: _Sides, tags: pl.Series) -> dict[str, str]:
    found = next(iter(_unit_columns(lines, sides)), "")
    given = zip(tags, lines[found], strict=True) if found else ()
    return {tag: bare_unit(unit) for tag, unit in given if unit and bare_unit(unit)}


RESHAPE = Reshape("transposed", recognise, turned)
