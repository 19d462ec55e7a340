"""Influx annotated CSV: tables under #datatype annotations, one after another, turned into one row a time.

Each table has its own header; `_time` and `_value` are the sample, `_field` with `_measurement` and the tag columns
that differ name the series. Pivoted answers (fields as columns) stay wide.
"""

from __future__ import annotations

import csv
import io

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.long import pivot
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, LineCounts, Progress, Reject, SourceTable, numbered
from services.ingest.timestamps import TimeColumn, find_time

_ANNOTATIONS = ("#datatype", "#group", "#default", "#constant")
_OWN = ("", "result", "table", "_start", "_stop", "_time", "_value", "_field", "_measurement")


def recognise(head: str) -> str:
    """Returns why a text is annotated CSV, or ""."""
    first = head.lstrip("\ufeff\r\n ").split("\n", 1)[0]
    if first.startswith(_ANNOTATIONS):
        return f"annotation {first.split(',')[0]} opens the file"
    cells = first.strip().split(",")
    return "columns _time, _value and _field" if {"_time", "_value", "_field"} <= set(cells) else ""


def read_influx(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns all tables as one wide table with `timestamp` in UTC. Raises NO_ROWS, INGEST_LIMIT."""
    counts = {"total": 0, "preamble": 0, "header": 0, "blank": 0}
    columns: dict[str, list[str | None]] = {"time": [], "tag": [], "value": []}
    lines: list[int] = []
    rejects: list[Reject] = []
    header: list[str] = []
    expect_header = True
    body = text.data.decode("utf-8")
    reader = csv.reader(io.StringIO(body, newline=""))
    row = 0
    pending: list[tuple[int, list[str], dict[str, str]]] = []
    for cells in reader:
        counts["total"] = reader.line_num
        if not any(c.strip() for c in cells):
            counts["blank"] += 1
            expect_header = True
        elif cells[0].startswith("#"):
            counts["preamble"] += 1
            expect_header = True
        elif expect_header:
            header, expect_header = [c.strip() for c in cells], False
            counts["header"] += 1
        else:
            row += 1
            refuse_beyond("rows", row, limits.rows)
            if len(cells) != len(header) or "_time" not in header:
                rejects.append(Reject(row, reader.line_num, "FIELD_COUNT_DIFFERS", ",".join(cells)[:500]))
                continue
            pending.append((reader.line_num, cells, dict(zip(header, cells, strict=True))))
    if not pending:
        raise SensorForgeError("NO_ROWS", f"{file_name} has Influx annotations and no sample.")
    labels = _distinguishing([record for _, _, record in pending])
    samples = 0
    for number, _, record in pending:
        fields = (
            {"": record["_value"]}
            if "_value" in record
            else {k: v for k, v in record.items() if k not in _OWN and k not in labels}
        )
        prefix = [record[k] for k in labels if record.get(k)]
        for name, value in fields.items():
            samples += 1
            parts = [*prefix, record.get("_field", "") if "_value" in record else name]
            columns["time"].append(record["_time"])
            columns["tag"].append(".".join(p for p in parts if p) or "value")
            columns["value"].append(value.strip() or None)
            lines.append(number)
    found = find_time(pl.Series("time", columns["time"], dtype=pl.String))
    if not isinstance(found, TimeColumn):
        raise SensorForgeError("NO_ROWS", f"{file_name}: _time holds no times ({columns['time'][0]!r}).")
    stamps = found.values
    if getattr(stamps.dtype, "time_zone", None) is None:
        stamps = stamps.dt.replace_time_zone("UTC")
    frame = pl.DataFrame({"time": stamps, "tag": columns["tag"], "value": columns["value"], "line": lines})
    wide, account, bad, first_lines = pivot(
        frame.with_columns(pl.lit(True).alias("good")).select("time", "tag", "value", "good", "line")
    )
    rows = len(pending)
    continuation = counts["total"] - sum(counts[k] for k in ("preamble", "header", "blank")) - rows - len(rejects)
    return SourceTable(
        frame=wide,
        counts=LineCounts(
            counts["total"],
            rows,
            preamble=counts["preamble"],
            header=counts["header"],
            blank=counts["blank"],
            rejected=len(rejects),
            continuation=continuation,
        ),
        row_numbers=numbered(wide.height),
        line_numbers=first_lines,
        facts=[*text.facts, Fact("timestamp_format:_time", found.format, found.evidence)],
        rejects=rejects,
        decimal=".",
        samples=account,
        bad_cells=bad,
    )


def _distinguishing(records: list[dict[str, str]]) -> list[str]:
    """Returns the tag columns whose values differ between records: they name the series."""
    names = list(dict.fromkeys(k for r in records for k in r))
    long = "_value" in names
    found = []
    for name in names:
        if name in _OWN and name != "_measurement":
            continue
        distinct = {r.get(name, "") for r in records}
        texts = not all(_is_number(v) for v in distinct if v)
        if len(distinct) > 1 and (long or texts):
            found.append(name)
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


FORMAT = TextFormat("influx", recognise, read_influx)
