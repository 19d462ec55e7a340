"""Each service installs by its own extra: it must not import what only another one's extra brings."""

from __future__ import annotations

import subprocess
import sys

import pytest

# import name -> the stages whose extra has it
OWNERS = {
    "torch": {"refine"},
    "safetensors": {"refine"},
    "sklearn": {"compare"},
    "sdmetrics": {"compare"},
    "matplotlib": {"compare"},
    "fpdf": {"compare"},
    "pandas": {"compare"},
    "jinja2": {"ingest", "compare"},
    "python_calamine": {"ingest"},
    "openpyxl": {"ingest"},
    "chardet": {"ingest"},
    "scipy": {"mapping", "refine", "compare"},
    "rapidfuzz": {"mapping"},
    "textual": set(),
    "typer": set(),
}
STAGES = ("ingest", "mapping", "refine", "compare")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_only_its_own_extra(stage: str) -> None:
    foreign = [name for name, owners in OWNERS.items() if stage not in owners]
    program = f"""
import sys
class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {foreign!r}:
            raise ModuleNotFoundError(f"{{name}} is not among the dependencies of {stage}", name=name)
sys.meta_path.insert(0, Refusal())
import services.{stage}.stage, services.{stage}.operations, services.{stage}.servicer, services.jobs.hosting
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_client_needs_no_service_dependency() -> None:
    program = """
import sys
class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("polars", "pyarrow", "torch", "obstore", "services"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refusal())
import clients.sdk, clients.cli.main
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
