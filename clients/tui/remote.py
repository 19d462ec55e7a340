"""The terminal client's one door to the services: the only module here that knows the SDK.

`GrpcGateway` works on the SDK's run (`clients.sdk.workflow`), the same state machine that the command line drives.
Every failure leaves as `views.Problem`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, cast

from clients.sdk import ClientConfig, Plan, SensorForge, SensorForgeClientError
from clients.sdk.embedded import Embedded, find_or_start
from clients.sdk.local import default_store
from clients.sdk.plan import CleaningChoice, CleaningKind, ColumnChoice, ColumnRole, Strategy, TrainingChoices
from clients.sdk.results import write_results
from clients.sdk.workflow import data_steps
from clients.sdk.workflow.events import EpochEvent, Event, Finding, JobStarted, LinkLost, LinkRestored, StepProgress
from clients.sdk.workflow.session import RunSession
from clients.sdk.workflow.steps import STEPS, StepName
from clients.sdk.workflow.work import Detached
from clients.tui import views
from clients.tui.gateway import Listener, Training
from clients.tui.session import Step
from sensorforge.compare.v1 import compare_service_pb2
from sensorforge.ingest.v1 import ingest_service_pb2
from sensorforge.mapping.v1 import mapping_service_pb2

# The panes bundle the finer steps of a run.
STEPS_OF_PANE: dict[Step, tuple[StepName, ...]] = {
    Step.UPLOAD: ("upload",),
    Step.VALIDATE: ("validate",),
    Step.MAP: ("map",),
    Step.CLEAN: ("clean", "transform"),
    Step.MERGE: ("seed", "train", "merge"),
    Step.REFINE: ("refine",),
    Step.COMPARE: ("augment", "compare", "activate"),
}


class GrpcGateway:
    """A `Gateway` on real services: those at `endpoint`, or an embedded one of `store`."""

    def __init__(self, config: ClientConfig | None, store: str) -> None:
        self._config = config
        self._store = store or default_store()
        self._forge: SensorForge | None = None
        self._embedded: Embedded | None = None
        self._session: RunSession | None = None
        self._report: Listener = lambda _: None
        self._job = ""

    async def connect(self) -> str:
        """Connects, starting an embedded service where none is named; returns the endpoint in words."""
        with _problems():
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
        if self._embedded is not None and self._job:
            self._embedded.leave_running([self._job])
        if self._forge is not None:
            await self._forge.__aexit__(None, None, None)
            self._forge = None
        if self._embedded is not None:
            await self._embedded.release()
            self._embedded = None

    async def home(self) -> views.Home:
        """Returns runs and machines."""
        with _problems():
            runs = (await self._open.list_runs()).runs
            machines = (await self._open.list_machines()).machines
        now = time.time()
        return views.Home(
            self._config.endpoints.ingest if self._config else "",
            tuple(
                views.RunRow(
                    run.name,
                    run.title,
                    run.name.split("/")[1],
                    _reached(d.step for d in run.decisions),
                    max(0.0, now - run.create_time.seconds),
                )
                for run in runs
            ),
            tuple(
                views.MachineRow(
                    machine.machine_id,
                    machine.category,
                    len(machine.sensors),
                    machine.default_model.rsplit("/", 1)[-1][:12],
                )
                for machine in machines
            ),
        )

    async def delete_run(self, name: str) -> None:
        """Hides a run."""
        with _problems():
            await self._open.delete_run(name)

    async def open_run(self, files: Sequence[str], profile: str, report: Listener) -> views.OpenedRun:
        """Opens the run of files and profile, new or old."""
        self._report = report
        with _problems():
            plan = Plan(files=tuple(files), profile=profile)
            self._session = await RunSession.open(self._open, plan, self._tell)
        return self._opened()

    async def reopen_run(self, name: str, report: Listener) -> views.OpenedRun:
        """Opens a run that exists."""
        self._report = report
        with _problems():
            self._session = await RunSession.reopen(self._open, name, self._tell)
        return self._opened()

    async def take(self, step: Step) -> str:
        """Does a pane's steps and returns the one-line consequence."""
        words = []
        with _problems():
            try:
                for name in STEPS_OF_PANE[step]:
                    report = await self._run.step(name)
                    if not report.skipped:
                        words.append(report.consequence)
            except Detached:
                words.append("running on the server")
        self._job = ""
        return "; ".join(words)

    async def detection(self) -> Sequence[views.Fact]:
        """Returns how the uploaded file was read."""
        with _problems():
            answer = await self._open.detect_format(self._output("source-0"))
        return [
            views.Fact(fact.key, fact.value, fact.evidence, tuple(fact.alternatives), fact.ambiguous)
            for fact in answer.facts
        ]

    async def preview(self, offset: int = 0) -> views.Preview:
        """Returns up to 100 parsed rows from `offset`."""
        with _problems():
            answer = await self._open.preview(self._output("parsed"), offset=offset)
        return views.Preview(tuple(answer.columns), tuple(tuple(row.cells) for row in answer.rows), answer.total_rows)

    async def findings(self, *, of_profile: bool = False) -> Sequence[views.FindingRow]:
        """Returns what validation found in the file, or in the mapped rows against the profile."""
        with _problems():
            report = self._output("profile_report" if of_profile else "file_report")
            document = await self._open.read_json(report, "validation.json")
        suggested = document.get("suggested_cleaning") or {}
        rows: list[views.FindingRow] = []
        for severity in ("error", "warning"):
            for item in document.get(f"{severity}s", []):
                known = item if isinstance(item, dict) else {}
                column = str(known.get("column") or "")
                rows.append(
                    views.FindingRow(
                        "error" if severity == "error" else "warning",
                        str(known.get("code") or known.get("check") or ""),
                        column,
                        data_steps.finding_text(item),
                        str(suggested.get(column, "")),
                    )
                )
        return rows

    async def column_map(self) -> views.ColumnMap:
        """Returns the proposed mapping, with what was decided before."""
        run = self._run
        with _problems():
            parsed = self._output("parsed")
            answer = await self._open.suggest_mappings(
                run.work.machine_id, table=parsed, profile=run.work.machine.profile
            )
            samples = {c.name: tuple(c.samples[:2]) for c in (await self._open.columns(parsed)).columns}
        decided = {choice.column: choice for choice in run.work.plan.mapping}
        sensors = [s for s in run.work.machine.sensors if s.role != "nameplate"]
        return views.ColumnMap(
            tuple(_column_row(s, samples.get(s.column, ()), decided.get(s.column)) for s in answer.suggestions),
            tuple(s.name for s in sensors),
            tuple(s.name for s in sensors if s.required),
            answer.profile_fit,
            tuple(answer.warnings),
            answer.template,
        )

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
        with _problems():
            answer = await self._open.dry_run_cleaning(self._run.work.machine_id, spec)
        rows = tuple(
            views.CleaningRow(
                e.step.kind,
                tuple(e.step.columns),
                e.step.max_gap,
                e.step.sigma,
                e.step.enabled,
                e.cells_changed,
                e.rows_dropped,
                e.note,
            )
            for e in answer.effects
        )
        return views.Cleaning(rows, answer.rows_before, answer.rows_after)

    async def choose_cleaning(self, steps: Sequence[views.CleaningRow]) -> None:
        """Fixes the recipe."""
        await self._change(
            cleaning=tuple(
                CleaningChoice(cast(CleaningKind, s.kind), s.columns, s.max_gap, s.sigma) for s in steps if s.enabled
            )
        )

    async def choose_strategy(self, strategy: str) -> None:
        """Fixes which rows train the model: merge, replace or real-only."""
        await self._change(strategy=cast(Strategy, strategy))

    async def choose_training(self, training: Training) -> None:
        """Fixes how the model is trained."""
        choices = TrainingChoices(
            engine=cast(Literal["", "flow", "tvae"], training.engine),
            learning_rate=training.learning_rate,
            patience=training.patience,
            freeze_encoder=training.freeze_encoder,
        )
        await self._change(training=choices, epochs=training.epochs)

    async def cancel(self, *, keep: bool) -> None:
        """Asks the running job to stop."""
        if self._job:
            with _problems():
                await self._open.cancel_job(self._job, keep=keep)

    async def comparison(self) -> views.Comparison:
        """Returns the verdict."""
        with _problems():
            report = self._output("report")
            answer = await self._open.get_comparison(report)
            document = await self._open.read_json(report, "comparison.json")
        sensors = [
            views.SensorRow(
                name,
                _number(values, "kl_divergence_seed"),
                _number(values, "kl_divergence_refined"),
                _number(values, "mean_error_refined"),
                str(values.get("finding") or ""),
            )
            for name, values in (document.get("per_sensor_metrics") or {}).items()
        ]
        sensors.sort(key=lambda row: -(row.kl_refined or 0.0))
        recommendation = compare_service_pb2.Recommendation.Name(answer.recommendation)
        return views.Comparison(
            answer.verdict,
            recommendation.removeprefix("RECOMMENDATION_").replace("_", " ").lower(),
            tuple(_gate_row(gate) for gate in answer.gates),
            tuple(sensors),
        )

    async def activate(self) -> str:
        """Makes the refined model the default and returns the consequence."""
        with _problems():
            return (await self._run.activate_now()).consequence

    async def save(self, directory: Path) -> Sequence[Path]:
        """Saves data sets and reports and returns the paths."""
        with _problems():
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

    def _opened(self) -> views.OpenedRun:
        run = self._run
        journal = run.work.journal
        consequences: dict[str, str] = {
            step: str(entry.draft.get("consequence", ""))
            for step in STEPS
            if (entry := journal.latest(step)) is not None and entry.outputs
        }
        return views.OpenedRun(run.name, journal.run.title, run.work.machine_id, consequences, run.stale)

    async def _change(self, **changes: object) -> None:
        work = self._run.work
        plan = dataclasses.replace(work.plan, **changes)  # type: ignore[arg-type]  # the callers name Plan's fields
        if plan == work.plan:
            return
        work.plan = plan
        entry = work.journal.latest("plan")
        draft = dict(entry.draft) if entry else {}
        with _problems():
            await work.journal.record("plan", draft={**draft, "plan": plan.to_json()})

    def _tell(self, event: Event) -> None:
        match event:
            case StepProgress():
                self._report(views.Advance(event.phase, event.done, event.total, event.eta_seconds, event.message))
            case EpochEvent():
                self._report(_epoch_point(event))
            case Finding():
                self._report(views.Notice(event.severity, event.message))
            case LinkLost():
                text = f"link lost, work continues on the server, retry in {event.retry_in_s:.0f} s"
                self._report(views.Notice("warning", text, link=True))
            case LinkRestored():
                self._report(views.Notice("info", "", link=True))
            case JobStarted():
                self._job = "" if event.reused else event.job
            case _:
                pass


