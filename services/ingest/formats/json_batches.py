"""Records that hold samples in lists, as gateways send them in batches: one record a sample.

Envelopes of brokers come off, lists within lists are followed until the samples have a time; a sample's own time stands
before that of its batch.
"""

from __future__ import annotations

from typing import Any

from services.ingest.formats.opcua_json import are_messages, one_row_a_time, status_on_fields
from services.ingest.layouts.headings import names_role


def exploded(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns one record a sample when every record carries one list of sample objects (gateways send batches)."""
    records = _lifted(records)
    if are_messages(records):
        return status_on_fields(records)
    keys = {
        k
        for r in records[:200]
        for k, v in r.items()
        if (isinstance(v, list) and v and all(isinstance(x, dict) for x in v))
        or (k == "Messages" and isinstance(v, dict))
    }
    if len(keys) != 1:
        return records
    key = keys.pop()
    if not all(isinstance(r.get(key, []), list | dict) for r in records):
        return records
    if key != "Messages" and not _holds_samples(records, key):
        return records
    samples: list[dict[str, Any]] = []
    for record in records:
        around = {k: v for k, v in record.items() if k != key}
        found = record.get(key, [])
        for item in [found] if isinstance(found, dict) else found:
            if isinstance(item, dict) and not _keeps_alive(item):
                # A sample's own time stands before the time at which the batch was sent.
                timed = any(names_role(k, "time") for k in item)
                kept = {k: v for k, v in around.items() if not (timed and names_role(k, "time"))}
                samples.append({**kept, **item})
    if key == "Messages":
        return one_row_a_time(status_on_fields(samples))
    # Lists of machines of lists of hours of lists of samples: what has no time yet may hold what has.
    timed = any(names_role(k, "time") and not isinstance(v, list | dict) for r in samples[:1] for k, v in r.items())
    return samples if timed or not samples else exploded(samples)


def _lifted(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns records out of the envelope that brokers put around each ({"topic": "a", "payload": {"values": []}})."""
    if len(records) < 2 or any(isinstance(v, list) for r in records[:50] for v in r.values()):
        return records
    keys = {
        k for r in records[:50] for k, v in r.items() if isinstance(v, dict) and any(map(holds_objects, v.values()))
    }
    key = next(iter(keys), "")
    inner = [r.get(key) for r in records]
    if len(keys) != 1 or not all(isinstance(n, dict) and any(map(holds_objects, n.values())) for n in inner):
        return records
    return [{**{k: v for k, v in r.items() if k != key}, **n} for r, n in zip(records, inner, strict=True) if n]


def holds_objects(node: Any) -> bool:
    return isinstance(node, list) and bool(node) and all(isinstance(x, dict) for x in node)


def _holds_samples(records: list[dict[str, Any]], key: str) -> bool:
    """Returns whether a list of objects holds samples; beside a record's own time and values it tells of their way.

    A gateway's message lists the receivers that heard it.
    """
    inside = {k for r in records[:50] for x in r.get(key, []) if isinstance(x, dict) for k in x}
    if any(names_role(k, "time") or names_role(k, "tag") or names_role(k, "value") for k in inside):
        return True
    first = records[0]
    timed = any(names_role(k, "time") for k in first)
    return not (timed and any(isinstance(v, dict) and _has_numbers(v) for k, v in first.items() if k != key))


def _has_numbers(node: dict[str, Any]) -> bool:
    return any(isinstance(v, float) or (isinstance(v, int) and not isinstance(v, bool)) for v in node.values())


def _keeps_alive(message: dict[str, Any]) -> bool:
    """Returns whether a message of OPC UA PubSub holds no data set, only a sign of life."""
    return "Payload" not in message and ("DataSetWriterId" in message or "MessageType" in message)
