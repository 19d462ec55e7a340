"""A column of times parsed block by block in the format that its first block shows."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from services.ingest.values.timestamps import TimeColumn, find_time


@dataclass
class BlockTimes:
    """A column of times in one format, or in two that differ in their clocks only.

    `plain` says that the first texts need no preparation (month names, odd marks) to be parsed.
    """

    format: str
    evidence: str
    type: pl.DataType
    plain: bool

    def parse(self, texts: pl.Series) -> pl.Series:
        """Returns the times, null where a text has not the format."""
        first, *others = self.format.split(" | ")
        values = self._parsed(texts, first)
        for other in others:
            if values.null_count() > texts.null_count():
                values = values.zip_with(values.is_not_null(), self._parsed(texts, other))
        return values

    def _parsed(self, texts: pl.Series, fmt: str) -> pl.Series:
        # An optional fraction costs four times as much as none.
        values = self._forced(texts, fmt.replace("%S%.f", "%S"))
        return values if values.null_count() == texts.null_count() else self._forced(texts, fmt)

    def _forced(self, texts: pl.Series, fmt: str) -> pl.Series:
        if self.plain and getattr(self.type, "time_zone", None) is None:
            return texts.str.strptime(pl.Datetime("us"), fmt, strict=False)
        found = find_time(texts, forced=fmt)
        assert isinstance(found, TimeColumn)
        return found.values
