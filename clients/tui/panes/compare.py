"""Step 7: the verdict and its evidence; then save the data sets or make the model the default."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widgets import Static

from clients.tui.actions import bindings
from clients.tui.gateway import Gateway
from clients.tui.panes.base import Pane
from clients.tui.session import Step
from clients.tui.tables import Column, FittedTable
from clients.tui.training import TrainingPicture
from clients.tui.views import Comparison

_OUTCOMES = {
    "pass": ("✔ pass", "green"),
    "fail": ("✖ fail", "red"),
    "undecided": ("? undecided", "yellow"),
    "skipped": ("· not asked", "dim"),
}
_VIEWS = {"gates": "Gates", "sensors": "Sensors, worst first", "sets": "Data sets", "fitting": "Losses"}


class ComparePane(Pane, can_focus=True):
    """One plain verdict, then evidence: one view at a time in a narrow window, all four in a wide one."""

    step = Step.COMPARE
    automatic = True
    BINDINGS = bindings("compare")

    def __init__(self) -> None:
        super().__init__(id="pane-7")
        self.comparison: Comparison | None = None
        self._view = "gates"

    def compose(self) -> ComposeResult:
        """Shows the verdict above the views."""
        yield Static("Generating the data sets and comparing; this takes a minute or two …", id="verdict", markup=False)
        yield Static(id="view-names")
        with Container(id="views"):
            with Vertical(id="view-gates"):
                yield Static(_VIEWS["gates"], classes="view-title")
                yield FittedTable(
                    Column("gate", narrowest=28),
                    Column("original", numeric=True),
                    Column("refined", numeric=True),
                    Column("real rows", numeric=True, optional=True),
                    Column("target"),
                    Column("outcome"),
                    id="gates",
                )
            with Vertical(id="view-sensors"):
                yield Static(_VIEWS["sensors"], classes="view-title")
                yield FittedTable(
                    Column("sensor", narrowest=16),
                    Column("KL original", numeric=True),
                    Column("KL refined", numeric=True),
                    Column("mean is off by", numeric=True, optional=True),
                    Column("unit", optional=True),
                    id="sensors",
                )
            with Vertical(id="view-sets"):
                yield Static(_VIEWS["sets"], classes="view-title")
                yield Static(id="set-rows", markup=False)
                yield FittedTable(Column("check"), Column("outcome"), Column("found", narrowest=20), id="sets")
            with Vertical(id="view-fitting"):
                yield Static(_VIEWS["fitting"], classes="view-title")
                yield TrainingPicture(id="fitting")
        yield Static(id="compare-detail", classes="detail", markup=False)

    def on_mount(self) -> None:
        """Shows the gates first."""
        self._show("gates")

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows the comparison, once there is one."""
        if not done:
            return
        found = self.comparison = await gateway.comparison()
        self.query_one("#verdict", Static).update(found.verdict)
        self.query_one("#gates", FittedTable).fill(
            [
                (g.title, g.original or "—", g.refined or "—", g.real or "—", g.target, Text(*_OUTCOMES[g.outcome]))
                for g in found.gates
            ]
        )
        self.query_one("#sensors", FittedTable).fill(
            [(s.name, _cell(s.kl_seed), _cell(s.kl_refined), _cell(s.mean_error), s.unit) for s in found.sensors]
        )
        counts = " / ".join(f"{found.rows.get(name, 0):,}" for name in ("train", "val", "test"))
        self.query_one("#set-rows", Static).update(f"{counts} rows to train, validate and test with; s saves them.")
        self.query_one("#sets", FittedTable).fill(
            [(c.title, Text(*_OUTCOMES[c.outcome]), c.explanation) for c in found.checks]
        )
        self.query_one(TrainingPicture).recall(await gateway.curves())
        self._explain()
        self.screen.refresh_bindings()

    def focus_first(self) -> None:
        """Puts the focus on the shown view."""
        self._choose(self._view)

    def action_view(self, step: int) -> None:
        """Shows the next view."""
        names = list(_VIEWS)
        self._choose(names[(names.index(self._view) + step) % len(names)])

    def on_data_table_row_highlighted(self) -> None:
        """Explains the row under the cursor."""
        self._explain()

    def on_descendant_focus(self) -> None:
        """A click into another view makes it the shown one."""
        for name in _VIEWS:
            if self.screen.focused is not None and self.screen.focused.id == name and name != self._view:
                self._choose(name)

    def _choose(self, view: str) -> None:
        self._show(view)
        target = self.query_one(f"#{view}")
        (target if target.focusable else self).focus()

    def _show(self, view: str) -> None:
        self._view = view
        names = Text()
        for name, title in _VIEWS.items():
            names.append(f" {title} ", "reverse" if name == view else "dim")
            self.query_one(f"#view-{name}").set_class(name == view, "chosen")
        self.query_one("#view-names", Static).update(names)
        self._explain()

    def _explain(self) -> None:
        found, text = self.comparison, ""
        if found is not None and self._view != "fitting":
            index = self.query_one(f"#{self._view}", FittedTable).cursor_row
            if self._view == "gates" and 0 <= index < len(found.gates):
                text = found.gates[index].explanation
            elif self._view == "sensors" and 0 <= index < len(found.sensors):
                text = found.sensors[index].note
            elif self._view == "sets" and 0 <= index < len(found.checks):
                text = found.checks[index].explanation
        self.query_one("#compare-detail", Static).update(text)


def _cell(value: float | None) -> str:
    return "—" if value is None else f"{value:.3g}"


def question(machine: str, found: Comparison) -> str:
    """Returns what is asked before the default is switched: old and new model, and how the gates stand."""
    gates = "\n".join(f"  {_OUTCOMES[gate.outcome][0]:<12}{gate.title}" for gate in found.gates)
    before = found.default or "no model yet"
    return f"Make the refined model the default of {machine}?\n\n  {before} → {found.model}\n\n{gates}"
