"""Register logs with their register map: both are read, and the registers become values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import Reading, Source, read_file
from services.ingest.registers.devices import decode_devices
from services.ingest.registers.modbus import bare_hexadecimal
from services.ingest.registers.register_map import read_register_map
from services.ingest.tables import Progress


def decoded(
    readings: Sequence[Reading],
    sources: Sequence[Source],
    register_map: Source,
    options: ReadOptions,
    limits: Limits,
    directory: Path,
    progress: Progress,
) -> list[Reading]:
    """Returns the readings with values in place of registers. Raises REGISTER_MAP_INVALID."""
    folder = directory / "register-map"
    folder.mkdir()
    registers = read_register_map(read_file(register_map, ReadOptions(raw=True), limits, folder, progress)[0].table)
    result = []
    for number, reading in enumerate(readings):
        if len(readings) == len(sources) and (columns := bare_hexadecimal(reading)):
            # Cells such as 1E05 were read as numbers; only the text says which registers they are.
            inner = directory / f"registers-{number}"
            inner.mkdir()
            texts = read_file(sources[number], replace(options, raw=True), limits, inner, progress)[0].table
            reading = _with_texts(reading, texts, columns)
        result.append(decode_devices(reading, registers))
    return result


def _with_texts(reading: Reading, texts: pl.DataFrame, columns: Sequence[str]) -> Reading:
    """Returns the reading with columns as they stand in the file; as it is where the file was turned."""
    if not set(columns) <= set(texts.columns):
        return reading
    kept = reading.table.drop(columns).join(
        texts.select("source_row", *columns), on="source_row", how="left", maintain_order="left"
    )
    return replace(reading, table=kept.select(reading.table.columns))
