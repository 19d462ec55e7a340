"""What the headings of a table of tag names are: a number that stands in long exports, and the name it stands for.

FactoryTalk writes a tag table (TagName, TagIndex), Ignition sqlth_te (id, tagpath): a file of its own, or a sheet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from services.ingest.layouts.clock import trimmed
from services.ingest.layouts.headings import squashed

_NUMBERS = ("tagindex", "tagid", "id", "index", "valueid", "itemid", "numericid")
_NAMES = ("tagname", "tagpath", "name", "valuename", "varname", "variablename", "path", "itemname")


def names_by_number(frame: pl.DataFrame) -> dict[str, str] | None:
    """Returns the names that a table gives to numbers; None where it is no table of names."""
    headings = {squashed(n): n for n in frame.columns}
    number = next((headings[w] for w in _NUMBERS if w in headings), "")
    name = next((headings[w] for w in _NAMES if w in headings), "")
    if not number or not name or frame[name].dtype != pl.String or "timestamp" in frame.columns:
        return None
    pairs = frame.select(pl.col(number).cast(pl.String), name).drop_nulls()
    names = dict(pairs.iter_rows())
    return names if len(names) == pairs.height and len(set(names.values())) == len(names) else None


def numbers_tags(rows: Sequence[Sequence[object]]) -> bool:
    """Returns whether the first row of a sheet has a heading for the numbers of tags."""
    return any(isinstance(c, str) and squashed(c) in _NUMBERS for r in rows[:1] for c in r)


def with_names(frame: pl.DataFrame, tables: Sequence[Mapping[str, str]]) -> pl.DataFrame:
    """Returns a table of samples whose tag numbers are replaced by the names that one of the tables gives to all."""
    for column in (n for n in frame.columns if squashed(n) in _NUMBERS):
        texts = trimmed(frame[column].cast(pl.String)).alias(column)
        numbers = set(texts.drop_nulls().unique().to_list())
        for names in tables:
            if numbers and numbers <= names.keys() and frame.height > len(names):
                return frame.with_columns(texts.replace(dict(names)))
    return frame
