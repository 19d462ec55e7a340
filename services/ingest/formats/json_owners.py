"""Series of one name that belong to several owners: machines of a JSON document whose sensors are called the same.

What an object is called, or the key that leads to it, is the label of the series below it. Series of one name whose
samples contradict each other take the labels in which they differ before their name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_OWNER_KEYS = (
    "device", "devicename", "deviceid", "asset", "assetname", "assetid", "machine", "machinename", "machineid",
    "equipment", "equipmentid", "host", "station", "stationid", "unitid", "turbine", "source", "sourceid", "entity",
    "entityname", "serial", "serialnumber", "name", "displayname", "tag", "path", "id",
)  # fmt: skip
_MOST = 2_000
"""Names of series that owners may make."""

Samples = Sequence[tuple[Any, Any, Any]]


class Owners:
    """The labels around each series of a document, the outermost first, gathered from the inside out."""

    def __init__(self) -> None:
        self._of: list[list[str]] = []

    def add(self, label: str, before: int, after: int) -> None:
        """Puts a label around the series that were found from number `before` to number `after`."""
        self._of += [[] for _ in range(after - len(self._of))]
        for labels in self._of[before:after] if label else ():
            labels.insert(0, label)

    def distinct(self, names: list[str], samples: Sequence[Samples]) -> list[str]:
        """Returns the names of the series, after their owners where series of one name contradict each other."""
        by_name: dict[str, list[int]] = {}
        for at, name in enumerate(names):
            by_name.setdefault(name, []).append(at)
        told = list(names)
        for name, members in by_name.items():
            if len(members) < 2 or not _contradict([samples[at] for at in members]):
                continue
            labels = {at: self._of[at] if at < len(self._of) else [] for at in members}
            common = set.intersection(*(set(own) for own in labels.values()))
            for at, own in labels.items():
                told[at] = ".".join([*(label for label in own if label not in common), name])
        return told if len(set(told)) <= max(_MOST, len(by_name)) else names


def label_of(node: Any) -> str:
    """Returns what an object is called, or whose it says it is; "" where it says nothing."""
    if not isinstance(node, dict):
        return ""
    low = {key.lower().replace("_", ""): value for key, value in node.items() if isinstance(key, str)}
    return next((str(low[k]) for k in _OWNER_KEYS if isinstance(low.get(k), str | int) and str(low[k])), "")


def _contradict(series: Sequence[Samples]) -> bool:
    """Returns whether two of some series say different things of one time."""
    said: dict[str, str] = {}
    return any(said.setdefault(str(time), str(value)) != str(value) for s in series for time, value, _ in s)
