"""docs/api.md says what the contracts say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


def test_committed_page_is_what_the_contracts_say() -> None:
    printed = subprocess.run(
        [sys.executable, "docs/generate_api.py"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    committed = (REPOSITORY / "docs/api.md").read_text("utf-8")
    assert committed == printed, "run: python docs/generate_api.py > docs/api.md"
