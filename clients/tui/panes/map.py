"""Step 3: which sensor every column is. A confident match takes one key; a doubtful one is a question."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static

from clients.tui.actions import bindings
from clients.tui.columns import (
    WITH_SENSOR,
    cells,
    doubtful,
    missing_cells,
    now_of,
    reasons,
)
from clients.tui.decisions import Decisions
from clients.tui.gateway import Gateway
from clients.tui.messages import Failed, Told
from clients.tui.modals.dialogs import LinePrompt, Picker
from clients.tui.panes.base import Pane
from clients.tui.session import Step
from clients.tui.tables import Column, FittedTable
from clients.tui.views import ColumnMap, ColumnRow, Problem, TemplateRow
from clients.tui.widgets import counted

if TYPE_CHECKING:
    from clients.tui.app import SensorForgeApp

_ROLES = {
    "sensor": "sensor: a measurement of the profile",
    "timestamp": "time of the row",
    "run": "run: which life or batch the row belongs to",
    "rul": "RUL: remaining useful life",
    "label": "label: a fault or class, kept and not modelled",
    "state": "state: a mode of operation, as words or codes",
    "auxiliary": "auxiliary: kept beside the sensors",
    "ignore": "leave the column out",
}
_REMEMBER = "remember"


class MapPane(Pane):
    """Missing required sensors on top, then one row a column; below, why."""

    step = Step.MAP
    onward = True
    BINDINGS = bindings("map")
    HELP = (
        "Which sensor of the profile every column of the file is. ✔ is certain, ? asks you: Space takes the proposal, "
        "Enter lists the sensors, x leaves the column out, r gives it another role, u takes a change back."
    )

    def __init__(self) -> None:
        super().__init__(id="pane-3")
        self._decisions = Decisions(ColumnMap((), ()), self.edited)
        self._folded = False

    def compose(self) -> ComposeResult:
        """Shows how far it has come, the columns, and the reasons for the one under the cursor."""
        yield Static(id="map-missing", markup=False)
        with Container(id="map-parts"):
            yield FittedTable(
                Column(""),
                Column("column", narrowest=14),
                Column("values", narrowest=7, optional=True),
                Column("→ sensor or role", narrowest=24, acts=True),
                Column("sure", numeric=True),
                Column("unit"),
                id="columns",
            )
            yield Static(id="map-why", markup=False)

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows the proposal, or what was decided."""
        edits = self.edits
        found = await gateway.column_map()
        if edits != self.edits:
            return
        self._decisions = Decisions(found, self.edited)
        self._folded = bool(found.template) and not self._missing and not self._decisions.asked
        self._show()
        if not done and not self._missing:
            self.action_next_doubtful()

    async def commit(self, gateway: Gateway) -> None:
        """Fixes the mapping. Raises views.Problem naming the first column or sensor that needs a decision."""
        if self._decisions.asked:
            self.action_next_doubtful()
        elif self._missing:
            self._table.move_cursor(row=0)
        await gateway.choose_columns(self._decisions.complete())

    async def keep(self, gateway: Gateway) -> None:
        """Keeps what was decided; what nobody looked at stays a proposal."""
        await gateway.choose_columns(self._decisions.as_sent(confirmed=True))

    def focus_first(self) -> None:
        """Puts the focus on the table, also while it is folded up."""
        self._table.focus()

    @property
    def _client(self) -> SensorForgeApp:
        return cast("SensorForgeApp", self.app)

    @property
    def _table(self) -> FittedTable:
        return self.query_one(FittedTable)

    @property
    def _missing(self) -> list[str]:
        return self._decisions.missing

    @property
    def _rows(self) -> list[ColumnRow]:
        return self._decisions.rows

    @property
    def _current(self) -> int:
        """The column under the cursor; below 0 the cursor is on a missing sensor."""
        return self._table.cursor_row - len(self._missing) if self._rows else -1

    def on_data_table_row_highlighted(self) -> None:
        """Explains the row under the cursor."""
        self._explain()

    def on_data_table_row_selected(self) -> None:
        """A click on a sensor, or on the chosen row, lists what it may be, as Enter does."""
        self.action_pick()

    # What a person decides.

    def action_confirm(self) -> None:
        """Accepts the proposed sensor; a column that lost its sensor to another stays without."""
        if not self._unfolded() or self._current < 0:
            return
        row = self._rows[self._current]
        if row.sensor or doubtful(row):
            self._put(self._current, role=row.role if row.sensor else "auxiliary", confirmed=True)
            self.action_next_doubtful()

    def action_accept_confident(self) -> None:
        """Accepts whatever the service is sure of."""
        if self._unfolded():
            self._decisions.accept_confident()
            self._show()
            if self._current < 0 or not doubtful(self._rows[self._current]):
                self.action_next_doubtful()

    def action_ignore(self) -> None:
        """Leaves the column out."""
        if self._unfolded() and self._current >= 0:
            self._put(self._current, role="ignore", sensor="", confirmed=True)
            self.action_next_doubtful()

    def action_next_doubtful(self) -> None:
        """Moves the cursor to the next column that needs a decision."""
        index = self._decisions.next_asked(self._current)
        if index is not None:
            self._table.move_cursor(row=index + len(self._missing))

    @work
    async def action_pick(self) -> None:
        """Asks for the sensor of a column, likely ones first, or for the column of a missing sensor."""
        if not self._unfolded() or not self._rows:
            return
        index = self._current
        if index < 0:
            await self._pick_column(self._missing[self._table.cursor_row])
            return
        row = self._rows[index]
        shares = {row.sensor: row.confidence} if row.sensor else {}
        shares.update((name, share) for name, share in row.alternatives if name not in shares)
        likely = [(name, f"{name}  {share:.0%}") for name, share in shares.items()]
        named = {name for name, _ in likely}
        taken = self._decisions.taken
        taken.pop(row.sensor, None)
        others = [(name, name + now_of(taken, name)) for name in self._decisions.map.sensors if name not in named]
        likely = [(name, label + now_of(taken, name)) for name, label in likely]
        about = f"its values: {', '.join(row.samples)}" if row.samples else ""
        chosen = await self.app.push_screen_wait(Picker(f"{row.column} is …", [*likely, *others], about))
        if chosen:
            self._assign(index, chosen)

    async def _pick_column(self, sensor: str) -> None:
        likely = sorted(enumerate(self._rows), key=lambda pair: -dict(pair[1].alternatives).get(sensor, 0.0))
        choices = [(f"n{index}", f"{row.column}   {', '.join(row.samples)}") for index, row in likely]
        chosen = await self.app.push_screen_wait(Picker(f"{sensor} is the column …", choices))
        if chosen:
            self._assign(int(chosen.removeprefix("n")), sensor)

    def _assign(self, index: int, sensor: str) -> None:
        self._decisions.assign(index, sensor)
        self._show()
        self.action_next_doubtful()

    @work
    async def action_role(self) -> None:
        """Asks what the column is."""
        if not self._unfolded() or self._current < 0:
            return
        index = self._current
        chosen = await self.app.push_screen_wait(Picker(f"{self._rows[index].column} is the …", list(_ROLES.items())))
        if not chosen:
            return
        if chosen in WITH_SENSOR and not self._rows[index].sensor:
            self.action_pick()
            return
        self._put(index, role=chosen, sensor=self._rows[index].sensor if chosen in WITH_SENSOR else "", confirmed=True)

    @work
    async def action_unit(self) -> None:
        """Asks for the unit that the column is in."""
        if not self._unfolded() or self._current < 0 or not self._rows[self._current].sensor:
            return
        index = self._current
        row = self._rows[index]
        text = f"Unit of {row.column} in the file, for instance °C, bar or mm/s"
        answer = await self.app.push_screen_wait(LinePrompt(text, row.unit or row.target_unit))
        if answer is not None and answer != row.unit:
            self._put(index, unit=answer, example="", confirmed=True)

    def action_undo(self) -> None:
        """Takes the last change back."""
        self._decisions.undo()
        self._show()

    def action_redo(self) -> None:
        """Does the last change again."""
        self._decisions.redo()
        self._show()

    @work
    async def action_templates(self) -> None:
        """Remembers this mapping, or takes a remembered one."""
        try:
            gateway = await self._client.services()
            known = {template.name: template for template in await gateway.templates()}
            choices = [
                (_REMEMBER, "remember this mapping for files with the same columns"),
                *(
                    (name, f"take the one of {t.updated}, {counted(len(t.columns), 'column')}")
                    for name, t in known.items()
                ),
                *((f"forget {name}", f"forget the one of {t.updated}") for name, t in known.items()),
            ]
            chosen = await self.app.push_screen_wait(Picker("Remembered mappings", choices))
            if chosen == _REMEMBER:
                await gateway.save_template(self._decisions.as_sent())
                self.post_message(Told("Remembered: the next file with these columns is mapped by itself."))
            elif chosen.startswith("forget "):
                await gateway.forget_template(chosen.removeprefix("forget "))
                self.post_message(Told("Forgotten."))
            elif chosen:
                self._take_template(known[chosen])
        except Problem as problem:
            self.post_message(Failed(problem))

    def _take_template(self, template: TemplateRow) -> None:
        taken = self._decisions.take_template(template)
        self._folded = False
        self._show()
        self.post_message(Told(f"{counted(taken, 'column')} of {len(self._rows)} taken from the remembered mapping."))

    def _put(self, index: int, **changes: object) -> None:
        self._decisions.put(index, **changes)
        self._show()

    def _unfolded(self) -> bool:
        """Returns whether the columns are shown; shows them when they are not."""
        if self._folded:
            self._folded = False
            self._show()
            return False
        return True

    # What is shown.

    def _show(self) -> None:
        table, missing = self._table, self._missing
        self.query_one("#map-missing", Static).update("\n".join(self._summary(missing)))
        self.query_one("#map-why").display = not self._folded
        table.set_class(self._folded, "folded")
        if self._folded:
            table.fill([])
            return
        at, above = self._current, table.row_count - len(self._rows)
        table.fill([*map(missing_cells, missing), *map(cells, self._rows)])
        if above >= 0 and at >= 0 and above != len(missing):
            table.move_cursor(row=at + len(missing))
        self._explain()

    def _summary(self, missing: list[str]) -> list[str]:
        mapped = sum(bool(row.sensor) for row in self._rows)
        if self._folded:
            return [f"✔ all {mapped} matched from template, Enter to review"]
        doubts = len(self._decisions.asked)
        asked = f"; ? {counted(doubts, 'column')} to decide" if doubts else ""
        lacking = f"; ✖ {counted(len(missing), 'required sensor')} without one" if missing else ""
        words = f"{mapped} of {len(self._decisions.map.sensors)} sensors have a column{asked}{lacking}"
        return [words, *(f"! {warning}" for warning in self._decisions.map.warnings[:1])]

    def _explain(self) -> None:
        why = self.query_one("#map-why", Static)
        index = self._current
        if self._folded or not self._rows or index >= len(self._rows):
            why.update("")
            return
        if index < 0:
            row = self._table.cursor_row
            if row < len(self._missing):
                why.update(f"why   the profile requires {self._missing[row]}\nor    Enter lists the columns it may be")
            return
        why.update("\n".join(reasons(self._rows[index])))
