"""OPC: loggers of DA and UA servers as text, PubSub messages and history answers as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.ingest.conftest import Read
from tests.ingest.vendors.truth import BAD, ROWS, TAGS, TIMES, VALUES, comma, holds_the_truth, long_file, point

TEXT = {
    "UA logger": long_file(
        "NodeId,BrowseName,SourceTimestamp,ServerTimestamp,Value,StatusCode",
        lambda s: (
            f"ns=2;s={s.tag},2:{s.tag},{s.time:%Y-%m-%dT%H:%M:%S}.000Z,{s.time:%Y-%m-%dT%H:%M:%S}.125Z,"
            f"{point(s.value)},{'0x80310000' if s.bad else '0x00000000'}"
        ),
    ),
    "UA logger with semicolons": long_file(
        '"NodeId";"SourceTimestamp";"Value";"Status"',
        lambda s: (
            f'"ns=2;s={s.tag}";"{s.time:%d.%m.%Y %H:%M:%S}.000";"{comma(s.value)}";'
            f'"{"BadNoCommunication" if s.bad else "Good"}"'
        ),
    ),
    "UA history of a client": long_file(
        "Source Timestamp;Server Timestamp;Node;Value;Data type;Status Code",
        lambda s: (
            f"{s.time:%Y-%m-%d %H:%M:%S}.000;{s.time:%Y-%m-%d %H:%M:%S}.250;ns=2;{point(s.value)};Double;"
            f"{2150891520 if s.bad else 0}"
        ).replace("ns=2", f"ns=2,s={s.tag}"),
    ),
    "DA logger": long_file(
        "ItemID,Value,Timestamp,Quality",
        lambda s: (
            f"{s.tag},{point(s.value)},{s.time:%m/%d/%Y %I:%M:%S %p},"
            + ('"Bad, Not Connected"' if s.bad else '"Good, non-specific"')
        ),
    ),
    "DA explorer": long_file(
        "Item ID\tAccess Path\tValue\tQuality\tTimestamp\tStatus",
        lambda s: (
            f"{s.tag}\t\t{point(s.value)}\t{'Bad, non-specific' if s.bad else 'Good, non-specific'}\t"
            f"{s.time:%m/%d/%Y %H:%M:%S}.000\tActive"
        ),
    ),
    "DA, numbers": long_file(
        "Server;ItemID;DataType;Value;Quality;QualityString;TimeStamp",
        lambda s: (
            f"Matrikon.OPC;{s.tag};VT_R8;{comma(s.value)};{8 if s.bad else 192};"
            f"{'BAD' if s.bad else 'GOOD'};{s.time:%d.%m.%Y %H:%M:%S}"
        ),
    ),
}


def _name(layout: str) -> Callable[[str], str]:
    if layout == "UA history of a client":
        return lambda tag: f"ns=2,s={tag}"
    return (lambda tag: f"ns=2;s={tag}") if layout.startswith("UA") else (lambda tag: tag)


@pytest.mark.parametrize("layout", sorted(TEXT))
def test_logger_text(layout: str, read: Read) -> None:
    holds_the_truth(read(TEXT[layout].encode()), _name(layout))


def stamp(row: int) -> str:
    return f"{TIMES[row]:%Y-%m-%dT%H:%M:%SZ}"


def status(row: int, tag: str) -> int:
    return 0x80310000 if (row, tag) in BAD else 0


Field = Callable[[int, str], Any]


def value(row: int, tag: str) -> Any:
    return VALUES[tag][row] if tag != "Run" else bool(VALUES[tag][row])


def variant(row: int, tag: str) -> Any:
    return {"Type": 1 if tag == "Run" else 11, "Body": value(row, tag)}


FIELDS: dict[str, Field] = {
    "raw values": lambda i, t: value(i, t),
    "variants": variant,
    "variants of 1.05": lambda i, t: {"UaType": 11, "Value": value(i, t)},
    "data values of raw": lambda i, t: {
        "Value": value(i, t),
        **({"StatusCode": status(i, t)} if status(i, t) else {}),
    },
    "data values of variants": lambda i, t: {
        "Value": variant(i, t),
        "Status": status(i, t),
        "SourceTimestamp": stamp(i),
    },
    "data values with code and symbol": lambda i, t: {
        "Value": value(i, t),
        "SourceTimestamp": stamp(i),
        "ServerTimestamp": stamp(i),
        "StatusCode": {"Code": status(i, t), "Symbol": "BadNoCommunication"} if status(i, t) else {"Symbol": "Good"},
    },
    "data values of 1.05": lambda i, t: {
        "UaType": 11,
        "Value": value(i, t),
        **({"StatusCode": {"Code": status(i, t)}} if status(i, t) else {}),
    },
    "lower case": lambda i, t: {"value": value(i, t), "statusCode": status(i, t), "sourceTimestamp": stamp(i)},
}


def _message(row: int, field: Field) -> dict[str, Any]:
    return {
        "DataSetWriterId": "62541",
        "SequenceNumber": row,
        "MetaDataVersion": {"MajorVersion": 1, "MinorVersion": 1},
        "Timestamp": stamp(row),
        "Payload": {tag: field(row, tag) for tag in TAGS},
    }


def _network(messages: Any, number: int = 1) -> dict[str, Any]:
    return {"MessageId": str(number), "MessageType": "ua-data", "PublisherId": "P", "Messages": messages}


FRAMES: dict[str, Callable[[Field], str]] = {
    "one network message": lambda f: json.dumps(_network([_message(i, f) for i in range(ROWS)])),
    "a list of network messages": lambda f: json.dumps(
        [_network([_message(i, f), _message(i + 1, f)], i) for i in range(0, ROWS, 2)]
    ),
    "network messages line by line": lambda f: "\n".join(
        json.dumps(_network([_message(i, f)], i)) for i in range(ROWS)
    ),
    "single messages line by line": lambda f: "\n".join(json.dumps(_network(_message(i, f), i)) for i in range(ROWS)),
    "bare data set messages": lambda f: json.dumps([_message(i, f) for i in range(ROWS)]),
}


@pytest.mark.parametrize("field", sorted(FIELDS))
@pytest.mark.parametrize("frame", sorted(FRAMES))
def test_pubsub_messages(field: str, frame: str, read: Read) -> None:
    dataset = read(FRAMES[frame](FIELDS[field]).encode(), name="messages.json")
    names = {tag: next(n for n in dataset.table.columns if n.split(".")[-1] == tag) for tag in TAGS}
    time = next(n for n in dataset.table.columns if n.lower().endswith("timestamp"))
    says_quality = field.startswith(("data values", "lower"))
    holds_the_truth(dataset, names, bad=says_quality, time=time)


HISTORY: dict[str, Any] = {
    "nodes with values": [
        {
            "NodeId": f"ns=2;s={t}",
            "Values": [
                {"SourceTimestamp": stamp(i), "Value": value(i, t), "StatusCode": status(i, t)} for i in range(ROWS)
            ],
        }
        for t in TAGS
    ],
    "history read answer": {
        "Results": [
            {
                "NodeId": f"ns=2;s={t}",
                "HistoryData": {
                    "DataValues": [
                        {
                            "Value": variant(i, t),
                            "StatusCode": {"Code": status(i, t)},
                            "SourceTimestamp": stamp(i),
                        }
                        for i in range(ROWS)
                    ]
                },
            }
            for t in TAGS
        ]
    },
    "rows": [
        {
            "nodeId": f"ns=2;s={t}",
            "sourceTimestamp": stamp(i),
            "value": value(i, t),
            "statusCode": "Bad" if status(i, t) else "Good",
        }
        for i in range(ROWS)
        for t in TAGS
    ],
}


@pytest.mark.parametrize("layout", sorted(HISTORY))
def test_history_as_json(layout: str, read: Read) -> None:
    dataset = read(json.dumps(HISTORY[layout]).encode(), name="history.json")
    holds_the_truth(dataset, lambda tag: f"ns=2;s={tag}")


def test_tags_stand_over_their_value_quality_and_timestamp(read: Read) -> None:
    head = "Plant.Flow,,,Plant.Temp,,\nValue,Quality,Timestamp,Value,Quality,Timestamp\n"
    times = [f"2024-03-01 00:{r:02d}:00" for r in range(12)]
    rows = "\n".join(f"{r}.5,{24 if r == 4 else 192},{t},{20 + r}.5,192,{t}" for r, t in enumerate(times))
    dataset = read((head + rows).encode())
    assert dataset.table["Plant.Flow"].to_list() == [None if r == 4 else r + 0.5 for r in range(12)]
    assert dataset.table["Plant.Temp"].to_list() == [r + 20.5 for r in range(12)]
    assert dataset.time_columns == ["timestamp"]
