"""A converted CSV that somebody opens in a spreadsheet computes nothing."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.cli.convert import without_formulas


def written(text: str | None) -> str | None:
    """Returns a cell of text as it is written."""
    table = without_formulas(pa.table({"note": [text]}))
    value: str | None = table["note"][0].as_py()
    return value


@pytest.mark.parametrize(
    "text", ["=1+1", "+A1", "-A1", "-2+3", "@SUM(A1)", '=HYPERLINK("http://x";"y")', "\t=1", "\r=1", "+cmd|' /C'!A0"]
)
def test_text_that_a_spreadsheet_would_compute_gets_a_mark(text: str) -> None:
    assert written(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    ["-5.2", "-5,2", "+1.234,5", "-1e-3", "-.5", "+3 %", "-inf", "-NaN", "-", "--", "a-b", "user@plant", "", None],
)
def test_numbers_and_harmless_text_stay_as_they_are(text: str | None) -> None:
    assert written(text) == text


@given(st.floats())
def test_no_number_is_ever_marked(value: float) -> None:
    assert written(repr(value)) == repr(value)
    assert written(f"{value:+}") == f"{value:+}"


def test_names_of_columns_are_marked_and_numbers_keep_their_type() -> None:
    table = without_formulas(pa.table({"=A1+B2": [-1.5], "@temp": pa.array(["=x"]).dictionary_encode()}))
    assert table.column_names == ["'=A1+B2", "'@temp"]
    assert table.schema.field(0).type == pa.float64()
    assert table["'@temp"].to_pylist() == ["'=x"]
