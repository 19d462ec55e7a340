"""Series of samples inside a JSON document: one object a tag, pairs of time and value, answers of historians.

An object that names a series holds its samples as objects, as pairs, or as one list of times and one of values. Where
labels name the series (Prometheus, Influx), those that are the same for all of them are left out of the names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.ingest.formats.json_owners import Owners, label_of
from services.ingest.formats.json_paced import paced_series
from services.ingest.layouts.headings import names_role

_NAME_KEYS = (
    "name", "tag", "tagname", "tag_name", "externalid", "id", "path", "nodeid", "node_id", "displayname", "itemid", "n",
    "key", "metric", "sensor", "signal", "variable", "webid", "measurement", "target", "propertyalias", "propertyid",
    "fqn", "containerid", "streamid", "seriesid", "pointname", "pointid", "point", "channel", "alias",
)  # fmt: skip
_LABEL_KEYS = ("metric", "labels", "tags")
_SAMPLE_KEYS = (
    "values", "data", "samples", "items", "points", "datapoints", "history", "readings", "records", "datavalues",
    "measurements", "propertyvalues", "timeseries", "sample", "reading", "record", "row", "entry", "datapoint",
    "dps", "vqts", "tvqs",
)  # fmt: skip
_TIME_KEYS = (
    "timestamp", "time", "t", "ts", "sourcetimestamp", "source_timestamp", "servertimestamp", "datetime", "date",
    "observedat", "phenomenontime", "eventtime", "recordedat",
)  # fmt: skip
_TIME_LISTS = ("timestamps", "times", "timestamp", "time", "ts", "t", "x")
_VALUE_LISTS = ("values", "value", "data", "v", "y")
_QUALITY_LISTS = ("qualities", "quality", "q", "statuscodes", "statuscode", "status", "statuses")
_VALUE_KEYS = ("value", "v", "val", "y", "avg", "mean")
_QUALITY_KEYS = (
    "quality",
    "q",
    "statuscode",
    "status",
    "good",
    "status_code",
    "validity",
    "opcquality",
    "dataquality",
    "isgood",
)
_FAULT_KEYS = ("isbad", "bad", "isinvalid", "invalid")
"""Flags that are true for a bad sample."""
_UNIT_KEYS = ("unit", "units", "uom", "egu", "engunits", "engineeringunits", "unitsabbreviation")
_ARCHIVED = {"secs", "nanos", "val"}
"""What a sample of the EPICS archiver has; its severities are those of the channel access protocol."""
_INVALID = 3
_STREAM = re.compile(r"history|values|samples|data|points|readings|items|results?|records|series", re.I)
_DEEPEST = 12
_MOST_TOLD = 500
_LOOKED_AT = 20_000
"""Objects of a list without a series among them after which none is looked for."""

Samples = list[tuple[Any, Any, Any]]
Series = tuple[str, str, Samples]
"""Tag, unit, samples as (time, value, quality)."""
Labels = Mapping[str, str]


def find_series(document: Any) -> list[Series]:
    """Returns (tag, unit, samples as (time, value, quality)) of every series in a document; empty for other shapes."""
    found: list[tuple[str | Labels, str, Samples]] = []
    owners = Owners()
    _collect(document, found, owners, 0, "")
    if not any(samples for _, _, samples in found):
        return []
    names = named_by_labels([{"": name} if isinstance(name, str) else name for name, _, _ in found])
    plain = [name if isinstance(name, str) else names[i] for i, (name, _, _) in enumerate(found)]
    plain = owners.distinct(plain, [samples for _, _, samples in found])
    return [(name, unit, samples) for name, (_, unit, samples) in zip(plain, found, strict=True)]


def named_by_labels(labels: Sequence[Labels]) -> list[str]:
    """Returns a name for every series from the labels in which they differ; from the first label where none does."""
    keys = list(dict.fromkeys(k for one in labels for k in one))
    # Two labels that always say the same are one.
    said = {tuple(one.get(k, "") for one in labels): k for k in reversed(keys)}
    telling = [k for k in keys if k in said.values() and len({one.get(k, "") for one in labels}) > 1] or keys[:1]
    return [".".join(one[k] for k in telling if one.get(k)) or "value" for one in labels]


def _collect(
    node: Any, found: list[tuple[str | Labels, str, Samples]], owners: Owners, depth: int, around: str
) -> None:
    """Adds the series below a node, and whose they are; `around` is the name of the object that it is a part of."""
    if depth > _DEEPEST:
        return
    if isinstance(node, list):
        told, before = _told_apart(node), len(found)
        for number, item in enumerate(node):
            if number == _LOOKED_AT and len(found) == before:
                return
            if isinstance(item, dict | list):
                first = len(found)
                _collect(item, found, owners, depth + 1, told[number] if told else "")
                owners.add(label_of(item), first, len(found))
        return
    if not isinstance(node, dict):
        return
    low = {k.lower(): k for k in node}
    own = next((str(node[low[k]]) for k in _NAME_KEYS if k in low and isinstance(node[low[k]], str | int)), "")
    about = node[low["meta"]] if isinstance(node.get(low.get("meta", "")), dict) else {}
    own = own or next((str(about[k]) for k in about if k.lower() in _NAME_KEYS), "")
    name: str | Labels = own or next((_labels(node[low[k]]) for k in _LABEL_KEYS if k in low), {}) or around
    if isinstance(node.get(low.get("metric", "")), str) and (tags := _labels(node.get(low.get("tags", "")))):
        name = {"": own, **tags}
    samples = _samples_of(node, low)
    if samples and not name and samples[0][2] is not None:
        # A lone stream says only what its samples are; without a quality it is as well a table of its own.
        name = "Value"
    if name and samples:
        unit = next((str(node[low[k]]) for k in _UNIT_KEYS if k in low and isinstance(node[low[k]], str)), "")
        unit = unit or next((str(about[k]) for k in about if k.lower() in _UNIT_KEYS), "")
        found.append((name, unit, samples))
        return
    if shared := _beside_shared_times(node, low) or paced_series(node):
        found.extend(shared)
        return
    lists = {k: s for k, v in node.items() if isinstance(v, list) and len(v) > 1 and (s := _samples(v))}
    # Several named lists may stand beside what says whose they are.
    others = [v for k, v in node.items() if k not in lists]
    if lists and (not others or (len(lists) > 1 and not any(isinstance(v, dict | list) for v in others))):
        # Objects that their own keys tell apart may call their samples the same.
        of = f"{around}." if around and len(lists) == 1 else ""
        found.extend((of + k, "", s) for k, s in lists.items())
        return
    if len(lists) == 1 and not any(isinstance(v, dict | list) for v in others):
        # A page of one stream: what stands beside the samples is about the page.
        (key, alone), *_ = lists.items()
        if _STREAM.search(key) and (alone[0][2] is not None or _values_alone(node[key][0])):
            found.append((around or "Value", "", alone))
            return
    if keyed := _keyed(node):
        found.extend(keyed)
        return
    answers = _alike(list(node.values()))
    for key, value in node.items():
        if isinstance(value, dict | list):
            near = own or (key if answers else around)
            first = len(found)
            _collect(value, found, owners, depth + 1, near if isinstance(value, dict) else "")
            owners.add(key if isinstance(value, dict) else "", first, len(found))


def _alike(parts: list[Any]) -> bool:
    """Returns whether several objects have the same keys: their own keys tell them apart, as requests of a batch."""
    return len(parts) > 1 and all(isinstance(p, dict) and p.keys() == parts[0].keys() for p in parts)


def _told_apart(items: list[Any]) -> list[str]:
    """Returns a name for every object of a list that holds samples and no name of its own, from the texts in which they
    differ ({"type": "Production", "values": []}); nothing where that does not tell them apart."""
    if not 1 < len(items) <= _MOST_TOLD or not all(isinstance(i, dict) for i in items):
        return []
    labels = [{str(k): v for k, v in i.items() if isinstance(v, str) and len(v) <= 80} for i in items]
    named = any(k.lower() in _NAME_KEYS for one in labels for k in one)
    if named or not all(
        one and any(isinstance(v, list) for v in i.values()) for one, i in zip(labels, items, strict=True)
    ):
        return []
    names = named_by_labels(labels)
    return names if len(set(names)) == len(names) else []


def _keyed(node: dict[str, Any]) -> list[tuple[str | Labels, str, Samples]]:
    """Returns the series of an object whose keys name several objects of times and values side by side."""
    found: list[tuple[str | Labels, str, Samples]] = []
    for key, value in node.items():
        if isinstance(value, dict):
            low = {k.lower(): k for k in value}
            named = any(k in low and isinstance(value[low[k]], str) for k in _NAME_KEYS)
            samples = [] if named else _samples_of(value, low)
            if not samples:
                return []
            unit = next((str(value[low[k]]) for k in _UNIT_KEYS if k in low and isinstance(value[low[k]], str)), "")
            found.append((key, unit, samples))
        elif isinstance(value, list):
            return []
    return found if len(found) > 1 else []


def _values_alone(item: Any) -> bool:
    """Returns whether a sample has a value and times, and nothing else that is filled."""
    if not isinstance(item, dict):
        return False
    known = (*_TIME_KEYS, *_VALUE_KEYS)
    return all(k.lower() in known or k.lower().endswith(("_at", "time")) or not v for k, v in item.items())


def _beside_shared_times(node: dict[str, Any], low: dict[str, str]) -> list[tuple[str | Labels, str, Samples]]:
    """Returns the series of an object with one list of times and a list of named lists of values, as Time Series
    Insights answers."""
    empty: list[Any] = []
    times = next((node[low[k]] for k in _TIME_LISTS if k in low and isinstance(node[low[k]], list)), empty)
    if not times or not _timelike(times[0]):
        return []
    found: list[tuple[str | Labels, str, Samples]] = []
    for listed in node.values():
        for item in listed if isinstance(listed, list) and listed is not times else ():
            keys = {k.lower(): k for k in item} if isinstance(item, dict) else {}
            name = next((str(item[keys[k]]) for k in _NAME_KEYS if k in keys), "")
            values = next((item[keys[k]] for k in _VALUE_LISTS if k in keys and isinstance(item[keys[k]], list)), empty)
            if not name or len(values) != len(times):
                return []
            unit = next((str(item[keys[k]]) for k in _UNIT_KEYS if k in keys and isinstance(item[keys[k]], str)), "")
            codes = next(
                (item[keys[k]] for k in _QUALITY_LISTS if k in keys and isinstance(item[keys[k]], list)), empty
            )
            marks = [_code(c) for c in codes] if len(codes) == len(times) else [None] * len(times)
            found.append((name, unit, list(zip(times, values, marks, strict=True))))
    return found


def _labels(node: Any) -> Labels:
    """Returns an object whose values are all texts, the labels of a series; empty for anything else."""
    if isinstance(node, dict) and node and all(isinstance(v, str) for v in node.values()):
        return {str(k): v for k, v in node.items()}
    return {}


def _samples_of(node: dict[str, Any], low: dict[str, str]) -> Samples:
    """Returns the samples that an object holds in one list, or in a list of times beside one of values."""
    empty: list[Any] = []
    times = next((node[low[k]] for k in _TIME_LISTS if k in low and isinstance(node[low[k]], list)), empty)
    values = next((node[low[k]] for k in _VALUE_LISTS if k in low and isinstance(node[low[k]], list)), empty)
    side_by_side = len(times) == len(values) > 0 and _timelike(times[0])
    if side_by_side and not any(isinstance(v, dict | list) for v in (*times, *values)):
        codes = next((node[low[k]] for k in _QUALITY_LISTS if k in low and isinstance(node[low[k]], list)), empty)
        codes = [_code(c) for c in codes] if len(codes) == len(times) else [None] * len(times)
        return list(zip(times, values, codes, strict=True))
    key = next((low[k] for k in _SAMPLE_KEYS if k in low and isinstance(node[low[k]], list)), "")
    nothing: dict[str, Any] = {}
    by_time = next((node[low[k]] for k in _SAMPLE_KEYS if k in low and _keyed_by_time(node[low[k]])), nothing)
    return _samples(node[key]) if key else _by_time(by_time)


def _keyed_by_time(node: Any) -> bool:
    return isinstance(node, dict) and len(node) > 1 and all(_timelike(int(k) if k.isdigit() else k) for k in node)


def _by_time(node: dict[str, Any]) -> Samples:
    """Returns the samples of an object whose keys are times, of values alone or of objects with a value."""
    return _samples(
        [
            {"time": int(t) if t.isdigit() else t, **(v if isinstance(v, dict) else {"value": v})}
            for t, v in node.items()
        ]
    )


def _samples(items: list[Any]) -> Samples:
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
        if keys.keys() >= _ARCHIVED:
            return [(_moment(i), i.get(keys["val"]), _severity(i.get(keys.get("severity", "")))) for i in items]
        time = next((keys[k] for k in _TIME_KEYS if k in keys), "")
        value = next((keys[k] for k in _VALUE_KEYS if k in keys), "")
        if not time or not value or any(names_role(k, "tag") for k in keys if keys[k] not in (time, value)):
            return []
        quality = next((keys[k] for k in _QUALITY_KEYS if k in keys), "")
        fault = (
            ""
            if quality
            else next((keys[k] for k in _FAULT_KEYS if isinstance(items[0].get(keys.get(k, "")), bool)), "")
        )
        marks = [_code(i.get(quality)) if quality else _unless(i.get(fault)) if fault else None for i in items]
        found = [(_moment(i.get(time)), _inner(i.get(value)), m) for i, m in zip(items, marks, strict=True)]
        return found if _one_series(found, items, (time, value, quality)) else []
    return []


def _unless(fault: Any) -> str:
    """Returns the quality of a sample whose flag says whether it is bad."""
    return "Bad" if fault is True else "Good"


def _severity(level: Any) -> Any:
    """Returns the quality of an EPICS alarm severity: 3 is INVALID, while a sample in alarm is as good as any."""
    return None if not isinstance(level, int) else "Bad" if level >= _INVALID else "Good"


def _one_series(found: Samples, items: list[dict[str, Any]], known: tuple[str, ...]) -> bool:
    """Returns whether samples are those of one tag: times that repeat beside a text that changes are several tags'."""
    if len({str(time) for time, _, _ in found}) == len(found):
        return True
    texts = [k for k, v in items[0].items() if isinstance(v, str) and k not in known]
    return all(len({str(i.get(k)) for i in items}) == 1 for k in texts)


