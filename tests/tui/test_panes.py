"""What a person can do in the first four panes."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input, Static

from clients.tui import preferences
from clients.tui.app import SensorForgeApp
from clients.tui.modals.dialogs import LinePrompt, Picker, Rows
from clients.tui.panes.map import MapPane
from clients.tui.preferences import Preferences
from clients.tui.session import Step
from clients.tui.tables import FittedTable
from clients.tui.views import Cleaning, CleaningRow, ColumnMap, Fact, Preview

from .fake_gateway import COLUMNS, FakeGateway
from .newcomer import calm
from .test_screens import at
from .test_workflow import paths, screen
from .waiting import until

__all__ = ["paths"]


@asynccontextmanager
async def opened(gateway: FakeGateway, liked: Preferences | None = None) -> AsyncIterator[Pilot[None]]:
    """Yields a pilot with the gateway's first run open, or a new run when it has none."""
    async with SensorForgeApp(gateway, liked=liked).run_test() as pilot:
        await calm(pilot)
        await pilot.press("enter" if gateway.runs else "n")
        await calm(pilot)
        yield pilot


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await calm(pilot)


def said(pilot: Pilot[None], where: str) -> str:
    return str(screen(pilot).query_one(where, Static).render())


def rows(pilot: Pilot[None], table: str) -> list[list[str]]:
    found = screen(pilot).query_one(table, FittedTable)
    return [[str(cell) for cell in found.get_row_at(n)] for n in range(found.row_count)]


# Upload.


async def test_tab_completes_a_path_and_then_goes_on(paths: tuple[Path, Path]) -> None:
    async with opened(FakeGateway()) as pilot:
        field = screen(pilot).query_one("#files", Input)
        field.value = str(paths[0])[:-6]
        field.cursor_position = len(field.value)
        await press(pilot, "tab", "tab")
        assert "pump.csv  pump.yaml" in said(pilot, "#files-hint")
        await press(pilot, "c", "tab")
        assert field.value == str(paths[0])
        assert "begins a,b" in said(pilot, "#files-hint")
        await press(pilot, "tab")
        assert screen(pilot).focused is screen(pilot).query_one("#profile")


async def test_what_was_used_before_is_offered_again(paths: tuple[Path, Path]) -> None:
    liked = Preferences("", (str(paths[0]), "/old.csv"), (str(paths[1]),))
    async with opened(FakeGateway(), liked) as pilot:
        await press(pilot, "f5", "enter")
        assert screen(pilot).query_one("#files", Input).value == str(paths[0])
        screen(pilot).query_one("#profile").focus()
        await press(pilot, "f5", "enter", "ctrl+g")
        assert screen(pilot).board.records[Step.UPLOAD].state == "done"
    assert preferences.load().files == (str(paths[0]), "/old.csv")


async def test_a_profile_that_cannot_be_drafted_says_why(paths: tuple[Path, Path]) -> None:
    gateway = FakeGateway()
    async with opened(gateway) as pilot:
        await press(pilot, "f4")
        assert "No data file is named" in said(pilot, "#files-hint")
        screen(pilot).query_one("#files", Input).value = str(paths[0])
        await press(pilot, "f4")
        assert "has no numbers" in said(pilot, "#status")
    assert gateway.calls[-2:] == [f"draft {paths[0]}", "close"]


async def test_another_header_row_reads_the_file_again(paths: tuple[Path, Path]) -> None:
    gateway = FakeGateway()
    async with opened(gateway) as pilot:
        for field, path in zip(("#files", "#profile"), paths, strict=True):
            screen(pilot).query_one(field, Input).value = str(path)
        await press(pilot, "ctrl+g")
        assert "csv · utf-8 · 1 row, 2 columns" in said(pilot, "#read-as")
        await press(pilot, "h", "x", "enter")
        assert isinstance(pilot.app.screen, LinePrompt)
        assert "not a row number" in str(pilot.app.screen.query_one("#line-hint", Static).render())
        await press(pilot, "backspace", "3", "enter")
        assert screen(pilot).board.records[Step.UPLOAD].state == "stale"
        await press(pilot, "ctrl+g")
    assert "open with header 3" in gateway.calls


