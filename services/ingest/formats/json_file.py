"""JSON in the shapes that gateways, historians and databases write, flattened to columns with readable names.

Records, lines, columns, one object a tag, batches of samples, Influx and PI answers. Strict JSON only: NaN, trailing
commas, comments and broken UTF-8 are refused. Depth, paths and size are bounded.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.json_batches import exploded as exploded
from services.ingest.formats.json_batches import holds_objects
from services.ingest.formats.json_blocks import block_series, find_blocks, main_block
from services.ingest.formats.json_flat import as_series as as_series
from services.ingest.formats.json_flat import flattened, labels_of_keys, units_beside, without_surrogates, word
from services.ingest.formats.json_series import Series, find_series
from services.ingest.formats.json_texts import STRICT as STRICT
from services.ingest.formats.json_texts import unpacked
from services.ingest.formats.opcua_json import plain_values
from services.ingest.formats.registry import Container
from services.ingest.formats.senml import senml_series
from services.ingest.headings.column_names import unit_in_name
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, LineCounts, Progress, Reject, SourceTable, numbered
from services.ingest.text.encoding import detect_encoding


def read_json(path: Path, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the table of a JSON document or of JSON lines. Raises FILE_CORRUPT, NOT_A_TABLE, INGEST_LIMIT."""
    what = "bytes of JSON that are no lines and no list of records"
    refuse_beyond(what, path.stat().st_size, limits.json_whole_bytes)
    raw = path.read_bytes()
    encoding = options.encoding or detect_encoding(raw[: 1 << 16], complete=len(raw) <= 1 << 16).value
    if not encoding.startswith("utf"):
        encoding = "utf-8"
    try:
        text = raw.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise SensorForgeError(
            "FILE_CORRUPT", f"{file_name}: byte {error.start} is not {encoding}; JSON must be."
        ) from error
    progress("reading", 0, 0)
    lines = as_lines(text)
    if lines:
        table = lines_table(text, file_name, limits)
        table.facts.insert(0, Fact("shape", "lines", "one JSON object a line"))
        return table
    document = _parse(text, file_name)
    if isinstance(document, list):
        document = unpacked(document)
    refuse_depth(document, limits, file_name)
    progress("flattening", 0, 0)
    return read_document(document, file_name, limits)


def read_document(document: Any, file_name: str, limits: Limits) -> SourceTable:
    """Returns the table of a document of objects, lists and plain values. Raises NOT_A_TABLE, INGEST_LIMIT."""
    document = plain_values(document)
    packed = senml_series(document)
    blocks = [] if packed else find_blocks(document)
    samples = packed or block_series(blocks) or ([] if blocks else find_series(document))
    if samples:
        return _from_samples(samples)
    main = blocks[0] if len(blocks) == 1 else main_block(blocks)
    shape, records = ("columns and rows", main.records()) if main else _records(document)
    if not records:
        raise SensorForgeError(
            "NOT_A_TABLE", f"{file_name} is valid JSON, but it holds no list of records, columns or samples."
        )
    frame = flattened(records, limits)
    frame = frame.rename(labels_of_keys(document, frame.columns))
    facts = [Fact("shape", shape, f"{len(records):,} records of {frame.width} values")]
    table = source_table(frame, facts, LineCounts(frame.height, frame.height))
    if main and len(blocks) > 1:
        count = len(blocks) - 1
        text = f"{file_name} holds {len(blocks)} tables; the longest one with times was read, {count} of the query not."
        table.warnings.append(("JSON_PARTS_UNREAD", text))
    if " / " in shape and (unread := _other_tables(document)):
        shown = ", ".join(map(repr, unread[:5]))
        table.warnings.append(
            ("JSON_PARTS_UNREAD", f"{file_name} holds several tables; {shape!r} was read, {shown} not.")
        )
    return table


def _parse(text: str, file_name: str) -> Any:
    try:
        return STRICT.decode(text)
    except RecursionError as error:
        raise SensorForgeError("INGEST_LIMIT", f"{file_name} nests deeper than 64 levels.") from error
    except ValueError as error:
        raise SensorForgeError("FILE_CORRUPT", f"{file_name} is not valid JSON: {error}.") from error


def refuse_depth(document: Any, limits: Limits, file_name: str) -> None:
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > limits.json_depth + 1:
            raise SensorForgeError("INGEST_LIMIT", f"{file_name} nests deeper than {limits.json_depth} levels.")
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]


def as_lines(text: str) -> bool:
    """Returns whether at least the first two filled lines are JSON objects or lists of them, each by itself."""
    first = [line for line in text[:200_000].split("\n")[:50] if line.strip()][:2]
    if len(first) < 2 or any(not line.lstrip().startswith(("{", "[")) for line in first):
        return False
    for line in first:
        try:
            if not (isinstance(found := json.loads(line), dict) or holds_objects(found)):
                return False
        except (ValueError, RecursionError):
            return False
    return True


