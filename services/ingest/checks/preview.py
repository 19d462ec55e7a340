"""The first rows of a table as text: at most 200, read from the file without the rest."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

DEFAULT_ROWS = 100
MAX_ROWS = 200
_CELL = 500


def preview(path: Path, offset: int, rows: int) -> tuple[list[str], list[list[str]], int]:
    """Returns (columns, rows as text, rows in all) from row `offset` on, from 0; missing cells are ""."""
    wanted = min(rows or DEFAULT_ROWS, MAX_ROWS)
    total = pq.read_metadata(path).num_rows
    frame = pl.scan_parquet(path).slice(max(0, offset), wanted).collect()
    return list(frame.columns), as_text(frame), total


def as_text(frame: pl.DataFrame) -> list[list[str]]:
    """Returns the cells as text, cut to 500 characters; missing cells are ""."""
    shown = frame.select(pl.all().cast(pl.String, strict=False).fill_null("").str.slice(0, _CELL))
    return [list(row) for row in shown.rows()]
