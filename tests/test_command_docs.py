"""The pages that are made from the clients' source say what it says: commands, man page, errors."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("generator", "page"),
    [
        (["generate_commands.py", "markdown"], "commands.md"),
        (["generate_commands.py", "man"], "sensorforge.1"),
        (["generate_client_errors.py"], "client-errors.md"),
    ],
)
def test_committed_page_is_what_the_source_says(generator: list[str], page: str) -> None:
    printed = subprocess.run(
        [sys.executable, f"docs/{generator[0]}", *generator[1:]],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (REPOSITORY / "docs" / page).read_text("utf-8") == printed, "run: make docs"


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_man_page_is_read_without_a_warning() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "docs/sensorforge.1"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert "sensorforge run" in done.stdout
