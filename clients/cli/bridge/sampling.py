"""Rows of a model that SDV or CTGAN saved, sampled by a child process: this process reads text and JSON only.

The child has an environment of its own without SensorForge's or a cloud's secrets, a working directory and a home that
are removed afterwards, and a limit in time. It still runs as the same user: a hostile file can do what the user can,
so a person has to agree before `sample_rows` is called.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import site
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.sdk.errors import SensorForgeClientError

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "TZ", "VIRTUAL_ENV")
_MOST_OUTCOME_BYTES = 1 << 20
_TOLD = 400  # characters of what a failed child said last


@dataclass(frozen=True)
class SampledRows:
    """A CSV file of sampled rows and the class of the model that gave them."""

    file: Path
    model: str
    rows: int
    columns: tuple[str, ...]


def sample_rows(
    model: Path, rows: int, directory: Path, *, seed: int = 0, python: str = "", timeout_s: float | None = None
) -> SampledRows:
    """Returns rows of the model in `directory`, sampled by `python` (this interpreter unless named).

    Raises SensorForgeClientError: SDV_MISSING, IMPORT_REFUSED when the file holds no model of one table, IMPORT_FAILED
    when the child failed, crashed or gave something else, IMPORT_TIMEOUT.
    """
    arguments = [str(model.absolute()), str(rows), str(seed), str(directory)]
    _run([python or sys.executable, str(Path(__file__).with_name("child.py")), *arguments], directory, timeout_s, model)
    outcome = _outcome(directory / "outcome.json", model)
    if outcome.get("error") == "module":
        raise SensorForgeClientError(
            "SDV_MISSING",
            f"{model} cannot be read here: {outcome.get('message')}.",
            kind="USAGE",
            remedy="pip install 'sensorforge[sdv]', or name an interpreter that has what the model was made with: "
            "--python PATH.",
        )
    if outcome.get("error"):
        raise SensorForgeClientError(
            "IMPORT_REFUSED",
            f"{model} was not imported. {outcome.get('message')}",
            kind="INPUT",
            remedy="Give a single-table model saved by SDV (`synthesizer.save`) or CTGAN.",
        )
    file = directory / "rows.csv"
    if file.is_symlink() or not file.is_file():
        raise _failed(model, "it left no rows")
    return SampledRows(file, str(outcome["model"]), int(outcome["rows"]), tuple(map(str, outcome["columns"])))


def _run(command: list[str], directory: Path, timeout_s: float | None, model: Path) -> None:
    log = directory / "log.txt"
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {
        "HOME": str(directory),
        "PYTHONUSERBASE": site.getuserbase(),  # packages of `pip install --user` lie under the real home
        "PYTHONSAFEPATH": "1",
        "OMP_NUM_THREADS": "1",
    }
    try:
        with log.open("wb") as said:
            child = subprocess.Popen(
                command,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as failed:
        raise SensorForgeClientError(
            "PYTHON_UNUSABLE",
            f"{command[0]} cannot be started: {failed.strerror or failed}.",
            kind="USAGE",
            remedy="Name a Python interpreter with --python PATH.",
        ) from None
    try:
        code = child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        raise SensorForgeClientError(
            "IMPORT_TIMEOUT",
            f"Reading {model} and sampling from it took longer than {timeout_s:g} s; it was ended.",
            kind="TIMEOUT",
            remedy="Allow more with --timeout, or sample fewer rows with --rows.",
        ) from None
    finally:
        _end(child)
    if code:
        said_last = log.read_bytes()[-4000:].decode(errors="replace").strip().splitlines()
        how = f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit code {code}"
        raise _failed(model, f"its process ended with {how}" + (f": {said_last[-1][:_TOLD]}" if said_last else ""))


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ends what is left of the child and of everything it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _outcome(path: Path, model: Path) -> dict[str, Any]:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST_OUTCOME_BYTES:
        raise _failed(model, "it said nothing about what it did")
    try:
        outcome = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        outcome = None
    if not isinstance(outcome, dict) or not ("error" in outcome or {"model", "rows", "columns"} <= set(outcome)):
        raise _failed(model, "what it said is not understood")
    return outcome


def _failed(model: Path, why: str) -> SensorForgeClientError:
    return SensorForgeClientError(
        "IMPORT_FAILED",
        f"{model} could not be sampled: {why.rstrip('.')}.",
        kind="INPUT",
        remedy="Models need the versions they were saved with: name that interpreter with --python PATH. Or sample "
        "rows with the model's own tool and give them to `sensorforge run --seed-data FILE`.",
    )