def lines_table(text: str, file_name: str, limits: Limits) -> SourceTable:
    """Returns the table of JSON lines; a line that is none is a reject. Raises NO_ROWS, INGEST_LIMIT."""
    records: list[dict[str, Any]] = []
    numbers: list[int] = []
    rows: list[int] = []
    rejects: list[Reject] = []
    blank = total = row = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            blank += 1
            continue
        row += 1
        try:
            value = STRICT.decode(line)
        except (ValueError, RecursionError):
            rejects.append(Reject(row, number, "NOT_JSON", line[:500]))
            continue
        if not (isinstance(value, dict) or holds_objects(value)):
            rejects.append(Reject(row, number, "NOT_AN_OBJECT", line[:500]))
            continue
        listed = value if isinstance(value, list) else [value]
        records += listed
        numbers += [number] * len(listed)
        rows += range(row, row + len(listed))
        row += len(listed) - 1
    # A line that holds several records counts as so many.
    total = text.count("\n") + 1 + len(numbers) - len(set(numbers))
    records = unpacked(records)
    refuse_depth(records, limits, file_name)
    plain_values(records)
    records = [r if isinstance(r, dict) else {"value": r} for r in records]
    if text.endswith("\n"):
        total, blank = total - 1, blank - 1
    series = find_series(records)
    if len(series) >= len(records) > 0:
        table = _from_samples(series)
        counts = replace(table.counts, rejected=len(rejects), blank=blank)
        table.counts = replace(counts, total=counts.total + len(rejects) + blank)
        table.rejects = rejects
        return table
    samples = exploded(records)
    if samples is not records:
        frame = flattened(samples, limits)
        return source_table(
            frame,
            [],
            LineCounts(frame.height + len(rejects) + blank, frame.height, rejected=len(rejects), blank=blank),
            rejects=rejects,
        )
    frame = flattened(records, limits)
    table = source_table(
        frame, [], LineCounts(total, len(records), rejected=len(rejects), blank=blank), rejects=rejects
    )
    table.line_numbers = pl.Series("line", numbers, dtype=pl.Int64)
    table.row_numbers = pl.Series("row", rows, dtype=pl.Int64)
    return table


# Records


_TIME_KEY = re.compile(r"\d{12,19}|1\d{9}|\d{4}[-/]\d\d[-/]\d\d([T ][\d:.]+ ?(Z|UTC|[+-][\d:]+)?)?")


def _keyed_by_time(document: dict[str, Any]) -> bool:
    """Returns whether each key of an object is a time, and what it names a record."""
    records = len(document) > 1 and all(isinstance(v, dict) and v for v in document.values())
    return records and all(map(_TIME_KEY.fullmatch, document))


_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_CLOCK = re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?")


