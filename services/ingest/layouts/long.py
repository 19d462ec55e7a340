"""Long exports, one sample a line (time, tag, value, quality), turned wide: one row a time, one column a tag.

Reads Siemens WinCC archives, AVEVA Historian, PI, Ignition, Kepware, FactoryTalk, OPC and Influx long tables. Bad
samples become missing and are counted; a tag's samples never move in time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.registry import Reshape
from services.ingest.layouts.clock import elapsed_seconds, trimmed, utc_times, with_milliseconds
from services.ingest.layouts.headings import squashed
from services.ingest.layouts.pivot import pivot
from services.ingest.layouts.quality import good_codes
from services.ingest.layouts.roles import Roles, find_roles, is_clock, names_device
from services.ingest.layouts.several_values import unfolded
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Reject, SourceTable, numbered

MARKER = r"^\$RT_[A-Z]+\$$"
ELAPSED = "elapsed_s"
"""The column that stands for the time where samples have times of day alone."""
_STATUS_CODE = re.compile(r"status_?code(\.(code|symbol))?$", re.I)
_NULL_WORDS = ["NULL", "null", "(null)", "<null>", "[null]", "None"]
"""What databases write into the cells of a value that lies in another column."""


def as_texts(table: SourceTable) -> SourceTable:
    """Returns the table with every cell as text, as a long export needs it whose values share a column."""
    typed = [n for n in table.frame.columns if table.frame[n].dtype != pl.String]
    if not typed:
        return table
    return replace(table, frame=table.frame.with_columns(pl.col(n).cast(pl.String) for n in typed))


def recognise(table: SourceTable, options: ReadOptions) -> str:
    """Returns why a table is a long export, or ""."""
    if not (options.tag_column or options.value_column) and table.frame.width < 3:
        return ""
    texts = as_texts(table)
    roles = find_roles(_one_value_a_line(texts, options), options)
    return roles.evidence if roles else ""


def _one_value_a_line(table: SourceTable, options: ReadOptions) -> SourceTable:
    given = options.tag_column or options.value_column
    return table if given else unfolded(table) or table


def widen(table: SourceTable, file_name: str, options: ReadOptions) -> SourceTable:
    """Returns the wide table: `timestamp` (UTC), then one text column a tag in order of first appearance.

    Raises TIMESTAMP_AMBIGUOUS, NO_ROWS.
    """
    table = _one_value_a_line(as_texts(table), options)
    roles = find_roles(table, options)
    assert roles is not None
    frame = table.frame.with_columns(table.row_numbers.alias("\0row"), table.line_numbers.alias("\0line"))
    markers = frame[roles.tag].str.contains(MARKER).fill_null(False)
    rejects = [*table.rejects]
    if markers.any():
        for row in frame.filter(markers).iter_rows(named=True):
            rejects.append(Reject(row["\0row"], row["\0line"], "ARCHIVE_MARKER", str(row[roles.tag])))
        frame = frame.filter(~markers)
    dateless = is_clock(frame[roles.time]) and not roles.clock and not options.timestamp_format
    warnings, units = list(table.warnings), _units(table, roles)
    if dateless:
        times, fact = elapsed_seconds(frame[roles.time], sample_tags(frame, roles)), _without_date(roles.time)
        warnings.append(("TIME_WITHOUT_DATE", f"{file_name}: {fact.evidence}."))
        units[ELAPSED] = "s"
    else:
        times, fact = _times(frame, roles, options, file_name)
    good, quality_facts = _good(frame, roles)
    samples = pl.DataFrame(
        {
            "time": times,
            "tag": sample_tags(frame, roles),
            "value": sample_values(frame, roles),
            "good": good,
            "line": frame["\0line"],
        }
    )
    wide, counts, bad, lines = pivot(samples)
    if wide.height == 0:
        raise SensorForgeError("NO_ROWS", f"{file_name} has no sample with a time that can be read.")
    if dateless:
        wide = wide.rename({"timestamp": ELAPSED})
    moved = len(rejects) - len(table.rejects)
    lines_of = replace(table.counts, rows=table.counts.rows - moved, rejected=table.counts.rejected + moved)
    return SourceTable(
        frame=wide,
        counts=lines_of,
        row_numbers=numbered(wide.height),
        line_numbers=lines,
        units=units,
        facts=[*table.facts, fact, *quality_facts],
        rejects=sorted(rejects, key=lambda r: r.line),
        has_header=True,
        decimal=table.decimal,
        warnings=warnings,
        samples=counts,
        bad_cells=bad,
    )


def _without_date(name: str) -> Fact:
    evidence = (
        f"column {name!r} has times of day without a date; {ELAPSED} counts seconds from the midnight before the "
        "first, and a pause of more than half a day cannot be told"
    )
    return Fact(f"timestamp_format:{name}", "time of day", evidence)


def sample_values(frame: pl.DataFrame, roles: Roles) -> pl.Series:
    """Returns the samples' texts; whole numbers and texts that lie in columns of their own fill what is empty."""
    values = trimmed(frame[roles.value])
    for other in roles.other_values:
        parts = pl.DataFrame({"one": values, "other": trimmed(frame[other])})
        empty = pl.col("one").is_null() | pl.col("one").is_in(_NULL_WORDS)
        values = parts.select(pl.when(empty).then(pl.coalesce("other", "one")).otherwise("one")).to_series()
    return values.set(values.is_in(_NULL_WORDS), None) if roles.other_values else values


