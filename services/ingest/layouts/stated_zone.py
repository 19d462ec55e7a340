"""A time zone that a file states, above its table, in a column or in the heading of its times: told, not applied.

It may be the zone of the times or only that of the site; `--time-zone` says that it is theirs.
"""

from __future__ import annotations

import re
import zoneinfo

import polars as pl

from services.ingest.layouts.headings import names_role
from services.ingest.tables import SourceTable

_KEY = re.compile(r"^\W*(time_? ?zone|tz|zeitzone|fuseau horaire)\W*$", re.I)
_TOGETHER = re.compile(r"\btime_? ?zone\W+([A-Z][A-Za-z]+/[A-Za-z_/]+)", re.I)
_OFFSET = re.compile(r"^\W*(?:time_? ?zone|zeitzone)\W+((?:UTC|GMT) ?[+-]\d{1,2}(?::?\d{2})?)", re.I)
_IN_WORDS = re.compile(
    r"^\W*(?:time_? ?zone|tz|zeitzone|fuseau horaire|(?:zona|huso) horari[ao]|fuso or[aá]rio|时区|時區|タイムゾーン)"
    r"\s*[:=,;]\s*([^\W\d_][^,;|\t]{1,60})",
    re.I,
)
# Names of several zones, or of one whose summer time has another name that may be meant as well.
_IN_HEADING = re.compile(
    r"[(\[](MEZ|MESZ|CET|CEST|HNEC|HAEC|EET|EEST|WET|WEST|BST|CST|IST|[ECMP]T|CET/CEST|MEZ/MESZ)[)\]]$"
)
_LOOKED_AT = 200
_WITH_OFFSET = r":\d{2}(?:[.,]\d+)? ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})\s*$"
_ZONE = re.compile(r"^[A-Z][A-Za-z]+/[A-Za-z_/]+$")


def zone_above(table: SourceTable) -> str:
    """Returns the zone that stands in the preamble beside or below a key that says so, "" where there is none."""
    lines = table.preamble
    for at, cells in enumerate(lines):
        for column, cell in enumerate(cells):
            beside = cells[column - 1] if column else ""
            above = lines[at - 1][column] if at and column < len(lines[at - 1]) else ""
            match = _TOGETHER.search(cell)
            named = match[1] if match else cell.strip()
            keyed = match is not None or _KEY.match(beside) or _KEY.match(above)
            if keyed and _ZONE.match(named) and named in zoneinfo.available_timezones():
                return named
    return ""


def zone_beside(table: SourceTable) -> str:
    """Returns the zone that all first rows of a column called one have, "" where there is none."""
    for name in table.frame.columns if table.has_header else ():
        if _KEY.match(name) and table.frame.schema[name] == pl.String:
            zones = table.frame[name].head(_LOOKED_AT).drop_nulls().unique()
            zone = str(zones[0]).strip() if len(zones) == 1 else ""
            if _ZONE.match(zone) and zone in zoneinfo.available_timezones():
                return "" if _has_offsets(table.frame.head(_LOOKED_AT)) else zone
    return ""


def _has_offsets(head: pl.DataFrame) -> bool:
    """Returns whether times of some rows say their distance from UTC themselves."""
    texts = (head[n].drop_nulls() for n, t in head.schema.items() if t == pl.String)
    return any(bool(t.str.contains(_WITH_OFFSET).all()) for t in texts if len(t))


def offset_above(table: SourceTable) -> str:
    """Returns the distance from UTC that a line of the preamble states as its zone, "" where there is none."""
    return next((m[1] for cells in table.preamble if (m := _OFFSET.match(" ".join(cells)))), "")


def words_above(table: SourceTable) -> str:
    """Returns what a line of the preamble says of its zone in words ("MEZ"), "" where none does."""
    return next(
        (m[1].strip() for cells in table.preamble if (m := _IN_WORDS.match(": ".join(filter(None, cells))))), ""
    )


def name_in_heading(table: SourceTable) -> str:
    """Returns the name of a zone in brackets behind the heading of times, "" where there is none."""
    for name in table.frame.columns:
        match = _IN_HEADING.search(name) if names_role(name, "time") else None
        if match and not _has_offsets(table.frame.select(name).head(_LOOKED_AT)):
            return match[1]
    return ""


def with_zone_told(table: SourceTable, file_name: str, given: str) -> SourceTable:
    """Returns the table, with a warning where the file states a zone and none is given."""
    if given:
        return table
    for stated, where in (
        (zone_above, "above its table"),
        (zone_beside, "in a column"),
        (offset_above, "above its table"),
        (words_above, "above its table"),
        (name_in_heading, "in a heading"),
    ):
        if zone := stated(table):
            how = f"--time-zone {zone}" if _ZONE.match(zone) else "--time-zone and the IANA name apply it"
            text = f"{file_name} states the zone {zone} {where}; its times stay as written ({how})."
            table.warnings.append(("TIME_ZONE_STATED", text))
            break
    return table