def _by_day_and_clock(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the records of an object of days, each of which is one of clocks; [] for anything else."""
    days = all(map(_DAY.fullmatch, document)) and all(isinstance(v, dict) and v for v in document.values())
    if not days or not all(
        _CLOCK.fullmatch(c) and isinstance(r, dict) for v in document.values() for c, r in v.items()
    ):
        return []
    return [{"timestamp": f"{day} {clock}", **r} for day, clocks in document.items() for clock, r in clocks.items()]


def _records(document: Any) -> tuple[str, list[dict[str, Any]]]:
    """Returns (shape, records) of the part of a document that is a table."""
    if isinstance(document, list):
        if document and all(isinstance(r, dict) for r in document):
            return "records", exploded(document)
        if document and all(isinstance(r, list) and r and isinstance(r[0], dict) for r in document):
            inner = [x for r in document for x in r]
            return ("lists of records", inner) if all(isinstance(x, dict) for x in inner) else ("", [])
        if len(document) > 1 and all(isinstance(r, list) for r in document):
            return _from_rows(document)
        if document and all(isinstance(v, int | float) and not isinstance(v, bool) for v in document):
            return "values", [{"value": v} for v in document]
        return "", []
    if not isinstance(document, dict) or not document:
        return "", []
    if by_day := _by_day_and_clock(document):
        return "records by day and clock", by_day
    if _keyed_by_time(document):
        return "records by time", [{"timestamp": int(k) if k.isdigit() else k, **v} for k, v in document.items()]
    low = {k.lower(): v for k, v in document.items()}
    columns, data = low.get("columns"), low.get("data", low.get("values", low.get("rows")))
    if isinstance(columns, list) and isinstance(data, list) and data and all(isinstance(r, list) for r in data):
        names = [str(c["name"] if isinstance(c, dict) and "name" in c else c) for c in columns]
        return "columns and rows", [dict(zip(names, r, strict=False)) for r in data]
    lists = {k: v for k, v in document.items() if isinstance(v, list)}
    plain = {k: v for k, v in lists.items() if v and not any(isinstance(x, dict | list) for x in v)}
    lengths = {len(v) for v in plain.values()}
    if len(plain) >= 2 and len(lengths) == 1 and len(plain) >= 0.5 * len(document):
        return "columns", [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]
    inner = list(document.values())
    if len(inner) >= 1 and all(isinstance(v, dict) and v for v in inner):
        keys = [set(v) for v in inner]
        plain_records = not any(isinstance(x, dict | list) for v in inner for x in v.values())
        alike = 2 * len(set.intersection(*keys)) > len(set.union(*keys)) and not all(k == keys[0] for k in keys)
        if len(inner) > 1 and plain_records and alike:
            return "records by key", [{"key": k, **v} for k, v in document.items()]
        if all(k == keys[0] for k in keys) and not any(isinstance(x, dict | list) for x in inner[0].values()):
            if all(map(_TIME_KEY.fullmatch, keys[0])):
                return "columns by time", [
                    {"timestamp": int(k) if k.isdigit() else k} | {name: v[k] for name, v in document.items()}
                    for k in inner[0]
                ]
            if all(re.fullmatch(r"\d+", k) for k in keys[0]):
                return "columns by index", [
                    dict(zip(document, row, strict=True)) for row in zip(*(v.values() for v in inner), strict=True)
                ]
            if len(inner) > 1:
                return "records by key", [{"key": k, **v} for k, v in document.items()]
    best: tuple[int, str, list[dict[str, Any]]] = (0, "", [])
    for key, value in document.items():
        if isinstance(value, dict | list):
            shape, records = _records(value)
            if len(records) > best[0]:
                best = (len(records), f"{key} / {shape}" if shape else key, records)
    if best[0] == 0 and not any(isinstance(v, dict | list) for v in document.values()):
        return "single record", [document]
    return best[1], best[2]


def _other_tables(document: Any) -> list[str]:
    """Returns the keys of the tables that stand beside the longest one of a document."""
    while isinstance(document, dict):
        inner = {k: v for k, v in document.items() if isinstance(v, dict | list)}
        sizes = {k: n for k, v in inner.items() if (n := len(_records(v)[1])) > 1}
        if len(sizes) != 1:
            longest = max(sizes, key=lambda k: sizes[k], default="")
            return [k for k in sizes if k != longest]
        document = inner[next(iter(sizes))]
    return []


def _from_rows(rows: list[list[Any]]) -> tuple[str, list[dict[str, Any]]]:
    width = max(len(r) for r in rows)
    if any(isinstance(c, dict | list) for r in rows[:100] for c in r) or width == 0:
        return "", []
    header = rows[0]
    if all(isinstance(c, str) for c in header) and any(not isinstance(c, str) for r in rows[1:50] for c in r):
        names, rows = [str(c) for c in header], rows[1:]
    else:
        names = [f"column_{i + 1}" for i in range(width)]
    return "rows", [dict(zip(names, r, strict=False)) for r in rows]


def _from_samples(found: list[Series]) -> SourceTable:
    columns: dict[str, list[str | None]] = {"time": [], "tag": [], "value": [], "quality": []}
    for tag, _, samples in found:
        for time, value, quality in samples:
            columns["time"].append(word(time))
            columns["tag"].append(without_surrogates(tag))
            columns["value"].append(word(value))
            columns["quality"].append(word(quality))
    if all(q is None for q in columns["quality"]):
        del columns["quality"]
    frame = pl.DataFrame({n: pl.Series(n, v, dtype=pl.String) for n, v in columns.items()})
    units = {tag: unit for tag, unit, _ in found if unit}
    frame = frame.with_columns(pl.col("tag").replace_strict(units, default=None).alias("unit")) if units else frame
    fact = Fact("shape", "series", f"{len(found)} series with {frame.height:,} samples")
    table = source_table(frame, [fact], LineCounts(frame.height, frame.height))
    table.decimal = "."
    return table


def source_table(
    frame: pl.DataFrame, facts: list[Fact], counts: LineCounts, *, rejects: list[Reject] | None = None
) -> SourceTable:
    if frame.height == 0 or frame.width == 0:
        raise SensorForgeError("NO_ROWS", "The JSON holds no record with a value.")
    units, beside = units_beside(frame)
    frame = frame.drop(beside)
    return SourceTable(
        frame=frame,
        counts=counts,
        row_numbers=numbered(frame.height),
        line_numbers=numbered(frame.height),
        units={n: u for n in frame.columns if (u := unit_in_name(n))} | units,
        facts=facts,
        rejects=rejects or [],
    )


CONTAINER = Container("json", read_json)
