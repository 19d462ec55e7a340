"""A quality of rows in everyday words: told, not applied.

"Good" and "Bad" in a column called quality may tell of the samples, or of the product that was made from them; only its
owner knows. `--quality-column` says that it tells of the samples.
"""

from __future__ import annotations

import polars as pl

from services.ingest.layouts.clock import trimmed
from services.ingest.layouts.headings import STATES_TIER, tier_of_path
from services.ingest.layouts.quality_words import is_quality_word, says_bad
from services.ingest.options import ReadOptions
from services.ingest.tables import SourceTable

_MOST_WORDS = 16


def with_quality_told(table: SourceTable, file_name: str, options: ReadOptions) -> SourceTable:
    """Returns a wide table, with a warning for every column of words for good and bad that no value was paired with."""
    if options.raw or options.quality_column:
        return table
    for name in table.frame.columns:
        level = tier_of_path(name, "quality") if table.frame.schema[name] == pl.String else None
        if level is None or level >= STATES_TIER:
            continue
        words = trimmed(table.frame[name]).drop_nulls()
        distinct = words.unique().to_list()
        if len(distinct) <= _MOST_WORDS and any(map(says_bad, distinct)) and all(map(is_quality_word, distinct)):
            bad = sum(map(says_bad, words.to_list()))
            text = (
                f"{file_name}: {name!r} calls {bad:,} of {len(words):,} rows bad. It may tell of the samples or of a "
                f"product, so their values stay (--quality-column {name!r} makes them missing)."
            )
            table.warnings.append(("QUALITY_NOT_APPLIED", text))
    return table
