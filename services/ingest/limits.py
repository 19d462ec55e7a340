"""Bounds on what one file may cost. Every reader enforces them while it reads, before memory is spent."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors

MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Sizes are bytes. The defaults follow the sizes that plants export and what readers survive."""

    csv_bytes: int = 500 * MEBIBYTE
    excel_bytes: int = 200 * MEBIBYTE
    parquet_bytes: int = 1024 * MEBIBYTE
    json_bytes: int = 500 * MEBIBYTE
    json_whole_bytes: int = 100 * MEBIBYTE
    """JSON that can only be understood as a whole: neither lines nor a list of records."""
    scada_bytes: int = 500 * MEBIBYTE
    rows: int = 10_000_000
    rejects: int = 1_000_000
    """Records that cannot be read; more of them mean that the file, not a record, is broken."""
    columns: int = 10_000
    cells: int = 200_000_000
    cell_bytes: int = 32 * 1024
    line_bytes: int = MEBIBYTE
    decompressed_bytes: int = 4096 * MEBIBYTE
    compression_ratio: int = 200
    json_depth: int = 64
    json_paths: int = 10_000
    sheets: int = 64
    sheet_cells: int = 50_000_000
    files: int = 200
    memory_bytes: int = 4096 * MEBIBYTE
    seconds: float = 900.0

    @classmethod
    def from_environment(cls) -> Limits:
        """Returns the limits with each field that SENSORFORGE_INGEST_{FIELD} overrides.

        Raises SensorForgeError SETTINGS_INVALID for what is no number above zero.
        """
        # Only services have settings; the parser child, whose start counts, does not pay for reading them.
        from services.chassis import settings as settings  # registers SETTINGS_INVALID

        changed = {}
        for item in fields(cls):
            variable = f"SENSORFORGE_INGEST_{item.name.upper()}"
            if text := os.environ.get(variable):
                try:
                    value = type(getattr(cls, item.name))(text)
                except ValueError:
                    value = 0
                if value <= 0:
                    raise SensorForgeError("SETTINGS_INVALID", f"{variable}={text!r} is no number above zero.")
                changed[item.name] = value
        return cls(**changed)

    def upload_bytes(self, file_name: str) -> int:
        """Returns the largest upload allowed for a name's extension; unknown extensions count as text."""
        name = file_name.lower()
        for wrapper in (".gz", ".zip"):
            name = name.removesuffix(wrapper)
        if name.endswith((".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")):
            return self.excel_bytes
        if name.endswith((".parquet", ".pq")):
            return self.parquet_bytes
        if name.endswith((".json", ".jsonl", ".ndjson")):
            return self.json_bytes
        return max(self.csv_bytes, self.scada_bytes)


def refuse_beyond(what: str, value: int, limit: int) -> None:
    """Raises INGEST_LIMIT when `value` exceeds `limit`; `what` reads like "columns"."""
    if value > limit:
        raise SensorForgeError("INGEST_LIMIT", f"The file has {value:,} {what}; the limit is {limit:,}.")
