"""Long exports, one sample a line (time, tag, value, quality), turned wide: one row a time, one column a tag.

Reads Siemens WinCC archives, AVEVA Historian, PI, Ignition, Kepware, FactoryTalk, OPC and Influx long tables. Bad
samples become missing and are counted; a tag's samples never move in time.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.clock import trimmed, utc_times, with_milliseconds
from services.ingest.formats.headings import squashed
from services.ingest.formats.pivot import pivot
from services.ingest.formats.quality import good_codes
from services.ingest.formats.registry import Reshape
from services.ingest.formats.roles import Roles, find_roles
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Reject, SourceTable, numbered

_MARKER = r"^\$RT_[A-Z]+\$$"
_NULL_WORDS = ["NULL", "null", "(null)", "<null>", "[null]", "None"]
"""What databases write into the cells of a value that lies in another column."""


def _as_texts(table: SourceTable) -> SourceTable:
    """Returns the table with every cell as text, as a long export needs it whose values share a column."""
    typed = [n for n in table.frame.columns if table.frame[n].dtype != pl.String]
    if not typed:
        return table
    return replace(table, frame=table.frame.with_columns(pl.col(n).cast(pl.String) for n in typed))


def recognise(table: SourceTable, options: ReadOptions) -> str:
    """Returns why a table is a long export, or ""."""
    if not (options.tag_column or options.value_column) and table.frame.width < 3:
        return ""
    roles = find_roles(_as_texts(table), options)
    return roles.evidence if roles else ""


def widen(table: SourceTable, file_name: str, options: ReadOptions) -> SourceTable:
    """Returns the wide table: `timestamp` (UTC), then one text column a tag in order of first appearance.

    Raises TIMESTAMP_AMBIGUOUS, NO_ROWS.
    """
    table = _as_texts(table)
    roles = find_roles(table, options)
    assert roles is not None
    frame = table.frame.with_columns(table.row_numbers.alias("\0row"), table.line_numbers.alias("\0line"))
    markers = frame[roles.tag].str.contains(_MARKER).fill_null(False)
    rejects = [*table.rejects]
    if markers.any():
        for row in frame.filter(markers).iter_rows(named=True):
            rejects.append(Reject(row["\0row"], row["\0line"], "ARCHIVE_MARKER", str(row[roles.tag])))
        frame = frame.filter(~markers)
    times, fact = _times(frame, roles, options, file_name)
    good, quality_facts = _good(frame, roles)
    samples = pl.DataFrame(
        {
            "time": times,
            "tag": frame[roles.tag].str.strip_chars(),
            "value": _values(frame, roles),
            "good": good,
            "line": frame["\0line"],
        }
    )
    wide, counts, bad, lines = pivot(samples)
    if wide.height == 0:
        raise SensorForgeError("NO_ROWS", f"{file_name} has no sample with a time that can be read.")
    moved = len(rejects) - len(table.rejects)
    lines_of = replace(table.counts, rows=table.counts.rows - moved, rejected=table.counts.rejected + moved)
    return SourceTable(
        frame=wide,
        counts=lines_of,
        row_numbers=numbered(wide.height),
        line_numbers=lines,
        units=_units(table, roles),
        facts=[*table.facts, fact, *quality_facts],
        rejects=sorted(rejects, key=lambda r: r.line),
        has_header=True,
        decimal=table.decimal,
        warnings=list(table.warnings),
        samples=counts,
        bad_cells=bad,
    )


def _values(frame: pl.DataFrame, roles: Roles) -> pl.Series:
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
            good = good & texts.is_in(list(codes)) if codes else ~good
            facts.append(Fact("quality", name, evidence))
    if name := roles.not_understood:
        shown = ", ".join(map(repr, frame[name].drop_nulls().unique(maintain_order=True).head(4).to_list()))
        facts.append(
            Fact("quality", name, f"{shown} are codes of no known scheme: every sample counts", ambiguous=True)
        )
    return good, facts


def _units(table: SourceTable, roles: Roles) -> dict[str, str]:
    if not roles.unit:
        return {}
    pairs = table.frame.select(roles.tag, roles.unit).drop_nulls().unique(subset=[roles.tag])
    return {str(tag).strip(): str(u).strip() for tag, u in pairs.iter_rows() if str(u).strip()}


def _times(frame: pl.DataFrame, roles: Roles, options: ReadOptions, file_name: str) -> tuple[pl.Series, Fact]:
    """Returns the sample times in UTC, null where a text is no time."""
    texts = trimmed(frame[roles.time])
    if roles.clock:
        day = texts.str.replace(r" 0{1,2}:00(:00)?(\.0+)?( AM)?$", "")
        texts = (day + " " + trimmed(frame[roles.clock])).alias(roles.time)
    comma = bool(frame[roles.value].str.contains(r"^-?\d+,\d+$").any())
    times, fact = utc_times(texts, options, file_name, comma_locale=comma, serial=_serial(frame))
    if roles.milliseconds and int(str((times.dt.epoch("us") % 1_000_000).max() or 0)) == 0:
        times = with_milliseconds(times, frame[roles.milliseconds])
    return times, fact


def _serial(frame: pl.DataFrame) -> pl.Series | None:
    """Returns the numeric copy of the time in Excel days; WinCC writes them times a million as Time_ms."""
    name = next((n for n in frame.columns if squashed(n) == "timems"), "")
    if not name:
        return None
    return frame[name].str.replace(",", ".", literal=True).cast(pl.Float64, strict=False) / 1e6


RESHAPE = Reshape("long", recognise, widen)
