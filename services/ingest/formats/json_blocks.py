"""Blocks of column names and values inside a JSON document, as query interfaces of databases answer.

Influx 1 and many SQL gateways give names and rows, Grafana gives fields and one list a field. One block is a table;
several with the same columns are series that their labels tell apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.ingest.formats.json_series import Series, named_by_labels
from services.ingest.layouts.headings import names_role

_NAMES = ("columns", "fields", "columninfo", "column_meta", "meta", "schema", "header", "headers", "columnnames")
_ROWS = ("values", "rows", "data", "dataset", "result", "results", "records")
_CALLED = ("name", "columnname", "column_name", "text", "displayname", "label", "field")
_DEEPEST = 8
_LOOKED_AT = 20_000
"""Objects of a list without a block among them after which none is looked for."""


@dataclass(frozen=True)
class Block:
    """Column names, rows, and what tells this block from others of the answer. `fields`: labels of each column."""

    columns: tuple[str, ...]
    rows: list[list[Any]]
    labels: dict[str, str]
    fields: tuple[dict[str, str], ...]

    @property
    def time(self) -> int | None:
        """The column of times."""
        return next((i for i, name in enumerate(self.columns) if names_role(name, "time")), None)

    def records(self) -> list[dict[str, Any]]:
        """Returns one record a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def find_blocks(document: Any) -> list[Block]:
    """Returns the blocks of a document in order."""
    return list(_blocks(document, 0))


def main_block(blocks: list[Block]) -> Block | None:
    """Returns the one block of an answer that has times and the most rows; others tell of the query (Azure Data
    Explorer). None where several may be meant."""
    timed = sorted((b for b in blocks if b.time is not None), key=lambda b: -len(b.rows))
    longest = max((len(b.rows) for b in blocks), default=0)
    if not timed or len(timed[0].rows) < max(longest, _FEWEST_ROWS):
        return None
    return None if any(len(b.rows) == len(timed[0].rows) for b in blocks if b is not timed[0]) else timed[0]


_FEWEST_ROWS = 3


def block_series(blocks: list[Block]) -> list[Series]:
    """Returns one series a value column of several blocks with times; empty when that is not what they hold."""
    if len(blocks) < 2 or any(b.time is None or len(b.columns) < 2 for b in blocks):
        return []
    labels, samples = [], []
    for block in blocks:
        time = block.time
        assert time is not None
        for i, name in enumerate(block.columns):
            if i != time:
                labels.append({"name": "", **block.labels, **block.fields[i], "\0column": name})
                samples.append([(row[time], row[i], None) for row in block.rows])
    names = named_by_labels(labels)
    if len(set(names)) < len(names):
        return []
    return [(name, "", part) for name, part in zip(names, samples, strict=True)]


def _blocks(node: Any, depth: int) -> Iterator[Block]:
    if depth > _DEEPEST:
        return
    if isinstance(node, list):
        some = False
        for number, item in enumerate(node):
            if number == _LOOKED_AT and not some:
                return
            for inner in _blocks(item, depth + 1) if isinstance(item, dict) else ():
                some = True
                yield inner
        return
    if not isinstance(node, dict):
        return
    if (block := _frame(node) or _table(node)) is not None:
        yield block
        return
    for value in node.values():
        if isinstance(value, dict | list):
            yield from _blocks(value, depth + 1)


def _table(node: dict[str, Any]) -> Block | None:
    low = {k.lower(): v for k, v in node.items()}
    # {"schema": {"fields": [...]}, "rows": [...]} of BigQuery, {"ResultSetMetadata": {"ColumnInfo": [...]}} of Athena.
    inside = [{k.lower(): v for k, v in part.items()} for part in node.values() if isinstance(part, dict)]
    described = next((part[k] for part in (low, *inside) for k in _NAMES if isinstance(part.get(k), list)), None)
    listed = next((low[k] for k in _ROWS if isinstance(low.get(k), list)), None)
    names = _column_names(described)
    rows = _rows(listed, len(names)) if names else []
    if not rows:
        return None
    index = low.get("index")
    if isinstance(index, list) and len(index) == len(rows) and "index" not in names:
        # {"columns": ..., "index": ..., "data": ...}: the labels of the rows may be their times.
        names, rows = ("index", *names), [[label, *row] for label, row in zip(index, rows, strict=True)]
    return Block(names, rows, _labels(low), ({},) * len(names))


def _rows(listed: Any, width: int) -> list[list[Any]]:
    """Returns the rows of a list of lists, or of objects with a list of cells each; empty for anything else."""
    rows = []
    for item in listed or ():
        if isinstance(item, dict):
            item = next(iter(item.values())) if len(item) == 1 else None
            item = [_cell(c) for c in item] if isinstance(item, list) else None
        if not isinstance(item, list) or len(item) != width:
            return []
        rows.append(item)
    return rows


def _cell(cell: Any) -> Any:
    """Returns what a cell holds that is an object of its type's name: {"ScalarValue": "1.5"}, {"NullValue": true}."""
    if isinstance(cell, dict) and len(cell) <= 1:
        return next((v for k, v in cell.items() if "null" not in k.lower()), None)
    return cell


def _frame(node: dict[str, Any]) -> Block | None:
    """Returns a data frame of Grafana: fields in a schema, one list of values a field."""
    schema, data = node.get("schema"), node.get("data")
    if not isinstance(schema, dict) or not isinstance(data, dict):
        return None
    fields, values = schema.get("fields"), data.get("values")
    names = _column_names(fields)
    if not names or not isinstance(values, list) or len(values) != len(names):
        return None
    if any(not isinstance(v, list) or len(v) != len(values[0]) for v in values):
        return None
    described = [f if isinstance(f, dict) else {} for f in fields]  # type: ignore[union-attr]
    labels = tuple(_texts(f.get("labels")) for f in described)
    return Block(names, [list(row) for row in zip(*values, strict=True)], _labels(schema), labels)


def _column_names(described: Any) -> tuple[str, ...]:
    """Returns the names of columns that are texts or objects with a name; empty for anything else."""
    names = []
    for column in described if isinstance(described, list) else ():
        if isinstance(column, list) and len(column) > 1:
            # ["ts", "TIMESTAMP", 8]: name, type, length.
            column = column[0]
        if isinstance(column, dict):
            low = {k.lower(): v for k, v in column.items()}
            column = next((low[k] for k in _CALLED if isinstance(low.get(k), str)), None)
        if not isinstance(column, str):
            return ()
        names.append(column)
    return tuple(names) if len(set(names)) == len(names) else ()


def _labels(low: dict[str, Any]) -> dict[str, str]:
    name = low.get("name")
    return ({"name": name} if isinstance(name, str) else {}) | _texts(low.get("tags"))


def _texts(node: Any) -> dict[str, str]:
    if not isinstance(node, dict):
        return {}
    return {str(k): v for k, v in node.items() if isinstance(v, str)}
