"""Turns what the services answer into what the panes show. Pure functions; nothing is asked here."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from clients.sdk.plan import ColumnChoice, Plan
from clients.sdk.workflow import data_steps
from clients.sdk.workflow.events import EpochEvent
from clients.sdk.workflow.model_steps import short
from clients.sdk.workflow.steps import STEPS, StepName
from clients.tui import views
from clients.tui.session import Step
from sensorforge.common.v1 import job_pb2
from sensorforge.ingest.v1 import ingest_service_pb2
from sensorforge.machines.v1 import machines_pb2
from sensorforge.mapping.v1 import mapping_service_pb2

RunState = Literal["", "open", "running", "done", "failed"]
JOB_WORDS: Mapping[int, RunState] = {
    job_pb2.JOB_STATE_PENDING: "running",
    job_pb2.JOB_STATE_RUNNING: "running",
    job_pb2.JOB_STATE_CANCELLING: "running",
    job_pb2.JOB_STATE_FAILED: "failed",
}
# The panes bundle the finer steps of a run.
STEPS_OF_PANE: dict[Step, tuple[StepName, ...]] = {
    Step.UPLOAD: ("upload",),
    Step.VALIDATE: ("validate",),
    Step.MAP: ("map",),
    Step.CLEAN: ("clean", "transform"),
    Step.MERGE: ("seed", "train", "merge"),
    Step.REFINE: ("refine",),
    Step.COMPARE: ("augment", "compare", "activate"),
}
# What training.json calls the curves, and what the epoch events of a running job call them.
_SERIES = {"original": "seed"}


def home(
    endpoint: str,
    runs: Iterable[machines_pb2.Run],
    machines: Iterable[machines_pb2.Machine],
    states: Mapping[str, RunState] | None = None,
) -> views.Home:
    """Returns the first screen; `states` says how unfinished jobs stand, by run."""
    now = time.time()
    return views.Home(
        endpoint,
        tuple(
            views.RunRow(
                run.name,
                run.title,
                run.name.split("/")[1],
                (step := reached(d.step for d in run.decisions)),
                max(0.0, now - run.create_time.seconds),
                _profile_name(run),
                (states or {}).get(run.name) or ("done" if step in ("compare", "activate") else "open"),
            )
            for run in runs
        ),
        tuple(
            views.MachineRow(
                m.machine_id, m.category, len(m.sensors), short(m.default_model) if m.default_model else ""
            )
            for m in machines
        ),
    )


def unfinished_job(run: machines_pb2.Run) -> str:
    """Returns the job that a run waits for, "" when it waits for none: the newest decision of its training steps names
    one and no outcome yet."""
    for decision in reversed(run.decisions):
        if decision.step in ("train", "refine"):
            return "" if "outputs" in draft_of(decision) else decision.job
        if decision.step in ("augment", "compare", "activate"):
            return ""
    return ""


def output_of(run: machines_pb2.Run, step: str, role: str) -> str:
    """Returns the artifact that a step made in a role, "" when there is none."""
    for decision in reversed(run.decisions):
        if decision.step == step:
            outputs = draft_of(decision).get("outputs")
            return str(outputs.get(role, "")) if isinstance(outputs, dict) else ""
    return ""


def draft_of(decision: machines_pb2.Decision) -> Mapping[str, Any]:
    """Returns what a decision says beside artifact and job; nothing when it is no JSON object."""
    try:
        found = json.loads(decision.draft_json) if decision.draft_json else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _profile_name(run: machines_pb2.Run) -> str:
    for decision in reversed(run.decisions):
        if decision.step == "plan":
            plan = draft_of(decision).get("plan")
            return Path(str(plan.get("profile", ""))).name if isinstance(plan, dict) else ""
    return ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def reached(steps: Iterable[str]) -> str:
    """Returns the last step, in order of the steps, that a run has decided about; "new" before the first."""
    order: list[str] = [*STEPS]
    done = [order.index(step) for step in steps if step in order]
    return order[max(done)] if done else "new"


def findings(document: Mapping[str, Any]) -> list[views.FindingRow]:
    """Returns the findings of a validation.json, errors first."""
    suggested = document.get("suggested_cleaning") or {}
    rows: list[views.FindingRow] = []
    severities: tuple[Literal["error", "warning"], ...] = ("error", "warning")
    for severity in severities:
        for item in document.get(f"{severity}s", []):
            known = item if isinstance(item, dict) else {}
            column = str(known.get("column") or "")
            rows.append(
                views.FindingRow(
                    severity,
                    str(known.get("code") or known.get("check") or "").replace("_", " ").lower(),
                    column,
                    data_steps.finding_text(item),
                    str(suggested.get(column, "")).replace("_", " "),
                )
            )
    return rows


def column_row(
    suggestion: mapping_service_pb2.Suggestion,
    samples: tuple[str, ...],
    decided: ColumnChoice | None,
    units: Mapping[str, str],
) -> views.ColumnRow:
    """Returns what is proposed for a column, or what was decided about it; `units` are the sensors' units."""
    tiers: Mapping[int, Literal["auto", "review"]] = {
        mapping_service_pb2.TIER_AUTO: "auto",
        mapping_service_pb2.TIER_REVIEW: "review",
    }
    row = views.ColumnRow(
        suggestion.column,
        samples,
        suggestion.role,
        suggestion.sensor,
        tiers.get(suggestion.tier, "none"),
        suggestion.confidence,
        suggestion.source_unit if suggestion.unit_basis in ("declared", "inferred") else "",
        suggestion.target_unit,
        tuple(suggestion.reasons) or ((suggestion.abstain_reason,) if suggestion.abstain_reason else ()),
        tuple((a.sensor, a.confidence) for a in suggestion.alternatives),
        suggestion.unit_example,
    )
    if decided is None:
        return row
    unit = decided.unit if decided.sensor else row.unit
    target, example = units.get(decided.sensor, ""), row.example if decided.sensor == row.sensor else ""
    return dataclasses.replace(
        row,
        role=decided.role,
        sensor=decided.sensor,
        unit=unit,
        target_unit=target,
        example=example,
        confirmed=True,
    )


