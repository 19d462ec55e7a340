"""Objects that stand as texts inside the records of a broker or a cloud gateway."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from services.ingest.formats.json_stream import read_large_json
from services.ingest.formats.json_texts import unpacked
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from tests.ingest.conftest import Read, values


def in_base64(payload: Any) -> str:
    return base64.b64encode(json.dumps(payload).encode()).decode()


def lines(rows: int, wrap: Any) -> bytes:
    told = (
        {"EnqueuedTimeUtc": f"2024-03-01T00:{row:02d}:00Z", "Body": wrap({"temp": 20.5 + row, "flow": 1.5 * row})}
        for row in range(rows)
    )
    return "\n".join(map(json.dumps, told)).encode()


@pytest.mark.parametrize("wrap", [json.dumps, in_base64])
def test_an_object_in_a_text_becomes_columns(read: Read, wrap: Any) -> None:
    dataset = read(lines(12, wrap), name="hub.json")
    assert values(dataset, "Body.temp") == [20.5 + row for row in range(12)]
    assert values(dataset, "Body.flow") == [1.5 * row for row in range(12)]


def test_a_list_of_records_is_unpacked_too(read: Read) -> None:
    records = [json.loads(line) for line in lines(12, in_base64).split(b"\n")]
    assert values(read(json.dumps(records).encode(), name="hub.json"), "Body.temp") == [20.5 + r for r in range(12)]


def test_blocks_are_unpacked_as_the_whole_is(tmp_path: Path) -> None:
    path = tmp_path / "hub.json"
    path.write_bytes(lines(60, in_base64))
    table = read_large_json(path, "hub.json", ReadOptions(), Limits(), tmp_path, from_bytes=1, block_bytes=512)
    assert table is not None
    assert table.frame["Body.temp"].to_list() == [20.5 + row for row in range(60)]


@pytest.mark.parametrize(
    "text",
    [
        "{ok}", "{fault,down}", "[1, 2]", "{}", "eyJub3QganNvbg==", "eyesight", '{"a": NaN}', "{" * 5000,
        '{"a":' * 5000 + "1" + "}" * 5000,
    ],
)  # fmt: skip
def test_other_texts_stay_as_they_are(text: str) -> None:
    records = [{"state": text}]
    assert unpacked(records) is records


def test_a_text_that_is_no_object_stays_beside_those_that_are() -> None:
    records = [{"data": '{"a": 1}'}, {"data": "late"}, {"data": None}]
    assert unpacked(records) == [{"data": {"a": 1}}, {"data": "late"}, {"data": None}]
