"""What this person's client remembers on this machine: the endpoint, the last run, and where things lie.

Nothing of a run lives here; losing this directory loses nothing but convenience. Directories follow the XDG base
directory specification.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from clients.sdk.errors import SensorForgeClientError

_SOCKET_PATH_LIMIT = 90  # bytes; sun_path holds 104 on macOS and 108 on Linux, and gRPC adds a little


@dataclass(frozen=True)
class Remembered:
    """What the last command left: endpoint text ("" for none) and the name of the last run."""

    endpoint: str = ""
    last_run: str = ""


def config_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Returns `$XDG_CONFIG_HOME/sensorforge` or `~/.config/sensorforge`."""
    return Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "sensorforge"


def default_store(environment: Mapping[str, str] = os.environ) -> str:
    """Returns the store of the embedded service: `$SENSORFORGE_STORE`, else a directory under XDG_DATA_HOME."""
    if store := environment.get("SENSORFORGE_STORE", ""):
        return store
    data = Path(environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return str(data / "sensorforge" / "store")


def remembered(environment: Mapping[str, str] = os.environ) -> Remembered:
    """Returns what was remembered; the empty value when there is nothing, or nothing readable."""
    try:
        values = json.loads((config_directory(environment) / "client.json").read_text("utf-8"))
    except (OSError, ValueError):
        return Remembered()
    if not isinstance(values, dict):
        return Remembered()
    return Remembered(str(values.get("endpoint", "")), str(values.get("last_run", "")))


def remember(
    *, endpoint: str | None = None, last_run: str | None = None, environment: Mapping[str, str] = os.environ
) -> bool:
    """Remembers what is given and returns whether it could: a home that cannot be written to is no reason to fail."""
    now = remembered(environment)
    if endpoint is not None:
        now = replace(now, endpoint=endpoint)
    if last_run is not None:
        now = replace(now, last_run=last_run)
    directory = config_directory(environment)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=directory, prefix=".client.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(now), file, indent=2)
        os.replace(name, directory / "client.json")
    except OSError:
        return False
    return True


def runtime_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Returns a private (0700) directory for sockets, short enough for a socket path.

    Raises SensorForgeClientError when it belongs to somebody else or is open to others.
    """
    given = environment.get("XDG_RUNTIME_DIR", "")
    candidates = [Path(given) / "sensorforge"] if given and Path(given).is_dir() else []
    candidates.append(Path("/tmp") / f"sensorforge-{os.getuid()}")
    for directory in candidates:
        if len(os.fsencode(directory)) + len("/0123456789abcdef.sock") > _SOCKET_PATH_LIMIT:
            continue
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        facts = directory.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
            raise SensorForgeClientError(
                "RUNTIME_DIRECTORY_OPEN",
                f"{directory} is not a directory that only this user can enter (mode {facts.st_mode & 0o777:o}).",
                kind="USAGE",
                remedy="Remove it, or set XDG_RUNTIME_DIR to a private directory.",
            )
        return directory
    raise SensorForgeClientError(
        "RUNTIME_DIRECTORY_MISSING",
        "There is no place for the socket of an embedded service.",
        kind="USAGE",
        remedy="Set XDG_RUNTIME_DIR to a short path that you may write to.",
    )


def store_key(store: str) -> str:
    """Returns a short name for a store, the same for the same directory however it is written."""
    identity = store if "://" in store and not store.startswith("file://") else str(Path(store).resolve())
    return hashlib.sha256(identity.encode()).hexdigest()[:16]
