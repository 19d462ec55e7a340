"""Ctrl-C, `--detach` and `--timeout` leave the training running, and say how to watch it again."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clients.sdk import ClientConfig, SensorForge
from clients.sdk.calls.jobs import ENDED

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

Popen = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(
    environment: dict[str, str], services: str, profile: Path, rows_file: Callable[[int], Path], tmp_path: Path
) -> Iterator[Popen]:
    """Yields a function that starts a run with far more epochs than anybody waits for."""
    started = []
    plan = tmp_path / "patient.yaml"
    plan.write_text("base: none\nepochs: 10000\ntraining: {patience: 10000}\n")

    def begin(seed: int, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "clients.cli.main", "run", str(rows_file(400)), "-p", str(profile), "--events"]
        command += ["--plan", str(plan), "--random-seed", str(seed), *arguments]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment | {"SENSORFORGE_ENDPOINT": services},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def until_training(process: subprocess.Popen[str]) -> str:
    """Reads events until the refinement runs and returns its job."""
    job = ""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "job_started" and event["step"] == "refine":
            job = event["job"]
        if event["event"] == "epoch":
            return str(job)
    raise AssertionError(process.stderr.read() if process.stderr else "it ended before it trained")


def still_runs(endpoint: str, job: str) -> bool:
    """Returns whether a job has not ended, and cancels it then."""

    async def ask() -> bool:
        async with SensorForge(ClientConfig.at(endpoint)) as forge:
            runs = (await forge.get_job(job)).state not in ENDED
            await forge.cancel_job(job, keep=False)
            return runs

    return asyncio.run(ask())


def test_an_interrupt_ends_the_command_and_not_the_training(start: Popen, services: str) -> None:
    process = start(1)
    job = until_training(process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "sensorforge watch " in said
    assert "Traceback" not in said
    assert still_runs(services, job)


def test_detached_ends_the_command_once_the_training_runs(start: Popen, services: str) -> None:
    process = start(2, "--detach")
    out, said = process.communicate(timeout=200)
    assert process.returncode == 0, said
    result = json.loads(out.splitlines()[-1])
    assert (result["event"], result["state"], result["step"]) == ("result", "detached", "refine")
    assert still_runs(services, result["job"])


def test_a_timeout_ends_the_command_with_exit_code_4(start: Popen, services: str) -> None:
    job = until_training(start(3))
    process = start(3, "--timeout", "3s")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 4
    assert "sensorforge watch" in said
    assert still_runs(services, job)
