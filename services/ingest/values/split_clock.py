"""Times whose date and clock stand in two columns, and milliseconds perhaps in a third: the dates become whole times.

The column of the clock stays as it is.

The clock stands beside the date, or is called one; one that is written in digits alone (0558, 55800) does both. Of a
table with a line a day only a clock that is called one counts: others are times of events, such as when the day's peak
was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from services.ingest.layouts.clock import with_milliseconds
from services.ingest.layouts.headings import names_role, squashed
from services.ingest.layouts.roles import is_clock
from services.ingest.tables import Fact
from services.ingest.values.digit_clocks import digit_clock, hours_of_day
from services.ingest.values.timestamps import ACCEPTED_SHARE, TimeColumn, find_time, localised

_MANY_A_DAY = 0.9
"""Distinct dates a row below which a table has several lines a day."""

_MOSTLY = 0.5
"""Share of missing dates from which they may stand once a day."""

_LOOKED_AT = 1000
_NAMES_HOURS = frozenset(["hh", "hr", "hour", "hourofday", "stunde", "heure", "hora", "ora", "godzina", "时", "時"])
_NAMES_DIGITS = re.compile(
    r"^(?:(?:utc|lst|local|gmt|obs)?time(?:utc|lst|local|gmt|of)?(?:hhmm(?:ss)?)?|hrmn|hhmm(?:ss)?)$"
)


@dataclass(frozen=True)
class WholeTimes:
    """Times under the name of their dates, the columns that were added, and what is to be told."""

    times: pl.Series
    added: tuple[str, ...]
    fact: Fact
    warnings: tuple[tuple[str, str], ...]


def whole_times(
    date: str, names: Sequence[str], column: Callable[[str], pl.Series], time_zone: str
) -> WholeTimes | None:
    """Returns the column of dates `date` with its clock added, as UTC where a zone is given or in a heading; None where
    it holds more than dates, or none of the columns `names` is its clock.

    `column` gives the values of a column.
    """
    days = column(date)
    zone = getattr(days.dtype, "time_zone", None)
    if zone and time_zone:
        days = days.dt.convert_time_zone(time_zone)
    days = days.dt.replace_time_zone(None)
    dated = len(days) - days.null_count()
    if not dated or not all((part.dt.truncate("1d") == part).all() for part in (days.head(_LOOKED_AT), days)):
        return None
    clock, clocks = _clock_of(date, days, names, column) or _clock_in_digits(date, days, names, column)
    if not clock:
        return None
    clocks = clocks.str.strip_chars()
    days = _dates_once_a_day(days, clocks)
    label = f"{date} {clock}"
    written = pl.select(pl.concat_str([days.dt.strftime("%Y-%m-%d"), clocks], separator=" ")).to_series()
    found = find_time(written.alias(label))
    if not isinstance(found, TimeColumn) or len(clocks) - found.values.null_count() < ACCEPTED_SHARE * dated:
        return None
    whole, added = found.values.alias(date), [clock]
    part = next((n for n in names if names_role(n, "milliseconds") and column(n).dtype.is_numeric()), "")
    if part and not (whole.dt.microsecond() != 0).any():
        whole, added = with_milliseconds(whole, column(part).cast(pl.String)), [clock, part]
    if getattr(whole.dtype, "time_zone", None) is None and (time_zone or zone):
        whole = localised(whole, time_zone) if time_zone else whole.dt.replace_time_zone(zone)
    lost = whole.null_count() - days.null_count()
    text = f"Column {date!r}: {lost} dates have no time of day in column {clock!r} and became missing."
    fact = Fact(f"time_of_day:{date}", ", ".join(added), f"the clock of the dates in {date!r}, added to them")
    return WholeTimes(whole, tuple(added), fact, (("UNPARSABLE_TIMES", text),) if lost else ())


def _dates_once_a_day(days: pl.Series, clocks: pl.Series) -> pl.Series:
    """Returns dates that stand only in the first row of each day in all its rows, where no clock below a date steps
    back before the next; other dates as they are."""
    if days[0] is None or days.null_count() < _MOSTLY * len(days):
        return days
    found = find_time("2000-01-01 " + clocks)
    if not isinstance(found, TimeColumn):
        return days
    frame = pl.DataFrame({"day": days, "clock": found.values, "of": days.is_not_null().cum_sum()})
    back = (pl.col("clock").drop_nulls().diff() < pl.duration()).any()
    if frame.group_by("of").agg(back.alias("back"))["back"].any():
        return days
    return frame.select(pl.when(pl.col("clock").is_not_null()).then(pl.col("day").forward_fill())).to_series()


def _clock_of(
    date: str, days: pl.Series, names: Sequence[str], column: Callable[[str], pl.Series]
) -> tuple[str, pl.Series] | None:
    """Returns the column with the clocks of the dates, and its texts."""
    several = days.n_unique() < _MANY_A_DAY * len(days)
    called = [n for n in names if names_role(n, "clock")]
    for name in dict.fromkeys([*_beside(date, names), *called]):
        if name not in called and not several:
            continue
        values = column(name) if name != date else days
        if values.dtype == pl.String and is_clock(values):
            return name, values
    return None


def _clock_in_digits(
    date: str, days: pl.Series, names: Sequence[str], column: Callable[[str], pl.Series]
) -> tuple[str, pl.Series]:
    """Returns the column beside the dates that is called a clock and holds it in digits, as texts; "" without one."""
    if days.n_unique() < _MANY_A_DAY * len(days):
        for name in _beside(date, names):
            if not (names_role(name, "clock") or _NAMES_DIGITS.match(squashed(name))):
                continue
            clocks = digit_clock(column(name), several_days=days.drop_nulls().n_unique() > 1)
            if clocks is not None:
                return name, clocks
        for name in _beside(date, names):
            if squashed(name) in _NAMES_HOURS and (clocks := hours_of_day(column(name))) is not None:
                return name, clocks
    return "", days


def _beside(date: str, names: Sequence[str]) -> list[str]:
    at = names.index(date)
    return [*names[at + 1 : at + 2], *names[max(0, at - 1) : at]]
