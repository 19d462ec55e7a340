"""JSON records to columns: nested objects become dotted names, short lists one column an element, mixed values text."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import polars as pl

from services.ingest.headings.column_names import unique_names
from services.ingest.limits import Limits, refuse_beyond

_NUMBERED = re.compile(r"^[A-Za-z_]+\d{1,3}$")
SHORT_LIST = 16
"""A list of at most this many plain values becomes one column an element; a longer one becomes text."""


def flat_values(record: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields (path, plain value) of everything in a record; long and nested lists as JSON text."""
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from flat_values(value, name + ".")
        elif isinstance(value, list):
            if 0 < len(value) <= SHORT_LIST and not any(isinstance(v, dict | list) for v in value):
                yield from ((f"{name}.{i}", v) for i, v in enumerate(value))
            else:
                yield name, json.dumps(value)[:32_768]
        else:
            yield name, value


def flattened(records: list[dict[str, Any]], limits: Limits) -> pl.DataFrame:
    """Returns one row a record and one column a path. Raises INGEST_LIMIT."""
    columns: dict[str, list[Any]] = {}
    for number, record in enumerate(records):
        for name, value in flat_values(record):
            name = without_surrogates(name)
            column = columns.get(name)
            if column is None:
                refuse_beyond("distinct paths", len(columns) + 1, limits.json_paths)
                column = columns[name] = []
            if len(column) < number:
                column.extend([None] * (number - len(column)))
            if len(column) == number:
                column.append(value)
    _together(columns, len(records))
    refuse_beyond("cells", len(columns) * len(records), limits.cells)
    refuse_beyond("columns", len(columns), limits.columns)
    names = unique_names(_shortened(list(columns)))
    series = []
    for name, values in zip(names, columns.values(), strict=True):
        values.extend([None] * (len(records) - len(values)))
        series.append(as_series(name, values))
    return pl.DataFrame(series)


def _together(columns: dict[str, list[Any]], rows: int) -> None:
    """Puts a value that is written bare in some records and as an object with its status in others into one column."""
    for name in [n for n in columns if n.lower().endswith(".value")]:
        bare = columns.get(name[: -len(".value")])
        if bare is None:
            continue
        inner = columns[name]
        for values in (bare, inner):
            values.extend([None] * (rows - len(values)))
        if all(a is None or b is None for a, b in zip(bare, inner, strict=True)):
            columns[name] = [a if b is None else b for a, b in zip(bare, inner, strict=True)]
            del columns[name[: -len(".value")]]


_DATA_VALUE_PARTS = re.compile(
    r"\.(status_?code(\.(code|symbol))?|status(\.(code|symbol))?|source_?timestamp|server_?timestamp|"
    r"(source|server)_?picoseconds|ua_?type|units?|uom|eng_?units)$",
    re.I,
)


def _shortened(names: list[str]) -> list[str]:
    """Returns readable names: where an object holds a value and its status, the value has the object's name."""
    taken = set(names)
    children: Counter[str] = Counter()
    companions: Counter[str] = Counter()
    for name in names:
        part = _DATA_VALUE_PARTS.search(name)
        for dot in re.finditer(r"\.", name):
            children[name[: dot.start()]] += 1
            companions[name[: dot.start()]] += part is not None and part.start() == dot.start()
    result = []
    for name in names:
        base = re.sub(r"\.value$", "", name, flags=re.I)
        alone = base != name and base not in taken and 0 < companions[base] == children[base] - 1
        result.append(base if alone else name or "value")
    return result


def labels_of_keys(document: Any, names: list[str]) -> dict[str, str]:
    """Returns what a document says its columns mean, as in {"channel": {"field1": "Flow"}, "feeds": [{"field1": 1}]}.

    Only an object outside the records says so, with a distinct text that is no number for each of several columns.
    """
    objects = [v for v in document.values() if isinstance(v, dict)] if isinstance(document, dict) else []
    for given in objects:
        labels = {n: given[n].strip() for n in names if _NUMBERED.match(n) and isinstance(given.get(n), str)}
        texts = set(labels.values())
        clear = all(re.search(r"[^\W\d_]", t) for t in texts) and not texts & (set(names) - labels.keys())
        if len(labels) > 1 and len(texts) == len(labels) and clear:
            return labels
    return {}


_UNIT_PART = re.compile(r"^(.+)\.(?:units?|uom|eng_?units)$", re.I)


def units_beside(frame: pl.DataFrame) -> tuple[dict[str, str], list[str]]:
    """Returns the units that stand in every record beside a value ({"value": 5, "unit": "bar"}), and their columns."""
    units: dict[str, str] = {}
    columns = []
    for name in frame.columns:
        match = _UNIT_PART.match(name)
        value = next((n for n in (match[1], f"{match[1]}.value") if n in frame.columns), "") if match else ""
        texts = frame[name].drop_nulls().unique().to_list() if value and frame[name].dtype == pl.String else []
        if len(texts) == 1:
            units |= {value: texts[0].strip()} if texts[0].strip() else {}
            columns.append(name)
    return units, columns


def as_series(name: str, values: list[Any]) -> pl.Series:
    """Returns mixed Python values as one column: numbers, truth values or text."""
    kinds = {type(v) for v in values if v is not None}
    if kinds <= {int} and all(-(2**63) <= v < 2**63 for v in values if v is not None):
        return pl.Series(name, values, dtype=pl.Int64)
    if kinds <= {int, float} and kinds:
        return pl.Series(
            name,
            [None if v is None else float(v) if abs(v) < 1e308 or isinstance(v, float) else None for v in values],
            dtype=pl.Float64,
        )
    if kinds == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean)
    return pl.Series(name, [word(v) for v in values], dtype=pl.String)


def without_surrogates(text: str) -> str:
    """Returns a text without lone surrogates, which are legal JSON and no characters."""
    return text.encode("utf-8", "replace").decode()


def word(value: Any) -> str | None:
    """Returns a value as JSON writes it, without quotes; None for null."""
    if value is None or isinstance(value, str):
        return None if value is None else without_surrogates(value)
    return str(value).lower() if isinstance(value, bool) else repr(value)
