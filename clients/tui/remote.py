"""The terminal client's one door to the services. Only this module and the two it stands on (`data_questions`,
`open_run`) know the SDK.

`GrpcGateway` works on the SDK's run (`clients.sdk.workflow`), the same state machine that the command line drives.
Every failure leaves as `views.Problem`.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, cast

from clients.sdk import scratch
from clients.sdk.plan import Strategy
from clients.sdk.results import write_report, write_results
from clients.sdk.workflow.model_steps import short
from clients.tui import answers, asking, views
from clients.tui.data_questions import DataQuestions
from sensorforge.common.v1 import job_pb2
from sensorforge.ingest.v1 import ingest_service_pb2


class GrpcGateway(DataQuestions):
    """A `Gateway` on real services."""

    async def home(self) -> views.Home:
        """Returns runs and machines."""
        with self._problems():
            runs = (await self._open.list_runs()).runs
            machines = (await self._open.list_machines()).machines
            begun = {run.name: job for run in runs if (job := answers.unfinished_job(run))}
            jobs = await asyncio.gather(*(self._open.get_job(job) for job in begun.values()), return_exceptions=True)
        states = {
            run: answers.JOB_WORDS.get(job.state, "open")
            for run, job in zip(begun, jobs, strict=True)
            if isinstance(job, job_pb2.Job)
        }
        return answers.home(self._config.endpoints.ingest if self._config else "", runs, machines, states)

    async def losses(self, runs: Sequence[str]) -> Mapping[str, tuple[float, ...]]:
        """Returns the validation losses of the refinements of these runs, where there are any, by run name."""
        found: dict[str, tuple[float, ...]] = {}
        for name in runs:
            with self._problems():
                model = answers.output_of(await self._open.get_run(name), "refine", "refined_model")
                if model and model not in self._losses:
                    points = answers.curves(await self._open.read_json(model, "training.json"))
                    self._losses[model] = tuple(p.validation for p in points if p.series == "refined")
            if model:
                found[name] = self._losses[model]
        return found

    async def draft_profile(self, file: str) -> Path:
        """Writes a machine profile drafted from a data file into the current folder and returns its path."""
        data = Path(file)
        with self._problems():
            async with contextlib.AsyncExitStack() as stack:
                # The file is only looked at: an embedded service's store, which is this person's, is spared of it.
                at_plant = self._config is not None and self._embedded is None
                forge = self._open if at_plant else await stack.enter_async_context(scratch.temporary_service())
                table = await scratch.parsed(forge, [data], ingest_service_pb2.ParseOptions(), lambda _: None)
                draft = await forge.draft_profile(table.table, scratch.machine_id_of(data))
        target = _free_name(Path.cwd(), data.stem)
        try:
            await asyncio.to_thread(target.write_text, draft.document, "utf-8")
        except OSError as failed:
            problem = f"{target} cannot be written: {failed.strerror or failed}."
            raise views.Problem(problem, "Start the screen in a folder of yours.", "TARGET_UNWRITABLE") from None
        return target

    async def delete_run(self, name: str) -> None:
        """Hides a run."""
        with self._problems():
            await self._open.delete_run(name)

    async def choose_strategy(self, strategy: str) -> None:
        """Fixes which rows train the model: merge, replace or real-only."""
        await self._change(strategy=cast(Strategy, strategy))

    async def merge_preview(self) -> views.MergePreview:
        """Returns the rows that there are to merge and, once it is done, what the merge made of them."""
        with self._problems():
            return await asking.merge_preview(self._open, self._run.work)

    async def models(self) -> Sequence[tuple[str, str]]:
        """Returns the machine's models, newest first."""
        with self._problems():
            return await asking.models(self._open, self._run.work.machine_id)

    async def choose_training(self, training: views.Choices) -> None:
        """Fixes how the model is trained, from which base and on which rows; the other choices stay."""
        plan = self._run.work.plan
        choices = dataclasses.replace(
            plan.training,
            engine=cast(Literal["", "flow", "tvae"], training.engine),
            batch_size=training.batch_size,
            learning_rate=training.learning_rate,
            patience=training.patience,
            freeze_encoder=training.freeze_encoder,
        )
        strategy = cast(Strategy, training.strategy) if training.strategy else plan.strategy
        await self._change(training=choices, epochs=training.epochs, base=training.base, strategy=strategy)

    async def curves(self) -> Sequence[views.EpochPoint]:
        """Returns the finished trainings, epoch by epoch: the original's and, once there is one, the refinement's."""
        outputs = self._run.work.outputs
        model = outputs.get("refined_model") or outputs.get("base_model")
        if not model:
            return []
        with self._problems():
            return answers.curves(await self._open.read_json(model, "training.json"))

    async def training_words(self) -> Sequence[str]:
        """Returns why the refined model is the one it is, and what was noticed in its training."""
        with self._problems():
            return await asking.training_words(self._open, self._run.work)

    async def choose_sets(self, rows: int, where: str) -> None:
        """Fixes how many rows the data sets have in all, and the condition that every row meets."""
        changed = dataclasses.replace(self._run.work.plan, rows=rows, where=where)
        if changed != self._run.work.plan:
            with self._problems():
                await self._run.try_out(changed)

    async def comparison(self) -> views.Comparison:
        """Returns the verdict with its evidence."""
        self._output("report")
        with self._problems():
            return await asking.comparison(self._open, self._run.work)

    async def activate(self, before: str) -> str:
        """Makes the refined model the default in place of the one that the person saw, and returns the consequence."""
        machine = self._run.work.machine_id
        with self._problems():
            standing = (await self._open.get_default_model(machine)).current.model
            if standing and short(standing) != before:
                raise views.Problem(
                    f"The default of {machine} is {short(standing)} by now: somebody else switched it.",
                    "Look at the gates again, then decide: M asks anew.",
                    "CONFLICT",
                )
            return (await self._run.activate_now()).consequence

    async def export(self, directory: Path) -> Sequence[Path]:
        """Saves the comparison's report alone and returns the paths."""
        with self._problems():
            return await write_report(self._open, self._output("report"), directory)

    async def save(self, directory: Path) -> Sequence[Path]:
        """Saves data sets and reports and returns the paths."""
        with self._problems():
            return await write_results(self._open, self._run.name, self._run.work.outputs, directory)


def _free_name(folder: Path, stem: str) -> Path:
    """Returns the path of a profile that does not exist yet."""
    names = (f"{stem}-profile{number}.yaml" for number in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(path for name in names if not (path := folder / name).exists())
