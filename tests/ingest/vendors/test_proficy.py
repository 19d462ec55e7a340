"""GE Proficy Historian: data blocks, reports, REST answers."""

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
)

GE = {
    "data block with tags above": "* Proficy Historian export\r\n[Tags]\r\nTagname,Description,EngineeringUnits\r\n"
    "Flow,pump flow,m3/h\r\nTemp,oil,C\r\n[Data]\r\n"
    + long_file(
        "Tagname,TimeStamp,Value,DataQuality",
        lambda s: f"{s.tag},{s.time:%d-%b-%Y %H:%M:%S}.000,{point(s.value)},{'Bad' if s.bad else 'Good'}",
    ),
    "data block with comments and percent": "[Data]\r\n"
    + long_file(
        "Tagname;TimeStamp;Value;DataQuality\r\n* from the collector",
        lambda s: f"{s.tag};{s.time:%Y-%m-%d %H:%M:%S};{comma(s.value)};{0 if s.bad else 100}",
        footer="* end\r\n",
    ),
    "report": long_file(
        "TimeStamp,TagName,Value,Quality,OPCQuality,OPCSubQuality",
        lambda s: (
            f"{s.time:%Y-%m-%dT%H:%M:%S}.0000000Z,{s.tag},{point(s.value)},{0 if s.bad else 100},"
            f"{0 if s.bad else 192},0"
        ),
    ),
}


@pytest.mark.parametrize("layout", sorted(GE))
def test_proficy(layout: str, read: Read) -> None:
    holds_the_truth(read(GE[layout].encode()))


def test_proficy_rest_answer(read: Read) -> None:
    document = {
        "ErrorCode": 0,
        "Data": [
            {
                "TagName": tag,
                "DataType": "DoubleFloat",
                "Samples": [
                    {
                        "TimeStamp": f"{TIMES[i]:%Y-%m-%dT%H:%M:%S.000Z}",
                        "Value": point(VALUES[tag][i]),
                        "Quality": 0 if (i, tag) in BAD else 3,
                    }
                    for i in range(ROWS)
                ],
            }
            for tag in TAGS
        ],
    }
    holds_the_truth(read(json.dumps(document).encode(), name="x.json"))