def _inner(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("IsSystem") is True:
            # A digital state of the PI system, such as "Bad Input", stands where a value should.
            return value.get("Name")
        given = [v for v in value.values() if v is not None]
        # {"doubleValue": 1.5}: one key a type, of which one is given.
        alone = given[0] if len(given) == 1 and not isinstance(given[0], dict | list) else None
        return value.get("Value", value.get("value", value.get("Body", alone)))
    return value


def _moment(time: Any) -> Any:
    """Returns a time of seconds and nanoseconds apart as nanoseconds."""
    if isinstance(time, dict):
        low = {k.lower(): v for k, v in time.items()}
        seconds = low.get("timeinseconds", low.get("seconds", low.get("secs")))
        nanos = low.get("offsetinnanos", low.get("nanos", 0))
        if isinstance(seconds, int) and isinstance(nanos, int):
            return seconds * 1_000_000_000 + nanos
    return time


def _code(quality: Any) -> Any:
    """Returns the number of an OPC UA status; without one the status is good."""
    if isinstance(quality, dict):
        low = {k.lower(): v for k, v in quality.items()}
        return next((low[k] for k in ("code", "value") if isinstance(low.get(k), int)), 0)
    return quality


def _timelike(value: Any) -> bool:
    if isinstance(value, str):
        return bool(re.match(r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}", value))
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 1e8
