"""Exports of operator stations, scopes and messages: quality beside values, pairs, several writers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.ingest.conftest import Read, values
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


def at(row: int, clock: str = "%Y-%m-%d %H:%M:%S") -> str:
    return TIMES[row].strftime(clock)


def cells(row: int, good: str, bad: str, number: Any = point) -> str:
    return ",".join(f"{number(VALUES[t][row])},{bad if (row, t) in BAD else good}" for t in TAGS)


def heads(*patterns: str) -> str:
    return ",".join(p.format(t=t, n=n) for n, t in enumerate(TAGS) for p in patterns)


BESIDE = {
    "RSView wide, letters": (
        "Stamp," + heads("{t}", "Sts_{n:02d}"),
        lambda i: f"{at(i)}," + cells(i, "", "E"),
        "{}",
    ),
    "OPC explorer": ("Timestamp," + heads("{t}", "Quality"), lambda i: f"{at(i)}," + cells(i, "Good", "Bad"), "{}"),
    "numbered": ("Timestamp," + heads("{t}", "Quality_{n}"), lambda i: f"{at(i)}," + cells(i, "192", "0"), "{}"),
    "WinCC table, PROFIBUS": (
        "Time," + heads("{t}", "{t} Quality code"),
        lambda i: f"{at(i)}," + cells(i, "16#80", "16#4C"),
        "{}",
    ),
    "DeltaV": (
        "Date/Time," + heads("{t}/PV.CV", "{t}/PV.ST"),
        lambda i: f"{at(i)}," + cells(i, "GOOD", "BAD"),
        "{}/PV",
    ),
    "Canary": (
        "Timestamp," + heads("{t}.Value", "{t}.Quality"),
        lambda i: f"{at(i)}," + cells(i, "Good (0xc0)", "Bad (0x0)"),
        "{}",
    ),
}


@pytest.mark.parametrize("station", sorted(BESIDE))
def test_quality_stands_right_behind_its_value(station: str, read: Read) -> None:
    header, line, name = BESIDE[station]
    dataset = read(wide_file(header, line).encode())
    holds_the_truth(dataset, name.format, time=dataset.table.columns[1])


LONG = {
    "OPC HDA, words": ("Item ID,Timestamp,Value,Quality", "Raw, Good", "Raw, Bad"),
    "OPC HDA, codes": ("Item ID,Timestamp,Value,Quality", "262336", "262144"),
    "eDNA": ("ShortId,UTCTime,Value,Status", "OK", "UNRELIABLE"),
    "Metasys": ("Name Path Reference,Timestamp,Object Value,Reliability", "Reliable", "Unreliable"),
    "no word for good": ("Variable,Timestamp,Value,Status", "SPONT", "INVALID"),
    "PI OLE DB": ("tag,time,value,status", "0", "-254"),
}


@pytest.mark.parametrize("station", sorted(LONG))
def test_quality_in_words_of_the_station(station: str, read: Read) -> None:
    header, good, bad = LONG[station]
    text = long_file(header, lambda s: f'{s.tag},{at(s.row)},{point(s.value)},"{bad if s.bad else good}"')
    holds_the_truth(read(text.encode()))


@pytest.mark.parametrize(
    ("header", "good", "bad", "applies"),
    [
        ("Timestamp,Value,Quality", "Good", "Bad", True),
        ("Timestamp,Flow,Quality", "192", "0", True),
        ("Timestamp,Width,Quality", "Good", "Bad", False),
        ("Timestamp,Flow,Status", "OK", "FAULT", False),
    ],
)
def test_one_value_with_one_quality(header: str, good: str, bad: str, applies: bool, read: Read) -> None:
    text = wide_file(header, lambda i: f"{at(i)},{point(VALUES['Flow'][i])},{bad if (i, 'Flow') in BAD else good}")
    dataset = read(text.encode())
    holds_the_truth(dataset, lambda _: dataset.table.columns[2], tags=["Flow"], time="Timestamp", bad=applies)
    assert (dataset.table.columns[-1] != header.split(",")[-1]) is applies


@pytest.mark.parametrize("header", ["Time,Flow,Temp,Quality", "Time,Quality,Flow,Temp"])
def test_quality_of_a_row_is_that_of_its_values(header: str, read: Read) -> None:
    order = header.split(",")[1:]
    rows = [{"Flow": f"{i}.5", "Temp": f"{50 + i}", "Quality": "28" if i == 7 else "192"} for i in range(30)]
    text = header + "\n" + "".join(f"{at(i)}," + ",".join(r[n] for n in order) + "\n" for i, r in enumerate(rows))
    dataset = read(text.encode())
    assert dataset.table.columns == ["source_row", "Time", "Flow", "Temp"]
    assert [i for i, v in enumerate(values(dataset, "Flow")) if v is None] == [7]
    assert dataset.ledger["cells"]["bad"] == 2


def test_status_word_of_a_machine_is_no_quality(read: Read) -> None:
    text = "Time,Flow,Temp,Status\n" + "".join(f"{at(i)},{i}.5,{50 + i},0x{i % 4:04X}\n" for i in range(30))
    dataset = read(text.encode())
    assert dataset.table.columns == ["source_row", "Time", "Flow", "Temp", "Status"]
    assert dataset.table["Flow"].null_count() == 0


def _message(row: int, tags: list[str], writer: int) -> dict[str, Any]:
    payload = {t: {"Value": VALUES[t][row], **({"StatusCode": 0x80000000} if (row, t) in BAD else {})} for t in tags}
    return {
        "DataSetWriterId": writer,
        "SequenceNumber": row,
        "Timestamp": at(row, "%Y-%m-%dT%H:%M:%SZ"),
        "Payload": payload,
    }


def _network(kind: str, **parts: Any) -> dict[str, Any]:
    return {"MessageId": "m", "MessageType": kind, "PublisherId": "P", **parts}


ALIVE = {"DataSetWriterId": 1, "MessageType": "ua-keepalive", "Timestamp": "2024-03-14T05:59:05Z"}
PUBSUB = {
    "metadata first": [_network("ua-metadata", MetaData={"Fields": [{"Name": t} for t in TAGS]})]
    + [_network("ua-data", Messages=[_message(i, TAGS, 1)]) for i in range(ROWS)],
    "signs of life between": [_network("ua-data", Messages=[_message(i, TAGS, 1), ALIVE]) for i in range(ROWS)],
    "two writers": [
        _network("ua-data", Messages=[_message(i, TAGS[:2], 1), _message(i, TAGS[2:], 2)]) for i in range(ROWS)
    ],
}


@pytest.mark.parametrize("stream", sorted(PUBSUB))
@pytest.mark.parametrize("lines", [True, False])
def test_pubsub_stream(stream: str, lines: bool, read: Read) -> None:
    messages = PUBSUB[stream]
    text = "\n".join(map(json.dumps, messages)) if lines else json.dumps(messages)
    dataset = read(text.encode(), name="messages.json")
    names = {t: next(n for n in dataset.table.columns if n.split(".")[-1] == t) for t in TAGS}
    holds_the_truth(dataset, names, time=next(n for n in dataset.table.columns if n.endswith("Timestamp")))


def test_publisher_samples_stand_at_their_source_times(read: Read) -> None:
    rows = [
        {
            "NodeId": t,
            "Timestamp": at(i, "%Y-%m-%dT%H:%M:%S.750Z"),
            "Value": {
                "Value": VALUES[t][i],
                "SourceTimestamp": at(i, "%Y-%m-%dT%H:%M:%SZ"),
                **({"StatusCode": {"Code": 0x80000000, "Symbol": "Bad"}} if (i, t) in BAD else {}),
            },
        }
        for i in range(ROWS)
        for t in TAGS
    ]
    holds_the_truth(read(json.dumps(rows).encode(), name="samples.json"))


def test_tags_are_named_by_their_line_not_by_descriptions(read: Read) -> None:
    head = "Tag,Flow,,Temp,,Count,,Run\nDescription,pump flow,,oil,,parts,,on\nUnits,m3/h,,C,,,,\n"
    body = "".join(
        ",".join(f"{at(i, '%d-%b-%y %H:%M:%S')},{point(VALUES[t][i])}" for t in TAGS) + "\n" for i in range(ROWS)
    )
    holds_the_truth(read((head + "Time,Value,Time,Value,Time,Value,Time,Value\n" + body).encode()), bad=False)


def test_count_above_the_values_is_no_sample(read: Read) -> None:
    head = "Flow,,Temp,,Count,,Run,\n60,,60,,60,,60,\n"
    body = "".join(
        ",".join(f"{at(i, '%d-%b-%y %H:%M:%S')},{point(VALUES[t][i])}" for t in TAGS) + "\n" for i in range(ROWS)
    )
    holds_the_truth(read((head + body).encode()), bad=False)


def test_scope_names_every_second_column(read: Read) -> None:
    lines = ["Name\tScope", "File\tC:\\x.tcscopex", ""]
    for label, value in (("Name", None), ("SymbolComment", ""), ("Data-Type", "REAL64"), ("SampleTime[ms]", "10000")):
        lines.append("\t".join(f"{label}\t{t if value is None else value}" for t in TAGS))
    lines.append("")
    lines += ["\t".join(f"{10000 * i}\t{point(VALUES[t][i])}" for t in TAGS) for i in range(ROWS)]
    holds_the_truth(read("\n".join(lines).encode()), bad=False, time="")


def test_files_of_a_tag_each_with_date_and_clock_apart_are_joined(read: Read) -> None:
    files = [
        ("Datum;Uhrzeit;Wert\n" + "".join(f"{at(i, '%d.%m.%Y;%H:%M:%S')};{comma(VALUES[t][i])}\n" for i in range(ROWS)))
        for t in TAGS
    ]
    dataset = read(*(f.encode() for f in files), name="trend.csv")
    holds_the_truth(dataset, lambda tag: f"{TAGS.index(tag)}-trend", bad=False)


def test_files_of_a_tag_each_keep_their_other_columns_apart(read: Read) -> None:
    head = "history:/Site/x\n\nTimestamp,Trend Flags,Status,Value\n"
    down = '"{fault,down}"'
    lines = {
        (i, t): f"{at(i, '%d-%b-%y %I:%M:%S %p')} UTC,{{ }},{down if (i, t) in BAD else '{ok}'},"
        for t in TAGS
        for i in range(ROWS)
    }
    files = [head + "".join(f"{lines[i, t]}{point(VALUES[t][i])}\n" for i in range(ROWS)) for t in TAGS]
    dataset = read(*(f.encode() for f in files), name="h.csv")
    holds_the_truth(dataset, lambda tag: f"{TAGS.index(tag)}-h")
    assert [values(dataset, f"{n}-h.Trend Flags")[0] for n in range(len(TAGS))] == ["{ }"] * len(TAGS)


def _section(tag: str, rows: int = ROWS) -> str:
    lines = [
        f"{at(i % ROWS)},{point(VALUES[tag][i % ROWS])},{'Bad' if (i, tag) in BAD else 'Good'}" for i in range(rows)
    ]
    return f"Tag: {tag}\nUnit: bar\n\nTimestamp,Value,Quality\n" + "\n".join(lines) + "\n\n"


def test_sections_of_a_tag_each_are_a_column_each(read: Read) -> None:
    dataset = read(("Trend export\n" + "".join(map(_section, TAGS))).encode())
    holds_the_truth(dataset)
    assert dataset.ledger["lines"]["rejected"] == 0


def test_sections_that_come_too_late_to_be_seen_at_first_are_told_apart(read: Read) -> None:
    dataset = read((_section("Flow", rows=4000) + _section("Temp")).encode())
    assert dataset.table.columns == ["source_row", "timestamp", "Flow", "Temp"]
    assert dataset.ledger["lines"]["rows"] == 4000 + ROWS
    assert read((_section("Flow", rows=4000) + _section("Flow")).encode()).table.height == 4000 + ROWS
