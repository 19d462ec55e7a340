"""Series of samples inside a JSON document: one object a tag, pairs of time and value, answers of historians."""

from __future__ import annotations

import re
from typing import Any

_NAME_KEYS = (
    "name",
    "tag",
    "tagname",
    "tag_name",
    "id",
    "path",
    "nodeid",
    "node_id",
    "displayname",
    "itemid",
    "n",
    "key",
    "metric",
    "sensor",
    "signal",
    "variable",
    "webid",
    "measurement",
    "target",
)
_SAMPLE_KEYS = (
    "values",
    "data",
    "samples",
    "items",
    "points",
    "datapoints",
    "history",
    "readings",
    "records",
    "datavalues",
    "measurements",
)
_TIME_KEYS = (
    "timestamp",
    "time",
    "t",
    "ts",
    "sourcetimestamp",
    "source_timestamp",
    "servertimestamp",
    "datetime",
    "date",
)
_VALUE_KEYS = ("value", "v", "val", "y", "avg", "mean")
_QUALITY_KEYS = ("quality", "q", "statuscode", "status", "good", "status_code", "validity")
_UNIT_KEYS = ("unit", "units", "uom", "engunits", "engineeringunits", "unitsabbreviation")

Series = tuple[str, str, list[tuple[Any, Any, Any]]]
"""Tag, unit, samples as (time, value, quality)."""


def find_series(document: Any) -> list[Series]:
    """Returns (tag, unit, samples as (time, value, quality)) of every series in a document; empty for other shapes."""
    found: list[Series] = []
    _collect(document, found, 0, "")
    return found if found and sum(len(s) for _, _, s in found) > 0 else []


def _collect(node: Any, found: list[Series], depth: int, around: str) -> None:
    """Adds the series below a node; `around` is the name of the object that the node is a part of."""
    if depth > 12:
        return
    if isinstance(node, list):
        for item in node[:20_000]:
            if isinstance(item, dict | list):
                _collect(item, found, depth + 1, "")
        return
    if not isinstance(node, dict):
        return
    low = {k.lower(): k for k in node}
    own = next((str(node[low[k]]) for k in _NAME_KEYS if k in low and isinstance(node[low[k]], str | int)), "")
    name = own or around
    samples_key = next((low[k] for k in _SAMPLE_KEYS if k in low and isinstance(node[low[k]], list)), "")
    if name and samples_key and (samples := _samples(node[samples_key])):
        unit = next((str(node[low[k]]) for k in _UNIT_KEYS if k in low and isinstance(node[low[k]], str)), "")
        found.append((name, unit, samples))
        return
    lists = {k: s for k, v in node.items() if isinstance(v, list) and len(v) > 1 and (s := _samples(v))}
    if len(lists) >= 1 and len(lists) == len(node):
        found.extend((k, "", s) for k, s in lists.items())
        return
    for value in node.values():
        if isinstance(value, dict | list):
            _collect(value, found, depth + 1, name if isinstance(value, dict) else "")


def _samples(items: list[Any]) -> list[tuple[Any, Any, Any]]:
    """Returns (time, value, quality) of a list of samples, or [] when the list is something else."""
    if not items:
        return []
    if all(isinstance(i, list) and 2 <= len(i) <= 4 for i in items):
        first = items[0]
        if any(isinstance(x, dict | list) for x in first):
            return []
        reverse = not _timelike(first[0]) and _timelike(first[1])
        if not reverse and not _timelike(first[0]):
            return []
        a, b = (1, 0) if reverse else (0, 1)
        return [(i[a], i[b], i[2] if len(i) > 2 else None) for i in items]
    if all(isinstance(i, dict) for i in items):
        keys = {k.lower(): k for k in items[0]}
        time = next((keys[k] for k in _TIME_KEYS if k in keys), "")
        value = next((keys[k] for k in _VALUE_KEYS if k in keys), "")
        if not time or not value or any(k in keys for k in ("name", "tag", "id", "tagname", "n")):
            return []
        quality = next((keys[k] for k in _QUALITY_KEYS if k in keys), "")
        return [(i.get(time), _inner(i.get(value)), _code(i.get(quality)) if quality else None) for i in items]
    return []


def _inner(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("IsSystem") is True:
            # A digital state of the PI system, such as "Bad Input", stands where a value should.
            return value.get("Name")
        return value.get("Value", value.get("value", value.get("Body")))
    return value


def _code(quality: Any) -> Any:
    """Returns the number of an OPC UA status; without one the status is good."""
    if isinstance(quality, dict):
        return quality.get("Code", quality.get("code", 0))
    return quality


def _timelike(value: Any) -> bool:
    if isinstance(value, str):
        return bool(re.match(r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}", value))
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 1e8
