"""PI DataLink and trend exports: pairs of time and value columns side by side, one pair a tag, each with its own clock.

The tag stands above its pair or in the value column's header. Blocks are joined on equal times, so a tag that was
sampled more often than the others keeps all its samples.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from services.ingest.formats.long import pivot, plain
from services.ingest.formats.registry import Reshape
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, SourceTable, numbered
from services.ingest.timestamps import TimeColumn, find_time, localised

_TIME_NAMES = ("timestamp", "time", "date", "datetime", "date_time", "time_stamp", "zeit", "zeitstempel", "t")
_VALUE_NAMES = ("value", "val", "wert", "valuey", "value_y", "data", "y")


def _pairs(table: SourceTable) -> list[tuple[str, str, str]]:
    """Returns (time column, value column, tag) of side-by-side blocks; empty when the table is another layout."""
    # Blank columns stand between the blocks of some exports.
    filled = [n for n in table.frame.columns if table.frame[n].null_count() < table.frame.height]
    kept = [i for i, n in enumerate(table.frame.columns) if n in set(filled)]
    frame = table.frame.select(filled)
    if frame.width < 4 or frame.width % 2 or any(frame[n].dtype != pl.String for n in frame.columns):
        return []
    pairs = []
    above = next(
        (p for p in table.preamble if sum(plain(c) in (*_TIME_NAMES, *_VALUE_NAMES) for c in p) >= 0.8 * frame.width),
        [],
    )
    tags = next((p for p in table.preamble if p is not above and sum(bool(c) for c in p) >= frame.width // 2), [])
    for at in range(0, frame.width, 2):
        time, value = frame.columns[at], frame.columns[at + 1]
        if find_time(frame[time].head(300).str.strip_chars().replace("", None)) is None:
            return []
        if find_time(frame[value].head(300).str.strip_chars().replace("", None)) is not None:
            return []
        named = (
            not value.startswith("column_")
            and plain(value).rsplit("_", 1)[0] not in _VALUE_NAMES
            and plain(value) not in _VALUE_NAMES
        )
        over = tags[kept[at]] if kept[at] < len(tags) else ""
        pairs.append((time, value, value if named else over or time))
    return pairs if len(pairs) >= 2 and len({t for _, _, t in pairs}) == len(pairs) else []


def recognise(table: SourceTable, options: ReadOptions) -> str:
    """Returns why a table consists of blocks, or ""."""
    pairs = _pairs(table)
    return f"{len(pairs)} pairs of time and value columns side by side" if pairs else ""


def join_blocks(table: SourceTable, file_name: str, options: ReadOptions) -> SourceTable:
    """Returns one row a time and one text column a tag; `timestamp` is UTC."""
    parts: list[pl.DataFrame] = []
    facts = list(table.facts)
    for time, value, tag in _pairs(table):
        texts = table.frame[time].str.strip_chars().replace("", None)
        found = find_time(texts, day_first=options.day_first, forced=options.timestamp_format)
        if not isinstance(found, TimeColumn):
            continue
        stamps = found.values
        if getattr(stamps.dtype, "time_zone", None) is None:
            stamps = localised(stamps, options.time_zone or "UTC")
        if not parts:
            facts.append(Fact("timestamp_format:timestamp", found.format, found.evidence, found.alternatives))
        cells = table.frame[value].str.strip_chars().replace("", None)
        part = pl.DataFrame({"time": stamps, "value": cells, "line": table.line_numbers})
        part = part.with_columns(pl.lit(tag).alias("tag"), pl.lit(True).alias("good"))
        # Blocks of unequal length are padded with blanks at their end.
        parts.append(part.filter(pl.col("time").is_not_null() | pl.col("value").is_not_null()))
    wide, counts, bad, lines = pivot(pl.concat(parts).select("time", "tag", "value", "good", "line"))
    return replace(
        table,
        frame=wide,
        row_numbers=numbered(wide.height),
        line_numbers=lines,
        facts=facts,
        units={},
        samples=counts,
        bad_cells=bad,
        has_header=True,
    )


RESHAPE = Reshape("blocks", recognise, join_blocks)
