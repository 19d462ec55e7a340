"""Runs the reading of a file in a single-use process: its own limits, no credentials, a private directory.

Whatever the file does to the reader (a crash, endless work, too much memory) ends in an error here, in bounded time.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from services.chassis.errors import SensorForgeError
from services.ingest.errors import beyond_memory, beyond_time
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.tables import Progress, silent

_NO_MEMORY = re.compile(r"memory allocation|out ?of ?memory|cannot allocate|bad_alloc|MemoryError", re.I)
_PASSED_ON = (
    "PATH",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "SYSTEMROOT",
    "OMP_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RUST_MIN_STACK",
)


Part = Callable[[Path, int, Mapping[str, str]], None]
"""Called with an Arrow file of a table that is not finished, its number from 0, and the units of its columns."""


@dataclass(frozen=True)
class InputFile:
    """A file that the child may read: its local path and the name its sender gave it."""

    path: Path
    file_name: str

    def to_json(self) -> dict[str, str]:
        return {"path": str(self.path), "file_name": self.file_name}


def read_in_child(
    sources: Sequence[InputFile],
    options: ReadOptions,
    limits: Limits,
    directory: Path,
    *,
    mode: Literal["parse", "detect"] = "parse",
    register_map: InputFile | None = None,
    progress: Progress = silent,
    stop: Callable[[], None] = lambda: None,
    part: Part = lambda path, number, units: None,
) -> dict[str, Any]:
    """Returns result.json; `directory`, which must be empty, takes the Arrow files that it names under "tables" (all
    of one schema, consecutive rows) and "rejects".

    `part` hears of the files of a large table as they are written; where result.json names others instead, those hold.
    `stop` is called a few times a second and may raise; the child is then killed. Raises the errors that reading
    raises, PARSE_LIMIT beyond the wall clock or memory, PARSE_CRASHED when the reader came down.
    """
    request = {
        "mode": mode,
        "directory": str(directory),
        "sources": [s.to_json() for s in sources],
        "options": options.to_params(),
        "limits": asdict(limits),
        "register_map": register_map.to_json() if register_map else None,
    }
    environment = {k: v for k in _PASSED_ON if (v := os.environ.get(k)) is not None}
    environment |= {"TMPDIR": str(directory), "HOME": str(directory), "LC_ALL": "C.UTF-8", "PYTHONNOUSERSITE": "1"}
    with (directory / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "services.ingest.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=directory,
            env=environment,
            start_new_session=True,
        )
        finished = False
        try:
            with suppress(BrokenPipeError):
                assert process.stdin is not None
                process.stdin.write(json.dumps(request).encode())
                process.stdin.close()
            for event in _events(process, limits.seconds, stop, sources):
                _tell(event, directory, progress, part)
            finished = True
        finally:
            _end(process, killed=not finished)
    return _answer(directory, process.returncode, sources, limits)


def _events(
    process: subprocess.Popen[bytes], seconds: float, stop: Callable[[], None], sources: Sequence[InputFile]
) -> Iterator[dict[str, Any]]:
    """Yields what the child says until it ends: every part, and of the progress between two looks the last."""
    assert process.stdout is not None
    deadline = time.monotonic() + seconds
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            stop()
            if time.monotonic() > deadline:
                raise beyond_time(_named(sources), seconds)
            if not selector.select(0.25):
                continue
            block = os.read(process.stdout.fileno(), 1 << 16)
            if not block:
                return
            *lines, pending = (pending + block).split(b"\n")
            events = [event for line in lines if (event := _event(line)) is not None]
            for event in events:
                if "part" in event or event is events[-1]:
                    yield event


def _event(line: bytes) -> dict[str, Any] | None:
    with suppress(ValueError):
        event = json.loads(line)
        return event if isinstance(event, dict) else None
    return None


def _tell(event: dict[str, Any], directory: Path, progress: Progress, part: Part) -> None:
    """Passes on what the child says; what makes no sense is passed over."""
    match event:
        case {"phase": str(phase), "done": int(done), "total": int(total)}:
            progress(phase, done, total)
        case {"part": str(name), "number": int(number), "units": dict(units)}:
            if ".." not in Path(name).parts and (path := directory / name).is_relative_to(directory):
                part(path, number, units)


def _end(process: subprocess.Popen[bytes], *, killed: bool) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0 if killed else 5)
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _answer(directory: Path, code: int, sources: Sequence[InputFile], limits: Limits) -> dict[str, Any]:
    failure = directory / "error.json"
    with suppress(FileNotFoundError, json.JSONDecodeError):  # half written: memory ran out for good
        error = json.loads(failure.read_text())
        raise SensorForgeError(error["reason"], error["message"], remedy=error["remedy"], metadata=error["metadata"])
    result = directory / "result.json"
    if code == 0 and result.exists():
        found: dict[str, Any] = json.loads(result.read_text())
        return found
    with (directory / "stderr").open("rb") as f:
        f.seek(max(0, (directory / "stderr").stat().st_size - 4000))
        said = f.read().decode("utf-8", "replace").strip()
    last = said.split("\n")[-1][:200]
    full = _NO_MEMORY.search(said) or "memory" in last.lower() or "alloc" in last.lower()
    if code == -signal.SIGXCPU:
        raise beyond_time(_named(sources), limits.seconds)
    if code == -signal.SIGKILL or full:
        raise beyond_memory(_named(sources), limits.memory_bytes)
    raise SensorForgeError("PARSE_CRASHED", f"{_named(sources)}: the reader came down ({last or f'exit code {code}'}).")


def _named(sources: Sequence[InputFile]) -> str:
    return ", ".join(s.file_name for s in sources[:3])
