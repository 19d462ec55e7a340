"""What every pane can do: show what the services know when it is entered, and fix its choices before its step runs."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Vertical

from clients.tui.gateway import Gateway
from clients.tui.messages import Edited
from clients.tui.session import Step, StepState
from clients.tui.views import Problem, Report


class Pane(Vertical, can_focus=False):
    """One of the seven panes. `automatic` ones run their step when they are entered; after the step of an `onward` one
    the next pane is shown at once."""

    step: ClassVar[Step]
    automatic: ClassVar[bool] = False
    onward: ClassVar[bool] = False
    unkept = False
    edits = 0

    def edited(self) -> None:
        """Says that a person changed a decision; until it is kept on the server the pane knows so itself, since whoever
        leaves at once is quicker than a message."""
        self.unkept = True
        self.edits += 1
        self.post_message(Edited(self.step))

    def prepare(self, state: StepState) -> None:
        """Takes the shape for a step that stands so, before the pane is shown and what it shows is read."""

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows what there is to show; `done` says whether the pane's step has a result. What a person changed while it
        was read stands. Raises views.Problem."""

    async def commit(self, gateway: Gateway) -> None:
        """Fixes the person's choices before the step runs. Raises views.Problem when something is missing."""

    async def keep(self, gateway: Gateway) -> None:
        """Keeps unfinished changes on the server, so that whoever opens the run again finds them. Raises
        views.Problem."""

    def show_problem(self, problem: Problem) -> bool:
        """Shows beside its cause what `commit` objected to; returns whether it did, else the status line says it."""
        return False

    def stopped(self) -> None:
        """Takes back what was said of the running step, which ended without a result."""

    def report(self, report: Report) -> None:
        """Shows an event of the running step."""

    def focus_first(self) -> None:
        """Puts the focus where a person will act first."""
        for widget in self.query("*"):
            if widget.focusable and widget.display:
                widget.focus()
                return
