"""Lines of values behind a time in brackets, `<13/03/2024 22:58:00> 100,200,300`, as Modbus Poll and loggers write.

The brackets go and the time becomes a field of its own; the text then goes the way of all delimited text. Lines without
such a time (a header, a title) stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from services.ingest.formats.delimited import read_delimited
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Progress, SourceTable
from services.ingest.values.cells import is_measured, kind_of

_STAMPED = re.compile(
    r"[<\[(] ?(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[T ,]{1,2}\d{1,2}:\d{2}(?::\d{2}(?:[.,:]\d{1,9})?)?"
    r"(?: ?[AaPp][Mm])?(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}))?) ?[>\])] ?[,;:|\t-]?(.*)"
)
_LOOKED_AT, _FEWEST_LINES, _MOST = 20, 3, 0.8
_DELIMITERS = ("\t", ";", ",", "|")


def _delimiter(rests: Sequence[str]) -> str:
    """Returns what delimits the values behind the times; a blank where nothing else does, "" where they are none."""
    found = next((d for d in _DELIMITERS if sum(d in rest for rest in rests) >= _MOST * len(rests)), " ")
    cells = [cell.strip() for rest in rests for cell in (rest.split(found) if found != " " else rest.split())]
    kinds = [kind for kind in map(kind_of, cells) if kind not in ("empty", "token")]
    return found if kinds and sum(map(is_measured, kinds)) >= _MOST * len(kinds) else ""


def recognise(head: str) -> str:
    """Returns why a text is lines of values behind times in brackets, or ""."""
    if not re.search(r"[<\[(]\s*\d{1,4}[-/.]", head[:4096]):
        return ""
    lines = head.split("\n")[:-1] or [head]
    first = list(islice((line for line in lines if line.strip()), _LOOKED_AT))
    rests = [match[2].strip() for line in first if (match := _STAMPED.fullmatch(line.strip()))]
    enough = len(rests) >= max(_FEWEST_LINES, _MOST * len(first))
    return (
        f"{len(rests)} of the first {len(first)} lines are values behind a time in brackets"
        if (enough and _delimiter(rests))
        else ""
    )


def read_lines(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the table with the time as its first column. Raises NO_ROWS and what delimited text raises."""
    if options.raw or options.delimiter:
        return read_delimited(text, file_name, options, limits, progress)
    refuse_beyond("bytes of lines behind times in brackets", text.size, limits.scada_bytes)
    lines = text.data.decode("utf-8").split("\n")
    found = [_STAMPED.fullmatch(line.strip()) for line in lines]
    delimiter = _delimiter([match[2].strip() for match in found if match][:1000])
    blanks = delimiter in ("", " ")
    between = "\t" if blanks else delimiter
    for at, match in enumerate(found):
        if match is not None:
            rest = match[2].strip()
            lines[at] = match[1] + between + ("\t".join(rest.split()) if blanks else rest)
    table = read_delimited(Text("\n".join(lines).encode(), text.facts), file_name, options, limits, progress)
    table.facts.append(Fact("time", "in brackets", "the times in front of the values stand in brackets"))
    return table


FORMAT = TextFormat("stamped_lines", recognise, read_lines)
