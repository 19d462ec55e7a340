"""Influx annotated CSV: tables under #datatype annotations, one after another, turned into one row a time.

Each table has its own header; `_time` and `_value` are the sample, `_field` with `_measurement` and the tag columns
that differ name the series. Pivoted answers (fields as columns) stay wide. Empty cells take the table's #default.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.registry import MustBeWhole, TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.layouts.clock import trimmed, utc_times
from services.ingest.layouts.pivot import pivot
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import LineCounts, Progress, Reject, SourceTable, numbered, silent

_ANNOTATIONS = ("#datatype", "#group", "#default", "#constant")
# What `influx write` takes has no column for its annotations: their words stand before the first column's.
_EXTENDED = re.compile(r"^\"?#(?:datatype|constant|timezone|concat) +\S")
_OWN = ("", "result", "table", "_start", "_stop", "_time", "_value", "_field", "_measurement")
_BLOCK_ROWS = 100_000
_HEAD_BYTES = 1 << 16
_APART, _IS = "\x1f", "\x1e"
"""Between the labels of a series, and between a label's name and its value."""
_OURS = re.compile(f"[{_APART}{_IS}]")


def recognise(head: str) -> str:
    """Returns why a text is annotated CSV, or ""."""
    first = head.lstrip("\ufeff\r\n ").split("\n", 1)[0]
    if _EXTENDED.match(first):
        return ""
    if first.lstrip('"').startswith(_ANNOTATIONS):
        return f"annotation {first.split(_delimiter(first))[0]} opens the file"
    cells = first.strip().split(_delimiter(first))
    return "columns _time, _value and _field" if {"_time", "_value", "_field"} <= set(cells) else ""


def _delimiter(line: str) -> str:
    """Returns what stands between the cells of a line: spreadsheets save a comma as something else."""
    return max(",;\t", key=line.count)


@dataclass
class _Table:
    """Tables of the answer that are laid out alike: column names, what empty cells mean, rows with their lines."""

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


@dataclass
class _Answer:
    """All tables of a text, read from its beginning to its end, with an account of its lines."""

    text: Text
    limits: Limits
    progress: Progress = silent
    total: int = 0
    preamble: int = 0
    header: int = 0
    blank: int = 0
    rows: int = 0
    """Those that are no rejects."""
    rejects: list[Reject] = field(default_factory=list)

    def tables(self, block_rows: float = float("inf")) -> Iterator[list[_Table]]:
        """Yields the tables; after about `block_rows` rows those that are there, the next rows then in new ones."""
        # Answers have a table a series; those laid out alike are read as one.
        alike: dict[tuple[tuple[str, ...], tuple[str, ...]], _Table] = {}
        key: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        expect_header, held = True, 0
        defaults: tuple[str, ...] = ()
        for line, cells in self._records():
            if not any(c.strip() for c in cells):
                self.blank += 1
                expect_header = True
            elif cells[0].startswith("#"):
                self.preamble += 1
                if not expect_header or cells[0] == "#default":
                    defaults = tuple(c.strip() for c in ("", *cells[1:])) if cells[0] == "#default" else ()
                expect_header = True
            elif expect_header:
                key = (tuple(c.strip() for c in cells), defaults)
                expect_header, defaults = False, ()
                self.header += 1
                refuse_beyond("columns", len(cells), self.limits.columns)
            elif len(cells) != len(key[0]) or "_time" not in key[0] or len(set(key[0])) < len(cells):
                number = self.rows + len(self.rejects) + 1
                self.rejects.append(Reject(number, line, "FIELD_COUNT_DIFFERS", ",".join(cells)[:500]))
            else:
                table = alike.setdefault(key, _Table(*key))
                table.rows.append(cells)
                table.lines.append(line)
                self.rows, held = self.rows + 1, held + 1
                refuse_beyond("rows", self.rows + len(self.rejects), self.limits.rows)
                if held >= block_rows:
                    yield list(alike.values())
                    alike, held = {}, 0
        yield list(alike.values())

    @cached_property
    def delimiter(self) -> str:
        """What stands between cells; with anything but a comma, a comma may be the decimal mark."""
        return _delimiter(self.text.head(_HEAD_BYTES).lstrip("\ufeff\r\n ").split("\n", 1)[0])

    @property
    def decimal(self) -> str:
        return "." if self.delimiter == "," else ""

    def counts(self) -> LineCounts:
        """Returns what became of all lines."""
        rows, rejected = self.rows, len(self.rejects)
        known = self.preamble + self.header + self.blank + rows + rejected
        return LineCounts(
            self.total,
            rows,
            preamble=self.preamble,
            header=self.header,
            blank=self.blank,
            rejected=rejected,
            continuation=self.total - known,
        )

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Yields the last line and the cells of every record. Raises FILE_CORRUPT."""
        reader = csv.reader(self._lines(), delimiter=self.delimiter)
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise SensorForgeError("FILE_CORRUPT", f"line {reader.line_num} cannot be read: {error}.") from error
            if cells is None:
                return
            self.total = reader.line_num
            yield reader.line_num, cells

    def _lines(self) -> Iterator[str]:
        read = 0
        for passage in self.text.passages(self.limits.line_bytes):
            self.progress("reading", read, self.text.size)
            read += len(passage)
            yield from io.StringIO(passage, newline="")


def read_influx(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns all tables as one wide table with `timestamp` in UTC. Raises NO_ROWS, INGEST_LIMIT."""
    refuse_beyond("bytes", text.size, limits.scada_bytes)
    answer = _Answer(text, limits)
    (tables,) = answer.tables()
    if not answer.rows:
        raise SensorForgeError("NO_ROWS", f"{file_name} has Influx annotations and no sample.")
    frames = [(t, t.frame()) for t in tables]
    labels = _distinguishing([f for _, f in frames])
    samples = pl.concat([_samples(t, f, labels) for t, f in frames])
    stamps, fact = utc_times(samples["time"].alias("_time"), options, file_name)
    good = pl.lit(True).alias("good")
    wide, account, bad, first_lines = pivot(samples.with_columns(stamps.alias("time"), good), limits)
    if wide.height == 0:
        raise SensorForgeError("NO_ROWS", f"{file_name} has no sample with a time that can be read.")
    return SourceTable(
        frame=wide,
        counts=answer.counts(),
        row_numbers=numbered(wide.height),
        line_numbers=first_lines,
        facts=[*text.facts, fact],
        rejects=answer.rejects,
        decimal=answer.decimal,
        samples=account,
        bad_cells=bad,
    )


