"""The jobs of stage 2: mapping.apply, mapping.join, mapping.transform and mapping.merge.

Files in, files out; no rule is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.artifacts.manifest import Column
from services.jobs.operation import JobContext, Operation
from services.machines.profile import MachineProfile
from services.mapping.alignment import AlignOptions
from services.mapping.apply import apply_mapping, join_mapped
from services.mapping.failure_log import FailureLog, FailureLogOptions, read_failure_log
from services.mapping.findings import Finding
from services.mapping.merge import merge_rows
from services.mapping.plan import ColumnRule, MappingPlan
from services.mapping.revisions import REVISIONS
from services.mapping.rul import RulOptions
from services.mapping.split import SplitOptions
from services.mapping.timeaxis import TimeOptions
from services.mapping.transform import transform


def _warn(ctx: JobContext, findings: Iterable[Finding | Mapping[str, Any]]) -> None:
    for finding in findings:
        shown = finding.to_json() if isinstance(finding, Finding) else finding
        if shown["severity"] != "info":
            ctx.warning(str(shown["code"]), str(shown["message"]))


def _profile(ctx: JobContext) -> MachineProfile:
    return MachineProfile.from_json(ctx.json("profile"))


def _columns(ctx: JobContext, file: str) -> tuple[Column, ...]:
    return ctx.manifest("table").file(file).columns


def run_apply(ctx: JobContext) -> None:
    """Writes table.parquet and mapping.json from a parsed table and the params `columns` and `time`."""
    profile = _profile(ctx)
    plan = MappingPlan(
        tuple(ColumnRule(**rule) for rule in ctx.params["columns"]),
        TimeOptions(**ctx.params["time"]),
    )
    ctx.progress("read", message="reading the parsed table")
    table = ctx.table("table", "table.parquet")
    declared = {column.name: column.unit for column in _columns(ctx, "table.parquet") if column.unit}
    ctx.stop_if_cancelled()
    ctx.progress("map", 0, table.height, "mapping columns")
    mapped = apply_mapping(table, declared, profile, plan, AlignOptions(**ctx.params.get("align", {})))
    _warn(ctx, mapped.findings)
    output = ctx.output("table", "processed")
    output.table("table.parquet", mapped.table, units=mapped.units, column_metadata=mapped.column_metadata)
    output.json("mapping.json", mapped.report)
    ctx.progress("map", table.height, table.height, "mapped")


def run_join(ctx: JobContext) -> None:
    """Writes table.parquet and mapping.json from two mapped tables and the param `tolerance_s`."""
    profile = _profile(ctx)
    table, other = ctx.table("table", "table.parquet"), ctx.table("other", "table.parquet")
    ctx.stop_if_cancelled()
    ctx.progress("join", 0, table.height + other.height, "joining rows by time")
    joined = join_mapped(table, other, profile, float(ctx.params["tolerance_s"]))
    _warn(ctx, joined.findings)
    columns = {
        column.name: column
        for role in ("other", "table")
        for column in ctx.manifest(role).file("table.parquet").columns
        if column.name in joined.table.columns
    }
    output = ctx.output("table", "processed")
    output.table(
        "table.parquet",
        joined.table,
        units={name: column.unit for name, column in columns.items() if column.unit},
        column_metadata={name: dict(column.metadata) for name, column in columns.items() if column.metadata},
    )
    output.json("mapping.json", joined.report)
    ctx.progress("join", joined.table.height, joined.table.height, "joined")


def _failure_log(ctx: JobContext) -> FailureLog | None:
    if "failures" not in ctx.inputs:
        return None
    given = dict(ctx.params["failure_log"])
    options = FailureLogOptions(
        **{**given, "kinds": tuple(given.get("kinds", ())), "time": TimeOptions(**given.get("time", {}))}
    )
    return read_failure_log(ctx.table("failures", "table.parquet"), options)


def run_transform(ctx: JobContext) -> None:
    """Writes processed.parquet, holdout.parquet and transform.json from a cleaned table, `rul` and `split`."""
    profile = _profile(ctx)
    columns = _columns(ctx, "table.parquet")
    table = ctx.table("table", "table.parquet")
    ctx.stop_if_cancelled()
    ctx.progress("transform", 0, table.height, "adding RUL and split")
    labels = tuple(column.name for column in columns if column.metadata.get("role") == "label")
    result = transform(
        table,
        profile,
        RulOptions(**ctx.params["rul"]),
        SplitOptions(**ctx.params["split"]),
        ctx.seed,
        failure_columns=tuple(name for name in labels if name in table.columns),
        log=_failure_log(ctx),
    )
    _warn(ctx, result.report["findings"])
    units = {column.name: column.unit for column in columns if column.unit and column.name != "rul"}
    if result.rul.values is not None and result.rul.unit:
        units["rul"] = result.rul.unit
    metadata = {column.name: dict(column.metadata) for column in columns if column.name in result.table.columns}
    metadata["rul"] = {**metadata.get("rul", {}), "source": result.rul.source}
    metadata = {name: entry for name, entry in metadata.items() if name in result.table.columns}
    output = ctx.output("table", "processed")
    output.table("processed.parquet", result.table, units=units, column_metadata=metadata)
    output.table("holdout.parquet", result.holdout, units=units, column_metadata=metadata)
    output.json("transform.json", result.report)
    ctx.progress("transform", table.height, table.height, "transformed")


def _seed_file(ctx: JobContext) -> str:
    """Returns seed.parquet, or the table of a plant's own seed rows that were mapped like any other file."""
    names = [file.name for file in ctx.manifest("seed").files]
    return "seed.parquet" if "seed.parquet" in names else "table.parquet"


def run_merge(ctx: JobContext) -> None:
    """Writes train.parquet, val.parquet and merge.json from a transformed table and, for `merge`, seed rows."""
    profile = _profile(ctx)
    table = ctx.table("table", "processed.parquet")
    seed_file = _seed_file(ctx) if "seed" in ctx.inputs else ""
    seeds = ctx.table("seed", seed_file) if seed_file else None
    ctx.stop_if_cancelled()
    ctx.progress("merge", 0, table.height, "choosing rows")
    merged = merge_rows(
        table,
        seeds,
        profile,
        ctx.params["strategy"],
        balance_rul=bool(ctx.params["balance_rul"]),
        seed=ctx.seed,
    )
    _warn(ctx, merged.report["findings"])
    units = {column.name: column.unit for column in _columns(ctx, "processed.parquet") if column.unit}
    if seeds is not None:
        seed_columns = ctx.manifest("seed").file(seed_file).columns
        units = {**{column.name: column.unit for column in seed_columns if column.unit}, **units}
    metadata = {name: {"seed_derived": "true"} for name in merged.seed_derived}
    output = ctx.output("rows", "merged")
    for name, rows in (("train.parquet", merged.train), ("val.parquet", merged.val)):
        output.table(
            name,
            rows,
            units={column: unit for column, unit in units.items() if column in rows.columns},
            column_metadata={column: entry for column, entry in metadata.items() if column in rows.columns},
        )
    output.json("merge.json", merged.report)
    ctx.progress("merge", table.height, table.height, "merged")


OPERATIONS: tuple[Operation, ...] = (
    Operation("mapping.apply", REVISIONS["mapping.apply"], run_apply),
    Operation("mapping.join", REVISIONS["mapping.join"], run_join),
    Operation("mapping.transform", REVISIONS["mapping.transform"], run_transform),
    Operation("mapping.merge", REVISIONS["mapping.merge"], run_merge),
)
