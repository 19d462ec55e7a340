"""Step 7: the verdict and its evidence; then save the data sets or make the model the default."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Static

from clients.sdk.wording import number
from clients.tui.actions import bindings
from clients.tui.charts import Heatmap, Histogram
from clients.tui.compared import OUTCOMES, differences, no_gap, pair_words, set_words, worst_pairs
from clients.tui.gateway import Gateway
from clients.tui.messages import Edited, Failed, Told
from clients.tui.modals.data_sets import DataSetsPrompt
from clients.tui.modals.dialogs import LinePrompt
from clients.tui.panes.base import Pane
from clients.tui.paths import named
from clients.tui.session import Step
from clients.tui.tables import Column, FittedTable
from clients.tui.training import TrainingPicture
from clients.tui.views import Advance, Comparison, Correlations, DataSets, Problem, Report, Shape

if TYPE_CHECKING:
    from clients.tui.app import SensorForgeApp
    from clients.tui.screens.run import RunScreen

_ADVICE = {
    "use refined": ("✔", "$text-success"),
    "keep original": ("✖", "$text-error"),
    "collect more data": ("?", "$text-warning"),
}
_VIEWS = {
    "gates": "Gates",
    "sensors": "Sensors",
    "correlations": "Correlations",
    "losses": "Losses",
    "sets": "Data sets",
}
_TITLES = {
    "gates": "Gates",
    "sensors": "Sensors, worst first",
    "correlations": "Correlations, refined less real",
    "losses": "Losses",
    "sets": "Data sets and their quality check",
}
_WAITING = "Generating the data sets, then comparing with held-out real rows; this takes a minute or two …"
# A difference of correlations that is coloured fully, unless larger ones occur.
_LARGE_DIFFERENCE = 0.3


class ComparePane(Pane, can_focus=True):
    """One plain verdict, then evidence: one view at a time in a narrow window, side by side in a wide one."""

    step = Step.COMPARE
    automatic = True
    BINDINGS = bindings("compare")
    HELP = (
        "Whether rows of the refined model are like real rows that it has not seen, and which sensors are not. [ and ] "
        "change the view, up and down the sensor. The data sets are what you came for: g makes others, s saves them."
    )

    def __init__(self) -> None:
        super().__init__(id="pane-7")
        self.comparison: Comparison | None = None
        self._view = "gates"
        self._waits = False

    def compose(self) -> ComposeResult:
        """Shows the verdict above the views."""
        yield Static(_WAITING, id="verdict", markup=False)
        yield Static(id="view-names")
        with Horizontal(id="views"):
            with Vertical(classes="views-column"):
                with Vertical(id="view-gates", classes="view"):
                    yield Static(_TITLES["gates"], classes="view-title")
                    yield FittedTable(
                        Column("gate", narrowest=24),
                        Column("original", numeric=True),
                        Column("refined", numeric=True),
                        Column("real rows", numeric=True, optional=True),
                        Column("target"),
                        Column("outcome"),
                        id="gates",
                    )
                with Vertical(id="view-correlations", classes="view"):
                    yield Static(_TITLES["correlations"], classes="view-title")
                    yield Heatmap(id="correlations")
                    yield Static(id="pairs", classes="faint", markup=False)
            with Vertical(classes="views-column"):
                with Vertical(id="view-sensors", classes="view"):
                    yield Static(_TITLES["sensors"], classes="view-title")
                    with Container(id="sensor-parts"):
                        yield FittedTable(
                            Column("sensor, by KL", narrowest=14),
                            Column("original", numeric=True),
                            Column("refined", numeric=True),
                            id="sensors",
                        )
                        with Vertical(id="sensor-shape"):
                            yield Static(id="shape-title", markup=False)
                            yield Histogram(id="shape")
                with Vertical(id="view-losses", classes="view"):
                    yield Static(_TITLES["losses"], classes="view-title")
                    yield TrainingPicture(id="fitting")
                with Vertical(id="view-sets", classes="view"):
                    yield Static(_TITLES["sets"], classes="view-title")
                    yield Static(id="set-rows", markup=False)
                    yield FittedTable(
                        Column("checked", narrowest=24),
                        Column("outcome"),
                        Column("sets", numeric=True),
                        Column("real rows", numeric=True),
                        Column("about", optional=True),
                        id="sets",
                    )
        yield Static(id="compare-detail", classes="detail", markup=False)

    def on_mount(self) -> None:
        """Shows the gates first."""
        self._show("gates")

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows the comparison, once there is one."""
        self._waits = not done
        if not done:
            self.query_one("#verdict", Static).update(_WAITING)
            return
        found = self.comparison = await gateway.comparison()
        mark, style = _ADVICE.get(found.recommendation, ("·", ""))
        verdict = self.query_one("#verdict", Static)
        verdict.update(f"{mark} {found.verdict}")
        verdict.styles.color = None
        verdict.set_classes(f"advice-{found.recommendation.replace(' ', '-')}" if style else "")
        self.query_one("#gates", FittedTable).fill(
            [(g.title, g.original, g.refined, g.real, g.target, Text(*OUTCOMES[g.outcome])) for g in found.gates]
        )
        self.query_one("#sensors", FittedTable).fill(
            [(s.name, number(s.kl_seed), number(s.kl_refined)) for s in found.sensors]
        )
        self._show_correlations(found.correlations)
        self._show_sets(found.sets)
        self.query_one(TrainingPicture).recall(await gateway.curves())
        self._show(self._view)
        self._show_shape()
        self.screen.refresh_bindings()

    async def commit(self, gateway: Gateway) -> None:
        """Says what is being waited for."""
        self._waits = True
        self.query_one("#verdict", Static).update(_WAITING)

    def stopped(self) -> None:
        """Says of when the shown evidence is, or how to get some."""
        self._waits = False
        words = "This is the comparison of before" if self.comparison else "There is no comparison yet"
        self.query_one("#verdict", Static).update(f"{words}; ctrl+g compares.")

    def report(self, report: Report) -> None:
        """Tells which set is made, then the gates that are known so far, which the comparison says while it goes on."""
        if self._waits and isinstance(report, Advance) and report.message and ": " in report.message:
            words = "Generating the data sets." if report.phase == "generate" else "Comparing."
            self.query_one("#verdict", Static).update(f"{words} So far: {report.message}")

    def focus_first(self) -> None:
        """Puts the focus on the shown view."""
        self._choose(self._view)

    # What a person asks for.

    def action_view(self, step: int) -> None:
        """Shows the next view."""
        names = list(_VIEWS)
        self._choose(names[(names.index(self._view) + step) % len(names)])

    @work
    async def action_generate(self) -> None:
        """Generates other data sets and compares them."""
        if self._waits:
            self.post_message(Told("The data sets are being made; k stops it."))
            return
        try:
            gateway = await self._client.services()
            told, found = await gateway.choices(), self.comparison
            sensors = tuple(row.name for row in found.sensors) if found else ()
            chosen = await self.app.push_screen_wait(DataSetsPrompt(told.rows, told.where, sensors))
            if chosen is None:
                return
            await gateway.choose_sets(*chosen)
        except Problem as problem:
            self.post_message(Failed(problem))
            return
        screen = cast("RunScreen", self.screen)
        screen.on_edited(Edited(Step.COMPARE))
        screen.action_continue()

    @work
    async def action_export(self) -> None:
        """Saves the report alone."""
        if self.comparison is None:
            self.post_message(Told("There is no report yet."))
            return
        machine = cast("RunScreen", self.screen).board.machine
        text = await self.app.push_screen_wait(LinePrompt("Save the report in", f"./{machine}/report"))
        if not text:
            return
        try:
            paths = await (await self._client.services()).export(named(text))
        except Problem as problem:
            self.post_message(Failed(problem))
            return
        first = next((path for path in paths if path.suffix == ".pdf"), paths[0])
        self.post_message(Told(f"The report is {first}, and {len(paths) - 1} files beside it"))

    def on_data_table_row_highlighted(self, event: FittedTable.RowHighlighted) -> None:
        """Shows and explains the row under the cursor."""
        if event.data_table.id == "sensors":
            self._show_shape()
        self._explain()

    def on_heatmap_moved(self) -> None:
        """Explains the pair under the cursor."""
        self._explain()

    def on_descendant_focus(self) -> None:
        """A click into another view makes it the shown one."""
        for name in _VIEWS:
            if self.screen.focused is not None and self.screen.focused.id == name and name != self._view:
                self._choose(name)

    # What is shown.

    @property
    def _client(self) -> SensorForgeApp:
        return cast("SensorForgeApp", self.app)

    def _choose(self, view: str) -> None:
        self._show(view)
        target = self.query(f"#{view}").first() if view != "losses" else self
        (target if target.focusable else self).focus()

    def _show(self, view: str) -> None:
        self._view = view
        found = self.comparison
        names = Text()
        for name, title in _VIEWS.items():
            names.append(f" {title} ", "reverse" if name == view else "dim")
            part = self.query_one(f"#view-{name}")
            part.set_class(name == view, "chosen")
        for column in self.query(".views-column"):
            column.set_class(bool(column.query(".view.chosen")), "-shown")
        self.set_class(view == "sets", "-sets")
        if found is not None and found.real_rows:
            names.append(f"   {found.real_rows:,} held-out rows", "dim")
        self.query_one("#view-names", Static).update(names)
        self._explain()

    def _show_shape(self) -> None:
        found, chart = self.comparison, self.query_one("#shape", Histogram)
        index = self.query_one("#sensors", FittedTable).cursor_row
        if found is None or not 0 <= index < len(found.sensors):
            return
        sensor = found.sensors[index]
        self.query_one("#shape-title", Static).update(f"{sensor.name}, % of rows")
        shape = found.shapes.get(sensor.name, Shape({}))
        if shape.shares:
            chart.show(list(shape.shares.items()), edges=shape.edges, categories=shape.categories, unit=sensor.unit)
        else:
            chart.clear("This report has no distributions; compare again for them.")

    def _show_correlations(self, found: Correlations | None) -> None:
        chart = self.query_one(Heatmap)
        if found is None:
            chart.show((), ())
            return
        gaps = differences(found)
        largest = max((abs(v) for line in gaps for v in line if math.isfinite(v)), default=0.0)
        chart.show(gaps, found.sensors, full=max(_LARGE_DIFFERENCE, largest))
        self.query_one("#pairs", Static).update("\n".join(worst_pairs(found)))
        chart.styles.max_height = len(found.sensors) + 2

    def _show_sets(self, found: DataSets) -> None:
        self.query_one("#set-rows", Static).update(set_words(found))
        rows = [(c.title, Text(*OUTCOMES[c.outcome]), "", "", "promise") for c in found.checks]
        rows += [(m.title, Text(""), m.value, m.real, m.family) for m in found.measures]
        self.query_one("#sets", FittedTable).fill(rows)

    def _explain(self) -> None:
        found, text = self.comparison, ""
        if found is not None and self._view == "correlations" and found.correlations is not None:
            text = pair_words(found.correlations, *self.query_one(Heatmap).cursor)
        elif found is not None and self._view == "losses":
            text = "Of rows that the model was not fitted on: the lower, the likelier it finds them."
        elif found is not None:
            index = self.query_one(f"#{self._view}", FittedTable).cursor_row
            told = {
                "gates": [gate.explanation for gate in found.gates],
                "sensors": [sensor.note or no_gap(sensor.name) for sensor in found.sensors],
                "sets": [c.explanation for c in found.sets.checks] + [m.about for m in found.sets.measures],
            }[self._view]
            text = told[index] if 0 <= index < len(told) else ""
        self.query_one("#compare-detail", Static).update(text)
