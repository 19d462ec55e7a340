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
