"""Wide tables with quality columns: bad samples become missing, a value and its quality one column.

Reads `X` with `X_quality`, `X.Value` with `X.StatusCode`, and Kepware's four columns a tag (numeric id, value,
timestamp, quality). Where each tag has a time column of its own and they differ, every sample stands at its own time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from services.ingest.formats.registry import Reshape
from services.ingest.layouts.clock import reads_as_time, trimmed, utc_times
from services.ingest.layouts.pivot import pivoted
from services.ingest.layouts.quality_columns import find_pairs, tag_of
from services.ingest.layouts.quality_columns import holds_codes as holds_codes
from services.ingest.layouts.quality_pairs import (
    Pair,
    beside_values,
    code_counts,
    good_marks,
    good_samples,
    quality_facts,
    without_bad,
)
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, SourceTable

_TIME_WORDS = ("timestamp", "time", "ts", "sourcetimestamp", "servertimestamp", "zeitstempel", "t")


def recognise(table: SourceTable, options: ReadOptions) -> str:
    """Returns why a table has quality columns, or ""."""
    pairs = find_pairs(table, options)
    return evidence_of(pairs) if pairs else ""


def evidence_of(pairs: Sequence[Pair]) -> str:
    """Returns what speaks for a table of pairs."""
    return f"{len({p.value for p in pairs})} value columns have a quality column beside them"


def apply_quality(table: SourceTable, file_name: str, options: ReadOptions) -> SourceTable:
    """Returns the table without quality columns; bad samples are null and counted in bad_cells.

    Raises TIMESTAMP_AMBIGUOUS where tags have clocks of their own.
    """
    frame = table.frame
    pairs = find_pairs(table, options)
    marks = good_marks(pairs, {p.quality: code_counts(frame[p.quality]) for p in pairs})
    facts = [*table.facts, *quality_facts(pairs, marks)]
    tags = {p.value: p.tag for p in pairs}
    clocks = _own_clocks(frame, tags)
    extra = beside_values(frame.columns, pairs)
    others = [n for n in frame.columns if n not in extra and n not in tags and n not in clocks.values()]
    has_axis = any(re.search(r"time|date|zeit|datum|^ts$|^t$|^fecha|^hora", n, re.I) for n in others)
    if clocks and not has_axis and set(clocks) == set(tags):
        first = next(iter(clocks.values()))
        if not all((_told(frame[c]) == _told(frame[first])).all() for c in clocks.values()):
            return _by_own_clock(table, file_name, options, tags, clocks, good_samples(frame, pairs, marks), facts)
        # A sample that failed may have no time where those beside it have theirs.
        frame = frame.with_columns(pl.coalesce([_told(frame[c]) for c in clocks.values()]).alias(first))
        frame = frame.rename({first: "timestamp"}) if "timestamp" not in frame.columns else frame
        clocks = {v: c for v, c in clocks.items() if c != first}
    drop = [*extra, *(c for c in clocks.values() if c in frame.columns)] if has_axis or clocks else extra
    companions = _companions(frame, tags.values()) if has_axis else []
    frame, bad = without_bad(frame, pairs, marks)
    frame = frame.drop({*drop, *companions})
    renames = {v: t for v, t in tags.items() if v == t or t not in frame.columns}
    renamed_bad = {renames.get(n, n): c for n, c in (table.bad_cells | bad).items()}
    units = {renames.get(n, n): u for n, u in table.units.items() if n in frame.columns}
    return replace(table, frame=frame.rename(renames), bad_cells=renamed_bad, facts=facts, units=units)


def _told(times: pl.Series) -> pl.Series:
    """Returns texts of times without the word that databases write for none."""
    texts = trimmed(times)
    return texts.set(texts.str.to_lowercase().str.strip_chars("()<>[]") == "null", None)


def row_by_row(table: SourceTable, options: ReadOptions) -> list[Pair]:
    """Returns the pairs of a table of which every row can be read by itself: no tag has a clock of its own."""
    pairs = find_pairs(table, options)
    return [] if _own_clocks(table.frame, {p.value: p.tag for p in pairs}) else pairs


def _own_clocks(frame: pl.DataFrame, tags: dict[str, str]) -> dict[str, str]:
    """Returns the time column of each value column that has one of its own."""
    wanted = {t.lower(): v for v, t in tags.items()}
    found: dict[str, str] = {}
    for name in frame.columns:
        value = wanted.get(tag_of(name, _TIME_WORDS).lower(), "")
        if value and value not in found and frame[name].dtype == pl.String and reads_as_time(frame[name]):
            found[value] = name
    return found


def _companions(frame: pl.DataFrame, tags: object) -> list[str]:
    """Returns further columns of OPC UA data values: server times, symbols."""
    mark = re.compile(r"[._](source_?timestamp|server_?timestamp|status_?code\.symbol|timestamp)$", re.I)
    begins = tuple(f"{tag}{separator}" for tag in tags for separator in "._")  # type: ignore[attr-defined]
    return [n for n in frame.columns if mark.search(n) and n.startswith(begins)]


def _by_own_clock(
    table: SourceTable,
    file_name: str,
    options: ReadOptions,
    tags: dict[str, str],
    clocks: dict[str, str],
    good: dict[str, pl.Series],
    facts: list[Fact],
) -> SourceTable:
    frame = table.frame
    texts = pl.concat([_told(frame[c]).alias("timestamp") for c in clocks.values()])
    stamps, fact = utc_times(texts, options, file_name)
    parts = [
        pl.DataFrame(
            {
                "time": stamps.slice(number * frame.height, frame.height),
                "tag": pl.Series([tags[value]]).new_from_index(0, frame.height),
                "value": trimmed(frame[value].cast(pl.String)),
                "good": good[value],
                "line": table.line_numbers,
            }
        )
        for number, value in enumerate(clocks)
    ]
    units = {tags[v]: u for v, u in table.units.items() if v in tags}
    return pivoted(table, pl.concat(parts), [*facts, fact], units)


RESHAPE = Reshape("quality columns", recognise, apply_quality)
