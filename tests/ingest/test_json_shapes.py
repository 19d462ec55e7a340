"""JSON in the shapes of gateways and historians: records, columns, series, messages."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
import pytest

from tests.ingest.conftest import Read, values

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


def test_numbers_that_count_from_1970_under_a_time_are_times(read: Read) -> None:
    document = {"ts": [1714550400 + i for i in range(5)], "flow": [1.5, 2.5, 3.5, 4.5, 5.5], "part": [1714550400] * 5}
    dataset = read(json.dumps(document).encode(), name="x.json")
    assert dataset.time_columns == ["ts"]
    assert values(dataset, "ts")[0] == dt.datetime(2024, 5, 1, 8, tzinfo=dt.UTC)
    assert values(dataset, "part")[0] == 1714550400


def test_json_lines_behind_a_topic_are_records(read: Read) -> None:
    lines = [f'plant/line1 {{"ts": "2026-03-14T10:00:{i:02}Z", "flow": {i}.5, "note": "a, b"}}' for i in range(20)]
    dataset = read("\n".join([*lines[:9], "broken {", *lines[9:]]).encode(), name="sub.txt")
    assert dataset.table.columns == ["source_row", "topic", "ts", "flow", "note"]
    assert values(dataset, "flow") == [i + 0.5 for i in range(20)]
    assert dataset.rejects["text"].to_list() == ["broken {"]
    assert dataset.ledger["balanced"]


def test_the_answer_of_a_query_stands_beside_tables_about_it(read: Read) -> None:
    rows = [[f"2024-03-14T10:{r:02d}:00Z", r + 0.5] for r in range(12)]
    answer = {"TableName": "Table_0", "Columns": [{"ColumnName": "ts"}, {"ColumnName": "Flow"}], "Rows": rows}
    about = {"TableName": "Table_1", "Columns": [{"ColumnName": "Value"}], "Rows": [["{}"]]}
    dataset = read(json.dumps({"Tables": [answer, about]}).encode(), name="adx.json")
    assert dataset.table["Flow"].to_list() == [r + 0.5 for r in range(12)]
    assert [code for code, _ in dataset.warnings] == ["JSON_PARTS_UNREAD"]


def test_samples_under_a_key_that_also_means_a_date_are_followed(read: Read) -> None:
    data = [{"timeStamp": f"2024-03-14T10:{r:02d}:00Z", "average": r + 0.5} for r in range(12)]
    answer = {"value": [{"id": "/x", "name": {"value": "Flow"}, "timeseries": [{"metadatavalues": [], "data": data}]}]}
    assert values(read(json.dumps(answer).encode(), name="monitor.json"), "average") == [r + 0.5 for r in range(12)]
