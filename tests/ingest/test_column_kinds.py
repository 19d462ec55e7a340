"""What a column of text cells holds where that is not plain: times in digits, identifiers, numbers that are rare."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from tests.ingest.conftest import Read, values

MOMENT = dt.datetime(2024, 3, 14, 6, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("name", "cell", "found"),
    [
        ("time", "1710396000", MOMENT),
        ("unix_ms", "1710396000000", MOMENT),
        ("ts", "1.7103960000E9", MOMENT),
        ("Timestamp", "202403140600", MOMENT.replace(tzinfo=None)),
        ("Date", "20240314", dt.datetime(2024, 3, 14)),
        ("recorded", "20240314060000", MOMENT.replace(tzinfo=None)),
    ],
)
def test_digits_that_are_times_are_times(name: str, cell: str, found: dt.datetime, read: Read) -> None:
    dataset = read(f"{name},flow\n{cell},1.5\n{cell},2.5\n".encode())
    assert values(dataset, name) == [found, found]
    assert dataset.time_columns == [name]


@pytest.mark.parametrize(
    "cells", ["counter,1710396000", "time,17103960", "time,9710396000", "order,202403140600", "lot,20240314"]
)
def test_other_digits_are_numbers(cells: str, read: Read) -> None:
    name, cell = cells.split(",")
    assert values(read(f"{name},flow\n{cell},1.5\n{cell},2.5\n".encode()), name) == [int(cell)] * 2


def test_identifier_keeps_its_zeros_and_a_measurement_does_not(read: Read) -> None:
    dataset = read(b"site_no,level\n00340138,0012\n00340139,0013\n")
    assert values(dataset, "site_no") == ["00340138", "00340139"]
    assert values(dataset, "level") == [12, 13]


@pytest.mark.parametrize("missing", ["NA", "NaN", "---", "I/O Timeout"])
def test_few_numbers_among_words_for_no_value_are_numbers(missing: str, read: Read) -> None:
    rows = "".join(f"{i},{i / 4 if i % 20 == 3 else missing}\n" for i in range(100))
    dataset = read(f"n,flow\n{rows}".encode())
    assert dataset.table["flow"].dtype == pl.Float64
    assert dataset.table["flow"].drop_nulls().to_list() == [i / 4 for i in range(3, 100, 20)]


def test_few_numbers_among_other_words_stay_text(read: Read) -> None:
    rows = "".join(f"{i},{i if i % 20 == 3 else 'started'}\n" for i in range(100))
    assert read(f"n,event\n{rows}".encode()).table["event"].dtype == pl.String


def test_dates_follow_the_order_that_another_column_settles(read: Read) -> None:
    rows = "".join(f"05/02/2024 {i:02d}:00,05/02/2024,{13 + i}/02/2024 00:00\n" for i in range(9))
    dataset = read(f"time,date,until\n{rows}".encode())
    assert values(dataset, "date")[0] == dt.datetime(2024, 2, 5)
    assert values(dataset, "time")[0] == dt.datetime(2024, 2, 5)


def test_pattern_among_the_units_tells_day_from_month(read: Read) -> None:
    rows = "".join(f"0{i}/02/2024;{i},5\n" for i in range(1, 4))
    dataset = read(f";Yield\ndd/MM/yyyy;kWh\n{rows}".encode())
    assert values(dataset, "column_1")[0] == dt.datetime(2024, 2, 1)
    assert dataset.units == {"Yield": "kWh"}
