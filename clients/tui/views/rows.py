"""What the first four panes show: how a file was read, what is wrong in it, what its columns are, its cleaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Preview:
    """Rows of a table as text; `total` counts all rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int


@dataclass(frozen=True)
class Fact:
    """How a file was read: one decision, why, and what else it could have been."""

    key: str
    value: str
    evidence: str = ""
    alternatives: tuple[str, ...] = ()
    ambiguous: bool = False


@dataclass(frozen=True)
class FindingRow:
    """One finding of a validation."""

    severity: Literal["error", "warning", "info"]
    check: str
    column: str
    message: str
    fix: str = ""

    @property
    def identity(self) -> str:
        """Returns what names the finding among those of its file."""
        return f"{self.check}: {self.column}"


@dataclass(frozen=True)
class ColumnRow:
    """One column and what it is mapped to. `tier` is auto, review or none; `confidence` 0 to 1."""

    column: str
    samples: tuple[str, ...] = ()
    role: str = "auxiliary"
    sensor: str = ""
    tier: Literal["auto", "review", "none"] = "none"
    confidence: float = 0.0
    unit: str = ""
    target_unit: str = ""
    reasons: tuple[str, ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()
    example: str = ""
    confirmed: bool = False


@dataclass(frozen=True)
class ColumnMap:
    """A file's columns and the sensors that still lack one; `units` are the sensors' units."""

    columns: tuple[ColumnRow, ...]
    sensors: tuple[str, ...]
    required: tuple[str, ...] = ()
    profile_fit: float = 1.0
    warnings: tuple[str, ...] = ()
    template: str = ""
    units: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CleaningRow:
    """One step of the cleaning recipe and what it would change."""

    kind: str
    columns: tuple[str, ...] = ()
    max_gap: int = 0
    sigma: float = 0.0
    enabled: bool = True
    cells: int = 0
    rows: int = 0
    note: str = ""


@dataclass(frozen=True)
class Trace:
    """Values of a sensor around `row`, the first that the recipe changes, before and after it; NaN where one is missing
    or dropped."""

    sensor: str
    row: int
    before: tuple[float, ...]
    after: tuple[float, ...]


@dataclass(frozen=True)
class TemplateRow:
    """A mapping that the machine remembers: (column, role, sensor, unit) of every column, and the day it was saved."""

    name: str
    columns: tuple[tuple[str, str, str, str], ...]
    updated: str = ""


@dataclass(frozen=True)
class Cleaning:
    """A recipe with its dry run."""

    steps: tuple[CleaningRow, ...]
    rows_before: int
    rows_after: int
    traces: tuple[Trace, ...] = ()
