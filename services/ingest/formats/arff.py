"""Attribute-Relation File Format: names and types of the columns line by line, then comma-delimited rows.

The attributes become the header; the rows go the way of all delimited text, `?` being no value.
Source: Weka manual, "ARFF"; sparse rows are refused.
"""

from __future__ import annotations

import re

from services.chassis.errors import SensorForgeError
from services.ingest.formats.delimited import read_delimited
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Progress, SourceTable

_RELATION = re.compile(r"^\s*@relation\b", re.I | re.M)
_ATTRIBUTE = re.compile(
    r"""^[ \t]*@attribute[ \t]+('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|[^\s'"]+)[ \t]""", re.I | re.M
)
_DATA = re.compile(r"^[ \t]*@data[ \t]*\r?$", re.I | re.M)
_COMMENT = re.compile(r"^[ \t]*%[^\n]*", re.M)


def recognise(head: str) -> str:
    """Returns why a text is in the Attribute-Relation File Format, or ""."""
    if not head.lstrip().startswith(("@", "%")):
        return ""
    names = _names(head)
    return f"@relation and {len(names)} attributes above @data" if names and _RELATION.search(head) else ""


def _names(text: str) -> list[str]:
    found = _DATA.search(text)
    return (
        [m[1] if m[1][0] not in "'\"" else m[1][1:-1] for m in _ATTRIBUTE.finditer(text[: found.start()])]
        if found
        else []
    )


def read_relation(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the table of the rows under the attributes' names. Raises NOT_A_TABLE for sparse rows, NO_ROWS and what
    delimited text raises."""
    if options.raw or options.header_row is not None:
        return read_delimited(text, file_name, options, limits, progress)
    refuse_beyond("bytes of an ARFF file", text.size, limits.scada_bytes)
    whole = text.data.decode("utf-8")
    names, data = _names(whole), _DATA.search(whole)
    assert data is not None
    rows = _COMMENT.sub("", whole[data.end() :].lstrip("\r\n"))
    if rows.lstrip().startswith("{"):
        raise SensorForgeError(
            "NOT_A_TABLE", f"{file_name} has sparse ARFF rows ({{index value, …}}), which are not read.",
            remedy="Write it with dense rows (Weka: the filter SparseToNonSparse), or as CSV.",
        )  # fmt: skip
    above = whole[: len(whole) - len(whole[data.end() :].lstrip("\r\n"))]
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    # As many lines as the file has, so that rejects name the file's own.
    padding = "\n" * max(0, above.count("\n") - 1)
    table = read_delimited(
        Text(f"{padding}{header}\n{rows}".encode(), text.facts), file_name, options, limits, progress
    )
    table.facts.append(Fact("names", f"{len(names)} attributes", "@attribute lines above @data"))
    return table


FORMAT = TextFormat("arff", recognise, read_relation)
