"""Cells that hold the delimiter without quotes: node ids between semicolons, lists in braces between commas."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.ingest.conftest import Read, facts, values

TIMES = [dt.datetime(2024, 3, 14, 10, 0, tzinfo=dt.UTC) + dt.timedelta(seconds=i) for i in range(40)]
NODES = {"ns=2;s=Pump1.Temp": 20.0, "ns=2;s=Pump1.Press": 70.0}
NAMES = {"nsu=http://plant.example/ua;s=Temp": 20.0, "ns=3;i=1042": 70.0}


@pytest.mark.parametrize("nodes", [NODES, NAMES])
@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("Timestamp;NodeId;Value;StatusCode", "{t:%FT%TZ};{n};{v};Good"),
        ("NodeId;SourceTimestamp;Value;StatusCode", "{n};{t:%FT%TZ};{v};Good"),
        ("SourceTimestamp;Value;StatusCode;NodeId", "{t:%FT%TZ};{v};Good;{n}"),
    ],
)
def test_node_ids_between_semicolons_are_tags(header: str, line: str, nodes: dict[str, float], read: Read) -> None:
    lines = [line.format(t=t, n=n, v=v + i / 2) for i, t in enumerate(TIMES) for n, v in nodes.items()]
    dataset = read("\n".join([header, *lines]).encode())
    for node, base in nodes.items():
        assert values(dataset, node) == [base + i / 2 for i in range(len(TIMES))]
    assert "cells" in facts(dataset)


def test_node_ids_in_the_header_alone_are_names(read: Read) -> None:
    lines = [f"{t:%FT%TZ};{20 + i / 2};{70 + i / 2}" for i, t in enumerate(TIMES)]
    dataset = read("\n".join([";".join(["Time", *NODES]), *lines]).encode())
    assert values(dataset, "ns=2;s=Pump1.Press") == [70 + i / 2 for i in range(len(TIMES))]
    assert dataset.ledger["lines"]["preamble"] == 0


def test_list_of_states_between_commas_is_one_cell(read: Read) -> None:
    lines = [
        f"{t:%FT%TZ},{{ }},{{{'ok' if i % 7 else 'down,stale'}}},{20 + i / 2 if i % 7 else 0}"
        for i, t in enumerate(TIMES)
    ]
    dataset = read("\n".join(["Timestamp,Trend Flags,Status,Value", *lines]).encode())
    assert values(dataset, "Value") == [20 + i / 2 if i % 7 else None for i in range(len(TIMES))]
    assert not dataset.rejects.height


def test_texts_of_json_in_cells_stay_as_they_are(read: Read) -> None:
    lines = [f'{t:%FT%TZ},{i},"{{""a"": {i}, ""b"": 2}}"' for i, t in enumerate(TIMES)]
    assert "cells" not in facts(read("\n".join(["Timestamp,Value,Info", *lines]).encode()))
