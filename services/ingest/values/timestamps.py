"""Times as text: one explicit format per column, found by trying, never by guessing day or month.

Where "03/04/2020" reads both ways, a field above 12, a steadier step, dots or a decimal comma settle it; where nothing
does, the column stays text and both readings are reported. Naive times stay naive unless a zone is given.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from dataclasses import dataclass, replace

import polars as pl

from services.ingest.values.cells import MISSING_WORDS
from services.ingest.values.time_texts import SAMPLE, offset_of_name, zone_of_several
from services.ingest.values.time_texts import prepared as prepared

_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y",
    "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%y", "%m-%d-%y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d. %b %Y", "%d/%b/%Y",
    "%d.%b.%Y", "%Y-%j", "%b %d, %Y", "%b %d %Y", "%Y-%b-%d", "%Y%m%d",
    "%d %m %Y", "%m %d %Y", "%Y %m %d",
)  # fmt: skip
_SEPARATORS = (" ", "T", ", ", " - ", "_", ";", "  ", ":", " @ ", "-")
_CLOCKS = (
    "%H:%M:%S%.f", "%H:%M", "%I:%M:%S%.f %p", "%I:%M %p", "%I:%M:%S%.f%p", "%I:%M%p", "%H.%M.%S", "%H:%M:%S:%3f",
    "%H%M%S", "%H.%M", "%H%M",
    "%H-%M-%S", "%H-%M",
)  # fmt: skip
_ZONES = ("", "Z", "%z", " %z", " UTC", " GMT")
_PIECES = {
    "%Y": r"[12]\d{3}", "%m": r"\d{1,2}", "%d": r"\d{1,2}", "%y": r"\d{2}", "%b": r"[A-Za-z]{3,9}\.?", "%H": r"\d{1,2}",
    "%M": r"\d{2}", "%S": r"\d{2}", "%.f": r"(?:\.\d{1,9})?", "%I": r"\d{1,2}", "%p": r"[AaPp][Mm]",
    "%z": r"[+-]\d{2}:?\d{2}", "%3f": r"\d{3}", "%j": r"[0-3]\d{2}(?!\d)",
}  # fmt: skip
_NEVER_IN_TIMES = re.compile(r'["{}=<>\\]')
ACCEPTED_SHARE = 0.9
"""Share of filled cells that must be times for the column to be a time column."""
_MOST_LOOKS = 4
_SECOND_FORMAT = 0.05
"""Share of the cells that a second format of a column must have."""
_YEAR_LAST_IN_TWO = ("%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y")
EITHER_WAY = "day equals month in every date"
_SWAPPED = {"%d/%m": "%m/%d", "%m/%d": "%d/%m", "%d-%m": "%m-%d", "%m-%d": "%d-%m", "%d %m": "%m %d", "%m %d": "%d %m"}


@dataclass(frozen=True)
class TimeColumn:
    """A column read as times: Datetime(us), naive or UTC, null where a text is no time."""

    values: pl.Series
    format: str
    evidence: str
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class AmbiguousTime:
    """A column that reads as times in two ways, with one text and both of its readings."""

    formats: tuple[str, str]
    example: str
    readings: tuple[str, str]


def _source(fmt: str) -> str:
    return "".join(_PIECES.get(part, re.escape(part)) for part in re.split(r"(%\.f|%3f|%[A-Za-z])", fmt))


_DATE_PATTERNS = [(d, re.compile(_source(d), re.I)) for d in _DATES]
_CLOCK_PATTERNS = [(c + z, re.compile(_source(c + z) + r"\Z", re.I)) for c in _CLOCKS for z in _ZONES]


def _formats_of(text: str) -> list[str]:
    """Returns every format that a text has, found piece by piece: date, separator, clock with zone."""
    found = ["%Y%m%d%H%M%S"] if re.fullmatch(r"[12]\d{13}", text) else []
    for date, pattern in _DATE_PATTERNS:
        match = pattern.match(text)
        if match is None:
            continue
        rest = text[match.end() :]
        if not rest and date != "%Y%m%d":
            found.append(date)
        for separator in _SEPARATORS:
            if rest.startswith(separator):
                clock = rest[len(separator) :]
                found += [date + separator + c for c, p in _CLOCK_PATTERNS if p.match(clock)]
    return found


def python_format(fmt: str) -> str:
    """Returns a strptime format of Python as the parser's: %f after a point becomes an optional fraction."""
    return fmt.replace(".%f", "%.f").replace("%B", "%b").replace(",%f", "%.f")


