"""Text with a [Data] block, as GE Proficy Historian exports it: sections in brackets, comments with `*`.

Everything outside the block is preamble; the block itself is delimited text and goes the way of all delimited text.
"""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.delimited import read_delimited
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Progress, SourceTable
from services.ingest.text.records import count_lines

_BLOCK = re.compile(rb"^\[(data|values|samples)\][^\n]*\n", re.I | re.M)
_SECTION = re.compile(rb"^\[[A-Za-z][^\]\n]*\][ \t,;]*\r?$", re.M)
_COMMENT = re.compile(rb"^\*[^\n]*\n", re.M)


def recognise(head: str) -> str:
    """Returns why a text has a data block, or ""."""
    return "a [Data] section" if re.search(r"^\[(data|values|samples)\][ \t,;]*\r?$", head, re.I | re.M) else ""


def read_block(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the table of the [Data] block. Raises NO_ROWS and what delimited text raises."""
    refuse_beyond("bytes", len(text.data), limits.scada_bytes)
    start = _BLOCK.search(text.data)
    if start is None:
        raise SensorForgeError("NO_ROWS", f"{file_name} has no [Data] section.")
    after = _SECTION.search(text.data, start.end())
    stop = after.start() if after else len(text.data)
    block = text.data[start.end() : stop]
    body = _COMMENT.sub(b"", block)
    if not body.strip():
        raise SensorForgeError("NO_ROWS", f"{file_name}: its [Data] section is empty.")
    table = read_delimited(Text(body, text.facts), file_name, options, limits, progress)
    before = count_lines(text.data[: start.end()])
    behind = count_lines(text.data[stop:])
    comments = count_lines(block) - count_lines(body)
    counts = replace(
        table.counts,
        total=table.counts.total + before + behind + comments,
        preamble=table.counts.preamble + before + comments,
        footer=table.counts.footer + behind,
    )
    lines = _lines_of_body(block) + before
    rejects = [replace(r, line=int(lines[r.line - 1])) for r in table.rejects]
    fact = Fact("section", "[Data]", f"lines {before + 1} to {before + count_lines(block)}")
    return replace(
        table,
        counts=counts,
        rejects=rejects,
        line_numbers=lines.gather(table.line_numbers - 1),
        facts=[*table.facts, fact],
    )


def _lines_of_body(block: bytes) -> pl.Series:
    """Returns the line within the block, from 1, of each line that is left when comments are taken out."""
    comments = {block.count(b"\n", 0, found.start()) for found in _COMMENT.finditer(block)}
    return pl.Series([i + 1 for i in range(count_lines(block)) if i not in comments], dtype=pl.Int64)


FORMAT = TextFormat("data_block", recognise, read_block)
