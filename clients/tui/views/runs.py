"""The runs and machines of the first screen, and what is known of a run when it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from clients.tui.session import Step
from clients.tui.views.rows import CleaningRow


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
class OpenedRun:
    """A run as the server knows it: its steps that are done, by the SDK's step names, and those that went stale;
    `running` is the pane whose training goes on, or ended while nobody looked."""

    name: str
    title: str
    machine: str
    consequences: Mapping[str, str] = field(default_factory=dict)
    stale: tuple[str, ...] = ()
    running: Step | None = None


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
