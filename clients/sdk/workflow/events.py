"""What a run tells its listener, as it happens. Events are values; a front end shows them, none decides anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from clients.sdk.workflow.steps import StepName
from sensorforge.common.v1 import job_pb2


@dataclass(frozen=True)
class RunOpened:
    """The run is known to the server. `resumed` when it existed before."""

    run: str
    machine: str
    title: str
    resumed: bool


@dataclass(frozen=True)
class StepStarted:
    """A step begins."""

    step: StepName
    title: str


@dataclass(frozen=True)
class JobStarted:
    """A job of the step was started, or found finished (`reused`)."""

    step: StepName
    job: str
    reused: bool


@dataclass(frozen=True)
class StepProgress:
    """How far the step's work has come; `total` 0 and `eta_seconds` 0 mean unknown."""

    step: StepName
    phase: str
    done: int = 0
    total: int = 0
    eta_seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class EpochEvent:
    """A training epoch ended. After a takeover epochs may repeat: keep the last."""

    step: StepName
    epoch: job_pb2.Epoch


@dataclass(frozen=True)
class Finding:
    """Something a person should know that does not stop the run."""

    step: StepName
    severity: Literal["info", "warning", "error"]
    code: str
    message: str


@dataclass(frozen=True)
class Question:
    """A column or a sensor about which a person has to decide. `sensor` is the likeliest one, "" for none; `column`
    is "" when a required sensor has no candidate at all."""

    column: str
    sensor: str
    confidence: float
    why: str
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class NeedsReview:
    """The step cannot go on before a person has answered."""

    step: StepName
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class StepDone:
    """The step is done. `consequence` is one line; `outputs` are artifacts by role; `reused` when it had been done
    before."""

    step: StepName
    consequence: str
    reused: bool
    outputs: Mapping[str, str] = field(default_factory=dict)
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepSkipped:
    """The plan does not need this step."""

    step: StepName
    why: str


@dataclass(frozen=True)
class LinkLost:
    """No service answers; the job goes on, the next attempt is in `retry_in_s` seconds."""

    retry_in_s: float


@dataclass(frozen=True)
class LinkRestored:
    """The service answers again."""


@dataclass(frozen=True)
class ServerQuiet:
    """The link stands and nothing has come over it for `seconds`, not even a heartbeat: the service is busy."""

    seconds: float


Event = (
    RunOpened
    | StepStarted
    | JobStarted
    | StepProgress
    | EpochEvent
    | Finding
    | NeedsReview
    | StepDone
    | StepSkipped
    | LinkLost
    | LinkRestored
    | ServerQuiet
)
Listener = Callable[[Event], None]
