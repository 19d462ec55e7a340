"""Historians: OSIsoft PI, GE Proficy, Ignition, Kepware, FactoryTalk."""

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
    wide_file,
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


def ms(s: Sample) -> int:
    return int(s.time.timestamp() * 1000)


def sqlth(s: Sample) -> str:
    number = TAGS.index(s.tag) + 1
    whole = point(s.value) if s.tag in ("Count", "Run") else ""
    real = "" if whole else point(s.value)
    return f"{number},{whole},{real},,,{24 if s.bad else 192},{ms(s)}"


SQLTH = long_file("tagid,intvalue,floatvalue,stringvalue,datevalue,dataintegrity,t_stamp", sqlth)
SQLTH_TAGS = "id,tagpath,scid,datatype,querymode,created,retired\n" + "".join(
    f"{n + 1},plant/{t.lower()},1,1,0,1700000000000,\n" for n, t in enumerate(TAGS)
)


def test_ignition_history_table(read: Read) -> None:
    holds_the_truth(read(SQLTH.encode()), lambda tag: str(TAGS.index(tag) + 1))


def test_ignition_history_table_with_null_words(read: Read) -> None:
    text = SQLTH.replace(",,", ",NULL,").replace(",,", ",NULL,")
    holds_the_truth(read(text.encode()), lambda tag: str(TAGS.index(tag) + 1))


@pytest.mark.parametrize("names_first", [False, True])
def test_ignition_tag_table_names_the_tags(names_first: bool, read: Read) -> None:
    files = (SQLTH_TAGS.encode(), SQLTH.encode()) if names_first else (SQLTH.encode(), SQLTH_TAGS.encode())
    holds_the_truth(read(*files), lambda tag: f"plant/{tag.lower()}")


IGNITION = {
    "tall": long_file(
        "path,value,quality,timestamp",
        lambda s: f"[default]P/{s.tag},{point(s.value)},{'Bad_Stale' if s.bad else 'Good'},{ms(s)}",
    ),
    "tall, Java dates": long_file(
        '"path","value","quality","timestamp"',
        lambda s: (
            f'"[default]P/{s.tag}","{point(s.value)}","{0 if s.bad else 192}",'
            f'"{s.time:%a %b %d %H:%M:%S} UTC {s.time:%Y}"'
        ),
    ),
}


@pytest.mark.parametrize("layout", sorted(IGNITION))
def test_ignition_tall(layout: str, read: Read) -> None:
    holds_the_truth(read(IGNITION[layout].encode()), lambda tag: f"[default]P/{tag}")


IGNITION_WIDE = {
    "data set with header lines": '"#NAMES"\n"t_stamp","Flow","Temp","Count","Run"\n"#TYPES"\n"date","D","D","I","I"\n'
    '"#ROWS","60"\n'
    + "".join(
        f'"{TIMES[i]:%b %d, %Y %I:%M:%S %p}",' + ",".join(f'"{point(v[i])}"' for v in VALUES.values()) + "\n"
        for i in range(ROWS)
    ),
    "localised numbers": wide_file(
        "t_stamp;Flow;Temp;Count;Run",
        lambda i: (
            f"{TIMES[i]:%d.%m.%Y %H:%M:%S};"
            + ";".join(comma(v[i]) if v[i] < 1000 else f"{v[i]:,.0f}".replace(",", ".") for v in VALUES.values())
        ),
    ),
    "English thousands": wide_file(
        '"t_stamp","Flow","Temp","Count","Run"',
        lambda i: (
            f'"{TIMES[i]:%b %d, %Y %I:%M:%S %p}",'
            + ",".join(f'"{v[i]:,.3f}"' if k == "Flow" else f'"{v[i]:,g}"' for k, v in VALUES.items())
        ),
    ),
}


@pytest.mark.parametrize("layout", sorted(IGNITION_WIDE))
def test_ignition_wide(layout: str, read: Read) -> None:
    holds_the_truth(read(IGNITION_WIDE[layout].encode()), bad=False, time="t_stamp")


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
        lambda s: f"{s.tag},{point(s.value)},{str(not s.bad).lower()},{ms(s)}",
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


def _ft(s: Sample, separator: str, number: str) -> str:
    mark = "B" if s.row == 0 else "E" if s.row == ROWS - 1 else ""
    return separator.join(
        [
            f"{s.time:%m/%d/%Y %I:%M:%S %p}",
            "0",
            str(TAGS.index(s.tag)),
            number,
            "E" if s.bad else "",
            mark,
        ]
    )


FLOAT_TABLE = long_file("DateAndTime,Millitm,TagIndex,Val,Status,Marker", lambda s: _ft(s, ",", point(s.value)))
TAG_TABLE = "TagName,TagIndex,TagType,TagDataType\n" + "".join(f"Pump\\{t},{n},2,0\n" for n, t in enumerate(TAGS))


def test_factorytalk_float_table(read: Read) -> None:
    holds_the_truth(read(FLOAT_TABLE.encode()), lambda tag: str(TAGS.index(tag)))


@pytest.mark.parametrize("names_first", [False, True])
def test_factorytalk_tag_table_names_the_tags(names_first: bool, read: Read) -> None:
    files = (TAG_TABLE.encode(), FLOAT_TABLE.encode()) if names_first else (FLOAT_TABLE.encode(), TAG_TABLE.encode())
    holds_the_truth(read(*files), lambda tag: f"Pump\\{tag}")


def test_factorytalk_with_milliseconds_and_good_words(read: Read) -> None:
    text = long_file(
        "Date;Time;Millitm;Tagname;Value;Status;Marker",
        lambda s: (
            f"{s.time:%d.%m.%Y};{s.time:%H:%M:%S};0;{s.tag};{comma(s.value)};{'B' if s.bad else 'G'};"
            f"{'S' if s.row == 0 else ''}"
        ),
    )
    holds_the_truth(read(text.encode()))


def test_state_of_a_valve_is_no_quality(read: Read) -> None:
    text = wide_file("time,valve,valve_state", lambda i: f"{TIMES[i]:%Y-%m-%d %H:%M:%S},{i}.5,{int(i % 9 > 6)}")
    dataset = read(text.encode())
    assert dataset.table.columns == ["source_row", "time", "valve", "valve_state"]
    assert dataset.table["valve"].null_count() == 0
