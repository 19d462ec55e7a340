"""Step 3: which sensor every column is. A confident match takes one key; a doubtful one is a question."""

from __future__ import annotations

import dataclasses

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.widgets import Static

from clients.tui.actions import bindings
from clients.tui.gateway import Gateway
from clients.tui.messages import Edited
from clients.tui.modals.dialogs import Picker
from clients.tui.panes.base import Pane
from clients.tui.session import Step
from clients.tui.tables import Column, FittedTable
from clients.tui.views import ColumnMap, ColumnRow, Problem
from clients.tui.widgets import counted

_ROLES = ("sensor", "timestamp", "run", "rul", "label", "state", "auxiliary", "ignore")
# What the service calls a role, and what a person may choose.
_CHOOSABLE = {"setpoint": "sensor", "constant": "auxiliary", "index": "ignore"}


class MapPane(Pane):
    """One row a column; below it, why."""

    step = Step.MAP
    onward = True
    BINDINGS = bindings("map")

    def __init__(self) -> None:
        super().__init__(id="pane-3")
        self._map = ColumnMap((), ())
        self._rows: list[ColumnRow] = []
        self._past: list[list[ColumnRow]] = []
        self._future: list[list[ColumnRow]] = []

    def compose(self) -> ComposeResult:
        """Shows what is missing, the columns, and the reasons for the one under the cursor."""
        yield Static(id="map-missing", markup=False)
        yield FittedTable(
            Column(""),
            Column("column", narrowest=14),
            Column("sensor or role", narrowest=24),
            Column("sure", numeric=True),
            Column("unit"),
            Column("values", narrowest=8, optional=True),
            id="columns",
        )
        yield Static(id="map-why", markup=False)

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows the proposal, or what was decided."""
        self._map = await gateway.column_map()
        self._rows = [_settled(row) for row in self._map.columns]
        self._past, self._future = [], []
        self._show()
        if not done:
            self.action_next_doubtful()

    async def commit(self, gateway: Gateway) -> None:
        """Fixes the mapping. Raises views.Problem naming the first doubtful column."""
        doubtful = [row for row in self._rows if self._doubtful(row)]
        if doubtful:
            self.action_next_doubtful()
            raise Problem(
                f"{doubtful[0].column!r} is in doubt."
                if len(doubtful) == 1
                else f"{counted(len(doubtful), 'column')} are in doubt, the first is {doubtful[0].column!r}.",
                "Confirm the match (space), choose a sensor (Enter) or ignore the column (x).",
                "MAPPING_NEEDS_REVIEW",
            )
        await gateway.choose_columns([_explicit(row) for row in self._rows])

    @property
    def _current(self) -> int:
        return self.query_one(FittedTable).cursor_row

    def on_data_table_row_highlighted(self) -> None:
        """Explains the row under the cursor."""
        self._explain()

    def on_data_table_row_selected(self) -> None:
        """A click on the row under the cursor chooses, as Enter does."""
        self.action_pick()

    def action_confirm(self) -> None:
        """Accepts the proposed sensor."""
        if self._rows and self._rows[self._current].sensor:
            self._put(self._current, confirmed=True)
            self.action_next_doubtful()

    def action_accept_confident(self) -> None:
        """Accepts whatever the service is sure of."""
        self._remember()
        self._rows = [dataclasses.replace(r, confirmed=r.confirmed or r.tier == "auto") for r in self._rows]
        self._show()
        self.action_next_doubtful()

    def action_ignore(self) -> None:
        """Leaves the column out."""
        if self._rows:
            self._put(self._current, role="ignore", sensor="", confirmed=True)

    def action_next_doubtful(self) -> None:
        """Moves the cursor to the next column that needs a decision."""
        count = len(self._rows)
        for offset in range(1, count + 1):
            index = (self._current + offset) % count
            if self._doubtful(self._rows[index]):
                self.query_one(FittedTable).move_cursor(row=index)
                return

    @work
    async def action_pick(self) -> None:
        """Asks for the sensor, likely ones first."""
        if not self._rows:
            return
        index = self._current
        row = self._rows[index]
        likely = [(name, f"{name}  {share:.0%}") for name, share in row.alternatives]
        named = {name for name, _ in likely}
        others = [(name, name) for name in self._map.sensors if name not in named]
        chosen = await self.app.push_screen_wait(Picker(f"{row.column} is …", [*likely, *others]))
        if not chosen:
            return
        self._remember()
        for other, taken in enumerate(self._rows):
            if other != index and taken.sensor == chosen:
                self._rows[other] = dataclasses.replace(taken, role="auxiliary", sensor="", confirmed=True)
        self._rows[index] = dataclasses.replace(row, role="sensor", sensor=chosen, confirmed=True)
        self._show()

    @work
    async def action_role(self) -> None:
        """Asks what the column is."""
        if not self._rows:
            return
        index = self._current
        answers = [(role, role) for role in _ROLES]
        chosen = await self.app.push_screen_wait(Picker(f"{self._rows[index].column} is the …", answers))
        if chosen:
            keep = chosen in ("sensor", "state")
            self._put(index, role=chosen, sensor=self._rows[index].sensor if keep else "", confirmed=True)

    def action_undo(self) -> None:
        """Takes the last change back."""
        if self._past:
            self._future.append(self._rows)
            self._rows = self._past.pop()
            self._show()

    def action_redo(self) -> None:
        """Does the last change again."""
        if self._future:
            self._past.append(self._rows)
            self._rows = self._future.pop()
            self._show()

    def _put(self, index: int, **changes: object) -> None:
        self._remember()
        self._rows[index] = dataclasses.replace(self._rows[index], **changes)  # type: ignore[arg-type]
        self._show()

    def _remember(self) -> None:
        self._past.append(list(self._rows))
        self._future.clear()
        self.post_message(Edited(Step.MAP))

    def _doubtful(self, row: ColumnRow) -> bool:
        return row.tier == "review" and bool(row.sensor) and not row.confirmed

    def _show(self) -> None:
        table = self.query_one(FittedTable)
        table.fill([self._cells(row) for row in self._rows])
        mapped = {row.sensor for row in self._rows if row.sensor}
        missing = [name for name in self._map.required if name not in mapped]
        lines = [f"✖ required and without a column: {', '.join(missing)}"] if missing else []
        lines += [f"! {warning}" for warning in self._map.warnings[:2]]
        if self._map.template:
            lines.append(f"✔ all {len(mapped)} matched from the saved template")
        doubts = sum(self._doubtful(row) for row in self._rows)
        asked = f"; ? {counted(doubts, 'column')} to decide" if doubts else ""
        lines.append(f"{len(mapped)} of {len(self._map.sensors)} sensors have a column{asked}")
        self.query_one("#map-missing", Static).update("\n".join(lines))
        self._explain()

    def _cells(self, row: ColumnRow) -> tuple[Text, ...]:
        if self._doubtful(row):
            mark = Text("? doubt", "yellow")
        elif row.sensor or row.role in ("timestamp", "run", "rul"):
            mark = Text("✔", "green")
        else:
            mark = Text("·", "dim")
        target = Text(f"→ {row.sensor}") if row.sensor else Text(row.role, "dim")
        sure = Text(f"{row.confidence:.0%}" if row.sensor else "")
        same = row.unit == row.target_unit or not row.unit
        units = Text("" if not row.sensor else row.target_unit if same else f"{row.unit} → {row.target_unit or '?'}")
        samples = Text(", ".join(_shortened(sample) for sample in row.samples), "dim")
        return (mark, Text(row.column), target, sure, units, samples)

    def _explain(self) -> None:
        why = self.query_one("#map-why", Static)
        if not self._rows or self._current >= len(self._rows):
            why.update("")
            return
        row = self._rows[self._current]
        others = ", ".join(f"{name} {share:.0%}" for name, share in row.alternatives)
        lines = ["why   " + ("; ".join(row.reasons) or "no sensor resembles it")]
        lines += [f"or    {others}"] if others else []
        lines += [f"e.g.  {row.example}"] if row.example else []
        why.update("\n".join(lines))


def _settled(row: ColumnRow) -> ColumnRow:
    """Returns the row with a role that a person could choose, and without a match that is not even likely."""
    role = _CHOOSABLE.get(row.role, row.role)
    if role in ("sensor", "state") and not row.sensor:
        role = "auxiliary"
    return dataclasses.replace(row, role=role)


def _explicit(row: ColumnRow) -> ColumnRow:
    return row if row.sensor or row.role not in ("sensor", "state") else dataclasses.replace(row, role="auxiliary")


def _shortened(text: str, width: int = 16) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
