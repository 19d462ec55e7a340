"""A time zone that the lines above a table state, as "timezone: Europe/Berlin": it is told, not applied.

It may be the zone of the times or only that of the site; `--time-zone` says that it is theirs.
"""

from __future__ import annotations

import re
import zoneinfo

from services.ingest.tables import SourceTable

_KEY = re.compile(r"^\W*(time_? ?zone|tz|zeitzone|fuseau horaire)\W*$", re.I)
_TOGETHER = re.compile(r"\btime_? ?zone\W+([A-Z][A-Za-z]+/[A-Za-z_/]+)", re.I)
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


def with_zone_told(table: SourceTable, file_name: str, given: str) -> SourceTable:
    """Returns the table, with a warning where its preamble states a zone and none is given."""
    if not given and (zone := zone_above(table)):
        text = f"{file_name} states the zone {zone} above its table; its times stay as written (--time-zone {zone})."
        table.warnings.append(("TIME_ZONE_STATED", text))
    return table