async def test_a_key_is_no_letter_of_a_path_while_a_run_is_being_read() -> None:
    class Slow(FakeGateway):
        async def detection(self) -> Sequence[Fact]:
            await self.hold.wait()
            return await super().detection()

    gateway = Slow(at(Step.CLEAN).runs)
    gateway.finished = dict.fromkeys(("upload", "validate", "map"), "done")
    async with opened(gateway) as pilot:
        gateway.hold.clear()
        await pilot.press("1", "3")
        await until(pilot, lambda: screen(pilot).board.current == Step.MAP)
        assert screen(pilot).query_one("#files", Input).value == ""
        assert screen(pilot).board.records[Step.UPLOAD].state == "done"
        gateway.hold.set()
        await calm(pilot)


# Validate.


async def test_findings_are_accepted_and_stay_so() -> None:
    gateway = at(Step.MAP)
    async with opened(gateway) as pilot:
        await press(pilot, "2", "space")
        assert rows(pilot, "#findings")[0][0] == "✔ seen"
        await press(pilot, "space")
        assert rows(pilot, "#findings")[1][0] == "✖ error", "an error cannot be accepted"
        await press(pilot, "e")
        assert len(rows(pilot, "#findings")) == 1
    assert gateway.seen == {"MISSING: Temp 2"}


async def test_rows_that_could_not_be_read_are_shown_and_written(tmp_path: Path) -> None:
    gateway = at(Step.MAP)
    async with opened(gateway) as pilot:
        await press(pilot, "2", "f")
        assert isinstance(pilot.app.screen, Rows)
        await press(pilot, "escape", "w")
        pilot.app.screen.query_one(Input).value = str(tmp_path / "bad.csv")
        await press(pilot, "enter")
        assert "1 row written" in said(pilot, "#status")
        gateway.bad_rows = Preview((), (), 0)
        await press(pilot, "f")
        assert "Every row" in said(pilot, "#status")
    assert "write bad.csv" in gateway.calls


# Map.


async def test_a_required_sensor_without_a_column_is_on_top_and_blocks() -> None:
    gateway = at(Step.MAP)
    gateway.map = ColumnMap((*COLUMNS.columns[:2], COLUMNS.columns[3]), COLUMNS.sensors, ("winding_temp_C",))
    async with opened(gateway) as pilot:
        assert rows(pilot, "#columns")[0][3] == "→ winding_temp_C"
        await press(pilot, "ctrl+g")
        assert "winding_temp_C: required" in said(pilot, "#status")
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Picker)
        await press(pilot, *"spare", "enter")
        assert len(rows(pilot, "#columns")) == 3
        await press(pilot, "ctrl+g")
    assert {c.column: c.sensor for c in gateway.columns}["Spare"] == "winding_temp_C"


async def test_a_column_that_lost_its_sensor_becomes_a_question() -> None:
    gateway = at(Step.MAP)
    async with opened(gateway) as pilot:
        await press(pilot, "enter", *"bearing_de", "enter")
        cells = rows(pilot, "#columns")
        assert [row[3] for row in cells][1:3] == ["→ ?", "→ bearing_de_temp_C"]
        await press(pilot, "ctrl+g")
        assert "'DE Brg Temp' is in doubt" in said(pilot, "#status")
        await press(pilot, "u")
        assert rows(pilot, "#columns")[1][3] == "→ bearing_de_temp_C"
        await press(pilot, "U", "space", "ctrl+g")
    assert {c.column: c.sensor for c in gateway.columns}["DE Brg Temp"] == ""


async def test_role_and_unit_of_a_column_can_be_said() -> None:
    gateway = at(Step.MAP)
    async with opened(gateway) as pilot:
        await press(pilot, "i")
        pilot.app.screen.query_one(Input).value = "K"
        await press(pilot, "enter")
        assert rows(pilot, "#columns")[2][5] == "K → °C"
        await press(pilot, "down", "r", *"fault", "enter")
        assert rows(pilot, "#columns")[3][3].strip() == "label"
        await press(pilot, "ctrl+g")
    assert [(c.column, c.role, c.unit) for c in gateway.columns][2:] == [
        ("Temp 2", "sensor", "K"),
        ("Spare", "label", ""),
    ]


