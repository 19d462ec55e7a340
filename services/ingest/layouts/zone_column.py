"""Times whose zone stands in a column of its own (`tz_cd`: EST, EDT): each time gets the zone of its row.

Only offsets and abbreviations that stand for one zone; any other column of zones changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl

from services.ingest.layouts.clock import reads_as_time, trimmed
from services.ingest.tables import Fact, SourceTable
from services.ingest.values.time_texts import known_zones

_HEADING = re.compile(r"^(tz|tz_?cd|time_?zone|timezone_?code|zone|utc_?offset|gmt_?offset)$", re.I)
_OFFSET = r"^[+-]\d{2}:?\d{2}$"
_NO_ZONE_YET = r"\d$"


def with_zone_column(table: SourceTable) -> SourceTable:
    """Returns the table with the zone of each row behind its time."""
    frame = table.frame
    name = next((n for n in frame.columns if table.has_header and _HEADING.match(n.strip().replace(" ", "_"))), "")
    if not name or frame.schema[name] != pl.String:
        return table
    zones = trimmed(frame[name])
    distinct = zones.drop_nulls().unique()
    if not distinct.len() or not (distinct.str.contains(_OFFSET).all() or known_zones(distinct.to_list())):
        return table
    before = frame.columns[: frame.columns.index(name)][::-1]
    behind = frame.columns[frame.columns.index(name) + 1 :]
    time = next((n for n in (*before, *behind) if _is_time_without_zone(frame[n])), "")
    if not time:
        return table
    parts = pl.DataFrame({"time": trimmed(frame[time]), "zone": zones})
    spaced = pl.when(pl.col("zone").is_null()).then("time").otherwise(pl.col("time") + " " + pl.col("zone"))
    fact = Fact(f"time_zone:{time}", name, f"column {name!r} has the zone of every row")
    return replace(table, frame=frame.with_columns(parts.select(spaced.alias(time))[time]), facts=[*table.facts, fact])


def _is_time_without_zone(values: pl.Series) -> bool:
    if values.dtype != pl.String:
        return False
    head = trimmed(values.head(50)).drop_nulls()
    clocked = head.len() > 0 and bool(head.str.contains(r"\d[:.]\d{2}").all() and head.str.contains(_NO_ZONE_YET).all())
    return clocked and not head.str.contains(r"[+-]\d{2}:?\d{2}$").any() and reads_as_time(values)
