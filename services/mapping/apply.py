"""Applying a mapping: parsed columns become the sensors of a profile, in its units, in UTC, in order.

It promises that every row of the parsed table is in the result exactly once, that every number was converted by one
declared affine rule that is written beside it, and that values which contradict their unit or their sensor's limits
are reported. It corrects nothing: a suspicious column is mapped as told and flagged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile, Sensor
from services.machines.units import Conversion, conversion, parse_unit
from services.mapping.alignment import NOT_ALIGNED, AlignOptions, align, join, mixed_cadence
from services.mapping.contradictions import check_columns
from services.mapping.findings import Finding
from services.mapping.life_checks import check_rul
from services.mapping.names import is_difference, parse_name
from services.mapping.plan import ColumnRule, MappingPlan, check_plan
from services.mapping.segments import segment_rows
from services.mapping.timeaxis import read_times


@dataclass(frozen=True)
class Mapped:
    """The mapped table with the unit and the provenance of every column, and the report (mapping.json)."""

    table: pl.DataFrame
    units: dict[str, str]
    column_metadata: dict[str, dict[str, str]]
    report: dict[str, Any]
    findings: tuple[Finding, ...]


def apply_mapping(
    table: pl.DataFrame,
    declared_units: Mapping[str, str],
    profile: MachineProfile,
    plan: MappingPlan,
    alignment: AlignOptions = NOT_ALIGNED,
) -> Mapped:
    """Returns the mapped table: source_row, timestamp, run_id, segment, sensors in profile order, rul, aux columns.

    `declared_units` are the units the file itself declares, by column. Raises as `check_plan`, `read_times`,
    `conversion` and `align` do; nothing is written half. With an alignment the rows are those of one sensor's values.
    """
    check_plan(plan, table.columns, profile)
    findings: list[Finding] = []
    columns: dict[str, pl.Series] = {"source_row": _source_rows(table)}
    notes: list[dict[str, Any]] = []
    units: dict[str, str] = {}
    metadata: dict[str, dict[str, str]] = {}

    times, time_report = _time(table, declared_units, profile, plan, findings)
    if times is not None:
        columns["timestamp"] = times
        notes += [{"column": column, "role": "timestamp"} for column in plan.columns("timestamp")]
        metadata["timestamp"] = {"source_column": " + ".join(plan.columns("timestamp"))}
    run_codes = None
    if run_columns := plan.columns("run"):
        columns["run_id"], run_codes = _runs(table, run_columns)
        notes += [{"column": column, "role": "run"} for column in run_columns]
        metadata["run_id"] = {"source_column": " + ".join(run_columns)}
    segments = segment_rows(times, run_codes, table.height, plan.time.gap_factor or 5.0)
    columns["segment"] = pl.Series(segments.segment)

    by_sensor = {rule.sensor: rule for rule in plan.sensors}
    for sensor in profile.columns:
        rule = by_sensor.get(sensor.name)
        if rule is None:
            continue
        columns[sensor.name], note = _sensor_column(table[rule.column], rule, sensor, declared_units, findings)
        notes.append(note)
        units[sensor.name] = note["target_unit"]
        metadata[sensor.name] = {"source_column": rule.column, "source_unit": note["source_unit"]}
    for column in plan.columns("rul"):
        columns["rul"] = _number(table[column], column, findings)
        units["rul"] = profile.rul_unit
        metadata["rul"] = {"source_column": column}
        notes.append({"column": column, "role": "rul", "target_unit": profile.rul_unit})
    for rule in plan.rules:
        if rule.role in ("auxiliary", "label", "index", "constant"):
            name = f"aux.{rule.column}"
            columns[name] = table[rule.column]
            units[name] = declared_units.get(rule.column, "")
            metadata[name] = {"source_column": rule.column, "role": rule.role}
            notes.append({"column": rule.column, "role": rule.role})

    ordered = {name: series for name, series in columns.items() if name != "segment"}
    mapped = pl.DataFrame([series.alias(name) for name, series in ordered.items()])
    if (segments.order[1:] < segments.order[:-1]).any():
        mapped = mapped.select(pl.all().gather(pl.Series(segments.order)))
    place = 1 + ("timestamp" in columns) + ("run_id" in columns)
    mapped = mapped.insert_column(place, columns["segment"].alias("segment"))
    numeric = [s.name for s in profile.columns if s.name in by_sensor]
    segment_report, alignment_report = segments.report, None
    if alignment.rows:
        aligned = align(mapped.drop("segment"), numeric, alignment)
        findings += aligned.findings
        alignment_report = aligned.report
        mapped, segment_report = _segmented(aligned.table, plan.time.gap_factor or 5.0)
    elif (mixed := mixed_cadence(mapped, numeric)) is not None:
        findings.append(mixed)
    findings += check_columns(mapped, profile, by_sensor)
    if "rul" in mapped.columns:
        findings += check_rul(mapped, plan.columns("rul")[0], profile)
    unmapped = [sensor.name for sensor in profile.columns if sensor.name not in by_sensor]
    report: dict[str, Any] = {
        "machine_id": profile.machine_id,
        "rows": {"in": table.height, "out": mapped.height},
        "columns": notes,
        "ignored_columns": [
            name for name in table.columns if name not in {n["column"] for n in notes} | {"source_row"}
        ],
        "unmapped_sensors": unmapped,
        "time": {**time_report, **segment_report},
        "findings": [finding.to_json() for finding in findings],
    }
    if alignment_report:
        report["alignment"] = alignment_report
    return Mapped(mapped, {k: v for k, v in units.items() if v}, metadata, report, tuple(findings))


def _segmented(table: pl.DataFrame, gap_factor: float) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Returns rows, sorted by run and time, with their segments numbered anew, and the report."""
    runs = table["run_id"].rle_id().cast(pl.Int64).to_numpy() if "run_id" in table.columns else None
    segments = segment_rows(table["timestamp"], runs, table.height, gap_factor)
    place = 2 + ("run_id" in table.columns)
    return table.insert_column(place, pl.Series("segment", segments.segment)), segments.report


