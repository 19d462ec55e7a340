"""Delimiters that are not one byte (runs of blanks, "||", "§") and delimiters after a backslash, made one byte.

Records are found and parsed with one byte between fields. Lines that are written otherwise are rewritten before that,
as many lines as there were; in cells that hold such a text after all (inside quotes) it is put back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from services.ingest.options import WHITESPACE

_BLANKS = re.compile(rb"[ \t]+")
_EDGE_TABS = re.compile(rb"^\t|\t(?=\r?$)", re.M)
_BETWEEN, _DELIMITER, _BACKSLASH = "\x1f", "\x1e", "\x1d"
"""Control characters of ASCII that separate units, records and groups: they stand in for the texts above."""


@dataclass(frozen=True)
class PlainLines:
    """How fields are parted: any text, and whether a backslash before it makes it part of the cell."""

    delimiter: str
    escaped: bool = False

    @property
    def byte(self) -> str:
        """The one character between fields of rewritten lines; "" where a line is one field."""
        if self.delimiter == WHITESPACE:
            return "\t"
        return self.delimiter if len(self.delimiter.encode()) <= 1 else _BETWEEN

    @property
    def rewrite(self) -> Callable[[bytes], bytes] | None:
        """Rewrites whole lines; None where they are plain already."""
        if self.delimiter == WHITESPACE:
            return _single_tabs
        return self._replaced if self.escaped or self.byte != self.delimiter else None

    def restored(self, text: str) -> str:
        """Returns a cell as the file has it."""
        if self.escaped:
            text = text.replace(_DELIMITER, self.delimiter).replace(_BACKSLASH, "\\")
        return text if self.byte in (self.delimiter, "\t") else text.replace(_BETWEEN, self.delimiter)

    def restored_columns(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Returns a table with the cells of its text columns as the file has them."""
        if self.rewrite in (None, _single_tabs):
            return frame
        texts = pl.col(pl.String)
        if self.escaped:
            texts = texts.str.replace_all(_DELIMITER, self.delimiter, literal=True)
            texts = texts.str.replace_all(_BACKSLASH, "\\", literal=True)
        if self.byte != self.delimiter:
            texts = texts.str.replace_all(_BETWEEN, self.delimiter, literal=True)
        return frame.with_columns(texts)

    def _replaced(self, lines: bytes) -> bytes:
        delimiter = self.delimiter.encode()
        if self.escaped:
            after_backslash = {b"\\": _BACKSLASH.encode(), delimiter: _DELIMITER.encode()}
            pattern = rb"\\(\\|" + re.escape(delimiter) + rb")"
            lines = re.sub(pattern, lambda match: after_backslash[match[1]], lines)
        return lines if self.byte == self.delimiter else lines.replace(delimiter, self.byte.encode())


def _single_tabs(lines: bytes) -> bytes:
    return _EDGE_TABS.sub(b"", _BLANKS.sub(b"\t", lines))
