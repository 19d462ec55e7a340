"""Influx line protocol: `measurement,tag=value field=1.5 1710395880000000000`, one point a line, turned wide.

Fields of one measurement keep their names; measurement and tags come before them only where they differ. A line that is
none of the protocol is a reject; a point without a time cannot be placed and is one, too.

Source: InfluxDB, Line protocol reference.
"""

from __future__ import annotations

import re
from itertools import islice

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.clock import utc_times
from services.ingest.formats.json_series import named_by_labels
from services.ingest.formats.pivot import pivot
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.records import count_lines
from services.ingest.tables import LineCounts, Progress, Reject, SourceTable, numbered

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


def read_points(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns one row a time, one text column a series; `timestamp` is UTC. Raises NO_ROWS, INGEST_LIMIT."""
    refuse_beyond("bytes", text.size, limits.scada_bytes)
    times: list[str] = []
    series: list[int] = []
    values: list[str] = []
    at: list[int] = []
    rejects: list[Reject] = []
    known: dict[tuple[str, str], int] = {}
    preamble = blank = row = 0
    for number, line in enumerate(text.data.decode("utf-8").split("\n"), 1):
        line = line.rstrip("\r")
        if not line.strip():
            blank += 1
            continue
        match = _LINE.fullmatch(line)
        if line[0] == "#" or (match is None and not row):
            preamble += 1
            continue
        row += 1
        refuse_beyond("rows", row, limits.rows)
        if match is None or match[3] is None:
            rejects.append(Reject(row, number, "NO_TIME" if match else "NOT_A_POINT", line[:500]))
            continue
        for field, value in _EACH_FIELD.findall(match[2]):
            series.append(known.setdefault((match[1], field), len(known)))
            times.append(match[3])
            values.append(_plain(value))
            at.append(number)
    if not times:
        raise SensorForgeError("NO_ROWS", f"{file_name} has no point with a time.")
    total = count_lines(text.data)
    names = _names(list(known))
    stamps, fact = utc_times(pl.Series("time", times, dtype=pl.String), options, file_name)
    samples = pl.DataFrame(
        {"time": stamps, "tag": pl.Series([names[i] for i in series]), "value": values, "line": at}
    ).with_columns(pl.lit(True).alias("good"))
    wide, counts, _, lines = pivot(samples, limits)
    if wide.height == 0:
        raise SensorForgeError("NO_ROWS", f"{file_name} has no point with a time that can be read.")
    blank -= text.data.endswith(b"\n")
    return SourceTable(
        frame=wide,
        counts=LineCounts(total, row - len(rejects), preamble=preamble, rejected=len(rejects), blank=blank),
        row_numbers=numbered(wide.height),
        line_numbers=lines,
        facts=[*text.facts, fact],
        rejects=rejects,
        decimal=".",
        samples=counts,
    )


def _names(known: list[tuple[str, str]]) -> list[str]:
    labels = []
    for head, field in known:
        measurement, *tags = _UNESCAPED_COMMA.split(head)
        pairs = (_UNESCAPED_EQUAL.split(tag, maxsplit=1) for tag in tags)
        labels.append(
            {"\0field": "", "\0measurement": _bare(measurement)}
            | {_bare(key): _bare(value) for key, value in pairs}
            | {"\0field": _bare(field)}
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


FORMAT = TextFormat("line_protocol", recognise, read_points)
