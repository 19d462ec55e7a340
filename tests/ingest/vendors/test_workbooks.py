"""Reports in workbooks: headers of several rows, merged cells, units, two tables of blocks, long sheets."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest

from tests.ingest.conftest import Read
from tests.ingest.vendors.truth import BAD, ROWS, TAGS, TIMES, VALUES, holds_the_truth, samples

Cells = list[list[object]]


def book(rows: Cells, merged: tuple[str, ...] = ()) -> bytes:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for cells in merged:
        sheet.merge_cells(cells)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


BODY: Cells = [[TIMES[i].replace(tzinfo=None), *(VALUES[t][i] for t in TAGS)] for i in range(ROWS)]
TEXT_BODY: Cells = [[f"{TIMES[i]:%d.%m.%Y %H:%M:%S}", *(VALUES[t][i] for t in TAGS)] for i in range(ROWS)]
JOINED = dict(zip(TAGS, ("Pump 1 Flow", "Pump 1 Temp", "Pump 2 Count", "Pump 2 Run"), strict=True))
LAYOUTS: dict[str, tuple[Cells, tuple[str, ...], dict[str, str], str]] = {
    "one header": ([["Time", *TAGS], *BODY], (), dict(zip(TAGS, TAGS, strict=True)), "Time"),
    "title, blank row, header, units": (
        [["Pump house report"], [], ["Time", *TAGS], [None, "m3/h", "°C", None, None], *BODY],
        ("A1:E1",),
        dict(zip(TAGS, TAGS, strict=True)),
        "Time",
    ),
    "merged groups": (
        [["Time", "Pump 1", None, "Pump 2", None], [None, *TAGS], *BODY],
        ("A1:A2", "B1:C1", "D1:E1"),
        JOINED,
        "Time",
    ),
    "groups whose merge was lost": (
        [["Time", "Pump 1", None, "Pump 2", None], [None, "Flow", "Temp", "Flow", "Temp"], *BODY],
        (),
        dict(zip(TAGS, ("Pump 1 Flow", "Pump 1 Temp", "Pump 2 Flow", "Pump 2 Temp"), strict=True)),
        "Time",
    ),
    "three rows of groups": (
        [["Plant A"], ["Time", "Pump 1", None, "Pump 2", None], [None, *TAGS], *BODY],
        ("A1:E1", "A2:A3", "B2:C2", "D2:E2"),
        JOINED,
        "Time",
    ),
    "dates as text": ([["Zeit", *TAGS], *TEXT_BODY], (), dict(zip(TAGS, TAGS, strict=True)), "Zeit"),
    "first column free": (
        [[], [None, "Time", *TAGS], *([None, *r] for r in BODY)],
        (),
        dict(zip(TAGS, TAGS, strict=True)),
        "Time",
    ),
}


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_sheet(layout: str, read: Read) -> None:
    rows, merged, names, time = LAYOUTS[layout]
    holds_the_truth(read(book(rows, merged), name="report.xlsx"), names, bad=False, time=time)


def test_long_sheet(read: Read) -> None:
    rows: Cells = [["Tag", "Time", "Value", "Quality"]]
    rows += [[s.tag, s.time.replace(tzinfo=None), s.value, "Bad" if s.bad else "Good"] for s in samples()]
    holds_the_truth(read(book(rows), name="long.xlsx"))


def test_datalink_sheet(read: Read) -> None:
    rows: Cells = [[c for t in TAGS for c in (t, None)], ["Timestamp", "Value"] * len(TAGS)]
    for i in range(ROWS):
        moment: dt.datetime = TIMES[i].replace(tzinfo=None)
        rows.append([c for t in TAGS for c in (moment, "No Data" if (i, t) in BAD else VALUES[t][i])])
    dataset = read(book(rows, ("A1:B1", "C1:D1", "E1:F1", "G1:H1")), name="datalink.xlsx")
    for tag in TAGS:
        expected = [None if (i, tag) in BAD else v for i, v in enumerate(VALUES[tag])]
        assert dataset.table[tag].to_list() == expected
    assert dataset.table["timestamp"].to_list() == TIMES


def test_title_over_all_blocks_names_none_of_them(read: Read) -> None:
    rows: Cells = [["PI DataLink"], [c for t in TAGS for c in (f"\\\\PI\\{t}", None)], ["Timestamp", "bar"] * len(TAGS)]
    for i in range(ROWS):
        moment: dt.datetime = TIMES[i].replace(tzinfo=None)
        rows.append([c for t in TAGS for c in (moment, "Bad Input" if (i, t) in BAD else VALUES[t][i])])
    dataset = read(book(rows, ("A1:H1", "A2:B2", "C2:D2", "E2:F2", "G2:H2")), name="datalink.xlsx")
    assert dataset.units == {f"\\\\PI\\{t}": "bar" for t in TAGS}
    assert dataset.table["\\\\PI\\Temp"].null_count() == sum(t == "Temp" for _, t in BAD)


def test_another_sheet_names_the_numbers_of_tags(read: Read) -> None:
    workbook = openpyxl.Workbook()
    history, tags = workbook.active, workbook.create_sheet("sqlth_te")
    assert history is not None
    history.append(["tagid", "intvalue", "floatvalue", "dataintegrity", "t_stamp"])
    for s in samples():
        code = 0 if s.bad else 192
        history.append([TAGS.index(s.tag) + 1, None, s.value, code, s.milliseconds])
    tags.append(["id", "tagpath", "scid"])
    for number, tag in enumerate(TAGS, 1):
        tags.append([number, f"plant/{tag}", 1])
    out = io.BytesIO()
    workbook.save(out)
    holds_the_truth(read(out.getvalue(), name="history.xlsx"), lambda tag: f"plant/{tag}")
