"""Several files as one dataset: the same columns in time order, or one file a tag joined by time.

Rows of files with the same columns are appended in the order of their first time. Files with different columns that
share a time axis are joined on it: exactly, or as-of within a tolerance; a gap stays a gap. Nothing is interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.layouts.headings import names_role
from services.ingest.ledger import Ledger
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.overlaps import without_repeated_rows
from services.ingest.reading import Reading, Source
from services.ingest.registers.logs import decoded
from services.ingest.sources import read_all
from services.ingest.tables import Fact, Progress, silent
from services.ingest.tag_names import named


@dataclass
class Dataset:
    """The table of all files. `table` has a unique increasing `source_row`; `ledger` is ledger.json."""

    table: pl.DataFrame
    units: dict[str, str]
    rejects: pl.DataFrame
    ledger: dict[str, Any]
    facts: list[Fact]
    warnings: list[tuple[str, str]] = field(default_factory=list)
    time_columns: list[str] = field(default_factory=list)
    head: list[list[str]] = field(default_factory=list)


def read_dataset(
    sources: Sequence[Source],
    options: ReadOptions,
    limits: Limits,
    directory: Path,
    progress: Progress = silent,
    register_map: Source | None = None,
    *,
    undecided_ok: bool = False,
) -> Dataset:
    """Returns all files as one dataset. Raises the INPUT errors of errors.py; TABLES_DIFFER when nothing joins them."""
    refuse_beyond("files", len(sources), limits.files)
    options = replace(options, undecided_ok=undecided_ok)
    readings = read_all(sources, options, limits, directory, progress)
    readings = named(readings) if len(readings) > 1 else readings
    if register_map is not None:
        readings = decoded(readings, sources, register_map, options, limits, directory, progress)
    if len(readings) == 1:
        only = readings[0]
        return Dataset(
            only.table,
            only.units,
            only.rejects,
            _ledger([*only.ledgers]),
            only.facts,
            only.warnings,
            only.time_columns,
            only.head,
        )
    progress("combining", 0, len(readings))
    timed = [replace(r, table=r.table.drop(r.clock_columns), clock_columns=[]) for r in readings]
    dataset = _appended(readings) if _follow_each_other(timed) else _joined(timed, options)
    refuse_beyond("rows", dataset.table.height, limits.rows)
    return dataset


def _ledger(ledgers: Sequence[Ledger]) -> dict[str, Any]:
    files = [ledger.to_json() for ledger in ledgers]
    lines = {k: sum(f["lines"][k] for f in files) for k in files[0]["lines"]}
    cells = {k: sum(f["cells"][k] for f in files) for k in files[0]["cells"]}
    return {
        "schema_version": 1,
        "files": files,
        "lines": lines,
        "cells": cells,
        "rows": sum(f["rows"] for f in files),
        "balanced": all(f["balanced"] for f in files),
    }


def _follow_each_other(readings: Sequence[Reading]) -> bool:
    """Returns whether the files are parts of one table: the same columns, or most of them in periods of their own."""
    columns = [set(r.table.columns) for r in readings]
    common, every = set.intersection(*columns), set.union(*columns)
    if common == every:
        return not (_one_tag_each(readings) and _overlap(readings))
    timed = all(r.time_columns and r.time_columns[0] in common for r in readings)
    return timed and len(common) >= max(3, 0.5 * len(every)) and not _overlap(readings)


def _overlap(readings: Sequence[Reading]) -> bool:
    """Returns whether two files hold the same period."""
    spans = sorted(
        (low, high)
        for r in readings
        if (low := r.table[r.time_columns[0]].dt.epoch("us").min()) is not None
        and (high := r.table[r.time_columns[0]].dt.epoch("us").max()) is not None
    )
    return any(later[0] < earlier[1] for earlier, later in pairwise(spans))  # type: ignore[operator]


def _one_tag_each(readings: Sequence[Reading]) -> bool:
    """Returns whether every file has a time column and one value column whose file name tells which tag it is."""
    names = {r.ledgers[0].file_name for r in readings}
    return len(names) == len(readings) and all(len(r.time_columns) == 1 and _value_column(r) for r in readings)


def _value_column(reading: Reading) -> str:
    """Returns the column of a tag's values, "" where none is certain.

    It is the only one beside the time, or the only one of numbers where that is called a value.
    """
    names = [n for n in reading.table.columns if n not in ("source_row", reading.time_columns[0])]
    if len(names) == 1:
        return names[0]
    called = [n for n in names if names_role(n, "value") and reading.table.schema[n].is_numeric()]
    numbers = [n for n in names if reading.table.schema[n].is_numeric()]
    return called[0] if called == numbers and len(called) == 1 else ""


def _named_by_files(readings: Sequence[Reading]) -> bool:
    """Returns whether the files' names name the tags because their headings do not."""
    if not _one_tag_each(readings):
        return False
    headings = [_value_column(r) for r in readings]
    return len(set(headings)) < len(headings) or any(names_role(h, "value") for h in headings)


