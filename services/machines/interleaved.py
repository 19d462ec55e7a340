"""Several machines logged into one table: which column tells them apart.

Where two pumps write into one file, every time stands there once for each of them. Taken for one machine, its rows jump
between the two; taken as a run each, they are two series.
"""

from __future__ import annotations

import polars as pl

_REPEATED = 0.2  # share of rows whose time stands in the table before
_UNIQUE = 0.98  # share of rows with a time of their own within their machine: an hour of autumn may stand there twice
_MOST = 200
_FEWEST_ROWS = 20  # of each machine


def interleaved_by(table: pl.DataFrame, time: str) -> str:
    """Returns the text column whose values each have times of their own where the table's times repeat, "" if none."""
    rows = table.height
    if not rows or rows - table[time].n_unique() < _REPEATED * rows:
        return ""
    for name, kind in table.schema.items():
        if kind != pl.String or table[name].null_count():
            continue
        count = table[name].n_unique()
        enough = 2 <= count <= _MOST and rows >= _FEWEST_ROWS * count
        if enough and table.select(pl.struct(time, name).n_unique()).item() >= _UNIQUE * rows:
            return name
    return ""
