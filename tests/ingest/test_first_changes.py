"""What a recipe does to a column, shown where it first does it."""

from __future__ import annotations

import math

import polars as pl
import pytest

from services.ingest.checks.cleaning import Step, clean
from services.ingest.checks.first_changes import first_changes


def test_the_first_change_of_a_column_is_shown_with_the_rows_around_it() -> None:
    values = [20.0 + row % 3 for row in range(300)]
    gapped: list[float | None] = [*values]
    gapped[200] = None
    table = pl.DataFrame({"source_row": range(1, 301), "temp": gapped, "calm": values, "state": ["on"] * 300})
    done = clean(table, [Step("interpolate")], None)
    kept = done.table.filter(pl.col("source_row") != 205)
    (shown,) = first_changes(table, kept, ["temp", "temp", "state"])
    assert (shown.column, shown.first_row, shown.changed_row) == ("temp", 181, 201)
    assert math.isnan(shown.before[20])
    assert shown.after[20] == pytest.approx((values[199] + values[201]) / 2)
    assert [row for row, value in enumerate(shown.after) if math.isnan(value)] == [24]  # dropped
    assert not first_changes(table, done.table, ["calm"])
    assert not first_changes(table.drop("source_row"), done.table, ["temp"])
