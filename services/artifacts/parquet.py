"""The one way tables are written and described: Parquet, zstd, units as Arrow field metadata.

Row groups hold about 1 MiB a column, so that a reader of few columns reads little, and never more than 256 MiB in all,
so that a writer of very wide tables stays small. Text is stored as `string`. Units never live in names alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from services.artifacts.manifest import Column

_ROWS_PER_GROUP = 131_072  # 1 MiB of 8-byte values a column
_BYTES_PER_GROUP = 256 << 20
_ZSTD_LEVEL = 1  # with the encodings below as small as level 3 with dictionaries, in 0.6 of the time

Metadata = Mapping[str, Mapping[str, str]]


def write_table(
    path: str | PathLike[str] | BinaryIO,
    table: pl.DataFrame | pa.Table,
    *,
    units: Mapping[str, str] | None = None,
    column_metadata: Metadata | None = None,
) -> None:
    """Writes a table. `units` and `column_metadata` are by column; a name that is no column raises ValueError."""
    arrow = _to_arrow(table)
    with TableWriter(path, arrow.schema, units=units, column_metadata=column_metadata) as writer:
        writer.write(arrow)


def describe(path: str | PathLike[str] | BinaryIO) -> tuple[int, tuple[Column, ...]]:
    """Returns the number of rows and the columns with type, unit and further metadata. Reads the footer only."""
    with pq.ParquetFile(path) as file:
        return file.metadata.num_rows, tuple(_describe_field(field) for field in file.schema_arrow)


def read_units(path: str | PathLike[str] | BinaryIO) -> dict[str, str]:
    """Returns the unit of every column that has one."""
    _, columns = describe(path)
    return {column.name: column.unit for column in columns if column.unit}


class TableWriter:
    """Writes a table that comes in batches. Use it as a context manager; `rows` counts what was written."""

    def __init__(
        self,
        path: str | PathLike[str] | BinaryIO,
        schema: pa.Schema,
        *,
        units: Mapping[str, str] | None = None,
        column_metadata: Metadata | None = None,
    ) -> None:
        self.schema = annotate(schema, units or {}, column_metadata or {})
        self.rows = 0
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._group = rows_per_group(self.schema)
        self._file = pq.ParquetWriter(
            Path(path) if isinstance(path, str | PathLike) else path,
            self.schema,
            compression="zstd",
            compression_level=_ZSTD_LEVEL,
            write_page_index=True,
            # Measured values, times and counters hardly repeat: a dictionary of them costs time and space.
            use_dictionary=[f.name for f in self.schema if not (pa.types.is_floating(f.type) or _counts(f.type))],
            column_encoding={f.name: "DELTA_BINARY_PACKED" for f in self.schema if _counts(f.type)},
        )

    def write(self, batch: pl.DataFrame | pa.Table) -> None:
        """Adds rows. Raises ValueError when columns are missing or their types do not fit the schema."""
        table = _to_arrow(batch)
        missing = [name for name in self.schema.names if name not in table.schema.names]
        if missing:
            raise ValueError(f"batch lacks the columns {missing}; it has {table.schema.names}")
        try:
            table = table.select(self.schema.names).cast(self.schema)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ValueError(f"batch does not fit the schema: {error}") from error
        self._waiting.append(table)
        self._waiting_rows += table.num_rows
        self.rows += table.num_rows
        if self._waiting_rows >= self._group:
            self._flush(self._waiting_rows - self._waiting_rows % self._group)

    def close(self) -> None:
        """Writes what waits and the footer."""
        self._flush(self._waiting_rows)
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()

    def _flush(self, rows: int) -> None:
        if rows == 0:
            return
        waiting = pa.concat_tables(self._waiting)
        self._file.write_table(waiting.slice(0, rows), row_group_size=self._group)
        rest = waiting.slice(rows)
        self._waiting = [rest] if rest.num_rows else []
        self._waiting_rows = rest.num_rows


def annotate(schema: pa.Schema, units: Mapping[str, str], column_metadata: Metadata) -> pa.Schema:
    """Returns the schema with units and metadata at its fields. Raises ValueError for names that are no columns."""
    strangers = sorted((set(units) | set(column_metadata)) - set(schema.names))
    if strangers:
        raise ValueError(f"metadata for {strangers}, which are no columns of {schema.names}")
    fields = []
    for field in schema:
        known = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        known |= column_metadata.get(field.name, {})
        if units.get(field.name):
            known["unit"] = units[field.name]
        fields.append(pa.field(field.name, _portable(field.type), field.nullable, known or None))
    return pa.schema(fields, schema.metadata)


def rows_per_group(schema: pa.Schema) -> int:
    """Returns the rows of a row group: 131,072, or fewer for tables wider than 256 columns of 8 bytes."""
    return max(1_024, min(_ROWS_PER_GROUP, _BYTES_PER_GROUP // (8 * max(1, len(schema)))))


def _counts(kind: pa.DataType) -> bool:
    """Returns whether neighbouring values of a type are mostly near each other: times, row numbers, counters."""
    return bool(pa.types.is_timestamp(kind) or pa.types.is_int32(kind) or pa.types.is_int64(kind))


def _portable(kind: pa.DataType) -> pa.DataType:
    """Returns the type that every Parquet reader knows: `string` for the long and view forms of text."""
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    return kind


def _to_arrow(table: pl.DataFrame | pa.Table) -> pa.Table:
    return table.to_arrow() if isinstance(table, pl.DataFrame) else table


def _describe_field(field: Any) -> Column:
    metadata = {
        key.decode(): value.decode() for key, value in (field.metadata or {}).items() if not key.startswith(b"PARQUET:")
    }
    unit = metadata.pop("unit", "")
    return Column(field.name, str(field.type), unit, metadata)
