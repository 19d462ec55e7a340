"""Influx annotated CSV: tables under #datatype annotations, one after another, turned into one row a time.

Each table has its own header; `_time` and `_value` are the sample, `_field` with `_measurement` and the tag columns
that differ name the series. Pivoted answers (fields as columns) stay wide. Empty cells take the table's #default.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.clock import trimmed, utc_times
from services.ingest.formats.pivot import pivot
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import LineCounts, Progress, Reject, SourceTable, numbered

_ANNOTATIONS = ("#datatype", "#group", "#default", "#constant")
_OWN = ("", "result", "table", "_start", "_stop", "_time", "_value", "_field", "_measurement")


def recognise(head: str) -> str:
    """Returns why a text is annotated CSV, or ""."""
    first = head.lstrip("\ufeff\r\n ").split("\n", 1)[0]
    if first.lstrip('"').startswith(_ANNOTATIONS):
        return f"annotation {first.split(',')[0]} opens the file"
    cells = first.strip().split(",")
    return "columns _time, _value and _field" if {"_time", "_value", "_field"} <= set(cells) else ""


@dataclass
class _Table:
    """One table of the answer: its column names, what empty cells mean, its rows with their lines."""

    header: tuple[str, ...]
    defaults: tuple[str, ...]
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def frame(self) -> pl.DataFrame:
        """Returns the rows as text; empty cells have the default, or are null."""
        columns = []
        for at, name in enumerate(self.header):
            default = self.defaults[at] if at < len(self.defaults) else ""
            column = trimmed(pl.Series(name, [r[at] for r in self.rows], dtype=pl.String))
            columns.append(column.fill_null(default) if default else column)
        return pl.DataFrame(columns)


def read_influx(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns all tables as one wide table with `timestamp` in UTC. Raises NO_ROWS, INGEST_LIMIT."""
    refuse_beyond("bytes", len(text.data), limits.scada_bytes)
    tables, rejects, counts = _tables(text, limits)
    rows = sum(len(t.rows) for t in tables)
    if not rows:
        raise SensorForgeError("NO_ROWS", f"{file_name} has Influx annotations and no sample.")
    frames = [(t, t.frame()) for t in tables if t.rows]
    labels = _distinguishing([f for _, f in frames])
    samples = pl.concat([_samples(t, f, labels) for t, f in frames])
    stamps, fact = utc_times(samples["time"].alias("_time"), options, file_name)
    good = pl.lit(True).alias("good")
    wide, account, bad, first_lines = pivot(samples.with_columns(stamps.alias("time"), good), limits)
    if wide.height == 0:
        raise SensorForgeError("NO_ROWS", f"{file_name} has no sample with a time that can be read.")
    return SourceTable(
        frame=wide,
        counts=LineCounts(
            counts["total"],
            rows,
            preamble=counts["preamble"],
            header=counts["header"],
            blank=counts["blank"],
            rejected=len(rejects),
            continuation=counts["total"]
            - sum(counts[k] for k in ("preamble", "header", "blank"))
            - rows
            - len(rejects),
        ),
        row_numbers=numbered(wide.height),
        line_numbers=first_lines,
        facts=[*text.facts, fact],
        rejects=rejects,
        decimal=".",
        samples=account,
        bad_cells=bad,
    )


def _tables(text: Text, limits: Limits) -> tuple[list[_Table], list[Reject], dict[str, int]]:
    counts = {"total": 0, "preamble": 0, "header": 0, "blank": 0}
    # Answers have a table a series; those laid out alike are read as one.
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], _Table] = {}
    table = _Table((), ())
    rejects: list[Reject] = []
    defaults: tuple[str, ...] = ()
    expect_header, row = True, 0
    reader = csv.reader(io.StringIO(text.data.decode("utf-8"), newline=""))
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            raise SensorForgeError("FILE_CORRUPT", f"line {reader.line_num} cannot be read: {error}.") from error
        counts["total"] = reader.line_num
        if not any(c.strip() for c in cells):
            counts["blank"] += 1
            expect_header = True
        elif cells[0].startswith("#"):
            counts["preamble"] += 1
            if not expect_header or cells[0] == "#default":
                defaults = tuple(c.strip() for c in ("", *cells[1:])) if cells[0] == "#default" else ()
            expect_header = True
        elif expect_header:
            header = tuple(c.strip() for c in cells)
            table = alike.setdefault((header, defaults), _Table(header, defaults))
            expect_header, defaults = False, ()
            counts["header"] += 1
            refuse_beyond("columns", len(cells), limits.columns)
        else:
            row += 1
            refuse_beyond("rows", row, limits.rows)
            if len(cells) != len(table.header) or "_time" not in table.header or len(set(table.header)) < len(cells):
                rejects.append(Reject(row, reader.line_num, "FIELD_COUNT_DIFFERS", ",".join(cells)[:500]))
                continue
            table.rows.append(cells)
            table.lines.append(reader.line_num)
    return list(alike.values()), rejects, counts


def _samples(table: _Table, frame: pl.DataFrame, labels: list[str]) -> pl.DataFrame:
    """Returns time, tag, value and line of a table's samples."""
    prefix = [pl.col(n) for n in labels if n in frame.columns]
    frame = frame.with_columns(pl.Series("\0line", table.lines, dtype=pl.Int64))
    if "_value" in frame.columns:
        names = [*prefix, *([pl.col("_field")] if "_field" in frame.columns else [])]
        values = [(pl.col("_value"), names)]
    else:
        fields = [n for n in table.header if n not in _OWN and n not in labels]
        values = [(pl.col(n), [*prefix, pl.lit(n)]) for n in fields]
    parts = [
        frame.select(
            pl.col("_time").alias("time"),
            (pl.concat_str(names, separator=".", ignore_nulls=True) if names else pl.lit("value")).alias("tag"),
            value.alias("value"),
            pl.col("\0line").alias("line"),
        )
        for value, names in values
    ]
    empty = {"time": pl.String, "tag": pl.String, "value": pl.String, "line": pl.Int64}
    joined = pl.concat(parts) if parts else pl.DataFrame(schema=empty)
    return joined.with_columns(pl.when(pl.col("tag") == "").then(pl.lit("value")).otherwise("tag").alias("tag"))


def _distinguishing(frames: list[pl.DataFrame]) -> list[str]:
    """Returns the tag columns whose values differ between samples: they name the series."""
    names = list(dict.fromkeys(n for f in frames for n in f.columns))
    long = "_value" in names
    found = []
    for name in names:
        if name in _OWN and name != "_measurement":
            continue
        parts = [f[name] if name in f.columns else pl.Series(name, [None], dtype=pl.String) for f in frames]
        distinct = pl.concat(parts).unique()
        texts = distinct.drop_nulls().cast(pl.Float64, strict=False).null_count() > 0
        if len(distinct) > 1 and (long or texts):
            found.append(name)
    return found


FORMAT = TextFormat("influx", recognise, read_influx)
