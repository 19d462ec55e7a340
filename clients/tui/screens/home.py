"""The first screen: runs, machines, and the one key that starts something."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer, Static

from clients.tui.actions import bindings
from clients.tui.messages import Failed, HomeLoaded
from clients.tui.modals.dialogs import ProblemDialog, Question
from clients.tui.screens.run import RunScreen
from clients.tui.tables import Column, FittedTable
from clients.tui.views import Home, Problem
from clients.tui.widgets import duration

if TYPE_CHECKING:
    from clients.tui.app import SensorForgeApp

_EMPTY = "No runs yet. n starts one: it takes a data file and a machine profile."


class HomeScreen(Screen[None]):
    """What there is."""

    BINDINGS = bindings("home")

    def __init__(self) -> None:
        super().__init__()
        self._home: Home | None = None

    def compose(self) -> ComposeResult:
        """Shows runs above machines."""
        yield Static("SensorForge", id="home-title", markup=False)
        yield Static("Connecting …", id="home-hint", markup=False)
        yield FittedTable(
            Column("run", narrowest=16),
            Column("machine", narrowest=10),
            Column("reached"),
            Column("age", numeric=True, optional=True),
            id="runs",
        )
        yield Static("Machines", classes="heading")
        yield FittedTable(
            Column("machine", narrowest=10),
            Column("category", narrowest=8),
            Column("sensors", numeric=True),
            Column("default model"),
            id="machines",
        )
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Reads what there is."""
        self._load()

    def on_screen_resume(self) -> None:
        """Reads again after a run was left."""
        if self._home is not None:
            self._load()

    @property
    def _app(self) -> SensorForgeApp:
        return cast("SensorForgeApp", self.app)

    @work(exclusive=True)
    async def _load(self) -> None:
        try:
            await self._app.connected()
            self.post_message(HomeLoaded(await self._app.gateway.home()))
        except Problem as problem:
            self.post_message(Failed(problem))

    def on_home_loaded(self, message: HomeLoaded) -> None:
        """Shows runs and machines."""
        home = self._home = message.home
        self.query_one("#home-title", Static).update(f"SensorForge · {self._app.place}")
        self.query_one("#home-hint", Static).update("" if home.runs else _EMPTY)
        runs = self.query_one("#runs", FittedTable)
        runs.fill(
            [(run.title, run.machine, run.reached, duration(run.age_s)) for run in home.runs],
            keys=[run.name for run in home.runs],
        )
        self.query_one("#machines", FittedTable).fill(
            [(m.machine, m.category, str(m.sensors), m.default_model or Text("none yet", "dim")) for m in home.machines]
        )
        runs.focus()

    def on_failed(self, message: Failed) -> None:
        """Says what is wrong."""
        if self._home is None:
            self.query_one("#home-hint", Static).update("Not connected: r tries again.")
        self.app.push_screen(ProblemDialog(message.problem))

    def on_data_table_row_selected(self, event: FittedTable.RowSelected) -> None:
        """A click opens a run, as Enter does."""
        if event.data_table.id == "runs":
            self.action_open_run()

    def action_new_run(self) -> None:
        """Starts a new run."""
        self.app.push_screen(RunScreen())

    def action_open_run(self) -> None:
        """Opens the selected run."""
        name = self._selected()
        if name:
            self.app.push_screen(RunScreen(name))

    def action_refresh_runs(self) -> None:
        """Reads again."""
        self._load()

    @work
    async def action_delete_run(self) -> None:
        """Hides the selected run, if that is meant."""
        name = self._selected()
        if not name:
            return
        answers = (("yes", "Delete"), ("no", "Keep"))
        if await self.app.push_screen_wait(Question("Hide this run? Its data and models stay.", answers)) == "yes":
            try:
                await self._app.gateway.delete_run(name)
            except Problem as problem:
                self.post_message(Failed(problem))
            self._load()

    def _selected(self) -> str:
        runs = self.query_one("#runs", FittedTable)
        if not runs.row_count:
            return ""
        return str(runs.coordinate_to_cell_key(runs.cursor_coordinate).row_key.value or "")
