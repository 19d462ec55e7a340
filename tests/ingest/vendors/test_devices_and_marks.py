"""Samples told apart or judged by what stands beside them: devices of a bus, requests of a batch, merged cells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ingest.conftest import Read, values
from tests.ingest.vendors.test_workbooks import book

_TIMES = [f"2026-03-14T23:54:{i:02d}Z" for i in range(20)]
_MAP = "slave,address,name,type,scale\n1,0,One,int16,0.1\n2,0,Two,int16,0.1\n"
_LONG = "time,slave,function,address,value\n" + "".join(
    f"{t},1,3,0,{100 + i}\n{t},2,3,0,{500 + i}\n" for i, t in enumerate(_TIMES)
)
_WIDE = "time,unit_id,40001\n" + "".join(f"{t},1,{100 + i}\n{t},2,{500 + i}\n" for i, t in enumerate(_TIMES))
_LISTS = "\n".join(
    json.dumps({"time": t, "slaveId": d, "startAddress": 0, "values": [400 * d - 300 + i]})
    for i, t in enumerate(_TIMES)
    for d in (1, 2)
)


@pytest.mark.parametrize("text", [_LONG, _WIDE, _LISTS], ids=["long", "wide", "lists"])
def test_an_address_of_two_devices_is_two_values(read: Read, tmp_path: Path, text: str) -> None:
    (tmp_path / "map.csv").write_text(_MAP)
    dataset = read(text.encode(), register_map=tmp_path / "map.csv")
    assert values(dataset, "One") == [(100 + i) / 10 for i in range(20)]
    assert values(dataset, "Two") == [(500 + i) / 10 for i in range(20)]


def test_devices_that_the_map_does_not_name_have_its_registers_each(read: Read, tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("address,name,type\n0,Flow,int16\n")
    dataset = read(_LONG.encode(), register_map=tmp_path / "map.csv")
    assert (values(dataset, "1.Flow")[0], values(dataset, "2.Flow")[0]) == (100, 500)


def test_answers_of_a_batch_are_a_series_each(read: Read) -> None:
    def answer(base: float) -> object:
        items = [{"Timestamp": t, "Value": base + i, "Good": i != 3} for i, t in enumerate(_TIMES)]
        return {"Status": 200, "Headers": {}, "Content": {"Links": {}, "Items": items}}

    dataset = read(json.dumps({"Flow": answer(1.5), "Temp": answer(20.5)}).encode(), name="batch.json")
    assert values(dataset, "Flow")[2:5] == [3.5, None, 5.5]
    assert values(dataset, "Temp")[2:5] == [22.5, None, 24.5]


@pytest.mark.parametrize(
    ("mark", "good", "bad"),
    [
        ("statusCode", {"value": 0, "name": "Good"}, {"value": 2156658688, "name": "BadDeviceFailure"}),
        ("isBad", False, True),
    ],
)
def test_samples_whose_mark_says_bad_are_missing(read: Read, mark: str, good: object, bad: object) -> None:
    series = [{"ts": t, "value": 1.5 + i, mark: bad if i == 3 else good} for i, t in enumerate(_TIMES)]
    document = [{"nodeId": "ns=2;s=Flow", "dataValues": series}, {"nodeId": "ns=2;s=Temp", "dataValues": series}]
    assert values(read(json.dumps(document).encode(), name="h.json"), "ns=2;s=Flow")[2:5] == [3.5, None, 5.5]


def test_qualities_and_units_beside_shared_times_count(read: Read) -> None:
    marks = ["Bad" if i == 3 else "Good" for i in range(20)]
    listed = [{"name": "Flow", "unit": "bar", "values": [1.5 + i for i in range(20)], "quality": marks}]
    dataset = read(json.dumps({"timestamps": _TIMES, "series": listed}).encode(), name="s.json")
    assert (values(dataset, "Flow")[2:5], dataset.units["Flow"]) == ([3.5, None, 5.5], "bar")


def test_a_merged_tag_is_that_of_every_row_it_spans(read: Read) -> None:
    rows: list[list[object]] = [["Tag", "Timestamp", "Value", "Quality"]]
    for tag in ("Flow", "Temp"):
        rows += [[tag if i == 0 else None, t[:19], 1.5 + i, "Good"] for i, t in enumerate(_TIMES)]
    dataset = read(book(rows, ("A2:A21", "A22:A41")), name="x.xlsx")
    assert values(dataset, "Flow") == values(dataset, "Temp") == [1.5 + i for i in range(20)]


def test_a_value_is_in_the_column_of_its_kind(read: Read) -> None:
    lines = [f"{t},Flow,{1.5 + i},,192\n{t},Run,,{'true' if i % 2 else 'false'},192\n" for i, t in enumerate(_TIMES)]
    dataset = read(("Time,PointName,NumericValue,BooleanValue,Quality\n" + "".join(lines)).encode())
    assert (values(dataset, "Flow")[1], values(dataset, "Run")[:2]) == (2.5, [False, True])


def test_words_for_bad_before_a_code_are_bad(read: Read) -> None:
    lines = [
        f"Flow;{1.5 + i};{'Bad, Not Connected [08]' if i == 3 else 'Good [C0]'};{t}\n" for i, t in enumerate(_TIMES)
    ]
    dataset = read(("TagName;Value;Quality;TimeStamp\n" + "".join(lines)).encode())
    assert values(dataset, "Flow")[2:5] == [3.5, None, 5.5]


def test_quality_of_a_row_may_stand_before_its_time(read: Read) -> None:
    lines = [f"{i},{1.5 + i},{0 if i == 3 else 192},{t}\n" for i, t in enumerate(_TIMES)]
    dataset = read(("row_id,Flow,quality_code,t_stamp\n" + "".join(lines)).encode())
    assert (values(dataset, "Flow")[2:5], values(dataset, "row_id")[3]) == ([3.5, None, 5.5], 3)


def test_tags_whose_code_is_null_once_are_read_like_the_others(read: Read) -> None:
    head = "id;A_VALUE;A_TIMESTAMP;A_QUALITY;B_VALUE;B_TIMESTAMP;B_QUALITY\n"
    lines = [
        f"{i};{1.5 + i};{t};192;" + ("NULL;NULL;NULL\n" if i == 3 else f"{9.5 + i};{t};192\n")
        for i, t in enumerate(_TIMES)
    ]
    dataset = read((head + "".join(lines)).encode())
    assert dataset.table.columns == ["source_row", "id", "A", "timestamp", "B"]
    assert values(dataset, "B")[2:5] == [11.5, None, 13.5]
