"""Tables keep their values, types, units and metadata; row groups fit the width; batches make the same table."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.artifacts.manifest import Column
from services.artifacts.parquet import TableWriter, describe, read_units, rows_per_group, write_table

TABLE = pl.DataFrame(
    {
        "timestamp": [datetime(2026, 1, 1, tzinfo=UTC), None, datetime(2026, 1, 2, tzinfo=UTC)],
        "speed": [1.5, None, float("nan")],
        "state": ["on", "", None],
        "segment": pl.Series([0, 0, 1], dtype=pl.Int32),
        "ok": [True, False, None],
        "source_row": [1, 2, 3],
    }
)


def test_a_table_reads_back_with_types_units_and_metadata(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    write_table(path, TABLE, units={"speed": "m/s", "state": ""}, column_metadata={"speed": {"seed_derived": "true"}})
    assert pl.read_parquet(path).equals(TABLE)
    rows, columns = describe(path)
    assert rows == 3
    assert columns == (
        Column("timestamp", "timestamp[us, tz=UTC]"),
        Column("speed", "double", "m/s", {"seed_derived": "true"}),
        Column("state", "string"),
        Column("segment", "int32"),
        Column("ok", "bool"),
        Column("source_row", "int64"),
    )
    assert read_units(path) == {"speed": "m/s"}


def test_other_readers_see_zstd_plain_text_and_the_units(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    write_table(path, TABLE, units={"speed": "°C"})
    group = pq.ParquetFile(path).metadata.row_group(0)
    assert {group.column(number).compression for number in range(group.num_columns)} == {"ZSTD"}
    schema = pq.read_schema(path)
    assert schema.field("state").type == pa.string()
    assert schema.field("speed").metadata[b"unit"] == "°C".encode()


def test_units_stay_when_an_arrow_table_that_has_them_is_written_again(tmp_path: Path) -> None:
    write_table(tmp_path / "one", TABLE, units={"speed": "m/s"}, column_metadata={"speed": {"k": "v"}})
    write_table(tmp_path / "two", pq.read_table(tmp_path / "one"), units={"segment": "1"})
    assert read_units(tmp_path / "two") == {"speed": "m/s", "segment": "1"}
    assert describe(tmp_path / "two")[1][1].metadata == {"k": "v"}


def test_a_unit_for_no_column_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sped"):
        write_table(tmp_path / "x", TABLE, units={"sped": "m/s"})
    with pytest.raises(ValueError, match="sped"):
        write_table(tmp_path / "x", TABLE, column_metadata={"sped": {}})


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    write_table(tmp_path / "empty", TABLE.clear(), units={"speed": "m/s"})
    assert describe(tmp_path / "empty")[0] == 0
    assert pl.read_parquet(tmp_path / "empty").schema == TABLE.schema
    assert read_units(tmp_path / "empty") == {"speed": "m/s"}


def test_the_same_table_is_the_same_bytes() -> None:
    made = []
    for _ in range(2):
        sink = io.BytesIO()
        write_table(sink, TABLE, units={"speed": "m/s"})
        made.append(sink.getvalue())
    assert made[0] == made[1]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3_000), max_size=8), st.integers(1_024, 2_000))
def test_batches_of_any_size_make_the_table_of_all_rows_in_whole_groups(sizes: list[int], group: int) -> None:
    schema = pa.schema([("n", pa.int64()), ("text", pa.large_string())])
    sink = io.BytesIO()
    with TableWriter(sink, schema, units={"n": "1"}) as writer:
        writer._group = group
        start = 0
        for size in sizes:
            numbers = list(range(start, start + size))
            writer.write(
                pl.DataFrame({"text": [str(n) for n in numbers], "n": numbers}, schema_overrides={"n": pl.Int32})
            )
            start += size
        assert writer.rows == start
    sink.seek(0)
    file = pq.ParquetFile(sink)
    assert file.read().column("n").to_pylist() == list(range(start))
    groups = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
    assert groups == [group] * (start // group) + ([start % group] if start % group else [])


def test_wide_tables_have_shorter_groups() -> None:
    assert rows_per_group(pa.schema([("a", pa.float64())])) == 131_072
    wide = pa.schema([(f"c{number}", pa.float64()) for number in range(2_000)])
    assert rows_per_group(wide) * 8 * 2_000 <= 256 << 20
    assert rows_per_group(pa.schema([])) == 131_072


def test_a_batch_that_does_not_fit_names_what_is_wrong(tmp_path: Path) -> None:
    schema = pa.schema([("a", pa.float64()), ("b", pa.string())])
    with TableWriter(tmp_path / "x", schema) as writer:
        with pytest.raises(ValueError, match=r"lacks the columns \['b'\]"):
            writer.write(pl.DataFrame({"a": [1.0]}))
        with pytest.raises(ValueError, match="does not fit"):
            writer.write(pl.DataFrame({"a": ["no number"], "b": ["x"]}))
        writer.write(pl.DataFrame({"b": ["x"], "a": [1], "extra": [0]}))
    assert pl.read_parquet(tmp_path / "x").equals(pl.DataFrame({"a": [1.0], "b": ["x"]}))


def test_categories_are_stored_as_text(tmp_path: Path) -> None:
    write_table(tmp_path / "x", pl.DataFrame({"state": pl.Series(["on", "off", "on"], dtype=pl.Categorical)}))
    assert pl.read_parquet(tmp_path / "x")["state"].to_list() == ["on", "off", "on"]
