"""One run: step bar, one of seven panes, what is going on, and the keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Button, ContentSwitcher, Footer, Input, Static

from clients.tui.actions import bindings
from clients.tui.charts import Chart
from clients.tui.messages import Edited, Failed, Reported, RunOpened, StepFinished, Told
from clients.tui.modals.dialogs import LinePrompt, ProblemDialog, Question
from clients.tui.panes.base import Pane
from clients.tui.panes.clean import CleanPane
from clients.tui.panes.compare import ComparePane, question
from clients.tui.panes.map import MapPane
from clients.tui.panes.merge import MergePane
from clients.tui.panes.refine import RefinePane
from clients.tui.panes.upload import UploadPane
from clients.tui.panes.validate import ValidatePane
from clients.tui.session import PANE_OF, Step, StepBoard
from clients.tui.views import Advance, Notice, OpenedRun, Problem, Report
from clients.tui.widgets import StatusLine, StepBar

if TYPE_CHECKING:
    from clients.tui.app import SensorForgeApp

# How long an answer to a key stays before progress takes the line back.
_READING_S = 3.0


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
        yield Static(id="banner", markup=False)
        with ContentSwitcher(initial="pane-1", id="panes"):
            yield UploadPane(id="pane-1")
            yield ValidatePane()
            yield MapPane()
            yield CleanPane()
            yield MergePane()
            yield RefinePane()
            yield ComparePane()
        yield StatusLine(id="status")
        with Horizontal(id="bottom"):
            yield Static("new run", id="run-title", markup=False)
            yield Button("Back", id="back", compact=True)
            yield Button("Continue", id="continue", variant="primary", compact=True)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Opens the run that was named."""
        self.query_one(StepBar).board = self.board
        self.query_one("#banner").display = False
        for chart in self.query(Chart):
            chart.ascii_only = self._app.ascii_only
        if self._run_name:
            self._say("Opening the run …")
            self._reopen()
        else:
            self._pane(Step.UPLOAD).focus_first()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Returns whether an action is valid now; the footer shows only those that are."""
        if action == "cancel_job":
            return self._busy
        if action == "detach":
            return self._busy and self.board.current in (Step.MERGE, Step.REFINE, Step.COMPARE)
        if action == "continue":
            return not self._busy
        if action in ("save", "activate"):
            return self.board.current == Step.COMPARE and self.board.records[Step.COMPARE].state == "done"
        return super().check_action(action, parameters)

    @property
    def _app(self) -> SensorForgeApp:
        return cast("SensorForgeApp", self.app)

    def _pane(self, step: Step) -> Pane:
        return self.query_one(f"#pane-{int(step)}", Pane)

    # What a person asks for.

    def action_continue(self) -> None:
        """Does this step, or goes to the next one when it is done."""
        if self._busy:
            self._say("This step is still running; k stops it.", hold_s=_READING_S)
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
        elif self._busy:
            self._say("A step is still running; k stops it, D leaves it running on the server.", hold_s=_READING_S)
        else:
            self._show(Step(self.board.current - 1))

    def action_goto(self, number: int) -> None:
        """Shows a step."""
        step = Step(number)
        blocked = self.board.why_blocked(step)
        if blocked:
            self._say(blocked, "yellow", hold_s=_READING_S)
        elif self._busy:
            self._say("A step is still running; k stops it, D leaves it running on the server.", hold_s=_READING_S)
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
        trains = self.board.current in (Step.MERGE, Step.REFINE)
        kept = [("keep", "Stop, keep the best")] if trains else []
        answers = (*kept, ("discard", "Stop, discard"), ("no", "Go on"))
        text = f"Stop {self.board.current.title}?" + (" The best model so far can be kept." if trains else "")
        answer = await self.app.push_screen_wait(Question(text, answers))
        if answer in ("keep", "discard"):
            try:
                await self._app.gateway.cancel(keep=answer == "keep")
            except Problem as problem:
                self.post_message(Failed(problem))
                return
            self.post_message(Told("stopping …"))

    def action_detach(self) -> None:
        """Leaves the step running on the server."""
        self.app.pop_screen()

    @work
    async def action_save(self) -> None:
        """Saves data sets and report in a folder."""
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
        if pane.comparison.default == pane.comparison.model:
            self._say(f"{pane.comparison.model} is the default of {self.board.machine} already.")
            return
        text = question(self.board.machine, pane.comparison)
        if await self.app.push_screen_wait(Question(text, (("yes", "Make default"), ("no", "Leave it")))) != "yes":
            return
        try:
            self.post_message(Told(await self._app.gateway.activate()))
            await pane.enter(self._app.gateway, done=True)
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
    async def _take(self, step: Step, *, attach: bool = False) -> None:
        """Does a pane's step; with `attach` one that runs on the server already, whose choices are made."""
        gateway, pane = self._app.gateway, self._pane(step)
        opened: OpenedRun | None = None
        self._set_busy(True)
        try:
            if attach:
                await pane.enter(gateway, done=False)
            else:
                await pane.commit(gateway)
            self._leave_fields(pane)
            self.board.begin(step)
            self._redraw()
            if isinstance(pane, UploadPane):
                opened = await gateway.open_run(pane.files, pane.profile, self._tell)
            consequence = await gateway.take(step)
            self.post_message(StepFinished(step, consequence, opened))
        except Problem as problem:
            self.post_message(Failed(problem, step))
        finally:
            self._set_busy(False)

    def _leave_fields(self, pane: Pane) -> None:
        """Takes the focus out of text fields, so that single keys act while the step runs."""
        if isinstance(self.focused, Input):
            pane.focus_first()
        if isinstance(self.focused, Input):
            self.set_focus(None)

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self.refresh_bindings()

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
        self._adopt(message.run)
        waiting = [step for step in Step if self.board.records[step].state != "done"] or [Step.COMPARE]
        if message.run.running is not None:
            self._show(message.run.running, take=False)
            self._take(message.run.running, attach=True)
        elif self._pane(waiting[0]).automatic and self.board.records[waiting[0]].state != "done":
            self._show(Step(waiting[0] - 1))  # opening a run starts no work; continuing does
        else:
            self._show(waiting[0])

    def _adopt(self, run: OpenedRun) -> None:
        done = {PANE_OF[name]: words for name, words in run.consequences.items() if name in PANE_OF}
        if Step.COMPARE in done:  # the verdict heads its pane; the counts are what is left to say
            done[Step.COMPARE] = run.consequences.get("augment", "")
        self.board.adopt(run.title, run.machine, done, [PANE_OF[name] for name in run.stale if name in PANE_OF])

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
        if message.opened is not None:
            self._adopt(message.opened)
        self.board.finish(message.step, message.consequence)
        self.query_one("#banner").display = False
        if self._pane(message.step).onward and message.step == self.board.current:
            self._show(Step(message.step + 1))
        else:
            self._show(message.step)
        self._say(f"✔ {message.step.title}: {message.consequence}", "green")

    def on_failed(self, message: Failed) -> None:
        """Marks the step and says what to do; what a person stopped is no failure."""
        self.query_one("#banner").display = False
        if message.step is not None and message.problem.reason == "JOB_CANCELLED":
            self.board.stop(message.step)
            self._redraw()
            self._say(f"{message.step.title} was stopped and nothing kept; ctrl+g starts it again.", "yellow")
            return
        if message.step is not None and self.board.records[message.step].state == "running":
            self.board.fail(message.step, message.problem.message)
        self._redraw()
        self._say(f"✖ {message.problem.message}", "red")
        self.app.push_screen(ProblemDialog(message.problem))

    def on_told(self, message: Told) -> None:
        """Shows the sentence."""
        self._say(message.text, "green", hold_s=_READING_S)

    def on_edited(self, message: Edited) -> None:
        """What rests on the changed decision is stale."""
        if not self._busy:
            self.board.edited(message.step)
        self._redraw()

    # The frame.

    def _show(self, step: Step, *, take: bool = True) -> None:
        self.board.current = step
        pane = self._pane(step)
        self.query_one("#panes", ContentSwitcher).current = pane.id
        self._redraw()
        record = self.board.records[step]
        if record.consequence:
            self._say(f"{step.title}: {record.consequence}")
        if not take:
            pass
        elif pane.automatic and record.state in ("todo", "stale") and not self._busy:
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
        self.refresh_bindings()
        label = {"done": "Done" if step == Step.COMPARE else "Next", "running": "Running"}.get(state, "Continue")
        self.query_one("#continue", Button).label = label

    def _say(self, text: str, style: str = "", *, hold_s: float = 0.0) -> None:
        self.query_one(StatusLine).show_text(text, style, hold_s=hold_s)


def _home_expanded(text: str) -> Path:
    return Path(text).expanduser()
