"""`sensorforge up`: all four services in one process tree on one endpoint, in the foreground."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from clients.cli import output
from clients.sdk import local

_POLL_S = 0.05


def up(
    store: Annotated[
        str, typer.Option("--store", metavar="DIR|s3://BUCKET", help="Where artifacts lie. Default: SENSORFORGE_STORE.")
    ] = "",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free port.")] = 50051,
    listen: Annotated[
        str, typer.Option("--listen", metavar="ADDRESS", help="host:port or unix:PATH instead of 127.0.0.1:PORT.")
    ] = "",
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Jobs at a time.")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Allow plaintext beyond this machine.")] = False,
) -> None:
    """Serve all four stages on one endpoint until Ctrl-C. Other commands and the TUI find it by themselves."""
    place = store or local.default_store()
    with tempfile.TemporaryDirectory(prefix="sensorforge-up-") as directory:
        ready = Path(directory) / "ready"
        command = [sys.executable, "-P", "-m", "services.embedded", "--store", place, "--ready-file", str(ready)]
        command += ["--listen", listen or f"127.0.0.1:{port}"]
        command += ["--workers", str(workers)] if workers else []
        command += ["--insecure"] if insecure else []
        # Its own session: Ctrl-C reaches this process alone, which then asks the services to drain.
        process = subprocess.Popen(command, start_new_session=True, stdout=sys.stderr.fileno())
        endpoint = ""
        with _passed_on(process):
            while process.poll() is None and not endpoint:
                endpoint = _endpoint(ready)
                time.sleep(_POLL_S)
            if endpoint:
                local.remember(endpoint=endpoint)
                output.say(f"SensorForge serves {place} on {endpoint}. Ctrl-C stops it.")
                output.data.print(endpoint, markup=False)
            code = process.wait()
        if endpoint and local.remembered().endpoint == endpoint:
            local.remember(endpoint="")
    raise typer.Exit(code if code >= 0 else 128 - code)


def _endpoint(ready: Path) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(ready.read_text("utf-8"))["endpoint"])
    return ""


@contextlib.contextmanager
def _passed_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)

    before = {name: signal.signal(name, stop) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
