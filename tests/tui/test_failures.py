"""What goes wrong is said where it happened, with what to do; a dialog stands only where the step cannot go on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from clients.sdk import SensorForgeClientError
from clients.tui.app import SensorForgeApp
from clients.tui.modals.dialogs import ProblemDialog
from clients.tui.panes.compare import ComparePane
from clients.tui.remote import GrpcGateway
from clients.tui.screens.home import HomeScreen
from clients.tui.screens.run import RunScreen
from clients.tui.session import Step
from clients.tui.views import Cleaning, CleaningRow, ColumnMap, ColumnRow, Home, Notice, OpenedRun, Problem

from .fake_gateway import FakeGateway
from .newcomer import calm
from .test_panes import opened, press, said
from .test_screens import at
from .test_workflow import paths, screen
from .waiting import until, until_on, until_still

__all__ = ["paths"]

DOWN = Problem("No SensorForge service answers at plant:50051.", "Start one with `sensorforge up`.", "UNREACHABLE")
EXPIRED = Problem("The token has expired.", "Set SENSORFORGE_TOKEN to a new one.", "TOKEN_EXPIRED")


async def test_a_service_that_is_down_at_the_start_is_said_and_tried_again() -> None:
    class Down(FakeGateway):
        problem: Problem | None = DOWN

        async def connect(self) -> str:
            if self.problem is not None:
                raise self.problem
            return "plant:50051"

    gateway = Down()
    async with SensorForgeApp(gateway).run_test() as pilot:
        await calm(pilot)
        hint = str(pilot.app.screen.query_one("#home-hint", Static).render())
        assert all(words in hint for words in ("answers at plant:50051", "sensorforge up", "r tries again"))
        gateway.problem = None
        await press(pilot, "r")
        assert "No runs yet" in str(pilot.app.screen.query_one("#home-hint", Static).render())


async def test_an_expired_token_is_said_where_it_was_refused() -> None:
    class Expired(FakeGateway):
        async def home(self) -> Home:
            raise EXPIRED

    async with SensorForgeApp(Expired()).run_test() as pilot:
        await calm(pilot)
        assert "SENSORFORGE_TOKEN" in str(pilot.app.screen.query_one("#home-hint", Static).render())


@pytest.mark.parametrize(("status", "reason"), [("UNAUTHENTICATED", "UNAUTHENTICATED")])
def test_a_refused_token_without_a_remedy_gets_one(status: str, reason: str) -> None:
    gateway = GrpcGateway(None, "")
    with pytest.raises(Problem) as raised, gateway._problems():
        raise SensorForgeClientError(reason, "The call failed.", kind="USAGE", status=status)
    assert "SENSORFORGE_TOKEN" in raised.value.remedy


async def test_a_full_quota_stops_the_upload_and_can_be_copied(paths: tuple[Path, Path]) -> None:
    class Full(FakeGateway):
        async def open_run(self, *_: object, **__: object) -> OpenedRun:
            raise Problem("Machine pump-1 has used 10.0 of 10.0 GB.", "Delete data sets of it.", "QUOTA_EXCEEDED")

    async with opened(Full()) as pilot:
        for field, path in zip(("#files", "#profile"), paths, strict=True):
            screen(pilot).query_one(field, Input).value = str(path)
        await press(pilot, "ctrl+g")
        assert isinstance(pilot.app.screen, ProblemDialog)
        await press(pilot, "c")
        assert "10.0 of 10.0 GB" in pilot.app.clipboard
        assert "Delete data sets" in pilot.app.clipboard
        await press(pilot, "escape")
        assert screen(pilot).board.records[Step.UPLOAD].state == "failed"
        await press(pilot, "f2")
        assert isinstance(pilot.app.screen, ProblemDialog), "what was closed can be read again"


async def test_a_file_of_another_machine_says_so_and_sends_nothing() -> None:
    gateway = at(Step.MAP)
    gateway.map = ColumnMap((ColumnRow("a", ("1",)), ColumnRow("b", ("x",))), ("flow_m3h",))
    async with opened(gateway) as pilot:
        await press(pilot, "ctrl+g")
        assert "No column is a sensor of the profile" in said(pilot, "#status")
        assert "step 1" in said(pilot, "#status")
    assert "take Map" not in gateway.calls


async def test_a_job_that_somebody_else_cancelled_can_be_started_again() -> None:
    gateway = at(Step.REFINE)
    gateway.problems[Step.REFINE] = Problem("refine.refine was cancelled and nothing was kept.", "", "JOB_CANCELLED")
    async with opened(gateway) as pilot:
        await press(pilot, "ctrl+g")
        assert "ctrl+g starts it again" in said(pilot, "#status")
        await press(pilot, "ctrl+g")
        assert screen(pilot).board.records[Step.REFINE].state == "done"


async def test_a_comparison_that_was_stopped_is_no_longer_said_to_go_on() -> None:
    gateway = at(Step.COMPARE)
    gateway.problems[Step.COMPARE] = Problem("compare was cancelled.", "", "JOB_CANCELLED")
    async with opened(gateway) as pilot:
        await press(pilot, "ctrl+g")
        assert said(pilot, "#verdict") == "There is no comparison yet; ctrl+g compares."


async def test_a_default_switched_by_somebody_else_is_shown_as_it_stands() -> None:
    gateway = at(Step.COMPARE)
    names = ("upload", "validate", "map", "transform", "merge", "refine", "compare")
    gateway.finished = dict.fromkeys(names, "done")
    async with opened(gateway) as pilot:
        await press(pilot, "M")
        gateway.standing = "feedfeedfeed"
        await press(pilot, "enter")
        assert "activate" not in gateway.calls
        assert "feedfeedfeed by now. Look at the gates again" in said(pilot, "#status")
        found = screen(pilot).query_one(ComparePane).comparison
        assert found is not None
        assert found.default == "feedfeedfeed"
        assert screen(pilot).board.records[Step.COMPARE].state == "done"


async def test_a_lost_link_and_a_busy_server_are_told_apart_and_the_banner_goes_away() -> None:
    gateway = at(Step.REFINE)
    gateway.hold.clear()
    async with opened(gateway) as pilot:
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "take Refine" in gateway.calls)
        for text in ("link lost, work continues on the server, retry in 4 s", "the server is busy: nothing heard"):
            gateway._report(Notice("warning", text, link=True))
            await until(pilot, lambda text=text: text in said(pilot, "#banner"))  # type: ignore[misc]
            assert screen(pilot).query_one("#banner").display
        gateway._report(Notice("info", "", link=True))
        await until(pilot, lambda: not screen(pilot).query_one("#banner").display)
        gateway.hold.set()
        await calm(pilot)


async def test_what_takes_longer_than_a_blink_says_that_it_goes_on() -> None:
    class Slow(FakeGateway):
        async def column_map(self) -> ColumnMap:
            await self.hold.wait()
            return await super().column_map()

    gateway = Slow(at(Step.MAP).runs)
    gateway.finished = {"upload": "done", "validate": "done"}
    gateway.hold.clear()
    async with SensorForgeApp(gateway).run_test() as pilot:
        await calm(pilot)
        await pilot.press("enter")
        await until_on(pilot, RunScreen)
        await until(pilot, lambda: "Reading Map" in said(pilot, "#status"))
        gateway.hold.set()
        await calm(pilot)
        assert "Reading Map" not in said(pilot, "#status")


async def test_a_screen_can_be_left_while_it_is_still_reading() -> None:
    gateway = at(Step.MAP)
    gateway.reopen_run = lambda *_: asyncio.Event().wait()  # type: ignore[assignment,return-value]
    async with SensorForgeApp(gateway).run_test() as pilot:
        await calm(pilot)
        await pilot.press("enter")
        await until_on(pilot, RunScreen)
        await until_still(pilot)
        await pilot.press("escape")
        await until_on(pilot, HomeScreen)


async def test_what_was_being_read_for_a_screen_is_dropped_when_it_is_left() -> None:
    class Slow(FakeGateway):
        async def cleaning(self, steps: Sequence[CleaningRow] = ()) -> Cleaning:
            await self.hold.wait()
            return await super().cleaning(steps)

    gateway = Slow(at(Step.CLEAN).runs)
    gateway.finished = dict.fromkeys(("upload", "validate", "map"), "done")
    gateway.hold.clear()
    async with SensorForgeApp(gateway).run_test() as pilot:
        await calm(pilot)
        await pilot.press("enter")
        await until_on(pilot, RunScreen)
        await until(pilot, lambda: screen(pilot).board.current == Step.CLEAN)
        reading = [worker for worker in pilot.app.workers if worker.node is screen(pilot)]
        assert reading
        screen(pilot).action_detach()
        assert all(worker.is_cancelled for worker in reading), "else they look for widgets that are gone"
        gateway.hold.set()
        await until_on(pilot, HomeScreen)
        await calm(pilot)


async def test_a_lost_link_keeps_nobody_from_leaving() -> None:
    class Lost(FakeGateway):
        async def choose_columns(self, columns: Sequence[ColumnRow]) -> None:
            raise DOWN

    gateway = Lost(at(Step.MAP).runs)
    gateway.finished = {"upload": "done", "validate": "done"}
    async with opened(gateway) as pilot:
        await pilot.press("x", "escape", "escape", "escape")
        await calm(pilot)
        assert isinstance(pilot.app.screen, HomeScreen)
