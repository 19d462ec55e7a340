"""Validation: a report about a table, never an edit of it.

Given a table alone it checks what files can get wrong (missing cells, duplicates, outliers, order of time, too few
rows, stuck values). Given a machine profile as well it checks limits, units, remaining useful life and columns.
Findings are results: a table that fails has `validation_passed` false and the reasons under `errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from services.ingest.checks.cleaning import dates_only
from services.ingest.checks.findings import Check
from services.ingest.checks.profile_checks import limits as beyond_limits
from services.ingest.checks.profile_checks import profile_columns, remaining_life
from services.ingest.checks.statistics import (
    NumberStatistics,
    duplicate_rows,
    number_statistics,
    numeric_columns,
    outliers,
    stuck,
)
from services.ingest.checks.thresholds import Thresholds
from services.machines.interleaved import interleaved_by
from services.machines.profile import MachineProfile

SCHEMA_VERSION = 1
_OWN_COLUMNS = ("source_row", "segment", "split", "provenance")


def time_column(table: pl.DataFrame) -> str:
    """Returns the time axis: `timestamp`, else the first column of times; "" when there is none."""
    if "timestamp" in table.columns and isinstance(table.schema["timestamp"], pl.Datetime):
        return "timestamp"
    return next((n for n, t in table.schema.items() if isinstance(t, pl.Datetime)), "")


def validate(
    table: pl.DataFrame,
    *,
    machine_id: str = "",
    file_name: str = "",
    units: Mapping[str, str] | None = None,
    thresholds: Thresholds | None = None,
    profile: MachineProfile | None = None,
    ledger: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Returns validation.json. `units` by column as the file declares them; `ledger` is the reading's, to be quoted."""
    limits = thresholds or Thresholds()
    check = Check(table, limits, number_statistics(table), profile, units or {})
    columns = [n for n in table.columns if n not in _OWN_COLUMNS]
    _row_count(check)
    missing = _missing(check, columns)
    duplicates = duplicate_rows(table)
    if duplicates:
        share = duplicates / max(1, table.height)
        check.add(
            "DUPLICATE_ROWS",
            "warning",
            f"{duplicates:,} rows ({share:.1%}) are exact copies of earlier ones; a steady machine at low "
            "resolution repeats itself legitimately.",
            count=duplicates,
        )
    found_outliers = outliers(table, check.statistics, limits.iqr_factor, limits.z_score)
    _outlier_findings(check, found_outliers)
    time = _time(check)
    still = stuck(table, check.statistics, limits.stuck_rows)
    for name, s in still.items():
        check.add(
            "STUCK_VALUES",
            "warning",
            f"Column {name!r} repeats {s.value:g} in {s.rows:,} rows from row {s.first_row + 1:,}; by chance "
            f"about {s.limit // 5} would be long.",
            name,
            s.rows,
        )
    constant = [n for n, s in check.statistics.items() if s.count > 1 and s.minimum == s.maximum]
    for name in constant:
        check.add("CONSTANT", "info", f"Column {name!r} is {check.statistics[name].minimum:g} in every row.", name)
    rul = remaining_life(check)
    beyond = beyond_limits(check) if profile else {}
    matched = profile_columns(check) if profile else {}
    outlier_counts = {n: (o.iqr if o.iqr or not o.z else o.z) for n, o in found_outliers.items()}
    errors = [f.to_json() for f in check.findings if f.severity == "error"]
    report: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "machine_id": machine_id,
        "file_name": file_name,
        "total_rows": table.height,
        "total_columns": len(columns),
        "missing_values": missing,
        "duplicate_rows": duplicates,
        "outliers": outlier_counts,
        "timestamp_sorted": bool(time.get("sorted", False)) if time else None,
        "data_types": {n: type_in_words(table.schema[n]) for n in columns},
        "validation_passed": not errors,
        "errors": errors,
        "warnings": [f.to_json() for f in check.findings if f.severity == "warning"],
        "notes": [f.to_json() for f in check.findings if f.severity == "info"],
        "suggested_cleaning": suggested_cleaning(table, check.statistics, beyond, limits, profile),
        "timestamp": time,
        "stuck_values": {
            n: {"rows": s.rows, "first_row": s.first_row + 1, "value": s.value, "limit": s.limit}
            for n, s in still.items()
        },
        "constant_columns": constant,
        "rul": rul,
        "beyond_limits": beyond,
        "profile": matched,
        "units": {n: u for n, u in (units or {}).items() if n in columns},
        "columns": {n: _column_json(check.statistics[n], found_outliers.get(n)) for n in check.statistics},
        "thresholds": limits.to_params(),
    }
    if ledger is not None:
        report["ledger"] = {k: ledger[k] for k in ("lines", "cells", "balanced") if k in ledger}
    return report


def type_in_words(dtype: pl.DataType) -> str:
    """Returns number, integer, text, timestamp or boolean."""
    if dtype.is_float():
        return "number"
    if dtype.is_integer():
        return "integer"
    if dtype == pl.Boolean:
        return "boolean"
    return "timestamp" if isinstance(dtype, pl.Datetime | pl.Date) or dtype == pl.Date else "text"


def _column_json(s: NumberStatistics, beyond: Any) -> dict[str, Any]:
    return {
        "min": s.minimum,
        "max": s.maximum,
        "mean": s.mean,
        "std": s.std,
        "distinct": s.distinct,
        "outliers_iqr": beyond.iqr if beyond else 0,
        "outliers_z": beyond.z if beyond else 0,
    }


