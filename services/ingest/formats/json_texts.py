"""Records whose fields hold JSON as a text, plain or in base64, as brokers and cloud gateways pass messages on.

A text that is no object stays as it is. Sources: Azure IoT Hub message routing ("Body" in base64 unless the content
type says JSON), AWS Kinesis and Google Pub/Sub ("data" in base64), Node-RED and Kafka Connect (JSON in a string).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


STRICT = json.JSONDecoder(parse_constant=_refuse)
"""Reads JSON and nothing beside it."""
_LOOKED_AT = 50
_IN_BASE64 = re.compile(r"(?:ey[A-Za-z]|ewo|ew0|W3s|Wwo)[A-Za-z0-9+/\s]*={0,2}")
"""Base64 of a text that begins with an object or a list of objects."""


def unpacked(records: list[Any]) -> list[Any]:
    """Returns records with the objects that texts of theirs hold; the same list where none holds one."""
    keys = {
        key
        for record in records[:_LOOKED_AT]
        if isinstance(record, dict)
        for key, value in record.items()
        if isinstance(value, str) and _object_in(value) is not None
    }
    if not keys:
        return records
    return [
        {k: _or_text(v) if k in keys else v for k, v in record.items()} if isinstance(record, dict) else record
        for record in records
    ]


def _or_text(value: Any) -> Any:
    found = _object_in(value) if isinstance(value, str) else None
    return value if found is None else found


def _object_in(text: str) -> Any:
    """Returns the object, or the list of objects, that a text holds; None where it holds none."""
    inner = text.strip()
    if _IN_BASE64.fullmatch(inner):
        try:
            inner = base64.b64decode(inner).decode("utf-8").strip()
        except (binascii.Error, UnicodeDecodeError):
            return None
    if not (inner.startswith("{") and inner.endswith("}")) and not (inner.startswith("[") and inner.endswith("]")):
        return None
    try:
        found = STRICT.decode(inner)
    except (ValueError, RecursionError):
        return None
    listed = isinstance(found, list) and bool(found) and all(isinstance(x, dict) for x in found)
    return found if listed or (isinstance(found, dict) and found) else None
