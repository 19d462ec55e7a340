"""Rows of our models as SDV takes them: a table and a metadata document of SDV's own format.

The format is that of SDV 2 (`METADATA_SPEC_VERSION` V2, `Metadata.load_from_json`). Nothing of SDV is needed to write
it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from clients.sdk.errors import SensorForgeClientError

TABLE = "rows"  # the table's name in the metadata
ExportFormat = Literal["csv", "parquet"]

_NUMBERS = ("int", "uint", "float", "double", "decimal", "halffloat")
_TIMES = ("timestamp", "date", "datetime")


def sdtype(arrow_type: str) -> str:
    """Returns SDV's type of a column for its Arrow type, such as `double` or `timestamp[us]`."""
    if arrow_type.lower().startswith(_NUMBERS):
        return "numerical"
    if arrow_type.lower().startswith(_TIMES):
        return "datetime"
    return "categorical"  # texts and flags: SDV 2 detects flags so too


def metadata_document(columns: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Returns SDV's metadata of one table, from names and Arrow types."""
    described = {name: {"sdtype": sdtype(kind)} for name, kind in columns}
    return {"METADATA_SPEC_VERSION": "V2", "tables": {TABLE: {"columns": described}}, "relationships": []}


def write_export(source: Path, directory: Path, form: ExportFormat) -> tuple[Path, Path]:
    """Writes `rows.csv` or `rows.parquet` and `metadata.json` from a Parquet file; returns both paths.

    Raises SensorForgeClientError: PYARROW_MISSING, TARGET_UNWRITABLE.
    """
    try:
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError:
        raise SensorForgeClientError(
            "PYARROW_MISSING",
            "The export needs pyarrow, which is not installed.",
            kind="USAGE",
            remedy="pip install 'sensorforge[service]'",
        ) from None
    table: Any = pyarrow.parquet.read_table(source)
    rows, metadata = directory / f"rows.{form}", directory / "metadata.json"
    document = metadata_document([(field.name, str(field.type)) for field in table.schema])
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".export-") as unfinished:
            made, told = Path(unfinished) / rows.name, Path(unfinished) / metadata.name
            if form == "csv":
                pyarrow.csv.write_csv(table, made)
            else:
                pyarrow.parquet.write_table(table, made, compression="zstd")
            told.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            os.replace(made, rows)
            os.replace(told, metadata)
    except OSError as failed:
        raise SensorForgeClientError(
            "TARGET_UNWRITABLE", f"{directory} cannot be written: {failed.strerror or failed}.", kind="USAGE"
        ) from None
    return rows, metadata
