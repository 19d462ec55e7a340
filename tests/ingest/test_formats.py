"""Formats beside delimited text: workbooks, JSON shapes, long exports, wrappers, several files."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import zipfile
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from services.chassis.errors import SensorForgeError
from tests.ingest.conftest import Read, facts, steady, values


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


@pytest.mark.parametrize("wrap", ["gzip", "zip"])
def test_wrapped_file_is_opened(read: Read, wrap: str) -> None:
    if wrap == "gzip":
        data = gzip.compress(steady())
    else:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("../../etc/export.csv", steady())
        data = out.getvalue()
    dataset = read(data, name=f"export.csv.{wrap}")
    assert dataset.table.height == 200
    assert facts(dataset)["wrapper"] == wrap


RECORDS = [
    {"ts": f"2024-01-01T00:00:{i:02d}Z", "motor": {"temp": 20.5 + i, "on": True}, "axes": [1.0 * i, 2.0 * i]}
    for i in range(20)
]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(RECORDS),
        json.dumps({"meta": {"a": 1}, "data": {"rows": RECORDS}}),
        "\n".join(json.dumps(r) for r in RECORDS) + "\n",
    ],
)
def test_json_records_flatten_to_readable_names(read: Read, text: str) -> None:
    dataset = read(text.encode(), name="x.json")
    assert dataset.table.columns == ["source_row", "ts", "motor.temp", "motor.on", "axes.0", "axes.1"]
    assert values(dataset, "motor.temp")[:2] == [20.5, 21.5]
    assert dataset.table["ts"].dtype == pl.Datetime("us", "UTC")


@pytest.mark.parametrize(
    "document",
    [
        {"a": [1.5, 2.5], "b": [3, 4]},
        {"columns": ["a", "b"], "data": [[1.5, 3], [2.5, 4]]},
        {"a": {"0": 1.5, "1": 2.5}, "b": {"0": 3, "1": 4}},
        [["a", "b"], [1.5, 3], [2.5, 4]],
    ],
)
def test_json_columns_in_every_orientation(read: Read, document: object) -> None:
    dataset = read(json.dumps(document).encode(), name="x.json")
    assert values(dataset, "a") == [1.5, 2.5]
    assert values(dataset, "b") == [3, 4]


TIMES = ["2024-01-01T00:00:00Z", "2024-01-01T00:00:10Z", "2024-01-01T00:00:20Z"]


@pytest.mark.parametrize(
    "document",
    [
        {
            "Items": [
                {"Name": n, "Items": [{"Timestamp": t, "Value": v + i, "Good": True} for i, t in enumerate(TIMES)]}
                for n, v in (("T1", 1.5), ("T2", 7.5))
            ]
        },
        {n: [[t, v + i] for i, t in enumerate(TIMES)] for n, v in (("T1", 1.5), ("T2", 7.5))},
        [
            {"target": n, "datapoints": [[v + i, 1704067200000 + 10000 * i] for i in range(3)]}
            for n, v in (("T1", 1.5), ("T2", 7.5))
        ],
        [
            {
                "timestamp": 1,
                "values": [
                    {"id": n, "v": v + i, "q": True, "t": 1704067200000 + 10000 * i}
                    for n, v in (("T1", 1.5), ("T2", 7.5))
                ],
            }
            for i in range(3)
        ],
    ],
)
def test_json_series_come_out_wide(read: Read, document: object) -> None:
    dataset = read(json.dumps(document).encode(), name="x.json")
    assert values(dataset, "T1") == [1.5, 2.5, 3.5]
    assert values(dataset, "T2") == [7.5, 8.5, 9.5]
    assert dataset.table["timestamp"][1] == dt.datetime(2024, 1, 1, 0, 0, 10, tzinfo=dt.UTC)


def test_broken_json_line_is_rejected_with_its_number(read: Read) -> None:
    dataset = read(b'{"a": 1.5}\n{"a": 2.5}\n{"a": \n{"a": 4.5}\n', name="x.jsonl")
    assert values(dataset, "a") == [1.5, 2.5, 4.5]
    assert dataset.rejects["line"].to_list() == [3]


@pytest.mark.parametrize(
    ("header", "codes"),
    [
        ("TagName,DateTime,Value,QualityDetail", ("192", "24")),
        ("Tag,Timestamp,Value,Status", ("Good", "Bad")),
        ("NodeId,SourceTimestamp,Value,StatusCode", ("0x00000000", "0x80000000")),
        ("ItemID,Timestamp,Value,Quality", ("Good (192)", "Bad (0)")),
    ],
)
def test_long_export_becomes_wide_and_bad_samples_missing(read: Read, header: str, codes: tuple[str, str]) -> None:
    lines = [header]
    for i in range(30):
        for tag in ("P1.flow", "P1.temp"):
            bad = i == 7 and tag == "P1.temp"
            lines.append(f"{tag},2024-01-01 00:00:{i:02d},{i}.5,{codes[1] if bad else codes[0]}")
    dataset = read("\n".join(lines).encode())
    assert dataset.table.columns == ["source_row", "timestamp", "P1.flow", "P1.temp"]
    assert values(dataset, "P1.temp")[7] is None
    assert dataset.table["P1.temp"].null_count() == 1
    assert dataset.ledger["cells"]["bad"] == 1


def test_split_date_time_and_milliseconds_of_a_long_export(read: Read) -> None:
    lines = ["Date;Time;Millitm;Tagname;Value;Status"]
    lines += [f"2024-01-{d:02d};10:00:00;250;{t};{d},5;Good" for d in range(13, 20) for t in ("A", "B")]
    dataset = read("\n".join(lines).encode())
    assert dataset.table["timestamp"][0] == dt.datetime(2024, 1, 13, 10, 0, 0, 250_000, tzinfo=dt.UTC)
    assert values(dataset, "B")[0] == 13.5


def test_quality_column_beside_each_value_decides(read: Read) -> None:
    rows = [f"2024-01-01 00:00:{i:02d},{i}.5,{'Bad' if i == 3 else 'Good'}" for i in range(20)]
    dataset = read(("time,temp,temp_quality\n" + "\n".join(rows)).encode())
    assert dataset.table.columns == ["source_row", "time", "temp"]
    assert values(dataset, "temp")[2:5] == [2.5, None, 4.5]
    assert dataset.ledger["cells"]["bad"] == 1


def test_tags_with_own_clocks_keep_all_samples(read: Read) -> None:
    lines = ["tag,time,value"] + [f"A,2024-01-01 00:00:{i:02d},{i}" for i in range(0, 60, 2)]
    lines += [f"B,2024-01-01 00:00:{i:02d},{i}" for i in range(0, 60, 3)]
    dataset = read("\n".join(lines).encode())
    assert dataset.table["A"].drop_nulls().to_list() == list(range(0, 60, 2))
    assert dataset.table["B"].drop_nulls().to_list() == list(range(0, 60, 3))


def test_files_with_the_same_columns_are_appended_in_time(read: Read) -> None:
    late = b"time,v\n" + b"".join(b"2024-02-01 00:00:%02d,2.5\n" % i for i in range(30))
    early = b"time,v\n" + b"".join(b"2024-01-01 00:00:%02d,1.5\n" % i for i in range(30))
    other = b"time,v,w\n2024-01-01 00:00:00,1.5,2.5\n"
    dataset = read(
        late.replace(b"v\n", b"v,w\n", 1).replace(b"2.5\n", b"2.5,1\n"),
        early.replace(b"v\n", b"v,w\n", 1).replace(b"1.5\n", b"1.5,1\n"),
    )
    assert dataset.table["time"].is_sorted()
    assert dataset.table["source_row"].to_list() == list(range(1, 61))
    assert other


def test_one_file_a_tag_joins_within_the_tolerance_and_keeps_gaps(read: Read) -> None:
    a = b"time,value\n" + b"".join(b"2024-01-01 00:00:%02d,%d.5\n" % (i, i) for i in range(0, 60, 10))
    b = b"time,value\n" + b"".join(b"2024-01-01 00:00:%02d,%d.5\n" % (i, i) for i in (1, 11, 41, 51))
    dataset = read(a, b, name="tag.csv", join_tolerance_seconds=2.0)
    assert dataset.table.columns == ["source_row", "timestamp", "0-tag", "1-tag"]
    assert values(dataset, "1-tag") == [1.5, 11.5, None, None, 41.5, 51.5]


def test_files_that_nothing_joins_are_refused(read: Read) -> None:
    with pytest.raises(SensorForgeError) as caught:
        read(b"a,b\n1.5,2\n2.5,3\n", b"c,d\n1.5,2\n2.5,3\n")
    assert caught.value.reason == "TABLES_DIFFER"


def test_parquet_keeps_types_units_and_flattens_structs(read: Read, tmp_path: Path) -> None:
    from services.artifacts.parquet import write_table

    path = tmp_path / "t.parquet"
    write_table(
        path, pl.DataFrame({"t": [1.5, 2.5], "m": [{"x": 1, "y": 2.5}, {"x": 3, "y": 4.5}]}), units={"t": "bar"}
    )
    dataset = read(path)
    assert dataset.table.columns == ["source_row", "t", "m.x", "m.y"]
    assert dataset.units == {"t": "bar"}


INFLUX = """#group,false,false,true,true,false,false,true,true
#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string
#default,_result,,,,,,,
,result,table,_start,_stop,_time,_value,_field,_measurement
,,0,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,2024-01-01T00:00:00Z,1.5,temp,motor
,,0,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,2024-01-01T00:00:10Z,2.5,temp,motor

