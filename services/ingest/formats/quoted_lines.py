"""Delimited text each line of which stands in quotes as a whole, `"2024-03-13 22:55:00,1.5,20"`, as some tools export.

The outer quotes go, doubled ones within are single; the text then goes the way of all delimited text.
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

_QUOTED = re.compile(r'"((?:[^"]|"")*)"[,;]*')
_LOOKED_AT, _FEWEST_LINES, _NEARLY_ALL = 50, 3, 0.9


def recognise(head: str) -> str:
    """Returns why a text is delimited lines that stand in quotes as a whole, or ""."""
    if not head.lstrip().startswith('"'):
        return ""
    lines = head.split("\n")[:-1] or [head]
    first = list(islice((line.strip() for line in lines if line.strip()), _LOOKED_AT))
    inside = [match[1] for line in first if (match := _QUOTED.fullmatch(line))]
    if len(inside) < max(_FEWEST_LINES, _NEARLY_ALL * len(first)):
        return ""
    for delimiter in ("\t", ";", ","):
        count, often = Counter(text.count(delimiter) for text in inside).most_common(1)[0]
        if count and often >= _NEARLY_ALL * len(inside):
            return f"{len(inside)} of the first {len(first)} lines are in quotes with {count + 1} fields inside"
    return ""


def read_lines(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the table of what stands inside the quotes. Raises NO_ROWS and what delimited text raises."""
    if options.raw or options.delimiter or options.quote is not None:
        return read_delimited(text, file_name, options, limits, progress)
    refuse_beyond("bytes of lines in quotes", text.size, limits.scada_bytes)
    lines = text.data.decode("utf-8").split("\n")
    for at, line in enumerate(lines):
        if match := _QUOTED.fullmatch(line.strip()):
            lines[at] = match[1].replace('""', '"')
    table = read_delimited(Text("\n".join(lines).encode(), text.facts), file_name, options, limits, progress)
    table.facts.append(Fact("lines", "in quotes", "each line stands in quotes as a whole"))
    return table


FORMAT = TextFormat("quoted_lines", recognise, read_lines)
