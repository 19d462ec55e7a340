"""A person's way through the seven panes, by the keys that the footer shows, at both sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, Static

from clients.tui.app import SensorForgeApp
from clients.tui.modals.dialogs import ProblemDialog, Question
from clients.tui.screens.run import RunScreen
from clients.tui.session import Step
from clients.tui.views import Problem, RunRow
from clients.tui.widgets import StepBar

from .fake_gateway import FakeGateway
from .newcomer import calm
from .waiting import until, until_on

SIZES = [(80, 24), (160, 48)]


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    data, profile = tmp_path / "pump.csv", tmp_path / "pump.yaml"
    data.write_text("a,b\n1,2\n")
    profile.write_text("machine_id: pump-1\nsensors: [{name: a}]\n")
    return data, profile


async def settle(pilot: Pilot[None]) -> None:
    """Waits for the workers, whose failure is the test's, and until all they caused is painted."""
    await pilot.app.workers.wait_for_complete()
    await calm(pilot)


def screen(pilot: Pilot[None]) -> RunScreen:
    current = pilot.app.screen
    assert isinstance(current, RunScreen)
    return current


async def name_files(pilot: Pilot[None], paths: tuple[Path, Path]) -> None:
    await pilot.press("n")
    await settle(pilot)
    for field, path in zip(("#files", "#profile"), paths, strict=True):
        screen(pilot).query_one(field, Input).value = str(path)
    await calm(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_the_keyboard_alone_leads_from_a_file_to_a_new_default(
    size: tuple[int, int], paths: tuple[Path, Path]
) -> None:
    gateway = FakeGateway()
    async with SensorForgeApp(gateway).run_test(size=size) as pilot:
        await settle(pilot)
        await name_files(pilot, paths)
        await pilot.press("ctrl+g")
        await settle(pilot)
        assert screen(pilot).board.records[Step.UPLOAD].state == "done"
        await pilot.press("ctrl+g")  # to Validate, which checks at once
        await settle(pilot)
        assert screen(pilot).board.records[Step.VALIDATE].state == "done"
        await pilot.press("ctrl+g")  # to Map; the cursor is on the doubtful column
        await settle(pilot)
        await pilot.press("space", "ctrl+g")
        await settle(pilot)
        assert screen(pilot).board.current == Step.CLEAN
        await pilot.press("ctrl+g")
        await settle(pilot)
        await pilot.press("ctrl+g")
        await settle(pilot)
        assert screen(pilot).board.current == Step.REFINE
        await pilot.press("ctrl+g")
        await settle(pilot)
        await pilot.press("ctrl+g")
        await settle(pilot)
        assert [screen(pilot).board.records[s].state for s in Step] == ["done"] * 7
        await pilot.press("M")
        await until_on(pilot, Question)
        await pilot.press("enter")
        await settle(pilot)
    steps = [call for call in gateway.calls if call.startswith("take")]
    assert steps == [f"take {s.title}" for s in Step]
    assert "activate" in gateway.calls
    assert gateway.strategy == "real-only"
    assert {c.column: c.sensor for c in gateway.columns}["Temp 2"] == "bearing_nde_temp_C"


@pytest.mark.parametrize("size", SIZES)
async def test_the_mouse_alone_continues_and_goes_back(size: tuple[int, int], paths: tuple[Path, Path]) -> None:
    gateway = FakeGateway()
    async with SensorForgeApp(gateway).run_test(size=size) as pilot:
        await settle(pilot)
        await name_files(pilot, paths)
        button = screen(pilot).query_one("#continue", Button)
        found, _ = screen(pilot).get_widget_at(*button.region.center)
        assert found is button
        await pilot.click("#continue")
        await settle(pilot)
        await pilot.click("#continue")
        await settle(pilot)
        assert screen(pilot).board.current == Step.VALIDATE
        await pilot.click(StepBar, offset=(2, 0))
        await settle(pilot)
        assert screen(pilot).board.current == Step.UPLOAD


async def test_a_doubtful_column_blocks_until_it_is_decided(paths: tuple[Path, Path]) -> None:
    gateway = FakeGateway()
    async with SensorForgeApp(gateway).run_test() as pilot:
        await settle(pilot)
        await name_files(pilot, paths)
        for _ in range(3):
            await pilot.press("ctrl+g")
            await settle(pilot)
        await pilot.press("ctrl+g")
        await settle(pilot)
        assert "'Temp 2' is in doubt" in str(screen(pilot).query_one("#status", Static).render())
        assert "take Map" not in gateway.calls
        await pilot.press("x", "u", "x", "ctrl+g")
        await settle(pilot)
        assert "take Map" in gateway.calls
        assert {c.column: c.role for c in gateway.columns}["Temp 2"] == "ignore"


async def test_a_wrong_path_is_said_before_anything_is_sent(paths: tuple[Path, Path]) -> None:
    gateway = FakeGateway()
    async with SensorForgeApp(gateway).run_test() as pilot:
        await settle(pilot)
        await name_files(pilot, (Path("/no/such.csv"), paths[1]))
        await pilot.press("ctrl+g")
        await settle(pilot)
        beside = screen(pilot).query_one("#files-hint", Static)
        assert "There is no file /no/such.csv" in str(beside.render())
        assert screen(pilot).focused is screen(pilot).query_one("#files")
        assert "open" not in gateway.calls


async def test_a_failed_step_can_be_tried_again(paths: tuple[Path, Path]) -> None:
    gateway = FakeGateway()
    gateway.problems[Step.UPLOAD] = Problem("The file has 99 rows.", "Collect more.", "ROWS_TOO_FEW")
    async with SensorForgeApp(gateway).run_test() as pilot:
        await settle(pilot)
        await name_files(pilot, paths)
        await pilot.press("ctrl+g")
        await settle(pilot)
        assert isinstance(pilot.app.screen, ProblemDialog)
        await pilot.press("escape")
        await until_on(pilot, RunScreen)
        assert screen(pilot).board.records[Step.UPLOAD].state == "failed"
        await pilot.press("ctrl+g")
        await settle(pilot)
        assert screen(pilot).board.records[Step.UPLOAD].state == "done"


async def test_a_run_is_opened_where_it_was_left() -> None:
    gateway = FakeGateway([RunRow("machines/pump-1/runs/1", "pump.csv", "pump-1", "map", 90.0)])
    gateway.finished = {"upload": "6,000 rows", "validate": "passed", "map": "9 sensors"}
    async with SensorForgeApp(gateway).run_test() as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert screen(pilot).board.current == Step.CLEAN
        assert gateway.calls[-1] == "reopen machines/pump-1/runs/1"


async def test_a_running_step_can_be_cancelled_keeping_the_best(paths: tuple[Path, Path]) -> None:
    gateway = FakeGateway()
    gateway.finished = dict.fromkeys(("upload", "validate", "map", "transform", "merge"), "done")
    gateway.runs = (RunRow("machines/pump-1/runs/1", "pump.csv", "pump-1", "merge", 1.0),)
    async with SensorForgeApp(gateway).run_test() as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        gateway.hold.clear()
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "take Refine" in gateway.calls)
        await pilot.press("k")
        await until_on(pilot, Question)
        await pilot.press("enter")
        await settle(pilot)
    assert "cancel keep" in gateway.calls


async def test_the_empty_home_names_the_one_key() -> None:
    async with SensorForgeApp(FakeGateway()).run_test() as pilot:
        await settle(pilot)
        hint = pilot.app.screen.query_one("#home-hint", Static)
        assert "n starts one" in str(hint.render())


async def test_a_step_out_of_reach_says_what_is_missing(paths: tuple[Path, Path]) -> None:
    async with SensorForgeApp(FakeGateway()).run_test() as pilot:
        await settle(pilot)
        await pilot.press("n")
        await settle(pilot)
        screen(pilot).query_one("#continue").focus()
        await pilot.press("6")
        await calm(pilot)
        assert "finish step 1" in str(screen(pilot).query_one("#status", Static).render())
