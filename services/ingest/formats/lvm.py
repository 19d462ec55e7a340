"""LabVIEW measurement files (.lvm): a file header, then segments with their own header and X_Value columns.

Reads separators, decimal marks, channel names and units from the headers. Times are the segment's start plus X. With
one X column a segment is one table; with an X column a channel the channels are placed by their own times.
"""

from __future__ import annotations

import datetime as dt
import re

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.names import unique_names
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, LineCounts, Progress, Reject, SourceTable, numbered

_END = "***End_of_Header***"
_LONGEST = 1e9
"""Seconds; an X beyond it (31 years) is no time since the start."""


def recognise(head: str) -> str:
    """Returns why a text is a LabVIEW measurement file, or ""."""
    first = head.lstrip("\ufeff").split("\n", 1)[0]
    return "first line says LabVIEW Measurement" if first.startswith("LabVIEW Measurement") else ""


def read_lvm(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns all segments as one table. Raises FILE_CORRUPT, NO_ROWS."""
    lines = text.data.decode("utf-8").replace("\r\n", "\n").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    refuse_beyond("rows", len(lines), limits.rows)
    header_end = next((i for i, line in enumerate(lines) if line.startswith(_END)), None)
    if header_end is None:
        raise SensorForgeError("FILE_CORRUPT", f"{file_name}: the LabVIEW header has no {_END}.")
    separator = "," if any(re.match(r"^Separator[\t,]Comma", line) for line in lines[:header_end]) else "\t"
    fields = dict(_pair(line, separator) for line in lines[:header_end])
    decimal = options.decimal or fields.get("Decimal_Separator", "").strip() or "."
    segments = _segments(lines, header_end + 1, separator)
    if not segments:
        raise SensorForgeError("NO_ROWS", f"{file_name} has a LabVIEW header and no data.")
    parts: list[pl.DataFrame] = []
    units: dict[str, str] = {}
    rejects: list[Reject] = []
    accounted = {"preamble": header_end + 1, "header": 0, "rows": 0, "blank": 0}
    for segment in segments:
        part, found = _read_segment(segment, separator, decimal, fields, rejects, accounted)
        parts.append(part)
        units |= found
    frame = pl.concat(parts, how="diagonal_relaxed")
    if frame.height == 0:
        raise SensorForgeError("NO_ROWS", f"{file_name} has LabVIEW headers and no data.")
    between = len(lines) - sum(accounted.values()) - len(rejects)
    counts = LineCounts(
        total=len(lines),
        rows=frame.height,
        preamble=accounted["preamble"] + between,
        header=accounted["header"],
        rejected=len(rejects),
        blank=accounted["blank"],
    )
    line_numbers = frame["\0line"]
    return SourceTable(
        frame=frame.drop("\0line"),
        counts=counts,
        row_numbers=numbered(frame.height),
        line_numbers=line_numbers,
        units=units,
        facts=[*text.facts, Fact("decimal", decimal, "LabVIEW header"), Fact("segments", str(len(segments)), _END)],
        rejects=rejects,
        decimal=decimal,
    )


def _pair(line: str, separator: str) -> tuple[str, str]:
    parts = line.split(separator)
    return parts[0].strip(), parts[1].strip() if len(parts) > 1 else ""


_Segment = tuple[list[str], list[str], list[tuple[int, str]]]


def _segments(lines: list[str], start: int, separator: str) -> list[_Segment]:
    """Returns (header lines, column names, numbered data lines) of every segment."""
    found: list[_Segment] = []
    at = start
    while at < len(lines):
        end = next((i for i in range(at, len(lines)) if lines[i].startswith(_END)), None)
        first = next((i for i in range(at, len(lines)) if lines[i].startswith("X_Value")), None)
        if first is None:
            break
        header = lines[at:end] if end is not None and end < first else []
        stop = next(
            (i for i in range(first + 1, len(lines)) if lines[i].startswith(("Channels", "Notes", "X_Value"))),
            len(lines),
        )
        found.append((header, lines[first].split(separator), [(i + 1, lines[i]) for i in range(first + 1, stop)]))
        at = stop
    return found


def _read_segment(
    segment: _Segment,
    separator: str,
    decimal: str,
    fields: dict[str, str],
    rejects: list[Reject],
    accounted: dict[str, int],
) -> tuple[pl.DataFrame, dict[str, str]]:
    header, names, data = segment
    properties = {line.split(separator)[0].strip(): line.split(separator)[1:] for line in header if line.strip()}
    accounted["header"] += 1
    names = [n.strip() for n in names]
    while names and not names[-1]:
        names.pop()
    width = len(names)
    rows: list[list[str | None]] = []
    numbers: list[int] = []
    for number, line in data:
        if not line.strip():
            accounted["blank"] += 1
            continue
        cells: list[str | None] = [c.strip() or None for c in line.split(separator)]
        if len(cells) > width and any(cells[width:]):
            rejects.append(Reject(len(rows) + len(rejects) + 1, number, "TOO_MANY_FIELDS", line[:500]))
            continue
        rows.append((cells + [None] * width)[:width])
        numbers.append(number)
    accounted["rows"] += len(rows)
    columns = [[r[i] for r in rows] for i in range(width)]
    xs = [i for i, n in enumerate(names) if n == "X_Value"]
    channel_at = [i for i, n in enumerate(names) if n not in ("X_Value", "Comment")]
    labels = unique_names([names[i] for i in channel_at])
    # Property lines have one entry a channel: under its X column where each channel has one, else in order.
    per_channel = len(xs) == len(channel_at) and len(xs) > 1
    frame: dict[str, pl.Series] = {"\0line": pl.Series("\0line", numbers, dtype=pl.Int64)}
    start = _start(properties, fields)
    step = _number(next(iter(properties.get("Delta_X", [])), ""), decimal)
    x_texts = columns[xs[0]] if xs else []
    x_values = [_number(x or "", decimal) for x in x_texts]
    if all(x is None for x in x_values) and step:
        x_values = [i * step for i in range(len(rows))]
    if start is not None and any(x is not None for x in x_values):
        micro = [
            start + dt.timedelta(microseconds=round(x * 1e6)) if x is not None and abs(x) <= _LONGEST else None
            for x in x_values
        ]
        frame["timestamp"] = pl.Series("timestamp", micro, dtype=pl.Datetime("us"))
    frame["X_Value"] = pl.Series("X_Value", x_values, dtype=pl.Float64)
    units = {}
    declared = [u.strip() for u in properties.get("Y_Unit_Label", [])]
    for order, (at, label) in enumerate(zip(channel_at, labels, strict=True)):
        frame[label] = pl.Series(label, columns[at], dtype=pl.String)
        where = at - 1 if per_channel else order
        if where < len(declared) and declared[where]:
            units[label] = declared[where]
    if "Comment" in names and any(columns[names.index("Comment")]):
        frame["Comment"] = pl.Series("Comment", columns[names.index("Comment")], dtype=pl.String)
    return pl.DataFrame(list(frame.values())), units


def _number(text: str, decimal: str) -> float | None:
    try:
        return float(text.replace(decimal, ".") if decimal != "." else text)
    except ValueError:
        return None


def _start(properties: dict[str, list[str]], fields: dict[str, str]) -> dt.datetime | None:
    date = next((d for d in properties.get("Date", []) if d.strip()), fields.get("Date", ""))
    time = next((t for t in properties.get("Time", []) if t.strip()), fields.get("Time", ""))
    match = re.match(r"(\d{4})/(\d{1,2})/(\d{1,2})$", date.strip())
    clock = re.match(r"(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d+))?", time.strip())
    if not match or not clock:
        return None
    micro = round(float("0." + (clock[4] or "0")) * 1e6)
    try:
        base = dt.datetime(int(match[1]), int(match[2]), int(match[3]), int(clock[1]), int(clock[2]), int(clock[3]))
    except ValueError:
        return None
    return base + dt.timedelta(microseconds=micro)


FORMAT = TextFormat("lvm", recognise, read_lvm)