def cleaning(
    answer: ingest_service_pb2.DryRunCleaningResponse, tried: Sequence[views.CleaningRow] = ()
) -> views.Cleaning:
    """Returns a recipe with what it would change; the steps of `tried` that are switched off stay in their places."""
    effects = (
        views.CleaningRow(
            e.step.kind,
            tuple(e.step.columns),
            e.step.max_gap,
            e.step.sigma,
            e.step.enabled,
            e.cells_changed,
            e.rows_dropped,
            e.note,
        )
        for e in answer.effects
    )
    known = [effect for effect in effects if effect.enabled]
    if tried:
        done = iter(known)
        known = [next(done, step) if step.enabled else step for step in tried]
    traces = tuple(views.Trace(s.column, s.changed_row, tuple(s.before), tuple(s.after)) for s in answer.samples)
    return views.Cleaning(tuple(known), answer.rows_before, answer.rows_after, traces)


def choices(plan: Plan) -> views.Choices:
    """Returns what a plan says to the panes."""
    return views.Choices(
        plan.files,
        plan.profile,
        plan.strategy or "",
        tuple(views.CleaningRow(c.kind, c.columns, c.max_gap, c.sigma, c.enabled) for c in plan.cleaning),
        plan.training.engine,
        plan.epochs,
        plan.training.learning_rate,
        plan.training.patience,
        plan.training.freeze_encoder,
        plan.training.batch_size,
        plan.base,
        plan.rows,
        plan.where,
    )


def epoch_point(event: EpochEvent) -> views.EpochPoint:
    """Returns an epoch of a running job."""
    e = event.epoch
    return views.EpochPoint(
        e.series or event.step,
        e.epoch,
        e.epochs,
        e.train_loss,
        e.validation_loss,
        e.best_validation_loss,
        e.learning_rate,
        e.seconds,
        e.eta_seconds,
        e.patience_left,
        e.quality_improvement if e.HasField("quality_improvement") else None,
    )


def curves(document: Mapping[str, Any]) -> list[views.EpochPoint]:
    """Returns the epochs of a model's training.json; those of the training that was chosen know what it gained."""
    points: list[views.EpochPoint] = []
    gained = (document.get("refinement_improvement") or {}).get("percent")
    for name, epochs in (document.get("curves") or {}).items():
        last = max((int(e.get("epoch", 0)) for e in epochs), default=0)
        points += [
            views.EpochPoint(
                _SERIES.get(name, name),
                int(e.get("epoch", 0)),
                last,
                number(e, "train_loss", float("nan")),
                number(e, "validation_loss", float("nan")),
                number(e, "best_validation_loss", float("nan")),
                number(e, "learning_rate", 0.0),
                0.0,
                0.0,
                0,
                float(gained) if name == document.get("chosen") and isinstance(gained, int | float) else None,
            )
            for e in epochs
        ]
    return points


def number(values: Mapping[str, Any], key: str, otherwise: float) -> float:
    """Returns a number of a document, or `otherwise` where it has none."""
    found = values.get(key)
    return float(found) if isinstance(found, int | float) else otherwise