#group,false,false,true,true,false,false,true,true
#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string
#default,_result,,,,,,,
,result,table,_start,_stop,_time,_value,_field,_measurement
,,1,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,2024-01-01T00:00:00Z,7.5,flow,motor
"""


def test_influx_annotated_tables_join_by_time(read: Read) -> None:
    dataset = read(INFLUX.encode())
    assert dataset.table.columns == ["source_row", "timestamp", "temp", "flow"]
    assert values(dataset, "flow") == [7.5, None]
    assert dataset.ledger["balanced"]
    assert dataset.ledger["lines"]["rows"] == 3


def test_data_block_is_read_and_the_rest_is_accounted_for(read: Read) -> None:
    head = "* exported by the historian\n[Tags]\nTagname,Description\nA,pump\n[Data]\n* comment\n"
    rows = "".join(f"{t},2024-01-01 00:00:{i:02d},{i}.5,Good\n" for i in range(20) for t in "AB")
    dataset = read((head + "Tagname,TimeStamp,Value,DataQuality\n" + rows).encode())
    assert dataset.table.columns == ["source_row", "timestamp", "A", "B"]
    assert dataset.ledger["balanced"]
    assert dataset.ledger["lines"]["preamble"] == 6


def test_lines_of_a_data_block_are_counted_with_its_comments(read: Read) -> None:
    rows = [f"A,2024-01-01 00:00:{i:02d},{i}.5,Good" for i in range(20)]
    lines = [
        "[Data]",
        "* one",
        "Tagname,TimeStamp,Value,DataQuality",
        *rows[:10],
        "* two",
        "A,x,2,Good,a,b",
        *rows[10:],
    ]
    dataset = read("\n".join(lines).encode())
    assert dataset.rejects["line"].to_list() == [lines.index("A,x,2,Good,a,b") + 1]


def test_wincc_american_times_are_settled_by_their_serial_number(read: Read) -> None:
    lines = ['"VarName"\t"TimeString"\t"VarValue"\t"Validity"\t"Time_ms"']
    lines += [
        f'"{t}"\t"2/1/2020 12:00:{i:02d} AM"\t{i}.5\t1\t{43862e6 + i * 11.574:.3f}' for i in range(30) for t in "AB"
    ]
    lines.append('"$RT_OFF$"\t"2/1/2020 12:00:30 AM"\t0\t2\t43862000347')
    dataset = read("\n".join(lines).encode(), name="Datalog.txt")
    assert dataset.table["timestamp"][1] == dt.datetime(2020, 2, 1, 0, 0, 1, tzinfo=dt.UTC)
    assert values(dataset, "A")[:2] == [0.5, 1.5]


def test_ignition_history_tables_take_the_value_from_its_column(read: Read) -> None:
    lines = ["tagid,intvalue,floatvalue,stringvalue,datevalue,dataintegrity,t_stamp"]
    lines += [
        f"{t},{i if t == 7 else ''},{'' if t == 7 else i + 0.5},,,192,{1704067200000 + 1000 * i}"
        for i in range(30)
        for t in (7, 9)
    ]
    dataset = read("\n".join(lines).encode())
    assert values(dataset, "7")[:2] == [0, 1]
    assert values(dataset, "9")[:2] == [0.5, 1.5]


def test_opc_ua_payload_keeps_good_samples_whose_status_is_left_out(read: Read) -> None:
    stamp = "2024-01-01T00:00:{:02d}Z"
    messages = [
        {
            "DataSetWriterId": 1,
            "Timestamp": stamp.format(i),
            "Payload": {
                "TP2": {
                    "Value": i + 0.5,
                    "SourceTimestamp": stamp.format(i),
                    **({"StatusCode": {"Code": 2147483648, "Symbol": "Bad"}} if i == 4 else {}),
                }
            },
        }
        for i in range(20)
    ]
    dataset = read(
        json.dumps({"MessageId": "1", "MessageType": "ua-data", "Messages": messages}).encode(), name="x.json"
    )
    assert values(dataset, "Payload.TP2")[3:6] == [3.5, None, 5.5]


def test_blocks_with_blank_columns_between_them_are_joined(read: Read) -> None:
    lines = ["T1,,,T2,", "Timestamp,Value,,Timestamp,Value"]
    lines += [f"01-Feb-20 00:00:{i:02d},{i}.5,,01-Feb-20 00:00:{i:02d},{i}.25" for i in range(30)]
    dataset = read("\n".join(lines).encode())
    assert dataset.table.columns == ["source_row", "timestamp", "T1", "T2"]
    assert values(dataset, "T2")[1] == 1.25


def test_register_readings_one_a_line_become_columns(read: Read) -> None:
    lines = ["timestamp,unit,address,value"]
    lines += [f"2024-01-01 00:00:{i:02d},1,{a},{a % 100 + i}" for i in range(30) for a in (40001, 40002)]
    assert read("\n".join(lines).encode()).table.columns == ["source_row", "timestamp", "40001", "40002"]


def test_dataset_export_with_hash_lines_finds_its_names(read: Read) -> None:
    lines = ['"#NAMES"', '"t_stamp","flow","temp"', '"#TYPES"', '"date","D","D"', '"#ROWS","30"']
    lines += [f'"Feb 1, 2020 12:00:{i:02d} AM","{i}.5","{i}.25"' for i in range(30)]
    dataset = read("\n".join(lines).encode())
    assert dataset.table.columns == ["source_row", "t_stamp", "flow", "temp"]
    assert dataset.ledger["balanced"]
