"""The ledger balances for every file, whatever is in it, and no row is lost silently."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.ingest.datasets import Dataset, read_dataset
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import Source
from services.ingest.text.quoting import split_quoted
from services.ingest.text.records import count_lines, scan

CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r", exclude_categories=("Cs",)), max_size=8)


def read_bytes(data: bytes, **options: object) -> Dataset:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        inner = Path(folder) / "work"
        inner.mkdir()
        return read_dataset([Source(path, "file.csv")], ReadOptions(**options), Limits(), inner)  # type: ignore[arg-type]


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.floats(-1e9, 1e9), st.integers(-999, 999), st.sampled_from(["", "Bad", "ok", "x;y", 'a"b', "c\nd"])
        ),
        min_size=3,
        max_size=40,
    ),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    ending=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
)
def test_generated_file_is_read_back_exactly(
    rows: list[tuple[float, int, str]], delimiter: str, ending: str, last: bool
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ending)
    writer.writerow(["speed", "count", "note"])
    writer.writerows(rows)
    text = out.getvalue() if last else out.getvalue().removesuffix(ending)
    dataset = read_bytes(text.encode(), delimiter=delimiter, header_row=1)
    assert dataset.ledger["balanced"]
    assert dataset.table["speed"].to_list() == [r[0] for r in rows]
    assert dataset.table["count"].to_list() == [r[1] for r in rows]
    lines = dataset.ledger["lines"]
    assert lines["total"] == count_lines(text.encode())


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=400) | st.text(alphabet=',;"\n\r\t 0123.ab', max_size=300).map(str.encode))
def test_no_bytes_ever_unbalance_the_ledger(data: bytes) -> None:
    try:
        dataset = read_bytes(data)
    except SensorForgeError as refusal:
        kind = refusal.kind
    else:
        kind = None
    if kind is not None:
        assert kind == "INPUT"
        return
    assert dataset.ledger["balanced"]
    lines = dataset.ledger["lines"]
    assert lines["rows"] + lines["rejected"] <= lines["total"]
    assert dataset.rejects.height == lines["rejected"]


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=12))
def test_independent_scan_counts_what_the_csv_module_wrote(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    data = out.getvalue().encode()
    records = scan(data, ",", '"')
    filled = [i for i in range(len(records)) if records.fields[i]]
    assert len(filled) == len(rows)
    for i, row in zip(filled, rows, strict=True):
        text = data[records.start[i] : records.end[i]].decode()
        assert split_quoted(text, ",", '"') == (row, True)
    assert int(records.lines.sum()) == count_lines(data)


def test_line_breaks_in_several_cells_of_a_row_are_no_unclosed_quotes() -> None:
    assert len(scan(b',,\n"\n",,"\n"\n', ",", '"')) == 2


def test_scan_agrees_across_block_borders(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f'{i},"a,{i}\n""b""",{i}\n' for i in range(300)).encode()
    whole = scan(text, ",", '"')
    monkeypatch.setattr("services.ingest.text.records.BLOCK_BYTES", 17)
    parts = scan(text, ",", '"')
    for name in ("start", "end", "fields", "line", "lines"):
        assert getattr(whole, name).tolist() == getattr(parts, name).tolist(), name


def test_rows_that_cannot_be_joined_by_time_are_rejected_not_lost(tmp_path: Path) -> None:
    pressure = b"time,pressure\n2024-01-01 00:00:00,1\n2024-01-01 00:01:00,2\n2024-01-01 00:01:00,3\n,4\n"
    speed = b"time,speed,load\n2024-01-01 00:00:00,10,1\n2024-01-01 00:01:00,20,2\n"
    sources = []
    for name, data in (("pressure.csv", pressure), ("speed.csv", speed)):
        (tmp_path / name).write_bytes(data)
        sources.append(Source(tmp_path / name, name))
    folder = tmp_path / "work"
    folder.mkdir()
    dataset = read_dataset(sources, ReadOptions(), Limits(), folder)
    assert dataset.table["pressure"].to_list() == [1, 3]
    assert sorted(dataset.rejects["reason"]) == ["NO_TIME", "REPEATED_TIME"]
    assert dataset.ledger["lines"]["rejected"] == 2
    assert dataset.ledger["lines"]["rows"] == 4