def _appended(readings: Sequence[Reading]) -> Dataset:
    order = list(readings)
    time = order[0].time_columns[0] if order[0].time_columns else ""
    if time and all(r.time_columns[:1] == [time] for r in order):
        order.sort(key=lambda r: (r.table[time].min() is None, r.table[time].dt.epoch("us").min()))
    frames, rejects, offset = [], [], 0
    for reading in order:
        shift = pl.col("source_row") + offset
        frames.append(reading.table.with_columns(shift))
        rejects.append(reading.rejects.with_columns(shift))
        last = max(int(reading.table["source_row"].max() or 0), int(reading.rejects["source_row"].max() or 0))  # type: ignore[arg-type]
        offset += last
    frames = _aligned(frames)
    files = [r.ledgers[0].file_name for r in order]
    repeated = None
    if time and all(time in f.columns for f in frames):
        frames, repeated = without_repeated_rows(frames, time, files)
    left_out = [] if repeated is None else [repeated]
    table = pl.concat(frames, how="diagonal")
    names = ", ".join(files)
    fact = Fact("files", str(len(order)), f"same columns, appended in this order: {names}"[:500])
    first = order[0]
    warnings = [w for r in order for w in r.warnings]
    for reading in order:
        if lacking := [n for n in table.columns if n not in reading.table.columns]:
            text = f"{reading.ledgers[0].file_name} has no column {', '.join(lacking[:10])}; its rows are empty there."
            warnings.append(("COLUMNS_ABSENT", text))
    if repeated is not None:
        text = f"{repeated.height:,} rows are in two files, equal in every cell; each was kept once."
        warnings.append(("ROWS_REPEATED", text))
    return Dataset(
        table,
        {n: u for r in reversed(order) for n, u in r.units.items()},
        pl.concat([*rejects, *left_out]).sort("source_row"),
        _without(_ledger([ledger for r in order for ledger in r.ledgers]), left_out),
        [*first.facts, fact],
        warnings,
        first.time_columns,
        first.head,
    )