@dataclass
class _Blocks:
    """The samples of a large answer whose series have a table each; pivoted answers are read whole."""

    answer: _Answer
    file_name: str

    def blocks(self) -> Iterator[pl.DataFrame]:
        refuse_beyond("bytes", self.answer.text.size, self.answer.limits.scada_bytes)
        for tables in self.answer.tables(_BLOCK_ROWS):
            for table in tables:
                if "_value" not in table.header:
                    raise MustBeWhole
                frame = table.frame()
                labels = [n for n in table.header if n in ("_measurement", "_field") or n not in _OWN]
                if any(_OURS.search(n) for n in labels) or any(
                    frame[n].str.contains(_OURS.pattern).any() for n in labels
                ):
                    raise MustBeWhole
                pairs = [pl.concat_str(pl.lit(f"{n}{_IS}"), pl.col(n).fill_null(_IS)) for n in labels]
                yield frame.select(
                    pl.col("_time").alias("time"),
                    (pl.concat_str(pairs, separator=_APART) if pairs else pl.lit("")).alias("tag"),
                    pl.col("_value").alias("value"),
                    pl.Series("line", table.lines, dtype=pl.Int64),
                )
        if not self.answer.rows:
            raise SensorForgeError("NO_ROWS", f"{self.file_name} has Influx annotations and no sample.")

    def names(self, tags: Sequence[str]) -> list[str]:
        """Returns the labels that differ between the series, then the field."""
        series = [dict(pair.split(_IS, 1) for pair in tag.split(_APART) if pair) for tag in tags]
        labels = [n for n in dict.fromkeys(n for one in series for n in one) if n != "_field"]
        telling = [n for n in labels if len({one.get(n, _IS) for one in series}) > 1]
        parts = [[one.get(n, _IS) for n in (*telling, "_field")] for one in series]
        return [".".join(p for p in part if p != _IS) or "value" for part in parts]

    def described(self) -> SourceTable:
        empty = pl.Series([], dtype=pl.Int64)
        frame = pl.DataFrame(schema={"_time": pl.String})
        facts = [*self.answer.text.facts]
        return SourceTable(
            frame,
            self.answer.counts(),
            empty,
            empty,
            facts=facts,
            rejects=self.answer.rejects,
            decimal=self.answer.decimal,
        )


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


FORMAT = TextFormat(
    "influx",
    recognise,
    read_influx,
    lambda text, name, limits, progress: _Blocks(_Answer(text, limits, progress), name),
)
