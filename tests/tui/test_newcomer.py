"""From a file to a new default model with only what the screen says, by keyboard alone and by mouse alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import DataTable, OptionList, Static

from clients.tui.app import SensorForgeApp
from clients.tui.modals.dialogs import Picker, Question
from clients.tui.session import Step
from clients.tui.views import ColumnMap, ColumnRow

from .fake_gateway import FakeGateway
from .newcomer import Newcomer, calm
from .test_workflow import SIZES, paths, screen

__all__ = ["paths"]

SENSORS = tuple(f"sensor_{n}" for n in range(20))


@pytest.mark.parametrize("size", SIZES)
async def test_the_keys_of_the_footer_lead_to_a_new_default(size: tuple[int, int], paths: tuple[Path, Path]) -> None:
    gateway = FakeGateway()
    gateway.drafted = paths[1]
    async with SensorForgeApp(gateway).run_test(size=size) as pilot:
        await calm(pilot)
        person = Newcomer(pilot)
        await person.press("New run")
        await person.type(str(paths[0]))
        await person.press("Draft a profile")
        await person.press("Continue")
        await person.press("Preview")
        await person.press("Continue")
        assert screen(pilot).board.current == Step.VALIDATE
        await person.press("Continue")
        await person.press("Choose")
        await person.type("winding")
        await person.answer("enter")
        await person.press("Continue")
        assert screen(pilot).board.current == Step.CLEAN
        await person.press("On/off")
        await person.press("On/off")
        await person.press("Continue")
        await person.press("Continue")
        assert screen(pilot).board.current == Step.REFINE
        await person.press("Continue")
        await person.press("Continue")
        await person.press("Make default")
        assert isinstance(pilot.app.screen, Question)
        await person.answer("enter")
    assert [call for call in gateway.calls if call.startswith("take")] == [f"take {s.title}" for s in Step]
    assert "activate" in gateway.calls
    assert {c.column: c.sensor for c in gateway.columns}["Temp 2"] == "winding_temp_C"


@pytest.mark.parametrize("size", SIZES)
async def test_the_mouse_leads_to_a_new_default(size: tuple[int, int], paths: tuple[Path, Path]) -> None:
    gateway = FakeGateway()
    async with SensorForgeApp(gateway).run_test(size=size) as pilot:
        await calm(pilot)
        person = Newcomer(pilot)
        await person.click("New run")
        await person.drop(str(paths[0]))
        await person.drop(str(paths[1]))
        await person.click("Continue")
        await person.click("Next")
        assert screen(pilot).board.current == Step.VALIDATE
        await person.click("Next")
        table = screen(pilot).query_one("#columns", DataTable)
        x, y = table.region.offset
        await person.click_at(x + 4, y + 1 + 2)  # below the header, the third column of the file, where the cursor is
        assert isinstance(pilot.app.screen, Picker)
        choices = pilot.app.screen.query_one(OptionList)
        await person.click_at(choices.region.x + 4, choices.region.y)
        await person.click("Continue")
        assert screen(pilot).board.current == Step.CLEAN
        await person.click("Continue")
        await person.click("Continue")
        await person.click("Continue")
        await person.click("Next")
        await person.click("Make default")
        assert isinstance(pilot.app.screen, Question)
        await person.click("Make default")
    assert "activate" in gateway.calls
    assert {c.column: c.sensor for c in gateway.columns}["Temp 2"] == "bearing_nde_temp_C"


async def test_twenty_columns_take_less_than_a_hundred_keys(paths: tuple[Path, Path]) -> None:
    """Twelve certain, five doubtful and right, three doubtful and wrong: the usual foreign file."""
    gateway = FakeGateway()
    certain = [ColumnRow(f"Column {n}", ("1",), "sensor", SENSORS[n], "auto", 0.95) for n in range(12)]
    right = [ColumnRow(f"Column {n}", ("1",), "sensor", SENSORS[n], "review", 0.6) for n in range(12, 17)]
    wrong = [ColumnRow(f"Column {n}", ("1",), "sensor", f"other_{n}", "review", 0.5) for n in range(17, 20)]
    gateway.map = ColumnMap((*certain, *right, *wrong), (*SENSORS, *(row.sensor for row in wrong)))
    keys = 0
    async with SensorForgeApp(gateway).run_test() as pilot:
        await calm(pilot)
        pilot.app.screen.action_new_run()  # type: ignore[attr-defined]
        await calm(pilot)
        run = screen(pilot)
        run.board.machine = "pump-1"
        run.board.finish(Step.UPLOAD, "")
        run.board.finish(Step.VALIDATE, "")
        run._show(Step.MAP)
        await calm(pilot)
        presses = ["a", *["space"] * 5]
        for n in range(17, 20):
            presses += ["enter", *SENSORS[n], "enter"]
        presses.append("ctrl+g")
        for key in presses:
            keys += 1
            await pilot.press(key)
            await calm(pilot)
        assert run.board.records[Step.MAP].state == "done", run.query_one("#status", Static).render()
    assert {c.column: c.sensor for c in gateway.columns} == {f"Column {n}": SENSORS[n] for n in range(20)}
    assert keys < 100
