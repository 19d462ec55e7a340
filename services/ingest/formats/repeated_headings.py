"""The header and the units row again among the rows, as exports that were glued together have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from services.ingest.dialect import Dialect

Flags = npt.NDArray[np.bool_]


def repeated_headings(
    frame: pl.DataFrame, names: Sequence[str], dialect: Dialect, units_row: Sequence[str]
) -> Mapping[int, Sequence[str]]:
    """Returns the rows of a part of a table that are the header or the units row again, each with its cells there.

    `names` are the columns of the table in the order of the file's fields, `units_row` the cells of its units row. A
    heading of fewer than two texts, or one of a table without numbers and times, is no heading for sure.
    """
    if dialect.header_line is None or not any(dialect.measured):
        return {}
    found: dict[int, Sequence[str]] = {}
    for cells in (dialect.names, units_row):
        found |= dict.fromkeys(np.flatnonzero(_equal(frame, names, cells)).tolist(), cells)
    return found


def _equal(frame: pl.DataFrame, names: Sequence[str], cells: Sequence[str]) -> Flags:
    """Returns for each row whether it holds `cells`, wherever those are filled."""
    schema = frame.schema
    filled = [(n, c) for n, c in zip(names, cells, strict=False) if c and n in schema]
    # A name among its own numbers would not have been parsed as one.
    if len(filled) < 2 or any(schema[n] != pl.String for n, _ in filled):
        return np.zeros(frame.height, bool)
    first, text = filled[0]
    if not frame[first].str.contains(text, literal=True).any():
        return np.zeros(frame.height, bool)
    same = pl.all_horizontal([pl.col(n).str.strip_chars() == c for n, c in filled]).fill_null(False)
    return frame.select(same.alias("same"))["same"].to_numpy()
