"""Workbooks whose sheets belong together, and those whose sheets do not."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl

from tests.ingest.conftest import Read, values
from tests.ingest.vendors.truth import BAD, ROWS, TAGS, TIMES, VALUES, holds_the_truth

Cells = list[list[object]]


def book(sheets: dict[str, Cells]) -> bytes:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def _time(row: int) -> dt.datetime:
    return TIMES[row].replace(tzinfo=None)


BODY: Cells = [[_time(i), *(VALUES[t][i] for t in TAGS)] for i in range(ROWS)]
HEADER: list[object] = ["Time", *TAGS]


def test_sheets_that_go_on_in_time_are_one_table(read: Read) -> None:
    sheets = {"b": [HEADER, *BODY[40:]], "notes": [["made by hand"]], "a": [HEADER, *BODY[:40]]}
    dataset = read(book(sheets), name="days.xlsx")
    holds_the_truth(dataset, bad=False, time="Time")
    assert dataset.table["source_row"].is_sorted()


def test_sheet_that_goes_on_without_a_header_is_part_of_the_table(read: Read) -> None:
    holds_the_truth(read(book({"a": [HEADER, *BODY[:45]], "a2": BODY[45:]}), name="x.xlsx"), bad=False, time="Time")


def test_sheet_a_tag_is_a_column_a_tag(read: Read) -> None:
    sheets: dict[str, Cells] = {t: [["Time", "Value"], *([_time(i), VALUES[t][i]] for i in range(ROWS))] for t in TAGS}
    holds_the_truth(read(book(sheets), name="tags.xlsx"), bad=False)


def test_sheets_of_the_same_period_are_not_mixed(read: Read) -> None:
    dataset = read(book({"pump 1": [HEADER, *BODY], "pump 2": [HEADER, *BODY[:50]]}), name="x.xlsx")
    assert dataset.table.height == ROWS
    assert [code for code, _ in dataset.warnings] == ["SHEETS_UNREAD"]


def test_chosen_sheet_is_read_alone(read: Read) -> None:
    sheets = {"a": [HEADER, *BODY[:40]], "b": [HEADER, *BODY[40:]]}
    assert read(book(sheets), name="x.xlsx", sheet="b").table.height == ROWS - 40


def test_texts_that_are_dates_stand_beside_dates(read: Read) -> None:
    rows: Cells = [
        ["Time", "Flow"],
        *([_time(i) if i % 2 else f"{_time(i):%m/%d/%Y %H:%M:%S}", i] for i in range(ROWS)),
    ]
    assert values(read(book({"a": rows}), name="x.xlsx"), "Time") == [_time(i) for i in range(ROWS)]


def test_dates_that_excel_may_have_swapped_are_not_trusted(read: Read) -> None:
    # Days first, opened under a locale of months first: 01/03 to 12/03 became dates, 13/03 and later stayed texts.
    days = [dt.datetime(2024, 3, d) for d in range(1, 29)]
    rows: Cells = [["Date", "Flow"]]
    rows += [[dt.datetime(2024, d.day, 3) if d.day <= 12 else f"{d:%d/%m/%Y}", d.day] for d in days]
    assert read(book({"a": rows}), name="x.xlsx").time_columns == []


def test_sheet_a_tag_may_have_qualities(read: Read) -> None:
    sheets: dict[str, Cells] = {}
    for tag in TAGS:
        rows = [[_time(i), VALUES[tag][i], "Bad" if (i, tag) in BAD else "Good"] for i in range(ROWS)]
        sheets[tag] = [["Time", "Value", "Quality"], *rows]
    holds_the_truth(read(book(sheets), name="tags.xlsx"))


def test_sheets_of_other_columns_at_the_same_times_stand_side_by_side(read: Read) -> None:
    sheets = {"one": [r[:3] for r in [HEADER, *BODY]], "two": [[r[0], *r[3:]] for r in [HEADER, *BODY]]}
    holds_the_truth(read(book(sheets), name="x.xlsx"), bad=False)
