"""Data sets as Ignition exports them: `#NAMES`, names, `#TYPES`, types, `#ROWS`, then the rows as delimited text."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from services.ingest.formats.delimited import read_delimited
from services.ingest.formats.registry import Rewritten, TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Progress, SourceTable

_MARKS = ("#NAMES", "#TYPES", "#ROWS")
_MOST_LINES = 12
_HEAD_BYTES = 1 << 20
_BLOCK = 1 << 20


def recognise(head: str) -> str:
    """Returns why a text is an exported data set, or ""."""
    return "lines #NAMES and #TYPES stand above the rows" if _marks(head.split("\n")[:_MOST_LINES]) else ""


def _marks(lines: list[str]) -> dict[str, int]:
    """Returns the indices of the marks; empty unless the first line is #NAMES and #TYPES follows the names."""
    bare = [line.strip().strip('\ufeff",;\t').upper().split(",")[0].strip('"') for line in lines]
    found: dict[str, int] = {mark: bare.index(mark) for mark in _MARKS if mark in bare}
    known = found.get("#NAMES") == 0 and found.get("#TYPES") == 2 and len(lines) > 4
    return found if known and found.get("#ROWS", 4) == 4 else {}


def _with_names_alone(head: str) -> tuple[str, int]:
    """Returns the head with blank lines in place of marks and types, and how many these are."""
    lines = head.split("\n")
    marks = _marks(lines[:_MOST_LINES])
    blanked = {*marks.values(), marks["#TYPES"] + 1}
    return "\n".join("" if i in blanked else line for i, line in enumerate(lines)), len(blanked)


def read_dataset_export(
    text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress
) -> SourceTable:
    """Returns the rows under their names. Raises what delimited text raises."""
    if not recognise(text.head(_HEAD_BYTES)):
        return read_delimited(text, file_name, options, limits, progress)
    body, blanked = _with_names_alone(text.data.decode("utf-8"))
    table = read_delimited(Text(body.encode(), text.facts), file_name, _given(options), limits, progress)
    table.counts = table.counts.without_blanked({"preamble": blanked})
    return table


def _given(options: ReadOptions) -> ReadOptions:
    return replace(options, header_row=2 if options.header_row is None else options.header_row)


def _rewritten(text: Text, options: ReadOptions, limits: Limits, directory: Path) -> Rewritten | None:
    """Returns a large data set as delimited text with as many lines."""
    blocks = text.blocks(_BLOCK)
    first = b"".join(islice(blocks, 1))
    cut = first.rfind(b"\n") + 1
    if not recognise(first[:cut].decode("utf-8", "replace")):
        return None
    head, blanked = _with_names_alone(first[:cut].decode("utf-8"))
    target = directory / "dataset.csv"
    with target.open("wb") as out:
        out.writelines(chain((head.encode(), first[cut:]), blocks))
    body = Text(target, text.facts, 0, target.stat().st_size)
    fact = Fact("header", "#NAMES", "the names stand below this mark")
    return Rewritten(body, _given(options), {"preamble": blanked}, (fact,))


FORMAT = TextFormat("ignition_dataset", recognise, read_dataset_export, rewritten=_rewritten)
