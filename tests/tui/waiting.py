"""Waiting for what is to be seen, for tests in which work goes on meanwhile; `newcomer.calm` waits for its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

_WITHIN_S = 60.0


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Waits until a condition holds. Raises AssertionError when it does not in time."""
    deadline = time.monotonic() + _WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        await pilot.pause(0.01)


async def until_on(pilot: Pilot[None], kind: type[Screen[Any]]) -> None:
    """Waits until a screen or a dialog of this kind is on top."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))


async def until_still(pilot: Pilot[None]) -> str:
    """Returns the picture, once three looks at it found the same; unlike `calm` it does not wait for workers."""
    app: App[None] = pilot.app
    looks: list[str] = []

    def still() -> bool:
        looks.append(app.export_screenshot(title="SensorForge"))
        return len(looks) >= 3 and len(set(looks[-3:])) == 1

    await until(pilot, still)
    return looks[-1]
