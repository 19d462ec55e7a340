"""What the screens do around the seven steps: reopening, stopping, leaving, and terminals without Unicode."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.widgets import Input

from clients.tui.app import SensorForgeApp
from clients.tui.preferences import changed_keys
from clients.tui.screens.run import RunScreen
from clients.tui.session import Step
from clients.tui.training import TrainingPicture
from clients.tui.views import OpenedRun, Problem, RunRow

from .fake_gateway import FakeGateway
from .test_workflow import screen, settle

RUN = RunRow("machines/pump-1/runs/1", "pump.csv", "pump-1", "merge", 1.0)


def at(step: Step) -> FakeGateway:
    """Returns a gateway with one run that has all steps before `step` behind it."""
    gateway = FakeGateway([RUN])
    names = ("upload", "validate", "map", "transform", "merge", "refine", "compare")
    gateway.finished = dict.fromkeys(names[: step - 1], "done")
    return gateway


async def test_a_training_that_runs_is_followed_when_its_run_is_opened() -> None:
    gateway = at(Step.REFINE)
    gateway.running = Step.REFINE
    async with SensorForgeApp(gateway).run_test() as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert "take Refine" in gateway.calls
        assert not any(call.startswith("training") for call in gateway.calls), "its choices are made"
        assert screen(pilot).board.records[Step.REFINE].state == "done"


async def test_opening_a_run_starts_no_work() -> None:
    gateway = at(Step.COMPARE)
    async with SensorForgeApp(gateway).run_test() as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert screen(pilot).board.current == Step.REFINE
        assert not any(call.startswith("take") for call in gateway.calls)
        assert not screen(pilot).query_one("#losses", TrainingPicture).empty


async def test_what_a_person_stopped_is_no_failure() -> None:
    gateway = at(Step.REFINE)
    gateway.problems[Step.REFINE] = Problem("cancelled", "", "JOB_CANCELLED")
    async with SensorForgeApp(gateway).run_test() as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("ctrl+g")
        await settle(pilot)
        assert screen(pilot).board.records[Step.REFINE].state == "todo"


async def test_another_path_makes_the_upload_and_all_after_it_stale() -> None:
    gateway = at(Step.CLEAN)
    async with SensorForgeApp(gateway).run_test() as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        screen(pilot).query_one("#pane-1")._sent = ("a", "b")  # type: ignore[attr-defined]
        screen(pilot).query_one("#files", Input).value = "/other.csv"
        await settle(pilot)
        assert [screen(pilot).board.records[s].state for s in (Step.UPLOAD, Step.MAP)] == ["stale", "stale"]


async def test_without_unicode_every_character_is_ascii() -> None:
    async with SensorForgeApp(at(Step.REFINE), ascii_only=True).run_test() as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        filters = pilot.app.get_line_filters()
        strips = pilot.app.screen._compositor.render_strips()
        background = pilot.app.screen.background_colors[1]
        shown = [strip.apply_filter(one, background).text for strip in strips for one in filters]
        assert any("+Merge" in line for line in shown)
        assert all(line.isascii() for line in shown)


def test_a_crash_is_seen_in_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(FakeGateway):
        async def home(self) -> None:  # type: ignore[override]
            raise RuntimeError("a fault of ours")

    app = SensorForgeApp(Broken())
    app.run(headless=True)
    assert app.return_code == 1


@pytest.mark.parametrize(("document", "complaint"), [("{", "not JSON"), ("[1]", "one object")])
def test_unreadable_keys_are_named(own_configuration: Path, document: str, complaint: str) -> None:
    assert changed_keys() == {}
    own_configuration.mkdir(parents=True)
    (own_configuration / "keys.json").write_text(document)
    with pytest.raises(ValueError, match=complaint):
        changed_keys()
    (own_configuration / "keys.json").write_text(json.dumps({"map.accept": "A"}))
    assert changed_keys() == {"map.accept": "A"}


def test_a_run_opened_anew_takes_the_place_of_the_one_before() -> None:
    board = RunScreen().board
    board.finish(Step.REFINE, "old")
    opened = OpenedRun("r", "new.csv", "pump-2")
    board.adopt(opened.title, opened.machine, {Step.UPLOAD: "rows"}, [])
    assert [board.records[s].state for s in (Step.UPLOAD, Step.REFINE)] == ["done", "todo"]
