"""A service that nobody wants any more ends itself, and never while somebody does."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from services.embedded.idle import Leases

IDLE_S = 0.05
LONG_S = 0.5


@pytest.fixture
def leases(tmp_path: Path) -> Leases:
    return Leases(tmp_path / "start", tmp_path / "users", IDLE_S)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[IO[bytes]]:
    with (tmp_path / "users").open("ab") as lease:
        fcntl.flock(lease, fcntl.LOCK_SH)
        yield lease


def can_start(folder: Path) -> bool:
    """Returns whether a client gets the start lock at once."""
    with (folder / "start").open("ab") as coming:
        try:
            fcntl.flock(coming, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


async def ends(leases: Leases, *, busy: bool = False, within_s: float = 10.0) -> bool:
    stop = asyncio.Event()
    watching = asyncio.create_task(leases.end_when_unused(lambda: busy, stop))
    try:
        async with asyncio.timeout(within_s):
            await stop.wait()
    except TimeoutError:
        watching.cancel()
    return stop.is_set()


async def test_without_a_client_and_a_job_it_ends(leases: Leases) -> None:
    assert await ends(leases)


async def test_a_job_keeps_it(leases: Leases) -> None:
    assert not await ends(leases, busy=True, within_s=LONG_S)


async def test_a_client_keeps_it_until_it_is_gone(leases: Leases, client: IO[bytes]) -> None:
    assert not await ends(leases, within_s=LONG_S)
    client.close()
    assert await ends(leases)


async def test_a_client_that_comes_meanwhile_waits_for_its_end(leases: Leases, tmp_path: Path) -> None:
    assert await ends(leases)
    assert not can_start(tmp_path)


async def test_it_lets_go_when_the_service_is_stopped(leases: Leases, tmp_path: Path) -> None:
    stop = asyncio.Event()
    watching = asyncio.create_task(leases.end_when_unused(lambda: False, stop))
    stop.set()
    async with asyncio.timeout(10):
        await watching
    assert can_start(tmp_path)