def join_mapped(
    table: pl.DataFrame, other: pl.DataFrame, profile: MachineProfile, tolerance_s: float = 0.0, gap_factor: float = 5.0
) -> Mapped:
    """Returns the rows of the slower of two mapped tables with the sensors of both, in profile order. Raises as `join`
    does. Units and provenance are those of the two tables, which the caller has."""
    joined = join(table.drop("segment", strict=False), other.drop("segment", strict=False), tolerance_s)
    rows, report = _segmented(joined.table, gap_factor)
    keys = [name for name in ("source_row", "timestamp", "run_id", "segment") if name in rows.columns]
    sensors = [sensor.name for sensor in profile.columns if sensor.name in rows.columns]
    rest = [name for name in rows.columns if name not in keys and name not in sensors]
    full = {
        "machine_id": profile.machine_id,
        "rows": {"in": table.height + other.height, "out": rows.height},
        "join": joined.report,
        "unmapped_sensors": [sensor.name for sensor in profile.columns if sensor.name not in rows.columns],
        "time": report,
        "findings": [finding.to_json() for finding in joined.findings],
    }
    return Mapped(rows.select([*keys, *sensors, *rest]), {}, {}, full, joined.findings)


def _source_rows(table: pl.DataFrame) -> pl.Series:
    if "source_row" in table.columns:
        return table["source_row"].cast(pl.Int64)
    return pl.Series(np.arange(1, table.height + 1, dtype=np.int64))


