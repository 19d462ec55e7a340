"""Step 4: the cleaning recipe with what each step would change; then RUL and the split are added."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widgets import Static

from clients.tui.actions import bindings
from clients.tui.gateway import Gateway
from clients.tui.messages import Failed, Told
from clients.tui.modals.dialogs import LinePrompt
from clients.tui.panes.base import Pane
from clients.tui.paths import named
from clients.tui.session import Step
from clients.tui.sparks import gapped_sparkline
from clients.tui.tables import Column, FittedTable
from clients.tui.views import Cleaning, CleaningRow, Problem, Trace
from clients.tui.widgets import counted

if TYPE_CHECKING:
    from clients.tui.app import SensorForgeApp

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
_FILLS = ("ffill", "bfill", "interpolate")


class CleanPane(Pane):
    """The recipe as a table; every change is tried at once on the server."""

    step = Step.CLEAN
    onward = True
    BINDINGS = bindings("clean")
    HELP = (
        "The recipe is carried out from top to bottom when you continue; the counts say what each step would change. "
        "Space switches a step on or off, Enter changes it, [ and ] move it, u takes a change back."
    )

    def __init__(self) -> None:
        super().__init__(id="pane-4")
        self._steps: list[CleaningRow] = []
        self._past: list[list[CleaningRow]] = []
        self._traces: dict[str, Trace] = {}
        self._done = False

    def compose(self) -> ComposeResult:
        """Shows the recipe, beside or above what the chosen step does."""
        yield Static(id="clean-total", markup=False)
        with Container(id="clean-parts"):
            yield FittedTable(
                Column("on", acts=True),
                Column("step", narrowest=20),
                Column("columns", narrowest=12),
                Column("cells", numeric=True),
                Column("rows", numeric=True),
                id="recipe",
            )
            with Vertical(id="clean-detail"):
                yield Static(id="step-detail", markup=False)
                yield Static(id="step-trace", markup=False)

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows the chosen recipe, before there is one the suggested, with its dry run."""
        self._past.clear()
        self._done = done
        edits = self.edits
        found = await gateway.cleaning((await gateway.choices()).cleaning)
        if edits == self.edits:
            self._show(found)

    async def commit(self, gateway: Gateway) -> None:
        """Fixes the recipe."""
        await gateway.choose_cleaning(self._steps)

    async def keep(self, gateway: Gateway) -> None:
        """Keeps the recipe as it is now."""
        await gateway.choose_cleaning(self._steps)

    @property
    def _client(self) -> SensorForgeApp:
        return cast("SensorForgeApp", self.app)

    @property
    def _row(self) -> int:
        return self.query_one(FittedTable).cursor_row

    @property
    def _chosen(self) -> CleaningRow | None:
        return self._steps[self._row] if 0 <= self._row < len(self._steps) else None

    def action_switch(self) -> None:
        """Switches the step under the cursor on or off."""
        if (step := self._chosen) is not None:
            self._change(self._row, dataclasses.replace(step, enabled=not step.enabled, cells=0, rows=0))

    def on_data_table_row_selected(self) -> None:
        """A click on the box, or on the chosen row, does what space does."""
        self.action_switch()

    @work
    async def action_edit(self) -> None:
        """Asks for what the step under the cursor can be told: its longest gap, its sigma, or its columns."""
        step, row = self._chosen, self._row
        if step is None:
            return
        if step.kind == "drop_duplicate_timestamps":
            self.post_message(Told("There is nothing to say to this step; space switches it off."))
            return
        if step.kind in _FILLS:
            answer = await self._ask("Longest gap to fill, in samples", f"{step.max_gap or 5}", _not_a_count)
            changed = dataclasses.replace(step, max_gap=int(answer or 0))
        elif step.kind == "clip_sigma":
            answer = await self._ask("Standard deviations to clip at", f"{step.sigma or 3:g}", _not_a_number)
            changed = dataclasses.replace(step, sigma=float(answer or 0))
        else:
            answer = await self._ask("Columns, with commas between; none means all sensors", ", ".join(step.columns))
            changed = dataclasses.replace(step, columns=tuple(filter(None, map(str.strip, (answer or "").split(",")))))
        if answer is not None and changed != step:
            self._change(row, changed)

    async def _ask(self, text: str, value: str, wrong: object = None) -> str | None:
        check = wrong if callable(wrong) else lambda _: ""
        return await self.app.push_screen_wait(
            LinePrompt(f"{_WORDS[self._steps[self._row].kind]}\n{text}", value, check)
        )

    def action_move(self, places: int) -> None:
        """Moves the step under the cursor."""
        index, target = self._row, self._row + places
        if 0 <= index < len(self._steps) and 0 <= target < len(self._steps):
            self._past.append(list(self._steps))
            self._steps[index], self._steps[target] = self._steps[target], self._steps[index]
            self.query_one(FittedTable).move_cursor(row=target)
            self._try()

    def action_undo(self) -> None:
        """Takes the last change back."""
        if self._past:
            self._steps = self._past.pop()
            self._try()
        else:
            self.post_message(Told("There is nothing to take back."))

    @work
    async def action_save_recipe(self) -> None:
        """Writes the recipe as part of a plan file, where the person says."""
        text = await self.app.push_screen_wait(LinePrompt("Save the recipe, for `run --plan`, as", "./recipe.yaml"))
        if not text:
            return
        try:
            gateway = await self._client.services()
            await gateway.save_recipe(named(text), self._steps)
        except Problem as problem:
            self.post_message(Failed(problem))
            return
        self.post_message(Told(f"The recipe is in {text}"))

    def _change(self, row: int, step: CleaningRow) -> None:
        self._past.append(list(self._steps))
        self._steps[row] = step
        self._try()

    def _try(self) -> None:
        self._done = False
        self.edited()
        self._dry_run()

    @work(exclusive=True, group="try")
    async def _dry_run(self) -> None:
        try:
            gateway = await self._client.services()
            self._show(await gateway.cleaning(self._steps) if self._steps else await gateway.cleaning())
        except Problem as problem:
            if self._past:
                self._steps = self._past.pop()
            self.post_message(Failed(problem))

    def _show(self, cleaning: Cleaning) -> None:
        self._steps = list(cleaning.steps)
        self._traces = {trace.sensor: trace for trace in cleaning.traces}
        self.query_one(FittedTable).fill(
            [
                (
                    Text("[x]" if step.enabled else "[ ]", "green" if step.enabled else "dim"),
                    Text(_WORDS.get(step.kind, step.kind), "" if step.enabled else "dim"),
                    Text(", ".join(step.columns) or "all sensors", "" if step.enabled else "dim"),
                    f"{step.cells:,}" if step.enabled else "",
                    f"{step.rows:,}" if step.enabled else "",
                )
                for step in self._steps
            ]
        )
        before, after = cleaning.rows_before, cleaning.rows_after
        cells = sum(step.cells for step in self._steps if step.enabled)
        changed = "changed" if self._done else "would change"
        words = f"{before:,} rows before, {after:,} after; {counted(cells, 'cell')} {changed}."
        self.query_one("#clean-total", Static).update(
            words if self._steps else f"✔ Nothing needs cleaning: {before:,} rows, none missing, none out of limits."
        )
        self.query_one("#recipe").display = bool(self._steps)
        self._explain()

    def on_data_table_row_highlighted(self) -> None:
        """Shows all of the step under the cursor."""
        self._explain()

    def _explain(self) -> None:
        step, text = self._chosen, ""
        if step is not None:
            verbs = ("changed", "dropped") if self._done else ("would change", "drop")
            does = f"{verbs[0]} {counted(step.cells, 'cell')} and {verbs[1]} {counted(step.rows, 'row')}"
            text = f"{_WORDS.get(step.kind, step.kind)}: {does if step.enabled else 'switched off'}."
            if step.kind in _FILLS:
                text += f" Gaps of up to {step.max_gap or 5} samples."
            text += f" {step.note}" if step.note and step.enabled else ""
        self.query_one("#step-detail", Static).update(text)
        self.query_one("#step-trace", Static).update(self._pictures(step))

    def _pictures(self, step: CleaningRow | None) -> str:
        if step is None or not step.enabled:
            return ""
        named = step.columns or (self._traces if step.cells else ())  # dropping rows changes no value of its own
        trace = next((self._traces[name] for name in named if name in self._traces), None)
        if trace is None:
            return ""
        width = max(10, min(60, self.query_one("#step-trace").size.width - 10))
        lines = [f"{trace.sensor} around row {trace.row:,}, its first change (· missing)"]
        for name, values in (("before", trace.before), ("after", trace.after)):
            both = (*trace.before, *trace.after)
            bars = gapped_sparkline(values[:width], width, scale=both, ascii_only=self._client.ascii_only)
            lines.append(f"{name:<8}{bars}")
        return "\n".join(lines)


def _not_a_count(text: str) -> str:
    return "" if text.isdecimal() and int(text) > 0 else f"{text!r} is not a whole number above zero."


def _not_a_number(text: str) -> str:
    try:
        return "" if 0 < float(text) < 100 else f"{text} is not between 0 and 100."
    except ValueError:
        return f"{text!r} is not a number."
