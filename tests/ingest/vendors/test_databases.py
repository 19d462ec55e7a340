"""Answers of time-series databases and of SQL tools: Influx, Prometheus, Grafana, Canary, SiteWise, sqlcmd, psql."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.chassis.errors import SensorForgeError
from tests.ingest.conftest import Read, facts, values
from tests.ingest.vendors.truth import BAD, ROWS, TAGS, TIMES, VALUES, holds_the_truth, point, samples


def ms(row: int) -> int:
    return int(TIMES[row].timestamp() * 1000)


def iso(row: int) -> str:
    return f"{TIMES[row]:%Y-%m-%dT%H:%M:%SZ}"


def _influx(series: list[dict[str, Any]]) -> dict[str, Any]:
    return {"results": [{"statement_id": 0, "series": series}]}


def _matrix(metric: Any) -> dict[str, Any]:
    result = [{"metric": metric(t), "values": [[ms(i) / 1000, point(VALUES[t][i])] for i in range(ROWS)]} for t in TAGS]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def _frame(tag: str) -> dict[str, Any]:
    fields = [{"name": "Time", "type": "time"}, {"name": "Value", "labels": {"tag": tag}}]
    data = {"values": [[ms(i) for i in range(ROWS)], VALUES[tag]]}
    return {"schema": {"refId": "A", "name": tag, "fields": fields}, "data": data}


SERIES: dict[str, Any] = {
    "Influx, a series a tag": _influx(
        [
            {
                "name": "pump",
                "tags": {"tag": t, "site": "north"},
                "columns": ["time", "value"],
                "values": [[iso(i), VALUES[t][i]] for i in range(ROWS)],
            }
            for t in TAGS
        ]
    ),
    "Prometheus, names": _matrix(lambda t: {"__name__": t, "instance": "a:9100"}),
    "Prometheus, labels": _matrix(lambda t: {"__name__": "pump", "tag": t, "instance": "a:9100"}),
    "Grafana frames": {"results": {"A": {"status": 200, "frames": [_frame(t) for t in TAGS]}}},
    "times and values apart": [
        {"metric": {"__name__": t}, "values": VALUES[t], "timestamps": [ms(i) for i in range(ROWS)]} for t in TAGS
    ],
    "ThingsBoard": {t: [{"ts": ms(i), "value": point(VALUES[t][i])} for i in reversed(range(ROWS))] for t in TAGS},
}


@pytest.mark.parametrize("answer", sorted(SERIES))
def test_series_are_told_apart_by_what_differs(answer: str, read: Read) -> None:
    holds_the_truth(read(json.dumps(SERIES[answer]).encode(), name="answer.json"), bad=False)


def test_one_series_with_a_column_a_tag_is_a_wide_table(read: Read) -> None:
    rows = [[iso(i), *(VALUES[t][i] for t in TAGS)] for i in range(ROWS)]
    document = _influx([{"name": "pump", "columns": ["time", *TAGS], "values": rows}])
    holds_the_truth(read(json.dumps(document).encode(), name="a.json"), bad=False, time="time")


def test_one_frame_with_a_field_a_tag_is_a_wide_table(read: Read) -> None:
    fields = [{"name": n} for n in ("Time", *TAGS)]
    document = {"schema": {"fields": fields}, "data": {"values": [[ms(i) for i in range(ROWS)], *VALUES.values()]}}
    holds_the_truth(read(json.dumps(document).encode(), name="a.json"), bad=False, time="")


CODED: dict[str, Any] = {
    "SiteWise": {
        "entries": [
            {
                "propertyAlias": t,
                "propertyValues": [
                    {
                        "value": {"doubleValue": VALUES[t][i]},
                        "timestamp": {"timeInSeconds": ms(i) // 1000, "offsetInNanos": 0},
                        "quality": "BAD" if (i, t) in BAD else "GOOD",
                    }
                    for i in range(ROWS)
                ],
            }
            for t in TAGS
        ]
    },
    "Canary": {
        "data": {
            t: [{"t": iso(i), "v": VALUES[t][i], "q": 0 if (i, t) in BAD else 192} for i in range(ROWS)] for t in TAGS
        }
    },
    "Historian REST rows": {
        "value": [
            {"FQN": t, "DateTime": iso(i), "OpcQuality": 0 if (i, t) in BAD else 192, "Value": VALUES[t][i]}
            for t in TAGS
            for i in range(ROWS)
        ]
    },
}


@pytest.mark.parametrize("answer", sorted(CODED))
def test_quality_in_answers_decides(answer: str, read: Read) -> None:
    holds_the_truth(read(json.dumps(CODED[answer]).encode(), name="answer.json"))


def test_a_lone_stream_of_pi_keeps_its_digital_states_out(read: Read) -> None:
    bad = {"Name": "Bad Input", "Value": 255, "IsSystem": True}
    items = [
        {"Timestamp": iso(i), "Value": bad if (i, "Flow") in BAD else v, "Good": (i, "Flow") not in BAD}
        for i, v in enumerate(VALUES["Flow"])
    ]
    dataset = read(json.dumps({"Links": {}, "Items": items, "UnitsAbbreviation": "m3/h"}).encode(), name="a.json")
    holds_the_truth(dataset, lambda tag: "Value", tags=["Flow"])
    assert dataset.units == {"Value": "m3/h"}


def test_line_protocol_with_a_tag_a_point(read: Read) -> None:
    lines = [f"pump,site=north,tag={s.tag} value={s.value} {ms(s.row)}000000" for s in samples()]
    dataset = read(("# exported\n" + "\n".join(lines) + "\nnot a point\n").encode(), name="x.lp")
    holds_the_truth(dataset, bad=False)
    assert facts(dataset)["format"] == "line_protocol"
    assert dataset.ledger["lines"]["rejected"] == 1


def test_line_protocol_with_a_field_a_tag_and_types(read: Read) -> None:
    lines = [
        f"pump\\ 1 Flow={VALUES['Flow'][i]},Count={point(VALUES['Count'][i])}i,Run={'t' if VALUES['Run'][i] else 'F'},"
        f'note="a, \\"b\\"" {ms(i)}'
        for i in range(ROWS)
    ]
    dataset = read("\n".join(lines).encode(), name="x.txt")
    holds_the_truth(dataset, bad=False, tags=["Flow", "Count", "Run"])
    assert values(dataset, "note")[0] == 'a, "b"'


SQL = {
    "sqlcmd": "DateTime                    TagName    Value          QualityDetail\r\n"
    "--------------------------- ---------- -------------- -------------\r\n"
    + "".join(
        f"{s.time:%Y-%m-%d %H:%M:%S}.0000000 {s.tag:10} {point(s.value):>14} {24 if s.bad else 192:13}\r\n"
        for s in samples()
    )
    + "\r\n(240 rows affected)\r\n",
    "sqlcmd, tag first, NULL": "TagName    DateTime                Value    OPCQuality\n"
    "---------- ----------------------- -------- ----------\n"
    + "".join(
        f"{s.tag:10} {s.time:%Y-%m-%d %H:%M:%S}.000 {'NULL' if s.bad else point(s.value):8} {24 if s.bad else 192}\n"
        for s in samples()
    ),
    "psql": " time                   | tag   | value  | quality\n------------------------+-------+--------+---------\n"
    + "".join(
        f" {s.time:%Y-%m-%d %H:%M:%S}+00 | {s.tag:5} | {point(s.value):>6} | {'bad' if s.bad else 'good'}\n"
        for s in samples()
    )
    + "(240 rows)\n\n",
}


@pytest.mark.parametrize("tool", sorted(SQL))
def test_answers_printed_in_columns(tool: str, read: Read) -> None:
    dataset = read(SQL[tool].encode(), name="answer.txt")
    holds_the_truth(dataset)
    assert dataset.ledger["lines"]["rejected"] == 0


def test_wide_columns_of_fixed_width_keep_blanks_inside_cells(read: Read) -> None:
    text = "time                state        flow\n------------------- ---------- ------\n" + "".join(
        f"2024-03-14 05:58:{i:02d} in service {i:5}.5\n" for i in range(30)
    )
    dataset = read(text.encode())
    assert dataset.table.columns == ["source_row", "time", "state", "flow"]
    assert values(dataset, "state")[3] == "in service"
    assert values(dataset, "flow")[3] == 3.5


def test_line_protocol_without_any_time_is_refused(read: Read) -> None:
    with pytest.raises(SensorForgeError) as caught:
        read(b"pump flow=1.5\npump flow=2.5\n", format="line_protocol")
    assert caught.value.reason == "NO_ROWS"
