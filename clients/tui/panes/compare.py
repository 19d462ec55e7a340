"""Step 7: the verdict, its gates, the sensors worst first; then save the data sets or make the model the default."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import ContentSwitcher, DataTable, Static

from clients.tui.actions import bindings
from clients.tui.gateway import Gateway
from clients.tui.panes.base import Pane
from clients.tui.session import Step
from clients.tui.views import Comparison, GateRow

_OUTCOMES = {
    "pass": ("✔ pass", "green"),
    "fail": ("✖ fail", "red"),
    "undecided": ("? undecided", "yellow"),
    "skipped": ("· not asked", "dim"),
}
_VIEWS = ("gates", "sensors")


class ComparePane(Pane):
    """One plain verdict, then evidence."""

    step = Step.COMPARE
    automatic = True
    BINDINGS = bindings("compare")

    def __init__(self) -> None:
        super().__init__(id="pane-7")
        self.comparison: Comparison | None = None

    def compose(self) -> ComposeResult:
        """Shows the verdict above one of the views."""
        yield Static("Generating the data sets and comparing …", id="verdict", markup=False)
        with ContentSwitcher(initial="gates", id="views"):
            gates: DataTable[str | Text] = DataTable(id="gates", cursor_type="row", zebra_stripes=True)
            yield gates
            sensors: DataTable[str | Text] = DataTable(id="sensors", cursor_type="row", zebra_stripes=True)
            yield sensors
        yield Static(id="compare-detail", markup=False)

    def on_mount(self) -> None:
        """Prepares the tables."""
        self.query_one("#gates", DataTable).add_columns("gate", "original", "refined", "target", "outcome")
        self.query_one("#sensors", DataTable).add_columns("sensor", "KL original", "KL refined", "mean error")

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows the comparison, once there is one."""
        if not done:
            return
        found = self.comparison = await gateway.comparison()
        self.query_one("#verdict", Static).update(found.verdict)
        gates = self.query_one("#gates", DataTable)
        gates.clear()
        for gate in found.gates:
            word, colour = _OUTCOMES[gate.outcome]
            gates.add_row(
                gate.name.replace("_", " "), _cell(gate.seed), _cell(gate.refined), gate.target, Text(word, colour)
            )
        sensors = self.query_one("#sensors", DataTable)
        sensors.clear()
        for row in found.sensors:
            sensors.add_row(row.name, _cell(row.kl_seed), _cell(row.kl_refined), _cell(row.mean_error))
        self._explain()

    def action_view(self, step: int) -> None:
        """Shows the next view."""
        switcher = self.query_one("#views", ContentSwitcher)
        index = (_VIEWS.index(switcher.current or "gates") + step) % len(_VIEWS)
        switcher.current = _VIEWS[index]
        self.query_one(f"#{_VIEWS[index]}").focus()
        self._explain()

    def on_data_table_row_highlighted(self) -> None:
        """Explains the row under the cursor."""
        self._explain()

    def _explain(self) -> None:
        found = self.comparison
        if found is None:
            return
        detail = self.query_one("#compare-detail", Static)
        current = self.query_one("#views", ContentSwitcher).current
        index = self.query_one(f"#{current}", DataTable).cursor_row
        if current == "gates" and 0 <= index < len(found.gates):
            detail.update(found.gates[index].explanation)
        elif current == "sensors" and 0 <= index < len(found.sensors):
            detail.update(found.sensors[index].note)


def _cell(value: float | None) -> Text:
    return Text("—" if value is None else f"{value:.3g}", justify="right")


def summary(gates: tuple[GateRow, ...]) -> str:
    """Returns how the gates stand, for the question before a switch."""
    return "\n".join(f"  {gate.name.replace('_', ' ')}: {_OUTCOMES[gate.outcome][0]}" for gate in gates)