async def test_a_file_known_from_before_takes_one_line() -> None:
    gateway = at(Step.MAP)
    known = tuple(dataclasses.replace(row, tier="auto") for row in COLUMNS.columns)
    gateway.map = dataclasses.replace(COLUMNS, columns=known, template="machines/pump-1/templates/1")
    async with opened(gateway) as pilot:
        assert said(pilot, "#map-missing") == "✔ all 2 matched from template, Enter to review"
        assert rows(pilot, "#columns") == []
        await press(pilot, "enter")
        assert len(rows(pilot, "#columns")) == 4
        assert not pilot.app.screen.is_modal


async def test_a_mapping_is_remembered_taken_and_forgotten() -> None:
    gateway = at(Step.MAP)
    async with opened(gateway) as pilot:
        await press(pilot, "t", "enter")
        assert len(gateway.known) == 1
        gateway.known = [dataclasses.replace(gateway.known[0], columns=(("Temp 2", "ignore", "", ""),))]
        await press(pilot, "t", "down", "enter")
        assert rows(pilot, "#columns")[2][3].strip() == "ignore"
        await press(pilot, "t", "down", "down", "enter")
        assert gateway.known == []


async def test_an_unfinished_mapping_is_kept_when_the_run_is_left_at_once() -> None:
    gateway = at(Step.MAP)
    async with opened(gateway) as pilot:
        screen(pilot).query_one(MapPane).action_ignore()
        await pilot.app.action_quit()  # before any message of the change has arrived
    assert [(c.column, c.role) for c in gateway.columns] == [("Temp 2", "ignore")]


# Clean.


async def test_a_recipe_is_switched_edited_moved_taken_back_and_saved(tmp_path: Path) -> None:
    gateway = at(Step.CLEAN)
    gateway.recipe = (
        CleaningRow("interpolate", ("Temp 2",), cells=312, note="312 cells filled."),
        CleaningRow("clip_sigma", ("Temp 2",), sigma=3.0, cells=4),
    )
    async with opened(gateway) as pilot:
        picture = said(pilot, "#step-trace").splitlines()
        assert picture[0].startswith("Temp 2 around row 4,211")
        assert ([line.split()[0] for line in picture[1:]], "·" in picture[1], "·" in picture[2]) == (
            ["before", "after"],
            True,
            False,
        )
        await press(pilot, "space")
        assert rows(pilot, "#recipe")[0][0] == "[ ]"
        await press(pilot, "u")
        assert rows(pilot, "#recipe")[0][0] == "[x]"
        await press(pilot, "enter", "backspace", "9", "enter")
        assert "Gaps of up to 9 samples" in said(pilot, "#step-detail")
        await press(pilot, "right_square_bracket")
        assert [row[1] for row in rows(pilot, "#recipe")] == ["clip to sigma limits", "interpolate short gaps"]
        await press(pilot, "o")
        pilot.app.screen.query_one(Input).value = str(tmp_path / "r.yaml")
        await press(pilot, "enter")
        assert "save recipe r.yaml" in gateway.calls
        await press(pilot, "ctrl+g")
    assert "recipe clip_sigma,interpolate" in gateway.calls


async def test_a_change_made_while_a_pane_is_being_read_stands() -> None:
    class Slow(FakeGateway):
        async def cleaning(self, steps: Sequence[CleaningRow] = ()) -> Cleaning:
            if not steps:
                await self.hold.wait()
            return await super().cleaning(steps)

    gateway = Slow(at(Step.CLEAN).runs)
    gateway.finished = dict.fromkeys(("upload", "validate", "map"), "done")
    async with opened(gateway) as pilot:
        gateway.hold.clear()
        await pilot.press("3", "4", "space")
        await until(pilot, lambda: rows(pilot, "#recipe")[0][0] == "[ ]")
        gateway.hold.set()
        await calm(pilot)
        assert rows(pilot, "#recipe")[0][0] == "[ ]"
