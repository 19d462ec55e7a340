"""What the merge shows before it is done, and a comparison with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


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
