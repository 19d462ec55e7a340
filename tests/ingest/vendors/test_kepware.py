"""Kepware: DataLogger tables, narrow and wide, and messages of the IoT gateway."""

from __future__ import annotations

import json

import pytest

from tests.ingest.conftest import Read
from tests.ingest.vendors.truth import (
    BAD,
    ROWS,
    TAGS,
    TIMES,
    VALUES,
    comma,
    holds_the_truth,
    long_file,
    point,
    wide_file,
)

KEPWARE = {
    "narrow table": long_file(
        "_NAME,_NUMERICID,_VALUE,_TIMESTAMP,_QUALITY",
        lambda s: f"{s.tag},0,{point(s.value)},{s.time:%Y-%m-%d %H:%M:%S}.000,{0 if s.bad else 192}",
    ),
    "narrow table, id first": long_file(
        "id;NUMERICID;NAME;VALUE;TIMESTAMP;QUALITY",
        lambda s: (
            f"{s.row * 4 + TAGS.index(s.tag)};0;{s.tag};{comma(s.value)};{s.time:%d.%m.%Y %H:%M:%S};"
            f"{0 if s.bad else 192}"
        ),
    ),
    "numericId names the tag": long_file(
        "numericId,VALUE,QUALITY,TIMESTAMP",
        lambda s: f"{s.tag},{point(s.value)},{'bad' if s.bad else 'good'},{s.time:%m/%d/%Y %I:%M:%S %p}",
    ),
    "gateway fields": long_file(
        "id,v,q,t",
        lambda s: f"{s.tag},{point(s.value)},{str(not s.bad).lower()},{s.milliseconds}",
    ),
}


@pytest.mark.parametrize("layout", sorted(KEPWARE))
def test_kepware_narrow(layout: str, read: Read) -> None:
    holds_the_truth(read(KEPWARE[layout].encode()))


def _kep(i: int, tag: str) -> str:
    return "0" if (i, tag) in BAD else "192"


KEPWARE_WIDE = {
    "four columns a tag": wide_file(
        "id," + ",".join(f"{t}_NUMERICID,{t}_VALUE,{t}_TIMESTAMP,{t}_QUALITY" for t in TAGS),
        lambda i: (
            f"{i}," + ",".join(f"0,{point(VALUES[t][i])},{TIMES[i]:%Y-%m-%d %H:%M:%S}.000,{_kep(i, t)}" for t in TAGS)
        ),
    ),
    "one clock": wide_file(
        "timestamp," + ",".join(f"{t}_VALUE,{t}_QUALITY" for t in TAGS),
        lambda i: f"{TIMES[i]:%Y-%m-%d %H:%M:%S}.000," + ",".join(f"{point(VALUES[t][i])},{_kep(i, t)}" for t in TAGS),
    ),
    "q columns": wide_file(
        "timestamp;" + ";".join(f"{t};{t}_q" for t in TAGS),
        lambda i: f"{TIMES[i]:%d.%m.%Y %H:%M:%S};" + ";".join(f"{comma(VALUES[t][i])};{_kep(i, t)}" for t in TAGS),
    ),
    "qualities after all values": wide_file(
        "timestamp," + ",".join(TAGS) + "," + ",".join(f"{t}_q" for t in TAGS),
        lambda i: (
            f"{TIMES[i]:%Y-%m-%d %H:%M:%S},"
            + ",".join(point(VALUES[t][i]) for t in TAGS)
            + ","
            + ",".join(_kep(i, t) for t in TAGS)
        ),
    ),
}


@pytest.mark.parametrize("layout", sorted(KEPWARE_WIDE))
def test_kepware_wide(layout: str, read: Read) -> None:
    holds_the_truth(read(KEPWARE_WIDE[layout].encode()), time="timestamp")


def test_kepware_gateway_messages(read: Read) -> None:
    lines = [
        json.dumps(
            {
                "timestamp": int(TIMES[i].timestamp() * 1000) + 5,
                "values": [
                    {
                        "id": t,
                        "v": VALUES[t][i],
                        "q": (i, t) not in BAD,
                        "t": int(TIMES[i].timestamp() * 1000),
                    }
                    for t in TAGS
                ],
            }
        )
        for i in range(ROWS)
    ]
    holds_the_truth(read("\n".join(lines).encode(), name="gateway.jsonl"))


def test_state_of_a_valve_is_no_quality(read: Read) -> None:
    text = wide_file("time,valve,valve_state", lambda i: f"{TIMES[i]:%Y-%m-%d %H:%M:%S},{i}.5,{int(i % 9 > 6)}")
    dataset = read(text.encode())
    assert dataset.table.columns == ["source_row", "time", "valve", "valve_state"]
    assert dataset.table["valve"].null_count() == 0
