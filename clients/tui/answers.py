"""Turns what the services answer into what the panes show. Pure functions; nothing is asked here."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from clients.sdk.plan import ColumnChoice, Plan
from clients.sdk.workflow import data_steps
from clients.sdk.workflow.events import EpochEvent
from clients.sdk.workflow.model_steps import short
from clients.sdk.workflow.steps import STEPS, StepName
from clients.tui import views
from clients.tui.session import Step
from sensorforge.compare.v1 import compare_service_pb2
from sensorforge.ingest.v1 import ingest_service_pb2
from sensorforge.machines.v1 import machines_pb2
from sensorforge.mapping.v1 import mapping_service_pb2

Outcome = Literal["pass", "fail", "undecided", "skipped"]
_OUTCOMES: Mapping[int, Outcome] = {
    compare_service_pb2.GATE_OUTCOME_PASS: "pass",
    compare_service_pb2.GATE_OUTCOME_FAIL: "fail",
    compare_service_pb2.GATE_OUTCOME_UNDECIDED: "undecided",
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


def home(endpoint: str, runs: Iterable[machines_pb2.Run], machines: Iterable[machines_pb2.Machine]) -> views.Home:
    """Returns the first screen."""
    now = time.time()
    return views.Home(
        endpoint,
        tuple(
            views.RunRow(
                run.name,
                run.title,
                run.name.split("/")[1],
                reached(d.step for d in run.decisions),
                max(0.0, now - run.create_time.seconds),
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
    suggestion: mapping_service_pb2.Suggestion, samples: tuple[str, ...], decided: ColumnChoice | None
) -> views.ColumnRow:
    """Returns what is proposed for a column, or what was decided about it."""
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
    return dataclasses.replace(row, role=decided.role, sensor=decided.sensor, unit=decided.unit, confirmed=True)


def cleaning(answer: ingest_service_pb2.DryRunCleaningResponse) -> views.Cleaning:
    """Returns a recipe with what it would change."""
    rows = tuple(
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
    return views.Cleaning(rows, answer.rows_before, answer.rows_after)


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
    """Returns the epochs of a model's training.json."""
    points: list[views.EpochPoint] = []
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
            )
            for e in epochs
        ]
    return points


def comparison(
    answer: compare_service_pb2.GetComparisonResponse, document: Mapping[str, Any], model: str, default: str
) -> views.Comparison:
    """Returns the verdict with its evidence; `document` is the report's comparison.json."""
    sensors = [
        views.SensorRow(
            name,
            _maybe(values, "kl_divergence_seed"),
            _maybe(values, "kl_divergence_refined"),
            _maybe(values, "mean_error_refined"),
            str(values.get("unit") or ""),
            str(values.get("finding") or ""),
        )
        for name, values in (document.get("per_sensor_metrics") or {}).items()
    ]
    sensors.sort(key=lambda row: -(row.kl_refined or 0.0))
    sets = document.get("augmented") or {}
    name = compare_service_pb2.Recommendation.Name(answer.recommendation)
    return views.Comparison(
        answer.verdict,
        name.removeprefix("RECOMMENDATION_").replace("_", " ").lower(),
        tuple(gate_row(gate) for gate in answer.gates),
        tuple(sensors),
        {key: int(count) for key, count in (sets.get("rows") or {}).items()},
        tuple(_check(item) for item in sets.get("checks") or ()),
        short(model),
        short(default) if default else "",
    )


def gate_row(gate: compare_service_pb2.Gate) -> views.GateRow:
    """Returns a gate with its numbers in one unit. A gate in percent was decided on a change between the two models,
    so their own distances do not stand beside its target."""

    def text(field: Literal["seed", "refined", "control"]) -> str:
        return f"{getattr(gate, field):.3g}" if gate.HasField(field) else ""

    original, refined, real = text("seed"), text("refined"), text("control")
    if gate.unit:
        original = real = ""
        refined = f"{gate.decided_on:.3g} {gate.unit}" if gate.HasField("decided_on") else ""
    return views.GateRow(
        gate.title or gate.name.replace("_", " "),
        original,
        refined,
        real,
        f"{gate.direction} {gate.limit:g} {gate.unit}".strip(),
        _OUTCOMES.get(gate.outcome, "skipped"),
        gate.explanation,
    )


def number(values: Mapping[str, Any], key: str, otherwise: float) -> float:
    """Returns a number of a document, or `otherwise` where it has none."""
    found = values.get(key)
    return float(found) if isinstance(found, int | float) else otherwise


def _maybe(values: Mapping[str, Any], key: str) -> float | None:
    found = values.get(key)
    return float(found) if isinstance(found, int | float) else None


def _check(item: Mapping[str, Any]) -> views.SetCheck:
    known: Sequence[Outcome] = ("pass", "fail", "undecided")
    outcome: Outcome = next((o for o in known if o == item.get("outcome")), "skipped")
    return views.SetCheck(str(item.get("name", "")).replace("_", " "), outcome, str(item.get("explanation", "")))
