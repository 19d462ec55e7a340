"""One run: what a person may ask for in its frame, the workers that do it, and what their messages change.

Workers do all the waiting and only post messages; handlers alone touch the board and the widgets.
"""

from __future__ import annotations

import asyncio
import contextlib

from textual import work
from textual.timer import Timer
from textual.widgets import Button, Input

from clients.tui.actions import bindings
from clients.tui.messages import Edited, Failed, Refused, Reported, RunOpened, StepFinished, Told
from clients.tui.modals.dialogs import ProblemDialog
from clients.tui.panes.base import Pane
from clients.tui.panes.compare import ComparePane
from clients.tui.panes.upload import UploadPane
from clients.tui.screens.frame import READING_S, RunFrame
from clients.tui.screens.questions import how_to_stop, save_results, switch_default
from clients.tui.session import PANE_OF, Step
from clients.tui.views import Advance, Notice, OpenedRun, Problem, Report
from clients.tui.widgets import StatusLine, StepBar

# A change rests this long before it is kept on the server, so that ten changes in a row are one entry there.
_KEEP_AFTER_S = 0.5
_TRAINING = (Step.MERGE, Step.REFINE, Step.COMPARE)


class RunScreen(RunFrame):
    """Drives a run pane by pane; `name` is a run that exists, "" a new one."""

    BINDINGS = bindings("run")
    HELP = "A run leads a file through seven steps. ctrl+g does the shown step and goes to the next."

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._run_name = name
        self._busy = False
        self._settling = asyncio.Lock()
        self._problem: Problem | None = None
        self._keeping: Timer | None = None

    def on_mount(self) -> None:
        """Opens the run that was named."""
        if self._run_name:
            self._reopen()
        else:
            self.shown.focus_first()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Returns whether an action is valid now; the footer shows only those that are."""
        if action == "cancel_job":
            return self._busy
        if action == "detach":
            return self._busy and self.board.current in _TRAINING
        if action == "continue":
            return not self._busy
        if action == "details":
            return self._problem is not None
        if action in ("save", "activate"):
            return self.board.current == Step.COMPARE and self.board.records[Step.COMPARE].state == "done"
        return super().check_action(action, parameters)

    # What a person asks for.

    def action_continue(self) -> None:
        """Does this step, or goes to the next one when it is done."""
        step = self.board.current
        if self._busy:
            self._say_busy()
        elif self.board.records[step].state != "done":
            self._take(step)
        elif step < Step.COMPARE:
            self._show(Step(step + 1))
        else:
            self._leave()

    async def action_back(self) -> None:
        """Goes to the step before, or home."""
        if self.board.current == Step.UPLOAD:
            with contextlib.suppress(Problem):  # a lost link keeps nobody here
                await self.settle()
            self._leave()
        elif self._busy:
            self._say_busy()
        else:
            self._show(Step(self.board.current - 1))

    def _leave(self) -> None:
        """Goes home. Who still reads for this screen stops first, since the widgets that would show it go away."""
        for worker in self.app.workers:
            if self in worker.node.ancestors_with_self:
                worker.cancel()
        self.app.pop_screen()

    def action_goto(self, number: int) -> None:
        """Shows a step."""
        step = Step(number)
        if blocked := self.board.why_blocked(step):
            self.say(blocked, "$text-warning", hold_s=READING_S)
        elif self._busy and step != self.board.current:
            self._say_busy()
        elif not self._busy:
            self._show(step)

    def action_detach(self) -> None:
        """Leaves the step running on the server."""
        self._leave()

    def action_details(self) -> None:
        """Shows the last problem in full."""
        if self._problem is not None:
            self.app.push_screen(ProblemDialog(self._problem))

    @work
    async def action_cancel_job(self) -> None:
        """Stops the running step, if that is meant."""
        answer = await how_to_stop(self.client, self.board.current)
        if not answer or not self._busy:
            return
        try:
            await (await self.client.services()).cancel(keep=answer == "keep")
            self.post_message(Told("stopping …"))
        except Problem as problem:
            self.post_message(Failed(problem))

    @work
    async def action_save(self) -> None:
        """Saves data sets and report in a folder."""
        try:
            self.post_message(Told(await save_results(self.client, await self.client.services(), self.board.machine)))
        except Problem as problem:
            self.post_message(Failed(problem))

    @work
    async def action_activate(self) -> None:
        """Makes the refined model the default, after showing the gates."""
        pane = self.query_one(ComparePane)
        try:
            gateway = await self.client.services()
            try:
                self.post_message(Told(await switch_default(self.client, gateway, self.board.machine, pane.comparison)))
            finally:  # also when somebody else switched it meanwhile: what is shown is how it stands
                await pane.enter(gateway, done=True)
        except Problem as problem:
            self.post_message(Failed(problem))

    def on_step_bar_chosen(self, event: StepBar.Chosen) -> None:
        """Shows the clicked step."""
        self.action_goto(int(event.step))

    def on_status_line_asked(self) -> None:
        """A click on the line of a problem shows it in full."""
        self.action_details()

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        """Does what the keys do."""
        if event.button.id == "continue":
            self.action_continue()
        elif event.button.id == "back":
            await self.action_back()

    # Workers.

    @work(exclusive=True, group="step")
    async def _reopen(self) -> None:
        try:
            with self.waiting("Opening the run …"):
                gateway = await self.client.services()
                self.post_message(RunOpened(await gateway.reopen_run(self._run_name, self._tell)))
        except Problem as problem:
            self.post_message(Failed(problem))

    @work(exclusive=True, group="enter")
    async def _enter(self, step: Step) -> None:
        done = self.board.records[step].state == "done"
        try:
            await self.settle()
            if self.board.machine:
                with self.waiting(f"Reading {step.title} …"):
                    await self.pane(step).enter(await self.client.services(), done=done)
        except Problem as problem:
            self.post_message(Failed(problem))

    @work(exclusive=True, group="keep")
    async def _keep(self) -> None:
        try:
            await self.settle()
        except Problem as problem:
            self.post_message(Failed(problem))

    async def settle(self) -> None:
        """Keeps on the server what was changed last. Raises views.Problem."""
        async with self._settling:  # who leaves waits for what is being kept already
            for pane in self.query(Pane):
                if pane.unkept and not self._busy:
                    pane.unkept = False
                    try:
                        await pane.keep(await self.client.services())
                    except (Problem, asyncio.CancelledError):
                        pane.unkept = True
                        raise

    @work(exclusive=True, group="step")
    async def _take(self, step: Step, *, attach: bool = False) -> None:
        """Does a pane's step; with `attach` one that runs on the server already, whose choices are made."""
        pane = self.pane(step)
        opened: OpenedRun | None = None
        self._set_busy(True)
        try:
            with self.waiting(f"Starting {step.title} …"):
                gateway = await self.client.services()
                try:
                    await (pane.enter(gateway, done=False) if attach else pane.commit(gateway))
                except Problem as problem:
                    self.post_message(Refused(problem, step))
                    return
            pane.unkept = False  # the step has it
            self._leave_fields(pane)
            self.board.begin(step)
            self.redraw()
            if isinstance(pane, UploadPane):
                opened = await gateway.open_run(pane.files, pane.profile, self._tell, header_row=pane.header_row)
            self.post_message(StepFinished(step, await gateway.take(step), opened))
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

    def _say_busy(self) -> None:
        away = ", D leaves it running on the server" if self.board.current in _TRAINING else ""
        self.say(f"This step is still running; k stops it{away}.", hold_s=READING_S)

    def _tell(self, report: Report) -> None:
        self.post_message(Reported(report))

    # What workers told.

    def on_run_opened(self, message: RunOpened) -> None:
        """Shows how far the run has come; opening it starts no work, continuing does."""
        self._adopt(message.run)
        if (running := message.run.running) is not None:
            self.turn_to(running)
            self.pane(running).focus_first()
            self._take(running, attach=True)
            return
        waiting = next((step for step in Step if self.board.records[step].state != "done"), Step.COMPARE)
        untouched = self.board.records[waiting].state == "todo"
        self._show(Step(waiting - 1) if self.pane(waiting).automatic and untouched else waiting, take=False)

    def _adopt(self, run: OpenedRun) -> None:
        done = {PANE_OF[name]: words for name, words in run.consequences.items() if name in PANE_OF}
        if Step.COMPARE in done:  # the verdict heads its pane; the counts are what is left to say
            done[Step.COMPARE] = run.consequences.get("augment", "")
        self.board.adopt(run.title, run.machine, done, [PANE_OF[name] for name in run.stale if name in PANE_OF])

    def on_reported(self, message: Reported) -> None:
        """Shows progress in the status line, the rest in its pane."""
        report = message.report
        if isinstance(report, Advance):
            self.query_one(StatusLine).show_advance(report, ascii_only=self.client.ascii_only)
        elif isinstance(report, Notice):
            self.show_notice(report)
        for pane in self.query(Pane):
            pane.report(report)

    def on_step_finished(self, message: StepFinished) -> None:
        """Marks the step and goes on where there is nothing more to see in it."""
        step = message.step
        if message.opened is not None:
            self._adopt(message.opened)
        self.board.finish(step, message.consequence)
        self.show_link("")
        self._show(Step(step + 1) if self.pane(step).onward and step == self.board.current else step)
        self.say(f"✔ {step.title}: {message.consequence}", "$text-success", hold_s=READING_S)

    def on_refused(self, message: Refused) -> None:
        """Says what the step lacks beside its cause; nothing was sent."""
        self._problem = message.problem
        if not self.pane(message.step).show_problem(message.problem):
            self._say_problem(message.problem)
        self.refresh_bindings()

    def on_failed(self, message: Failed) -> None:
        """Marks the step and says what to do; what a person stopped is no failure."""
        problem, step = message.problem, message.step
        self._problem = problem
        self.show_link("")
        if step is None:
            self._say_problem(problem)
            return
        self.pane(step).stopped()
        if problem.reason == "JOB_CANCELLED":
            self.board.stop(step)
            self.redraw()
            self.say(f"{step.title} was stopped and nothing kept; ctrl+g starts it again.", "$text-warning")
            return
        if self.board.records[step].state == "running":
            self.board.fail(step, problem.message)
        self.redraw()
        self._say_problem(problem)
        self.app.push_screen(ProblemDialog(problem))

    def _say_problem(self, problem: Problem) -> None:
        words = f"✖ {problem.message} {problem.remedy}".rstrip()
        self.say(words, "$text-error", hold_s=READING_S)
        self.refresh_bindings()

    def on_told(self, message: Told) -> None:
        """Shows the sentence."""
        if message.text:
            self.say(message.text, "$text-success", hold_s=READING_S)

    def on_edited(self, message: Edited) -> None:
        """What rests on the changed decision is stale; the change itself is kept on the server."""
        if not self._busy:
            self.board.edited(message.step)
            if message.step == self.board.current and self.board.records[message.step].state == "stale":
                self.say_consequence()
            if self._keeping is not None:
                self._keeping.stop()
            self._keeping = self.set_timer(_KEEP_AFTER_S, self._keep)
        else:
            self.pane(message.step).unkept = False
        self.redraw()

    def _show(self, step: Step, *, take: bool = True) -> None:
        self.turn_to(step)
        pane = self.pane(step)
        if take and pane.automatic and self.board.records[step].state in ("todo", "stale") and not self._busy:
            self._take(step)
        else:
            self._enter(step)
        pane.focus_first()
