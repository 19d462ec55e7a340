"""LabVIEW measurement files (.lvm): a file header, then segments with their own header and X_Value columns.

Reads separators, decimal marks, channel names and units from the headers. Times are the segment's start plus X. With
one X column a segment is one table; with an X column a channel the channels are placed by their own times.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.registry import Rewritten, TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.headings.column_names import unique_names
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, LineCounts, Progress, Reject, SourceTable, numbered

END = "***End_of_Header***"
_SEPARATOR = re.compile(r"^Separator[\t,;](Comma|Semicolon|Tab)", re.I)
LONGEST = 1e9
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
    refuse_beyond("bytes", len(text.data), limits.scada_bytes)
    refuse_beyond("rows", len(lines), limits.rows)
    header_end = next((i for i, line in enumerate(lines) if line.startswith(END)), None)
    if header_end is None:
        raise SensorForgeError("FILE_CORRUPT", f"{file_name}: the LabVIEW header has no {END}.")
    separator = separator_of(lines[:header_end])
    fields = fields_of(lines[:header_end], separator)
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
        rows=accounted["rows"],
        preamble=accounted["preamble"] + between,
        header=accounted["header"],
        rejected=len(rejects),
        blank=accounted["blank"],
    )
    line_numbers = frame["\0line"]
    row_numbers = numbered(frame.height)
    if rejects and frame.height == accounted["rows"]:
        records = np.sort(np.append(line_numbers.to_numpy(), [r.line for r in rejects]))
        row_numbers = pl.Series(np.searchsorted(records, line_numbers.to_numpy()) + 1, dtype=pl.Int64)
        rejects = [replace(r, row=int(np.searchsorted(records, r.line)) + 1) for r in rejects]
    return SourceTable(
        frame=frame.drop("\0line"),
        counts=counts,
        row_numbers=row_numbers,
        line_numbers=line_numbers,
        units=units,
        facts=[*text.facts, Fact("decimal", decimal, "LabVIEW header"), Fact("segments", str(len(segments)), END)],
        rejects=rejects,
        decimal=decimal,
    )


def separator_of(header: Sequence[str]) -> str:
    """Returns what the lines of the file's header say stands between cells."""
    named = next((m for line in header if (m := _SEPARATOR.match(line))), None)
    return {"comma": ",", "semicolon": ";"}.get(named[1].lower(), "\t") if named else "\t"


def fields_of(header: Sequence[str], separator: str) -> dict[str, str]:
    """Returns the entries of the file's header."""
    return dict(_pair(line, separator) for line in header)


def properties_of(header: Sequence[str], separator: str) -> dict[str, list[str]]:
    """Returns the entries of a segment's header, one value a channel."""
    return {line.split(separator)[0].strip(): line.split(separator)[1:] for line in header if line.strip()}


def _pair(line: str, separator: str) -> tuple[str, str]:
    parts = line.split(separator)
    return parts[0].strip(), parts[1].strip() if len(parts) > 1 else ""


_Segment = tuple[list[str], list[str], list[tuple[int, str]]]


def _segments(lines: list[str], start: int, separator: str) -> list[_Segment]:
    """Returns (header lines, column names, numbered data lines) of every segment."""
    found: list[_Segment] = []
    at = start
    while at < len(lines):
        end = next((i for i in range(at, len(lines)) if lines[i].startswith(END)), None)
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


@dataclass(frozen=True)
class _Channel:
    """A channel's name, its texts, its unit and the X of each text, in seconds from `start` where that is known."""

    name: str
    texts: list[str | None]
    unit: str
    start: dt.datetime | None
    xs: list[float | None]


def _read_segment(
    segment: _Segment,
    separator: str,
    decimal: str,
    fields: dict[str, str],
    rejects: list[Reject],
    accounted: dict[str, int],
) -> tuple[pl.DataFrame, dict[str, str]]:
    header, names, data = segment
    properties = properties_of(header, separator)
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
    channels = channels_of(names, columns, properties, fields, decimal)
    lines = pl.Series("\0line", numbers, dtype=pl.Int64)
    comment = columns[names.index("Comment")] if "Comment" in names else []
    if all(c.start == channels[0].start and c.xs == channels[0].xs for c in channels[1:]):
        frame = _one_clock(channels, lines, comment)
    else:
        frame = _own_clocks(channels, lines)
    return frame, {c.name: c.unit for c in channels if c.unit}


