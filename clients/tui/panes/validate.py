"""Step 2: what is wrong or odd in the file, one finding a row."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from clients.tui.actions import bindings
from clients.tui.gateway import Gateway
from clients.tui.panes.base import Pane
from clients.tui.session import Step
from clients.tui.views import FindingRow

_MARKS = {"error": ("✖ error", "red"), "warning": ("! warning", "yellow"), "info": ("· info", "")}


class ValidatePane(Pane):
    """The findings, with the fix that cleaning proposes."""

    step = Step.VALIDATE
    automatic = True
    BINDINGS = bindings("validate")

    def __init__(self) -> None:
        super().__init__(id="pane-2")
        self._findings: Sequence[FindingRow] = ()
        self._only_errors = False

    def compose(self) -> ComposeResult:
        """Shows a sentence above the table."""
        yield Static("Checking the rows …", id="validate-summary", markup=False)
        table: DataTable[str | Text] = DataTable(id="findings", cursor_type="row", zebra_stripes=True)
        yield table

    def on_mount(self) -> None:
        """Prepares the table."""
        self.query_one(DataTable).add_columns("", "check", "column", "what was found", "proposed fix")

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows the findings."""
        if done:
            self._findings = await gateway.findings()
            self._show()

    def action_errors_only(self) -> None:
        """Switches between errors and everything."""
        self._only_errors = not self._only_errors
        self._show()

    def _show(self) -> None:
        table = self.query_one(DataTable)
        table.clear()
        for finding in self._findings:
            if self._only_errors and finding.severity != "error":
                continue
            word, colour = _MARKS[finding.severity]
            table.add_row(Text(word, colour), finding.check, finding.column, finding.message, finding.fix)
        errors = sum(f.severity == "error" for f in self._findings)
        warnings = sum(f.severity == "warning" for f in self._findings)
        if not self._findings:
            words = "✔ Nothing to object to."
        else:
            words = f"{errors} errors block, {warnings} warnings do not; cleaning (step 4) offers the fixes."
        self.query_one("#validate-summary", Static).update(words)
