"""Delimited text whose cells Excel is kept from converting, `="2024-03-13";="0012"`: what the cells hold is read.

The signs before the quotes go; the text then goes the way of all delimited text.
"""

from __future__ import annotations

import re
from itertools import islice

from services.ingest.formats.delimited import read_delimited
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Progress, SourceTable

_SIGN = r'(^|[,;\t|])="(?=(?:[^"\n]|"")*"(?:[,;\t|\r]|$))'
_BEGINS = re.compile(_SIGN)
_IN_BYTES = re.compile(_SIGN.encode(), re.M)
_LOOKED_AT, _FEWEST_LINES, _MOST = 20, 3, 0.8


def recognise(head: str) -> str:
    """Returns why a text has cells of the form ="text", or ""."""
    if '="' not in head[:8192]:
        return ""
    lines = head.split("\n")[:-1] or [head]
    first = list(islice((line for line in lines if line.strip()), _LOOKED_AT))
    found = sum(bool(_BEGINS.search(line)) for line in first)
    enough = found >= max(_FEWEST_LINES, _MOST * len(first))
    return f'{found} of the first {len(first)} lines have cells of the form ="text"' if enough else ""


def read_cells(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the table of what the cells hold. Raises NO_ROWS and what delimited text raises."""
    if options.raw or options.quote is not None:
        return read_delimited(text, file_name, options, limits, progress)
    refuse_beyond("bytes of a text with protected cells", text.size, limits.scada_bytes)
    plain = Text(_IN_BYTES.sub(rb'\1"', text.data), text.facts)
    table = read_delimited(plain, file_name, options, limits, progress)
    table.facts.append(Fact("cells", '="text"', "cells that Excel is kept from converting hold what stands in quotes"))
    return table


FORMAT = TextFormat("protected_cells", recognise, read_cells)
