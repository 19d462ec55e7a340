"""Trend logs that write each value behind its name: `2024-05-01 10:00:00;plc.Flow;3.2;plc.Temp;60;`, without a header.

The names become columns. Lines may lack some of the pairs, but have no name that full lines do not have.
"""

from __future__ import annotations

from collections import Counter

import polars as pl

from services.ingest.formats.registry import Reshape
from services.ingest.layouts.clock import reads_as_time, trimmed, utc_times
from services.ingest.layouts.pivot import pivoted
from services.ingest.options import ReadOptions
from services.ingest.tables import SourceTable
from services.ingest.values.cells import is_measured, kind_of

_FEWEST_PAIRS = 2
_FEWEST_LINES = 3
_VALUES = 0.5
_LOOKED_AT = 200


def _pairs(table: SourceTable) -> list[tuple[str, str]]:
    """Returns the columns of names and of values behind the times; empty when the table is another layout."""
    frame = table.frame
    if table.has_header or frame.height < _FEWEST_LINES or any(t != pl.String for t in frame.dtypes):
        return []
    filled = [n for n in frame.columns if frame[n].null_count() < frame.height]
    pairs = list(zip(filled[1::2], filled[2::2], strict=False))
    if len(pairs) < _FEWEST_PAIRS or len(filled) % 2 == 0 or not _names_then_values(frame.head(_LOOKED_AT), pairs):
        return []
    lines = Counter(frame.select(trimmed(frame[n]) for n, _ in pairs).iter_rows())
    full = {line for line in lines if None not in line}
    if len(full) != 1:
        return []
    (names,) = full
    known = len(set(names)) == len(names) and all({*line} - {None} <= {*names} for line in lines)
    return pairs if known and all(kind_of(n) == "text" for n in names) and reads_as_time(frame[filled[0]]) else []


def _names_then_values(head: pl.DataFrame, pairs: list[tuple[str, str]]) -> bool:
    for name, value in pairs:
        if not all(kind_of(t) == "text" for t in trimmed(head[name]).drop_nulls().unique()):
            return False
        kinds = [kind_of(t) for t in trimmed(head[value]).drop_nulls()]
        if sum(map(is_measured, kinds)) < _VALUES * len(kinds):
            return False
    return True


def recognise(table: SourceTable, options: ReadOptions) -> str:
    """Returns why a table consists of names and values in turn, or ""."""
    pairs = [] if options.tag_column or options.value_column else _pairs(table)
    return f"{len(pairs)} names, the same in all lines, each before its value" if pairs else ""


def by_name(table: SourceTable, file_name: str, options: ReadOptions) -> SourceTable:
    """Returns one row a time and one text column a name; `timestamp` is UTC. Raises TIMESTAMP_AMBIGUOUS."""
    frame, pairs = table.frame, _pairs(table)
    clock = next(n for n in frame.columns if frame[n].null_count() < frame.height)
    stamps, fact = utc_times(trimmed(frame[clock]).alias("timestamp"), options, file_name)
    parts = [
        pl.DataFrame(
            {
                "time": stamps,
                "tag": trimmed(frame[name]),
                "value": trimmed(frame[value]),
                "good": pl.Series([True]).new_from_index(0, frame.height),
                "line": table.line_numbers,
            }
        ).filter(pl.col("tag").is_not_null() | pl.col("value").is_not_null())
        for name, value in pairs
    ]
    return pivoted(table, pl.concat(parts), [*table.facts, fact], {})


RESHAPE = Reshape("named pairs", recognise, by_name)
