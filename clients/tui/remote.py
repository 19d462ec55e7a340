"""The terminal client's one door to the services: the only module here that knows the SDK.

`GrpcGateway` works on the SDK's run (`clients.sdk.workflow`), the same state machine that the command line drives.
Every failure leaves as `views.Problem`.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, cast

from clients.sdk import ClientConfig, Plan, SensorForge, SensorForgeClientError
from clients.sdk.calls.jobs import ENDED
from clients.sdk.embedded import Embedded, find_or_start
from clients.sdk.local import default_store, remember
from clients.sdk.plan import CleaningChoice, CleaningKind, ColumnChoice, ColumnRole, Strategy
from clients.sdk.results import write_results
from clients.sdk.workflow.events import EpochEvent, Event, Finding, JobStarted, LinkLost, LinkRestored, StepProgress
from clients.sdk.workflow.session import RunSession
from clients.sdk.workflow.steps import STEPS, StepName
from clients.sdk.workflow.work import Detached
from clients.tui import answers, views
from clients.tui.gateway import Listener
from clients.tui.session import Step
from sensorforge.common.v1 import job_pb2
from sensorforge.ingest.v1 import ingest_service_pb2

# The steps whose jobs go on when nobody looks.
_TRAINING: tuple[StepName, ...] = ("train", "refine")
# Seconds that leaving waits for the service to say whether the job goes on.
_FAREWELL_S = 2.0


class GrpcGateway:
    """A `Gateway` on real services: those at `endpoint`, or an embedded one of `store`, which is started anew when it
    is gone."""

    def __init__(self, config: ClientConfig | None, store: str) -> None:
        self._config = config
        self._store = store or default_store()
        self._forge: SensorForge | None = None
        self._embedded: Embedded | None = None
        self._session: RunSession | None = None
        self._report: Listener = lambda _: None
        self._job = ""
        self._left_running = ""
        self._revival: asyncio.Task[None] | None = None

    @property
    def left_running(self) -> str:
        """Returns the run whose training went on when the connection was given up, "" when none did."""
        return self._left_running

    async def connect(self) -> str:
        """Connects, starting an embedded service where none is named; returns the endpoint in words."""
        with self._problems():
            if self._config is None:
                self._embedded = await find_or_start(self._store)
                self._config = ClientConfig.at(self._embedded.endpoint)
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

    async def home(self) -> views.Home:
        """Returns runs and machines."""
        with self._problems():
            runs = (await self._open.list_runs()).runs
            machines = (await self._open.list_machines()).machines
        return answers.home(self._config.endpoints.ingest if self._config else "", runs, machines)

    async def delete_run(self, name: str) -> None:
        """Hides a run."""
        with self._problems():
            await self._open.delete_run(name)

    async def open_run(self, files: Sequence[str], profile: str, report: Listener) -> views.OpenedRun:
        """Opens the run of files and profile, new or old."""
        self._report = report
        with self._problems():
            plan = Plan(files=tuple(files), profile=profile)
            self._session = await RunSession.open(self._open, plan, self._tell)
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
                for name in answers.STEPS_OF_PANE[step]:
                    report = await self._run.step(name)
                    if not report.skipped and name != "compare":  # its verdict heads the pane
                        words.append(report.consequence)
            except Detached:
                words.append("running on the server")
        self._job = ""
        return "; ".join(words)

    async def detection(self) -> Sequence[views.Fact]:
        """Returns how the uploaded file was read."""
        with self._problems():
            answer = await self._open.detect_format(self._output("source-0"))
        return [
            views.Fact(fact.key, fact.value, fact.evidence, tuple(fact.alternatives), fact.ambiguous)
            for fact in answer.facts
        ]

    async def preview(self, offset: int = 0) -> views.Preview:
        """Returns up to 100 parsed rows from `offset`."""
        with self._problems():
            answer = await self._open.preview(self._output("parsed"), offset=offset)
        return views.Preview(tuple(answer.columns), tuple(tuple(row.cells) for row in answer.rows), answer.total_rows)

    async def findings(self, *, of_profile: bool = False) -> Sequence[views.FindingRow]:
        """Returns what validation found in the file, or in the mapped rows against the profile."""
        with self._problems():
            report = self._output("profile_report" if of_profile else "file_report")
            document = await self._open.read_json(report, "validation.json")
        return answers.findings(document)

    async def column_map(self) -> views.ColumnMap:
        """Returns the proposed mapping, with what was decided before."""
        run = self._run
        with self._problems():
            parsed = self._output("parsed")
            answer = await self._open.suggest_mappings(
                run.work.machine_id, table=parsed, profile=run.work.machine.profile
            )
            samples = {c.name: tuple(c.samples[:2]) for c in (await self._open.columns(parsed)).columns}
        decided = {choice.column: choice for choice in run.work.plan.mapping}
        sensors = [s for s in run.work.machine.sensors if s.role != "nameplate"]
        return views.ColumnMap(
            tuple(answers.column_row(s, samples.get(s.column, ()), decided.get(s.column)) for s in answer.suggestions),
            tuple(s.name for s in sensors),
            tuple(s.name for s in sensors if s.required),
            answer.profile_fit,
            tuple(answer.warnings),
            answer.template,
        )

    async def choices(self) -> views.Choices:
        """Returns what the open run was told so far."""
        return answers.choices(self._run.work.plan)

    async def choose_columns(self, columns: Sequence[views.ColumnRow]) -> None:
        """Fixes what every column is."""
        await self._change(
            mapping=tuple(
                ColumnChoice(row.column, cast(ColumnRole, row.role), row.sensor, row.unit if row.sensor else "")
                for row in columns
            )
        )

    async def cleaning(self, steps: Sequence[views.CleaningRow] = ()) -> views.Cleaning:
        """Returns a recipe (the suggested one when empty) with what it would change."""
        recipe = [
            ingest_service_pb2.CleaningStep(
                kind=s.kind, columns=s.columns, max_gap=s.max_gap, sigma=s.sigma, enabled=s.enabled
            )
            for s in steps
        ]
        spec = ingest_service_pb2.CleaningSpec(
            table=self._output("mapped"), profile=self._run.work.machine.profile, recipe=recipe
        )
        with self._problems():
            answer = await self._open.dry_run_cleaning(self._run.work.machine_id, spec)
        return answers.cleaning(answer)

    async def choose_cleaning(self, steps: Sequence[views.CleaningRow]) -> None:
        """Fixes the recipe."""
        await self._change(
            cleaning=tuple(
                CleaningChoice(cast(CleaningKind, s.kind), s.columns, s.max_gap, s.sigma, s.enabled) for s in steps
            )
        )

    async def choose_strategy(self, strategy: str) -> None:
        """Fixes which rows train the model: merge, replace or real-only."""
        await self._change(strategy=cast(Strategy, strategy))

    async def choose_training(self, training: views.Choices) -> None:
        """Fixes how the model is trained; the other choices stay."""
        choices = dataclasses.replace(
            self._run.work.plan.training,
            engine=cast(Literal["", "flow", "tvae"], training.engine),
            learning_rate=training.learning_rate,
            patience=training.patience,
            freeze_encoder=training.freeze_encoder,
        )
        await self._change(training=choices, epochs=training.epochs)

    async def cancel(self, *, keep: bool) -> None:
        """Asks the running job to stop."""
        if self._job:
            with self._problems():
                await self._open.cancel_job(self._job, keep=keep)

    async def curves(self) -> Sequence[views.EpochPoint]:
        """Returns the finished trainings, epoch by epoch: the original's and, once there is one, the refinement's."""
        outputs = self._run.work.outputs
        model = outputs.get("refined_model") or outputs.get("base_model")
        if not model:
            return []
        with self._problems():
            return answers.curves(await self._open.read_json(model, "training.json"))

    async def comparison(self) -> views.Comparison:
        """Returns the verdict."""
        with self._problems():
            report = self._output("report")
            answer = await self._open.get_comparison(report)
            document = await self._open.read_json(report, "comparison.json")
            standing = await self._open.get_default_model(self._run.work.machine_id)
        return answers.comparison(answer, document, self._output("refined_model"), standing.current.model)

    async def activate(self) -> str:
        """Makes the refined model the default and returns the consequence."""
        with self._problems():
            return (await self._run.activate_now()).consequence

    async def save(self, directory: Path) -> Sequence[Path]:
        """Saves data sets and reports and returns the paths."""
        with self._problems():
            return await write_results(self._open, self._run.name, self._run.work.outputs, directory)

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
                self._report(views.Advance(event.phase, event.done, event.total, event.eta_seconds, event.message))
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
            case JobStarted():
                self._job = "" if event.reused else event.job
            case _:
                pass

    @contextlib.contextmanager
    def _problems(self) -> Iterator[None]:
        try:
            yield
        except SensorForgeClientError as error:
            if error.kind == "UNAVAILABLE":
                self._revive()
            raise views.Problem(error.message, error.remedy, error.reason) from error

    def _revive(self) -> None:
        """Starts the embedded service again where it is gone; it answers at the same address, so that whoever waits
        for it finds it."""
        if self._embedded is not None and (self._revival is None or self._revival.done()):
            self._revival = asyncio.create_task(self._start_again(self._embedded))

    async def _start_again(self, gone: Embedded) -> None:
        with contextlib.suppress(SensorForgeClientError):
            self._embedded = await find_or_start(self._store)
            gone.close()