# The end of a day as its own day's 24:00, and the two passes of the hour that a clock change repeats as 02A and 02B.
_END_OF_DAY = r"^(.*?[ T_;,:-])24([:.]?00(?:[:.]?00)?(?:[.,]0+)?(?: ?Z| ?[+-]\d{2}:?\d{2}| UTC| GMT)?)$"
_PASS_IN_HOUR = r"^(.*[ T_;,-]0?[1-3]) ?[AaBb]([:.]\d{2}.*)$"
_PASS_AT_END = r"^(.*[ T_;,-]0?[1-3][:.]\d{2}(?:[:.]\d{2})?) ?[AaBb]$"
# Milliseconds since 1970 as Microsoft's JSON serialisers write them; an offset behind them changes nothing.
_DOTNET_DATE = r"^\\?/Date\((-?\d+)(?:[+-]\d{4})?\)\\?/$"


def find_time(
    texts: pl.Series, *, day_first: bool | None = None, forced: str = "", comma_locale: bool = False
) -> TimeColumn | AmbiguousTime | None:
    """Returns the column as times, the two readings when nothing settles them, or None when it holds no times.

    `texts`: String, trimmed, empty cells null. `day_first` and `forced` (a strptime format) settle the reading;
    `comma_locale` says that the file writes decimal commas, which places it where days come first.
    """
    if not forced and not _may_be_time(_sample(texts.drop_nulls())):
        return None
    if not forced and (dates := _dotnet_dates(texts)) is not None:
        return TimeColumn(dates, "/Date(ms)/", "milliseconds since 1970 in the form of Microsoft's JSON")
    unread = f"; {zone} may be several zones and is not applied" if (zone := zone_of_several(texts)) else ""
    texts = prepared(texts)
    if forced:
        fmt = python_format(forced)
        return TimeColumn(_in_stated_zone(_parse(texts, fmt), fmt), forced, "given")
    filled = texts.drop_nulls()
    sample = _sample(filled)
    if not sample or not any(c.isdigit() for c in sample[0]):
        return None
    # Some panels write 24 hours and AM/PM in one file: texts of every look have a say.
    looks = {re.sub(r"\d+", "0", s): s for s in reversed(sample)}
    told = dict.fromkeys([sample[0], sample[-1], *list(looks.values())[-_MOST_LOOKS:]])
    candidates = list(dict.fromkeys(f for s in told for f in _formats_of(s)))
    patterns = [(f, re.compile(_source(f) + r"\Z", re.I)) for f in candidates]
    matching = [(f, sum(bool(p.match(s)) for s in sample)) for f, p in patterns]
    matching = [(f, n) for f, n in matching if n >= _SECOND_FORMAT * len(sample)]
    most = max((n for _, n in matching), default=0)
    if most < 0.3 * len(sample):
        return None
    parsed = []
    for fmt, _ in sorted(matching, key=lambda m: -m[1])[:6]:
        values = _parse(texts, fmt)
        if good := len(values) - values.null_count():
            parsed.append((good, fmt, values))
    if not parsed:
        return None
    parsed.sort(key=lambda p: -p[0])
    good, fmt, values = parsed[0]
    if good < len(filled):
        for _, other, more in parsed[1:]:
            if _date_part(other) == _date_part(fmt) and more.dtype == values.dtype:
                joined = values.to_frame("a").with_columns(more.alias("b")).select(pl.coalesce("a", "b"))["a"]
                if joined.null_count() < values.null_count():
                    values, fmt = joined.rename(texts.name), f"{fmt} | {other}"
                    break
    if good < len(filled) and re.search("%[HI]", fmt) and "%z" not in fmt and values.dtype == pl.Datetime("us"):
        # Programs that leave out midnight write it as the date alone.
        midnights = _parse(texts, _date_part(fmt))
        both = pl.DataFrame({"a": values, "b": midnights})
        values = both.select(pl.coalesce("a", "b")).to_series().rename(texts.name)
    good = len(values) - values.null_count()
    if good < ACCEPTED_SHARE * len(filled):
        return None
    rival = next(
        (p for p in parsed[1:] if p[0] == parsed[0][0] and _date_part(p[1]) == _swapped(_date_part(parsed[0][1]))), None
    )
    if (by_year := _year_first(texts, fmt, values)) is not None:
        return replace(by_year, values=_in_stated_zone(by_year.values, by_year.format))
    if day_first is None and (doubt := _year_may_be_first(texts, fmt, values)) is not None:
        return doubt
    if rival is None:
        share = good / len(filled)
        evidence = f"{share:.0%} of the filled cells have this format{unread}"
        return TimeColumn(_in_stated_zone(values, fmt), fmt, evidence)
    found = _settle(texts, (fmt, values), (rival[1], rival[2]), day_first, comma_locale)
    if isinstance(found, AmbiguousTime):
        return found
    return replace(found, values=_in_stated_zone(found.values, found.format))


