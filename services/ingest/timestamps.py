"""Times as text: one explicit format per column, found by trying, never by guessing day or month.

Where "03/04/2020" reads both ways, a field above 12, a steadier step, dots or a decimal comma settle it; where nothing
does, the column stays text and both readings are reported. Naive times stay naive unless a zone is given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from services.ingest.cells import MISSING_WORDS

_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y",
    "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%y", "%m-%d-%y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d. %b %Y", "%d/%b/%Y",
    "%d.%b.%Y", "%b %d, %Y", "%b %d %Y", "%Y-%b-%d", "%Y%m%d",
)  # fmt: skip
_SEPARATORS = (" ", "T", ", ", " - ", "_", ";", "  ", ":")
_CLOCKS = (
    "%H:%M:%S%.f", "%H:%M", "%I:%M:%S%.f %p", "%I:%M %p", "%I:%M:%S%.f%p", "%I:%M%p", "%H.%M.%S", "%H:%M:%S:%3f",
    "%H%M%S", "%H.%M",
)  # fmt: skip
_ZONES = ("", "Z", "%z", " %z", " UTC", " GMT")
_PIECES = {
    "%Y": r"[12]\d{3}", "%m": r"\d{1,2}", "%d": r"\d{1,2}", "%y": r"\d{2}", "%b": r"[A-Za-z]{3,9}\.?", "%H": r"\d{1,2}",
    "%M": r"\d{2}", "%S": r"\d{2}", "%.f": r"(?:\.\d{1,9})?", "%I": r"\d{1,2}", "%p": r"[AaPp][Mm]",
    "%z": r"[+-]\d{2}:?\d{2}", "%3f": r"\d{3}",
}  # fmt: skip
_MONTHS = {
    "jan": "Jan", "feb": "Feb", "fév": "Feb", "fev": "Feb", "mar": "Mar", "mär": "Mar", "mrz": "Mar", "apr": "Apr",
    "avr": "Apr", "may": "May", "mai": "May", "jun": "Jun", "juin": "Jun", "jul": "Jul", "juil": "Jul", "aug": "Aug",
    "aoû": "Aug", "sep": "Sep", "oct": "Oct", "okt": "Oct", "nov": "Nov", "dec": "Dec", "dez": "Dec", "déc": "Dec",
    "ene": "Jan", "abr": "Apr", "ago": "Aug", "dic": "Dec",
}  # fmt: skip
SAMPLE = 200
ACCEPTED_SHARE = 0.9
"""Share of filled cells that must be times for the column to be a time column."""
_SWAPPED = {"%d/%m": "%m/%d", "%m/%d": "%d/%m", "%d-%m": "%m-%d", "%m-%d": "%d-%m"}


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


# "Thu Mar 14 05:58:00 UTC 2024" of Java and "Thu Mar 14 05:58:00 2024" of C: the year stands last.
_YEAR_LAST = r"^(?:[A-Z][a-z]{2},? )?([A-Z][a-z]{2}) +(\d{1,2}) (\d{1,2}:\d{2}:\d{2}(?:\.\d+)?)( [A-Z]{3,4})? (\d{4})$"
_EAST_ASIAN = r"^(\d{4})[年년] ?(\d{1,2})[月월] ?(\d{1,2})[日일]"
_ZONE_NAME = r"\d(?: [AaPp]\.?[Mm]\.?)? [A-Z]{3,4}$"
# Hours from UTC of zone names that stand for one zone only. CST is also China's and IST several; they are not here.
# Source: RFC 5322, section 4.3, and the tz database.
_OFFSETS = {
    "EST": "-05:00", "EDT": "-04:00", "CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00",
    "PDT": "-07:00", "AKST": "-09:00", "AKDT": "-08:00", "WET": "+00:00", "WEST": "+01:00", "CET": "+01:00",
    "CEST": "+02:00", "EET": "+02:00", "EEST": "+03:00", "MSK": "+03:00", "JST": "+09:00", "KST": "+09:00",
    "AEST": "+10:00", "AEDT": "+11:00",
}  # fmt: skip
_CENTRAL = {"CST": "-06:00"}
# PostgreSQL writes whole hours of offset without minutes: "2024-03-14 05:58:00+00".
_HOURS_OFF = r"(:\d{2}(?:[.,]\d+)?)([+-]\d{2})$"
_WEEKDAY = r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Mo|Di|Mi|Do|Fr|Sa|So)[a-z]*[,.]? +"


def prepared(texts: pl.Series) -> pl.Series:
    """Returns time texts with English month names, points before fractions, plain AM/PM and no weekday."""
    head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_YEAR_LAST).any():
        texts = texts.str.replace(_YEAR_LAST, "${2} ${1} ${5} ${3}${4}")
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_WEEKDAY).any():
        texts = texts.str.replace(_WEEKDAY, "")
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_EAST_ASIAN).any():
        texts = texts.str.replace(_EAST_ASIAN, "${1}-${2}-${3} ").str.strip_chars()
        texts = texts.str.replace(r"(\d{1,2})[时時시] ?(\d{1,2})[分분] ?(?:(\d{1,2})[秒초])?$", "${1}:${2}:${3}")
        texts = texts.str.strip_chars_end(":").str.replace(r"  +", " ")
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_ZONE_NAME).any():
        texts = _with_offsets(texts)
        head = texts.drop_nulls().head(SAMPLE)
    if head.str.contains(_HOURS_OFF).any():
        texts = texts.str.replace(_HOURS_OFF, "${1}${2}:00")
    if head.str.contains(r":\d{2},\d").any():
        texts = texts.str.replace(r"(:\d{2}),(\d)", "${1}.${2}")
    if head.str.contains(r"(?i)[ap]\.\s?m\.").any():
        texts = texts.str.replace(r"(?i)([ap])\.\s?m\.", "${1}m")
    if head.str.contains(r"[ \u{202f}\u{a0}]\s*[AaPp][Mm]$").any():
        texts = texts.str.replace(r"[\u{202f}\u{a0}]", " ")
    if head.str.contains(r"[A-Za-zéûä]{3,}").any() and not head.str.contains(r"^\d{4}-\d{2}-\d{2}[T ]").all():
        distinct = texts.str.extract(r"(?i)([a-zéûä]{3,12}\.?)").drop_nulls().unique().to_list()
        swap = {d: m for d in distinct if (m := _MONTHS.get(d[:4].lower()) or _MONTHS.get(d[:3].lower())) and m != d}
        if swap and len(swap) <= 48:
            texts = texts.str.replace_many(list(swap), list(swap.values()))
    return texts


def _with_offsets(texts: pl.Series) -> pl.Series:
    """Returns texts whose zone names are offsets; a name that may be several zones stays, and so do all."""
    names = set(texts.str.extract(r" ([A-Z]{3,4})$").drop_nulls().unique().to_list()) - {"UTC", "GMT"}
    offsets = _OFFSETS | (_CENTRAL if "CDT" in names else {})
    if not names or not names <= offsets.keys():
        return texts
    every = offsets | {"UTC": "+00:00", "GMT": "+00:00"}
    return texts.str.replace_many([f" {n}" for n in every], [f" {o}" for o in every.values()])


def find_time(
    texts: pl.Series, *, day_first: bool | None = None, forced: str = "", comma_locale: bool = False
) -> TimeColumn | AmbiguousTime | None:
    """Returns the column as times, the two readings when nothing settles them, or None when it holds no times.

    `texts`: String, trimmed, empty cells null. `day_first` and `forced` (a strptime format) settle the reading;
    `comma_locale` says that the file writes decimal commas, which places it where days come first.
    """
    texts = prepared(texts)
    if forced:
        return TimeColumn(_parse(texts, python_format(forced)), forced, "given")
    filled = texts.drop_nulls()
    if not len(filled):
        return None
    step = max(1, len(filled) // SAMPLE)
    sample = [s for s in filled.gather_every(step).head(2 * SAMPLE).to_list() if s.lower() not in MISSING_WORDS]
    if not sample or not any(c.isdigit() for c in sample[0]):
        return None
    candidates = list(dict.fromkeys([*_formats_of(sample[0]), *_formats_of(sample[-1])]))
    patterns = [(f, re.compile(_source(f) + r"\Z", re.I)) for f in candidates]
    matching = [(f, sum(bool(p.match(s)) for s in sample)) for f, p in patterns]
    matching = [(f, n) for f, n in matching if n >= 0.3 * len(sample)]
    if not matching:
        return None
    most = max(n for _, n in matching)
    parsed = []
    for fmt, n in sorted(matching, key=lambda m: -m[1])[:6]:
        values = _parse(texts, fmt)
        if (good := len(values) - values.null_count()) and n >= 0.3 * most:
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
    good = len(values) - values.null_count()
    if good < ACCEPTED_SHARE * len(filled):
        return None
    rival = next(
        (p for p in parsed[1:] if p[0] == parsed[0][0] and _date_part(p[1]) == _swapped(_date_part(parsed[0][1]))), None
    )
    if rival is None:
        share = good / len(filled)
        return TimeColumn(values, fmt, f"{share:.0%} of the filled cells have this format")
    return _settle(texts, (fmt, values), (rival[1], rival[2]), day_first, comma_locale)


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
    same = (one[1] == two[1]).all()
    if same:
        return TimeColumn(one[1], one[0], "day equals month in every date")
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
    if "%z" in fmt:
        return values.dt.convert_time_zone("UTC")
    if fmt.endswith(("Z", "UTC", "GMT")):
        return values.dt.replace_time_zone("UTC")
    return values


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


# What a whole number counts, by its size: lowest and highest value, microseconds a tick (negative: ticks a
# microsecond), microseconds from the number's zero to 1970. The ranges are the years 1973 to 2286 and do not overlap.
_TICKS = (
    (1e8, 1e10, 1_000_000, 0),
    (1e11, 1e13, 1_000, 0),
    (1e14, 1e16, 1, 0),
    (1e18, 1e19, -1_000, 0),
    # Windows FILETIME, tenths of a microsecond since 1601 (1973 to 2131).
    (1.174e17, 1.672e17, -10, -11_644_473_600_000_000),
    # .NET, tenths of a microsecond since year 1 (1973 to 2131).
    (6.225e17, 6.725e17, -10, -62_135_596_800_000_000),
)


def from_epoch(values: pl.Series) -> pl.Series | None:
    """Returns numbers as UTC times when they count from a known zero; None otherwise.

    Known are seconds, ms, us and ns since 1970, Windows FILETIME, .NET ticks and Excel days, told apart by size. Whole
    numbers are read exactly.
    """
    numbers = values.cast(pl.Float64, strict=False)
    typical = numbers.drop_nulls().median()
    if typical is None:
        return None
    size = float(str(typical))
    if 20_000 <= size < 80_000:
        # Excel day 25569 is 1 January 1970.
        return (((numbers - 25_569) * 86_400e3).round().cast(pl.Int64) * 1000).cast(pl.Datetime("us", "UTC"))
    for low, high, ticks, zero in _TICKS:
        if not low <= size < high:
            continue
        # A number far from the others would not fit the clock.
        numbers = numbers.set(~numbers.is_between(low / 10, high * 10), None)
        whole = values.cast(pl.Int64, strict=False) if values.dtype == pl.String else None
        if whole is not None and whole.null_count() == values.null_count():
            whole = whole.set(numbers.is_null(), None)
            micro = whole * ticks if ticks > 0 else whole // -ticks
        else:
            micro = (numbers * ticks if ticks > 0 else numbers / -ticks).round().cast(pl.Int64)
        return (micro + zero).cast(pl.Datetime("us", "UTC"))
    return None
