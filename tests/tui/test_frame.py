"""The frame around the panes: jump mode, palette, help, themes, footer, and what is kept of a person's likes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from textual.color import Color
from textual.command import CommandPalette
from textual.theme import Theme
from textual.widgets import Static

from clients.cli.start import screen_options
from clients.tui import app as application
from clients.tui import preferences
from clients.tui.actions import MOST_HINTS
from clients.tui.app import SensorForgeApp
from clients.tui.modals.dialogs import Help, Picker
from clients.tui.modals.jump import Jump
from clients.tui.preferences import Preferences
from clients.tui.screens.home import HomeScreen
from clients.tui.session import Step
from clients.tui.sparks import gapped_sparkline
from clients.tui.themes import THEMES

from .fake_gateway import FakeGateway
from .newcomer import Newcomer, calm
from .test_panes import opened, press, said
from .test_screens import at
from .test_workflow import screen


async def test_a_letter_jumps_to_a_field_and_presses_a_button() -> None:
    async with opened(FakeGateway()) as pilot:
        await press(pilot, "ctrl+o")
        assert isinstance(pilot.app.screen, Jump)
        await press(pilot, "s")
        assert screen(pilot).focused is screen(pilot).query_one("#profile")
        await press(pilot, "ctrl+o", "escape")
        assert screen(pilot).focused is screen(pilot).query_one("#profile")
        back = screen(pilot).query_one("#back").region
        await press(pilot, "ctrl+o")
        labels = pilot.app.screen.query(".jump-letter").results(Static)
        await press(pilot, next(str(label.render()) for label in labels if label.region.offset == back.offset))
        assert isinstance(pilot.app.screen, HomeScreen)


async def test_the_palette_lists_what_is_valid_here_and_does_it() -> None:
    gateway = at(Step.MAP)
    async with opened(gateway) as pilot:
        app = pilot.app
        listed = {command.title for command in app.get_system_commands(app.screen)}
        assert {
            "Leave this column out",
            "Remember this mapping, or take a remembered one",
            "Show step 2, Validate",
        } <= (listed)
        assert (
            not {"Move this step up", "Start a new run from a file", "Save data sets and report in a folder"} & listed
        )
        await press(pilot, "ctrl+p")
        assert isinstance(app.screen, CommandPalette)
        await pilot.press("escape")
        await calm(pilot)
        ignore = next(c for c in app.get_system_commands(app.screen) if c.title == "Leave this column out")
        await ignore.callback()
        await press(pilot, "ctrl+g")
    assert {c.column: c.role for c in gateway.columns}["Temp 2"] == "ignore"


async def test_help_explains_what_has_the_focus() -> None:
    async with opened(FakeGateway()) as pilot:
        await press(pilot, "f1")
        assert isinstance(pilot.app.screen, Help)
        assert "Tab completes it" in " ".join(str(s.render()) for s in pilot.app.screen.query(Static))
        await press(pilot, "escape")
        screen(pilot).query_one("#back").focus()
        await press(pilot, "question_mark")
        assert "through seven steps" in " ".join(str(s.render()) for s in pilot.app.screen.query(Static))


async def test_a_theme_is_chosen_and_kept(own_configuration: Path) -> None:
    async with opened(FakeGateway()) as pilot:
        await press(pilot, "f3")
        assert isinstance(pilot.app.screen, Picker)
        await press(pilot, *"contrast", "enter")
        assert pilot.app.theme == "high-contrast"
    assert preferences.load().theme == "high-contrast"
    assert SensorForgeApp(FakeGateway(), liked=preferences.load()).theme == "high-contrast"


def luminance(colour: str | None) -> float:
    """Returns the relative luminance of a colour, 0 to 1 (WCAG 2.2)."""
    assert colour is not None
    parts = [part / 255 for part in Color.parse(colour).rgb]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_text_stands_out_from_its_ground(theme: Theme) -> None:
    least = 7.0 if theme.name == "high-contrast" else 4.5
    for ink in (theme.foreground, theme.error, theme.success, theme.warning):
        light, dark = sorted((luminance(ink), luminance(theme.background)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= least, ink


async def test_every_hint_of_the_footer_can_be_seen_at_eighty_columns() -> None:
    async with opened(at(Step.COMPARE)) as pilot:
        for step in Step:
            screen(pilot)._show(step)
            await calm(pilot)
            shown = set(Newcomer(pilot).hints)
            active = pilot.app.screen.active_bindings.values()
            assert {a.binding.description for a in active if a.binding.show and a.enabled} <= shown, step
            assert len(shown) <= MOST_HINTS


async def test_a_step_with_a_changed_decision_says_how_to_do_it_again() -> None:
    async with opened(at(Step.CLEAN)) as pilot:
        await press(pilot, "3", "x")
        assert "ctrl+g does it again" in said(pilot, "#status")


def test_what_is_not_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert application.run() == 2
    assert "sensorforge run FILE" in capsys.readouterr().err


def test_an_unknown_theme_is_refused_with_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEXTUAL_DRIVER", "none")
    assert application.run(theme="pink") == 2
    assert "dark, light, high-contrast" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], (False, "")),
        (["--ascii"], (True, "")),
        (["--theme", "light", "--ascii"], (True, "light")),
        (["--theme=light"], (False, "light")),
        (["--theme"], None),
        (["--version"], None),
        (["run", "--ascii"], None),
    ],
)
def test_only_the_screens_own_options_open_it_at_once(arguments: list[str], wanted: tuple[bool, str] | None) -> None:
    assert screen_options(arguments) == wanted


def test_likes_that_cannot_be_read_are_as_at_the_beginning(own_configuration: Path) -> None:
    own_configuration.mkdir(parents=True)
    for text in ("{", "[]", '{"theme": 3, "files": "x"}'):
        (own_configuration / "screen.json").write_text(text)
        assert preferences.load() == Preferences()
    liked = Preferences("light").used("/a.csv", "/p.yaml").used("/b.csv", "").used("/a.csv", "/p.yaml")
    preferences.store(liked)
    assert preferences.load() == Preferences("light", ("/a.csv", "/b.csv"), ("/p.yaml",))


def test_a_sparkline_keeps_the_place_of_what_is_missing() -> None:
    nan = float("nan")
    assert gapped_sparkline([0.0, nan, 1.0], 10) == "▁·█"
    assert gapped_sparkline([nan, nan], 10) == "··"
    assert gapped_sparkline([], 10) == ""
    assert len(gapped_sparkline([float(n) for n in range(200)], 30)) == 30
    assert gapped_sparkline([1.0, 1.0], 5, ascii_only=True).isascii()
