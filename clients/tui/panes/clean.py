"""Step 4: the cleaning recipe with what each step would change; then RUL and the split are added."""

from __future__ import annotations

import dataclasses

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.widgets import Static

from clients.tui.actions import bindings
from clients.tui.gateway import Gateway
from clients.tui.messages import Edited, Failed
from clients.tui.panes.base import Pane
from clients.tui.session import Step
from clients.tui.tables import Column, FittedTable
from clients.tui.views import Cleaning, CleaningRow, Problem
from clients.tui.widgets import counted

_WORDS = {
    "ffill": "fill with the value before",
    "bfill": "fill with the value after",
    "interpolate": "interpolate short gaps",
    "drop": "drop rows with missing values",
    "clip": "clip to physical limits",
    "clip_sigma": "clip to sigma limits",
    "deduplicate": "drop exact duplicate rows",
    "drop_duplicate_timestamps": "drop repeated timestamps",
}


class CleanPane(Pane):
    """The recipe as a table; every change is tried at once on the server."""

    step = Step.CLEAN
    onward = True
    BINDINGS = bindings("clean")

    def __init__(self) -> None:
        super().__init__(id="pane-4")
        self._steps: list[CleaningRow] = []
        self._gateway: Gateway | None = None

    def compose(self) -> ComposeResult:
        """Shows the recipe above the totals."""
        yield Static("Carried out from top to bottom; nothing changes before you continue.")
        yield FittedTable(
            Column("on"),
            Column("step"),
            Column("columns", narrowest=14),
            Column("cells", numeric=True),
            Column("rows", numeric=True),
            Column("note", narrowest=12, optional=True),
            id="recipe",
        )
        yield Static(id="step-detail", classes="detail", markup=False)
        yield Static(id="clean-total", markup=False)

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows the chosen recipe, before there is one the suggested, with its dry run."""
        self._gateway = gateway
        if not done:
            self._show(await gateway.cleaning())
        elif not self._steps:
            self._show(await gateway.cleaning((await gateway.choices()).cleaning))

    async def commit(self, gateway: Gateway) -> None:
        """Fixes the recipe."""
        await gateway.choose_cleaning(self._steps)

    def action_switch(self) -> None:
        """Switches the step under the cursor on or off."""
        index = self.query_one(FittedTable).cursor_row
        if 0 <= index < len(self._steps):
            self._steps[index] = dataclasses.replace(self._steps[index], enabled=not self._steps[index].enabled)
            self._try()

    def on_data_table_row_selected(self) -> None:
        """A click does what space does."""
        self.action_switch()

    def on_data_table_row_highlighted(self) -> None:
        """Shows all of the step under the cursor."""
        row = self.query_one(FittedTable).cursor_row
        text = ""
        if 0 <= row < len(self._steps):
            step = self._steps[row]
            changes = f"changes {counted(step.cells, 'cell')}, drops {counted(step.rows, 'row')}"
            text = f"{changes}: {', '.join(step.columns) or 'all sensors'}" + (f". {step.note}" if step.note else "")
        self.query_one("#step-detail", Static).update(text)

    def action_move(self, places: int) -> None:
        """Moves the step under the cursor."""
        index = self.query_one(FittedTable).cursor_row
        target = index + places
        if 0 <= index < len(self._steps) and 0 <= target < len(self._steps):
            self._steps[index], self._steps[target] = self._steps[target], self._steps[index]
            self.query_one(FittedTable).move_cursor(row=target)
            self._try()

    @work(exclusive=True)
    async def _try(self) -> None:
        self.post_message(Edited(Step.CLEAN))
        if self._gateway is not None:
            try:
                self._show(await self._gateway.cleaning(self._steps))
            except Problem as problem:
                self.post_message(Failed(problem))

    def _show(self, cleaning: Cleaning) -> None:
        self._steps = list(cleaning.steps)
        table = self.query_one(FittedTable)
        table.fill(
            [
                (
                    Text("[x]" if step.enabled else "[ ]", "green" if step.enabled else "dim"),
                    _WORDS.get(step.kind, step.kind),
                    ", ".join(step.columns) or "all sensors",
                    f"{step.cells:,}",
                    f"{step.rows:,}",
                    Text(step.note, "dim"),
                )
                for step in self._steps
            ]
        )
        words = f"{cleaning.rows_before:,} rows before, {cleaning.rows_after:,} after"
        self.query_one("#clean-total", Static).update(words if self._steps else f"Nothing needs cleaning; {words}.")
