"""`sensorforge convert`: detection and parsing alone, from any readable format to CSV or Parquet."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from clients.cli import options, output, scratch
from clients.cli.running import carry_out
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.plan import Plan as _Plan
from clients.sdk.plan import ReadChoices, merged
from clients.sdk.workflow.data_steps import parse_options

_BOOKKEEPING = ("source_row",)
_FORMULA = r"^[=+\-@\t\r\n]"
# What a spreadsheet reads as a number whatever its locale, and signs that compute nothing, like - for a missing value.
_NUMBER = r"^(?:[+-]?(?:[0-9][0-9.,' _]*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?\s*%?|[+-]?(?i:inf|infinity|nan)|[=+@-]+)$"


def convert(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of one data set.")],
    to: Annotated[Literal["csv", "parquet"], typer.Option("--to", help="csv or parquet.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write.")],
    raw: Annotated[bool, typer.Option("--raw", help="Keep every cell as text; convert nothing.")] = False,
    json: options.Json = False,
    endpoint: options.Endpoint = "",
    format: options.Format = "",
    delimiter: options.Delimiter = "",
    quote: options.Quote = "",
    encoding: options.Encoding = "",
    header_row: options.HeaderRow = None,
    decimal: options.Decimal = "",
    thousands: options.Thousands = "",
    sheet: options.Sheet = "",
    timestamp_column: options.TimestampColumn = "",
    timestamp_format: options.TimestampFormat = "",
    day_first: options.DayFirst = None,
    time_zone: options.TimeZone = "",
    units_row: options.UnitsRow = None,
    column_names: options.ColumnNames = "",
    tag_column: options.TagColumn = "",
    value_column: options.ValueColumn = "",
    quality_column: options.QualityColumn = "",
    register_map: options.RegisterMap = None,
    join_tolerance: options.JoinTolerance = 0.0,
) -> None:
    """Convert files to CSV or Parquet: detection and parsing alone."""

    async def work() -> None:
        choices: ReadChoices = merged(
            _Plan(),
            {
                "read": {
                    "format": format,
                    "delimiter": delimiter,
                    "quote": quote,
                    "encoding": encoding,
                    "header_row": header_row,
                    "decimal": options.decimal_mark(decimal, thousands),
                    "sheet": sheet,
                    "timestamp_column": timestamp_column,
                    "timestamp_format": timestamp_format,
                    "day_first": day_first,
                    "time_zone": time_zone,
                    "units_row": units_row,
                    "column_names": options.names(column_names),
                    "tag_column": tag_column,
                    "value_column": value_column,
                    "quality_column": quality_column,
                    "join_tolerance_seconds": join_tolerance,
                }
            },
        ).read
        wanted = parse_options(choices)
        wanted.raw = raw
        async with scratch.parsed(files, wanted, endpoint, register_map) as table:
            with tempfile.TemporaryDirectory(prefix="sensorforge-convert-") as directory:
                local = Path(directory) / "table.parquet"
                await table.forge.download(table.table, "table.parquet", local)
                columns = await asyncio.to_thread(_rewrite, local, out, to)
            detection = await table.forge.read_json(table.table, "detection.json")
        values = {
            "out": str(out),
            "format": to,
            "rows": table.rows,
            "rejected_rows": table.rejected,
            "columns": columns,
            "units": table.units,
            "time_columns": detection["time_columns"],
            "detected": detection["facts"],
            "warnings": [{"code": code, "message": message} for code, message in detection["warnings"]],
        }
        if json:
            output.document(values)
        else:
            output.say(f"{table.rows:,} rows and {len(columns)} columns are in {out}; {table.rejected:,} rows rejected")
            if to == "csv" and table.units:
                output.say("A CSV has no place for the units of its columns: `--json` tells them, Parquet keeps them.")

    carry_out(work(), json=json)


def _rewrite(source: Path, target: Path, to: str) -> list[str]:
    try:
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError:
        raise SensorForgeClientError(
            "PYARROW_MISSING",
            "convert needs pyarrow, which is not installed.",
            kind="USAGE",
            remedy="pip install 'sensorforge[service]'",
        ) from None
    table: Any = pyarrow.parquet.read_table(source)
    table = table.drop_columns([name for name in _BOOKKEEPING if name in table.column_names])
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
        os.close(handle)
        try:
            if to == "csv":
                pyarrow.csv.write_csv(without_formulas(table), partial)
            else:
                pyarrow.parquet.write_table(table, partial, compression="zstd")
            os.chmod(partial, 0o644)
            os.replace(partial, target)
        finally:
            Path(partial).unlink(missing_ok=True)
    except OSError as failed:
        raise SensorForgeClientError(
            "TARGET_UNWRITABLE", f"{target} cannot be written: {failed.strerror or failed}.", kind="USAGE"
        ) from None
    names: list[str] = table.column_names
    return names


def without_formulas(table: Any) -> Any:
    """Returns an Arrow table whose texts, names of columns included, a spreadsheet shows instead of computing: `'` goes
    before what begins with = + - @, a tab or a line break. Numbers and mere signs stay as they are.

    Source: OWASP, CSV Injection.
    """
    import pyarrow
    import pyarrow.compute

    def safe(column: Any) -> Any:
        if pyarrow.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if not (pyarrow.types.is_string(column.type) or pyarrow.types.is_large_string(column.type)):
            return column
        begins = pyarrow.compute.match_substring_regex(column, _FORMULA)
        harmless = pyarrow.compute.match_substring_regex(column, _NUMBER)
        marked = pyarrow.compute.binary_join_element_wise(
            pyarrow.scalar("'", column.type), column, pyarrow.scalar("", column.type)
        )
        return pyarrow.compute.if_else(pyarrow.compute.and_not(begins, harmless), marked, column)

    names = safe(pyarrow.array(table.column_names, pyarrow.string())).to_pylist()
    return pyarrow.table([safe(column) for column in table.columns], names=names)
