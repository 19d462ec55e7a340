"""Interval meter data of the Australian market (NEM12): one line a day and register, a value an interval.

Each register of a meter becomes a column `meter.suffix` at the beginning of its intervals. Only actual values (A) are
good; substituted, estimated and null ones become missing and are counted. Accumulated readings (NEM13) are refused.
Source: AEMO, Meter Data File Format Specification NEM12 and NEM13, version 2.2.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.layouts.pivot import pivoted
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, LineCounts, Progress, Reject, SourceTable, numbered
from services.ingest.values.timestamps import localised

_HEADER = re.compile(r"^\s*\"?100\"?,\"?(NEM1[23])\"?,")
_REGISTER = re.compile(r"^200,(?:[^,\n]*,){6}[^,\n]*,\s*(?:5|15|30)\b", re.M)
_DAY = re.compile(r"^300,[12]\d{7},", re.M)
_MINUTES_A_DAY = 1440
_ACTUAL = "A"
_VARIABLE = "V"
_ZONE = "market time is UTC+10 all year (--time-zone Australia/Brisbane)"


@dataclass
class _Register:
    """Which register of a meter the lines below belong to, and its interval in minutes."""

    tag: str
    unit: str
    minutes: int


@dataclass
class _Samples:
    times: list[dt.datetime] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    good: list[bool] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    day: slice = field(default_factory=lambda: slice(0, 0))
    """Where the samples of the last day stand, which lines of quality may follow."""


def recognise(head: str) -> str:
    """Returns why a text is interval meter data, or ""."""
    found = _HEADER.match(head)
    if found:
        return f"its first record is a header of {found[1]}"
    return "records 200 and 300 of NEM12" if _REGISTER.search(head) and _DAY.search(head) else ""


def read_nem12(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the table of the intervals, `timestamp` naive unless a zone is given. Raises FORMAT_UNSUPPORTED, NO_ROWS,
    INGEST_LIMIT."""
    refuse_beyond("bytes", text.size, limits.scada_bytes)
    samples, rejects, units = _Samples(), list[Reject](), dict[str, str]()
    register: _Register | None = None
    counts = {"preamble": 0, "blank": 0, "rows": 0, "footer": 0}
    lines = text.data.decode("utf-8").split("\n")
    lines = lines[:-1] if not lines[-1] else lines
    for number, line in enumerate(lines, 1):
        record = [c.strip().strip('"') for c in line.strip().split(",")]
        kind = record[0]
        if not any(record):
            counts["blank"] += 1
        elif kind == "100" and "NEM13" in record:
            raise SensorForgeError(
                "FORMAT_UNSUPPORTED",
                f"{file_name} holds accumulated meter readings (NEM13), not intervals.",
                remedy="Ask for the interval data (NEM12), or export the readings as CSV.",
            )
        elif kind == "200" and len(record) >= 9 and record[8].isdecimal() and 0 < int(record[8]) <= _MINUTES_A_DAY:
            register = _Register(f"{record[1]}.{record[4]}", record[7], int(record[8]))
            units[register.tag] = record[7]
            counts["preamble"] += 1
        elif kind == "300" and register is not None and _add_day(samples, register, record, number):
            counts["rows"] += 1
        elif kind in ("100", "500") or (kind == "400" and _judge(samples, record)):
            counts["preamble"] += 1
        elif kind == "900":
            counts["footer"] += 1
        else:
            refuse_beyond("records that cannot be read", len(rejects) + 1, limits.rejects)
            rejects.append(Reject(counts["rows"] + len(rejects) + 1, number, "NOT_AN_INTERVAL_RECORD", line[:500]))
        refuse_beyond("cells", len(samples.values), limits.cells)
    if not samples.values:
        raise SensorForgeError("NO_ROWS", f"{file_name} has no record 300 with values that can be read.")
    times = pl.Series(samples.times, dtype=pl.Datetime("us"))
    frame = pl.DataFrame(
        {
            "time": localised(times, options.time_zone) if options.time_zone else times,
            "tag": samples.tags,
            "value": pl.Series([v or None for v in samples.values], dtype=pl.String),
            "good": samples.good,
            "line": samples.lines,
        }
    )
    table = SourceTable(
        frame=pl.DataFrame(),
        counts=LineCounts(total=len(lines), rejected=len(rejects), **counts),
        row_numbers=numbered(0),
        line_numbers=numbered(0),
        rejects=rejects,
        decimal=".",
    )
    facts = [*text.facts, Fact("quality", "quality method", "NEM12: A (actual) is good, S, E, F and N are not")]
    facts.append(Fact("timestamp_format:timestamp", "%Y%m%d and intervals", f"beginnings of intervals; {_ZONE}"))
    return pivoted(table, frame, facts, units)


def _add_day(samples: _Samples, register: _Register, record: list[str], line: int) -> bool:
    """Adds the intervals of a day; returns False where the record has another form."""
    count = _MINUTES_A_DAY // register.minutes
    if len(record) < count + 3:
        return False
    try:
        begin = dt.datetime.strptime(record[1], "%Y%m%d")
    except ValueError:
        return False
    values, method = record[2 : count + 2], record[count + 2][:1].upper()
    samples.day = slice(len(samples.values), len(samples.values) + count)
    step = dt.timedelta(minutes=register.minutes)
    samples.times += [begin + i * step for i in range(count)]
    samples.tags += [register.tag] * count
    samples.values += values
    # A record 400 says of which intervals a mixed day's values are good.
    samples.good += [method in (_ACTUAL, _VARIABLE)] * count
    samples.lines += [line] * count
    return True


def _judge(samples: _Samples, record: list[str]) -> bool:
    """Marks the intervals that a record 400 is about; returns False where it names none of the day."""
    if len(record) < 4:
        return False
    first, last = record[1], record[2]
    count = samples.day.stop - samples.day.start
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last) <= count):
        return False
    begin, end = samples.day.start + int(first) - 1, samples.day.start + int(last)
    samples.good[begin:end] = [record[3][:1].upper() == _ACTUAL] * (end - begin)
    return True


FORMAT = TextFormat("nem12", recognise, read_nem12)
