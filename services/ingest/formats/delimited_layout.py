"""How a delimited text is split into cells, and what may be a row of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.ingest.limits import Limits
from services.ingest.options import WHITESPACE, ReadOptions
from services.ingest.text.dialect import Dialect
from services.ingest.text.plain_lines import PlainLines
from services.ingest.text.quoting import split_quoted
from services.ingest.text.record_blocks import Block

REJECTED_TEXT = 500


@dataclass(frozen=True)
class Layout:
    """How a text is split: what was detected, what was asked for, and what a row may be.

    `blanked` counts lines of preamble and header that were made blank before the text came here.
    """

    dialect: Dialect
    options: ReadOptions
    limits: Limits
    file_name: str
    blanked: Mapping[str, int] = field(default_factory=dict)

    @property
    def lines(self) -> PlainLines:
        return PlainLines(self.dialect.delimiter, self.dialect.escaped)

    @property
    def delimiter(self) -> str:
        """The one character between fields once the lines are plain."""
        return self.lines.byte

    @property
    def quote(self) -> str:
        """The quote; the usual one where the head of the file has none, since more may follow."""
        if self.dialect.delimiter == WHITESPACE:
            return ""
        return self.dialect.quote if self.options.quote is not None or self.dialect.quote else '"'

    def fields(self, block: Block, index: int) -> list[str]:
        """Returns the cells of one record."""
        text = block.data[block.records.start[index] : block.records.end[index]].decode("utf-8", "replace")
        quoted = bool(self.quote) and self.quote in text
        cells = split_quoted(text, self.delimiter, self.quote)[0] if quoted else text.split(self.delimiter or "\n")
        return cells if self.lines.rewrite is None else [self.lines.restored(c) for c in cells]

    def shown(self, block: Block, index: int) -> str:
        """Returns the beginning of a record as the file has it."""
        data = block.data[block.records.start[index] : block.records.end[index]][:REJECTED_TEXT]
        return self.lines.restored(data.decode("utf-8", "replace").replace("\0", "\u2400"))
