"""The final account of a run: one document for programs, tables for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clients.cli import output
from clients.sdk import wording
from clients.sdk.client import SensorForge
from clients.sdk.errors import ExitCode
from clients.sdk.workflow.model_steps import gates_met, recommendation_word, short
from clients.sdk.workflow.session import RunReport
from sensorforge.compare.v1 import compare_service_pb2

_OUTCOMES = {
    compare_service_pb2.GATE_OUTCOME_PASS: "pass",
    compare_service_pb2.GATE_OUTCOME_FAIL: "fail",
    compare_service_pb2.GATE_OUTCOME_UNDECIDED: "undecided",
    compare_service_pb2.GATE_OUTCOME_SKIPPED: "skipped",
}
_HEADLINE = ("kl_divergence", "wasserstein_distance", "correlation_error")
_MARKS = {"pass": "✔ pass", "fail": "✖ fail", "undecided": "? undecided", "skipped": "- skipped"}


async def comparison_document(forge: SensorForge, report: str) -> dict[str, Any]:
    """Returns a comparison's verdict, gates and headline metrics."""
    found = await forge.get_comparison(report)
    whole = json.loads(found.comparison_json) if found.comparison_json else {}
    told = {gate["name"]: gate for gate in whole.get("gates", [])}
    titles = whole.get("definitions", {})
    return {
        "report": report,
        "recommendation": recommendation_word(found).replace(" ", "_"),
        "verdict": found.verdict,
        "gates_met": gates_met(found),
        "gates": [_gate(gate, told.get(gate.name, {})) for gate in found.gates],
        "data_sets": list(whole.get("augmented", {}).get("checks", [])),
        "statistical_metrics": {
            name: {"title": titles.get(name, {}).get("title", name.replace("_", " "))}
            | {key: value.get(key) for key in ("seed_vs_real", "refined_vs_real", "control_vs_real", "improvement")}
            for name, value in whole.get("statistical_metrics", {}).items()
            if isinstance(value, Mapping)
        },
    }


def _gate(gate: compare_service_pb2.Gate, told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": gate.name,
        "title": told.get("title") or gate.name.replace("_", " "),
        "seed": gate.seed if gate.HasField("seed") else None,
        "refined": gate.refined if gate.HasField("refined") else None,
        "control": gate.control if gate.HasField("control") else None,
        "limit": gate.limit,
        "direction": gate.direction,
        "decided_on": told.get("decided_on"),
        "outcome": _OUTCOMES.get(gate.outcome, "unspecified"),
        "explanation": gate.explanation,
    }


async def run_document(
    forge: SensorForge, report: RunReport, *, out: Path | None, files: Sequence[Path], code: ExitCode
) -> dict[str, Any]:
    """Returns the account of a run."""
    values: dict[str, Any] = {
        "run": report.run,
        "machine": report.machine,
        "state": "detached" if report.detached_job else "done",
        "exit_code": int(code),
        "already_done": report.all_reused,
        "steps": [
            {
                "step": step.step,
                "consequence": step.consequence,
                "reused": step.reused,
                "skipped": step.skipped,
                "seconds": round(step.seconds, 3),
            }
            for step in report.steps
        ],
        "outputs": dict(sorted(report.outputs.items())),
    }
    if report.detached_job:
        values["job"] = report.detached_job
        values["step"] = report.detached_step
    if "report" in report.outputs:
        values["comparison"] = await comparison_document(forge, report.outputs["report"])
    if "refined_model" in report.outputs:
        standing = await forge.get_default_model(report.machine)
        values["default_model"] = standing.current.model
    if out is not None:
        values["out"] = str(out)
        values["files"] = [str(path) for path in files]
    return values


def show_run(values: Mapping[str, Any]) -> None:
    """Writes the account of a run as tables."""
    steps = {step["step"] for step in values["steps"]}
    if comparison := values.get("comparison"):
        if "compare" in steps:
            show_comparison(comparison)
        elif "activate" in steps:
            show_gates(comparison)
    if model := values.get("outputs", {}).get("refined_model"):
        standing = values.get("default_model", "")
        word = "is the machine's default" if standing == model else f"default is {short(standing) or 'none'}"
        output.say(f"Model {short(model)} ({word})")
    if values.get("already_done"):
        output.say("Nothing was left to do: every step had been done before.")


def show_comparison(comparison: Mapping[str, Any]) -> None:
    """Writes metrics, gates and verdict of a comparison."""
    rows = metric_rows(comparison.get("statistical_metrics", {}))
    if rows:
        output.table(("metric", "original", "refined", "real rows", "improvement"), rows)
        output.data.print()
    show_gates(comparison)
    output.data.print()
    _paragraph(str(comparison["verdict"]))


def _paragraph(text: str) -> None:
    output.data.print(output.broken(text, output.data.width) if output.data.is_terminal else text, markup=False)


def show_gates(comparison: Mapping[str, Any]) -> None:
    """Writes the gates: what a switch of the default model rests on."""
    output.table(("gate", "original", "refined", "real rows", "target", "outcome"), gate_rows(comparison["gates"]))
    for check in comparison.get("data_sets", []):
        if check["outcome"] in ("fail", "undecided"):
            title = check["name"].replace("_", " ")
            _paragraph(f"{_MARKS[check['outcome']]}: data sets, {title}. {check['explanation']}")


def metric_rows(metrics: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Returns title, original, refined, real rows and improvement of each metric that was measured."""
    rows: list[tuple[str, ...]] = []
    for name in sorted(metrics, key=lambda name: (name not in _HEADLINE, name)):
        value = metrics[name]
        if value.get("refined_vs_real") is None:
            continue
        kinds = ("seed_vs_real", "refined_vs_real", "control_vs_real")
        shown = [wording.measure(name, value.get(kind)) for kind in kinds]
        rows.append((str(value.get("title", name)), *shown, wording.gain(value.get("improvement"))))
    return rows


def gate_rows(gates: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Returns title, original, refined, real rows, target and outcome of each gate.

    The improvement is judged in percent. A gate that is judged on what exceeds real rows says so in its target.
    """
    rows: list[tuple[str, ...]] = []
    for gate in gates:
        told = wording.gate_text(gate)
        outcome = _MARKS.get(gate["outcome"], gate["outcome"])
        rows.append((str(gate["title"]), told.original, told.refined, told.real, told.target, outcome))
    return rows
