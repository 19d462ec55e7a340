"""What gateways, clouds and edge databases answer as JSON: SenML, shared times, wrapped values, pages of one stream."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.ingest.conftest import Read
from tests.ingest.vendors.truth import BAD, ROWS, TAGS, TIMES, VALUES, holds_the_truth, point, samples

ISO = [f"{t:%Y-%m-%dT%H:%M:%SZ}" for t in TIMES]
MS = [int(t.timestamp() * 1000) for t in TIMES]


def _lines(records: list[Any]) -> str:
    return "\n".join(map(json.dumps, records))


def _senml() -> str:
    first = {"bn": "urn:p:", "bt": MS[0] / 1000, "bu": "bar", "bver": 5}
    rest = [{"n": s.tag, "t": 10 * s.row, "v": s.value} for s in samples()]
    return json.dumps([first, *rest])


WHOLE = {
    "senml": _senml(),
    "time series insights": json.dumps(
        {"timestamps": ISO, "properties": [{"name": t, "type": "Double", "values": VALUES[t]} for t in TAGS]}
    ),
    "questdb": json.dumps(
        {
            "columns": [{"name": "ts", "type": "TIMESTAMP"}, *({"name": t, "type": "DOUBLE"} for t in TAGS)],
            "dataset": [[ISO[i], *(VALUES[t][i] for t in TAGS)] for i in range(ROWS)],
            "count": ROWS,
        }
    ),
    "lists by tag": json.dumps({t: {"t": MS, "v": VALUES[t]} for t in TAGS}),
    "ngsi-ld temporal": json.dumps(
        {
            "id": "urn:p",
            "type": "Pump",
            **{t: [{"value": VALUES[t][i], "observedAt": ISO[i]} for i in range(ROWS)] for t in TAGS},
        }
    ),
    "mongodb export": _lines(
        [
            {"ts": {"$date": ISO[i]}} | {t: {"$numberDouble": point(VALUES[t][i])} for t in TAGS}
            for i in range(ROWS)
        ]
    ),
    "gateway with receivers": _lines(
        [
            {"time": ISO[i], "object": {t: VALUES[t][i] for t in TAGS}, "rxInfo": [{"rssi": -80}, {"rssi": -99}]}
            for i in range(ROWS)
        ]
    ),
}  # fmt: skip

MARKED = {
    "lists by tag with quality": json.dumps(
        {
            t: {"t": MS, "v": VALUES[t], "q": [0 if (i, t) in BAD else 192 for i in range(ROWS)]}
            for t in TAGS
        }
    ),
    "timestream": json.dumps(
        {
            "ColumnInfo": [{"Name": n} for n in ("time", "measure_name", "measure_value::double")],
            "Rows": [
                {
                    "Data": [
                        {"ScalarValue": ISO[s.row]},
                        {"ScalarValue": s.tag},
                        {"NullValue": True} if s.bad else {"ScalarValue": point(s.value)},
                    ]
                }
                for s in samples()
            ],
        }
    ),
    "sparkplug with properties": _lines(
        [
            {
                "timestamp": MS[i],
                "metrics": [
                    {
                        "name": t,
                        "timestamp": MS[i],
                        "value": VALUES[t][i],
                        "properties": {"Quality": {"type": "Int32", "value": 0 if (i, t) in BAD else 192}},
                    }
                    for t in TAGS
                ],
            }
            for i in range(ROWS)
        ]
    ),
    "odata with .NET dates": json.dumps(
        {
            "d": [
                {"Tag": s.tag, "Time": f"/Date({MS[s.row]})/", "Val": s.value, "Quality": "Bad" if s.bad else "Good"}
                for s in samples()
            ]
        }
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", sorted(WHOLE))
def test_json_answer_gives_the_truth(shape: str, read: Read) -> None:
    dataset = read(WHOLE[shape].encode(), name="answer.json")
    time = dataset.time_columns[0]
    names = {t: next(n for n in dataset.table.columns if n.removeprefix("urn:p:").endswith(t)) for t in TAGS}
    holds_the_truth(dataset, names, bad=False, time=time)


@pytest.mark.parametrize("shape", sorted(MARKED))
def test_json_answer_loses_only_its_bad_samples(shape: str, read: Read) -> None:
    dataset = read(MARKED[shape].encode(), name="answer.json")
    for tag in TAGS:
        expected = [None if (i, tag) in BAD else v for i, v in enumerate(VALUES[tag])]
        assert dataset.table[tag].to_list() == expected


def test_base_value_of_senml_is_added_as_it_is_written(read: Read) -> None:
    pack = [{"bn": "d:", "bt": 1_700_000_000, "bv": 100, "n": "level", "u": "m", "v": 0.1}]
    pack += [{"n": "level", "u": "m", "t": i, "v": 0.1 * i} for i in (1, 2)]
    dataset = read(json.dumps(pack).encode(), name="pack.json")
    assert dataset.table["d:level"].to_list() == [100.1, 100.1, 100.2]
    assert dataset.units == {"d:level": "m"}


def test_tables_of_a_document_that_were_not_read_are_named(read: Read) -> None:
    rows = [{"time": t, "flow": 1.5} for t in ISO]
    dataset = read(json.dumps({"pump": {"rows": rows}, "fan": {"rows": rows[:9]}}).encode(), name="two.json")
    warnings = dict(dataset.warnings)
    assert "'fan' not" in warnings["JSON_PARTS_UNREAD"]


def test_unit_beside_a_value_is_the_columns_unit(read: Read) -> None:
    records = [{"time": t, "p1": {"value": 1.5 + i, "unit": "bar"}} for i, t in enumerate(ISO)]
    dataset = read(json.dumps(records).encode(), name="units.json")
    assert dataset.units == {"p1": "bar"}
    assert dataset.table.columns == ["source_row", "time", "p1"]


def test_no_series_of_a_long_list_is_left_out(read: Read) -> None:
    pages = [
        {"tag": f"T{i % 10}", "points": [{"ts": 1_700_000_000_000 + 1000 * (i // 10) + k, "value": i} for k in (0, 1)]}
        for i in range(20_010)
    ]
    dataset = read(json.dumps(pages).encode(), name="pages.json")
    assert dataset.table["T9"].max() == 20_009


def test_groups_that_a_text_tells_apart_are_a_column_each(read: Read) -> None:
    groups = [
        {"type": kind, "values": [{"date": t, "value": i + shift} for i, t in enumerate(ISO)]}
        for shift, kind in enumerate(("Production", "Consumption"))
    ]
    dataset = read(json.dumps({"details": {"unit": "W", "meters": groups}}).encode(), name="meters.json")
    assert dataset.table.columns == ["source_row", "timestamp", "Production", "Consumption"]
