"""The terminal client in a real terminal, on a real embedded service: from a file to a comparison, by keys alone."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from clients.cli.demo_sample import PROFILE, write_demo_sample
from clients.sdk import ClientConfig, SensorForge
from clients.sdk.embedded import running
from sensorforge.refine.v1 import refine_service_pb2

from .terminal import Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

SENSORFORGE = (sys.executable, "-m", "clients.cli.main")
ROWS = 1_000
REPOSITORY = Path(__file__).resolve().parents[2]


async def give_a_first_model(endpoint: str) -> None:
    """Trains a default model for one epoch, so that the run has one to start from at once."""
    async with SensorForge(ClientConfig.at(endpoint)) as forge:
        machine = (await forge.register_machine(PROFILE, file_name="demo-pump.yaml")).machine

        async def made(job_name: str, role: str) -> str:
            async for _ in forge.watch_job(job_name, stage="refine"):
                pass
            job = await forge.get_job(job_name, stage="refine")
            return next(output.artifact for output in job.outputs if output.role == role)

        spec = refine_service_pb2.SeedSpec(profile=machine.profile, rows=500)
        rows = await made((await forge.start_seed(machine.machine_id, spec)).job.name, "rows")
        training = refine_service_pb2.TrainingSpec(
            rows=rows, profile=machine.profile, options=refine_service_pb2.TrainingOptions(epochs=1)
        )
        model = await made((await forge.start_training(machine.machine_id, training)).job.name, "model")
        await forge.activate_model(machine.machine_id, model, expected_version=0)


@pytest.mark.timeout(300)
async def test_keys_alone_lead_from_a_file_to_a_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = write_demo_sample(tmp_path)
    export = tmp_path / "pump.csv"
    export.write_text("".join(sample.files[0].read_text("utf-8").splitlines(keepends=True)[: ROWS + 1]), "utf-8")
    surroundings = {
        "SENSORFORGE_STORE": str(tmp_path / "store"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PYTHONPATH": str(REPOSITORY),
        "OMP_NUM_THREADS": "1",
        "TERM": "xterm-256color",
    }
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    async with running(str(tmp_path / "store")) as service:
        await give_a_first_model(service.endpoint)
        with Terminal(SENSORFORGE, (80, 24), surroundings) as terminal:
            walk_to_the_comparison(terminal, export, sample.profile_path)


def walk_to_the_comparison(terminal: Terminal, export: Path, profile: Path) -> None:
    terminal.wait_for("No runs yet", "New run")
    terminal.press("n")
    terminal.wait_for("› Data file", "Continue")
    terminal.type(str(export))
    terminal.press("Tab")
    terminal.wait_for("› Profile")
    terminal.type(str(profile))
    terminal.wait_for("1 file,")
    terminal.press("C-g")
    terminal.wait_for("1✔Upload", "was read as", "1,000 rows")
    terminal.press("C-g")
    terminal.wait_for("2✔Validate", "Nothing blocks")
    terminal.press("C-g")
    terminal.wait_for("10 of 10 sensors have a column", "Vib DE [mm/s]")
    terminal.press("C-g")
    terminal.wait_for("4●Clean", "rows before")
    terminal.press("C-g")
    terminal.wait_for("5●Merge", "(•)  Real only")
    terminal.press("C-g")
    terminal.wait_for("6●Refine", "Advanced", "── original")

    terminal.press("Tab", "Enter")
    terminal.wait_for("epochs", "patience")
    terminal.press("Tab", "Tab")
    terminal.wait_for("› epochs")
    terminal.type("3")
    terminal.press("C-g")
    terminal.wait_for("k Cancel")
    terminal.resize(132, 40)
    terminal.wait_for("6✔Refine", "╌╌ refinement", within_s=40)
    terminal.resize(80, 24)
    terminal.press("C-g")
    terminal.wait_for("7✔Compare", "KL divergence", "35,000 / 7,500 / 7,500", within_s=90)
    terminal.press("C-q")
    terminal.wait_for("EXIT 0")
