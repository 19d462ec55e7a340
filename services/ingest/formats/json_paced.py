"""Signals of a JSON object that says when they begin and how fast they were sampled, instead of a time each:
{"start": "2024-03-14T10:00:00Z", "sample_rate_hz": 10, "signals": [{"name": "x", "unit": "mm/s", "data": [0.1, 0.2]}]}.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

_START = frozenset({
    "start", "starttime", "begin", "t0", "timestamp", "startdate", "measurementstart", "triggertime", "recordedat",
    "acquisitiontime", "time",
})  # fmt: skip
_RATE = re.compile(r"(?:sampl(?:e|ing)(?:rate|frequency|freq)|fs|rate|frequency)(k?hz|sps)?")
_STEP = re.compile(r"(?:sampl(?:e|ing))?(?:interval|period|step|time)(s|sec|seconds|ms|us)|(dt)")
_SECONDS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6}
_NAMES = ("name", "channel", "signal", "id", "label", "sensor", "tag")
_DATA = ("data", "values", "samples", "y", "value")
_UNITS = ("unit", "units", "uom", "egu")
_SLOWEST, _FASTEST = 1e-5, 1e9
"""Samples a second."""

Paced = list[tuple[str, str, list[tuple[Any, Any, Any]]]]


def paced_series(node: dict[str, Any]) -> Paced:
    """Returns (name, unit, samples as (time, value, None)) of the signals of an object with a start and one rate for
    them all; empty where it says no start or no rate, or its signals differ in length."""
    squashed = {re.sub(r"[\W_]", "", k).lower(): v for k, v in node.items()}
    start = next((m for k, v in squashed.items() if k in _START and (m := _moment(v)) is not None), None)
    step = next((s for k, v in squashed.items() if (s := _step(k, v))), 0.0)
    if start is None or not step:
        return []
    signals = _signals(node)
    lengths = {len(values) for _, _, values in signals}
    if len(lengths) != 1 or lengths <= {0, 1}:
        return []
    times = [(start + dt.timedelta(microseconds=round(i * step * 1e6))).isoformat() for i in range(lengths.pop())]
    return [(name, unit, [(t, v, None) for t, v in zip(times, values, strict=True)]) for name, unit, values in signals]


def _moment(value: Any) -> dt.datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return dt.datetime.fromisoformat(value)
    except ValueError:
        return None


def _step(key: str, value: Any) -> float:
    """Returns the seconds between samples that a key says; 0 where it says none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return 0.0
    if rate := _RATE.fullmatch(key):
        each_second = value * (1e3 if rate[1] == "khz" else 1)
    elif step := _STEP.fullmatch(key):
        each_second = 1 / (value * _SECONDS.get(step[1] or "s", 1.0))
    else:
        return 0.0
    return 1 / each_second if _SLOWEST <= each_second <= _FASTEST else 0.0


def _signals(node: dict[str, Any]) -> list[tuple[str, str, list[Any]]]:
    """Returns name, unit and values of the signals that an object lists, or names by its keys."""
    found = []
    for key, part in node.items():
        items = part if isinstance(part, list) else []
        if items and all(isinstance(i, dict) for i in items):
            named = [_signal(i) for i in items]
            if all(named):
                return [n for n in named if n]
        elif isinstance(part, dict) and part and all(map(_plain, part.values())):
            return [(str(k), "", v) for k, v in part.items()]
        elif _plain(part):
            found.append((key, "", items))
    return found


def _signal(item: dict[str, Any]) -> tuple[str, str, list[Any]] | None:
    low = {k.lower(): v for k, v in item.items()}
    name = next((str(low[k]) for k in _NAMES if isinstance(low.get(k), str | int)), "")
    values = next((low[k] for k in _DATA if _plain(low.get(k))), None)
    unit = next((low[k] for k in _UNITS if isinstance(low.get(k), str)), "")
    return (name, unit, values) if name and values is not None else None


def _plain(values: Any) -> bool:
    """Returns whether this is a list of numbers and nulls."""
    return isinstance(values, list) and len(values) > 1 and all(v is None or isinstance(v, int | float) for v in values)
