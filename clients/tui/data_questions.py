"""What the panes of steps 1 to 4 ask: how the file was read, what was found in it, what its columns are, and what
cleaning would change.
"""

from __future__ import annotations

import asyncio
import csv
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import cast

from clients.sdk import Plan
from clients.sdk.plan import CleaningChoice, CleaningKind, ColumnChoice, ColumnRole
from clients.sdk.plan_file import plan_to_yaml
from clients.sdk.workflow.templates import align_of, time_of
from clients.tui import answers, views
from clients.tui.open_run import OpenRun
from sensorforge.ingest.v1 import ingest_service_pb2
from sensorforge.mapping.v1 import mapping_service_pb2

_WHOLE_SECOND = re.compile(r"(\d\d:\d\d:\d\d)\.000000\b")


class DataQuestions(OpenRun):
    """Asks about the open run's data and fixes what a person decided about them."""

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
        # Whole seconds are shown as such, which leaves room for more columns.
        rows = tuple(tuple(_WHOLE_SECOND.sub(r"\1", cell) for cell in row.cells) for row in answer.rows)
        return views.Preview(tuple(answer.columns), rows, answer.total_rows)

    async def findings(self, *, of_profile: bool = False) -> Sequence[views.FindingRow]:
        """Returns what validation found in the file, or in the mapped rows against the profile."""
        with self._problems():
            report = self._output("profile_report" if of_profile else "file_report")
            document = await self._open.read_json(report, "validation.json")
        return answers.findings(document)

    async def rejects(self, offset: int = 0) -> views.Preview:
        """Returns up to 100 rows that could not be read, with the reason for each."""
        with self._problems():
            answer = await self._open.preview(self._output("parsed"), file="rejects.parquet", offset=offset)
        return views.Preview(tuple(answer.columns), tuple(tuple(row.cells) for row in answer.rows), answer.total_rows)

    async def write_rejects(self, path: Path) -> int:
        """Writes the rows that could not be read as CSV and returns how many there are."""
        page = await self.rejects()
        rows = list(page.rows)
        while len(rows) < page.total and page.rows:
            page = await self.rejects(len(rows))
            rows += page.rows
        try:
            await asyncio.to_thread(_write_csv, path, page.columns, rows)
        except OSError as failed:
            raise _unwritable(path, failed) from None
        return len(rows)

    async def accepted(self) -> Collection[str]:
        """Returns the findings that a person has looked at."""
        entry = self._run.work.journal.latest("plan")
        return frozenset(map(str, entry.draft.get("accepted", ()))) if entry else frozenset()

    async def accept(self, findings: Collection[str]) -> None:
        """Keeps which findings a person has looked at."""
        journal = self._run.work.journal
        entry = journal.latest("plan")
        with self._problems():
            await journal.record("plan", draft={**(entry.draft if entry else {}), "accepted": sorted(findings)})

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
        units = {s.name: s.unit for s in sensors}
        return views.ColumnMap(
            tuple(
                answers.column_row(s, samples.get(s.column, ()), decided.get(s.column), units)
                for s in answer.suggestions
            ),
            tuple(s.name for s in sensors),
            tuple(s.name for s in sensors if s.required),
            answer.profile_fit,
            tuple(answer.warnings),
            answer.template,
            units,
        )

    async def choose_columns(self, columns: Sequence[views.ColumnRow]) -> None:
        """Fixes what every column is."""
        await self._change(
            mapping=tuple(
                ColumnChoice(row.column, cast(ColumnRole, row.role), row.sensor, row.unit if row.sensor else "")
                for row in columns
            )
        )

    async def templates(self) -> Sequence[views.TemplateRow]:
        """Returns the mappings that the machine remembers, newest first."""
        with self._problems():
            found = await self._open.list_templates(self._run.work.machine_id)
        return [
            views.TemplateRow(
                template.name,
                tuple((c.column, c.role, c.sensor, c.source_unit) for c in template.columns),
                template.update_time.ToJsonString()[:10],
            )
            for template in found
        ]

    async def save_template(self, columns: Sequence[views.ColumnRow]) -> None:
        """Makes the machine remember a mapping for files with the same header."""
        mapping = [
            mapping_service_pb2.ColumnMapping(
                column=row.column, role=row.role, sensor=row.sensor, source_unit=row.unit if row.sensor else ""
            )
            for row in columns
        ]
        with self._problems():
            read = ""
            if mapped := self._run.work.outputs.get("mapped", ""):
                read = (await self._run.work.manifest(mapped)).params_json
            await self._open.save_template(self._run.work.machine_id, mapping, time_of(read), align_of(read))

    async def forget_template(self, name: str) -> None:
        """Makes the machine forget a mapping."""
        with self._problems():
            await self._open.delete_template(name)

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
        return answers.cleaning(answer, steps)

    async def choose_cleaning(self, steps: Sequence[views.CleaningRow]) -> None:
        """Fixes the recipe."""
        await self._change(cleaning=_cleaning_choices(steps))

    async def save_recipe(self, path: Path, steps: Sequence[views.CleaningRow]) -> None:
        """Writes a recipe as a plan file that says nothing else."""
        text = plan_to_yaml(Plan(cleaning=_cleaning_choices(steps)))
        try:
            await asyncio.to_thread(path.write_text, text, "utf-8")
        except OSError as failed:
            raise _unwritable(path, failed) from None


def _cleaning_choices(steps: Sequence[views.CleaningRow]) -> tuple[CleaningChoice, ...]:
    return tuple(CleaningChoice(cast(CleaningKind, s.kind), s.columns, s.max_gap, s.sigma, s.enabled) for s in steps)


def _unwritable(path: Path, failed: OSError) -> views.Problem:
    return views.Problem(f"{path} cannot be written: {failed.strerror}.", "Name another place.", "TARGET_UNWRITABLE")


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
