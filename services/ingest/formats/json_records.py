"""The records of a large JSON text, block by block: one object a line, or one list of objects.

Each record is read by the strict decoder of the standard library, so a text is JSON here when it is JSON as a whole;
only what a block needs is in memory. Any other shape raises MustBeWhole.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from services.chassis.errors import SensorForgeError
from services.ingest.formats.json_file import STRICT, as_lines
from services.ingest.formats.registry import MustBeWhole
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits
from services.ingest.tables import Progress, Reject

BLOCK_BYTES = 4 << 20
_LONGEST_RECORD = 64 << 20
_SKIPPED = re.compile(r"[ \t\r\n]*")


@dataclass
class Records:
    """Records in order; those of lines with their lines and row numbers from 1."""

    records: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


class RecordBlocks(Protocol):
    """The records of a text and, once all blocks were read, the account of its lines."""

    shape: str
    total: int
    blank: int
    rejects: list[Reject]

    def blocks(self) -> Iterator[Records]:
        """Yields all records. Raises FILE_CORRUPT, INGEST_LIMIT, MustBeWhole."""


def records_of(text: Text, file_name: str, limits: Limits, progress: Progress, block_bytes: int) -> RecordBlocks | None:
    """Returns the records of a text that is lines or a list of objects; None for any other."""
    head = text.head()
    if as_lines(head):
        return Lines(text, limits, progress, block_bytes)
    return Listed(text, file_name, progress, block_bytes) if re.match(r"\s*\[\s*\{", head) else None


@dataclass
class Lines:
    """One JSON object a line; any other line is rejected."""

    text: Text
    limits: Limits
    progress: Progress
    block_bytes: int
    shape: str = "lines"
    total: int = 0
    blank: int = 0
    rejects: list[Reject] = field(default_factory=list)

    def blocks(self) -> Iterator[Records]:
        """See RecordBlocks."""
        self.total = self.blank = row = read = 0
        self.rejects = []
        for passage in self.text.passages(_LONGEST_RECORD, self.block_bytes):
            block = Records()
            for line in passage.removesuffix("\n").split("\n"):
                self.total += 1
                if not line.strip():
                    self.blank += 1
                    continue
                row += 1
                try:
                    value = STRICT.decode(line)
                except (ValueError, RecursionError):
                    self.rejects.append(Reject(row, self.total, "NOT_JSON", line[:500]))
                    continue
                if isinstance(value, list) and value and isinstance(value[0], dict):
                    raise MustBeWhole
                if not isinstance(value, dict):
                    self.rejects.append(Reject(row, self.total, "NOT_AN_OBJECT", line[:500]))
                    continue
                block.records.append(value)
                block.lines.append(self.total)
                block.rows.append(row)
            read += len(passage)
            self.progress("reading", min(read, self.text.size), self.text.size)
            yield block


@dataclass
class Listed:
    """One list of JSON objects, which may lie anywhere on its lines."""

    text: Text
    file_name: str
    progress: Progress
    block_bytes: int
    shape: str = "records"
    total: int = 0
    blank: int = 0
    rejects: list[Reject] = field(default_factory=list)

    def blocks(self) -> Iterator[Records]:
        """See RecordBlocks."""
        pieces = self._pieces()
        held = next(pieces, "")
        while "[" not in held:
            held += next(pieces)
        at = _blank_to(held, held.index("[") + 1)
        self.total = 0
        block = Records()
        while True:
            # Here a record must begin: after the bracket, or after a comma.
            try:
                record, after = STRICT.raw_decode(held, at)
                after = _blank_to(held, after)
                cut = after == len(held)
            except RecursionError as error:
                raise SensorForgeError("INGEST_LIMIT", f"{self.file_name} nests deeper than 64 levels.") from error
            except ValueError as error:
                record, after, cut = error, at, True
            if cut and (more := next(pieces, "")):
                if len(held) - at > _LONGEST_RECORD:
                    raise MustBeWhole
                if block.records:
                    yield block
                    block = Records()
                held = held[at:] + more
                at = _blank_to(held, 0)
                continue
            if isinstance(record, ValueError):
                raise self._corrupt(str(record)) from record
            if not isinstance(record, dict):
                raise MustBeWhole
            block.records.append(record)
            self.total += 1
            match held[after : after + 1]:
                case ",":
                    at = _blank_to(held, after + 1)
                case "]":
                    at = after + 1
                    break
                case other:
                    raise self._corrupt(f"{other!r} stands behind it where ',' or ']' belongs")
        yield block
        for rest in (held[at:], *pieces):
            if _blank_to(rest, 0) < len(rest):
                raise self._corrupt("more follows behind the list")

    def _pieces(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")()
        read = 0
        for block in self.text.blocks(self.block_bytes):
            read += len(block)
            self.progress("reading", read, self.text.size)
            if piece := decoder.decode(block):
                yield piece

    def _corrupt(self, why: str) -> SensorForgeError:
        where = f"record {self.total:,} of its list"
        return SensorForgeError("FILE_CORRUPT", f"{self.file_name} is not valid JSON at {where}: {why}.")


def _blank_to(text: str, at: int) -> int:
    """Returns where the next character stands that is no white space."""
    match = _SKIPPED.match(text, at)
    return match.end() if match else at
