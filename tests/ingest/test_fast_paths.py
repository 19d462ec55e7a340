"""What is read by a shorter way gives what the longer way gives: number columns, sheets, counts of fields."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from services.ingest.formats.json_file import as_series
from services.ingest.formats.sheets import as_text
from services.ingest.formats.sheets import column as _column
from services.ingest.options import ReadOptions
from services.ingest.text.records import scan
from services.ingest.values.coerce import TextCells, Typing, trimmed, typed_column

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(str),
    st.sampled_from(["+1", "-0", ".5", "5.", "007", "1e5", "1E-400", "1e400", "9007199254740993", "nan", "-inf"]),
)
ODD = st.one_of(
    st.sampled_from(["", None, " 7", "7 ", "\t7", "\u00a07", '"7"', "1,5", "1,234.5", "1 234", "Bad", "1_0", "0x1f"]),
    st.sampled_from(["12:30", "2024-01-01", "true", "5 bar", "1.2.3", "--", "\u0663"]),
    st.text(max_size=4),
)
COLUMNS = st.one_of(st.lists(NUMBERS, max_size=30), st.lists(st.one_of(NUMBERS, ODD), max_size=30))


@given(COLUMNS, st.sampled_from([".", ",", "mixed"]))
@example(["1"] * 120 + [" 1"], ".")
def test_column_of_numbers_is_typed_as_its_trimmed_texts_are(cells: list[str | None], decimal: Any) -> None:
    column = pl.Series("c", cells, dtype=pl.String)
    lines = pl.int_range(1, len(cells) + 1, dtype=pl.Int64, eager=True)
    given_cells = TextCells.of(column)
    assert given_cells.texts.to_list() == trimmed(column).to_list()
    typings = [Typing(ReadOptions(), "x.csv", decimal) for _ in range(2)]
    short = typed_column(given_cells, lines, typings[0])
    long = typed_column(TextCells(trimmed(column)), lines, typings[1])
    assert short.dtype == long.dtype
    assert repr(short.to_list()) == repr(long.to_list())
    assert typings[0] == typings[1]


def cell_by_cell(name: str, values: list[Any]) -> pl.Series:
    """The rule for a sheet's column, applied to one cell after the other."""
    kinds = {type(v) for v in values if v != ""}
    filled = [None if v == "" else v for v in values]
    if kinds and kinds <= {dt.datetime, dt.date}:
        moments = [v if v is None or isinstance(v, dt.datetime) else dt.datetime.combine(v, dt.time()) for v in filled]
        return pl.Series(name, moments, dtype=pl.Datetime("us"))
    if kinds and kinds <= {int, float}:
        whole = all(v is None or (float(v).is_integer() and abs(v) < 2**53) for v in filled)
        return as_series(name, [None if v is None else int(v) for v in filled] if whole else filled)
    if kinds == {bool}:
        return pl.Series(name, filled, dtype=pl.Boolean)
    return pl.Series(name, [None if v is None else as_text(v) for v in filled], dtype=pl.String)


MOMENTS = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))
SHEET_CELLS = (
    st.floats(),
    st.integers(-(2**53), 2**53).map(float),
    st.integers(-(2**60), 2**60),
    st.text(max_size=3),
    st.booleans(),
    MOMENTS,
    MOMENTS.map(dt.datetime.date),
)


@given(
    st.lists(st.sampled_from(SHEET_CELLS), min_size=1, max_size=2).flatmap(
        lambda kinds: st.lists(st.one_of(st.just(""), *kinds), max_size=20)
    )
)
def test_sheet_column_is_what_its_cells_are_one_by_one(values: list[Any]) -> None:
    found, expected = _column("c", tuple(values)), cell_by_cell("c", values)
    assert found.dtype == expected.dtype
    assert repr(found.to_list()) == repr(expected.to_list())


@given(st.lists(st.text("a,", max_size=150), max_size=12), st.sampled_from(["", "\n"]))
def test_fields_of_a_line_are_its_delimiters_and_one(lines: list[str], end: str) -> None:
    text = "\n".join(lines) + end
    found = scan(text.encode(), ",", '"')
    physical = text.split("\n")[: None if text and not text.endswith("\n") else -1]
    assert found.fields.tolist() == [line.count(",") + 1 if line else 0 for line in physical]
    assert found.end.tolist() == [sum(map(len, physical[: i + 1])) + i for i in range(len(physical))]
