"""The single-use process in which a file is read. It bounds itself before it loads a parser, and knows no store.

Input: one JSON document on stdin. Output: progress as JSON lines on stdout, and in the working directory either
result.json with the Arrow files that it names, or error.json. Anything else (a signal, a panic) is a crash.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.ingest.datasets import Dataset
    from services.ingest.large.delimited import LargeReading
    from services.ingest.limits import Limits
    from services.ingest.options import ReadOptions
    from services.ingest.reading import Source

_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def _bound(memory: int, seconds: float, written: int) -> None:
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    for what, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, max(1, int(seconds * 4))),
        (resource.RLIMIT_FSIZE, written),
        (resource.RLIMIT_NOFILE, 256),
    ):
        hard = resource.getrlimit(what)[1]
        value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (value, value))


class _Reporter:
    """Writes progress lines, at most ten a second unless the phase changes, and a line for every part of a table."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._phase = ""
        self._at = 0.0

    def __call__(self, phase: str, done: int = 0, total: int = 0) -> None:
        now = time.monotonic()
        if phase == self._phase and now - self._at < 0.1:
            return
        self._phase, self._at = phase, now
        self._say({"phase": phase, "done": done, "total": total})

    def part(self, path: Path, number: int, units: Mapping[str, str]) -> None:
        """Says that a part of the table lies in a file."""
        self._say({"part": str(path.relative_to(self._directory)), "number": number, "units": dict(units)})

    def _say(self, event: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


def main() -> int:
    """Reads the request, does it, writes the answer; returns the exit code."""
    request: dict[str, Any] = json.load(sys.stdin)
    directory = Path(request["directory"])
    limits_given = request["limits"]
    _bound(limits_given["memory_bytes"], limits_given["seconds"], limits_given["decompressed_bytes"])

    from services.chassis.errors import SensorForgeError
    from services.ingest.errors import REASONS, beyond_memory

    names = ", ".join(s["file_name"] for s in request["sources"][:3])
    try:
        _read(request, directory)
    except SensorForgeError as error:
        told = any(s["file_name"] in error.message for s in request["sources"])
        message = error.message if told else f"{names}: {error.message}"
        _fail(directory, error.reason, message, error.remedy, error.metadata)
    except MemoryError:
        refusal = beyond_memory(names, limits_given["memory_bytes"])
        _fail(directory, refusal.reason, refusal.message, refusal.remedy, {})
    except RecursionError:
        _fail(
            directory,
            "INGEST_LIMIT",
            "The file nests deeper than a reader can follow.",
            REASONS["INGEST_LIMIT"].remedy,
            {},
        )
    return 0


def _fail(directory: Path, reason: str, message: str, remedy: str, metadata: dict[str, str]) -> None:
    document = {"reason": reason, "message": message, "remedy": remedy, "metadata": metadata}
    (directory / "error.json").write_text(json.dumps(document))


def _read(request: dict[str, Any], directory: Path) -> None:
    from services.ingest.large.delimited import read_large_file
    from services.ingest.limits import Limits
    from services.ingest.options import ReadOptions
    from services.ingest.reading import Source

    sources = [Source(Path(s["path"]), s["file_name"]) for s in request["sources"]]
    options, limits = ReadOptions.from_params(request["options"]), Limits(**request["limits"])
    register_map = Source(Path(m["path"]), m["file_name"]) if (m := request.get("register_map")) else None
    reporter = _Reporter(directory)
    large = None
    if request["mode"] == "parse" and len(sources) == 1 and register_map is None:
        large = read_large_file(sources[0], options, limits, directory, reporter, written=reporter.part)
    if large is None:
        document = _read_whole(sources, options, limits, directory, reporter, register_map, request["mode"])
    else:
        document = {
            "tables": [str(p.relative_to(directory)) for p in large.table.paths()],
            "rejects": [str(p.relative_to(directory)) for p in large.rejects.paths()],
            "rows": large.table.rows,
            "ledger": large.ledger,
            **_described(large),
        }
    (directory / "result.json").write_text(json.dumps(document))


def _read_whole(
    sources: Sequence[Source],
    options: ReadOptions,
    limits: Limits,
    directory: Path,
    reporter: _Reporter,
    register_map: Source | None,
    mode: str,
) -> dict[str, Any]:
    import polars as pl

    from services.ingest.datasets import read_dataset

    dataset = read_dataset(
        sources, options, limits, directory, reporter, register_map=register_map, undecided_ok=mode == "detect"
    )
    oldest = pl.CompatLevel.oldest()
    if mode == "parse":
        dataset.table.write_ipc(directory / "table.arrow", compat_level=oldest)
        dataset.rejects.write_ipc(directory / "rejects.arrow", compat_level=oldest)
    return {
        "tables": ["table.arrow"],
        "rejects": ["rejects.arrow"],
        "rows": dataset.table.height,
        "ledger": dataset.ledger,
        **_described(dataset),
    }


def _described(read: Dataset | LargeReading) -> dict[str, Any]:
    return {
        "units": read.units,
        "facts": [f.to_json() for f in read.facts],
        "warnings": [list(w) for w in read.warnings],
        "time_columns": read.time_columns,
        "head": read.head,
    }


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # The answer lies in files; the worker waits for this end, not for the table to be taken apart in memory.
    os._exit(code)