def _time(
    table: pl.DataFrame,
    declared_units: Mapping[str, str],
    profile: MachineProfile,
    plan: MappingPlan,
    findings: list[Finding],
) -> tuple[pl.Series | None, dict[str, Any]]:
    named = plan.columns("timestamp")
    if not named:
        return None, {"columns": [], "format": ""}
    written = next((rule.source_unit for rule in plan.rules if rule.role == "timestamp" and rule.source_unit), "")
    unit = parse_unit(written or declared_units.get(named[0], "")) or parse_name(named[0]).unit
    symbol = unit.symbol if unit is not None and unit.dimension == "time" else ""
    axis = read_times(table, named, plan.time, unit=symbol, period_s=profile.sampling_period_s)
    findings += axis.findings
    report = {"columns": named, "format": axis.format, "zone": plan.time.zone or "UTC"}
    return axis.times, {**report, "missing": axis.times.null_count()}


def _runs(table: pl.DataFrame, named: list[str]) -> tuple[pl.Series, npt.NDArray[np.int64]]:
    """Returns run ids as text and their codes by first appearance. Rows without a run form a run of their own, ''."""
    parts = [_run_text(table[column]) for column in named]
    joined = pl.DataFrame({str(i): part for i, part in enumerate(parts)}).select(
        pl.concat_str(pl.all(), separator="/").alias("run_id")
    )["run_id"]
    names = joined.unique(maintain_order=True).to_frame().with_row_index("code")
    codes = joined.to_frame().join(names, on="run_id", how="left", maintain_order="left")["code"]
    return joined, codes.cast(pl.Int64).to_numpy()


def _run_text(series: pl.Series) -> pl.Series:
    if series.dtype.is_float():
        whole = series.drop_nulls()
        if (whole == whole.round()).all():
            series = series.cast(pl.Int64)
    return series.cast(pl.String).fill_null("")


def _number(series: pl.Series, column: str, findings: list[Finding]) -> pl.Series:
    """Returns the values as Float64. Text that is no number becomes missing and is counted."""
    if series.dtype == pl.Null:
        return series.cast(pl.Float64)
    if series.dtype == pl.String:
        numbers = series.str.strip_chars().cast(pl.Float64, strict=False)
        lost = numbers.null_count() - series.null_count()
        if lost:
            examples = series.filter(numbers.is_null() & series.is_not_null()).unique(maintain_order=True).head(3)
            findings.append(
                Finding(
                    "NOT_A_NUMBER",
                    "warning",
                    f"{lost} of {len(series)} values of {column!r} are no numbers, such as {examples.to_list()}; "
                    "they are missing in the mapped table.",
                    column,
                    {"values": lost},
                )
            )
        return numbers
    if series.dtype.is_temporal():
        raise SensorForgeError(
            "MAPPING_CONFLICT", f"The column {column!r} holds times ({series.dtype}) and cannot be a measured value."
        )
    return series.cast(pl.Float64)


def _state(series: pl.Series, sensor: Sensor, column: str, findings: list[Finding]) -> pl.Series:
    """Returns state values as text; whole numbers lose their decimal point. Unknown states are kept and reported."""
    if series.dtype == pl.Boolean:
        text = series.cast(pl.Int8).cast(pl.String)
    elif series.dtype.is_float() and (series.drop_nulls() == series.drop_nulls().round()).all():
        text = series.cast(pl.Int64).cast(pl.String)
    else:
        text = series.cast(pl.String).str.strip_chars()
    if sensor.states:
        folded = {state.casefold(): state for state in sensor.states}
        if series.dtype == pl.Boolean and len(sensor.states) == 2 and not {"0", "1"} & set(sensor.states):
            text = series.cast(pl.String)
        text = text.replace({value: folded.get(value.casefold(), value) for value in text.drop_nulls().unique()})
        strange = sorted(set(text.drop_nulls().unique().to_list()) - set(sensor.states))
        if strange:
            findings.append(
                Finding(
                    "STATE_UNKNOWN",
                    "warning",
                    f"{column!r} has values that are no state of {sensor.name}: {', '.join(strange[:5])}"
                    f"{' and more' if len(strange) > 5 else ''}. Known: {', '.join(sensor.states)}.",
                    column,
                )
            )
    return text


