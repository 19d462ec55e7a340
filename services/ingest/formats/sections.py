"""Text with one section a tag: a line that names the tag, a header of time and value, its samples, and so on.

The sections are put one below the other as a long table, which the long layout turns wide. Lines between sections are
preamble; blank lines are blank.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from services.ingest.formats.delimited import read_delimited
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.layouts.headings import names_role
from services.ingest.layouts.tag_labels import LABEL_ABOVE, labelled_tag
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Progress, SourceTable
from services.ingest.text.dialect import split_line

_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class _Section:
    """A tag, the line of its header and the line after its last one, from 0."""

    tag: str
    header: int
    stop: int


def recognise(head: str) -> str:
    """Returns why a text has a section a tag, or ""."""
    found = _sections(head.split("\n"))
    return f"{len(found)} sections under lines such as {found[0].tag!r} begin with the same header" if found else ""


def _sections(lines: list[str]) -> list[_Section]:
    """Returns the sections of a text; empty unless there are two or more, each of a tag of its own."""
    first = next((i for i, line in enumerate(lines[:50]) if _is_header(line)), 0)
    if not first:
        return []
    header = lines[first].strip()
    starts = [i for i in range(first, len(lines)) if lines[i].strip() == header]
    named = [_named_above(lines, at) for at in starts]
    tags = [tag for tag, _ in named]
    if len(starts) < 2 or not all(tags) or len(set(tags)) < len(tags):
        return []
    stops = [*(line for _, line in named[1:]), len(lines)]
    return [_Section(tag, at, stop) for tag, at, stop in zip(tags, starts, stops, strict=True)]


def _is_header(line: str) -> bool:
    for delimiter in _DELIMITERS:
        cells = [c.strip() for c in split_line(line.strip(), delimiter, '"')]
        if 2 <= len(cells) <= 6 and names_role(cells[0], "time") and any(names_role(c, "value") for c in cells[1:]):
            return True
    return False


def _named_above(lines: list[str], header: int) -> tuple[str, int]:
    """Returns (tag, line of its label) of the label nearest above a header, ("", header) where there is none."""
    for at in range(header - 1, max(-1, header - 1 - LABEL_ABOVE), -1):
        if tag := labelled_tag(lines[at]):
            return tag, at
    return "", header


def read_sections(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns all samples as one long table with a column `tag`. Raises what delimited text raises."""
    refuse_beyond("bytes", text.size, limits.scada_bytes)
    lines = text.data.decode("utf-8").replace("\r\n", "\n").split("\n")
    ended = not lines[-1]
    lines = lines[:-1] if ended else lines
    sections = _sections(lines)
    if not sections:
        return read_delimited(text, file_name, options, limits, progress)
    kept = list(lines)
    between = 0
    for number, section in enumerate(sections):
        begin = sections[number - 1].stop if number else 0
        # The lines of a label, and every header but the first, give way to blank lines, so that numbers of lines hold.
        for at in range(begin, section.header + (number > 0)):
            between += bool(kept[at].strip())
            kept[at] = ""
    joined = Text(("\n".join(kept) + "\n" * ended).encode(), text.facts)
    table = read_delimited(joined, file_name, replace(options, header_row=sections[0].header + 1), limits, progress)
    starts = np.array([s.header for s in sections])
    owner = np.searchsorted(starts, table.line_numbers.to_numpy() - 1, side="right") - 1
    tags = pl.Series("tag", [sections[i].tag for i in owner.tolist()], dtype=pl.String)
    counts = replace(table.counts, preamble=table.counts.preamble + between, blank=table.counts.blank - between)
    frame = table.frame.rename({"tag": "tag_2"}) if "tag" in table.frame.columns else table.frame
    fact = Fact("sections", str(len(sections)), ", ".join(s.tag for s in sections)[:200])
    return replace(table, frame=frame.insert_column(0, tags), counts=counts, facts=[*table.facts, fact])


FORMAT = TextFormat("sections", recognise, read_sections)
