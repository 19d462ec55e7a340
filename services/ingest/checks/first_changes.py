"""What a cleaning does to a column, shown where it first does it: some rows before and after, side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

ROWS = 120
LEAD = 20
"""Rows shown of a column, and how many of them come before its first change."""


@dataclass(frozen=True)
class Change:
    """Values of a column from table row `first_row` (from 1) on, at most ROWS: NaN where one is missing, and in `after`
    also where the row is dropped. `changed_row` is the first row that differs."""

    column: str
    first_row: int
    changed_row: int
    before: tuple[float, ...]
    after: tuple[float, ...]


def first_changes(before: pl.DataFrame, after: pl.DataFrame, columns: Iterable[str]) -> list[Change]:
    """Returns the first change of each numeric column that changes, in the order of `columns`. Rows are told by their
    `source_row`; a table without one shows nothing."""
    if "source_row" not in before.columns:
        return []
    named = [n for n in dict.fromkeys(columns) if before.schema[n].is_numeric()]
    kept = before.select("source_row").join(
        after.select("source_row", *named).unique("source_row", keep="first"),
        on="source_row",
        how="left",
        maintain_order="left",
    )
    changes = []
    for name in named:
        was, now = before[name].cast(pl.Float64), kept[name].cast(pl.Float64)
        at = was.ne_missing(now).arg_max() if len(was) else None
        if at is None or not was.ne_missing(now)[at]:
            continue
        start = max(0, at - LEAD)
        shown = [tuple(v if v is not None else math.nan for v in part[start : start + ROWS]) for part in (was, now)]
        changes.append(Change(name, start + 1, at + 1, *shown))
    return changes