def _row_count(check: Check) -> None:
    rows, least = check.table.height, check.thresholds.min_rows
    if rows < least:
        check.add("ROWS_TOO_FEW", "error", f"The table has {rows} rows; at least {least} are needed.", count=rows)
    if not numeric_columns(check.table):
        check.add("NO_NUMBERS", "error", "No column of the table holds numbers.")


def _missing(check: Check, columns: list[str]) -> dict[str, float]:
    rows = max(1, check.table.height)
    counts = check.table.select(columns).null_count().row(0) if columns else ()
    shares = dict(zip(columns, (int(c) / rows for c in counts), strict=True))
    for name, share in shares.items():
        if share == 1.0:
            check.add("ALL_MISSING", "warning", f"Column {name!r} is empty in every row.", name, rows)
        elif share > check.thresholds.missing_share:
            check.add(
                "MISSING_VALUES",
                "warning",
                f"Column {name!r} is missing in {share:.1%} of the rows (limit {check.thresholds.missing_share:.0%}).",
                name,
                round(share * rows),
            )
    return {name: round(100 * share, 4) for name, share in shares.items()}


def _outlier_findings(check: Check, found: Mapping[str, Any]) -> None:
    for name, o in found.items():
        share = o.z / max(1, check.statistics[name].count)
        if o.z and share > 0.01:
            check.add(
                "OUTLIERS",
                "warning",
                f"Column {name!r} has {o.z:,} values ({share:.1%}) beyond {check.thresholds.z_score:g} standard "
                "deviations; near a failure that can be the signal itself.",
                name,
                o.z,
            )


def _time(check: Check) -> dict[str, Any] | None:
    """Returns start, end, order, duplicates, median step (s) and gaps of the time axis, by run where there are runs."""
    name = time_column(check.table)
    if not name:
        check.add("NO_TIME", "info", "The table has no time column; rows are taken in the order of the file.")
        return None
    keys = ["run_id"] if "run_id" in check.table.columns else []
    frame = check.table.select([*keys, name]).drop_nulls(name)
    missing = check.table.height - frame.height
    step = pl.col(name).diff().dt.total_microseconds() / 1e6
    steps = frame.select((step.over(keys) if keys else step).alias("step"))["step"].drop_nulls()
    back = int((steps < 0).sum())
    repeats = int((steps == 0).sum()) if back == 0 else frame.height - frame.n_unique()
    forward = steps.filter(steps > 0)
    median = float(forward.median() or 0.0) if len(forward) else 0.0  # type: ignore[arg-type]
    gaps = forward.filter(forward > check.thresholds.gap_factor * median) if median else forward.head(0)
    if back:
        check.add(
            "TIME_UNSORTED",
            "warning",
            f"Column {name!r} steps backwards {back:,} times; mapping sorts by time.",
            name,
            back,
        )
    by_day = dates_only(frame[name])
    if repeats and by_day:
        message = f"Column {name!r} holds dates without a clock; {repeats:,} rows share their day with an earlier row."
        check.add("TIME_DATE_ONLY", "warning", message, name, repeats)
    elif repeats:
        message = f"Column {name!r} repeats {repeats:,} times."
        if not keys and (of := interleaved_by(check.table, name)):
            message += (
                f" Each time stands once for each value of {of!r}: if these are machines or runs, map {of!r} as the "
                f"run (--run-column), or their rows are taken for those of one machine."
            )
        check.add("TIME_REPEATED", "warning", message, name, repeats)
    if len(gaps):
        longest = float(gaps.max())  # type: ignore[arg-type]
        check.add(
            "TIME_GAPS",
            "warning",
            f"Column {name!r} has {len(gaps):,} gaps longer than {check.thresholds.gap_factor:g} median steps of "
            f"{median:g} s; the longest is {longest:g} s.",
            name,
            len(gaps),
        )
    if missing:
        check.add("TIME_MISSING", "warning", f"Column {name!r} is missing in {missing:,} rows.", name, missing)
    low, high = frame[name].min(), frame[name].max()
    return {
        "column": name,
        "start": str(low) if low is not None else None,
        "end": str(high) if high is not None else None,
        "sorted": back == 0,
        "steps_backwards": back,
        "duplicates": repeats,
        "missing": missing,
        "dates_only": by_day,
        "median_step_seconds": median,
        "gaps": len(gaps),
        "longest_gap_seconds": float(gaps.max()) if len(gaps) else 0.0,  # type: ignore[arg-type]
    }


def suggested_cleaning(
    table: pl.DataFrame,
    statistics: Mapping[str, NumberStatistics],
    beyond_limits: Mapping[str, int],
    thresholds: Thresholds,
    profile: MachineProfile | None,
) -> dict[str, str]:
    """Returns a strategy for every column that needs one: interpolate, ffill, clip, clip+interpolate, leave_out."""
    suggestions = {}
    for name in table.columns:
        if name in _OWN_COLUMNS or isinstance(table.schema[name], pl.Datetime) or name in ("run_id", "rul"):
            continue
        share = table[name].null_count() / max(1, table.height)
        fill = ""
        if share > max(0.9, thresholds.missing_share):
            fill = "leave_out"
        elif share > 0:
            s = statistics.get(name)
            fill = "interpolate" if s is not None and not s.discrete else "ffill"
        steps = ["clip"] if beyond_limits.get(name) else []
        if fill:
            steps.append(fill)
        if steps:
            suggestions[name] = "+".join(steps)
    return suggestions