def _aligned(frames: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """Returns the frames with the types that hold all of a column's values in every file."""
    wanted: dict[str, pl.DataType] = {}
    for name in dict.fromkeys(n for f in frames for n in f.columns):
        present = [f[name] for f in frames if name in f.columns]
        # A column without a value has no type of its own.
        types = {c.dtype for c in present if c.null_count() < len(c)} or {present[0].dtype}
        if len(types) == 1:
            wanted[name] = types.pop()
        elif all(isinstance(t, pl.Datetime) for t in types):
            wanted[name] = pl.Datetime("us", "UTC")
        else:
            wanted[name] = pl.Float64() if all(t.is_numeric() for t in types) else pl.String()
    return [f.with_columns(_cast(f[n], wanted[n]) for n in f.columns if f.schema[n] != wanted[n]) for f in frames]


def _cast(values: pl.Series, wanted: pl.DataType) -> pl.Series:
    if values.null_count() == len(values):
        return pl.Series(values.name, [None] * len(values), dtype=wanted)
    if isinstance(values.dtype, pl.Datetime) and isinstance(wanted, pl.Datetime):
        # Naive times count as UTC beside times that have a zone.
        return values.dt.replace_time_zone("UTC")
    return values.cast(wanted)


def _joined(readings: Sequence[Reading], options: ReadOptions) -> Dataset:
    if any(len(r.time_columns) == 0 for r in readings):
        lacking = next(r for r in readings if not r.time_columns)
        raise SensorForgeError(
            "TABLES_DIFFER",
            f"The files have different columns, and {lacking.ledgers[0].file_name} has no time column to join them by.",
        )
    single = _named_by_files(readings)
    parts: list[pl.DataFrame] = []
    left_out = [r.rejects for r in readings]
    units: dict[str, str] = {}
    for reading in readings:
        time = reading.time_columns[0]
        kept, rejects = _joinable(reading, time)
        left_out.append(rejects)
        frame = kept.drop("source_row").rename({time: "timestamp"})
        stem = reading.ledgers[0].file_name.rsplit(".", 1)[0]
        value = _value_column(reading) if single else ""
        renames = {n: n if not single else stem if n == value else f"{stem}.{n}" for n in frame.columns}
        del renames["timestamp"]
        units |= {renames[n]: u for n, u in reading.units.items() if n in renames}
        taken = {c for p in parts for c in p.columns}
        renames = {n: (f"{stem}.{new}" if new in taken else new) for n, new in renames.items()}
        if getattr(frame.schema["timestamp"], "time_zone", None) is None:
            frame = frame.with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))
        parts.append(frame.rename(renames).sort("timestamp"))
    table = parts[0]
    tolerance = options.join_tolerance_seconds
    warnings = [w for r in readings for w in r.warnings]
    for reading, part in zip(readings[1:], parts[1:], strict=True):
        if tolerance > 0:
            marked = part.with_row_index("_sample")
            table = table.join_asof(marked, on="timestamp", strategy="nearest", tolerance=f"{round(tolerance * 1e6)}us")
            unused = part.height - table["_sample"].drop_nulls().n_unique()
            table = table.drop("_sample")
            if unused:
                name = reading.ledgers[0].file_name
                text = f"{unused:,} of {part.height:,} samples of {name} are nearest to no time of the first file."
                warnings.append(("SAMPLES_NOT_JOINED", text))
        else:
            table = table.join(part, on="timestamp", how="full", coalesce=True)
    table = (
        table.sort("timestamp").with_row_index("source_row", offset=1).with_columns(pl.col("source_row").cast(pl.Int64))
    )
    how = f"nearest sample within {tolerance:g} s of the first file's times" if tolerance > 0 else "equal times"
    fact = Fact("files", str(len(readings)), f"one or more tags a file, joined by {how}; gaps stay gaps")
    return Dataset(
        table,
        units,
        pl.concat(left_out),
        _without(_ledger([ledger for r in readings for ledger in r.ledgers]), left_out[len(readings) :]),
        [*readings[0].facts, fact],
        warnings,
        ["timestamp"],
        [list(table.columns)],
    )


def _joinable(reading: Reading, time: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Returns the rows that can be joined by time, of repeated times the last, and the others as rejects."""
    table = reading.table
    last = pl.col("source_row") == pl.col("source_row").max().over(time)
    reason = pl.when(pl.col(time).is_null()).then(pl.lit("NO_TIME")).when(~last).then(pl.lit("REPEATED_TIME"))
    judged = table.with_columns(reason.alias("_reason"))
    name = reading.ledgers[0].file_name
    values = pl.concat_str([pl.col(c).cast(pl.String).fill_null("") for c in table.columns[1:]], separator=",")
    rejects = judged.filter(pl.col("_reason").is_not_null()).select(
        "source_row",
        pl.lit(0, pl.Int64).alias("line"),
        pl.col("_reason").alias("reason"),
        (pl.lit(f"{name}: ") + values).alias("text"),
    )
    return judged.filter(pl.col("_reason").is_null()).drop("_reason"), rejects


def _without(ledger: dict[str, Any], left_out: Sequence[pl.DataFrame]) -> dict[str, Any]:
    """Returns the ledger of the joined dataset: rows that could not be joined count as rejected."""
    count = sum(frame.height for frame in left_out)
    lines = ledger["lines"]
    return ledger | {"lines": lines | {"rows": lines["rows"] - count, "rejected": lines["rejected"] + count}}
