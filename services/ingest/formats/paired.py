"""Wide tables with a quality column beside every value column: bad samples become missing, the pairs one column.

Reads `X` with `X_quality`, `X.Value` with `X.StatusCode`, as OPC loggers, Kepware and JSON payloads write them.
"""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl

from services.ingest.formats.quality import good_codes
from services.ingest.formats.registry import Reshape
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, SourceTable

_QUALITY = re.compile(
    r"^(.*?)[\s._:/\-\[(]+(quality|q|qual|status|status_?code(?:\.code)?|validity|quality_?code|qc|opc_?quality|good)[\])]?$",
    re.I,
)
_QUALITY_FIRST = re.compile(r"^(quality|q|status|validity)[\s._:/\-\[(]+(.+?)[\])]?$", re.I)
_OMITTED_IF_GOOD = re.compile(r"status_?code(\.code)?$", re.I)
_VALUE = re.compile(r"^(.*?)[\s._:/\-\[(]+(value|val|v|numericvalue)[\])]?$", re.I)
_CODES = re.compile(r"^(good.*|bad.*|uncertain.*|ok|valid|invalid|true|false|0x[0-9a-f]+|\d{1,10}( .*)?)$", re.I)


def _pairs(table: SourceTable) -> list[tuple[str, str, str]]:
    """Returns (value column, quality column, tag) for every pair."""
    names = set(table.frame.columns)
    values = {m[1].lower(): n for n in table.frame.columns if (m := _VALUE.match(n))}
    plain = {n.lower(): n for n in table.frame.columns}
    found = []
    for name in table.frame.columns:
        match = _QUALITY.match(name)
        first = _QUALITY_FIRST.match(name)
        base = match[1] if match else first[2] if first else ""
        if not base:
            continue
        value = values.get(base.lower()) or plain.get(base.lower()) or ""
        if value and value in names and value != name and _holds_codes(table.frame[name]):
            found.append((value, name, base if value in values.values() else value))
    return found


def _holds_codes(values: pl.Series) -> bool:
    if values.dtype == pl.Boolean or values.dtype.is_integer():
        return values.n_unique() <= 32
    if values.dtype != pl.String:
        return False
    distinct = values.drop_nulls().unique()
    return 0 < len(distinct) <= 32 and all(_CODES.match(str(v).strip()) for v in distinct.to_list())


def recognise(table: SourceTable, options: ReadOptions) -> str:
    """Returns why a table has quality columns, or ""."""
    pairs = _pairs(table)
    return f"{len(pairs)} value columns have a quality column beside them" if pairs else ""


def apply_quality(table: SourceTable, file_name: str, options: ReadOptions) -> SourceTable:
    """Returns the table without quality columns; bad samples are null and counted in bad_cells."""
    frame = table.frame
    bad_cells = dict(table.bad_cells)
    facts = list(table.facts)
    drop, renames = [], {}
    for value, quality, tag in _pairs(table):
        codes, evidence = good_codes(frame[quality].cast(pl.String).fill_null("").alias("quality"), quality)
        # OPC UA leaves out the status of a good sample.
        good = frame[quality].cast(pl.String).is_in(list(codes)).fill_null(_OMITTED_IF_GOOD.search(quality) is not None)
        filled = frame[value].is_not_null()
        if frame[value].dtype == pl.String:
            filled = filled & (frame[value].str.strip_chars() != "").fill_null(False)
        bad = ~good & filled
        frame = frame.with_columns(pl.when(pl.Series(good)).then(pl.col(value)).otherwise(None).alias(value))
        drop.append(quality)
        renames[value] = tag
        if bad.any():
            bad_cells[tag] = int(bad.sum())
        facts.append(Fact(f"quality:{tag}", quality, evidence))
    own_clocks = re.compile(r"[._](source_?timestamp|server_?timestamp|statuscode\.symbol|timestamp)$", re.I)
    tags = tuple(f"{tag}{mark}" for tag in renames.values() for mark in "._")
    others = [n for n in frame.columns if n not in drop and own_clocks.search(n) and n.startswith(tags)]
    keep_times = bool([n for n in frame.columns if n not in others and re.search(r"time|date|^ts$|^t$", n, re.I)])
    frame = frame.drop(drop + (others if keep_times else []))
    renames = {v: t for v, t in renames.items() if v == t or t not in frame.columns}
    renamed_bad = {renames.get(n, n): c for n, c in bad_cells.items()}
    units = {renames.get(n, n): u for n, u in table.units.items() if n in frame.columns}
    return replace(table, frame=frame.rename(renames), bad_cells=renamed_bad, facts=facts, units=units)


RESHAPE = Reshape("quality columns", recognise, apply_quality)
