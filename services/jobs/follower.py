"""Followers: one reader per watched run, shared by everybody who watches it in this process.

A follower reads the log's new slots as they come and wakes its watchers; it lives as long as it has any. A watcher
gets history first, then what is new, in sequence and without gaps, a heartbeat when nothing is, and the end last.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from services.artifacts.objects import StoreUnavailable
from services.chassis.errors import SensorForgeError
from services.jobs.engine import Jobs
from services.jobs.log import JobLog
from services.jobs.state import NumberedEvent

_SHORTEST, _LONGEST = 0.1, 1.0  # seconds between two looks at a log: soon after news, seldom in silence
_PATIENCE = 60.0  # seconds of an unreachable store before watchers are told


class Followers:
    """All followers of a replica. Used from one event loop."""

    def __init__(self, jobs: Jobs, heartbeat_s: float = 5.0) -> None:
        self._jobs = jobs
        self._heartbeat_s = heartbeat_s
        self._followers: dict[tuple[str, int], _Follower] = {}
        self._closed = False

    async def watch(self, log: JobLog, after: int) -> AsyncIterator[NumberedEvent | None]:
        """Yields the events after number `after`, then new ones; None stands for a heartbeat. Ends after "final",
        which is sent again to a watcher that has seen everything. Raises SensorForgeError STORE_UNAVAILABLE, also when
        the service stops: the watcher comes back with the last number it saw."""
        run = (log.job, log.run)
        follower = self._followers.setdefault(run, _Follower(log))
        follower.watchers += 1
        if follower.task is None:
            follower.task = asyncio.create_task(follower.follow())
        try:
            seen = after
            while True:
                news = follower.news
                events = log.state.events
                ended = bool(events) and events[-1].kind == "final"
                if ended:
                    seen = min(seen, len(events) - 1)
                while seen < len(events):
                    event = events[seen]
                    seen += 1
                    yield event
                if ended:
                    return
                self._raise_if_over(follower)
                try:
                    async with asyncio.timeout(self._heartbeat_s):
                        await news.wait()
                except TimeoutError:
                    yield None
        finally:
            follower.watchers -= 1
            if follower.watchers == 0:
                follower.task.cancel()
                if self._followers.get(run) is follower:
                    del self._followers[run]

    def close(self) -> None:
        """Ends all watches, so that a stopping service does not wait for jobs."""
        self._closed = True
        for follower in self._followers.values():
            follower.tell()

    def _raise_if_over(self, follower: _Follower) -> None:
        if follower.failure is not None:
            raise follower.failure
        if self._closed:
            raise SensorForgeError("STORE_UNAVAILABLE", "the service is stopping; watch again", remedy="Watch again.")


@dataclass
class _Follower:
    log: JobLog
    watchers: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    failure: SensorForgeError | None = None

    async def follow(self) -> None:
        """Reads until the log ends. A store that does not answer is asked again for a while."""
        loop = asyncio.get_running_loop()
        pause, known, answered = _SHORTEST, len(self.log.state.events), loop.time()
        while self.failure is None and self.log.state.terminal is None:
            try:
                await asyncio.to_thread(self.log.refresh)
                answered = loop.time()
            except StoreUnavailable as error:
                if loop.time() - answered > _PATIENCE:
                    self.failure = error
            except SensorForgeError as error:
                self.failure = error
            if len(self.log.state.events) > known:
                known, pause = len(self.log.state.events), _SHORTEST
                self.tell()
            else:
                pause = min(pause * 1.5, _LONGEST)
            if self.log.state.terminal is None:
                await asyncio.sleep(pause)
        self.tell()

    def tell(self) -> None:
        """Wakes all watchers that wait now."""
        self.news.set()
        self.news = asyncio.Event()
