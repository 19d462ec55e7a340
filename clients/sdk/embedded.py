"""Finds or starts an embedded service: all four stages in one child process on a private Unix socket.

The child runs in its own session, so that Ctrl-C, a closed terminal and `--detach` leave its jobs running. A second
client of the same store finds the first one's child. The last client that is done stops it, unless a job was left
running on purpose; it ends itself when its last client was killed, or once that job is done. The services are started
by name (`python -m services.embedded`) and never imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from clients.sdk.calls.jobs import ENDED
from clients.sdk.client import SensorForge
from clients.sdk.config import ClientConfig, from_environment
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.local import runtime_directory, store_key

START_LIMIT_S = 60.0
_STOP_LIMIT_S = 30.0
_LOG_TAIL = 2_000


@dataclass(frozen=True)
class _Places:
    socket: Path
    ready: Path
    process: Path
    log: Path
    start_lock: Path
    users: Path
    left_running: Path

    @classmethod
    def of(cls, store: str) -> _Places:
        base = runtime_directory() / store_key(store)
        suffixes = (".sock", ".ready", ".pid", ".log", ".lock", ".users", ".jobs")
        return cls(*(base.with_name(base.name + suffix) for suffix in suffixes))

    @property
    def endpoint(self) -> str:
        return f"unix:{self.socket}"


@dataclass
class Embedded:
    """A running embedded service. `started` says whether this client started it."""

    endpoint: str
    store: str
    started: bool
    _places: _Places = field(repr=False)
    _lease: IO[bytes] = field(repr=False)

    @property
    def log(self) -> Path:
        """Returns the service's log file."""
        return self._places.log

    def leave_running(self, jobs: Sequence[str]) -> None:
        """Says that these jobs are meant to go on without a client: nobody stops the service before they ended."""
        with contextlib.suppress(OSError):
            known = set(_left_running(self._places))
            self._places.left_running.write_text("\n".join(sorted(known | set(jobs))), "utf-8")

    def close(self) -> None:
        """Leaves the service as it is."""
        self._lease.close()

    async def release(self) -> None:
        """Gives the service up: stops it when no other client uses it and no job was left running on purpose."""
        with self._lease:
            try:
                fcntl.flock(self._lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return
            if await self._wanted():
                return
            await _stop(self._places)

    async def _wanted(self) -> bool:
        jobs = _left_running(self._places)
        if not jobs:
            return False
        async with SensorForge(ClientConfig.at(self.endpoint)) as forge:
            for job in jobs:
                try:
                    if (await forge.get_job(job)).state not in ENDED:
                        return True
                except SensorForgeClientError:
                    continue
        self._places.left_running.unlink(missing_ok=True)
        return False


def _left_running(places: _Places) -> list[str]:
    try:
        return [line for line in places.left_running.read_text("utf-8").splitlines() if line]
    except OSError:
        return []


async def start_again(gone: Embedded) -> Embedded:
    """Returns the service of the same store, started again where it is gone; it answers at the same address, so that
    whoever waits for it finds it. The old one where none can be started."""
    try:
        service = await find_or_start(gone.store)
    except SensorForgeClientError:
        return gone
    gone.close()
    return service


async def find_or_start(store: str, *, workers: int | None = None, limit_s: float = START_LIMIT_S) -> Embedded:
    """Returns a serving embedded service of `store`, a running one where there is one.

    Raises SensorForgeClientError EMBEDDED_FAILED with the end of its log when it does not come up within `limit_s`.
    """
    places = _Places.of(store)
    with contextlib.ExitStack() as held:
        lease = held.enter_context(await asyncio.to_thread(places.users.open, "ab"))
        async with _locked(places.start_lock):
            await asyncio.to_thread(fcntl.flock, lease, fcntl.LOCK_SH)
            started = not await _serves(places)
            if started:
                await _until_ready(places, await asyncio.to_thread(_spawn, store, places, workers), limit_s)
        held.pop_all()  # the lease is the caller's now
    return Embedded(places.endpoint, store, started, places, lease)


@contextlib.asynccontextmanager
async def running(store: str, *, workers: int | None = None) -> AsyncIterator[Embedded]:
    """Yields an embedded service of `store` and gives it up at the end."""
    service = await find_or_start(store, workers=workers)
    try:
        yield service
    finally:
        await service.release()


def forget(store: str) -> None:
    """Removes what a stopped service of a temporary store left in the socket directory."""
    for place in vars(_Places.of(store)).values():
        place.unlink(missing_ok=True)


def running_endpoint(store: str) -> str:
    """Returns the endpoint of the store's embedded service if its ready file is there, else ""."""
    places = _Places.of(store)
    return places.endpoint if places.ready.exists() else ""


@contextlib.asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    file = await asyncio.to_thread(path.open, "ab")
    with file:
        await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
        yield


async def _serves(places: _Places) -> bool:
    if not (places.ready.exists() and places.socket.exists()):
        return False
    return await _healthy(places)


async def _healthy(places: _Places) -> bool:
    async with SensorForge(from_environment(places.endpoint)) as forge:
        return await forge.serving()


def _spawn(store: str, places: _Places, workers: int | None) -> subprocess.Popen[bytes]:
    for stale in (places.ready, places.socket):
        stale.unlink(missing_ok=True)
    command = [sys.executable, "-P", "-m", "services.embedded", "--store", store, "--listen", places.endpoint]
    command += ["--ready-file", str(places.ready), "--leases", str(places.start_lock), str(places.users)]
    if workers is not None:
        command += ["--workers", str(workers)]
    with places.log.open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    places.process.write_text(json.dumps({"pid": process.pid, "store": store}), "utf-8")
    return process


async def _until_ready(places: _Places, process: subprocess.Popen[bytes], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        code = process.poll()
        if code is not None:
            raise _not_up(places, f"ended with exit code {code}")
        if places.ready.exists() and await _healthy(places):
            return
        await asyncio.sleep(0.05)
    process.terminate()
    raise _not_up(places, f"did not answer within {limit_s:.0f} s")


def _not_up(places: _Places, what: str) -> SensorForgeClientError:
    try:
        tail = places.log.read_text("utf-8", "replace")[-_LOG_TAIL:].strip().splitlines()
    except OSError:
        tail = []
    last = f" Its last words: {tail[-1].strip()}" if tail else ""
    return SensorForgeClientError(
        "EMBEDDED_FAILED",
        f"The embedded service {what}.{last}",
        kind="UNAVAILABLE",
        remedy=f"Its log is {places.log}. `sensorforge doctor` checks the installation.",
    )


async def _stop(places: _Places) -> None:
    try:
        pid = int(json.loads(places.process.read_text("utf-8"))["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGTERM)
    places.ready.unlink(missing_ok=True)
    await asyncio.to_thread(_until_ended, pid, time.monotonic() + _STOP_LIMIT_S)
    for left in (places.process, places.socket, places.left_running):
        left.unlink(missing_ok=True)


def _until_ended(pid: int, deadline: float) -> None:
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):  # our own child stays a zombie until it is waited for
        done, _ = os.waitpid(pid, os.WNOHANG)
        return done == 0
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
