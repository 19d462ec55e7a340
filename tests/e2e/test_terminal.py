"""The terminal client in a real terminal, on a real embedded service: from a file to a comparison by keys alone, and a
training that outlives its worker and its service."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from clients.cli.demo_sample import PROFILE, write_demo_sample
from clients.sdk import ClientConfig, Plan, SensorForge
from clients.sdk.embedded import find_or_start, running
from clients.sdk.local import runtime_directory, store_key
from clients.sdk.plan import TrainingChoices
from clients.sdk.workflow.session import RunSession
from sensorforge.refine.v1 import refine_service_pb2

from .terminal import Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

SENSORFORGE = (sys.executable, "-m", "clients.cli.start")
ROWS = 1_000
MANY = 2_000  # epochs: more than the test waits for
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


def own_surroundings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Returns the environment of a terminal with store, configuration and sockets of its own; this process gets it,
    too."""
    surroundings = {
        "SENSORFORGE_STORE": str(folder / "store"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_RUNTIME_DIR": str(folder),
        "PYTHONPATH": str(REPOSITORY),
        "OMP_NUM_THREADS": "1",
        "TERM": "xterm-256color",
    }
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    return surroundings


@pytest.mark.timeout(300)
async def test_keys_alone_lead_from_a_file_to_a_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = write_demo_sample(tmp_path)
    export = tmp_path / "pump.csv"
    export.write_text("".join(sample.files[0].read_text("utf-8").splitlines(keepends=True)[: ROWS + 1]), "utf-8")
    surroundings = own_surroundings(tmp_path, monkeypatch)
    async with running(str(tmp_path / "store")) as service:
        await give_a_first_model(service.endpoint)
        with Terminal(SENSORFORGE, (80, 24), surroundings) as terminal:
            walk_to_the_comparison(terminal, export, sample.profile_path)


@pytest.mark.timeout(300)
async def test_training_survives_the_death_of_its_worker_and_of_its_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = write_demo_sample(tmp_path)
    export = tmp_path / "pump.csv"
    export.write_text("".join(sample.files[0].read_text("utf-8").splitlines(keepends=True)[: ROWS + 1]), "utf-8")
    surroundings = own_surroundings(tmp_path, monkeypatch)
    store = str(tmp_path / "store")
    plan = Plan(
        files=(str(export),), profile=str(sample.profile_path), epochs=MANY, training=TrainingChoices(patience=MANY)
    )
    service = await find_or_start(store)
    try:
        await give_a_first_model(service.endpoint)
        async with SensorForge(ClientConfig.at(service.endpoint)) as forge:
            await (await RunSession.open(forge, plan, lambda event: None)).run("merge")
        with Terminal(SENSORFORGE, (80, 24), surroundings) as terminal:
            terminal.wait_for("pump.csv", "merge")
            terminal.click("pump.csv")
            terminal.press("Enter")
            terminal.wait_for("5✔Merge", "6●Refine", "Continue")
            terminal.click("Continue")
            terminal.wait_for("k Cancel", f"/{MANY}", within_s=60)
            terminal.resize(120, 40)
            before = epoch_after(terminal, 2)
            worker = worker_of(store)
            os.kill(worker, signal.SIGKILL)
            terminal.resize(80, 24)
            before = epoch_after(terminal, before)
            assert worker_of(store) != worker
            old = pid_of(store)
            os.kill(old, signal.SIGKILL)
            terminal.wait_for("link lost, work continues on the server", within_s=60)
            epoch_after(terminal, before)
            assert pid_of(store) != old
            assert "link lost" not in terminal.screen()
            terminal.press("k")
            terminal.wait_for("Stop, keep the best")
            terminal.click("Stop, keep the best")
            terminal.wait_for("6✔Refine", within_s=60)
            terminal.press("C-q")
            terminal.wait_for("EXIT 0")
    finally:
        service.close()
        await (await find_or_start(store)).release()


def place_of(store: str, suffix: str) -> Path:
    return (runtime_directory() / store_key(store)).with_suffix(suffix)


def pid_of(store: str) -> int:
    """Returns the process of a store's embedded service."""
    return int(json.loads(place_of(store, ".pid").read_text("utf-8"))["pid"])


def worker_of(store: str) -> int:
    """Returns the process that does the newest job of a store's embedded service, as its log says."""
    lines = map(json.loads, place_of(store, ".log").read_text("utf-8").splitlines())
    return [int(line["pid"]) for line in lines if line.get("event") == "worker started"][-1]


def epoch_after(terminal: Terminal, before: int, within_s: float = 120.0) -> int:
    """Returns the epoch that the screen shows, once it is a later one."""
    deadline = time.monotonic() + within_s
    while True:
        shown = terminal.screen()
        found = re.search(rf"(\d+)/{MANY}\b", shown)
        if found and int(found[1]) > before and "link lost" not in shown:
            return int(found[1])
        assert time.monotonic() < deadline, shown
        time.sleep(0.1)


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
    terminal.wait_for("6●Refine", "Advanced", "╌╌ original")

    terminal.press("Tab", "Enter")
    terminal.wait_for("epochs", "patience")
    terminal.press("Tab", "Tab")
    terminal.wait_for("› epochs")
    terminal.type("3")
    terminal.press("C-g")
    terminal.wait_for("k Cancel")
    terminal.resize(132, 40)
    terminal.wait_for("6✔Refine", "── refinement", within_s=40)
    terminal.resize(80, 24)
    terminal.press("C-g")
    terminal.wait_for("7✔Compare", "KL divergence", "35,000 / 7,500 / 7,500", within_s=90)
    terminal.press("C-q")
    terminal.wait_for("EXIT 0")
