"""Every way to fail has its exit code and one clear paragraph; stdout stays clean; nobody sees a traceback."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]


def paragraph(done: Any) -> str:
    """Returns the error's paragraph, after checking that it is one."""
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_wrong_path_is_a_usage_error(sensorforge: Command, profile: Path) -> None:
    done = sensorforge("run", "nowhere.csv", "--profile", str(profile))
    assert done.returncode == 2
    assert "nowhere.csv" in paragraph(done)
    assert done.stdout == ""


def test_a_directory_is_a_usage_error(here: Command, profile: Path, tmp_path: Path) -> None:
    done = here("run", str(tmp_path), "--profile", str(profile))
    assert done.returncode == 2
    assert "directory" in paragraph(done)


def test_a_missing_profile_is_a_usage_error(here: Command, rows_file: Callable[[int], Path]) -> None:
    done = here("run", str(rows_file(200)), "--profile", "nowhere.yaml")
    assert done.returncode == 2
    assert "nowhere.yaml" in paragraph(done)
    done = here("run", str(rows_file(200)))
    assert done.returncode == 2
    assert "profile init" in paragraph(done)


def test_an_empty_file_is_rejected_input(sensorforge: Command, profile: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    done = sensorforge("run", "empty.csv", "--profile", str(profile), "--json")
    assert done.returncode == 5
    assert "empty.csv is empty" in paragraph(done)
    document = json.loads(done.stdout)
    assert document["schema_version"] == 1
    assert document["exit_code"] == 5
    assert document["error"]["reason"] == "FILE_EMPTY"


def test_an_unreachable_endpoint_is_named_with_exit_code_3(
    sensorforge: Command, profile: Path, rows_file: Callable[[int], Path]
) -> None:
    done = sensorforge("run", str(rows_file(200)), "--profile", str(profile), "--endpoint", "127.0.0.1:1")
    assert done.returncode == 3
    assert "127.0.0.1:1" in paragraph(done)


def test_a_bad_plan_names_its_line(here: Command, profile: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("profile: pump.yaml\nstrategy: sometimes\n")
    done = here("run", "x.csv", "--plan", "plan.yaml")
    assert done.returncode == 2
    assert "plan.yaml, line 2" in paragraph(done)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "x.csv", "--strategy", "sometimes"),
        ("run", "x.csv", "--until", "lunch"),
        ("run", "--rows", "none"),
        ("nonsense",),
        ("models", "nonsense"),
        ("convert", "x.csv"),
        ("run", "x.csv", "--no-such-option"),
    ],
)
def test_a_wrong_command_line_is_exit_code_2_with_nothing_on_stdout(here: Command, arguments: Any) -> None:
    done = here(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("run", "data.csv", "-p", "pump.yaml", "--timeout", "soon"), "20m"),
        (("run", "data.csv", "-p", "pump.yaml", "--map", "TT_1"), "COLUMN=SENSOR"),
        (("run",), "demo"),
        (("suggest", "--columns", "nowhere.json", "--profile", "p.yaml"), "nowhere.json"),
        (("run", "data.csv", "-p", "pump.yaml", "--endpoint", "ingest=a:1"), "mapping"),
        (("models", "import", "model.pkl"), "pickle"),
    ],
)
def test_a_wrong_value_says_what_would_be_right(
    here: Command, profile: Path, tmp_path: Path, arguments: Any, word: str
) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n")
    done = here(*arguments)
    assert done.returncode == 2
    assert word in paragraph(done)


def test_without_a_terminal_the_screen_is_refused_and_run_is_pointed_to(sensorforge: Command) -> None:
    done = sensorforge()
    assert done.returncode == 2
    assert "sensorforge run" in paragraph(done)


def test_help_and_version_are_no_errors(here: Command) -> None:
    assert here("--help").returncode == 0
    assert here("run", "--help").returncode == 0
    version = here("--version")
    assert version.returncode == 0
    assert version.stdout.strip()


def test_an_embedded_service_that_cannot_start_is_one_paragraph(
    sensorforge: Command, profile: Path, rows_file: Callable[[int], Path], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    done = sensorforge(
        "run", str(rows_file(200)), "--profile", str(profile), SENSORFORGE_STORE=str(tmp_path / "file" / "store")
    )
    assert done.returncode in (1, 3)
    assert ".log" in paragraph(done)


def test_no_command_line_leaves_a_file_behind(here: Command, tmp_path: Path) -> None:
    before = set(os.listdir(tmp_path))
    here("run", "nowhere.csv")
    assert set(os.listdir(tmp_path)) == before
