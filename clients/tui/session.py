"""How far a run has come, as the terminal shows it: seven steps, what each left behind, and what is stale.

Pure state: no widget, no service. The truth lives on the server; this is what one screen knows of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal


class Step(IntEnum):
    """The panes in order."""

    UPLOAD = 1
    VALIDATE = 2
    MAP = 3
    CLEAN = 4
    MERGE = 5
    REFINE = 6
    COMPARE = 7

    @property
    def title(self) -> str:
        """Returns the word in the step bar."""
        return self.name.capitalize()


# The pane of the finer step that finished last.
PANE_OF: dict[str, Step] = {
    "upload": Step.UPLOAD,
    "validate": Step.VALIDATE,
    "map": Step.MAP,
    "transform": Step.CLEAN,
    "merge": Step.MERGE,
    "refine": Step.REFINE,
    "compare": Step.COMPARE,
}

StepState = Literal["todo", "running", "done", "stale", "failed"]

MARKS: dict[StepState, str] = {"todo": " ", "running": "●", "done": "✔", "stale": "~", "failed": "✖"}
ASCII_MARKS: dict[StepState, str] = {"todo": " ", "running": "*", "done": "+", "stale": "~", "failed": "x"}


@dataclass
class StepRecord:
    """A step's state and, once done, its one-line consequence ("87 rows dropped, 312 cells filled")."""

    state: StepState = "todo"
    consequence: str = ""


@dataclass
class StepBoard:
    """The steps of one run and which one is shown."""

    title: str = "new run"
    machine: str = ""
    current: Step = Step.UPLOAD
    records: dict[Step, StepRecord] = field(default_factory=lambda: {step: StepRecord() for step in Step})

    def reachable(self, step: Step) -> bool:
        """Returns whether a step can be shown: the first, one that has been done, or the one after those."""
        return step == Step.UPLOAD or self.records[Step(step - 1)].state in ("done", "stale")

    def why_blocked(self, step: Step) -> str:
        """Returns why a step cannot be shown yet, in a sentence; empty when it can."""
        if self.reachable(step):
            return ""
        missing = next(s for s in Step if self.records[s].state not in ("done", "stale"))
        return f"{step.title} needs {missing.title} first: finish step {int(missing)}."

    def begin(self, step: Step) -> None:
        """Marks a step as running; the results of later steps become stale, and are kept."""
        self.records[step].state = "running"
        for later in Step:
            if later > step and self.records[later].state == "done":
                self.records[later].state = "stale"

    def finish(self, step: Step, consequence: str) -> None:
        """Marks a step as done."""
        self.records[step] = StepRecord("done", consequence)

    def fail(self, step: Step, reason: str) -> None:
        """Marks a step as failed."""
        self.records[step] = StepRecord("failed", reason)

    def stop(self, step: Step) -> None:
        """Marks a step as not done, because a person stopped it."""
        self.records[step] = StepRecord()

    def adopt(self, title: str, machine: str, consequences: Mapping[Step, str], stale: Iterable[Step]) -> None:
        """Takes another run's state over."""
        self.title, self.machine = title, machine
        self.records = {step: StepRecord() for step in Step}
        for step, consequence in consequences.items():
            self.finish(step, consequence)
        for step in stale:
            self.edited(step)

    def edited(self, step: Step) -> None:
        """Marks a finished step and all after it as stale, because a decision in it was changed."""
        for later in Step:
            if later >= step and self.records[later].state == "done":
                self.records[later].state = "stale"
