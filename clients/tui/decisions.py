"""What was decided about the columns of a file, with the way back. Pure: no widget, no service."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from clients.tui.columns import displaced, doubtful, explicit, settled, undisputed
from clients.tui.views import ColumnMap, ColumnRow, Problem, TemplateRow
from clients.tui.widgets import counted


class Decisions:
    """The rows of a mapping as they stand. `changed` is called before every change that a person makes."""

    def __init__(self, found: ColumnMap, changed: Callable[[], None]) -> None:
        self.map = found
        self.rows = undisputed([settled(row) for row in found.columns])
        self._changed = changed
        self._past: list[list[ColumnRow]] = []
        self._future: list[list[ColumnRow]] = []

    @property
    def missing(self) -> list[str]:
        """Returns the required sensors that no column has."""
        mapped = {row.sensor for row in self.rows if row.sensor}
        return [name for name in self.map.required if name not in mapped]

    @property
    def asked(self) -> list[ColumnRow]:
        """Returns the columns that a person has to decide about."""
        return [row for row in self.rows if doubtful(row)]

    @property
    def taken(self) -> dict[str, str]:
        """Returns which column every sensor has."""
        return {row.sensor: row.column for row in self.rows if row.sensor}

    def next_asked(self, after: int) -> int | None:
        """Returns the next column that needs a decision, from `after` on and round; None when there is none."""
        count = len(self.rows)
        order = ((max(after, -1) + offset) % count for offset in range(1, count + 1))
        return next((index for index in order if doubtful(self.rows[index])), None)

    def complete(self) -> list[ColumnRow]:
        """Returns all rows as they are sent. Raises views.Problem naming what still needs a decision."""
        asked, missing = self.asked, self.missing
        if asked:
            raise Problem(
                f"{asked[0].column!r} is in doubt."
                if len(asked) == 1
                else f"{counted(len(asked), 'column')} are in doubt, the first is {asked[0].column!r}.",
                "Confirm the match (space), choose a sensor (Enter) or ignore the column (x).",
                "MAPPING_NEEDS_REVIEW",
            )
        if missing:
            raise Problem(
                f"{', '.join(missing)}: required by the profile and without a column.",
                "Choose the column (Enter), or take `required` out of the profile.",
                "MAPPING_NEEDS_REVIEW",
            )
        if not self.taken:
            raise Problem(
                "No column is a sensor of the profile.",
                "Choose sensors (Enter), or go back to step 1 and name this machine's profile.",
                "MAPPING_NEEDS_REVIEW",
            )
        return self.as_sent()

    def as_sent(self, *, confirmed: bool = False) -> list[ColumnRow]:
        """Returns the rows as they are sent, or only those that somebody decided about."""
        return [explicit(row) for row in self.rows if row.confirmed or not confirmed]

    # What a person decides.

    def put(self, index: int, **changes: object) -> None:
        """Changes a column."""
        self._remember()
        self.rows[index] = dataclasses.replace(self.rows[index], **changes)  # type: ignore[arg-type]

    def accept_confident(self) -> None:
        """Accepts whatever the service is sure of."""
        self._remember()
        self.rows = [dataclasses.replace(r, confirmed=r.confirmed or r.tier == "auto") for r in self.rows]

    def assign(self, index: int, sensor: str) -> None:
        """Gives a column a sensor; a column that had it becomes a question."""
        self._remember()
        row = self.rows[index]
        for other, taken in enumerate(self.rows):
            if other != index and taken.sensor == sensor:
                self.rows[other] = displaced(taken, row.column)
        same = sensor == row.sensor
        self.rows[index] = dataclasses.replace(
            row,
            role="sensor",
            sensor=sensor,
            confirmed=True,
            target_unit=row.target_unit if same else self.map.units.get(sensor, ""),
            example=row.example if same else "",
        )

    def take_template(self, template: TemplateRow) -> int:
        """Takes a remembered mapping over and returns how many columns it knew."""
        self._remember()
        known = {column: (role, sensor, unit) for column, role, sensor, unit in template.columns}
        taken = 0
        for index, row in enumerate(self.rows):
            if row.column in known:
                role, sensor, unit = known[row.column]
                self.rows[index] = dataclasses.replace(row, role=role, sensor=sensor, unit=unit, confirmed=True)
                taken += 1
        return taken

    def undo(self) -> None:
        """Takes the last change back."""
        self._swap(self._past, self._future)

    def redo(self) -> None:
        """Does the last change again."""
        self._swap(self._future, self._past)

    def _remember(self) -> None:
        self._past.append(list(self.rows))
        self._future.clear()
        self._changed()

    def _swap(self, source: list[list[ColumnRow]], target: list[list[ColumnRow]]) -> None:
        if source:
            target.append(self.rows)
            self.rows = source.pop()
            self._changed()
