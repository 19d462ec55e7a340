"""The fixed frame of a run: step bar, banner, seven panes of which one is shown, status line, buttons, footer.

The frame draws what the board says; it decides nothing and asks nobody.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Button, ContentSwitcher, Footer, Static

from clients.tui.charts import Chart
from clients.tui.panes.base import Pane
from clients.tui.panes.clean import CleanPane
from clients.tui.panes.compare import ComparePane
from clients.tui.panes.map import MapPane
from clients.tui.panes.merge import MergePane
from clients.tui.panes.refine import RefinePane
from clients.tui.panes.upload import UploadPane
from clients.tui.panes.validate import ValidatePane
from clients.tui.session import Step, StepBoard
from clients.tui.views import Notice
from clients.tui.widgets import StatusLine, StepBar

if TYPE_CHECKING:
    from clients.tui.app import SensorForgeApp

# How long an answer to a key stays before progress takes the line back.
READING_S = 3.0
# What takes longer than this says that it goes on.
LOADING_AFTER_S = 0.15


class RunFrame(Screen[None]):
    """The look of a run. `board` is what is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.board = StepBoard()

    def compose(self) -> ComposeResult:
        """Shows the frame around the panes."""
        yield StepBar()
        yield Static(id="banner", markup=False)
        with ContentSwitcher(initial="pane-1", id="panes"):
            yield UploadPane(id="pane-1")
            yield ValidatePane()
            yield MapPane()
            yield CleanPane()
            yield MergePane()
            yield RefinePane()
            yield ComparePane()
        yield StatusLine(id="status")
        with Horizontal(id="bottom"):
            yield Static("new run", id="run-title", markup=False)
            yield Button("Back", id="back", compact=True)
            yield Button("Continue", id="continue", variant="primary", compact=True)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Shows the first step."""
        self.show_link("")
        for widget in self.query():
            if isinstance(widget, Chart):
                widget.ascii_only = self.client.ascii_only
        self.redraw()

    @property
    def client(self) -> SensorForgeApp:
        """Returns the application."""
        return cast("SensorForgeApp", self.app)

    @property
    def places(self) -> dict[str, DOMNode]:
        """Returns who carries out the actions that are valid here, by the place that the table of actions names."""
        return {self.board.current.title.lower(): self.shown, "run": self}

    @property
    def shown(self) -> Pane:
        """Returns the shown pane."""
        return self.pane(self.board.current)

    def pane(self, step: Step) -> Pane:
        """Returns a step's pane."""
        return self.query_one(f"#pane-{int(step)}", Pane)

    def turn_to(self, step: Step) -> None:
        """Shows a step's pane and what the step came to."""
        self.board.current = step
        self.pane(step).prepare(self.board.records[step].state)
        self.query_one("#panes", ContentSwitcher).current = f"pane-{int(step)}"
        self.redraw()
        self.say_consequence()

    def redraw(self) -> None:
        """Draws the step bar, the title and the label of the button that goes on."""
        bar = self.query_one(StepBar)
        bar.ascii_only = self.client.ascii_only
        bar.board = self.board
        machine = f" · {self.board.machine}" if self.board.machine else ""
        self.query_one("#run-title", Static).update(f"{self.board.title}{machine}")
        step, state = self.board.current, self.board.records[self.board.current].state
        label = {"done": "Done" if step == Step.COMPARE else "Next", "running": "Running"}.get(state, "Continue")
        self.query_one("#continue", Button).label = label
        self.refresh_bindings()

    def say(self, text: str, style: str = "", *, hold_s: float = 0.0) -> None:
        """Shows a sentence in the status line, for `hold_s` seconds at least."""
        self.query_one(StatusLine).show_text(text, style, hold_s=hold_s)

    def say_consequence(self) -> None:
        """Shows what the shown step came to."""
        step = self.board.current
        record = self.board.records[step]
        if record.state == "failed":
            self.say(f"✖ {record.consequence}", "$text-error")
        elif record.state == "stale":
            self.say(f"~ {step.title} rests on something that was changed; ctrl+g does it again.", "$text-warning")
        elif record.consequence:
            self.say(f"{step.title}: {record.consequence}")
        else:
            self.say("")

    def show_notice(self, notice: Notice) -> None:
        """Shows a notice: about the link in the banner, about anything else in the status line."""
        if notice.link:
            self.show_link(notice.text)
        else:
            self.say(notice.text, {"error": "$text-error", "warning": "$text-warning"}.get(notice.severity, ""))

    def show_link(self, text: str) -> None:
        """Shows the banner; "" takes it away."""
        banner = self.query_one("#banner", Static)
        banner.update(text)
        banner.display = bool(text)

    @contextlib.contextmanager
    def waiting(self, words: str) -> Iterator[None]:
        """Says what is waited for when it takes longer than a blink."""
        over = False
        timer = self.set_timer(LOADING_AFTER_S, lambda: None if over else self.say(words))
        try:
            yield
        finally:
            over = True
            timer.stop()
            if any(line.shows(words) for line in self.query(StatusLine)):  # none: the screen was left meanwhile
                self.say_consequence()
