"""One run: step bar, one of seven panes, what is going on, and the keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Button, ContentSwitcher, Footer, Static

from clients.tui.actions import bindings
from clients.tui.messages import Edited, Failed, Reported, RunOpened, StepFinished, Told
from clients.tui.modals.dialogs import LinePrompt, ProblemDialog, Question
from clients.tui.panes.base import Pane
from clients.tui.panes.clean import CleanPane
from clients.tui.panes.compare import ComparePane, summary
from clients.tui.panes.map import MapPane
from clients.tui.panes.merge import MergePane
from clients.tui.panes.refine import RefinePane
from clients.tui.panes.upload import UploadPane
from clients.tui.panes.validate import ValidatePane
from clients.tui.session import Step, StepBoard
from clients.tui.views import Advance, Notice, Problem, Report
from clients.tui.widgets import StatusLine, StepBar

if TYPE_CHECKING:
    from clients.tui.app import SensorForgeApp

# The pane of the finer step that finished last.
_PANE_OF = {
    "upload": Step.UPLOAD,
    "validate": Step.VALIDATE,
    "map": Step.MAP,
    "transform": Step.CLEAN,
    "merge": Step.MERGE,
    "refine": Step.REFINE,
    "compare": Step.COMPARE,
}


class RunScreen(Screen[None]):
    """Drives a run pane by pane. All waiting is done by workers that post messages."""

    BINDINGS = bindings("run")

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._run_name = name
        self.board = StepBoard()
        self._busy = False

    def compose(self) -> ComposeResult:
        """Shows the fixed frame around the panes."""
        yield StepBar()
        yield Static("new run", id="run-title", markup=False)
        yield Static(id="banner", markup=False)
        with ContentSwitcher(initial="pane-1", id="panes"):
            yield UploadPane(id="pane-1")
            yield ValidatePane()
            yield MapPane()
            yield CleanPane()
            yield MergePane()
            yield RefinePane()
            yield ComparePane()
        with Horizontal(id="bottom"):
            yield StatusLine(id="status")
            yield Button("Back", id="back", compact=True)
            yield Button("Continue", id="continue", variant="primary", compact=True)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Opens the run that was named."""
        self.query_one(StepBar).board = self.board
        self.query_one("#banner").display = False
        if self._run_name:
            self._reopen()
        else:
            self._pane(Step.UPLOAD).focus_first()

    @property
    def _app(self) -> SensorForgeApp:
        return cast("SensorForgeApp", self.app)

    def _pane(self, step: Step) -> Pane:
        return self.query_one(f"#pane-{int(step)}", Pane)

    # What a person asks for.

    def action_continue(self) -> None:
        """Does this step, or goes to the next one when it is done."""
        if self._busy:
            self._say("This step is still running.")
            return
        step = self.board.current
        if self.board.records[step].state == "done":
            if step < Step.COMPARE:
                self._show(Step(step + 1))
            else:
                self.app.pop_screen()
            return
        self._take(step)

    def action_back(self) -> None:
        """Goes to the step before, or home."""
        if self.board.current == Step.UPLOAD:
            self.app.pop_screen()
        else:
            self._show(Step(self.board.current - 1))

    def action_goto(self, number: int) -> None:
        """Shows a step."""
        step = Step(number)
        blocked = self.board.why_blocked(step)
        if blocked:
            self._say(blocked, "yellow")
        elif self._busy:
            self._say("A step is still running; it can be cancelled in its pane.")
        else:
            self._show(step)

    def on_step_bar_chosen(self, event: StepBar.Chosen) -> None:
        """Shows the clicked step."""
        self.action_goto(int(event.step))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Does what the keys do."""
        if event.button.id == "continue":
            self.action_continue()
        elif event.button.id == "back":
            self.action_back()

    @work
    async def action_cancel_job(self) -> None:
        """Stops the running step, if that is meant."""
        if not self._busy:
            self._say("Nothing is running.")
            return
        answers = (("keep", "Stop, keep the best"), ("discard", "Stop, discard"), ("no", "Go on"))
        answer = await self.app.push_screen_wait(Question("Stop the running step?", answers))
        if answer in ("keep", "discard"):
            try:
                await self._app.gateway.cancel(keep=answer == "keep")
            except Problem as problem:
                self.post_message(Failed(problem))

    def action_detach(self) -> None:
        """Leaves the step running on the server."""
        self.app.pop_screen()

    @work
    async def action_save(self) -> None:
        """Saves data sets and report in a folder."""
        if self.board.records[Step.COMPARE].state != "done":
            self._say(self.board.why_blocked(Step.COMPARE) or "Compare first: ctrl+g.", "yellow")
            return
        text = await self.app.push_screen_wait(LinePrompt("Save data sets and report in", f"./{self.board.machine}"))
        if not text:
            return
        try:
            paths = await self._app.gateway.save(_home_expanded(text))
        except Problem as problem:
            self.post_message(Failed(problem))
            return
        self.post_message(Told(f"{len(paths)} files saved in {text}"))

    @work
    async def action_activate(self) -> None:
        """Makes the refined model the default, after showing the gates."""
        pane = self.query_one(ComparePane)
        if pane.comparison is None:
            self._say("There is no comparison yet.", "yellow")
            return
        text = f"Make the refined model the default of {self.board.machine}?\n\n{summary(pane.comparison.gates)}"
        if await self.app.push_screen_wait(Question(text, (("yes", "Make default"), ("no", "Leave it")))) != "yes":
            return
        try:
            self.post_message(Told(await self._app.gateway.activate()))
        except Problem as problem:
            self.post_message(Failed(problem))

    # Workers.

    @work(exclusive=True, group="step")
    async def _reopen(self) -> None:
        try:
            self.post_message(RunOpened(await self._app.gateway.reopen_run(self._run_name, self._tell)))
        except Problem as problem:
            self.post_message(Failed(problem))

    @work(exclusive=True, group="step")
    async def _take(self, step: Step) -> None:
        gateway, pane = self._app.gateway, self._pane(step)
        self._busy = True
        try:
            await pane.commit(gateway)
            if isinstance(pane, UploadPane):
                opened = await gateway.open_run(pane.files, pane.profile, self._tell)
                self.board.machine, self.board.title = opened.machine, opened.title
            self.board.begin(step)
            self._redraw()
            consequence = await gateway.take(step)
            self.post_message(StepFinished(step, consequence))
        except Problem as problem:
            self.post_message(Failed(problem, step))
        finally:
            self._busy = False

    @work(exclusive=True, group="enter")
    async def _enter(self, step: Step) -> None:
        done = self.board.records[step].state == "done"
        try:
            await self._pane(step).enter(self._app.gateway, done=done)
        except Problem as problem:
            self.post_message(Failed(problem))

    def _tell(self, report: Report) -> None:
        self.post_message(Reported(report))

    # What workers told.

    def on_run_opened(self, message: RunOpened) -> None:
        """Shows how far the run has come."""
        run = message.run
        self.board.title, self.board.machine = run.title, run.machine
        for name, consequence in run.consequences.items():
            if name in _PANE_OF:
                self.board.finish(_PANE_OF[name], consequence)
        for name in run.stale:
            if name in _PANE_OF:
                self.board.edited(_PANE_OF[name])
        waiting = [step for step in Step if self.board.records[step].state != "done"]
        self._show(waiting[0] if waiting else Step.COMPARE)

    def on_reported(self, message: Reported) -> None:
        """Shows progress in the status line, the rest in its pane."""
        report = message.report
        if isinstance(report, Advance):
            self.query_one(StatusLine).show_advance(report, ascii_only=self._app.ascii_only)
        elif isinstance(report, Notice) and report.link:
            banner = self.query_one("#banner", Static)
            banner.update(report.text)
            banner.display = bool(report.text)
        elif isinstance(report, Notice):
            self._say(report.text, {"error": "red", "warning": "yellow"}.get(report.severity, ""))
        for pane in self.query(Pane):
            pane.report(report)

    def on_step_finished(self, message: StepFinished) -> None:
        """Marks the step and goes on where there is nothing more to see in it."""
        self.board.finish(message.step, message.consequence)
        self.query_one("#banner").display = False
        if self._pane(message.step).onward and message.step == self.board.current:
            self._show(Step(message.step + 1))
        else:
            self._show(message.step)
        self._say(f"✔ {message.step.title}: {message.consequence}", "green")

    def on_failed(self, message: Failed) -> None:
        """Marks the step and says what to do."""
        if message.step is not None and self.board.records[message.step].state == "running":
            self.board.fail(message.step, message.problem.message)
        self._redraw()
        self._say(f"✖ {message.problem.message}", "red")
        self.app.push_screen(ProblemDialog(message.problem))

    def on_told(self, message: Told) -> None:
        """Shows the sentence."""
        self._say(message.text, "green")

    def on_edited(self, message: Edited) -> None:
        """What rests on the changed decision is stale."""
        self.board.edited(message.step)
        self._redraw()

    # The frame.

    def _show(self, step: Step) -> None:
        self.board.current = step
        pane = self._pane(step)
        self.query_one("#panes", ContentSwitcher).current = pane.id
        self._redraw()
        record = self.board.records[step]
        if record.consequence:
            self._say(f"{step.title}: {record.consequence}")
        if pane.automatic and record.state in ("todo", "stale") and not self._busy:
            self._take(step)
        else:
            self._enter(step)
        pane.focus_first()

    def _redraw(self) -> None:
        bar = self.query_one(StepBar)
        bar.ascii_only = self._app.ascii_only
        bar.board = self.board
        machine = f" · {self.board.machine}" if self.board.machine else ""
        self.query_one("#run-title", Static).update(f"{self.board.title}{machine}")
        step, state = self.board.current, self.board.records[self.board.current].state
        label = {"done": "Done" if step == Step.COMPARE else "Next", "running": "Running"}.get(state, "Continue")
        self.query_one("#continue", Button).label = label

    def _say(self, text: str, style: str = "") -> None:
        self.query_one(StatusLine).show_text(text, style)


def _home_expanded(text: str) -> Path:
    return Path(text).expanduser()
