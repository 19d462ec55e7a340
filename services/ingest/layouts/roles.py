"""Which columns of a table hold the samples of a long export: tag, time, value, quality.

By their headings where these are known, otherwise by what they hold: tags repeat, times repeat for every tag, and no
tag has two samples at one time.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.layouts.clock import reads_as_time, trimmed
from services.ingest.layouts.headings import Role, candidates, names_role, squashed, tier_of_path
from services.ingest.layouts.quality import says_quality
from services.ingest.layouts.quality_words import is_quality_word
from services.ingest.layouts.several_values import several_values
from services.ingest.options import ReadOptions
from services.ingest.tables import SourceTable
from services.ingest.values.cells import MISSING_WORDS, QUALITY_WORDS
from services.ingest.values.digit_times import find_digit_time
from services.ingest.values.first_digits import may_be_first_digits
from services.ingest.values.timestamps import TimeColumn, find_time

LARGEST_DISTINCT_TAGS = 5_000
LARGEST_WIDTH = 64
MOST_CODES = 64
ONE_SAMPLE = 0.98
"""Share of the samples that must be the only ones of their tag at their time."""
_LARGEST_GROUPS = 500
GIVEN = "columns given"
_NUMBER = r"^[+-]?[\d.,']*\d[\d.,]*([eE][+-]?\d+)?$"
_QUALITY_TEXT = re.compile(
    r"^(good|bad|uncertain|valid|invalid|ok|true|false|gut|schlecht|unsicher|0x[0-9a-f]{1,8})([ ,_:(\[-].*)?$", re.I
)
_LETTERS = frozenset("GBU")
_QUALITY_NUMBERS = frozenset(map(str, (0, 1, 2, 3, 4, 8, 16, 20, 24, 28, 64, 68, 76, 80, 100, 128, 133, 192, 216)))


@dataclass(frozen=True)
class Roles:
    """Column names by what they mean; "" where a column is absent.

    `flags` are columns where true is doubtful; `not_understood` is called a quality and holds no known codes; `group`
    tells tags of one name apart (the machine of a metric).
    """

    tag: str
    value: str
    time: str
    quality: str = ""
    clock: str = ""
    milliseconds: str = ""
    unit: str = ""
    other_values: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    not_understood: str = ""
    group: str = ""
    evidence: str = ""


def find_roles(table: SourceTable, options: ReadOptions) -> Roles | None:
    """Returns the roles of a table whose cells are text, None when it is no long export. Raises COLUMN_NOT_FOUND."""
    if options.tag_column or options.value_column:
        return _given(table, options)
    frame = table.frame
    if not 3 <= frame.width <= LARGEST_WIDTH or (table.has_header and several_values(frame)):
        return None
    found = _by_heading(frame, options) if table.has_header else None
    return found or _by_content(frame, options, named=table.has_header)


def _given(table: SourceTable, options: ReadOptions) -> Roles:
    named = {"tag": options.tag_column, "value": options.value_column, "quality": options.quality_column}
    names = table.frame.columns
    for role, name in named.items():
        if name and name not in names:
            raise SensorForgeError(
                "COLUMN_NOT_FOUND", f"There is no {role} column {name!r}; the file has {', '.join(names[:30])}."
            )
    frame = table.frame
    guess = _by_heading(frame, options)
    rest = [n for n in names if n not in named.values()]
    time = options.timestamp_column or (guess.time if guess else "") or next(
        (n for n in rest if names_role(n, "time") or reads_as_time(frame[n])), ""
    )  # fmt: skip
    tag = options.tag_column or (guess.tag if guess else "") or next(iter(candidates(rest, "tag")), "")
    value = options.value_column or (guess.value if guess else "") or next(iter(candidates(rest, "value")), "")
    if not (tag and value and time):
        raise SensorForgeError(
            "COLUMN_NOT_FOUND",
            f"A long export needs a tag, a value and a time column; the file has {', '.join(names[:30])}.",
        )
    rest = [n for n in rest if n not in (tag, value, time)]
    return _completed(frame, tag, value, time, rest, options, evidence=GIVEN)


def _by_heading(frame: pl.DataFrame, options: ReadOptions) -> Roles | None:
    names = list(frame.columns)
    # The value may be empty in every row of a table that keeps whole numbers in a column of their own.
    values = candidates(names, "value")
    times = [options.timestamp_column] if options.timestamp_column in names else candidates(names, "time")
    for value in values:
        rest = [n for n in names if n != value]
        tags = [n for n in candidates(rest, "tag") if n not in times and _repeats(frame[n])]
        # A column with one text names the source; the tags are another column's.
        names_of = [n for n in tags if _share_of_numbers(frame[n]) < 0.5]
        # Nor are the numbers of tags that have names as well.
        numbered = [n for n in tags if n not in names_of and any(_follows(frame, n, o) for o in names_of)]
        tags.sort(key=lambda n: (frame[n].n_unique() == 1, n in numbered, tier_of_path(n, "tag")))
        for tag in tags:
            fitting = [n for n in times if n not in (tag, value)]
            time = next((n for n in fitting if reads_as_time(frame[n])), "")
            clocks = [n for n in fitting if is_clock(frame[n])]
            time = time or next((n for n in fitting if clocks and _holds_days_in_digits(frame[n])), "")
            time = time or next(iter(clocks), "")
            if not time:
                continue
            rest = [n for n in names if n not in (tag, value, time)]
            doubtful = tier_of_path(tag, "tag") or tier_of_path(value, "value") or len(squashed(value)) == 1
            if doubtful and any(_measures(frame[n]) and not _follows(frame, n, tag) for n in rest):
                # "id" and "v" beside other measurements are a meter's number and its volts.
                continue
            evidence = evidence_of(tag, value, frame[tag].n_unique())
            return _completed(frame, tag, value, time, rest, options, evidence=evidence)
    return None


def evidence_of(tag: str, value: str, tags: int) -> str:
    """Returns what speaks for a long export."""
    return f"one sample a line: {tag!r} names {tags} tags, {value!r} holds their values"


def _measures(values: pl.Series) -> bool:
    """Returns whether a column of no known role holds measurements: numbers with fractions, or many that do not just
    count on. Few whole numbers may be codes."""
    roles: tuple[Role, ...] = ("time", "clock", "milliseconds", "other value", "quality", "unit")
    if any(names_role(values.name, r) for r in roles) or _share_of_numbers(values) <= 0.6:
        return False
    numbers = values.head(20_000).str.replace(",", ".", literal=True).cast(pl.Float64, strict=False).drop_nulls()
    distinct, whole = numbers.n_unique(), bool((numbers == numbers.round()).all())
    if not whole:
        return distinct > 1
    return bool(distinct > min(16, 0.1 * len(numbers))) and not numbers.is_sorted()


def _repeats(values: pl.Series) -> bool:
    distinct = values.n_unique()
    return distinct <= LARGEST_DISTINCT_TAGS and distinct <= 0.5 * len(values) + 1


def _completed(
    frame: pl.DataFrame, tag: str, value: str, time: str, rest: list[str], options: ReadOptions, *, evidence: str
) -> Roles:
    coded = [n for n in candidates(rest, "quality") if _holds_codes(frame[n])]
    # Kepware's interface calls the success of a reading "s".
    coded = coded or [n for n in rest if squashed(n) == "s" and set(frame[n].unique()) <= {"true", "false"}]
    quality = options.quality_column or next((n for n in coded if says_quality(frame[n], n)), "")
    flags = tuple(n for n in rest if squashed(n) == "questionable" and n != quality and _holds_codes(frame[n]))
    if not quality and flags:
        quality, flags = flags[0], flags[1:]
    rest = [n for n in rest if n != quality]
    clock = next((n for n in rest if names_role(n, "clock") and is_clock(frame[n])), "")
    if clock and is_clock(frame[time]):
        clock = ""
    milliseconds = next(iter(candidates([n for n in rest if n != clock], "milliseconds")), "")
    milliseconds = milliseconds or next((n for n in rest if squashed(n) == "timestampms" and _below_1000(frame[n])), "")
    return Roles(
        tag=tag,
        value=value,
        time=time,
        quality=quality,
        clock=clock,
        milliseconds=milliseconds,
        unit=next(iter(candidates(rest, "unit")), ""),
        other_values=tuple(candidates(rest, "other value")),
        flags=flags,
        group=_group(frame, tag, [n for n in (time, clock, milliseconds) if n], rest),
        not_understood="" if quality or not coded or (tier_of_path(coded[0], "quality") or 0) > 2 else coded[0],
        evidence=evidence,
    )


def _below_1000(values: pl.Series) -> bool:
    """Returns whether all cells are whole numbers below 1,000: the milliseconds beside seconds."""
    return bool(values.drop_nulls().str.contains(r"^\d{1,3}$").all())


def _group(frame: pl.DataFrame, tag: str, at: list[str], rest: list[str]) -> str:
    """Returns the column of texts that tells the samples apart which a tag has at one time, "" where none is needed."""
    whole = ONE_SAMPLE * frame.height
    if frame.select(*at, tag).n_unique() >= whole:
        return ""
    roles: tuple[Role, ...] = ("time", "clock", "milliseconds", "other value", "quality", "unit")
    for name in rest:
        known = name in at or any(names_role(name, r) for r in roles) or "version" in name.lower()
        if known or not 1 < frame[name].n_unique() <= _LARGEST_GROUPS or frame[name].null_count():
            continue
        texts = _share_of_numbers(frame[name]) < 0.5 or names_role(name, "tag")
        # One address is a coil, an input and a register, and that of several devices.
        texts = texts or squashed(name) in ("fc", "f", "function", "functioncode", "func") or names_device(name)
        if texts and frame.select(*at, tag, name).n_unique() >= whole:
            return name
    return ""


def names_device(heading: str) -> bool:
    """Returns whether a heading names the number that a device has on its bus."""
    return bool(
        re.fullmatch(r"(slave|unit|device|server|node|station)(id|no|nr|number|addr|address)|slave", squashed(heading))
    )


def _holds_days_in_digits(values: pl.Series) -> bool:
    """Returns whether a column holds days such as 20240314, which are dates beside a clock."""
    head = trimmed(values.head(200)).drop_nulls()
    return head.len() > 0 and bool(head.str.contains(r"^(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$").all())


def _holds_codes(values: pl.Series) -> bool:
    """Returns whether a column holds few distinct texts, as codes are; remarks and measurements are many."""
    return values.n_unique() <= MOST_CODES


def _by_content(frame: pl.DataFrame, options: ReadOptions, *, named: bool) -> Roles | None:
    """Returns the roles of a file whose headings say nothing or are absent, from what its columns hold."""
    if not 3 <= frame.width <= 8:
        return None
    time = next((n for n in frame.columns if _holds_times(frame[n])), "")
    rest = [n for n in frame.columns if n != time]
    clock = next((n for n in rest if is_clock(frame[n])), "")
    rest = [n for n in rest if n != clock]
    numeric = [n for n in rest if _share_of_numbers(frame[n]) > 0.6]
    codes = [n for n in rest if _holds_quality(frame[n])]
    texts = [n for n in rest if n not in numeric and n not in codes and frame[n].null_count() == 0]
    tags = [n for n in texts if _repeats(frame[n]) and (frame[n].n_unique() > 1 or not named)]
    tags = [n for n in tags if len(tags) == 1 or not _holds_times(frame[n])]
    # A description or a unit of each tag follows from the tag.
    tags = tags[:1] if all(_follows(frame, n, tags[0]) for n in tags[1:]) else []
    if not time or not numeric or len(tags) != 1:
        return None
    values = [n for n in numeric if n not in codes and frame[n].n_unique() > 1]
    values = values or [n for n in numeric if n not in codes] or numeric
    value = values[-1] if clock else values[0]
    others = [n for n in values if n != value and _measures(frame[n]) and not _follows(frame, n, tags[0])]
    if any(named or not _counts_with(frame, n, time) for n in others):
        # Several measurements a line are a table of several machines.
        return None
    single = frame[tags[0]].n_unique() == 1 and len(values) == 1
    if not single and not _one_sample_a_time(frame, tags[0], time, clock):
        return None
    return Roles(
        tags[0],
        value,
        time,
        quality=options.quality_column or (codes[0] if codes else ""),
        clock=clock,
        unit=next((n for n in candidates(frame.columns, "unit") if n in texts or n in rest), ""),
        evidence=evidence_of(tags[0], value, frame[tags[0]].n_unique()),
    )


def _follows(frame: pl.DataFrame, name: str, other: str) -> bool:
    """Returns whether each cell of a column goes with one cell of the other."""
    return frame.select(other, name).n_unique() == frame[other].n_unique()


def _counts_with(frame: pl.DataFrame, name: str, time: str) -> bool:
    """Returns whether a column of numbers is a copy of the time: one number a time, which rises with it."""
    if not _follows(frame, name, time):
        return False
    numbers = frame.unique(subset=[time], keep="first", maintain_order=True)[name]
    read = numbers.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    return read.null_count() == 0 and bool(read.is_sorted()) and read.n_unique() > 1


def _one_sample_a_time(frame: pl.DataFrame, tag: str, time: str, clock: str) -> bool:
    """Returns whether no tag has two samples at a time, and times repeat from tag to tag or begin anew with each tag.

    In a table with a column of states the times go on from row to row.
    """
    at = [time, clock] if clock else [time]
    pairs = frame.select(*at, tag).n_unique()
    if pairs < ONE_SAMPLE * frame.height:
        return False
    if frame.select(at).n_unique() <= 0.75 * frame.height:
        return True
    changes: int = frame.select((pl.col(tag) != pl.col(tag).shift()).sum()).item()
    if not 0 < changes == frame[tag].n_unique() - 1:
        return False
    found = find_time(trimmed(frame[time]), day_first=True)
    if not isinstance(found, TimeColumn) or int((found.values.diff() < dt.timedelta(0)).sum()) != changes:
        return False
    # Tags cover the same period; summer and winter time, which also step back once, follow each other.
    times = pl.DataFrame({"tag": frame[tag], "time": found.values}).group_by("tag").agg(
        first=pl.col("time").min(), last=pl.col("time").max()
    )  # fmt: skip
    common = times.select(pl.col("last").min() - pl.col("first").max()).item()
    longest = times.select((pl.col("last") - pl.col("first")).max()).item()
    return bool(common >= 0.5 * longest)


def _holds_times(values: pl.Series) -> bool:
    """Returns whether a column holds dates; numbers count as an epoch or date only when they have 13 digits or more,
    or count seconds in a first column without a name."""
    head = trimmed(values.head(500)).drop_nulls()
    if not len(head):
        return False
    numbers = head.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False).null_count() == 0
    if numbers and not head.str.contains(r"^\d{13,19}$").all() and not _counts_seconds(head):
        return False
    return not is_clock(values) and reads_as_time(values)


def _counts_seconds(head: pl.Series) -> bool:
    """Returns whether a first column without a name holds seconds since 1970 that do not fall."""
    if not may_be_first_digits(head) or not head.str.contains(r"^\d{10}(\.\d{1,9})?$").all():
        return False
    found = find_digit_time(head.alias("timestamp"))
    return found is not None and found.values.is_sorted()


def _share_of_numbers(values: pl.Series) -> float:
    head = trimmed(values.head(2000)).drop_nulls()
    head = head.filter(~head.str.to_lowercase().is_in(list(MISSING_WORDS | QUALITY_WORDS)))
    if not len(head):
        return 0.0
    return float(head.str.contains(_NUMBER).mean() or 0.0)  # type: ignore[arg-type]


def _holds_quality(values: pl.Series) -> bool:
    distinct = trimmed(values.head(20_000)).drop_nulls().unique()
    if not 0 < len(distinct) <= 16:
        return False
    texts = distinct.to_list()
    words = all(_QUALITY_TEXT.match(t) or is_quality_word(t) for t in texts) or _LETTERS.issuperset(texts)
    numbers = all(t in _QUALITY_NUMBERS for t in texts) and bool({"192", "128", "100"} & set(texts))
    return words or numbers


def is_clock(values: pl.Series) -> bool:
    """Returns whether a column holds times of day without a date."""
    head = trimmed(values.head(200)).drop_nulls()
    return (
        len(head) > 0
        and bool(
            head.str.contains(r"^\d{1,2}[:.hH]\d{2}([:.mM]\d{2}([.,:;]\d{1,9})?)?\s*([AaPp]\.?\s?[Mm]\.?)?$").all()
        )
        and not bool(head.str.contains(r"^\d{1,2}[.]\d{1,2}$").all())
    )
