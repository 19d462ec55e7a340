"""Step 2: what is wrong or odd in the file, one finding a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.widgets import Static

from clients.tui.actions import bindings
from clients.tui.gateway import Gateway
from clients.tui.messages import Failed, Told
from clients.tui.modals.dialogs import LinePrompt, Rows
from clients.tui.panes.base import Pane
from clients.tui.paths import named
from clients.tui.session import Step
from clients.tui.tables import Column, FittedTable
from clients.tui.views import FindingRow, Problem
from clients.tui.widgets import counted

if TYPE_CHECKING:
    from clients.tui.app import SensorForgeApp

_MARKS = {"error": ("✖ error", "red"), "warning": ("! warning", "yellow"), "info": ("· info", "dim")}
_SEEN = ("✔ seen", "green")


class ValidatePane(Pane):
    """The findings, with the fix that cleaning proposes; below, the whole of the one under the cursor."""

    step = Step.VALIDATE
    automatic = True
    BINDINGS = bindings("validate")
    HELP = (
        "What is wrong or odd in the file. An error blocks and is corrected in the file; a warning does not, and "
        "step 4 offers its fix. Space marks a finding as looked at."
    )

    def __init__(self) -> None:
        super().__init__(id="pane-2")
        self._findings: Sequence[FindingRow] = ()
        self._seen: set[str] = set()
        self._only_errors = False

    def compose(self) -> ComposeResult:
        """Shows a sentence above the table."""
        yield Static("Checking the rows …", id="validate-summary", markup=False)
        yield FittedTable(
            Column("", acts=True),
            Column("check"),
            Column("column", narrowest=12),
            Column("what was found", narrowest=24, wraps=True),
            Column("proposed fix", optional=True),
            id="findings",
        )
        yield Static(id="finding-detail", classes="detail", markup=False)

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows the findings."""
        if done:
            self._findings = await gateway.findings()
            self._seen = set(await gateway.accepted())
            self._show()

    def stopped(self) -> None:
        """Says how to check again."""
        if not self._findings:
            self.query_one("#validate-summary", Static).update("The rows are not checked yet; ctrl+g checks them.")

    @property
    def _client(self) -> SensorForgeApp:
        return cast("SensorForgeApp", self.app)

    def action_accept(self) -> None:
        """Marks the finding under the cursor as looked at, or takes the mark away; goes to the next."""
        shown, table = self._shown, self.query_one(FittedTable)
        if not 0 <= table.cursor_row < len(shown):
            return
        finding = shown[table.cursor_row]
        if finding.severity == "error":
            self.post_message(Told(f"An error cannot be accepted: {finding.message}"))
            return
        self._seen ^= {finding.identity}
        self._show()
        table.move_cursor(row=table.cursor_row + 1)
        self._keep_seen()

    def on_data_table_row_selected(self) -> None:
        """A click on a mark, or on the chosen row, does what space does."""
        self.action_accept()

    @work(exclusive=True, group="seen")
    async def _keep_seen(self) -> None:
        try:
            await (await self._client.services()).accept(self._seen)
        except Problem as problem:
            self.post_message(Failed(problem))

    @work(exclusive=True, group="rejects")
    async def action_failing_rows(self) -> None:
        """Shows the rows that could not be read, with the reason for each."""
        try:
            rejects = await (await self._client.services()).rejects()
        except Problem as problem:
            self.post_message(Failed(problem))
            return
        if not rejects.total:
            self.post_message(Told("Every row of the file could be read: there is no rejected one to show."))
            return
        shown = f", the first {len(rejects.rows)} of them" if rejects.total > len(rejects.rows) else ""
        self.app.push_screen(Rows(f"{counted(rejects.total, 'row')} could not be read{shown}", rejects))

    @work(exclusive=True, group="rejects")
    async def action_write_rejects(self) -> None:
        """Writes the rows that could not be read as CSV, where the person says."""
        text = await self.app.push_screen_wait(LinePrompt("Write the rows that could not be read to", "./rejects.csv"))
        if not text:
            return
        try:
            rows = await (await self._client.services()).write_rejects(named(text))
        except Problem as problem:
            self.post_message(Failed(problem))
            return
        self.post_message(Told(f"{counted(rows, 'row')} written to {text}"))

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
            (
                Text(*(_SEEN if finding.identity in self._seen else _MARKS[finding.severity])),
                finding.check,
                finding.column,
                beside(finding),
                finding.fix,
            )
            for finding in self._shown
        ]
        self.query_one(FittedTable).fill(rows)
        self.query_one("#validate-summary", Static).update(summary(self._findings, self._only_errors))


def beside(finding: FindingRow) -> str:
    """Returns what was found, without the column's name, which stands beside it."""
    text = finding.message.removeprefix(f"Column {finding.column!r} ")
    return text[:1].upper() + text[1:]


def summary(findings: Sequence[FindingRow], only_errors: bool = False) -> str:
    """Returns the findings in one sentence."""
    errors = sum(f.severity == "error" for f in findings)
    others = len(findings) - errors
    if not findings:
        return "✔ Nothing to object to."
    if not errors:
        fixes = "; cleaning (step 4) offers the fixes" if any(f.fix for f in findings) else ""
        words = f"Nothing blocks. {counted(others, 'warning')}{fixes}."
    else:
        blocks = f"✖ {counted(errors, 'error')} {'blocks' if errors == 1 else 'block'}"
        words = f"{blocks}, {counted(others, 'warning')} {'does' if others == 1 else 'do'} not."
    return words + (" Only errors are shown." if only_errors else "")
