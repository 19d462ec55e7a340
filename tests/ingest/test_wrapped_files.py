"""Files inside other files, and Parquet, which brings its types and units along."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile
from pathlib import Path

import polars as pl
import pytest

from services.chassis.errors import SensorForgeError
from tests.ingest.conftest import Read, facts, steady


@pytest.mark.parametrize("wrap", ["gzip", "zip"])
def test_wrapped_file_is_opened(read: Read, wrap: str) -> None:
    if wrap == "gzip":
        data = gzip.compress(steady())
    else:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("../../etc/export.csv", steady())
        data = out.getvalue()
    dataset = read(data, name=f"export.csv.{wrap}")
    assert dataset.table.height == 200
    assert facts(dataset)["wrapper"] == wrap


def test_parquet_keeps_types_units_and_flattens_structs(read: Read, tmp_path: Path) -> None:
    from services.artifacts.parquet import write_table

    path = tmp_path / "t.parquet"
    write_table(
        path, pl.DataFrame({"t": [1.5, 2.5], "m": [{"x": 1, "y": 2.5}, {"x": 3, "y": 4.5}]}), units={"t": "bar"}
    )
    dataset = read(path)
    assert dataset.table.columns == ["source_row", "t", "m.x", "m.y"]
    assert dataset.units == {"t": "bar"}


def test_notes_and_manuals_in_an_archive_are_named_and_not_read(read: Read) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("readme.txt", "This is the export of the plant.\nAsk Bob for more of it.\n")
        archive.writestr("manual.pdf", b"%PDF-1.4 ...")
        archive.writestr("data.csv", steady())
    dataset = read(out.getvalue(), name="export.zip")
    assert dataset.table.height == 200
    assert [code for code, text in dataset.warnings if "readme.txt, manual.pdf" in text] == ["MEMBERS_UNREAD"]


def test_data_in_an_archive_that_cannot_be_read_is_refused(read: Read) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", steady())
        archive.writestr("b.csv", b"")
    with pytest.raises(SensorForgeError):
        read(out.getvalue(), name="export.zip")


def test_list_of_structs_in_parquet_is_read_as_in_json(read: Read, tmp_path: Path) -> None:
    points = [{"t": dt.datetime(2026, 3, 14, 10, 0, i), "v": i + 0.5} for i in range(20)]
    path = tmp_path / "points.parquet"
    pl.DataFrame({"tag": ["A", "B"], "points": [points, points[:10]]}).write_parquet(path)
    table = read(path).table
    assert table["A"].to_list() == [i + 0.5 for i in range(20)]
    assert table["B"].drop_nulls().to_list() == [i + 0.5 for i in range(10)]


def test_list_in_parquet_becomes_json_text(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "waves.parquet"
    pl.DataFrame({"x": [1.5, 2.5], "wave": [["a", None], ["b", "c"]]}).write_parquet(path)
    assert read(path).table["wave"].to_list() == ['["a", null]', '["b", "c"]']
