"""OPC UA's JSON encodings of values, brought to one form: a Variant is its body, a DataValue keeps value and status.

Reversible encodings of 1.03 and 1.04 write {"Type": 11, "Body": 1.5}, those of 1.05 {"UaType": 11, "Value": 1.5}.
Source: OPC 10000-6, section 5.4.2.
"""

from __future__ import annotations

from typing import Any

_STATUS = frozenset({"StatusCode", "Status", "SourceTimestamp", "ServerTimestamp", "statusCode", "sourceTimestamp"})


def plain_values(node: Any) -> Any:
    """Returns a document whose Variants are replaced by what they hold; other parts are the same objects."""
    if isinstance(node, list):
        for i, child in enumerate(node):
            if isinstance(child, dict | list):
                node[i] = plain_values(child)
        return node
    if not isinstance(node, dict):
        return node
    for key, child in node.items():
        if isinstance(child, dict | list):
            node[key] = plain_values(child)
    if "Body" in node and isinstance(node.get("Type"), int) and node.keys() <= {"Type", "Body", "Dimensions"}:
        return node["Body"]
    if "UaType" in node and "Value" in node:
        if not node.keys() & _STATUS:
            return node["Value"]
        del node["UaType"]
    return node


def one_row_a_time(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the data set messages of several writers with those of one time put together.

    Returns them as they are where writers share a field, or one has two messages at a time.
    """
    writers: dict[Any, set[str]] = {}
    for message in messages:
        if not isinstance(message.get("Payload"), dict) or not isinstance(message.get("Timestamp"), str):
            return messages
        writers.setdefault(str(message.get("DataSetWriterId")), set()).update(message["Payload"])
    if len(writers) < 2 or sum(map(len, writers.values())) > len(set().union(*writers.values())):
        return messages
    seen: set[tuple[str, str]] = set()
    merged: dict[str, dict[str, Any]] = {}
    for message in messages:
        key = (message["Timestamp"], str(message.get("DataSetWriterId")))
        if key in seen:
            return messages
        seen.add(key)
        first = merged.setdefault(message["Timestamp"], {**message, "Payload": {}})
        first["Payload"].update(message["Payload"])
    own = ("DataSetWriterId", "DataSetWriterName", "SequenceNumber")
    return [{k: v for k, v in message.items() if k not in own} for message in merged.values()]
