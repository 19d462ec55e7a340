"""What people read: commands that can be pasted, lines that fit a terminal, tables that say what was decided."""

from __future__ import annotations

import io
import shlex
from pathlib import Path
from typing import Any

import pytest

from clients.cli import output, summary, typed
from clients.cli.demo import what_now
from clients.cli.narration import Narrator
from clients.cli.plans import with_base
from clients.sdk.plan import Plan
from clients.sdk.workflow import events

MODEL = "machines/pump/models/0123456789abcdef"


@pytest.fixture
def called_as(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Returns a function that sets how this process was called, from a directory without any other sensorforge."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(typed, "_variables", {})

    def call(script: str) -> None:
        path = tmp_path / script
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
        monkeypatch.setattr("sys.argv", [str(path)])

    return call


def test_a_recommended_command_has_the_path_that_this_one_was_called_by(called_as: Any) -> None:
    called_as(".venv/bin/sensorforge")
    assert typed.hints("`sensorforge runs` lists them.") == "`.venv/bin/sensorforge runs` lists them."


def test_a_command_on_the_path_is_recommended_by_its_name(
    called_as: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called_as("bin/sensorforge")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert typed.command("runs") == "sensorforge runs"


def test_a_recommended_command_reaches_the_same_services(called_as: Any) -> None:
    called_as("sensorforge")
    typed.needs({"SENSORFORGE_ENDPOINT": "unix:/tmp/a b"})
    assert typed.hints("`sensorforge watch 12`") == "`SENSORFORGE_ENDPOINT='unix:/tmp/a b' sensorforge watch 12`"


def test_the_demonstration_ends_with_commands_that_a_shell_can_read(called_as: Any, tmp_path: Path) -> None:
    called_as("my tools/sensorforge")
    store = tmp_path / "a store"
    commands = [line.strip() for line in what_now(store, tmp_path).splitlines() if line.startswith("  ")]
    assert [shlex.split(command) for command in commands] == [
        ["my tools/sensorforge", "profile", "init", "YOUR.csv", "--out", "machine.yaml"],
        ["my tools/sensorforge", "run", "YOUR.csv", "--profile", "machine.yaml", "--out", "results"],
        [f"SENSORFORGE_STORE={store}", "my tools/sensorforge"],
    ]


def test_lines_for_a_terminal_are_broken_between_words_and_never_within_a_command() -> None:
    text = "✔ compare   " + "word " * 12 + "`sensorforge activate 0123456789ab` makes it the default"
    lines = output.broken(text, 60, 12).splitlines()
    assert all(len(line) <= 60 for line in lines)
    assert all(line.startswith(" " * 12) for line in lines[1:])
    assert any("`sensorforge activate 0123456789ab`" in line for line in lines)


def test_a_run_is_told_within_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.StringIO()
    terminal = output.Console(file=told, width=80, force_terminal=True, color_system=None, soft_wrap=True)
    monkeypatch.setattr(output, "people", terminal)
    narrator = Narrator()
    run = "machines/metro-train-air-production-unit/runs/0123456789abcdef0123456789abcdef"
    narrator(events.RunOpened(run, "metro-train-air-production-unit", "compressor_export_january.csv", True))
    narrator(events.StepStarted("compare", "Compare"))
    narrator(events.Finding("compare", "warning", "FEW", "With 144 test rows even perfect rows show distances. " * 3))
    narrator(events.StepDone("compare", "Use the refined model. " * 9, False, {}, ()))
    lines = told.getvalue().splitlines()
    assert len(lines) > 5
    assert max(map(len, lines)) <= 80


def test_what_the_checks_of_file_and_profile_both_find_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.StringIO()
    monkeypatch.setattr(output, "people", output.Console(file=told, width=80))
    narrator = Narrator()
    for step, names in (("validate", ("TP2", "H1")), ("map", ("tp2_bar", "h1_bar", "late"))):
        narrator(events.StepStarted(step, ""))  # type: ignore[arg-type]  # two of the literal's words
        for name in names:
            more = "8" if name == "late" else "7"
            narrator(events.Finding(step, "warning", "VALIDATION", f"Column '{name}' has 4{more} values beyond."))  # type: ignore[arg-type]
        narrator(events.StepDone(step, "passed", False, {}, ()))  # type: ignore[arg-type]
    lines = [line for line in told.getvalue().splitlines() if "!" in line]
    assert [line.split("'")[1] for line in lines] == ["TP2", "H1", "late"]


def test_progress_of_a_job_of_no_step_is_told_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.StringIO()
    monkeypatch.setattr(output, "people", output.Console(file=told, width=80))
    monkeypatch.setattr("clients.cli.narration._QUIET_S", 0.0)
    narrator = Narrator()
    narrator(events.StepProgress("upload", "waiting for a worker"))
    narrator(events.StepStarted("upload", "data.csv"))
    narrator(events.StepProgress("upload", "sent"))
    lines = [line.strip() for line in told.getvalue().splitlines()]
    assert [lines[0], lines[-1]] == ["… waiting for a worker", "… upload: sent"]


def gate(name: str, title: str, **values: Any) -> dict[str, Any]:
    """Returns a gate as the comparison document has it."""
    nothing = {"seed": None, "refined": None, "control": None, "decided_on": None, "outcome": "pass", "direction": "<"}
    return nothing | {"name": name, "title": title} | values


def test_the_improvement_is_shown_in_percent_and_not_as_distances() -> None:
    (row,) = summary.gate_rows(
        [
            gate("improvement", "Improvement", seed=64.8, refined=0.649, control=0.275, decided_on=98.998, limit=30.0)
            | {"direction": ">"}
        ]
    )
    assert row == ("Improvement", "–", "99 %", "–", "≥ 30 %", "✔ pass")


def test_an_improvement_that_leaves_something_is_never_shown_as_100_percent() -> None:
    def shown(gain: float) -> str:
        return summary.gate_rows([gate("improvement", "I", decided_on=gain, limit=30.0)])[0][2]

    assert [shown(gain) for gain in (29.6, 99.57, 99.96, 100.0, -9e5)] == [
        "30 %", "99.6 %", "99.96 %", "100 %", "< -100 %",
    ]  # fmt: skip


def test_a_gate_on_what_exceeds_real_rows_says_so_in_its_target() -> None:
    rows = summary.gate_rows(
        [
            gate("kl_divergence", "KL", refined=0.137, control=0.106, decided_on=0.031, limit=0.1),
            gate("dcr_share", "Nearer", refined=0.64, control=0.49, decided_on=0.64, limit=0.55),
            gate("dcr_share", "Nearer", refined=0.556, control=0.517, decided_on=0.539, limit=0.55),
            gate("exact_copies", "Copies", refined=0.02, control=0.02, decided_on=0.0, limit=0.0),
            gate("exact_copies", "Copies", refined=0.0, control=0.0, decided_on=0.0, limit=0.0),
        ]
    )
    assert [row[4] for row in rows] == ["≤ real + 0.1", "≤ 55 %", "≤ 56.7 %", "≤ real rows", "≤ 0 %"]


def test_metrics_have_their_titles_and_those_not_measured_no_row() -> None:
    measured = {
        "title": "Train on synthetic",
        "seed_vs_real": None,
        "refined_vs_real": -8777.0,
        "control_vs_real": 0.91,
    }
    rows = summary.metric_rows(
        {"constants_kept": {"refined_vs_real": None}, "tstr_r2": measured | {"improvement": None}}
    )
    assert rows == [("Train on synthetic", "–", "< 0", "0.91", "–")]


def test_a_plan_repeats_its_run_also_after_another_model_became_the_default() -> None:
    assert with_base(Plan(), began_with=MODEL, standing=MODEL).base == "default"
    assert with_base(Plan(), began_with=MODEL, standing="another").base == MODEL
    assert with_base(Plan(base="none"), began_with="", standing="another").base == "none"
