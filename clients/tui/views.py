"""What the panes show, as plain values: the gateway makes them from the services' answers, tests make them by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from clients.tui.session import Step


@dataclass(frozen=True)
class RunRow:
    """One line of the list of runs. `age_s` is the time since it was created, in seconds; `state` is one word;
    `losses` are the validation losses of its refinement, oldest first."""

    name: str
    title: str
    machine: str
    reached: str
    age_s: float
    profile: str = ""
    state: Literal["", "open", "running", "done", "failed"] = ""
    losses: tuple[float, ...] = ()


@dataclass(frozen=True)
class MachineRow:
    """One line of the list of machines."""

    machine: str
    category: str
    sensors: int
    default_model: str


@dataclass(frozen=True)
class Home:
    """The first screen."""

    endpoint: str
    runs: tuple[RunRow, ...] = ()
    machines: tuple[MachineRow, ...] = ()


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
    """The first values of a sensor before and after cleaning, NaN where one is missing; `after` is empty before the
    step was done."""

    sensor: str
    before: tuple[float, ...]
    after: tuple[float, ...] = ()


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


@dataclass(frozen=True)
class GateRow:
    """One gate of a comparison, its numbers as text in the unit of the target; "" where there is none. `real` is what
    real training rows get."""

    title: str
    original: str
    refined: str
    real: str
    target: str
    outcome: Literal["pass", "fail", "undecided", "skipped"]
    explanation: str = ""


@dataclass(frozen=True)
class SensorRow:
    """One sensor of a comparison."""

    name: str
    kl_seed: float | None
    kl_refined: float | None
    mean_error: float | None
    unit: str = ""
    note: str = ""


@dataclass(frozen=True)
class Shape:
    """One column in several sets of rows: shares of the rows by set name, in bins (`edges`, one more than shares) or by
    category. A set that does not exist has no entry."""

    shares: Mapping[str, tuple[float, ...]]
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Correlations:
    """Correlations of every pair of sensors by set name ("real", "original", "refined"), NaN where there is none.
    `left_out` counts the sensors that are not among them."""

    sensors: tuple[str, ...]
    matrices: Mapping[str, tuple[tuple[float, ...], ...]]
    left_out: int = 0


@dataclass(frozen=True)
class SetCheck:
    """One check of the generated data sets."""

    title: str
    outcome: Literal["pass", "fail", "undecided", "skipped"]
    explanation: str


@dataclass(frozen=True)
class SetMeasure:
    """One figure of the generated data sets with what real rows get beside it, in words; `about` says how it is
    measured, `family` what it is about."""

    family: Literal["in time", "between sensors", "by sensor", "privacy"]
    title: str
    value: str
    real: str = ""
    about: str = ""


@dataclass(frozen=True)
class SetRow:
    """One generated data set."""

    name: str
    rows: int
    runs: int = 0


@dataclass(frozen=True)
class DataSets:
    """The generated data sets with their quality check. `where` is the condition that every row meets; `notes` are what
    is disclosed about how they were made."""

    sets: tuple[SetRow, ...] = ()
    where: str = ""
    checks: tuple[SetCheck, ...] = ()
    measures: tuple[SetMeasure, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Returns how many rows there are in all."""
        return sum(part.rows for part in self.sets)


@dataclass(frozen=True)
class Comparison:
    """The verdict with its evidence. `model` is the refined model and `default` the machine's, both by the start of
    their hash; `real_rows` counts the held-out rows; `shapes` are histograms by sensor."""

    verdict: str
    recommendation: str
    gates: tuple[GateRow, ...]
    sensors: tuple[SensorRow, ...]
    sets: DataSets = DataSets()
    model: str = ""
    default: str = ""
    real_rows: int = 0
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    correlations: Correlations | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class MergePreview:
    """The rows that there are to train on, and what a merge made of them. `life` is the remaining life of the real rows
    and, once they are merged, of those to train on; `merged` says the latter in a sentence."""

    train: int = 0
    validation: int = 0
    held_out: int = 0
    seed: int = 0
    life: Shape | None = None
    life_unit: str = ""
    merged: str = ""

    @property
    def real(self) -> int:
        """Returns the real rows that may be learnt from."""
        return self.train + self.validation


@dataclass(frozen=True)
class Choices:
    """What a run was told, as far as the panes ask for it; 0 and "" mean: chosen by the service."""

    files: tuple[str, ...] = ()
    profile: str = ""
    strategy: str = ""
    cleaning: tuple[CleaningRow, ...] = ()
    engine: str = ""
    epochs: int = 0
    learning_rate: float = 0.0
    patience: int = 0
    freeze_encoder: bool = False
    batch_size: int = 0
    base: str = "default"
    rows: int = 50_000
    where: str = ""


@dataclass(frozen=True)
class Advance:
    """Progress of what is being done. `total` 0 and `eta_s` 0 mean unknown."""

    phase: str
    done: int = 0
    total: int = 0
    eta_s: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class EpochPoint:
    """One epoch of one training."""

    series: str
    epoch: int
    epochs: int
    train: float
    validation: float
    best: float
    rate: float
    seconds: float
    eta_s: float
    patience: int
    improvement: float | None = None


@dataclass(frozen=True)
class Notice:
    """Something to know: a warning of a job, or the state of the link ("link lost, ... retry in 4 s")."""

    severity: Literal["info", "warning", "error"]
    text: str
    link: bool = False


Report = Advance | EpochPoint | Notice


@dataclass(frozen=True)
class OpenedRun:
    """A run as the server knows it: its steps that are done, by the SDK's step names, and those that went stale;
    `running` is the pane whose training goes on, or ended while nobody looked."""

    name: str
    title: str
    machine: str
    consequences: Mapping[str, str] = field(default_factory=dict)
    stale: tuple[str, ...] = ()
    running: Step | None = None


class Problem(Exception):
    """A failure in words: what happened, what to do, and the reason code for the troubleshooting page."""

    def __init__(self, message: str, remedy: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.reason = reason
