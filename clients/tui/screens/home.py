"""The first screen: runs, machines, and the one key that starts something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Button, Footer, Static

from clients.tui.actions import bindings
from clients.tui.messages import Failed, HomeLoaded, LossesLoaded
from clients.tui.modals.dialogs import ProblemDialog, Question
from clients.tui.screens.run import RunScreen
from clients.tui.sparks import gapped_sparkline
from clients.tui.tables import Column, FittedTable
from clients.tui.views import Home, Problem, RunRow
from clients.tui.widgets import age

if TYPE_CHECKING:
    from clients.tui.app import SensorForgeApp

_EMPTY = "No runs yet. n starts one; `sensorforge demo` makes data to try it with."
_CONNECTING = "Connecting to the services; starting them takes a few seconds …"
_NO_MACHINES = "No machines yet. A run registers the one of its profile."
_STATES = {
    "": Text(""),
    "open": Text("· open", "dim"),
    "running": Text("● running", "cyan"),
    "done": Text("✔ done", "green"),
    "failed": Text("✖ failed", "red"),
}
_SPARK_WIDTH = 12


class HomeScreen(Screen[None]):
    """What there is: runs above, machines below."""

    BINDINGS = bindings("home")
    HELP = "Every run is one file's way from the export to a refined model. Up and down choose, Enter opens."

    def __init__(self) -> None:
        super().__init__()
        self._home: Home | None = None
        self._losses: Mapping[str, Sequence[float]] = {}

    def compose(self) -> ComposeResult:
        """Shows runs above machines."""
        yield Static("SensorForge", id="home-title", markup=False)
        yield Static(_CONNECTING, id="home-hint", markup=False)
        yield FittedTable(
            Column("run", narrowest=14),
            Column("profile", narrowest=8, optional=True),
            Column("machine", narrowest=8),
            Column("reached"),
            Column("state"),
            Column("age", numeric=True),
            Column("loss", optional=True),
            id="runs",
        )
        with Horizontal(id="home-machines"):
            yield Static("Machines", classes="heading", markup=False)
            yield Button("Open", id="open", compact=True)
            yield Button("New run", id="new", variant="primary", compact=True)
        yield FittedTable(
            Column("machine", narrowest=10),
            Column("category", narrowest=8),
            Column("sensors", numeric=True),
            Column("default model"),
            id="machines",
        )
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Reads what there is; until then there is nothing to show."""
        for part in ("#runs", "#machines", "#home-machines"):
            self.query_one(part).display = False
        self._load()

    def on_screen_resume(self) -> None:
        """Reads again after a run was left."""
        if self._home is not None:
            self._load()

    @property
    def client(self) -> SensorForgeApp:
        """Returns the application."""
        return cast("SensorForgeApp", self.app)

    @property
    def places(self) -> dict[str, DOMNode]:
        """Returns who carries out the actions that are valid here."""
        return {"home": self}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Returns whether an action is valid now: without runs there is none to open or to delete."""
        if action in ("open_run", "delete_run"):
            return bool(self._home is not None and self._home.runs)
        return super().check_action(action, parameters)

    @work(exclusive=True)
    async def _load(self) -> None:
        try:
            gateway = await self.client.services()
            home = await gateway.home()
            self.post_message(HomeLoaded(home))
            refined = [run.name for run in home.runs if run.reached in ("refine", "augment", "compare", "activate")]
            self.post_message(LossesLoaded(await gateway.losses(refined)))
        except Problem as problem:
            self.post_message(Failed(problem))

    def on_home_loaded(self, message: HomeLoaded) -> None:
        """Shows runs and machines."""
        home = self._home = message.home
        self.query_one("#home-title", Static).update(f"SensorForge · {self.client.place}")
        hint = self.query_one("#home-hint", Static)
        hint.set_class(False, "problem-text")
        hint.update(_NO_MACHINES if home.runs and not home.machines else "" if home.runs else _EMPTY)
        hint.display = not home.runs
        self._show_runs()
        self.query_one("#machines", FittedTable).fill(
            [(m.machine, m.category, str(m.sensors), m.default_model or Text("none yet", "dim")) for m in home.machines]
        )
        self.query_one("#home-machines").display = True
        for part in ("#machines", "#home-machines > .heading"):
            self.query_one(part).display = bool(home.machines)
        self.query_one("#open").display = bool(home.runs)
        runs = self.query_one("#runs", FittedTable)
        runs.display = bool(home.runs)
        (runs if home.runs else self.query_one("#new")).focus()
        self.refresh_bindings()

    def on_losses_loaded(self, message: LossesLoaded) -> None:
        """Adds the sparklines, which take longer to read."""
        self._losses = message.losses
        self._show_runs()

    def _show_runs(self) -> None:
        runs = self._home.runs if self._home is not None else ()
        self.query_one("#runs", FittedTable).fill([self._cells(run) for run in runs], keys=[run.name for run in runs])

    def _cells(self, run: RunRow) -> tuple[str | Text, ...]:
        losses = self._losses.get(run.name, run.losses)
        spark = gapped_sparkline(losses, _SPARK_WIDTH, ascii_only=self.client.ascii_only)
        state = _STATES[run.state]
        return (
            run.title,
            PurePath(run.profile).stem,
            run.machine,
            run.reached,
            state,
            age(run.age_s),
            Text(spark, "cyan"),
        )

    def on_failed(self, message: Failed) -> None:
        """Says what is wrong: beside the list when there is none, in a dialog when something asked for failed."""
        if self._home is None:
            hint = self.query_one("#home-hint", Static)
            hint.set_class(True, "problem-text")
            hint.update(f"✖ {message.problem.message}\n{message.problem.remedy}\nr tries again.")
        else:
            self.app.push_screen(ProblemDialog(message.problem))

    def on_data_table_row_selected(self, event: FittedTable.RowSelected) -> None:
        """A click on the chosen run opens it, as Enter does."""
        if event.data_table.id == "runs":
            self.action_open_run()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Does what the keys do."""
        if event.button.id == "new":
            self.action_new_run()
        else:
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
        self.query_one("#home-hint", Static).update(_CONNECTING if self._home is None else "")
        self._load()

    @work
    async def action_delete_run(self) -> None:
        """Hides the selected run, if that is meant."""
        name = self._selected()
        if not name or self._home is None:
            return
        title = next(run.title for run in self._home.runs if run.name == name)
        answers = (("yes", "Delete"), ("no", "Keep"))
        text = f"Hide the run {title}? Its data and models stay."
        if await self.app.push_screen_wait(Question(text, answers)) == "yes":
            try:
                await (await self.client.services()).delete_run(name)
            except Problem as problem:
                self.post_message(Failed(problem))
            self._load()

    def _selected(self) -> str:
        runs = self.query_one("#runs", FittedTable)
        if not runs.row_count:
            return ""
        return str(runs.coordinate_to_cell_key(runs.cursor_coordinate).row_key.value or "")
