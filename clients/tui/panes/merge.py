"""Step 5: which rows train the model; a machine without a model gets its first one here."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from clients.tui.actions import bindings
from clients.tui.gateway import Gateway
from clients.tui.messages import Edited
from clients.tui.panes.base import Pane
from clients.tui.session import Step
from clients.tui.tables import Column, FittedTable
from clients.tui.training import TrainingPicture
from clients.tui.views import EpochPoint, Report

_STRATEGIES = {
    "real-only": ("Real only", "your rows alone; training starts from the default model"),
    "replace": ("Replace", "your rows in place of the seed rows; for 5,000 rows or more"),
    "merge": ("Merge", "seed and real rows together, told apart by the model"),
}


class MergePane(Pane):
    """Three strategies, the first of them right unless there is a reason; below, the first model's training."""

    step = Step.MERGE
    onward = True
    BINDINGS = bindings("merge")

    def __init__(self) -> None:
        super().__init__(id="pane-5")
        self._chosen = "real-only"

    def compose(self) -> ComposeResult:
        """Shows the strategies."""
        yield Static("Which rows shall train the model? Test rows are held out whatever you choose.", markup=False)
        yield FittedTable(Column(""), Column("strategy"), Column("trains on", narrowest=20), id="strategies")
        yield Static(
            "A machine without a model gets its first one here, from seed rows.",
            id="merge-hint",
            classes="faint",
            markup=False,
        )
        yield TrainingPicture(id="first-model")

    def on_mount(self) -> None:
        """Shows the table; the picture waits for its first epoch."""
        self.query_one("#first-model").display = False
        self._show()

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows what the run was told."""
        self._chosen = (await gateway.choices()).strategy or self._chosen
        self._show()
        self.query_one(FittedTable).move_cursor(row=list(_STRATEGIES).index(self._chosen))

    async def commit(self, gateway: Gateway) -> None:
        """Fixes the strategy."""
        await gateway.choose_strategy(self._chosen)

    def report(self, report: Report) -> None:
        """Shows the first model's training."""
        if isinstance(report, EpochPoint) and report.series == "seed":
            self.query_one("#first-model").display = True
            self.query_one(TrainingPicture).take([report])

    def action_choose(self, strategy: str) -> None:
        """Chooses a strategy by its key; "" the one under the cursor."""
        chosen = strategy or list(_STRATEGIES)[self.query_one(FittedTable).cursor_row]
        if chosen != self._chosen:
            self._chosen = chosen
            self.post_message(Edited(Step.MERGE))
        self._show()
        self.query_one(FittedTable).move_cursor(row=list(_STRATEGIES).index(chosen))

    def on_data_table_row_selected(self) -> None:
        """A click chooses."""
        self.action_choose("")

    def _show(self) -> None:
        rows = [("(•)" if key == self._chosen else "( )", *words) for key, words in _STRATEGIES.items()]
        self.query_one(FittedTable).fill(rows)