@contextlib.contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except SensorForgeClientError as error:
        raise views.Problem(error.message, error.remedy, error.reason) from error


def _reached(steps: Iterable[str]) -> str:
    order: list[str] = [*STEPS]
    done = [order.index(step) for step in steps if step in order]
    return order[max(done)] if done else "new"


def _column_row(
    suggestion: mapping_service_pb2.Suggestion, samples: tuple[str, ...], decided: ColumnChoice | None
) -> views.ColumnRow:
    tiers = {mapping_service_pb2.TIER_AUTO: "auto", mapping_service_pb2.TIER_REVIEW: "review"}
    row = views.ColumnRow(
        suggestion.column,
        samples,
        suggestion.role,
        suggestion.sensor,
        tiers.get(suggestion.tier, "none"),  # type: ignore[arg-type]
        suggestion.confidence,
        suggestion.source_unit if suggestion.unit_basis in ("declared", "inferred") else "",
        suggestion.target_unit,
        tuple(suggestion.reasons) or ((suggestion.abstain_reason,) if suggestion.abstain_reason else ()),
        tuple((a.sensor, a.confidence) for a in suggestion.alternatives),
        suggestion.unit_example,
    )
    if decided is None:
        return row
    return dataclasses.replace(row, role=decided.role, sensor=decided.sensor, unit=decided.unit, confirmed=True)


def _gate_row(gate: compare_service_pb2.Gate) -> views.GateRow:
    outcomes = {
        compare_service_pb2.GATE_OUTCOME_PASS: "pass",
        compare_service_pb2.GATE_OUTCOME_FAIL: "fail",
        compare_service_pb2.GATE_OUTCOME_UNDECIDED: "undecided",
    }
    return views.GateRow(
        gate.name,
        gate.seed if gate.HasField("seed") else None,
        gate.refined if gate.HasField("refined") else None,
        f"{gate.direction}{gate.limit:g}",
        outcomes.get(gate.outcome, "skipped"),  # type: ignore[arg-type]
        gate.explanation,
    )


def _epoch_point(event: EpochEvent) -> views.EpochPoint:
    e = event.epoch
    return views.EpochPoint(
        e.series or event.step,
        e.epoch,
        e.epochs,
        e.train_loss,
        e.validation_loss,
        e.best_validation_loss,
        e.learning_rate,
        e.seconds,
        e.eta_seconds,
        e.patience_left,
        e.quality_improvement if e.HasField("quality_improvement") else None,
    )


def _number(values: object, key: str) -> float | None:
    found = values.get(key) if isinstance(values, dict) else None
    return float(found) if isinstance(found, int | float) else None
