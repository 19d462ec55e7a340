"""Files inside other files, and Parquet, which brings its types and units along."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import polars as pl
import pytest

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
