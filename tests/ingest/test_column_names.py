"""What columns are called whose own names a table cannot use."""

from __future__ import annotations

import json

import pytest

from tests.ingest.conftest import Read, values
from tests.ingest.test_fuzz import SOUND, damaged

CLOCKS = [f"2024-01-01 00:00:{i:02d}" for i in range(30)]
FILES = {
    "csv": ("time,*,^.*$\n" + "".join(f"{t},{i},{i + 0.5}\n" for i, t in enumerate(CLOCKS))).encode(),
    "json": json.dumps([{"time": t, "*": i, "^.*$": i + 0.5} for i, t in enumerate(CLOCKS)]).encode(),
    "long": ("tag,time,value\n" + "".join(f"*,{t},{i}\n^.*$,{t},{i + 0.5}\n" for i, t in enumerate(CLOCKS))).encode(),
    "line protocol": "".join(f"pump *={i},^.*$={i + 0.5} {1_700_000_000 + i}\n" for i in range(30)).encode(),
}


@pytest.mark.parametrize("kind", FILES)
def test_name_that_is_a_pattern_means_one_column(read: Read, kind: str) -> None:
    dataset = read(FILES[kind])
    assert dataset.table.columns[2:] == ['"*"', '"^.*$"']
    assert values(dataset, '"*"') == list(range(30))
    assert values(dataset, '"^.*$"') == [i + 0.5 for i in range(30)]


def test_damage_that_makes_a_name_a_pattern_is_read(read: Read) -> None:
    dataset = read(damaged(SOUND["line protocol"], [("insert", 1.0, b"\0"), ("flip", 0.703125, b"*")]))
    assert '"*"' in dataset.table.columns


def test_names_of_the_tables_own_columns_stay_apart(read: Read) -> None:
    header = "time,source_row,source_row_2\n"
    wide = read((header + "".join(f"{t},{i},{i + 0.5}\n" for i, t in enumerate(CLOCKS))).encode())
    assert wide.table.columns == ["source_row", "time", "source_row_3", "source_row_2"]
    tags = ("timestamp", "timestamp_tag", "source_row")
    rows = "".join(f"{tag},{t},{i}.5\n" for i, t in enumerate(CLOCKS) for tag in tags)
    long = read(("tag,time,value\n" + rows).encode())
    assert long.table.columns[1:] == ["timestamp", "timestamp_tag_2", "timestamp_tag", "source_row_tag"]
