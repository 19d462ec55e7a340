"""When a service that clients started for themselves is no longer wanted: no client holds a lease, no job is left.

The last client usually stops the service. One that was killed, or that left a job running, cannot; then the service
ends itself. Clients take a shared lock on the file of leases while they hold the start lock, so a service that holds
both is known to nobody, and keeps both until its process has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

_PAUSE_S = 15.0


class Leases:
    """The lock files of a service's clients. `idle_s` is how long the service waits without any, in seconds."""

    def __init__(self, start: Path, users: Path, idle_s: float = 60.0) -> None:
        self._paths = (start, users)
        self._idle_s = idle_s
        self._kept: tuple[IO[bytes], ...] = ()

    async def end_when_unused(self, busy: Callable[[], bool], stop: asyncio.Event) -> None:
        """Sets `stop` once there was neither a client nor anything that is `busy` for the time to wait."""
        unused_since: float | None = None
        while not self._kept:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(self._idle_s / 4, _PAUSE_S))
                return
            held = await asyncio.to_thread(self._take)
            if not held or await asyncio.to_thread(busy):
                unused_since = None
            elif unused_since is None:
                unused_since = time.monotonic()
            elif time.monotonic() - unused_since >= self._idle_s:
                self._kept = held  # until the process has ended
                stop.set()
                return
            for file in held:
                file.close()

    def _take(self) -> tuple[IO[bytes], ...]:
        """Returns both files locked, nothing while a client has one of them."""
        with contextlib.ExitStack() as opened:
            files = tuple(opened.enter_context(path.open("ab")) for path in self._paths)
            try:
                for file in files:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return ()
            opened.pop_all()
            return files
