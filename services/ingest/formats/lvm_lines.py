"""Large LabVIEW measurement files rewritten as delimited text, line for line, to be read block by block.

Every line of data gets its time in front; lines of headers become blank ones, so that numbers of lines hold. Files
whose channels have clocks of their own, or whose segments differ, are left to lvm.py.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from services.ingest.formats.lvm import END, LONGEST, channels_of, fields_of, number_of, properties_of, separator_of
from services.ingest.formats.registry import Rewritten
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact

_COMMENT = "Comment"


class _Declined(Exception):
    """The file is none of those that can be rewritten."""


def rewritten(text: Text, options: ReadOptions, limits: Limits, directory: Path) -> Rewritten | None:
    """Returns the rewritten text; None where the table can only be made of all of it."""
    refuse_beyond("bytes", text.size, limits.scada_bytes)
    target = directory / "lvm.lines"
    try:
        with target.open("wb") as out:
            writer = _Writer(out, options)
            for line in _lines(text, limits):
                writer.take(line)
            writer.finish()
    except _Declined:
        target.unlink()
        return None
    layout = replace(
        options,
        delimiter=writer.separator,
        quote="",
        decimal=writer.decimal,
        header_row=writer.header_line,
        units_row=False,
    )
    facts = (
        Fact("decimal", writer.decimal, "LabVIEW header"),
        Fact("segments", str(writer.segments), END),
    )
    blanked = {"preamble": writer.preamble, "header": writer.segments - 1}
    return Rewritten(Text(target, text.facts, 0, target.stat().st_size), layout, blanked, facts, tuple(writer.units))


def _lines(text: Text, limits: Limits) -> Iterator[str]:
    for passage in text.passages(limits.line_bytes):
        yield from passage.removesuffix("\n").split("\n")


@dataclass
class _Writer:
    """Takes line after line and writes what becomes of it."""

    out: BinaryIO
    options: ReadOptions
    separator: str = "\t"
    decimal: str = "."
    header_line: int = 0
    """Line of the first names, from 1."""
    segments: int = 0
    preamble: int = 0
    units: tuple[str, ...] = ()
    _number: int = 0
    _head: tuple[str, ...] | None = None
    _above: list[str] | None = None
    _names: tuple[str, ...] = ()
    _start: dt.datetime | None = None
    _fields: dict[str, str] | None = None
    _commented: bool = False
    _names_at: int = 0

    def take(self, line: str) -> None:
        self._number += 1
        line = line.rstrip("\r")
        if self._fields is None:
            self._file_header(line)
        elif line.startswith("X_Value"):
            self._segment(line)
        elif self._above is not None or line.startswith(("Channels", "Notes")):
            self._above = [*(self._above or ()), line]
            self._blank()
        elif not line.strip():
            self.out.write(b"\n")
        else:
            self._row(line)

    def finish(self) -> None:
        """Takes the name of the comments away where there are none. Raises _Declined for a file without data."""
        if not self.segments:
            raise _Declined
        if self._names[-1] == _COMMENT and not self._commented:
            self.out.seek(self._names_at - len(_COMMENT))
            self.out.write(b" " * len(_COMMENT))

    def _blank(self) -> None:
        self.preamble += 1
        self.out.write(b"\n")

    def _file_header(self, line: str) -> None:
        self._head = (*(self._head or ()), line)
        if line.startswith(END):
            self.separator = separator_of(self._head)
            self._fields = fields_of(self._head, self.separator)
            self.decimal = self.options.decimal or self._fields.get("Decimal_Separator", "").strip() or "."
            self._above = []
            if self.decimal not in (".", ","):
                raise _Declined
        elif len(self._head) > 1000:
            raise _Declined
        self._blank()

    def _segment(self, line: str) -> None:
        names = tuple(n.strip() for n in line.rstrip(self.separator + " ").split(self.separator))
        above = self._above or []
        end = next((i for i, text in enumerate(above) if text.startswith(END)), None)
        properties = properties_of(above[:end] if end is not None else [], self.separator)
        channels = channels_of(list(names), [[] for _ in names], properties, self._fields or {}, self.decimal)
        starts = {c.start for c in channels}
        comment_last = _COMMENT not in names[:-1]
        if (
            len(starts) != 1
            or names.count("X_Value") != 1
            or not comment_last
            or (self._names and names != self._names)
        ):
            raise _Declined
        start = starts.pop()
        if self.segments and (start is None) != (self._start is None):
            raise _Declined
        self.segments, self._names, self._start, self._above = self.segments + 1, names, start, None
        if self.segments > 1:
            self.out.write(b"\n")
            return
        labels = iter(c.name for c in channels)
        shown = [n if n in ("X_Value", _COMMENT) else next(labels) for n in names]
        units = {c.name: c.unit for c in channels}
        columns = ["timestamp", *shown] if start is not None else shown
        self.units = tuple(units.get(c, "") for c in columns)
        self.header_line = self._number
        self.out.write(self.separator.join(columns).encode())
        self._names_at = self.out.tell()
        self.out.write(b"\n")

    def _row(self, line: str) -> None:
        x_text, *rest = line.split(self.separator)
        x = number_of(x_text.strip(), self.decimal)
        width = len(self._names)
        if x is None:
            raise _Declined
        if any(c.strip() for c in rest[width - 1 :]):
            cells = rest
        else:
            cells = (rest + [""] * width)[: width - 1]
            self._commented = self._commented or (self._names[-1] == _COMMENT and bool(cells[-1].strip()))
        at = repr(x).replace(".", self.decimal)
        if self._start is not None:
            when = self._start + dt.timedelta(microseconds=round(x * 1e6)) if abs(x) <= LONGEST else None
            at = f"{when.isoformat(' ', 'microseconds') if when else ''}{self.separator}{at}"
        self.out.write(f"{at}{self.separator}{self.separator.join(cells)}\n".encode())
