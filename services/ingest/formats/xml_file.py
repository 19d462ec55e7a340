"""XML exports of historians, meters and loggers, read as the JSON that says the same.

An element becomes an object of its attributes and children, or its text where it has neither; children of one name are
a list. What finds records and series in JSON then finds them here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.chassis.errors import SensorForgeError
from services.ingest.formats.json_file import read_document
from services.ingest.formats.registry import Container
from services.ingest.formats.xml_events import read_events
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Progress, SourceTable

_TEXT = "value"
_FEWEST_ROWS = 2
"""A document that says one thing is settings or a note."""


@dataclass(slots=True)
class _Element:
    name: str
    attributes: dict[str, str]
    children: list[_Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def read_xml(path: Path, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the table of an XML document. Raises FILE_CORRUPT, NOT_A_TABLE, INGEST_LIMIT."""
    refuse_beyond("bytes of XML", path.stat().st_size, limits.json_whole_bytes)
    progress("reading", 0, 0)
    top = _Element("", {})
    path_down = [top]
    several: set[tuple[str, str]] = set()

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(path_down) > limits.json_depth:
            raise SensorForgeError("INGEST_LIMIT", f"{file_name} nests deeper than {limits.json_depth} levels.")
        element, parent = _Element(name, attributes), path_down[-1]
        if parent.children and parent.children[-1].name == name:
            several.add((parent.name, name))
        parent.children.append(element)
        path_down.append(element)

    read_events(
        path, file_name, start=start, end=lambda _: path_down.pop(), text=lambda t: path_down[-1].texts.append(t)
    )
    progress("flattening", 0, 0)
    document = _value(top, several)
    try:
        table = read_document(document, file_name, limits)
    except SensorForgeError as error:
        if error.reason != "NOT_A_TABLE":
            raise
        raise _no_table(file_name) from error
    if table.frame.height < _FEWEST_ROWS:
        raise _no_table(file_name)
    return table


def _no_table(file_name: str) -> SensorForgeError:
    return SensorForgeError(
        "NOT_A_TABLE",
        f"{file_name} is XML, but it holds no list of records, columns or samples that can be told.",
        remedy="Export the same data as CSV, Excel or JSON.",
    )


def _value(element: _Element, several: set[tuple[str, str]]) -> Any:
    """Returns an element as JSON would have it; `several` are children (parent, name) that come more than once."""
    text = "".join(element.texts).strip()
    if not element.attributes and not element.children:
        return text or None
    node: dict[str, Any] = dict(element.attributes)
    for child in element.children:
        name = child.name
        value = _value(child, several)
        if (element.name, name) in several:
            listed = node.setdefault(name, [])
            if isinstance(listed, list):
                listed.append(value)
                continue
        node[name if name not in node else f"{name}_{len(node)}"] = value
    if text:
        node[_TEXT if _TEXT not in node else "text"] = text
    return node


CONTAINER = Container("xml", read_xml)
