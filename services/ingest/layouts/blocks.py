"""PI DataLink and trend exports: pairs of time and value columns side by side, one pair a tag, each with its own clock.

The tag stands above its pair or in a heading of the pair. Blocks are joined on equal times, so a tag that was sampled
more often than the others keeps all its samples. A third column of a block may hold the quality.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import polars as pl

from services.ingest.formats.registry import Reshape
from services.ingest.headings.header import describes
from services.ingest.layouts.clock import reads_as_time, trimmed, utc_times
from services.ingest.layouts.headings import names_role
from services.ingest.layouts.pivot import pivoted
from services.ingest.layouts.quality import good_codes
from services.ingest.layouts.quality_words import is_quality_word
from services.ingest.options import ReadOptions
from services.ingest.tables import SourceTable

_ROLE_WORD = re.compile(
    r"^(.*?)[\s._:\-/]*(time ?stamp|date ?time|time|date|zeit(?:stempel)?|value ?[xy]?|wert|val|x|y)[\s_]*\d*$", re.I
)


@dataclass(frozen=True)
class _Block:
    time: str
    value: str
    quality: str
    tag: str


def _as_texts(table: SourceTable) -> SourceTable:
    """Returns the table as text where a workbook typed the cells of several time columns."""
    if sum(isinstance(t, pl.Datetime) for t in table.frame.dtypes) < 2:
        return table
    return replace(table, frame=table.frame.select(pl.all().cast(pl.String)))


def _blocks(table: SourceTable) -> list[_Block]:
    """Returns the side-by-side blocks; empty when the table is another layout."""
    # Blank columns stand between the blocks of some exports.
    filled = [n for n in table.frame.columns if table.frame[n].null_count() < table.frame.height]
    at = {n: i for i, n in enumerate(table.frame.columns)}
    frame = table.frame.select(filled)
    if frame.width < 4 or any(frame[n].dtype != pl.String for n in frame.columns):
        return []
    times = [n for n in filled if reads_as_time(frame[n].head(300)) and not _is_counter(frame[n])]
    if len(times) < 2 or filled[0] != times[0]:
        return []
    starts = [filled.index(t) for t in times]
    widths = {b - a for a, b in zip(starts, [*starts[1:], len(filled)], strict=True)}
    if not widths <= {2} and not widths <= {3}:
        return []
    above = next((p for p in table.preamble if _holds_role_words(p, len(filled))), [])
    lines = [p for p in table.preamble if p is not above and not describes(next(filter(None, p), ""))]
    # A title that is merged over the whole table says the same everywhere.
    tags = next((p for p in lines if len({c for c in p if c}) >= len(times)), [])
    # Where labels stand over the values throughout, one over the first time says what the line is about.
    over_values = sum(at[filled[s + 1]] < len(tags) and bool(tags[at[filled[s + 1]]]) for s in starts) == len(starts)
    found = []
    for start in starts:
        columns = filled[start : start + widths.copy().pop()]
        quality = next((c for c in columns[2:] if names_role(c.rsplit("_", 1)[0], "quality") or _codes(frame[c])), "")
        if len(columns) == 3 and not quality:
            return []
        labelled = columns[1:] if over_values else columns
        over = next((tags[at[c]] for c in labelled if at[c] < len(tags) and tags[at[c]]), "")
        # One label over the whole block became the name of its first column and, numbered, of the others.
        numbered_again = re.sub(r"_\d+$", "", columns[1]) == columns[0]
        own = _tag_in(columns[0]) if numbered_again else _tag_in(columns[1]) or _tag_in(columns[0])
        found.append(_Block(columns[0], columns[1], quality, over or own))
    tags_found = [b.tag for b in found]
    return found if all(tags_found) and len(set(tags_found)) == len(found) else []


def _is_counter(values: pl.Series) -> bool:
    """Returns whether a column holds short plain numbers, which are values before they are Excel days.

    A few may stand among times: DataLink writes the count of the values above them.
    """
    head = trimmed(values.head(300)).drop_nulls()
    return int(head.str.contains(r"^[+-]?[\d.,]{1,9}$").sum()) > 0.05 * len(head)


def _codes(values: pl.Series) -> bool:
    texts = trimmed(values.head(300)).drop_nulls().unique()
    known = texts.str.contains(r"(?i)^(good|bad|uncertain|ok|192|true|false)").any()
    return 0 < len(texts) <= 16 and bool(known or any(map(is_quality_word, texts.to_list())))


def _holds_role_words(cells: list[str], width: int) -> bool:
    named = sum(names_role(c, "time") or names_role(c, "value") for c in cells if c)
    return named >= 0.8 * sum(bool(c) for c in cells) and named >= 0.5 * width


def _tag_in(heading: str) -> str:
    """Returns the tag that a heading names, "" when it says only time or value."""
    if heading.startswith("column_"):
        return ""
    bare = re.sub(r"_\d+$", "", heading)
    if names_role(bare, "time") or names_role(bare, "value") or names_role(heading, "time"):
        return ""
    match = _ROLE_WORD.match(heading)
    if match and match[1].strip():
        return match[1].strip()
    first, _, rest = heading.partition(" ")
    return rest.strip() if rest and (names_role(first, "time") or names_role(first, "value")) else heading


def recognise(table: SourceTable, options: ReadOptions) -> str:
    """Returns why a table consists of blocks, or ""."""
    blocks = _blocks(_as_texts(table))
    return f"{len(blocks)} pairs of time and value columns side by side" if blocks else ""


def join_blocks(table: SourceTable, file_name: str, options: ReadOptions) -> SourceTable:
    """Returns one row a time and one text column a tag; `timestamp` is UTC. Raises TIMESTAMP_AMBIGUOUS."""
    table = _as_texts(table)
    blocks = _blocks(table)
    height = table.frame.height
    comma = any(bool(table.frame[b.value].str.contains(r"^\s*-?\d+,\d+\s*$").any()) for b in blocks)
    # One format for all blocks: what settles the day in one of them settles it in all.
    texts = pl.concat([trimmed(table.frame[b.time]).alias("timestamp") for b in blocks])
    stamps, fact = utc_times(texts, options, file_name, comma_locale=comma)
    parts: list[pl.DataFrame] = []
    for number, block in enumerate(blocks):
        good = pl.Series([True]).new_from_index(0, height)
        if block.quality:
            codes, _ = good_codes(table.frame[block.quality].fill_null("").alias("quality"), block.quality)
            good = table.frame[block.quality].fill_null("").is_in(list(codes))
        part = pl.DataFrame(
            {
                "time": stamps.slice(number * height, height),
                "tag": pl.Series([block.tag]).new_from_index(0, height),
                "value": trimmed(table.frame[block.value]),
                "good": good,
                "line": table.line_numbers,
            }
        )
        # Blocks of unequal length are padded with blanks at their end.
        parts.append(part.filter(pl.col("time").is_not_null() | pl.col("value").is_not_null()))
    units = {b.tag: u for b in blocks if (u := table.units.get(b.value) or table.units.get(b.time))}
    return pivoted(table, pl.concat(parts), [*table.facts, fact], units)


RESHAPE = Reshape("blocks", recognise, join_blocks)
