"""The times of samples in UTC: texts in one format for the whole file, epochs, an extra column of milliseconds.

Day and month that nothing settles are asked for; a detection that only looks gets both readings as a fact.
"""

from __future__ import annotations

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact
from services.ingest.values.epochs import from_epoch
from services.ingest.values.timestamps import AmbiguousTime, TimeColumn, find_time, localised

_SHORT_NUMBER = r"^[+-]?\d{1,4}([.,]\d+)?$"
"""No format of times looks like it, nor does an epoch: so most columns are told apart at once."""
_HALF_A_DAY = 43_200.0
_EPOCH = r"^[+-]?\d{5,19}([.,]\d+)?$"


def reads_as_time(values: pl.Series) -> bool:
    """Returns whether a column of text holds times or numbers that count from an epoch."""
    head = trimmed(values.head(500))
    filled = head.drop_nulls()
    if not filled.len() or filled.str.contains(_SHORT_NUMBER).all():
        return False
    return find_time(head) is not None or _reads_as_epoch(head)


def _reads_as_epoch(head: pl.Series) -> bool:
    return bool(head.str.contains(_EPOCH).all()) and from_epoch(head.str.replace(",", ".", literal=True)) is not None


def trimmed(texts: pl.Series) -> pl.Series:
    """Returns texts without blanks around them, empty ones null."""
    stripped = texts.str.strip_chars()
    return stripped.set(stripped == "", None)


def utc_times(
    texts: pl.Series,
    options: ReadOptions,
    file_name: str,
    *,
    comma_locale: bool = False,
    serial: pl.Series | None = None,
) -> tuple[pl.Series, Fact]:
    """Returns the times in UTC, null where a text is no time, and the fact that says how they were read.

    `serial` is a numeric copy of the time in Excel days, where a file has one. Raises TIMESTAMP_AMBIGUOUS with both
    readings, NO_ROWS when the column holds no times.
    """
    key = f"timestamp_format:{texts.name}"
    forced = options.timestamp_format if options.timestamp_column in ("", texts.name) else ""
    found = find_time(texts, day_first=options.day_first, forced=forced, comma_locale=comma_locale)
    if isinstance(found, AmbiguousTime) and serial is not None and (settled := _by_serial(texts, found, serial)):
        found = settled
    if isinstance(found, AmbiguousTime):
        readings = f"{found.example!r} is {found.readings[0]} or {found.readings[1]}"
        if not options.undecided_ok:
            raise SensorForgeError(
                "TIMESTAMP_AMBIGUOUS",
                f"{file_name}: {found.example!r} in column {texts.name!r} is {found.readings[0]} or "
                f"{found.readings[1]}; every date of the file reads both ways.",
                remedy="Say which reading is right: --day-first or --month-first (or --timestamp-format "
                f"'{found.formats[0]}' or '{found.formats[1]}').",
                metadata={
                    "column": texts.name,
                    "example": found.example,
                    "formats": "|".join(found.formats),
                    "readings": "|".join(found.readings),
                },
            )
        # Someone only looks: the first reading shows the layout, and the fact says that it is not decided.
        shown = find_time(texts, forced=found.formats[0])
        assert isinstance(shown, TimeColumn)
        return localised(shown.values, options.time_zone or "UTC"), Fact(
            key, "undecided", readings, found.formats, ambiguous=True
        )
    if isinstance(found, TimeColumn):
        values = found.values
        if getattr(values.dtype, "time_zone", None) is None:
            values = localised(values, options.time_zone or "UTC")
        return values, Fact(key, found.format, found.evidence, found.alternatives)
    epoch = from_epoch(texts.str.replace(",", ".", literal=True))
    if epoch is None:
        what = "times of day without a date" if texts.head(200).str.contains(r"^\d{1,2}:\d{2}").any() else "no times"
        example = texts.drop_nulls().head(1).to_list()
        raise SensorForgeError("NO_ROWS", f"{file_name}: column {texts.name!r} holds {what} ({example}).")
    return epoch, Fact(key, "epoch", "numbers of the size of an epoch, of ticks or of Excel days")


def elapsed_seconds(clocks: pl.Series, tags: pl.Series) -> pl.Series:
    """Returns times of day as seconds since the midnight before the first of them (Float64), null where a text is none.

    They go on over midnight: where the clock steps back by more than half a day, of the file or, where that is written
    tag by tag or not in order of time, of each tag, another day begins.
    """
    dated = ("2000-01-01 " + trimmed(clocks)).alias(clocks.name)
    found = find_time(dated)
    if not isinstance(found, TimeColumn):
        return pl.Series(clocks.name, [None] * len(clocks), dtype=pl.Float64)
    seconds = (found.values - found.values.dt.truncate("1d")).dt.total_microseconds() / 1e6
    frame = pl.DataFrame({"seconds": seconds, "tag": tags})
    ahead = pl.col("seconds").forward_fill()
    midnight = (ahead.diff() < -_HALF_A_DAY).fill_null(False)
    whole, by_tag = midnight.cum_sum(), midnight.cum_sum().over("tag")
    days = frame.select(whole.alias("whole"), by_tag.alias("by_tag"), (ahead.diff() < 0).sum().alias("back"))
    changes: int = frame.select((pl.col("tag") != pl.col("tag").shift()).sum()).item()
    one_after_another = 0 < changes == tags.n_unique() - 1
    in_order = not one_after_another and days["back"].head(1).to_list() == [days["whole"].max()]
    return seconds + (days["whole"] if in_order else days["by_tag"]) * 86_400.0


def _by_serial(texts: pl.Series, found: AmbiguousTime, days: pl.Series) -> TimeColumn | None:
    """Returns the reading that a numeric copy of the time agrees with."""
    serial = from_epoch(days)
    if serial is None:
        return None
    for fmt in found.formats:
        reading = find_time(texts, forced=fmt)
        if isinstance(reading, TimeColumn):
            gap = (reading.values.dt.replace_time_zone("UTC") - serial).dt.total_hours().abs().max()
            if gap is not None and int(str(gap)) <= 15:
                return TimeColumn(reading.values, fmt, "a numeric copy of the time says the same day", found.formats)
    return None


def with_milliseconds(times: pl.Series, parts: pl.Series) -> pl.Series:
    """Returns times with a separate column of milliseconds (0 to 999), microseconds or nanoseconds added.

    Nanoseconds are told by the column's name or by their size.
    """
    numbers = parts.str.strip_chars().cast(pl.Int64, strict=False).fill_null(0)
    largest = int(str(numbers.max() or 0))
    if largest >= 1_000_000_000 or int(str(numbers.min() or 0)) < 0:
        return times
    name = parts.name.lower()
    if "nano" in name or name == "ns" or largest >= 1_000_000:
        micro = numbers // 1000
    else:
        micro = numbers * 1000 if largest < 1000 else numbers
    moved: pl.Series = times + micro.cast(pl.Duration("us"))
    return moved
