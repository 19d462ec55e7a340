"""Runs the command line as a script does: a process of its own, a home of its own, nothing else on stdout."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clients.cli import output, typed
from clients.cli.main import app

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Returns an environment whose home, store and endpoint are this test's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SENSORFORGE_", "XDG_"))}
    return kept | {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "SENSORFORGE_STORE": str(tmp_path / "store"),
        "COLUMNS": "160",
    }


@pytest.fixture
def sensorforge(environment: dict[str, str], tmp_path: Path) -> Command:
    """Returns a function that runs `sensorforge` with arguments in the test's directory."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "clients.cli.main", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment | more,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )

    return run


@pytest.fixture
def here(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Returns a function that runs `sensorforge` in this process: the same commands without the start of Python."""
    for name in list(os.environ):
        if name.startswith(("SENSORFORGE_", "XDG_")):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        for name, value in more.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(output.EventLines, "_shared", None)
        monkeypatch.setattr(typed, "_variables", {})
        done = CliRunner().invoke(app, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yields the endpoint of real services: all four stages in one process on an empty store."""
    directory = Path(tempfile.mkdtemp(prefix="sf-cli-"))
    ready = directory / "ready"
    process = subprocess.Popen(
        [
            sys.executable, "-P", "-m", "services.embedded", "--store", str(directory / "store"),
            "--listen", f"unix:{directory}/s.sock", "--ready-file", str(ready),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    while not ready.exists():
        assert process.poll() is None, "the services ended before they were ready"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    yield f"unix:{directory}/s.sock"
    process.terminate()
    process.wait(60)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """Returns the smallest useful profile."""
    path = tmp_path / "pump.yaml"
    path.write_text(
        "machine_id: pump\n"
        "sensors:\n"
        "  - {name: bearing_temp_C, unit: °C, min: 0, max: 150, required: true}\n"
        "  - {name: current_A, unit: A, min: 0, max: 100}\n",
        "utf-8",
    )
    return path


@pytest.fixture
def rows_file(tmp_path: Path) -> Callable[[int], Path]:
    """Returns a function that writes a plausible file of so many rows."""

    def write(rows: int) -> Path:
        path = tmp_path / f"pump_{rows}.csv"
        lines = ["timestamp,bearing_temp_C,current_A"]
        for row in range(rows):
            wobble = (row * 7919) % 101 / 10
            lines.append(
                f"2025-01-{1 + row // 1440:02}T{row // 60 % 24:02}:{row % 60:02}:00,{60 + wobble},{20 + wobble / 3:.3f}"
            )
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path

    return write
