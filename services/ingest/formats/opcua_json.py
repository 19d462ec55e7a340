"""JSON encodings that wrap a value, brought to one form: a Variant is its body, a DataValue keeps value and status.

OPC UA's reversible encodings of 1.03 and 1.04 write {"Type": 11, "Body": 1.5}, those of 1.05 {"UaType": 11,
"Value": 1.5}; Avro's unions {"double": 1.5}, MongoDB {"$numberDouble": "1.5"}, Sparkplug and NGSI {"type": "Double",
"value": 1.5}; DynamoDB marks each attribute of an item, {"N": "1.5"}.
Source: OPC 10000-6, section 5.4.2; Avro 1.11, "JSON Encoding"; MongoDB Extended JSON 2.0; DynamoDB's data type
descriptors.
"""

from __future__ import annotations

from typing import Any

_WRAPPERS = frozenset({
    "double", "float", "int", "long", "string", "boolean", "$numberDouble", "$numberInt", "$numberLong",
    "$numberDecimal", "$date", "$oid",
})  # fmt: skip
_TYPES = frozenset({
    "double", "float", "real", "number", "integer", "int", "int8", "int16", "int32", "int64", "uint8", "uint16",
    "uint32", "uint64", "long", "boolean", "bool", "string", "text", "datetime",
})  # fmt: skip
_MARKS = {"S": str, "N": str, "BOOL": bool, "NULL": bool}
"""DynamoDB's descriptors of values that are no lists or maps."""
_TYPED = frozenset({"type", "value", "metadata"})
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
    if node and all(map(_marked, node.values())):
        return {key: None if "NULL" in child else next(iter(child.values())) for key, child in node.items()}
    for key, child in node.items():
        if isinstance(child, dict | list):
            node[key] = _unwrapped(plain_values(child))
    if "Body" in node and isinstance(node.get("Type"), int) and node.keys() <= {"Type", "Body", "Dimensions"}:
        return node["Body"]
    if "UaType" in node and "Value" in node:
        if not node.keys() & _STATUS:
            return node["Value"]
        del node["UaType"]
    return node


def _marked(node: Any) -> bool:
    """Returns whether this is a value of DynamoDB behind the mark of its type."""
    if not isinstance(node, dict) or len(node) != 1:
        return False
    ((mark, value),) = node.items()
    return mark in _MARKS and isinstance(value, _MARKS[mark])


def _unwrapped(node: Any) -> Any:
    """Returns the value of an object that only says its type as well; anything else as it is."""
    if not isinstance(node, dict) or not 0 < len(node) <= 3:
        return node
    (key, value), *others = node.items()
    if not others:
        return value if key in _WRAPPERS and not isinstance(value, dict | list) else node
    told = node.get("type")
    typed = isinstance(told, str) and told.lower() in _TYPES and "value" in node and not node.keys() - _TYPED
    return node["value"] if typed and not isinstance(node["value"], dict | list) and not node.get("metadata") else node


def status_on_fields(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns data set messages whose own status, where one is not good, stands on each of their fields.

    A field that tells its own status keeps it. Messages that are all good are returned as they are.
    Source: OPC 10000-14, section 7.2.5.4, `Status` of a DataSetMessage.
    """
    if not any(_is_doubtful(message.get("Status")) for message in messages):
        return messages
    told = []
    for message in messages:
        payload, status = message.get("Payload"), _code(message.get("Status"))
        if isinstance(payload, dict):
            fields = {name: _with_status(value, 0 if status is None else status) for name, value in payload.items()}
            message = {**{k: v for k, v in message.items() if k != "Status"}, "Payload": fields}
        told.append(message)
    return told


def are_messages(records: list[dict[str, Any]]) -> bool:
    """Returns whether all records are data set messages of OPC UA PubSub without the envelope of a network message."""
    return bool(records) and all(
        isinstance(r.get("Payload"), dict) and ("DataSetWriterId" in r or "DataSetWriterName" in r) for r in records
    )


def _with_status(value: Any, status: int | str) -> Any:
    if isinstance(value, dict) and "Value" in value:
        return {"StatusCode": status, **value} if not value.keys() & {"StatusCode", "Status"} else value
    return value if isinstance(value, dict | list) else {"Value": value, "StatusCode": status}


def _code(status: Any) -> int | str | None:
    """Returns a status as its code or its symbol, out of the object that newer encodings write."""
    if isinstance(status, dict):
        status = status.get("Code", status.get("Symbol"))
    return status if isinstance(status, int | str) else None


def _is_doubtful(status: Any) -> bool:
    """Returns whether a status is uncertain or bad: its two upper bits, or how its symbol begins."""
    code = _code(status)
    if isinstance(code, str):
        return code.lower().startswith(("bad", "uncertain"))
    return code is not None and 0 < code >> 30 <= 3


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
