"""Workbooks: which sheet, where its header is, which rows are rows, and dates of both epochs."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from services.chassis.errors import SensorForgeError
from tests.ingest.conftest import Read, facts, values


def workbook(*sheets: tuple[str, list[list[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


MEASURED: list[list[object]] = [
    ["Pump house", None, None],
    [None, None, None],
    ["time", "flow", "state"],
    [None, "m3/h", None],
    *[[dt.datetime(2024, 1, 1, 0, i), 1.5 * i, "run"] for i in range(20)],
]


def test_workbook_header_need_not_come_first(read: Read) -> None:
    dataset = read(workbook(("Notes", [["see data"]]), ("Data", MEASURED)), name="pumps.xlsx")
    assert dataset.table.columns == ["source_row", "time", "flow", "state"]
    assert dataset.table["time"].dtype == pl.Datetime("us")
    assert values(dataset, "flow")[2] == 3.0
    assert dataset.units == {"flow": "m3/h"}
    assert facts(dataset)["sheet"] == "Data"


def test_remarks_below_the_data_of_a_sheet_are_no_rows_and_are_accounted_for(read: Read) -> None:
    below: list[list[object]] = [[None], ["Average", 14.25, None], [None], ["End of report", None, None]]
    dataset = read(workbook(("Data", [*MEASURED, *below])), name="pumps.xlsx")
    assert dataset.table.height == 20
    assert dataset.table["time"].dtype == pl.Datetime("us")
    assert dataset.ledger["lines"]["footer"] == 2
    assert dataset.ledger["balanced"]


@pytest.mark.parametrize("last", [[dt.datetime(2024, 1, 1, 1), None, None], [None, 7.5, None], [None, None, "stop"]])
def test_a_sparse_last_row_of_a_sheet_is_a_row(read: Read, last: list[object]) -> None:
    assert read(workbook(("Data", [*MEASURED, last])), name="pumps.xlsx").table.height == 21


def test_sheet_can_be_chosen_and_a_wrong_one_is_named(read: Read) -> None:
    book = workbook(("A", MEASURED), ("B", [["x", "y"], [1, 2], [3, 4.5]]))
    assert values(read(book, name="p.xlsx", sheet="B"), "y") == [2.0, 4.5]
    assert values(read(book, name="p.xlsx", sheet="2"), "x") == [1, 3]
    with pytest.raises(SensorForgeError) as caught:
        read(book, name="p.xlsx", sheet="C")
    assert caught.value.reason == "SHEET_NOT_FOUND"
    assert "A, B" in caught.value.message


def test_dates_of_both_epochs_are_dates(shared_data: Path, read: Read) -> None:
    from_1900 = read(shared_data / "format" / "excel" / "date.xlsx").table
    from_1904 = read(shared_data / "format" / "excel" / "date_1904.xlsb").table
    assert from_1900["column_1"][0] == from_1904["column_1"][0]


def test_extension_does_not_decide(read: Read) -> None:
    assert read(workbook(("A", MEASURED)), name="pumps.csv").table.height == 20
    assert read(b'[{"a": 1.5}, {"a": 2.5}]', name="pumps.csv").table["a"].to_list() == [1.5, 2.5]
