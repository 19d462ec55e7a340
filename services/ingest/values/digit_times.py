"""Times written as nothing but digits: 20240314055800 anywhere; 202403140558, 2024031405, 20240314 and the time since
1970 under a heading of times; 240314 and 140324 under a heading of dates. They would be read as numbers otherwise."""

from __future__ import annotations

import re

import polars as pl

from services.ingest.layouts.headings import names_role
from services.ingest.values.epochs import SECONDS_SINCE_1904, from_epoch
from services.ingest.values.timestamps import TimeColumn, find_time

_FORMATS = {14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M", 10: "%Y%m%d%H", 8: "%Y%m%d"}
_SHAPE = r"^(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(([01]\d|2[0-3])([0-5]\d){0,2})?$"
_SIX_DIGITS = re.compile(r"(?i:(?:^|[\W_])(?:date|datum|fecha|dato)(?=$|[\W_])|^data$|yymmdd|ddmmyy|日付|日期)")
_EPOCH = r"^\d{10}(\d{3}|\d{6}|\d{9})?(\.\d{1,9})?$|^[1-4]\.\d{5,18}[eE]\+?(0?9|12)$"
_NAMES_A_TIME = re.compile(
    r"(?i:epoch|unix|time[\W_]?stamp|datetime|(?:^|[\W_])(?:time|date|ts|utc|zeit|datum|y{4}mmdd)(?=$|[\W_])|_at$)"
    r"|[a-z](?:Time|Date|At|Ts|TS|UTC)(?=$|[\W_])"
)
_FROM, _TO = 946_684_800, 2_208_988_800
"""The years 2000 to 2040 in seconds since 1970."""
_UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def find_digit_time(texts: pl.Series) -> TimeColumn | None:
    """Returns a column of trimmed texts as times when every filled cell is such a time, else None."""
    filled = texts.drop_nulls()
    if (days := counted_days(texts)) is not None:
        return days
    if not written_in_digits(texts):
        return None
    if _may_be_six_digits(filled):
        return _six_digits(texts)
    if fmt := _format(filled):
        hours = fmt == _FORMATS[10]
        found = find_time(texts + "00", forced=_FORMATS[12]) if hours else find_time(texts, forced=fmt)
        if not isinstance(found, TimeColumn) or found.values.null_count() > texts.null_count():
            return None
        return TimeColumn(found.values, fmt, "every cell has the digits of a date")
    numbers = filled.cast(pl.Float64, strict=False)
    unit = next((u for u, each in _UNITS.items() if numbers.is_between(_FROM * each, _TO * each).all()), "")
    labview = not unit and bool(numbers.is_between(*SECONDS_SINCE_1904).all())
    values = from_epoch(texts) if (unit or labview) and not numbers.null_count() else None
    if values is None or values.null_count() > texts.null_count():
        return None
    counted = "s since 1904, as LabVIEW counts" if labview else f"{unit} since 1970"
    return TimeColumn(values.alias(texts.name), counted, "every cell lies in the years 2000 to 2040")


def counted_days(cells: pl.Series) -> TimeColumn | None:
    """Returns a rising column of days with fractions, of the years 2000 to 2040, as times: those of Excel under a
    heading of dates, which elapsed times would not have, those of MATLAB and Julian days under their own; None for any
    other."""
    said = next((count for count in _DAYS if count[0].search(cells.name)), None)
    if said is None or not cells.head(50).cast(pl.String).str.contains(r"^\d{5,7}[.,]\d*[1-9]").any():
        return None
    _, whose, zero = said
    texts = cells.str.replace(",", ".", literal=True) if cells.dtype == pl.String else cells
    numbers = texts.cast(pl.Float64, strict=False)
    if numbers.null_count() > cells.null_count():
        return None
    since_1970 = numbers - zero
    days = since_1970.drop_nulls()
    if not days.is_between(*_FROM_2000_TO_2040).all() or len(days) < 2 or not (days.diff().drop_nulls() > 0).all():
        return None
    # A day in a double is exact to some 40 microseconds, far from Julian days to a millisecond.
    found = (since_1970 * 86_400e3).round().cast(pl.Int64).cast(pl.Datetime("ms")).cast(pl.Datetime("us"))
    return TimeColumn(
        found.alias(cells.name), f"days of {whose}", "rising days with fractions of the years 2000 to 2040"
    )


_DAYS = (
    (re.compile(r"(?i:date[\W_]?num)"), "MATLAB", 719_529.0),
    (re.compile(r"(?i:^mjd$|modified[\W_]?julian)"), "the modified Julian count", 40_587.0),
    (re.compile(r"(?i:^jd$|julian[\W_]?(?:date|day))"), "the Julian count", 2_440_587.5),
    (re.compile(r"(?i:time[\W_]?stamp|(?<![a-z])date|datum|fecha|zeitstempel|horodat|日期)"), "Excel", 25_569.0),
)
_FROM_2000_TO_2040 = (10_957.0, 25_567.0)


def written_in_digits(texts: pl.Series) -> bool:
    """Returns whether the cells of a part of a column may be times in digits: all have the shape of one."""
    filled = texts.drop_nulls()
    if not len(filled) or not filled[0][:1].isdigit():
        return False
    if _may_be_six_digits(filled):
        return True
    named = names_role(texts.name, "time") or bool(_NAMES_A_TIME.search(texts.name))
    shape = _EPOCH if named and not _format(filled.head(1), named=named) else _SHAPE
    return (named or len(filled[0]) == 14) and bool(filled.str.contains(shape).all())


def _may_be_six_digits(filled: pl.Series) -> bool:
    return (
        bool(_SIX_DIGITS.search(filled.name))
        and len(filled[0]) == len("240314")
        and bool(filled.str.contains(r"^\d{6}$").all())
    )


def _six_digits(texts: pl.Series) -> TimeColumn | None:
    """Returns dates such as 240314 where all are dates in one order alone, or do not fall in one alone."""
    read = {fmt: texts.str.strptime(pl.Datetime("us"), fmt, strict=False) for fmt in ("%y%m%d", "%d%m%y", "%m%d%y")}
    read = {fmt: days for fmt, days in read.items() if days.null_count() == texts.null_count()}
    if len(read) > 1:
        read = {f: d for f, d in read.items() if d.drop_nulls().is_sorted() and d.drop_nulls().n_unique() > 1}
    if len(read) > 1:
        spans = {f: (d.drop_nulls()[-1] - d.drop_nulls()[0]) for f, d in read.items()}
        shortest = min(spans.values())
        read = {f: d for f, d in read.items() if spans[f] < _MUCH_LONGER * shortest}
    if len(read) != 1:
        return None
    ((fmt, days),) = read.items()
    return TimeColumn(days.alias(texts.name), fmt, "every cell has the digits of a date, and in no other order")


_MUCH_LONGER = 5


def _format(filled: pl.Series, *, named: bool = True) -> str:
    """Returns the strptime format when all cells have the digits of a date or of a date and a clock, else ""."""
    fmt = _FORMATS.get(len(filled[0]), "") if named or len(filled[0]) == 14 else ""
    even = fmt and bool((filled.str.len_chars() == len(filled[0])).all())
    return fmt if even and bool(filled.str.contains(_SHAPE).all()) else ""
