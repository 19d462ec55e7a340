"""What every pane can do: show what the services know when it is entered, and fix its choices before its step runs."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Vertical

from clients.tui.gateway import Gateway
from clients.tui.session import Step
from clients.tui.views import Report


class Pane(Vertical, can_focus=False):
    """One of the seven panes. `automatic` ones run their step when they are entered; after the step of an `onward` one
    the next pane is shown at once."""

    step: ClassVar[Step]
    automatic: ClassVar[bool] = False
    onward: ClassVar[bool] = False

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows what there is to show; `done` says whether the pane's step has a result. Raises views.Problem."""

    async def commit(self, gateway: Gateway) -> None:
        """Fixes the person's choices before the step runs. Raises views.Problem when something is missing."""

    def report(self, report: Report) -> None:
        """Shows an event of the running step."""

    def focus_first(self) -> None:
        """Puts the focus where a person will act first."""
        for widget in self.query("*"):
            if widget.focusable and widget.display:
                widget.focus()
                return
