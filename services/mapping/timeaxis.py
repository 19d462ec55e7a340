"""Reading time: from whatever a file writes as time to UTC.

It promises one explicit format per column, chosen by evidence and named in the report. Where day and month cannot be
told apart it refuses with both readings. It never fills, re-samples or invents a time: what cannot be read stays
missing and is counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import polars as pl

from services.chassis.errors import SensorForgeError
from services.mapping import errors as errors
from services.mapping.findings import Finding
from services.mapping.timeformats import candidate_formats, choose_reading, parse_text

UTC_TIME = pl.Datetime("us", "UTC")
TIME_OF_DAY = re.compile(r"\s*\d{1,2}[:.]\d{2}([:.]\d{2}([.,]\d+)?)?\s*([AaPp][Mm])?\s*")

# Above this share of unreadable values a column is no time column; below it the rows are kept without a time.
_MOST_UNREADABLE = 0.2
# Numbers are taken for a clock only between these years.
_FIRST_YEAR, _LAST_YEAR = 1990, 2100
_EXCEL_EPOCH_DAYS = {"excel": -25569.0, "excel_1904": -24107.0}  # days from 1970-01-01 to serial 0
_SECONDS = {"epoch_s": 1.0, "epoch_ms": 1e-3, "epoch_us": 1e-6, "epoch_ns": 1e-9}
_RELATIVE = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "min": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True)
class TimeOptions:
    """How to read time. `gap_factor` is the multiple of the median step that starts a new segment.

    `format` is a strptime format, or epoch_s, epoch_ms, epoch_us, epoch_ns, excel, excel_1904, wincc or elapsed.
    `zone` is the IANA zone of times that name none; empty means UTC. `day_first` settles 01/02/2024.
    """

    format: str = ""
    day_first: bool | None = None
    zone: str = ""
    gap_factor: float = 5.0


@dataclass(frozen=True)
class TimeAxis:
    """Times of the rows in file order (Datetime us UTC, null where unreadable), the format used, and findings."""

    times: pl.Series
    format: str
    findings: tuple[Finding, ...] = ()


def read_times(
    table: pl.DataFrame, columns: Sequence[str], options: TimeOptions, *, unit: str = "", period_s: float | None = None
) -> TimeAxis:
    """Returns the UTC times of one time column, or of a date column and a time-of-day column.

    `unit` is the declared unit of a numeric column that counts elapsed time; `period_s` the seconds of one cycle.
    Raises TIME_AMBIGUOUS when day and month cannot be told apart, TIME_UNREADABLE when more than a fifth of the values
    has no time, TIME_ZONE_UNKNOWN for a zone that does not exist.
    """
    zone = _zone(options.zone)
    series = table[columns[0]] if len(columns) == 1 else _join_date_and_time(table, columns)
    name = " + ".join(columns)
    if series.dtype == pl.Date:
        naive, used = series.cast(pl.Datetime("us")), "date"
    elif isinstance(series.dtype, pl.Datetime):
        naive, used = series.cast(pl.Datetime("us", series.dtype.time_zone)), "datetime"
    elif series.dtype.is_numeric():
        naive, used = _from_numbers(series, name, options.format, unit, period_s)
    elif series.dtype == pl.String:
        naive, used = _from_text(series, name, options, unit, period_s)
    else:
        raise _unreadable(name, f"its values are {series.dtype}")
    times, doubtful = _to_utc(naive, zone if used not in _CLOCKS_IN_UTC else None)
    return TimeAxis(times, used, tuple(_findings(series, times, name, used, doubtful)))


_CLOCKS_IN_UTC = frozenset({*_SECONDS, "elapsed"})


def _zone(name: str) -> str | None:
    if not name or name.upper() == "UTC":
        return None
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SensorForgeError("TIME_ZONE_UNKNOWN", f"The time zone {name!r} is not an IANA zone.") from error
    return name


def _unreadable(column: str, why: str) -> SensorForgeError:
    return SensorForgeError(
        "TIME_UNREADABLE", f"The column {column!r} cannot be read as time: {why}.", metadata={"column": column}
    )


def _join_date_and_time(table: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """Returns date and time of day as one text column, whichever comes first.

    A column of full times beside its own date or clock column is the time as it stands, and is returned: it keeps the
    zone that it was read in, which its date and clock, taken apart, would lose.
    """
    if len(columns) != 2:
        raise SensorForgeError(
            "MAPPING_CONFLICT", f"{len(columns)} columns are mapped to time ({', '.join(columns)}); at most two can be."
        )
    parts = [table[column] for column in columns]
    for part in parts:
        if isinstance(part.dtype, pl.Datetime) and not (part.dt.truncate("1d") == part).all():
            return part
    ordered = sorted(parts, key=_is_time_of_day)
    date, clock = (_as_text(part) for part in ordered)
    joined = pl.DataFrame({"d": date, "t": clock}).select(pl.concat_str("d", "t", separator=" ").alias("time"))
    return joined["time"]


def _is_time_of_day(series: pl.Series) -> bool:
    if series.dtype == pl.Time:
        return True
    if series.dtype != pl.String:
        return False
    sample = series.drop_nulls().head(50).to_list()
    return bool(sample) and all(TIME_OF_DAY.fullmatch(s) for s in sample)


def _as_text(series: pl.Series) -> pl.Series:
    if isinstance(series.dtype, pl.Datetime) or series.dtype == pl.Date:
        return series.dt.strftime("%Y-%m-%d")
    if series.dtype == pl.Time:
        return series.dt.strftime("%H:%M:%S%.f")
    return series.cast(pl.String).str.strip_chars()


# ---------------------------------------------------------------- numbers


def _from_numbers(
    series: pl.Series, name: str, chosen: str, unit: str, period_s: float | None
) -> tuple[pl.Series, str]:
    values = series.cast(pl.Float64).to_numpy()
    finite = values[np.isfinite(values)]
    if not len(finite):
        raise _unreadable(name, "it has no values")
    kind = chosen or _clock_of(finite, unit)
    if not kind:
        if series.dtype.is_integer() and re.fullmatch(r"\d{8}|\d{12}|\d{14}", str(int(finite[0]))):
            text = series.cast(pl.String)
            return _from_text(text, name, TimeOptions(), unit, period_s)
        kind = "elapsed"
    if kind in _SECONDS:
        # Whole numbers go through integers: float64 cannot hold nanoseconds since 1970.
        if series.dtype.is_integer():
            micro = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}.get(kind)
            ints = series.cast(pl.Int64)
            return (ints * micro if micro else ints // 1000).cast(pl.Datetime("us")), kind
        return _from_seconds(values * _SECONDS[kind]), kind
    if kind in _EXCEL_EPOCH_DAYS:
        # Excel keeps about a millisecond in a serial; rounding to it removes the noise of the fraction of a day.
        return _from_seconds(np.round((values + _EXCEL_EPOCH_DAYS[kind]) * 86400.0, 3)), kind
    if kind == "wincc":
        return _from_seconds(np.round((values / 1e6 + _EXCEL_EPOCH_DAYS["excel"]) * 86400.0, 3)), kind
    if kind == "elapsed":
        return _from_seconds(values * _RELATIVE.get(unit, period_s or 1.0)), kind
    raise _unreadable(name, f"its values are numbers and the format given is {chosen!r}")


def _from_seconds(seconds: npt.NDArray[np.float64]) -> pl.Series:
    good = np.isfinite(seconds) & (np.abs(seconds) < 2.5e11)
    micro = np.round(np.where(good, seconds, 0.0) * 1e6).astype(np.int64)
    return pl.Series(micro).set(pl.Series(~good), None).cast(pl.Datetime("us"))


def _clock_of(values: npt.NDArray[np.float64], unit: str) -> str:
    """Returns which clock numbers of this size come from; empty when they are no clock."""
    low, high = float(np.min(values)), float(np.max(values))
    first, last = (np.datetime64(f"{year}-01-01", "s").astype(np.int64) for year in (_FIRST_YEAR, _LAST_YEAR))
    for kind, scale in _SECONDS.items():
        if first <= low * scale and high * scale <= last:
            return kind
    days = (first / 86400 + 25569, last / 86400 + 25569)
    if (
        days[0] <= low
        and high <= days[1]
        and not unit
        and (high - low < 366 * 40)
        and np.any(values != np.round(values))
    ):
        return "excel"
    if days[0] <= low / 1e6 and high / 1e6 <= days[1]:
        return "wincc"
    return ""


# ---------------------------------------------------------------- text


def _from_text(
    series: pl.Series, name: str, options: TimeOptions, unit: str, period_s: float | None
) -> tuple[pl.Series, str]:
    text = series.str.strip_chars()
    text = text.set(text == "", None)
    if options.format and "%" in options.format:
        return parse_text(text, options.format), options.format
    present = text.drop_nulls()
    if not len(present):
        raise _unreadable(name, "it has no values")
    if options.format or present.head(200).str.contains(r"^[+-]?\d+([.]\d+)?(e[+]?\d+)?$").mean() == 1.0:
        numbers = text.cast(pl.Int64, strict=False)
        if numbers.null_count() > text.null_count():
            numbers = text.cast(pl.Float64, strict=False)
        if (
            options.format
            or not re.fullmatch(r"\d{8}|\d{12}|\d{14}", str(present[0]))
            or _clock_of(numbers.drop_nulls().cast(pl.Float64).to_numpy(), unit)
        ):
            return _from_numbers(numbers, name, options.format, unit, period_s)
    sample = present.gather(np.unique(np.linspace(0, len(present) - 1, 60).astype(np.int64)).tolist()).to_list()
    formats = list(dict.fromkeys(form for value in sample for form in candidate_formats(str(value))))
    probe = pl.Series(sample, dtype=pl.String)
    formats = [form for form in formats if parse_text(probe, form).null_count() < len(sample) * (1 - 0.5)]
    readings = {form: parse_text(text, form) for form in formats}
    if not readings:
        raise _unreadable(name, f"values such as {sample[0]!r} fit no known format")
    fewest = min(parsed.null_count() for parsed in readings.values())
    best = {form: parsed for form, parsed in readings.items() if parsed.null_count() == fewest}
    return choose_reading(best, name, str(sample[0]), options.day_first)


# ---------------------------------------------------------------- zones


def _to_utc(naive: pl.Series, zone: str | None) -> tuple[pl.Series, dict[str, int]]:
    """Returns UTC times and how many local times were doubtful (`ambiguous`) or did not exist (`skipped`)."""
    if isinstance(naive.dtype, pl.Datetime) and naive.dtype.time_zone:
        return naive.dt.convert_time_zone("UTC").cast(UTC_TIME), {}
    if zone is None:
        return naive.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"), {}
    early = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    late = naive.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null").dt.convert_time_zone("UTC")
    skipped = early.null_count() - naive.null_count()
    twice = (early != late).fill_null(False).to_numpy()
    times = early
    if twice.any():
        # The clock shows this hour twice. Where it jumps back inside the hour, the second pass has begun.
        clock = naive.dt.epoch("us").fill_null(strategy="forward").fill_null(0).to_numpy()
        back = np.r_[False, np.diff(clock) < 0] & twice
        begins = twice & ~np.r_[False, twice[:-1]]
        group = np.cumsum(begins)
        passed = np.cumsum(back)
        start = np.zeros(group.max() + 1, dtype=np.int64)
        np.maximum.at(start, group[begins], (passed - back)[begins])
        second = twice & (passed > start[group])
        times = pl.DataFrame({"e": early, "l": late, "s": second}).select(
            pl.when(pl.col("s")).then(pl.col("l")).otherwise(pl.col("e")).alias("time")
        )["time"]
    return times.cast(UTC_TIME), {"ambiguous": int(twice.sum()), "skipped": skipped}


def _findings(series: pl.Series, times: pl.Series, name: str, used: str, doubtful: dict[str, int]) -> list[Finding]:
    found = []
    total = len(series)
    unread = times.is_null() & series.is_not_null()
    count = int(unread.sum()) - doubtful.get("skipped", 0)
    if total and (times.null_count() / total) > _MOST_UNREADABLE:
        examples = [str(v) for v in series.filter(unread).unique(maintain_order=True).head(3).to_list()]
        what = f"such as {', '.join(map(repr, examples))}" if examples else "most are empty"
        raise _unreadable(name, f"{times.null_count()} of {total} values have no time in the format {used} ({what})")
    if times.null_count():
        rows = (np.flatnonzero(times.is_null().to_numpy())[:5] + 1).tolist()
        examples = [str(v) for v in series.filter(unread).head(3).to_list()]
        found.append(
            Finding(
                "TIME_MISSING",
                "warning",
                f"{times.null_count()} of {total} rows ({times.null_count() / total:.1%}) have no readable time; they "
                f"are kept in file order without a timestamp. Rows {rows}"
                + (f", values {examples}." if examples else "."),
                name,
                {"rows": times.null_count(), "unparsable": max(count, 0), "first_rows": rows},
            )
        )
    if doubtful.get("ambiguous"):
        found.append(
            Finding(
                "TIME_CLOCK_CHANGE",
                "info",
                f"{doubtful['ambiguous']} rows lie in the hour that the clock shows twice; file order decided.",
                name,
            )
        )
    if doubtful.get("skipped"):
        found.append(
            Finding(
                "TIME_DOES_NOT_EXIST",
                "warning",
                f"{doubtful['skipped']} times fall into the hour that the clock skips in this zone; they have no time.",
                name,
            )
        )
    if used == "elapsed":
        found.append(
            Finding("TIME_ELAPSED", "info", "The column counts elapsed time; timestamps start at 1970-01-01 UTC.", name)
        )
    return found
