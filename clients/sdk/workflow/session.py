"""A run from beginning to end: opens it on the server, takes the steps in order, records each in the journal.

`RunSession.open` starts from local files, `RunSession.reopen` from a run that exists. Both lead to the same state; a
step that was done before is found done. The session holds nothing that the server does not have.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from clients.sdk.errors import SensorForgeClientError
from clients.sdk.plan import JoinChoices, Plan, run_request_id, with_paths
from clients.sdk.plan_file import plan_from_json
from clients.sdk.profile_file import read_profile
from clients.sdk.upload import read_digest
from clients.sdk.workflow import data_steps, model_steps
from clients.sdk.workflow.events import Finding, Listener, RunOpened, StepDone, StepSkipped, StepStarted
from clients.sdk.workflow.gateway import Gateway
from clients.sdk.workflow.journal import RunJournal
from clients.sdk.workflow.steps import STEPS, TITLES, StepName, step_choices
from clients.sdk.workflow.work import Detached, StepResult, Work

_ACTIONS: Mapping[StepName, Callable[[Work], Awaitable[StepResult]]] = {
    "upload": data_steps.upload,
    "validate": data_steps.validate,
    "map": data_steps.map_columns,
    "clean": data_steps.clean,
    "transform": data_steps.transform,
    "seed": model_steps.seed,
    "train": model_steps.train,
    "merge": model_steps.merge,
    "refine": model_steps.refine,
    "augment": model_steps.augment,
    "compare": model_steps.compare,
    "activate": model_steps.activate,
}


@dataclass(frozen=True)
class StepReport:
    """What one step came to, for the final account."""

    step: StepName
    consequence: str
    reused: bool
    skipped: bool
    seconds: float


@dataclass(frozen=True)
class RunReport:
    """What the run came to. `detached_job` is set when the run was left with a job running."""

    run: str
    machine: str
    steps: tuple[StepReport, ...]
    outputs: Mapping[str, str]
    detached_job: str = ""
    detached_step: str = ""

    @property
    def all_reused(self) -> bool:
        """Returns whether nothing had to be done."""
        return not self.detached_job and all(step.reused or step.skipped for step in self.steps)


@dataclass
class RunSession:
    """One opened run. Call `run` for all steps in order or `step` for one."""

    work: Work
    resumed: bool
    reports: dict[StepName, StepReport] = field(default_factory=dict)
    _made: dict[StepName, tuple[str, ...]] = field(default_factory=dict, repr=False)
    _before: dict[str, Any] | None = field(default=None, repr=False)

    @classmethod
    async def open(
        cls,
        gateway: Gateway,
        plan: Plan,
        tell: Listener,
        *,
        detach: bool = False,
        replay: bool = False,
        title: str = "",
        until: StepName | None = None,
        go_on: bool = False,
    ) -> Self:
        """Opens the run of the plan's files and profile, registering the machine.

        `go_on` keeps what was decided in the run before, in place of the plan's other choices; `detach` leaves the
        session with Detached once training runs; `replay` tells the events of finished jobs again.
        Raises SensorForgeClientError: files, profile, services.
        """
        if not plan.files:
            raise SensorForgeClientError(
                "NO_FILES", "No data file is given.", kind="USAGE", remedy="Name at least one file."
            )
        document, profile_name = read_profile(plan.profile)
        files = tuple([await read_digest(Path(name)) for name in plan.files])
        seed_file = await read_digest(Path(plan.seed_data)) if plan.seed_data else None
        register_map = await read_digest(Path(plan.read.register_map)) if plan.read.register_map else None
        failure_log = await read_digest(Path(plan.life.failure_log)) if plan.life.failure_log else None
        plan = _found_from_anywhere(plan)
        registered = await gateway.register_machine(document, file_name=profile_name)
        machine = registered.machine
        if plan.base not in ("default", "none"):
            await model_steps.named_model(gateway, machine.machine_id, plan.base)  # before hours of work rest on it
        created = await gateway.create_run(
            machine.machine_id,
            title=title or ", ".join(file.path.name for file in files)[:120],
            request_id=run_request_id(
                machine.machine_id,
                machine.profile,
                [file.sha256 for file in files],
                seed_file.sha256 if seed_file else "",
                plan,
                register_map_digest=register_map.sha256 if register_map else "",
                failure_log_digest=failure_log.sha256 if failure_log else "",
            ),
        )
        journal = RunJournal(gateway, created.run)
        entry = journal.latest("plan")
        if go_on and entry is not None:
            decided = plan_from_json(dict(entry.draft.get("plan", {})))
            plan = dataclasses.replace(decided, files=plan.files, profile=plan.profile, seed_data=plan.seed_data)
        elif entry is not None and plan.join == JoinChoices():
            # A join is said to the run, not to its files: the same command again goes on with the joined rows.
            plan = dataclasses.replace(plan, join=plan_from_json(dict(entry.draft.get("plan", {}))).join)
        work = Work(gateway, plan, machine, journal, tell, files, seed_file, detach=detach, replay=replay)
        session = cls(work, created.existed)
        tell(RunOpened(created.run.name, machine.machine_id, created.run.title, created.existed))
        for note in registered.notes:
            tell(Finding("upload", "info", "PROFILE", note))
        await session._pin(until)
        return session

    @classmethod
    async def reopen(
        cls,
        gateway: Gateway,
        run: str,
        tell: Listener,
        *,
        change: Callable[[Plan], Plan] | None = None,
        detach: bool = False,
        replay: bool = False,
    ) -> Self:
        """Opens a run that exists, with its plan (changed by `change`) and all outputs that its journal names."""
        found = await gateway.get_run(run)
        journal = RunJournal(gateway, found)
        entry = journal.latest("plan")
        if entry is None:
            raise SensorForgeClientError(
                "RUN_WITHOUT_PLAN",
                f"{run} has no plan in its journal.",
                kind="NOT_FOUND",
                remedy="Start it again with `sensorforge run`.",
            )
        plan = plan_from_json(dict(entry.draft.get("plan", {})))
        machine = await gateway.get_machine(found.name.split("/")[1])
        if profile := str(entry.draft.get("profile", "")):
            machine.profile = profile
        changed = change(plan) if change else plan
        seed_path = Path(changed.seed_data) if changed.seed_data else None
        seed_file = await read_digest(seed_path) if seed_path is not None and is_file(seed_path) else None
        work = Work(gateway, changed, machine, journal, tell, (), seed_file, detach=detach, replay=replay)
        session = cls(work, True)
        session._recall()
        tell(RunOpened(found.name, machine.machine_id, found.title, True))
        if changed != plan:
            session.work.plan = plan
            await session.try_out(changed)
        return session

    @property
    def name(self) -> str:
        """Returns the run's name."""
        return self.work.journal.run.name

    @property
    def until(self) -> StepName | None:
        """Returns the step that the run was asked to stop after, or the furthest one begun since; None: the last."""
        entry = self.work.journal.latest("plan")
        wanted = entry.draft.get("until", "") if entry else ""
        if wanted not in STEPS:
            return None
        return max((step for step in STEPS if step == wanted or self.work.journal.latest(step)), key=STEPS.index)

    @property
    def stale(self) -> tuple[StepName, ...]:
        """Returns the steps that were made with other choices than the plan's, or rest on a step that was, or on one
        that was made anew since."""
        journal, newest, rests_on_stale = self.work.journal, -1, False
        stale: list[StepName] = []
        for step in STEPS:
            entry, position = journal.latest(step), journal.position(step)
            if entry is None:
                continue
            made_with = entry.draft.get("choices")
            decided_anew = made_with is not None and made_with != step_choices(self.work.plan, step)
            if position < newest or decided_anew or rests_on_stale:
                stale.append(step)
            rests_on_stale = rests_on_stale or decided_anew
            newest = max(newest, position)
        return tuple(stale)

    async def try_out(self, plan: Plan) -> None:
        """Takes another plan for the steps to come; it is taken back if the next step refuses it."""
        entry = self.work.journal.latest("plan")
        self._before = dict(entry.draft) if entry else {"plan": self.work.plan.to_json()}
        self.work.plan = plan
        await self.work.journal.record("plan", draft={**self._before, "plan": plan.to_json()})

    def _recall(self) -> None:
        stale = self.stale
        for step in STEPS:
            entry = self.work.journal.latest(step)
            if entry is not None and step not in stale:
                self._keep(step, entry.outputs)

    def _keep(self, step: StepName, outputs: Mapping[str, str]) -> None:
        if any(self.work.outputs.get(role, artifact) != artifact for role, artifact in outputs.items()):
            for later in STEPS[STEPS.index(step) + 1 :]:
                for role in self._made.pop(later, ()):
                    self.work.outputs.pop(role, None)
        self._made[step] = tuple(outputs)
        self.work.outputs.update(outputs)

    async def _pin(self, until: StepName | None) -> None:
        work = self.work
        entry = work.journal.latest("plan")
        draft = {"plan": work.plan.to_json(), "profile": work.machine.profile, "until": until or ""}
        if entry is not None and "default_model" in entry.draft:
            kept = ("default_model", "default_version", "accepted")
            pinned = {name: entry.draft[name] for name in kept if name in entry.draft}
        else:
            standing = await work.gateway.get_default_model(work.machine_id)
            pinned = {"default_model": standing.current.model, "default_version": standing.current.version}
        await work.journal.record("plan", draft={**draft, **pinned})

    async def run(self, until: StepName | None = None) -> RunReport:
        """Takes all steps in order, up to and with `until`, and returns what they came to."""
        try:
            for step in STEPS:
                await self.step(step)
                if step == until:
                    break
        except Detached as left:
            return self.report(detached_job=left.job, detached_step=left.step)
        return self.report()

    async def step(self, step: StepName) -> StepReport:
        """Takes one step; the steps before it must have been taken in this run.

        Raises SensorForgeClientError; Detached from a step that trains, when the session is not to wait.
        """
        work = self.work
        work.tell(StepStarted(step, TITLES[step]))
        work.jobs, work.all_reused = [], True
        began = time.monotonic()
        try:
            result = await _ACTIONS[step](work)
        except SensorForgeClientError as refused:
            # A choice that could not be carried out is not kept: it would stand in the way of the next one.
            if refused.kind in ("USAGE", "INPUT") and self._before is not None:
                await work.journal.record("plan", draft=self._before)
                work.plan, self._before = plan_from_json(dict(self._before.get("plan", {}))), None
            raise
        return await self._finish(step, result, time.monotonic() - began)

    async def activate_now(self, *, if_pass: bool = False) -> StepReport:
        """Makes the run's refined model the default, whatever the gates say, unless `if_pass` asks for them."""
        work = self.work
        work.tell(StepStarted("activate", TITLES["activate"]))
        work.jobs, work.all_reused = [], True
        began = time.monotonic()
        model = work.need("refined_model", "refine")
        result = await model_steps.activate_now(work, model, work.outputs.get("report", ""), if_pass=if_pass)
        return await self._finish("activate", result, time.monotonic() - began)

    async def _finish(self, step: StepName, result: StepResult, seconds: float) -> StepReport:
        work = self.work
        jobs = tuple(work.jobs)
        if result.skipped:
            work.tell(StepSkipped(step, result.skipped))
            report = StepReport(step, result.skipped, False, True, seconds)
        else:
            reused = result.reused or (bool(jobs) and work.all_reused)
            self._keep(step, result.outputs)
            draft: dict[str, Any] = {"outputs": dict(result.outputs), "consequence": result.consequence}
            draft.update(result.notes)
            if choices := step_choices(work.plan, step):
                draft["choices"] = choices
            self._before = None
            await work.journal.record(step, artifact=result.primary, job=jobs[-1] if jobs else "", draft=draft)
            work.tell(StepDone(step, result.consequence, reused, result.outputs, jobs))
            report = StepReport(step, result.consequence, reused, False, seconds)
        self.reports[step] = report
        return report

    def report(self, *, detached_job: str = "", detached_step: StepName | None = None) -> RunReport:
        """Returns what the run has come to so far. What a step gave before is no outcome while it is made anew."""
        outdated = {
            role
            for step, roles in self._made.items()
            if detached_step and STEPS.index(step) >= STEPS.index(detached_step)
            for role in roles
        }
        return RunReport(
            self.name,
            self.work.machine_id,
            tuple(self.reports[step] for step in STEPS if step in self.reports),
            {role: artifact for role, artifact in self.work.outputs.items() if role not in outdated},
            detached_job,
            detached_step or "",
        )


def _found_from_anywhere(plan: Plan) -> Plan:
    """Returns the plan with absolute paths, for whoever goes on with the run from another directory."""
    return with_paths(plan, lambda name: str(Path(name).absolute()))


def is_file(path: Path) -> bool:
    """Returns whether a file is still where the plan says."""
    return path.is_file()