def _good(frame: pl.DataFrame, roles: Roles) -> tuple[pl.Series, list[Fact]]:
    good = pl.Series([True]).new_from_index(0, frame.height)
    facts = []
    for name in (roles.quality, *roles.flags):
        if name:
            texts = frame[name].fill_null("").alias("quality")
            codes, evidence = good_codes(texts, name)
            codes |= {""} if may_be_omitted(name) else set()
            good = good & texts.is_in(list(codes)) if codes else ~good
            facts.append(Fact("quality", name, evidence))
    if name := roles.not_understood:
        facts.append(unknown_codes(name, frame[name].drop_nulls().unique(maintain_order=True).head(4).to_list()))
    return good, facts


def unknown_codes(name: str, codes: Sequence[str]) -> Fact:
    """Returns the fact that a column called a quality holds codes of no known scheme."""
    shown = ", ".join(map(repr, codes))
    return Fact("quality", name, f"{shown} are codes of no known scheme: every sample counts", ambiguous=True)


def may_be_omitted(name: str) -> bool:
    """Returns whether a quality that is left out is good: OPC UA does not write the status of a good sample."""
    return bool(_STATUS_CODE.search(name))


def _units(table: SourceTable, roles: Roles) -> dict[str, str]:
    if not roles.unit:
        return {}
    return dict(units_of_tags(table.frame, roles))


def units_of_tags(frame: pl.DataFrame, roles: Roles) -> list[tuple[str, str]]:
    """Returns the first unit of every tag that has one."""
    pairs = pl.DataFrame({"tag": sample_tags(frame, roles), "unit": trimmed(frame[roles.unit])}).drop_nulls()
    return list(pairs.unique(subset=["tag"], keep="first", maintain_order=True).iter_rows())


def sample_tags(frame: pl.DataFrame, roles: Roles) -> pl.Series:
    """Returns the samples' tags, under their group where one name is several tags'."""
    tags = frame[roles.tag].str.strip_chars()
    if not roles.group:
        return tags
    groups = frame[roles.group].str.strip_chars()
    if names_device(roles.group) and tags.str.contains(r"^(0[xX])?[0-9a-fA-F]+$").all():
        # Addresses of registers, which a bare number before them would make those of a kind.
        groups = "device " + groups
    return (groups + "." + tags).alias(roles.tag)


def _times(frame: pl.DataFrame, roles: Roles, options: ReadOptions, file_name: str) -> tuple[pl.Series, Fact]:
    """Returns the sample times in UTC, null where a text is no time."""
    texts = time_texts(frame, roles)
    times, fact = utc_times(texts, options, file_name, comma_locale=has_commas(frame, roles), serial=_serial(frame))
    if roles.milliseconds and int(str((times.dt.epoch("us") % 1_000_000).max() or 0)) == 0:
        times = with_milliseconds(times, frame[roles.milliseconds])
    return times, fact


def time_texts(frame: pl.DataFrame, roles: Roles) -> pl.Series:
    """Returns the samples' times as text, date and clock together where they stand apart."""
    texts = trimmed(frame[roles.time])
    if not roles.clock:
        return texts
    day = texts.str.replace(r" 0{1,2}:00(:00)?(\.0+)?( AM)?$", "")
    return (day + " " + trimmed(frame[roles.clock])).alias(roles.time)


def has_commas(frame: pl.DataFrame, roles: Roles) -> bool:
    """Returns whether values are written with decimal commas, as where the day stands first."""
    return bool(frame[roles.value].str.contains(r"^-?\d+,\d+$").any())


def _serial(frame: pl.DataFrame) -> pl.Series | None:
    """Returns the numeric copy of the time in Excel days; WinCC writes them times a million as Time_ms."""
    name = serial_column(frame.columns)
    return days_of_serial(frame[name]) if name else None


def serial_column(names: Sequence[str]) -> str:
    """Returns the column of WinCC's numeric copy of the time, "" where there is none."""
    return next((n for n in names if squashed(n) == "timems"), "")


def days_of_serial(texts: pl.Series) -> pl.Series:
    """Returns WinCC's numeric copy of the time in Excel days."""
    return texts.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False) / 1e6


RESHAPE = Reshape("long", recognise, widen)