# What a heading says of its column: "Date (MM/DD/YYYY)", "Date Time, GMT-05:00", "Timezone : Europe/Berlin".
_ORDER_IN_HEADING = re.compile(r"(?<![A-Za-z])(dd?|mm?)([/.-])(dd?|mm?)\2(?:yyyy|yy|jjjj|aaaa)(?![A-Za-z])", re.I)
_OFFSET_IN_HEADING = re.compile(r"\b(?:GMT|UTC) ?([+-])(\d{1,2})(?::?([0-5]\d))?(?!\d)", re.I)

_ZONE_IN_HEADING = re.compile(r"\b[A-Z][a-z]+/[A-Z][A-Za-z_]+\b")
# Names of one offset each. Those of zones with a summer time of another name are used for both and say nothing.
_NAME_IN_HEADING = re.compile(r"(?:^|[\s(\[_,:])(MST|EST|PST|AKST|AEST|JST|KST|MSK)(?=$|[\s)\],])")


def _day_first_in(heading: str) -> bool | None:
    """Returns whether a heading says that the day stands first; None where it does not say."""
    match = _ORDER_IN_HEADING.search(heading)
    first, second = (match[1].lower()[0], match[3].lower()[0]) if match else ("", "")
    return None if first == second else first == "d"


def _in_stated_zone(values: pl.Series, fmt: str) -> pl.Series:
    """Returns naive times with a clock as UTC where the heading states their distance from it; others as they are."""
    if getattr(values.dtype, "time_zone", None) or not re.search("%[HI]", fmt):
        return values
    zone = _ZONE_IN_HEADING.search(values.name)
    if zone and zone[0] in zoneinfo.available_timezones():
        return localised(values, zone[0])
    match = _OFFSET_IN_HEADING.search(values.name)
    if not match:
        name = _NAME_IN_HEADING.search(values.name)
        return values if name is None else (values - offset_of_name(name[1])).dt.replace_time_zone("UTC")
    minutes = (int(match[2]) * 60 + int(match[3] or 0)) * (-1 if match[1] == "-" else 1)
    return (values - dt.timedelta(minutes=minutes)).dt.replace_time_zone("UTC")


def _dotnet_dates(texts: pl.Series) -> pl.Series | None:
    """Returns texts like /Date(1710396000000)/ as UTC times; None unless all of them are."""
    if not texts.head(SAMPLE).str.contains(_DOTNET_DATE).any():
        return None
    numbers = texts.str.extract(_DOTNET_DATE).cast(pl.Int64, strict=False)
    if numbers.null_count() > texts.null_count():
        return None
    return (numbers * 1000).cast(pl.Datetime("us", "UTC"))


