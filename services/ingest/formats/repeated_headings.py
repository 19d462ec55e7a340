"""Lines of the heading again among the rows, as exports that were glued together have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from services.ingest.text.dialect import Dialect

Flags = npt.NDArray[np.bool_]


def repeated_headings(
    frame: pl.DataFrame, names: Sequence[str], dialect: Dialect, units_row: Sequence[str]
) -> Mapping[int, Sequence[str]]:
    """Returns the rows of a part of a table that are lines of the heading again, each with its cells there.

    `names` are the columns of the table in the order of the file's fields, `units_row` the cells of its units row. In
    a table without numbers and times nothing is a heading for sure.
    """
    if dialect.header_line is None or not any(dialect.measured):
        return {}
    found: dict[int, Sequence[str]] = {}
    # Loggers that number all lines number their headings, too.
    bare = ("", *dialect.names[1:]) if dialect.names[0].isdigit() else dialect.names
    for cells in dict.fromkeys((dialect.names, bare, tuple(units_row), *dialect.heading_rows)):
        found |= dict.fromkeys(np.flatnonzero(_equal(frame, names, cells)).tolist(), cells)
    return found


def _equal(frame: pl.DataFrame, names: Sequence[str], cells: Sequence[str]) -> Flags:
    """Returns for each row whether it holds `cells`, wherever those are filled."""
    schema = frame.schema
    filled = [(n, c) for n, c in zip(names, cells, strict=False) if c and n in schema]
    # A name among its own numbers would not have been parsed as one.
    alone = len(filled) == 1 and not filled[0][1].replace(".", "").isdigit() and frame.width > 1
    if not (alone or len(filled) > 1) or any(schema[n] != pl.String for n, _ in filled):
        return np.zeros(frame.height, bool)
    first, text = filled[0]
    if not frame[first].str.contains(text, literal=True).any():
        return np.zeros(frame.height, bool)
    same = pl.all_horizontal([pl.col(n).str.strip_chars() == c for n, c in filled]).fill_null(False)
    if alone:
        # The only cell of its line, as the unit of the only measurement.
        same &= pl.all_horizontal(pl.exclude(first).is_null())
    return frame.select(same.alias("same"))["same"].to_numpy()
