"""`python -m services.embedded --store DIR`: all four stages in one process on one endpoint.

Without `--listen` the endpoint is a Unix socket in a directory that only this user can enter. The ready file, written
once the services answer, holds {"endpoint", "pid"}.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.chassis.settings import ServerSettings
from services.embedded.idle import Leases

_LONGEST = 60  # characters; a socket's path has at most 104 on macOS


def socket_home(environment: Mapping[str, str]) -> Path:
    """Returns where to put private directories with a socket in them: its path must be short."""
    runtime = Path(environment.get("XDG_RUNTIME_DIR", ""))
    usable = runtime.is_absolute() and runtime.is_dir() and os.access(runtime, os.W_OK | os.X_OK)
    return runtime if usable and len(str(runtime)) < _LONGEST else Path("/tmp")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.embedded", description="All four stages on one endpoint.")
    parser.add_argument("--store", help="directory or s3://bucket/prefix")
    parser.add_argument("--listen", help="unix:PATH or host:port (port 0: any); default: a private Unix socket")
    parser.add_argument("--ready-file", help="file that is written once the services answer")
    parser.add_argument("--workers", help="jobs at a time; default: cores - 1, at least 1")
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"])
    parser.add_argument("--insecure", action="store_true", default=None, help="allow plaintext beyond loopback")
    parser.add_argument("--leases", nargs=2, type=Path, help="its clients' lock files: it ends when nobody wants it")
    parser.add_argument("--idle-seconds", type=float, default=60.0, help="how long nobody wants it first; default: 60")
    return parser


def settings_of(arguments: Sequence[str], listen: str) -> ServerSettings:
    """Returns the settings: the command line over the environment over the defaults, of which `listen` is one.
    Exits 2 on a wrong one."""
    parser = _parser()
    given: dict[str, Any] = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value}
    if "listen" not in given and "SENSORFORGE_LISTEN" not in os.environ:
        given["listen"] = listen
    if str(given.get("listen", os.environ.get("SENSORFORGE_LISTEN", ""))).startswith("unix:"):
        # The same variables are the client's certificate; a private socket needs none.
        given |= {"tls_cert": None, "tls_key": None, "tls_client_ca": None}
    try:
        return ServerSettings(**given)
    except ValidationError as error:
        parser.error(str(error))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT, or until its clients are gone. Returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    with tempfile.TemporaryDirectory(prefix="sensorforge-", dir=socket_home(os.environ)) as private:  # mode 0700
        settings = settings_of(given, f"unix:{private}/s.sock")
        from services.embedded.compose import STAGES
        from services.jobs.hosting import run_host

        told = _parser().parse_args(given)
        if told.leases is None:
            return run_host(STAGES, settings)
        start, users = told.leases
        leases = Leases(start, users, told.idle_seconds)
        return run_host(
            STAGES, settings, beside=lambda jobs, stop: leases.end_when_unused(lambda: bool(jobs.unfinished()), stop)
        )


if __name__ == "__main__":
    sys.exit(main())