def _sample(filled: pl.Series) -> list[str]:
    """Returns cells evenly spread over a column, without words for "no value"."""
    step = max(1, len(filled) // SAMPLE)
    return [s for s in filled.gather_every(step).head(2 * SAMPLE).to_list() if s.lower() not in MISSING_WORDS]


def _may_be_time(sample: list[str]) -> bool:
    """Returns whether the first or the last cell may have a format, which most columns of text show they have not."""
    return any(not _NEVER_IN_TIMES.search(s) and sum(c.isdigit() for c in s) >= 3 for s in (*sample[:1], *sample[-1:]))


def _settle(
    texts: pl.Series,
    one: tuple[str, pl.Series],
    two: tuple[str, pl.Series],
    day_first: bool | None,
    comma_locale: bool,
) -> TimeColumn | AmbiguousTime:
    day, month = (one, two) if one[0].startswith("%d") else (two, one)
    if day_first is not None:
        chosen = day if day_first else month
        return TimeColumn(chosen[1], chosen[0], "day before month: given" if day_first else "month before day: given")
    if (told := _day_first_in(texts.name)) is not None:
        chosen = day if told else month
        return TimeColumn(chosen[1], chosen[0], f"the heading {texts.name!r} says the order")
    same = (one[1] == two[1]).all()
    if same:
        return TimeColumn(one[1], one[0], EITHER_WAY)
    a, b = _disorder(day[1]), _disorder(month[1])
    if a != b:
        chosen, other = (day, month) if a < b else (month, day)
        less, more = min(a, b), max(a, b)
        why = f"{less[0]} steps backwards and {less[1]} uneven steps, against {more[0]} and {more[1]} the other way"
        return TimeColumn(chosen[1], chosen[0], why, (other[0],))
    if comma_locale:
        return TimeColumn(day[1], day[0], "decimal commas: the file's locale writes the day first", (month[0],))
    at = next(i for i in range(len(texts)) if day[1][i] is not None and day[1][i] != month[1][i])
    return AmbiguousTime((day[0], month[0]), str(texts[at]), (_readable(day[1][at]), _readable(month[1][at])))


def _year_first(texts: pl.Series, fmt: str, values: pl.Series) -> TimeColumn | None:
    """Returns dates such as 20/02/13 read with the year first, as East Asian loggers write them, where they then run
    more steadily, or over days instead of years; None otherwise."""
    if not fmt.startswith(_YEAR_LAST_IN_TWO) or "|" in fmt:
        return None
    mark = fmt[2]
    other = f"%y{mark}%m{mark}%d{fmt[8:]}"
    read = _parse(texts, other)
    if read.null_count() > values.null_count():
        return None
    steadier = _disorder(read) < _disorder(values)
    if not steadier and not (_disorder(read) == _disorder(values) and _span(values) > 100 * _span(read) > 0):
        return None
    return TimeColumn(read, other, "the year stands first: the dates then follow each other", (fmt,))


def _year_may_be_first(texts: pl.Series, fmt: str, values: pl.Series) -> AmbiguousTime | None:
    """Returns both readings of dates such as 24/03/13 on one day, whose year is much later where it stands first: the
    commoner order would make the file so many years old. None where nothing is in doubt."""
    if not fmt.startswith(_YEAR_LAST_IN_TWO) or "|" in fmt or _day_first_in(texts.name) is not None:
        return None
    mark = fmt[2]
    other = f"%y{mark}%m{mark}%d{fmt[8:]}"
    read = _parse(texts, other)
    if read.null_count() > values.null_count() or _span(values) >= _A_DAY or _span(read) >= _A_DAY:
        return None
    at = next(i for i in range(len(texts)) if values[i] is not None)
    late, early = read[at], values[at]
    if not 0 <= dt.date.today().year - late.year < late.year - early.year - _YEARS_APART:
        return None
    return AmbiguousTime((fmt, other), str(texts[at]), (_readable(early), _readable(late)))


_A_DAY = 86_400.0
_YEARS_APART = 4


def _span(values: pl.Series) -> float:
    """Returns the seconds between the first and the last time."""
    ticks = values.drop_nulls().dt.epoch("us").sort()
    return (int(ticks[-1]) - int(ticks[0])) / 1e6 if len(ticks) else 0.0


def _readable(moment: object) -> str:
    return f"{moment:%-d %B %Y}" if moment is not None else ""


def _disorder(values: pl.Series) -> tuple[int, int]:
    """Returns (steps backwards, steps longer than five median steps): fewer is more like a recording."""
    steps = values.drop_nulls().diff().drop_nulls().dt.total_microseconds()
    if not len(steps):
        return (0, 0)
    median = steps.filter(steps > 0).median() or 0
    return (int((steps < 0).sum()), int((steps > 5 * float(str(median))).sum()))


def _date_part(fmt: str) -> str:
    return re.split(r"[ T_;,:]+%[HI]|\|", fmt)[0].strip()


def _swapped(date: str) -> str:
    return next((date.replace(a, b, 1) for a, b in _SWAPPED.items() if date.startswith(a)), "")


def _parse(texts: pl.Series, fmt: str) -> pl.Series:
    if "%Z" in fmt:
        return pl.Series(texts.name, [None] * len(texts), dtype=pl.Datetime("us"))
    values = texts.str.strptime(pl.Datetime("us"), fmt, strict=False)
    if "%H" in fmt and values.null_count() > texts.null_count():
        values = _with_odd_hours(texts, values, fmt)
    if "%z" in fmt:
        return values.dt.convert_time_zone("UTC")
    if fmt.endswith(("Z", "UTC", "GMT")):
        return values.dt.replace_time_zone("UTC")
    return values


def _with_odd_hours(texts: pl.Series, values: pl.Series, fmt: str) -> pl.Series:
    """Returns parsed times with the texts read that say 24:00 (the next day's beginning) or 02A and 02B (the hour), or
    that follow the byte-order mark of a file glued to another."""
    places = (values.is_null() & texts.is_not_null()).arg_true()
    odd = texts.gather(places).str.strip_chars_start("\ufeff")
    ends = odd.str.contains(_END_OF_DAY)
    plain = odd.str.replace(_END_OF_DAY, "${1}00${2}")
    plain = plain.str.replace(_PASS_IN_HOUR, "${1}${2}").str.replace(_PASS_AT_END, "${1}")
    read = plain.str.strptime(pl.Datetime("us"), fmt, strict=False)
    if "%z" in fmt:
        values, read = values.dt.convert_time_zone("UTC"), read.dt.convert_time_zone("UTC")
    moved = pl.select(pl.when(ends).then(read + pl.duration(days=1)).otherwise(read)).to_series()
    return values.scatter(places, moved)


def localised(values: pl.Series, zone: str) -> pl.Series:
    """Returns naive times of an IANA zone as UTC; the repeated hour of a clock change is told apart by its order.

    Times that the zone skipped are null.
    """
    if getattr(values.dtype, "time_zone", None):
        return values
    early = values.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    late = values.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null").dt.convert_time_zone("UTC")
    if (early == late).all():
        return early
    # Inside the repeated hour, everything after a step backwards is its second pass.
    open_hour = pl.col("early") != pl.col("late")
    frame = pl.DataFrame({"early": early, "late": late}).with_columns(
        open_hour.alias("open"),
        (open_hour & (pl.col("early").diff() < 0)).fill_null(False).alias("back"),
        (open_hour != open_hour.shift(1)).fill_null(True).cum_sum().alias("block"),
    )
    second = pl.col("back").cum_max().over("block")
    return frame.select(pl.when(second).then("late").otherwise("early").alias(values.name)).to_series()
