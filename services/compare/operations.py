"""The stage's job: inputs in, comparison, report out. Runs in worker processes only."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from services.artifacts.clock import utc_now
from services.compare.augmented import SPLITS, AugmentedQuality, check_augmented
from services.compare.comparison import Comparison, compare
from services.compare.datasets import Datasets, build_datasets
from services.compare.document import Extras, Provenance, comparison_document
from services.compare.gates import Gate
from services.compare.limits import read_limits
from services.compare.revisions import REVISIONS
from services.compare.wording import OUTCOMES
from services.jobs.operation import JobContext, Operation
from services.machines.profile import MachineProfile

# comparison.json keeps of training.json what explains the model, not its every schedule.
_TRAINING_KEYS = ("engine", "base_model", "rows", "chosen", "why", "refinement_improvement", "notices", "candidates")


def run(ctx: JobContext) -> None:
    """Compares refined rows, and the original's where there are any, with held-out real rows."""
    ctx.progress("reading")
    profile = MachineProfile.from_json(ctx.json("profile"))
    data = build_datasets(
        _table(ctx, "table", "processed.parquet"),
        _table(ctx, "refined", "synthetic.parquet"),
        _table(ctx, "seed", "synthetic.parquet") if "seed" in ctx.inputs else None,
        profile,
        _seed_derived(ctx),
    )

    gates_so_far = ""

    def on_phase(phase: str, done: int, total: int) -> None:
        ctx.stop_if_cancelled()
        ctx.progress(phase, done, total, gates_so_far)

    def on_gates(gates: Sequence[Gate]) -> None:
        nonlocal gates_so_far
        # Said again with every step that follows: progress is thinned out, and whoever joins late sees it too.
        gates_so_far = "; ".join(f"{gate.title}: {OUTCOMES[gate.outcome]}" for gate in gates)
        ctx.progress("judging", message=gates_so_far)

    result = compare(
        data,
        read_limits(ctx.params["limits"]),
        ctx.seed,
        every_sensor=bool(ctx.params["every_sensor"]),
        on_phase=on_phase,
        on_gates=on_gates,
    )
    for warning in result.warnings:
        ctx.warning("COMPARISON_LIMITED", warning)
    quality = _augmented(ctx, data)
    training = ctx.json("refined_model", "training.json") if "refined_model" in ctx.inputs else {}
    ctx.stop_if_cancelled()
    ctx.progress("scoring with SDMetrics")
    from services.compare.scores import sdmetrics_scores  # pandas and all its own, which the first gates do not need

    extras = Extras(
        training={key: training[key] for key in _TRAINING_KEYS if key in training},
        augmented=quality.to_json() if quality else {},
        sdmetrics=sdmetrics_scores(data, ctx.seed),
    )
    source = Provenance(
        machine=ctx.machine,
        timestamp=utc_now(),
        table=ctx.inputs["table"],
        refined=ctx.inputs["refined"],
        seed=ctx.inputs.get("seed", ""),
        original_model=ctx.inputs.get("original_model", ""),
        refined_model=ctx.inputs.get("refined_model", ""),
        profile=ctx.inputs["profile"],
        augmented=ctx.inputs.get("augmented", ""),
        title=profile.title,
    )
    _write(ctx, result, source, extras, quality, training.get("curves", {}))


def _write(
    ctx: JobContext,
    result: Comparison,
    source: Provenance,
    extras: Extras,
    quality: AugmentedQuality | None,
    curves: dict[str, list[dict[str, float]]],
) -> None:
    # Imported here: drawing needs a second to load, and the first gates should not wait for it.
    from services.compare.plots import draw_figures
    from services.compare.report_html import html_report
    from services.compare.report_pdf import pdf_report

    ctx.progress("drawing")
    document = comparison_document(result, source, extras)
    figures = draw_figures(result, curves, quality)
    ctx.stop_if_cancelled()
    ctx.progress("writing the report")
    out = ctx.output("report", "reports")
    out.json("comparison.json", document)
    out.bytes("comparison.pdf", pdf_report(document, figures, source.title), "application/pdf")
    out.bytes("comparison.html", html_report(document, figures, source.title).encode(), "text/html")
    for figure in figures:
        out.bytes(f"{figure.name}.png", figure.png, "image/png")


def _table(ctx: JobContext, role: str, usual: str) -> pl.DataFrame:
    """Returns the table of an input: the usual file, or its first Parquet file (seed rows come as seed.parquet)."""
    names = [file.name for file in ctx.manifest(role).files]
    parquet = next((name for name in names if name.endswith(".parquet")), "")
    return ctx.table(role, usual if usual in names else parquet)


def _seed_derived(ctx: JobContext) -> set[str]:
    """Returns the columns whose values come from the seed, as the manifests mark them."""
    return {
        column.name
        for role in ("table", "refined")
        for file in ctx.manifest(role).files
        for column in file.columns
        if column.metadata.get("seed_derived") == "true"
    }


def _augmented(ctx: JobContext, data: Datasets) -> AugmentedQuality | None:
    if "augmented" not in ctx.inputs:
        return None
    ctx.progress("checking the augmented sets")
    names = {file.name for file in ctx.manifest("augmented").files}
    sets = {split: ctx.table("augmented", f"{split}.parquet") for split in SPLITS if f"{split}.parquet" in names}
    return check_augmented(sets, data, ctx.seed) if any(len(table) for table in sets.values()) else None


OPERATIONS = (Operation("compare.compare", REVISIONS["compare.compare"], run),)
