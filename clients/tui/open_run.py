"""The terminal client's link to the services and the run that is open on it: connecting, following jobs, and what
happens when the link breaks or an embedded service is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Iterator, Sequence

from clients.sdk import ClientConfig, Plan, SensorForge, SensorForgeClientError
from clients.sdk.calls.jobs import ENDED
from clients.sdk.config import from_environment
from clients.sdk.embedded import Embedded, find_or_start, start_again
from clients.sdk.known import known_endpoint
from clients.sdk.local import default_store, remember
from clients.sdk.plan import ReadChoices
from clients.sdk.workflow.events import (
    EpochEvent,
    Event,
    Finding,
    JobStarted,
    LinkLost,
    LinkRestored,
    ServerQuiet,
    StepProgress,
)
from clients.sdk.workflow.session import RunSession
from clients.sdk.workflow.steps import STEPS, StepName
from clients.sdk.workflow.work import Detached
from clients.tui import answers, asking, views
from clients.tui.gateway import Listener
from clients.tui.paths import Pace
from clients.tui.session import Step
from sensorforge.common.v1 import job_pb2

# The steps whose jobs go on when nobody looks.
_TRAINING: tuple[StepName, ...] = ("train", "refine")
# What to do where a proxy before the services refused a call, which says nothing of it.
_REMEDIES = {
    "UNAUTHENTICATED": "Set SENSORFORGE_TOKEN to a valid token and start the screen again.",
    "PERMISSION_DENIED": "Ask whoever runs the services for access to this machine.",
    "RESOURCE_EXHAUSTED": "Wait a moment, then do it again.",
}
# Seconds that leaving waits for the service to say whether the job goes on.
_FAREWELL_S = 2.0


class OpenRun:
    """A connection to real services: those of `config`, else an embedded one of `store`, which is started anew when it
    is gone; without either whatever is known to run, else an embedded one. At most one run is open on it."""

    def __init__(self, config: ClientConfig | None, store: str) -> None:
        self._config = config
        self._store = store
        self._losses: dict[str, tuple[float, ...]] = {}
        self._forge: SensorForge | None = None
        self._embedded: Embedded | None = None
        self._session: RunSession | None = None
        self._report: Listener = lambda _: None
        self._job = ""
        self._pace = Pace()
        self._left_running = ""
        self._revival: asyncio.Task[None] | None = None

    @property
    def left_running(self) -> str:
        """Returns the run whose training went on when the connection was given up, "" when none did."""
        return self._left_running

    async def connect(self) -> str:
        """Connects, starting an embedded service where none is named; returns the endpoint in words."""
        with self._problems():
            if self._config is None and not self._store and (running := await known_endpoint()):
                self._config = from_environment(running)
            if self._config is None:
                self._store = self._store or default_store()
                self._embedded = await find_or_start(self._store)
                self._config = from_environment(self._embedded.endpoint)
            forge = SensorForge(self._config)
            await forge.__aenter__()
            await forge.list_machines(page_size=1)
            self._forge = forge
            return f"embedded, {self._store}" if self._embedded else self._config.endpoints.ingest

    async def close(self) -> None:
        """Gives the connection up; running jobs go on."""
        if self._revival is not None:
            self._revival.cancel()
        if self._job and self._session is not None:
            with contextlib.suppress(SensorForgeClientError, TimeoutError):
                async with asyncio.timeout(_FAREWELL_S):
                    if (await self._open.get_job(self._job)).state not in ENDED:
                        self._left_running = self._session.name
        if self._embedded is not None and self._left_running:
            self._embedded.leave_running([self._job])
        if self._forge is not None:
            await self._forge.__aexit__(None, None, None)
            self._forge = None
        if self._embedded is not None:
            await self._embedded.release()
            self._embedded = None

    async def open_run(
        self, files: Sequence[str], profile: str, report: Listener, *, header_row: int | None = None
    ) -> views.OpenedRun:
        """Opens the run of files and profile, new or old; an old one goes on with what was decided in it."""
        self._report = report
        with self._problems():
            plan = Plan(files=tuple(files), profile=profile, read=ReadChoices(header_row=header_row))
            self._session = await RunSession.open(self._open, plan, self._tell, go_on=True)
        return await self._opened()

    async def reopen_run(self, name: str, report: Listener) -> views.OpenedRun:
        """Opens a run that exists."""
        self._report = report
        with self._problems():
            self._session = await RunSession.reopen(self._open, name, self._tell)
        return await self._opened()

    async def take(self, step: Step) -> str:
        """Does a pane's steps and returns the one-line consequence."""
        words = []
        with self._problems():
            try:
                before = asking.merged_anew(self._run) if step == Step.REFINE else ()
                for name in (*before, *answers.STEPS_OF_PANE[step]):
                    report = await self._run.step(name)
                    if not report.skipped and name != "compare":  # its verdict heads the pane
                        words.append(report.consequence)
            except Detached:
                words.append("running on the server")
        self._job = ""
        return "; ".join(words)

    async def cancel(self, *, keep: bool) -> None:
        """Asks the running job to stop."""
        if self._job:
            with self._problems():
                await self._open.cancel_job(self._job, keep=keep)

    async def choices(self) -> views.Choices:
        """Returns what the open run was told so far."""
        return answers.choices(self._run.work.plan)

    @property
    def _open(self) -> SensorForge:
        if self._forge is None:
            raise views.Problem("There is no connection to a service.", "Restart the client.", "NOT_CONNECTED")
        return self._forge

    @property
    def _run(self) -> RunSession:
        if self._session is None:
            raise views.Problem("No run is open.", "Open one from the list of runs.", "NO_RUN")
        return self._session

    def _output(self, role: str) -> str:
        found = self._run.work.outputs.get(role)
        if found is None:
            raise views.Problem("The step before has no result yet.", "Finish it first.", "STEP_MISSING")
        return found

    async def _opened(self) -> views.OpenedRun:
        run = self._run
        remember(last_run=run.name)
        journal = run.work.journal
        consequences: dict[str, str] = {
            step: str(entry.draft.get("consequence", ""))
            for step in STEPS
            if (entry := journal.latest(step)) is not None and entry.outputs
        }
        return views.OpenedRun(
            run.name, journal.run.title, run.work.machine_id, consequences, run.stale, await self._running()
        )

    async def _running(self) -> Step | None:
        run = self._run
        for name in _TRAINING:
            entry = run.work.journal.latest(name)
            if entry is None or entry.outputs or not entry.job or name in run.stale:
                continue
            with self._problems():
                state = (await self._open.get_job(entry.job)).state
            if state not in (job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED):
                return next(step for step, names in answers.STEPS_OF_PANE.items() if name in names)
        return None

    async def _change(self, **changes: object) -> None:
        work = self._run.work
        plan = dataclasses.replace(work.plan, **changes)  # type: ignore[arg-type]  # the callers name Plan's fields
        if plan == work.plan:
            return
        work.plan = plan
        entry = work.journal.latest("plan")
        draft = dict(entry.draft) if entry else {}
        with self._problems():
            await work.journal.record("plan", draft={**draft, "plan": plan.to_json()})

    def _tell(self, event: Event) -> None:
        match event:
            case StepProgress():
                self._report(self._advance(event))
            case EpochEvent():
                self._report(answers.epoch_point(event))
            case Finding():
                self._report(views.Notice(event.severity, event.message))
            case LinkLost():
                self._revive()
                text = f"link lost, work continues on the server, retry in {event.retry_in_s:.0f} s"
                self._report(views.Notice("warning", text, link=True))
            case LinkRestored():
                self._report(views.Notice("info", "", link=True))
            case ServerQuiet():
                text = f"the server is busy: nothing heard for {event.seconds:.0f} s; the link stands, work continues"
                self._report(views.Notice("warning", text, link=True))
            case JobStarted():
                self._job = "" if event.reused else event.job
            case _:
                pass

    def _advance(self, event: StepProgress) -> views.Advance:
        if not event.phase.startswith("uploading"):
            return views.Advance(event.phase, event.done, event.total, event.eta_seconds, event.message)
        words, left = self._pace.at(time.monotonic(), event.done, event.total)
        return views.Advance(event.phase, event.done, event.total, left, words)

    @contextlib.contextmanager
    def _problems(self) -> Iterator[None]:
        try:
            yield
        except SensorForgeClientError as error:
            if error.kind == "UNAVAILABLE":
                self._revive()
            remedy = error.remedy or _REMEDIES.get(error.status, "")
            if error.status == "UNAUTHENTICATED":  # a token is read when the screen starts
                remedy = _REMEDIES[error.status]
            message = error.message[:1].upper() + error.message[1:]
            raise views.Problem(message, remedy, error.reason) from error

    def _revive(self) -> None:
        """Starts the embedded service again where it is gone; it answers at the same address, so that whoever waits
        for it finds it."""
        if self._embedded is not None and (self._revival is None or self._revival.done()):
            self._revival = asyncio.create_task(self._start_again(self._embedded))

    async def _start_again(self, gone: Embedded) -> None:
        self._embedded = await start_again(gone)
