"""Step 2: what is wrong or odd in the file, one finding a row."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from clients.tui.actions import bindings
from clients.tui.gateway import Gateway
from clients.tui.panes.base import Pane
from clients.tui.session import Step
from clients.tui.tables import Column, FittedTable
from clients.tui.views import FindingRow
from clients.tui.widgets import counted

_MARKS = {"error": ("✖ error", "red"), "warning": ("! warning", "yellow"), "info": ("· info", "")}


class ValidatePane(Pane):
    """The findings, with the fix that cleaning proposes; below, the whole of the one under the cursor."""

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
        yield FittedTable(
            Column(""),
            Column("check"),
            Column("column", narrowest=12),
            Column("what was found", narrowest=24),
            Column("proposed fix", optional=True),
            id="findings",
        )
        yield Static(id="finding-detail", classes="detail", markup=False)

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows the findings."""
        if done:
            self._findings = await gateway.findings()
            self._show()

    def action_errors_only(self) -> None:
        """Switches between errors and everything."""
        self._only_errors = not self._only_errors
        self._show()

    def on_data_table_row_highlighted(self) -> None:
        """Shows all of the finding under the cursor."""
        shown, row = self._shown, self.query_one(FittedTable).cursor_row
        text = ""
        if 0 <= row < len(shown):
            fix = shown[row].fix
            text = shown[row].message.rstrip(".") + "." + (f" Proposed: {fix}." if fix else "")
        self.query_one("#finding-detail", Static).update(text)

    @property
    def _shown(self) -> list[FindingRow]:
        return [f for f in self._findings if f.severity == "error" or not self._only_errors]

    def _show(self) -> None:
        rows = [
            (Text(*_MARKS[finding.severity]), finding.check, finding.column, finding.message, finding.fix)
            for finding in self._shown
        ]
        self.query_one(FittedTable).fill(rows)
        self.query_one("#validate-summary", Static).update(summary(self._findings, self._only_errors))


def summary(findings: Sequence[FindingRow], only_errors: bool = False) -> str:
    """Returns the findings in one sentence."""
    errors = sum(f.severity == "error" for f in findings)
    others = len(findings) - errors
    if not findings:
        return "✔ Nothing to object to."
    if not errors:
        words = f"Nothing blocks. {counted(others, 'warning')}; cleaning (step 4) offers the fixes."
    else:
        blocks = f"✖ {counted(errors, 'error')} {'blocks' if errors == 1 else 'block'}"
        words = f"{blocks}, {counted(others, 'warning')} {'does' if others == 1 else 'do'} not."
    return words + (" Only errors are shown." if only_errors else "")
