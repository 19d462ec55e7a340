"""The jobs of stage 1: ingest.parse, ingest.validate and ingest.clean. Files in, files out; no rule is here."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from services.artifacts.manifest import Manifest
from services.chassis.errors import SensorForgeError
from services.ingest.checks.cleaning import Step, clean, suggested_recipe
from services.ingest.checks.report_html import render_html
from services.ingest.checks.report_text import render_text
from services.ingest.checks.thresholds import Thresholds
from services.ingest.checks.validation import validate
from services.ingest.large.table_copy import TableCopy, copy_table
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.revisions import REVISIONS
from services.ingest.sandbox import InputFile, read_in_child
from services.jobs.operation import JobContext, Operation
from services.machines.profile import MachineProfile


def run_parse(ctx: JobContext) -> None:
    """Writes table.parquet, rejects.parquet, ledger.json and detection.json from raw files."""
    roles = sorted((r for r in ctx.inputs if r.startswith("source-")), key=lambda r: int(r.removeprefix("source-")))
    sources = [_input_file(ctx, role) for role in roles]
    register_map = _input_file(ctx, "register_map") if "register_map" in ctx.inputs else None
    directory = ctx.directory / "reading"
    directory.mkdir()

    def progress(phase: str, done: int = 0, total: int = 0) -> None:
        ctx.progress(phase, done, total)

    output = ctx.output("table", "clean")
    with TableCopy(output, "table.parquet") as table:
        result = read_in_child(
            sources,
            ReadOptions.from_params(ctx.params.get("options", {})),
            Limits.from_environment(),
            directory,
            register_map=register_map,
            progress=progress,
            stop=ctx.stop_if_cancelled,
            part=table.early,
        )
        for code, message in result["warnings"]:
            ctx.warning(code, message)
        ctx.progress("writing", 0, result["rows"])
        rows = table.finish([directory / n for n in result["tables"]], result["units"])
    rejected = copy_table(output, "rejects.parquet", [directory / n for n in result["rejects"]], {})
    ledger = result["ledger"]
    if not ledger["balanced"] or rows != result["rows"] or rejected != ledger["lines"]["rejected"]:
        raise SensorForgeError(
            "LEDGER_UNBALANCED",
            f"{sources[0].file_name}: {rows} rows and {rejected} rejects were written, the ledger says "
            f"{result['rows']} and {ledger['lines']['rejected']}.",
        )
    output.json("ledger.json", ledger)
    output.json(
        "detection.json",
        {
            "schema_version": 1,
            "facts": result["facts"],
            "warnings": result["warnings"],
            "time_columns": result["time_columns"],
            "head": result["head"],
        },
    )
    ctx.progress("writing", rows, rows, f"{rows:,} rows read, {rejected:,} rejected")


def file_name_of(manifest: Manifest) -> str:
    """Returns the name that the sender gave a raw artifact's file."""
    return str(manifest.params.get("file_name") or manifest.files[0].name)


def _input_file(ctx: JobContext, role: str) -> InputFile:
    return InputFile(ctx.file(role), file_name_of(ctx.manifest(role)))


def run_validate(ctx: JobContext) -> None:
    """Writes validation.json, validation.txt and validation.html about a table, with the profile where one is given."""
    ctx.progress("reading")
    manifest = ctx.manifest("table")
    table = ctx.table("table", _first_table(manifest))
    profile = MachineProfile.from_json(ctx.json("profile")) if "profile" in ctx.inputs else None
    ledger = ctx.json("table", "ledger.json") if any(f.name == "ledger.json" for f in manifest.files) else None
    ctx.stop_if_cancelled()
    ctx.progress("checking", 0, table.height)
    report = validate(
        table,
        machine_id=ctx.machine,
        file_name=str(ctx.params.get("file_name", "")),
        units={c.name: c.unit for c in manifest.file(_first_table(manifest)).columns if c.unit},
        thresholds=Thresholds.from_params(ctx.params.get("thresholds", {})),
        profile=profile,
        ledger=ledger,
    )
    ctx.progress("writing", table.height, table.height)
    output = ctx.output("report", "reports")
    output.json("validation.json", report)
    # The renderings show the numbers as the JSON has them.
    shown = json.loads(json.dumps(report, default=str))
    output.bytes("validation.txt", render_text(shown).encode(), "text/plain; charset=utf-8")
    output.bytes("validation.html", render_html(shown).encode(), "text/html; charset=utf-8")


def run_clean(ctx: JobContext) -> None:
    """Writes the cleaned table.parquet and cleaning.json from a mapped table and a recipe; empty: the suggested one."""
    ctx.progress("reading")
    manifest = ctx.manifest("table")
    table = ctx.table("table", _first_table(manifest))
    profile = MachineProfile.from_json(ctx.json("profile")) if "profile" in ctx.inputs else None
    recipe = tuple(Step.from_params(s) for s in ctx.params.get("recipe", ())) or suggested_recipe(table, profile)
    ctx.stop_if_cancelled()
    ctx.progress("cleaning", 0, table.height)
    done = clean(table, recipe, profile)
    for effect in done.effects:
        if effect.step.kind == "clip_sigma" and effect.cells:
            ctx.warning("SIGMA_CLIP", effect.note)
    columns = manifest.file(_first_table(manifest)).columns
    output = ctx.output("table", "clean")
    output.table(
        "table.parquet",
        done.table,
        units={c.name: c.unit for c in columns if c.unit},
        column_metadata={c.name: dict(c.metadata) for c in columns if c.metadata},
    )
    output.json(
        "cleaning.json",
        {
            "schema_version": 1,
            "rows_before": done.rows_before,
            "rows_after": done.table.height,
            "suggested": not ctx.params.get("recipe"),
            "effects": [e.to_json() for e in done.effects],
            "missing_before": _missing(table),
            "missing_after": _missing(done.table),
        },
    )


def _missing(table: pl.DataFrame) -> dict[str, Any]:
    return dict(zip(table.columns, table.null_count().row(0), strict=True))


def _first_table(manifest: Manifest) -> str:
    names = [f.name for f in manifest.files]
    return "table.parquet" if "table.parquet" in names else next(n for n in names if n.endswith(".parquet"))


OPERATIONS = (
    Operation("ingest.parse", REVISIONS["ingest.parse"], run_parse, memory_mb=8192),
    Operation("ingest.validate", REVISIONS["ingest.validate"], run_validate, memory_mb=8192),
    Operation("ingest.clean", REVISIONS["ingest.clean"], run_clean, memory_mb=8192),
)
