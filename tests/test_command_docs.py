"""docs/commands.md and the man page say what `--help` says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(("form", "page"), [("markdown", "docs/commands.md"), ("man", "docs/sensorforge.1")])
def test_committed_page_is_what_the_commands_say(form: str, page: str) -> None:
    printed = subprocess.run(
        [sys.executable, "docs/generate_commands.py", form], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    assert (REPOSITORY / page).read_text("utf-8") == printed, "run: make docs"


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