def _sensor_column(
    series: pl.Series, rule: ColumnRule, sensor: Sensor, declared: Mapping[str, str], findings: list[Finding]
) -> tuple[pl.Series, dict[str, Any]]:
    note: dict[str, Any] = {"column": rule.column, "role": rule.role, "sensor": sensor.name}
    if sensor.role == "state":
        values = _state(series, sensor, rule.column, findings)
        return values, {**note, "source_unit": "", "target_unit": sensor.unit, "unit_basis": "state"}
    plan, basis, source, target = unit_plan(rule, sensor, declared.get(rule.column, ""))
    values = _number(series, rule.column, findings)
    if plan is not None and not plan.identity:
        values = values * plan.scale + plan.shift
    if plan is not None and plan.note:
        findings.append(Finding("UNIT_ASSUMED", "info", f"{rule.column!r} -> {sensor.name}: {plan.note}.", rule.column))
    if basis == "unreadable":
        findings.append(
            Finding(
                "UNIT_NOT_READ",
                "warning",
                f"{rule.column!r} declares the unit {source!r}, which is not known; {target} is assumed.",
                rule.column,
            )
        )
    if basis == "profile" and sensor.unit:
        findings.append(
            Finding(
                "UNIT_NOT_DECLARED",
                "info",
                f"{rule.column!r} declares no unit; its values are taken to be {sensor.unit}, as {sensor.name} is.",
                rule.column,
            )
        )
    if (named := named_otherwise(rule.column, source)) and basis == "declared":
        findings.append(
            Finding(
                "UNIT_CONTRADICTED",
                "warning",
                f"{rule.column!r} is declared in {source}, and its name says {named}; {source} is believed.",
                rule.column,
            )
        )
    note |= {
        "source_unit": source,
        "target_unit": target,
        "unit_basis": basis,
        "scale": plan.scale if plan else 1.0,
        "shift": plan.shift if plan else 0.0,
        "missing": values.null_count(),
    }
    return values, note


def named_otherwise(column: str, declared: str) -> str:
    """Returns the unit that a column's own name carries where it is not the declared one, else nothing."""
    unit, named = parse_unit(declared), parse_name(column)
    if unit is None or named.unit is None or named.unit.symbol == unit.symbol:
        return ""
    same_scale = named.unit.dimension == unit.dimension and named.unit.factor == unit.factor
    return "" if same_scale and named.unit.offset == unit.offset else named.unit_text or named.unit.symbol


def unit_plan(rule: ColumnRule, sensor: Sensor, declared: str) -> tuple[Conversion | None, str, str, str]:
    """Returns (conversion or None, basis, source unit, target unit) of one column.

    Basis: declared (the rule or the file names the unit), name (the column's name carries it in brackets), profile
    (taken to be the sensor's own), unreadable (the file's unit is not known; the sensor's own is assumed), unknown (the
    sensor has none either: the numbers pass as they are).
    Raises UNIT_UNREADABLE and UNIT_INCOMPATIBLE, naming column and sensor.
    """
    target = sensor.unit
    if not target:
        named = parse_name(sensor.name).unit
        target = named.symbol if named else ""
    source, basis = rule.source_unit or declared, "declared"
    if not source:
        bracketed = parse_name(rule.column)
        if bracketed.unit is not None and bracketed.unit_explicit:
            source, basis = bracketed.unit_text, "name"
    if not source:
        return None, ("profile" if target else "unknown"), target, target
    if not target:
        return None, "unknown" if basis == "profile" else basis, source, source
    try:
        return conversion(source, target, delta=is_difference(sensor)), basis, source, target
    except SensorForgeError as error:
        if error.reason == "UNIT_UNREADABLE" and not rule.source_unit:
            return None, "unreadable", source, target
        raise SensorForgeError(
            error.reason, f"Column {rule.column!r} -> sensor {sensor.name!r}: {error.message}", metadata=error.metadata
        ) from error
