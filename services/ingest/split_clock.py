"""Times whose date and clock stand in two columns, made whole where files are to be put together by time."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from services.ingest.formats.clock import with_milliseconds
from services.ingest.formats.headings import names_role
from services.ingest.formats.roles import is_clock
from services.ingest.reading import Reading
from services.ingest.timestamps import TimeColumn, find_time


def with_whole_times(reading: Reading) -> Reading:
    """Returns the reading with the clock, and milliseconds of their own, added to its column of dates.

    A reading whose first time column holds more than dates, or that has no column of clocks, is returned as it is.
    """
    if not reading.time_columns:
        return reading
    date = reading.time_columns[0]
    table = reading.table
    days = table[date]
    if not (days.dt.truncate("1d") == days).all() or days.null_count() == len(days):
        return reading
    texts = [n for n in table.columns if table.schema[n] == pl.String]
    clock = next((n for n in texts if is_clock(table[n].str.strip_chars())), "")
    if not clock:
        return reading
    written = pl.concat_str([days.dt.strftime("%Y-%m-%d"), table[clock].str.strip_chars()], separator=" ")
    found = find_time(table.select(written.alias(date))[date])
    if not isinstance(found, TimeColumn):
        return reading
    whole, gone = found.values, [clock]
    if zone := getattr(days.dtype, "time_zone", None):
        whole = whole.dt.replace_time_zone(zone)
    part = next((n for n in table.columns if names_role(n, "milliseconds") and table.schema[n].is_numeric()), "")
    if part and not (whole.dt.microsecond() != 0).any():
        whole, gone = with_milliseconds(whole, table[part].cast(pl.String)), [clock, part]
    return replace(
        reading,
        table=table.with_columns(whole.alias(date)).drop(gone),
        units={n: u for n, u in reading.units.items() if n not in gone},
    )
