"""How every screen looks, at two sizes, empty, loading, failed and full; one without colour.

A picture that changed on purpose is renewed with `pytest tests/tui/test_snapshots.py --snapshot-update` and looked at.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from typing import Any, Literal, cast

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.widgets import Input, Static

from clients.tui.app import SensorForgeApp
from clients.tui.gateway import Gateway
from clients.tui.screens.run import RunScreen
from clients.tui.session import Step
from clients.tui.training import TrainingPicture
from clients.tui.views import Choices, Cleaning, ColumnMap, Comparison, Home, Preview, Problem, RunRow

from .fake_gateway import FakeGateway
from .newcomer import calm
from .test_workflow import SIZES
from .waiting import until, until_still

pytestmark = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="pictures are taken on one Python version, 3.11"
)
Mood = Literal["empty", "loading", "failed", "full"]
RUNS = (
    RunRow("machines/pump-1/runs/1", "pump.csv", "pump-1", "compare", 90_000.0, "pump.yaml", "done"),
    RunRow("machines/pump-1/runs/2", "export_2024_week_12.csv", "pump-1", "refine", 3_600.0, "pump.yaml", "running"),
    RunRow("machines/pump-1/runs/3", "export_2024_week_13.csv", "pump-1", "map", 60.0, "pump.yaml", "open"),
)
DONE = {
    "upload": "6,000 rows and 4 columns read, 1 row rejected",
    "validate": "passed with 1 warning",
    "map": "3 of 3 sensors mapped; profile checks passed",
    "transform": "10 rows dropped, 316 cells changed",
    "merge": "4,190 rows to train on",
    "refine": "validation loss 0.21, 38 % better than before",
    "compare": "35,000 rows to train with",
}
_ALWAYS = ("connect", "close", "reopen_run", "left_running")


class Empty(FakeGateway):
    """Has answers with nothing in them."""

    async def home(self) -> Home:
        return Home("fake")

    async def detection(self) -> list[Any]:
        return []

    async def preview(self, offset: int = 0) -> Preview:
        return Preview((), (), 0)

    async def findings(self, *, of_profile: bool = False) -> list[Any]:
        return []

    async def column_map(self) -> ColumnMap:
        return ColumnMap((), ())

    async def cleaning(self, steps: Any = ()) -> Cleaning:
        return Cleaning((), 6000, 6000)

    async def curves(self) -> list[Any]:
        return []

    async def comparison(self) -> Comparison:
        return Comparison("There is nothing to compare.", "", (), ())

    async def choices(self) -> Choices:
        return Choices()


class Moody:
    """A gateway that never answers, or always with a problem, once the run is open."""

    def __init__(self, mood: Mood) -> None:
        self._mood = mood
        self._one = FakeGateway(RUNS)
        self._one.finished = DONE

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._one, name)
        if name in _ALWAYS or not asyncio.iscoroutinefunction(value):
            return value

        @functools.wraps(value)
        async def moody(*_: object, **__: object) -> None:
            if self._mood == "loading":
                await asyncio.Event().wait()
            raise Problem("No service answers at plant:50051.", "Start one with `sensorforge up`.", "UNREACHABLE")

        return moody


def gateway_of(mood: Mood) -> Gateway:
    """Returns a gateway in a mood, with one run that has every step behind it."""
    if mood in ("loading", "failed"):
        return cast("Gateway", Moody(mood))
    gateway = FakeGateway(RUNS) if mood == "full" else Empty(RUNS)
    gateway.finished = DONE
    return gateway


async def shown(pilot: Pilot[None], mood: Mood, words: str) -> str:
    """Returns the picture, once the screen has come to rest in its mood."""
    if mood == "loading":
        screen = pilot.app.screen
        where = screen.query_one("#status" if isinstance(screen, RunScreen) else "#home-hint", Static)
        await until(pilot, lambda: words in str(where.render()))
    else:
        await calm(pilot)
        while pilot.app.screen.is_modal:
            await pilot.press("escape")
            await calm(pilot)
        # Charts are repainted from a flag, ten times a second.
        charts = [chart for chart in pilot.app.screen.query(TrainingPicture) if chart.is_on_screen]
        await until(pilot, lambda: not any(chart._dirty for chart in charts))
    return await until_still(pilot)


@pytest.fixture
def picture(snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> SnapshotAssertion:
    """Returns what pictures are compared with; no cursor blinks."""
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
    return snapshot.use_extension(SVGImageExtension)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("mood", ["empty", "loading", "failed", "full"])
async def test_every_screen_looks_as_it_was_looked_at(
    size: tuple[int, int], mood: Mood, picture: SnapshotAssertion
) -> None:
    different = []

    async def compare(name: str, words: str = "") -> None:
        if await shown(pilot, mood, words) != picture(name=name):
            different.append(name)

    async with SensorForgeApp(gateway_of(mood)).run_test(size=size) as pilot:
        await compare("home", "Connecting")
        run = RunScreen() if mood == "empty" else RunScreen(RUNS[0].name)
        await pilot.app.push_screen(run)
        if mood != "empty":
            await until(pilot, lambda: bool(run.board.machine))
        else:
            await compare("new")
            run.board.adopt("pump.csv", "pump-1", dict.fromkeys(Step, "done"), [])
        for step in Step:
            run._show(step)
            await compare(step.title.lower(), f"Reading {step.title}")
    assert not different


async def test_without_colour_the_marks_say_it(picture: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with SensorForgeApp(gateway_of("full")).run_test(size=SIZES[0]) as pilot:
        run = RunScreen(RUNS[0].name)
        await calm(pilot)
        await pilot.app.push_screen(run)
        await until(pilot, lambda: bool(run.board.machine))
        run._show(Step.VALIDATE)
        assert await shown(pilot, "full", "") == picture(name="validate-without-colour")
