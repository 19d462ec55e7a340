"""Delimited text with cells that hold the delimiter without quotes: `ns=2;s=Pump.Temp` between semicolons, and lists in
braces, `{down,stale}`, between commas.

Such cells are put in quotes; the text then goes the way of all delimited text.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

from services.ingest.formats.delimited import read_delimited
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Progress, SourceTable

_NODE_ID = r'((?:ns=\d+|nsu=[^;,"\n]+);[isgb]=[^;"\r\n]*)(?=[;\r\n]|$)'
_LIST = r'(\{[^{}":\r\n]*\})(?=[,\r\n]|$)'
_KINDS = ((";", "node ids", _NODE_ID), (",", "lists in braces", _LIST))
_LOOKED_AT, _NEARLY_ALL = 400, 0.9


def recognise(head: str) -> str:
    """Returns why a text has cells with the delimiter in them, or ""."""
    found = _found(head)
    return (
        f"{found[1]} hold the delimiter {found[0]!r}, and without them lines have as many fields as each other"
        if found
        else ""
    )


def _found(head: str) -> tuple[str, str, re.Pattern[str]] | None:
    lines = head.split("\n")[:-1] or [head]
    first = list(islice((line for line in lines if line.strip()), _LOOKED_AT))
    for delimiter, name, cell in _KINDS:
        pattern = re.compile(f"(?:^|(?<={delimiter})){cell}")
        guarded = [pattern.sub("", line) for line in first]
        lost = sum(line.count(delimiter) > rest.count(delimiter) for line, rest in zip(first, guarded, strict=True))
        if not lost:
            continue
        ((_, before),) = Counter(line.count(delimiter) for line in first).most_common(1)
        ((count, often),) = Counter(line.count(delimiter) for line in guarded).most_common(1)
        more_even = often > before or lost >= _NEARLY_ALL * len(first)
        if count and more_even and often >= _NEARLY_ALL * len(first):
            return delimiter, name, pattern
    return None


def read_cells(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the table with such cells whole. Raises NO_ROWS and what delimited text raises."""
    found = _found(text.head())
    if found is None or options.raw or options.quote is not None or options.delimiter not in ("", found[0]):
        return read_delimited(text, file_name, options, limits, progress)
    refuse_beyond("bytes of a text with the delimiter in its cells", text.size, limits.scada_bytes)
    delimiter, name, pattern = found
    in_bytes = re.compile(pattern.pattern.encode(), re.M)
    quoted = Text(in_bytes.sub(rb'"\1"', text.data), text.facts)
    table = read_delimited(quoted, file_name, options, limits, progress)
    table.facts.append(Fact("cells", name, f"they hold the delimiter {delimiter!r} and are read as one cell each"))
    return table


FORMAT = TextFormat("guarded_cells", recognise, read_cells)
