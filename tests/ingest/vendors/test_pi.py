"""OSIsoft PI: long exports, digital states in values, DataLink blocks, Web API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.ingest.conftest import Read
from tests.ingest.vendors.truth import (
    BAD,
    ROWS,
    TAGS,
    TIMES,
    VALUES,
    Sample,
    comma,
    holds_the_truth,
    long_file,
    point,
)

STATES = ("Bad Input", "No Data", "Pt Created", "I/O Timeout", "Comm Fail")


def state(s: Sample) -> str:
    return STATES[s.row % len(STATES)]


PI_LONG = {
    "status column": long_file(
        "Tag,Timestamp,Value,Status",
        lambda s: f"{s.tag},{s.time:%d-%b-%y %H:%M:%S},{point(s.value)},{'Bad' if s.bad else 'Good'}",
    ),
    "questionable and substituted": long_file(
        "Tag;Timestamp;Value;Questionable;Substituted",
        lambda s: f"{s.tag};{s.time:%d.%m.%Y %H:%M:%S};{comma(s.value)};{s.bad};False",
    ),
    "all attributes": long_file(
        "Data Source,Timestamp,Value,UOM,Good,Questionable,Annotated",
        lambda s: f"{s.tag},{s.time:%Y-%m-%dT%H:%M:%SZ},{point(s.value)},bar,{not s.bad},False,False",
    ),
}


@pytest.mark.parametrize("layout", sorted(PI_LONG))
def test_pi_samples(layout: str, read: Read) -> None:
    holds_the_truth(read(PI_LONG[layout].encode()))


PI_STATES = {
    "with a header": long_file(
        "tag,time,value",
        lambda s: f"{s.tag},{s.time:%d-%b-%Y %H:%M:%S}.000,{state(s) if s.bad else point(s.value)}",
        by_tag=True,
    ),
    "as piconfig writes": long_file(
        "", lambda s: f"{s.tag},{s.time:%d-%b-%y %H:%M:%S},{state(s) if s.bad else point(s.value)}"
    ),
    "German locale": long_file(
        "Tagname;Zeitstempel;Wert",
        lambda s: f"{s.tag};{s.time:%d.%m.%Y %H:%M:%S};{state(s) if s.bad else comma(s.value)}",
    ),
}


@pytest.mark.parametrize("layout", sorted(PI_STATES))
def test_pi_digital_states_in_values_are_missing(layout: str, read: Read) -> None:
    dataset = read(PI_STATES[layout].encode())
    for tag in TAGS:
        expected = [None if (i, tag) in BAD else v for i, v in enumerate(VALUES[tag])]
        assert dataset.table[tag].to_list() == expected
    assert dataset.ledger["cells"]["token"] == len(BAD)


def blocks(first: list[str], second: list[str], separator: str, clock: str, blank: bool) -> str:
    """Returns side-by-side pairs of time and value, states for bad samples."""
    gap = [""] if blank else []
    lines = [first, second] if second else [first]
    for i in range(ROWS):
        cells: list[str] = []
        for tag in TAGS:
            s = Sample(i, tag, TIMES[i], VALUES[tag][i])
            text = (comma if separator == ";" else point)(s.value)
            cells += [TIMES[i].strftime(clock), state(s) if s.bad else text, *gap]
        lines.append(cells)
    return "\n".join(separator.join(c) for c in lines) + "\n"


def _spread(cells: list[list[str]]) -> list[str]:
    return [c for pair in cells for c in pair]


DATALINK = {
    "tag above its time": blocks(
        _spread([[t, ""] for t in TAGS]), ["Timestamp", "Value"] * 4, ",", "%d-%b-%y %H:%M:%S", False
    ),
    "tag above its value": blocks(
        _spread([["", t] for t in TAGS]), ["Timestamp", "Value"] * 4, ",", "%d-%b-%Y %H:%M:%S", False
    ),
    "blank columns between": blocks(
        _spread([[t, "", ""] for t in TAGS]), ["Time", "Value", ""] * 4, ",", "%Y-%m-%d %H:%M:%S", True
    ),
    "one line of headings": blocks(_spread([["Timestamp", t] for t in TAGS]), [], ";", "%d.%m.%Y %H:%M:%S", False),
    "German headings": blocks(
        _spread([[t, ""] for t in TAGS]), ["Zeitstempel", "Wert"] * 4, ";", "%d.%m.%Y %H:%M:%S", False
    ),
    "title above": "PI DataLink archive values;;;;;;;\n"
    + blocks(_spread([[t, ""] for t in TAGS]), ["Date", "Data"] * 4, ";", "%d.%m.%Y %H:%M:%S", False),
    "time and tag in one heading": blocks(
        _spread([[f"{t} Time", f"{t} ValueY"] for t in TAGS]), [], ",", "%m/%d/%Y %I:%M:%S %p", False
    ),
}


@pytest.mark.parametrize("layout", sorted(DATALINK))
def test_datalink_blocks(layout: str, read: Read) -> None:
    dataset = read(DATALINK[layout].encode())
    for tag in TAGS:
        assert dataset.table[tag].to_list() == [None if (i, tag) in BAD else v for i, v in enumerate(VALUES[tag])]
    assert dataset.table["timestamp"].to_list() == TIMES
    assert dataset.ledger["balanced"]


def _web_item(s: Sample) -> dict[str, Any]:
    bad = {"Name": state(s), "Value": 255, "IsSystem": True}
    return {
        "Timestamp": f"{s.time:%Y-%m-%dT%H:%M:%SZ}",
        "Value": bad if s.bad else s.value,
        "UnitsAbbreviation": "bar",
        "Good": not s.bad,
        "Questionable": False,
        "Substituted": False,
    }


def test_pi_web_api_answer(read: Read) -> None:
    document = {
        "Links": {},
        "Items": [
            {
                "WebId": f"P0{n}",
                "Name": tag,
                "Path": f"\\\\PI\\{tag}",
                "Items": [_web_item(Sample(i, tag, TIMES[i], VALUES[tag][i])) for i in range(ROWS)],
            }
            for n, tag in enumerate(TAGS)
        ],
    }
    holds_the_truth(read(json.dumps(document).encode(), name="streamset.json"))
