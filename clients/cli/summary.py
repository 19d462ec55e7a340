"""The final account of a run: one document for programs, tables for people."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clients.cli import output
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
_SHARES = frozenset({"dcr_share", "exact_copies", "limit_violations", "constants_kept", "leakage"})
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
    verdict = str(comparison["verdict"])
    output.data.print(output.broken(verdict, output.data.width) if output.data.is_terminal else verdict, markup=False)


def show_gates(comparison: Mapping[str, Any]) -> None:
    """Writes the gates: what a switch of the default model rests on."""
    output.table(("gate", "original", "refined", "real rows", "target", "outcome"), gate_rows(comparison["gates"]))


def metric_rows(metrics: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Returns title, original, refined, real rows and improvement of each metric that was measured."""
    rows: list[tuple[str, ...]] = []
    for name in sorted(metrics, key=lambda name: (name not in _HEADLINE, name)):
        value = metrics[name]
        if value.get("refined_vs_real") is None:
            continue
        gain = value.get("improvement")
        rows.append(
            (
                str(value.get("title", name)),
                *(_shown(name, value.get(key)) for key in ("seed_vs_real", "refined_vs_real", "control_vs_real")),
                "–" if gain is None else f"{_capped(gain)} %",
            )
        )
    return rows


def gate_rows(gates: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Returns title, original, refined, real rows, target and outcome of each gate.

    The improvement is judged in percent. A gate that is judged on what exceeds real rows says so in its target.
    """
    rows: list[tuple[str, ...]] = []
    for gate in gates:
        name, limit = gate["name"], gate["limit"]
        gain = gate["decided_on"]
        if name == "improvement":
            values = ("–", "–" if gain is None else f"{_capped(gain)} %", "–")
            target = f"≥ {limit:g} %"
        else:
            values = (_shown(name, gate["seed"]), _shown(name, gate["refined"]), _shown(name, gate["control"]))
            target = _target(gate)
        rows.append((str(gate["title"]), *values, target, _MARKS.get(gate["outcome"], gate["outcome"])))
    return rows


def _target(gate: Mapping[str, Any]) -> str:
    """Returns what the refined value has to keep to. Where what real rows get is allowed for, it is part of that."""
    name, limit = gate["name"], gate["limit"]
    sign = "≤" if gate["direction"].startswith("<") else "≥"
    refined, control, decided_on = gate["refined"], gate["control"], gate["decided_on"]
    allowed = 0.0 if refined is None or decided_on is None else refined - decided_on
    if allowed and control is not None and math.isclose(allowed, control, rel_tol=1e-9, abs_tol=1e-12):
        return f"{sign} real + {_shown(name, limit)}" if limit else f"{sign} real rows"
    return f"{sign} {_shown(name, limit + allowed)}"


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    if name == "tstr_r2" and value < 0:  # worse than guessing the mean; how much worse says nothing
        return "< 0"
    if name in _SHARES:
        return f"{100 * value:.3g} %"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _capped(gain: float) -> str:
    """Returns a gain in percent that says 100 only where nothing is left to gain, and -100 for all that is worse."""
    if 99 < gain < 100:
        return f"{math.floor(10 * gain) / 10:.1f}" if gain < 99.9 else "> 99.9"
    return "< -100" if gain < -100 else f"{gain:.0f}"
