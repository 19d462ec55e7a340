"""Influx line protocol: `measurement,tag=value field=1.5 1710395880000000000`, one point a line, turned wide.

Fields of one measurement keep their names; measurement and tags come before them only where they differ. A line that is
none of the protocol is a reject; a point without a time cannot be placed and is one, too.

Source: InfluxDB, Line protocol reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.json_series import named_by_labels
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.headings.column_names import unique_names
from services.ingest.layouts.clock import utc_times
from services.ingest.layouts.pivot import pivot
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import LineCounts, Progress, Reject, SourceTable, numbered, silent

_FIELD = r'(?:\\.|[^=,\\ ])+=(?:"(?:\\.|[^"\\])*"|[^", =]+)'
_LINE = re.compile(
    r"((?:\\.|[^ ,\\])+(?:,(?:\\.|[^ =\\,])+=(?:\\.|[^ ,\\])+)*) " + rf"({_FIELD}(?:,{_FIELD})*)(?: (-?\d{{10,19}}))?"
)
_EACH_FIELD = re.compile(r'((?:\\.|[^=,\\ ])+)=("(?:\\.|[^"\\])*"|[^", =]+)')
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")
_UNESCAPED_EQUAL = re.compile(r"(?<!\\)=")
_ESCAPED = re.compile(r"\\([ ,=\\\"])")
_VALUE = re.compile(r"-?[\d.]+(?:[eE][+-]?\d+)?[iu]?|[tTfF]|true|false|TRUE|FALSE|True|False|\".*\"", re.S)
_TRUTHS = {"t": "true", "true": "true", "f": "false", "false": "false"}


def recognise(head: str) -> str:
    """Returns why a text is line protocol, or ""."""
    lines = head.split("\n")[:-1] or [head]
    points = list(islice((line.rstrip("\r") for line in lines if line.strip() and line[0] != "#"), 20))
    found = [match for line in points if (match := _LINE.fullmatch(line)) and match[3]]
    if len(found) < max(1, 0.8 * len(points)):
        return ""
    typed = all(_VALUE.fullmatch(value) for match in found for _, value in _EACH_FIELD.findall(match[2]))
    return f"{len(found)} of the first {len(points)} lines are points of Influx line protocol" if typed else ""


@dataclass
class _Points:
    """All points of a text, read from its beginning to its end, with an account of its lines."""

    text: Text
    file_name: str
    limits: Limits
    progress: Progress = silent
    lines: int = 0
    preamble: int = 0
    blank: int = 0
    row: int = 0
    rejects: list[Reject] = field(default_factory=list)
    known: dict[tuple[str, str], int] = field(default_factory=dict)
    """Measurement with tags, and field, of every series; its number."""

    def blocks(self) -> Iterator[pl.DataFrame]:
        """Yields time, tag (the number of the series), value and line of the samples. Raises NO_ROWS."""
        refuse_beyond("bytes", self.text.size, self.limits.scada_bytes)
        read, any_sample = 0, False
        for passage in self.text.passages(self.limits.line_bytes):
            self.progress("reading", read, self.text.size)
            read += len(passage)
            samples = self._samples(passage.removesuffix("\n").split("\n"))
            any_sample = any_sample or samples.height > 0
            yield samples
        if not any_sample:
            raise SensorForgeError("NO_ROWS", f"{self.file_name} has no point with a time.")

    def names(self, tags: Sequence[str]) -> list[str]:
        """Returns what the series of these numbers are called."""
        # A field may be called as the time is here.
        _, *names = unique_names(["timestamp", *_names(list(self.known))])
        return [names[int(tag)] for tag in tags]

    def described(self) -> SourceTable:
        rejected = len(self.rejects)
        counts = LineCounts(
            self.lines, self.row - rejected, preamble=self.preamble, rejected=rejected, blank=self.blank
        )
        empty = pl.Series([], dtype=pl.Int64)
        frame = pl.DataFrame(schema={"time": pl.String})
        return SourceTable(frame, counts, empty, empty, facts=[*self.text.facts], rejects=self.rejects, decimal=".")

    def _samples(self, lines: list[str]) -> pl.DataFrame:
        times: list[str] = []
        series: list[str] = []
        values: list[str] = []
        at: list[int] = []
        for line in lines:
            self.lines += 1
            line = line.rstrip("\r")
            if not line.strip():
                self.blank += 1
                continue
            match = _LINE.fullmatch(line)
            if line[0] == "#" or (match is None and not self.row):
                self.preamble += 1
                continue
            self.row += 1
            refuse_beyond("rows", self.row, self.limits.rows)
            if match is None or match[3] is None:
                reason = "NO_TIME" if match else "NOT_A_POINT"
                self.rejects.append(Reject(self.row, self.lines, reason, line[:500]))
                continue
            for name, value in _EACH_FIELD.findall(match[2]):
                series.append(str(self.known.setdefault((match[1], name), len(self.known))))
                times.append(match[3])
                values.append(_plain(value))
                at.append(self.lines)
        return pl.DataFrame(
            [
                pl.Series("time", times, dtype=pl.String).cast(pl.Int64, strict=False),
                pl.Series("tag", series, dtype=pl.String),
                pl.Series("value", values, dtype=pl.String),
                pl.Series("line", at, dtype=pl.Int64),
            ]
        )


def read_points(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns one row a time, one text column a series; `timestamp` is UTC. Raises NO_ROWS, INGEST_LIMIT."""
    points = _Points(text, file_name, limits)
    samples = pl.concat(list(points.blocks()))
    series = list(map(str, range(len(points.known))))
    stamps, fact = utc_times(samples["time"].cast(pl.String), options, file_name)
    named = samples["tag"].replace_strict(series, points.names(series), return_dtype=pl.String)
    wide, counts, _, lines = pivot(samples.with_columns(stamps, named, pl.lit(True).alias("good")), limits)
    if wide.height == 0:
        raise SensorForgeError("NO_ROWS", f"{file_name} has no point with a time that can be read.")
    described = points.described()
    return replace(
        described,
        frame=wide,
        row_numbers=numbered(wide.height),
        line_numbers=lines,
        facts=[*described.facts, fact],
        samples=counts,
    )


def _names(known: list[tuple[str, str]]) -> list[str]:
    labels = []
    for head, name in known:
        measurement, *tags = _UNESCAPED_COMMA.split(head)
        pairs = (_UNESCAPED_EQUAL.split(tag, maxsplit=1) for tag in tags)
        labels.append(
            {"\0field": "", "\0measurement": _bare(measurement)}
            | {_bare(key): _bare(value) for key, value in pairs}
            | {"\0field": _bare(name)}
        )
    # The field stands last, and alone where nothing else differs.
    ordered = [{k: v for k, v in one.items() if k != "\0field"} | {"\0field": one["\0field"]} for one in labels]
    if len({tuple(o.items()) for o in ordered}) == 1 or all(len({o.get(k) for o in ordered}) == 1 for k in ordered[0]):
        return [one["\0field"] for one in ordered]
    return named_by_labels(ordered)


def _bare(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _plain(value: str) -> str:
    """Returns a field's value as text: whole numbers without their mark, truth values in words, texts unquoted."""
    if value.startswith('"'):
        return _bare(value[1:-1])
    if value[-1] in "iu" and value[:-1].lstrip("-").isdigit():
        return value[:-1]
    return _TRUTHS.get(value.lower(), value)


FORMAT = TextFormat("line_protocol", recognise, read_points, _Points)
