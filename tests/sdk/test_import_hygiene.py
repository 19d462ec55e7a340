"""The SDK and the CLI load neither a screen nor a service nor a table library."""

from __future__ import annotations

import subprocess
import sys

import pytest

FORBIDDEN = ("textual", "services", "polars", "pyarrow", "numpy", "torch", "pandas")


@pytest.mark.parametrize(
    "module", ["clients.sdk", "clients.sdk.workflow.session", "clients.sdk.embedded", "clients.cli.main"]
)
def test_importing_a_client_loads_no_heavy_and_no_foreign_package(module: str) -> None:
    program = (
        f"import sys, {module}\nprint(*sorted(name for name in sys.modules if name.split('.')[0] in {FORBIDDEN!r}))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == ""
