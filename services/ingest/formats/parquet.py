"""Parquet: metadata is judged before a page is read, batches are bounded, nested columns are flattened.

Structs become one column a field (parent.child); lists of structs are read as the JSON that says the same; other lists,
maps and binary become text. Corrupt files are refused.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from services.chassis.errors import SensorForgeError
from services.ingest.formats.json_file import read_document
from services.ingest.formats.registry import Container
from services.ingest.headings.column_names import unique_names, unit_in_name
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, LineCounts, Progress, SourceTable, numbered

BATCH_ROWS = 65_536
BATCH_BYTES = 64 << 20
_PROBE_ROWS = 16


def read_parquet(path: Path, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the table of a Parquet file. Raises FILE_CORRUPT, FILE_ENCRYPTED, INGEST_LIMIT, NO_ROWS."""
    refuse_beyond("bytes", path.stat().st_size, limits.parquet_bytes)
    batches: list[pa.RecordBatch] = []
    try:
        with pq.ParquetFile(path, memory_map=False, page_checksum_verification=True) as source:
            metadata = source.metadata
            refuse_beyond("rows", metadata.num_rows, limits.rows)
            refuse_beyond("columns", metadata.num_columns, limits.columns)
            refuse_beyond("cells", metadata.num_rows * metadata.num_columns, limits.cells)
            unpacked = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
            refuse_beyond("bytes unpacked", unpacked, limits.memory_bytes // 2)
            schema = source.schema_arrow
            held = 0
            for batch in source.iter_batches(batch_size=_rows_at_once(source)):
                held += batch.nbytes
                refuse_beyond("bytes unpacked", held, limits.decompressed_bytes)
                batches.append(batch)
                progress("reading", sum(b.num_rows for b in batches), metadata.num_rows)
            table = pa.Table.from_batches(batches, schema=schema)
            table.validate(full=True)
    except MemoryError as error:
        raise SensorForgeError(
            "INGEST_LIMIT", f"{file_name} unpacks to more than the memory of one reader ({error})."
        ) from error
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        text = str(error).split("\n")[0][:200]
        if "encrypt" in text.lower():
            raise SensorForgeError("FILE_ENCRYPTED", f"{file_name} is encrypted Parquet ({text}).") from error
        raise SensorForgeError("FILE_CORRUPT", f"{file_name} cannot be read as Parquet: {text}.") from error
    if table.num_rows != metadata.num_rows:
        raise SensorForgeError(
            "FILE_CORRUPT", f"{file_name} announces {metadata.num_rows} rows and holds {table.num_rows}."
        )
    if table.num_rows == 0:
        raise SensorForgeError("NO_ROWS", f"{file_name} is a Parquet file without rows.")
    format_fact = Fact("format", "parquet", f"magic number; {metadata.num_row_groups} row groups")
    if any(_holds_structs(f.type) for f in table.schema):
        refuse_beyond("bytes of lists of structs", table.nbytes, limits.json_whole_bytes)
        nested = read_document(_plain(_as_polars(table).to_dicts()), file_name, limits)
        nested.facts.insert(0, format_fact)
        return nested
    flat, units = _flattened(table)
    refuse_beyond("columns", len(flat), limits.columns)
    names = unique_names([name for name, _ in flat])
    frame = pl.DataFrame([_column(name, values) for name, (_, values) in zip(names, flat, strict=True)])
    frame = frame.drop([n for n in ("__index_level_0__",) if n in frame.columns])
    found = {n: unit_in_name(n) for n in frame.columns} | {
        names[i]: unit for i, (original, _) in enumerate(flat) if (unit := units.get(original))
    }
    return SourceTable(
        frame=frame,
        counts=LineCounts(total=frame.height, rows=frame.height),
        row_numbers=numbered(frame.height),
        line_numbers=numbered(frame.height),
        units={n: u for n, u in found.items() if u},
        facts=[format_fact],
    )


def _rows_at_once(source: pq.ParquetFile) -> int:
    """Returns how many rows to read at a time: a few kilobytes of dictionary can stand for gigabytes of texts."""
    first = next(iter(source.iter_batches(batch_size=_PROBE_ROWS)), None)
    if first is None or not first.num_rows:
        return BATCH_ROWS
    return int(min(BATCH_ROWS, max(_PROBE_ROWS, BATCH_BYTES * first.num_rows // max(1, first.nbytes))))


def _flattened(table: pa.Table) -> tuple[list[tuple[str, pa.ChunkedArray]], dict[str, str]]:
    """Returns leaf columns as (readable name, values) and the units of Arrow field metadata."""
    units = {
        f.name: f.metadata[b"unit"].decode("utf-8", "replace")
        for f in table.schema
        if f.metadata and b"unit" in f.metadata
    }
    for _ in range(16):
        if not any(pa.types.is_struct(f.type) for f in table.schema):
            break
        table = table.flatten()
    return [(f.name, table.column(i)) for i, f in enumerate(table.schema)], units


def _column(name: str, values: pa.ChunkedArray) -> pl.Series:
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if pa.types.is_float16(kind):
        values = values.cast(pa.float32())
    elif pa.types.is_nested(kind):
        return pl.Series(name, [None if v is None else _text(v) for v in values.to_pylist()], dtype=pl.String)
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        try:
            values = values.cast(pa.binary()).cast(pa.string())
        except pa.ArrowException:
            return pl.Series(name, [None if v is None else v.hex() for v in values.to_pylist()], dtype=pl.String)
    elif pa.types.is_time(kind) or pa.types.is_duration(kind):
        values = pc.cast(values, pa.string()) if pa.types.is_time(kind) else values.cast(pa.int64())
    series = pl.from_arrow(values)
    assert isinstance(series, pl.Series)
    return series.alias(name)


def _text(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False)[:1000]


def _holds_structs(kind: pa.DataType) -> bool:
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(listed and pa.types.is_struct(kind.value_type))


def _as_polars(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _plain(value: Any) -> Any:
    """Returns a value as JSON has it: times as ISO texts, durations in seconds."""
    match value:
        case dict():
            return {str(k): _plain(v) for k, v in value.items()}
        case list() | tuple():
            return [_plain(v) for v in value]
        case float() if not math.isfinite(value):
            return None
        case None | bool() | int() | float() | str():
            return value
        case dt.timedelta():
            return value.total_seconds()
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case bytes():
            return value.decode("utf-8", "backslashreplace")
    return str(value)


CONTAINER = Container("parquet", read_parquet)
