"""Step 5: which rows train the model; a machine without a model gets its first one here."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widgets import Static

from clients.tui.actions import bindings
from clients.tui.charts import Histogram
from clients.tui.gateway import Gateway
from clients.tui.panes.base import Pane
from clients.tui.session import Step
from clients.tui.tables import Column, FittedTable
from clients.tui.training import TrainingPicture
from clients.tui.views import EpochPoint, MergePreview, Report

_STRATEGIES = {
    "real-only": ("Real only", "o", "your rows alone"),
    "replace": ("Replace", "r", "yours in place of seed's"),
    "merge": ("Merge", "m", "seed and real together"),
}
_MEANS = {
    "real-only": "Your rows alone train, from the machine's model or a first one of seed rows.",
    "replace": "Your rows train in place of the seed rows.",
    "merge": "Seed and real rows train together, and the model tells them apart.",
}
REPLACE_NEEDS = 5_000
_KEPT_AWAY = "Held-out rows are kept away, whatever you choose."
_NO_LIFE = "The file has no remaining life, so there is none to show here."


class MergePane(Pane):
    """Three strategies, the first of them right unless there is a reason; below, remaining life before and after, and
    the first model's training while it runs."""

    step = Step.MERGE
    onward = True
    BINDINGS = bindings("merge")
    HELP = (
        "Which rows train the model. Real only is right unless there is a reason: few real rows are helped by seed "
        "rows (merge). Held-out rows are kept away whatever you choose."
    )

    def __init__(self) -> None:
        super().__init__(id="pane-5")
        self._chosen = "real-only"
        self._preview = MergePreview()

    def compose(self) -> ComposeResult:
        """Shows the strategies above what they come to."""
        yield Static("Which rows shall train the model?", markup=False)
        yield FittedTable(
            Column("", acts=True),
            Column("strategy", acts=True),
            Column("key", acts=True),
            Column("to train on", numeric=True, acts=True),
            Column("to choose by", numeric=True, optional=True, acts=True),
            Column("which", narrowest=20, optional=True, acts=True),
            id="strategies",
        )
        yield Static(id="merge-counts", classes="faint", markup=False)
        with Container(id="merge-evidence"):
            with Vertical(id="merge-life"):
                yield Static("Remaining life", classes="chart-title", id="life-title", markup=False)
                yield Histogram(id="life")
            with Vertical(id="merge-training"):
                yield Static("The machine's first model", classes="chart-title", markup=False)
                yield TrainingPicture(id="first-model")

    def on_mount(self) -> None:
        """Shows the table; the picture waits for its first epoch."""
        self._show()

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows what the run was told, and what there is to merge."""
        edits = self.edits
        told = await gateway.choices()
        if edits == self.edits:
            self._chosen = told.strategy or self._chosen
        self._show()
        self.query_one(FittedTable).move_cursor(row=list(_STRATEGIES).index(self._chosen))
        self._preview = await gateway.merge_preview()
        self._show()
        self._show_life()
        original = [point for point in await gateway.curves() if point.series == "seed"]
        if original:
            self.query_one(TrainingPicture).recall(original)
        self.set_class(bool(original), "-trained")

    async def commit(self, gateway: Gateway) -> None:
        """Fixes the strategy."""
        await gateway.choose_strategy(self._chosen)

    async def keep(self, gateway: Gateway) -> None:
        """Keeps the strategy."""
        await gateway.choose_strategy(self._chosen)

    def report(self, report: Report) -> None:
        """Shows the first model's training."""
        if isinstance(report, EpochPoint) and report.series == "seed":
            self.add_class("-training", "-trained")
            self.query_one(TrainingPicture).take([report])

    def action_choose(self, strategy: str) -> None:
        """Chooses a strategy by its key; "" the one under the cursor."""
        chosen = strategy or list(_STRATEGIES)[self.query_one(FittedTable).cursor_row]
        if chosen != self._chosen:
            self._chosen = chosen
            self.edited()
        self._show()
        self.query_one(FittedTable).move_cursor(row=list(_STRATEGIES).index(chosen))

    def on_data_table_row_selected(self) -> None:
        """A click chooses."""
        self.action_choose("")

    def _show(self) -> None:
        found = self._preview
        rows = [
            (
                "(•)" if key == self._chosen else "( )",
                title,
                letter,
                *row_counts(key, found),
                words,
            )
            for key, (title, letter, words) in _STRATEGIES.items()
        ]
        self.query_one(FittedTable).fill(rows)
        told = found.merged if "+" in found.merged or ";" in found.merged else ""  # else the table says it
        said = [f"Merged: {told}." if told else _MEANS[self._chosen]]
        said.append(
            f"{found.held_out:,} held-out rows are kept away, whatever you choose." if found.held_out else _KEPT_AWAY
        )
        self.query_one("#merge-counts", Static).update("\n".join(said))

    def _show_life(self) -> None:
        life, chart = self._preview.life, self.query_one("#life", Histogram)
        unit = self._preview.life_unit
        self.query_one("#life-title", Static).update(
            "Remaining life" + (f", {unit}" if unit else "") + ", % of the rows"
        )
        if life is None:
            chart.clear(_NO_LIFE)
        else:
            chart.show(list(life.shares.items()), edges=life.edges, unit=unit)


def row_counts(strategy: str, found: MergePreview) -> tuple[str, str]:
    """Returns the rows that a strategy trains on and chooses by, in words."""
    if not found.train:
        return "–", "–"
    if strategy == "replace" and found.real < REPLACE_NEEDS:
        return f"needs {REPLACE_NEEDS:,}", f"has {found.real:,}"
    train = f"{found.train:,} + {found.seed:,}" if strategy == "merge" else f"{found.train:,}"
    return train, f"{found.validation:,}"
