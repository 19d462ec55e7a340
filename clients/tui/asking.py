"""What the gateway asks of the services about merges, models and comparisons, several answers at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from clients.sdk import SensorForge
from clients.sdk.workflow.model_steps import pinned_base, short
from clients.sdk.workflow.session import RunSession
from clients.sdk.workflow.steps import StepName
from clients.sdk.workflow.work import Work
from clients.tui import evidence, views

_SHOWN_MODELS = 20


async def merge_preview(forge: SensorForge, work: Work) -> views.MergePreview:
    """Returns the rows that there are to merge and, once it is done, what the merge made of them. Raises
    SensorForgeClientError."""
    outputs = work.outputs
    if "transformed" not in outputs:
        return views.MergePreview()
    merged = outputs.get("merged", "")
    transform, real, report, chosen = await asyncio.gather(
        forge.read_json(outputs["transformed"], "transform.json"),
        forge.columns(outputs["transformed"]),
        _json(forge, merged, "merge.json"),
        forge.columns(merged) if merged else _nothing(),
    )
    seeds = await work.rows(outputs["seeds"]) if "seeds" in outputs else work.plan.seed_rows
    return evidence.merge_preview(
        transform,
        evidence.life_quantiles(real.columns),
        report,
        evidence.life_quantiles(chosen.columns) if chosen is not None else (),
        seeds or evidence.DEFAULT_SEED_ROWS,
    )


async def models(forge: SensorForge, machine: str) -> list[tuple[str, str]]:
    """Returns a machine's models, newest first: the start of each one's hash, and what it is in words. Raises
    SensorForgeClientError."""
    page = await forge.list_models(machine, page_size=_SHOWN_MODELS)
    found = []
    for model in page.models:
        name = short(model.artifact.name)
        standing = ", the default" if model.is_default else ""
        found.append((name, f"{name} {model.engine}, {model.origin}{standing}"))
    return found


async def training_words(forge: SensorForge, work: Work) -> list[str]:
    """Returns why the run's refined model is the one it is, and what was noticed in its training. Raises
    SensorForgeClientError."""
    document = await _json(forge, work.outputs.get("refined_model", ""), "training.json")
    words = [str(document.get("why") or "")]
    for notice in document.get("notices") or ():
        words.append(str(notice.get("message", "")) if isinstance(notice, Mapping) else str(notice))
    return [text for text in words if text]


async def comparison(forge: SensorForge, work: Work) -> views.Comparison:
    """Returns the verdict of the run's report with its evidence. Raises SensorForgeClientError."""
    outputs = work.outputs
    document, quality, standing = await asyncio.gather(
        forge.read_json(outputs["report"], "comparison.json"),
        _json(forge, outputs.get("sets", ""), "quality.json"),
        forge.get_default_model(work.machine_id),
    )
    return evidence.comparison(document, quality, outputs.get("refined_model", ""), standing.current.model)


def merged_anew(run: RunSession) -> tuple[StepName, ...]:
    """Returns the steps that have to be taken again before a refinement, because it was told another base model or
    other rows than those the run has: none, or those of the pane before."""
    work, had = run.work, run.work.outputs.get("base_model", "")
    wanted = work.plan.base
    if wanted == "none":
        other_base = bool(had)
        work.outputs.pop("base_model", None)  # no step gives another one in its place
    elif wanted == "default":
        pinned = pinned_base(work)
        other_base = had != pinned if pinned else not had
    else:
        other_base = not short(had).startswith(short(wanted))
    return ("seed", "train", "merge") if other_base or "merge" in run.stale else ()


async def _json(forge: SensorForge, artifact: str, file: str) -> Mapping[str, Any]:
    return await forge.read_json(artifact, file) if artifact else {}


async def _nothing() -> None:
    return None