def channels_of(
    names: list[str],
    columns: list[list[str | None]],
    properties: dict[str, list[str]],
    fields: dict[str, str],
    decimal: str,
) -> list[_Channel]:
    """Returns the channels of a segment, from its names, the texts of its columns and its header's properties."""
    xs = [i for i, n in enumerate(names) if n == "X_Value"]
    channel_at = [i for i, n in enumerate(names) if n not in ("X_Value", "Comment")]
    labels = unique_names([names[i] for i in channel_at])
    # Property lines have one entry a channel: under its X column where each channel has one, else in order.
    per_channel = len(xs) == len(channel_at) and len(xs) > 1
    found = []
    for order, (at, label) in enumerate(zip(channel_at, labels, strict=True)):
        where = at - 1 if per_channel else order

        def property_of(name: str, where: int = where) -> str:
            entries = [e.strip() for e in properties.get(name, [])]
            return (entries[where] if where < len(entries) else "") or next((e for e in entries if e), "")

        x_texts = columns[at - 1 if per_channel else xs[0]] if xs else []
        x_values = [number_of(x or "", decimal) for x in x_texts]
        step = number_of(property_of("Delta_X"), decimal)
        if all(x is None for x in x_values) and step:
            first = number_of(property_of("X0"), decimal) or 0.0
            x_values = [first + i * step for i in range(len(columns[at]))]
        units = [u.strip() for u in properties.get("Y_Unit_Label", [])]
        start = _start(property_of("Date") or fields.get("Date", ""), property_of("Time") or fields.get("Time", ""))
        found.append(_Channel(label, columns[at], units[where] if where < len(units) else "", start, x_values))
    return found


def _instants(start: dt.datetime, xs: list[float | None]) -> pl.Series:
    moments = [start + dt.timedelta(microseconds=round(x * 1e6)) if x is not None and abs(x) <= LONGEST else None
               for x in xs]  # fmt: skip
    return pl.Series("timestamp", moments, dtype=pl.Datetime("us"))


def _one_clock(channels: list[_Channel], lines: pl.Series, comment: list[str | None]) -> pl.DataFrame:
    columns = [lines]
    if channels and any(x is not None for x in channels[0].xs):
        if channels[0].start is not None:
            columns.append(_instants(channels[0].start, channels[0].xs))
        columns.append(pl.Series("X_Value", channels[0].xs, dtype=pl.Float64))
    columns += [pl.Series(c.name, c.texts, dtype=pl.String) for c in channels]
    if any(comment):
        columns.append(pl.Series("Comment", comment, dtype=pl.String))
    return pl.DataFrame(columns)


def _own_clocks(channels: list[_Channel], lines: pl.Series) -> pl.DataFrame:
    """Returns the channels side by side, each at its own times; a channel slower than another leaves cells empty."""
    timed = all(c.start is not None for c in channels)
    key = "timestamp" if timed else "X_Value"
    parts = []
    for channel in channels:
        at = _instants(channel.start, channel.xs) if timed and channel.start else pl.Series(key, channel.xs, pl.Float64)
        values = pl.Series("value", channel.texts, dtype=pl.String)
        part = pl.DataFrame([at, values, lines]).with_columns(pl.lit(channel.name).alias("channel"))
        parts.append(part.filter(pl.col(key).is_not_null() & pl.col("value").is_not_null()))
    samples = pl.concat(parts)
    names = [c.name for c in channels]
    wide = samples.pivot(on="channel", on_columns=names, index=key, values="value", aggregate_function="last")
    first = samples.group_by(key).agg(pl.col("\0line").min())
    return wide.join(first, on=key, how="left").sort(key).select("\0line", key, *names)


def number_of(text: str, decimal: str) -> float | None:
    """Returns the number that a text is under a decimal mark, or None."""
    try:
        return float(text.replace(decimal, ".") if decimal != "." else text)
    except ValueError:
        return None


def _start(date: str, time: str) -> dt.datetime | None:
    match = re.match(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})$", date.strip())
    clock = re.match(r"(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d+))?", time.strip())
    if not match or not clock:
        return None
    micro = round(float("0." + (clock[4] or "0")) * 1e6)
    try:
        base = dt.datetime(int(match[1]), int(match[2]), int(match[3]), int(clock[1]), int(clock[2]), int(clock[3]))
    except ValueError:
        return None
    return base + dt.timedelta(microseconds=micro)


def _rewritten(text: Text, options: ReadOptions, limits: Limits, directory: Path) -> Rewritten | None:
    from services.ingest.formats.lvm_lines import rewritten

    return rewritten(text, options, limits, directory)


FORMAT = TextFormat("lvm", recognise, read_lvm, rewritten=_rewritten)
