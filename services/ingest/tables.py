"""The values that readers hand on: a table whose cells may still be text, where it came from, and what was decided.

A reader never types text cells itself; it says what every line of the file became, so that the ledger can balance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from services.ingest.headings.distinct_names import renamed

Progress = Callable[[str, int, int], None]
"""Called with phase, units done and units in all (0 when unknown)."""


def silent(phase: str, done: int = 0, total: int = 0) -> None:
    """Progress that nobody follows."""


@dataclass(frozen=True)
class Fact:
    """One decision of the detection with its evidence; `ambiguous` when it changes values and nothing settles it."""

    key: str
    value: str
    evidence: str
    alternatives: tuple[str, ...] = ()
    ambiguous: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "value": self.value,
            "evidence": self.evidence,
            "alternatives": list(self.alternatives),
            "ambiguous": self.ambiguous,
        }


@dataclass(frozen=True)
class Reject:
    """A record that could not become a row: data row number and line number from 1, a reason, its text (cut)."""

    row: int
    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class LineCounts:
    """What every line of the file became. `total` is counted apart from the parser."""

    total: int
    rows: int
    preamble: int = 0
    header: int = 0
    units: int = 0
    rejected: int = 0
    footer: int = 0
    blank: int = 0
    continuation: int = 0

    @property
    def accounted(self) -> int:
        return (
            self.rows + self.preamble + self.header + self.units + self.rejected + self.footer + self.blank
        ) + self.continuation

    def without_blanked(self, blanked: Mapping[str, int]) -> LineCounts:
        """Returns the counts where some of the blank lines stand for others ("preamble", "header")."""
        moved = {what: getattr(self, what) + count for what, count in blanked.items()}
        return replace(self, **moved, blank=self.blank - sum(blanked.values()))


@dataclass(frozen=True)
class SampleCounts:
    """What the samples of a long export became when it was turned wide."""

    samples: int
    placed: int
    bad: int = 0
    duplicate: int = 0
    unparsable: int = 0
    missing: int = 0

    @property
    def balanced(self) -> bool:
        return self.samples == self.placed + self.bad + self.duplicate + self.unparsable + self.missing


@dataclass
class SourceTable:
    """What a format reader returns.

    `frame`: one column per field, String where cells are still text. `row_numbers` and `line_numbers` (Int64, one per
    row) point into the file. `units` by column, from brackets or a units row. `preamble`: the cells of the lines above
    the header. `padded`: cells that short rows lack. `decimal` and `day_first` are "" and None unless decided by the
    format itself. `samples` and `bad_cells` (by column) account for a long export that was turned wide; `bad_cells` are
    null in the frame. Columns whose names cannot stay (distinct_names.py) get others, whatever made the frame.
    """

    frame: pl.DataFrame
    counts: LineCounts
    row_numbers: pl.Series
    line_numbers: pl.Series
    units: dict[str, str] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    preamble: list[list[str]] = field(default_factory=list)
    padded: int = 0
    decimal: str = ""
    day_first: bool | None = None
    has_header: bool = True
    warnings: list[tuple[str, str]] = field(default_factory=list)
    samples: SampleCounts | None = None
    bad_cells: dict[str, int] = field(default_factory=dict)
    parts: list[tuple[str, SourceTable]] = field(default_factory=list)
    """Where a file holds several tables that belong together: all of them by name, this one included."""

    def __post_init__(self) -> None:
        if new := renamed(self.frame.columns):
            self.frame = self.frame.rename(new)
            self.units = {new.get(n, n): u for n, u in self.units.items()}
            self.bad_cells = {new.get(n, n): c for n, c in self.bad_cells.items()}


def numbered(count: int, first: int = 1) -> pl.Series:
    """Returns consecutive Int64 numbers, the row or line numbers of an untouched table."""
    return pl.int_range(first, first + count, dtype=pl.Int64, eager=True)


REJECT_SCHEMA = {"source_row": pl.Int64, "line": pl.Int64, "reason": pl.String, "text": pl.String}


def rejects_frame(rejects: list[Reject]) -> pl.DataFrame:
    """Returns rejects.parquet's table: source_row, line, reason, text."""
    return pl.DataFrame([(r.row, r.line, r.reason, r.text) for r in rejects], schema=REJECT_SCHEMA, orient="row")
