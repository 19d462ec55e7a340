"""The formats that ingest reads. To add one, write a module beside this one and list it here.

Three kinds of entry:
- a Container reads a file that its bytes identify (Parquet, workbooks, JSON);
- a TextFormat reads a text file that is more than delimited lines (LabVIEW, annotated CSV, block files);
- a Reshape turns a table that was read into the table that is meant (long to wide, blocks side by side).
Each recognises its input and gives the evidence; anything a text format does not claim is read as delimited text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Progress, SourceTable


@dataclass(frozen=True)
class Container:
    """`kind` as detect_container names it. `read` gets path, file name, options, limits, progress."""

    kind: str
    read: Callable[[Path, str, ReadOptions, Limits, Progress], SourceTable]


class SampleBlocks(Protocol):
    """The samples of a text, block by block: of a large one only a block is in memory."""

    def blocks(self) -> Iterator[pl.DataFrame]:
        """Yields time (text or Int64), tag, value (texts), line (Int64); raises MustBeWhole where blocks do not do."""

    def names(self, tags: Sequence[str]) -> list[str]:
        """Returns what the distinct tags are called, when all blocks were read."""

    def described(self) -> SourceTable:
        """Returns the account of all lines, with rejects and facts; its table has no rows."""


class MustBeWhole(Exception):
    """The table can only be made of all of the file."""


@dataclass(frozen=True)
class Rewritten:
    """A text as delimited lines, as many as it had, and how to read them.

    `blanked` counts the lines of preamble and header that are blank now; `units` has one entry a column.
    """

    text: Text
    options: ReadOptions
    blanked: Mapping[str, int]
    facts: tuple[Fact, ...] = ()
    units: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextFormat:
    """`recognise` gets the head of the text and returns the evidence, or "" when it is another format.

    `samples` and `rewritten`, where a format has one of them, read a large text in blocks.
    """

    name: str
    recognise: Callable[[str], str]
    read: Callable[[Text, str, ReadOptions, Limits, Progress], SourceTable]
    samples: Callable[[Text, str, Limits, Progress], SampleBlocks] | None = None
    rewritten: Callable[[Text, ReadOptions, Limits, Path], Rewritten | None] | None = None


@dataclass(frozen=True)
class Reshape:
    """`recognise` gets a table and the options and returns the evidence, or ""; `apply` returns the table meant."""

    name: str
    recognise: Callable[[SourceTable, ReadOptions], str]
    apply: Callable[[SourceTable, str, ReadOptions], SourceTable]


def containers() -> tuple[Container, ...]:
    """Returns the readers of files that their bytes identify; imported here so that a format costs only its users."""
    from services.ingest.formats import json_file, markup, parquet, workbook, xml_file

    tables = (parquet.CONTAINER, workbook.CONTAINER, markup.PAGE, markup.SPREADSHEETML)
    return (*tables, json_file.CONTAINER, xml_file.CONTAINER)


def text_formats() -> tuple[TextFormat, ...]:
    """Returns the text formats, the most specific first."""
    from services.ingest.formats import (
        arff,
        data_block,
        field_lines,
        fixed_width,
        guarded_cells,
        ignition_dataset,
        influx,
        key_values,
        levels,
        line_protocol,
        lvm,
        nem12,
        prefixed_json,
        protected_cells,
        quoted_lines,
        sections,
        stamped_lines,
        station_archive,
    )

    vendors = (
        arff.FORMAT,
        lvm.FORMAT,
        influx.FORMAT,
        data_block.FORMAT,
        line_protocol.FORMAT,
        nem12.FORMAT,
        station_archive.FORMAT,
    )
    lines = (levels.FORMAT, prefixed_json.FORMAT, key_values.FORMAT, stamped_lines.FORMAT, field_lines.FORMAT)
    quotes = (quoted_lines.FORMAT, protected_cells.FORMAT, guarded_cells.FORMAT)
    return (*vendors, ignition_dataset.FORMAT, fixed_width.FORMAT, sections.FORMAT, *lines, *quotes)


def reshapes() -> tuple[Reshape, ...]:
    """Returns the reshapes in order; the first that recognises a table is applied."""
    from services.ingest.formats import named_pairs
    from services.ingest.layouts import blocks, long, paired, transposed

    return (transposed.RESHAPE, blocks.RESHAPE, long.RESHAPE, paired.RESHAPE, named_pairs.RESHAPE)
