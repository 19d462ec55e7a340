"""What is shown at the end of a run, and before somebody rests a switch of the default model on it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from clients.cli import output, summary

COMPARISON = {
    "verdict": "Use the refined model.",
    "statistical_metrics": {"kl_divergence": {"title": "KL divergence", "seed_vs_real": 0.6, "refined_vs_real": 0.07}},
    "gates": [
        {"name": "kl_divergence", "title": "KL divergence", "limit": 0.1, "direction": "<", "outcome": "fail"}
        | {"seed": 0.6, "refined": 0.3, "control": 0.01, "decided_on": 0.29}
    ],
}


def shown(monkeypatch: pytest.MonkeyPatch, *steps: str) -> str:
    text = io.StringIO()
    monkeypatch.setattr(output, "data", Console(file=text, width=120))
    values: dict[str, Any] = {"steps": [{"step": step} for step in steps], "comparison": COMPARISON, "outputs": {}}
    summary.show_run(values)
    return text.getvalue()


def test_a_switch_shows_the_gates_it_rests_on(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, "activate")
    assert "✖ fail" in text
    assert "improvement" not in text.splitlines()[0]


def test_a_comparison_shows_metrics_gates_and_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, "compare", "activate")
    assert text.index("improvement") < text.index("outcome") < text.index("Use the refined model.")


def test_other_steps_do_not_repeat_an_old_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "gate" not in shown(monkeypatch, "clean")
