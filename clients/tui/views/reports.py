"""What is heard of work that goes on, and what is said when it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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


class Problem(Exception):
    """A failure in words: what happened, what to do, and the reason code for the troubleshooting page."""

    def __init__(self, message: str, remedy: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.reason = reason
