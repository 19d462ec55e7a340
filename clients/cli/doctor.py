"""`sensorforge doctor`: whether this installation can do its work, check by check."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from clients.cli import options, output
from clients.cli.connection import connect
from clients.cli.running import carry_out
from clients.sdk import local
from clients.sdk.config import STAGES, configured_endpoint
from clients.sdk.errors import ExitCode, SensorForgeClientError

_PACKAGES = {
    "ingest": ("polars", "pyarrow", "python_calamine", "chardet"),
    "mapping": ("rapidfuzz", "scipy"),
    "refine": ("torch", "safetensors"),
    "compare": ("sklearn", "sdmetrics", "matplotlib"),
    "screen": ("textual",),
}
_LEAST_DISK_GB = 2.0
_LEAST_MEMORY_GB = 4.0


@dataclass(frozen=True)
class Check:
    """One check: `failed` stops work, `warning` may."""

    name: str
    outcome: Literal["ok", "warning", "failed"]
    detail: str
    remedy: str = ""


def doctor(json: options.Json = False, endpoint: options.Endpoint = "") -> None:
    """Check this installation: Python, packages, store, services."""

    async def work() -> ExitCode:
        checks = await asyncio.to_thread(lambda: list(local_checks()))
        checks += await _service_checks(endpoint)
        failed = [check for check in checks if check.outcome == "failed"]
        unreachable = any(check.name == "services" for check in failed)
        code = ExitCode.UNREACHABLE if unreachable else ExitCode.FAILED if failed else ExitCode.DONE
        if json:
            output.document(
                {
                    "checks": [
                        {"name": c.name, "outcome": c.outcome, "detail": c.detail, "remedy": c.remedy} for c in checks
                    ],
                    "exit_code": int(code),
                }
            )
            return code
        marks = {"ok": "✔ ok", "warning": "! look", "failed": "✖ failed"}
        output.table(
            ("check", "outcome", "", "what to do"),
            [(c.name, marks[c.outcome], c.detail, c.remedy) for c in checks],
        )
        return code

    carry_out(work(), json=json)


def local_checks() -> Iterator[Check]:
    """Yields the checks that need no service."""
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    yield Check("python", "ok" if good else "failed", version, "" if good else "Use Python 3.11 or newer.")
    try:
        yield Check("sensorforge", "ok", metadata.version("sensorforge"))
    except metadata.PackageNotFoundError:
        yield Check("sensorforge", "warning", "not installed, run from its sources", "pip install -e '.[all]'")
    for room, packages in _PACKAGES.items():
        missing = [name for name in packages if importlib.util.find_spec(name) is None]
        extra = "tui" if room == "screen" else room
        if missing:
            yield Check(room, "warning", f"missing {', '.join(missing)}", f"pip install 'sensorforge[{extra}]'")
        else:
            yield Check(room, "ok", ", ".join(packages))
    yield _store_check(local.default_store())
    try:
        yield Check("socket directory", "ok", str(local.runtime_directory()))
    except SensorForgeClientError as error:
        yield Check("socket directory", "failed", error.message, error.remedy)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    enough = memory >= _LEAST_MEMORY_GB
    yield Check(
        "memory",
        "ok" if enough else "warning",
        f"{memory:.1f} GB, {os.cpu_count()} cores",
        "" if enough else f"Training wants {_LEAST_MEMORY_GB:.0f} GB.",
    )


def _store_check(store: str) -> Check:
    if "://" in store and not store.startswith("file://"):
        return Check("store", "ok", f"{store} (probed by the service)")
    path = Path(store.removeprefix("file://"))
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as failed:
        return Check(
            "store", "failed", f"{path} cannot be written: {failed.strerror or failed}", "Set SENSORFORGE_STORE."
        )
    free = shutil.disk_usage(path).free / 1e9
    if free < _LEAST_DISK_GB:
        return Check("store", "warning", f"{path}, {free:.1f} GB free", "Free some space, or set SENSORFORGE_STORE.")
    return Check("store", "ok", f"{path}, {free:.0f} GB free")


async def _service_checks(endpoint: str) -> list[Check]:
    named = endpoint or configured_endpoint()
    try:
        async with connect(endpoint) as connection:
            serving = [stage for stage in STAGES if await connection.forge.serving(stage)]
            where = connection.forge.config.endpoints.text
            if connection.embedded is not None:
                where = f"embedded, started and stopped on {connection.embedded.store}"
            machines = await connection.forge.list_machines(page_size=1)
    except SensorForgeClientError as error:
        return [Check("services", "failed", error.message, error.remedy)]
    lacking = [stage for stage in STAGES if stage not in serving]
    if lacking:
        remedy = "Start them, or correct the endpoint." if named else "Look at the embedded service's log."
        return [Check("services", "failed", f"{where}: no answer from {', '.join(lacking)}", remedy)]
    word = "machines are registered" if machines.machines else "no machine registered yet"
    return [Check("services", "ok", f"{where}; {word}")]
