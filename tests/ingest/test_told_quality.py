"""Qualities that hold for a row: applied where they can only be a sample's, told where they may be a product's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.ingest.large.delimited import read_large_file
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import Source
from tests.ingest.conftest import Read, values

ROWS = range(12)


def wide(good: str, bad: str, heading: str = "Quality") -> bytes:
    told = (f"2024-03-01 00:{r:02d}:00,{r + 0.5},{20.5 + r},{bad if r == 4 else good}" for r in ROWS)
    return "\n".join([f"Timestamp,Flow,Temp,{heading}", *told]).encode()


@pytest.mark.parametrize("words", [("Good", "Bad"), ("gut", "schlecht"), ("良好", "不良")])
def test_words_for_good_and_bad_are_told_and_change_nothing(read: Read, words: tuple[str, str]) -> None:
    dataset = read(wide(*words))
    ((code, message),) = dataset.warnings
    assert code == "QUALITY_NOT_APPLIED"
    assert "'Quality' calls 1 of 12 rows bad" in message
    assert "--quality-column" in message
    assert values(dataset, "Flow") == [r + 0.5 for r in ROWS]
    applied = read(wide(*words), quality_column="Quality")
    assert values(applied, "Flow") == [None if r == 4 else r + 0.5 for r in ROWS]
    assert not applied.warnings


def test_a_large_file_is_told_the_same(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(wide("Good", "Bad"))
    found = read_large_file(Source(path, path.name), ReadOptions(), Limits(), tmp_path, from_bytes=0)
    assert found is not None
    assert [code for code, _ in found.warnings] == ["QUALITY_NOT_APPLIED"]


def test_states_of_a_machine_are_no_quality(read: Read) -> None:
    assert not read(wide("running", "stopped", "State")).warnings


def test_the_quality_among_the_fields_of_an_object_holds_for_them(read: Read) -> None:
    records = [
        {
            "name": "opcua",
            "tags": {"id": "ns=2;s=T"},
            "fields": {"temp": 20.5 + r, "flow": 1.5 * r, "Quality": "Bad (0x80000000)" if r == 4 else "OK (0x0)"},
            "timestamp": 1709251200 + 60 * r,
        }
        for r in ROWS
    ]
    dataset = read("\n".join(map(json.dumps, records)).encode(), name="telegraf.json")
    assert values(dataset, "fields.temp") == [None if r == 4 else 20.5 + r for r in ROWS]
    assert values(dataset, "fields.flow") == [None if r == 4 else 1.5 * r for r in ROWS]
    assert "fields.Quality" not in dataset.table.columns


def test_each_object_is_as_good_as_its_own_quality(read: Read) -> None:
    head = "time,P1.flow,P1.power,P1.quality,P2.flow,P2.quality"
    told = (
        f"2024-03-01 00:{r:02d}:00,{r}.5,{r}.25,{0 if r == 3 else 192},{r}.75,{24 if r == 5 else 192}" for r in ROWS
    )
    dataset = read("\n".join([head, *told]).encode())
    assert values(dataset, "P1.power") == [None if r == 3 else r + 0.25 for r in ROWS]
    assert values(dataset, "P2.flow") == [None if r == 5 else r + 0.75 for r in ROWS]


def test_a_status_of_faults_counts_where_its_like_do(read: Read) -> None:
    head = "Time,FT101,FT101 Status,TT102,TT102 Status,Mode"
    told = (
        f"2024-03-01 00:{r:02d},{r}.5,OK,{r}.25,{'FAIL' if r == 4 else 'OK'},{'auto' if r else 'hand'}" for r in ROWS
    )
    dataset = read("\n".join([head, *told]).encode())
    assert values(dataset, "TT102") == [None if r == 4 else r + 0.25 for r in ROWS]
    assert dataset.table.columns == ["source_row", "Time", "FT101", "TT102", "Mode"]
