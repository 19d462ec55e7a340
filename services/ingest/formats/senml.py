"""SenML, the sensor measurement lists of IoT gateways: base fields resolved, one series a name.

Base name, time, unit and value hold from their record on until another record gives others. Times below 2**28 are
relative to a moment that the pack does not have; they are kept as seconds.
Source: RFC 8428, sections 4.1 to 4.6.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services.ingest.formats.json_series import Samples, Series

_BASE = frozenset({"bn", "bt", "bu", "bv", "bs", "bver"})
_FIELDS = _BASE | {"n", "u", "v", "vs", "vb", "vd", "s", "t", "ut"}
_VALUES = ("v", "vs", "vb", "vd")
_LARGEST = 1e300
_ABSOLUTE = 2**28
"""Seconds from which on a time counts from 1970."""


def senml_series(document: Any) -> list[Series]:
    """Returns the series of a SenML pack in order of appearance; empty when a document is none."""
    if not isinstance(document, list) or not document or not all(isinstance(r, dict) for r in document):
        return []
    based = any(r.keys() & _BASE for r in document)
    if not based or not all(_is_record(r) for r in document):
        return []
    base: dict[str, Any] = {"bn": "", "bt": 0, "bu": "", "bv": 0, "bs": 0}
    units: dict[str, str] = {}
    found: dict[str, Samples] = {}
    for record in document:
        base |= {key: record[key] for key in _BASE & record.keys()}
        value = _value(record, base)
        if value is None:
            continue
        name = f"{base['bn']}{record.get('n', '')}" or "value"
        units.setdefault(name, str(record.get("u", base["bu"])))
        found.setdefault(name, []).append((_time(base["bt"], record.get("t", 0)), value, None))
    return [(name, units[name], samples) for name, samples in found.items()]


def _is_record(record: dict[str, Any]) -> bool:
    """Returns whether an object has SenML's fields alone, or fields that end in _ and must be understood."""
    known = all(key in _FIELDS for key in record)
    texts = all(isinstance(record.get(key, ""), str) for key in ("bn", "n", "bu", "u", "vs", "vd"))
    numbers = all(_is_number(record.get(key, 0)) for key in ("bt", "t", "bv", "v", "bs", "s"))
    return known and texts and numbers and sum(key in record for key in _VALUES) <= 1


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def _value(record: dict[str, Any], base: dict[str, Any]) -> Any:
    if "v" in record:
        return _sum(base["bv"], record["v"])
    given = next((record[key] for key in _VALUES if key in record), None)
    return _sum(base["bs"], record["s"]) if given is None and "s" in record else given


def _sum(one: float, other: float) -> float:
    """Returns the sum of two numbers as they are written, without the noise of binary fractions."""
    return float(Decimal(repr(one)) + Decimal(repr(other))) if one else other


def _time(base: float, own: float) -> float:
    """Returns the time in whole microseconds since 1970, or in seconds where nothing says since when."""
    seconds = Decimal(repr(base)) + Decimal(repr(own))
    return int(seconds * 1_000_000) if seconds >= _ABSOLUTE else float(seconds)
