"""What workers tell the screens. Workers do the waiting and post these; only handlers touch widgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.message import Message

from clients.tui import views
from clients.tui.session import Step


class HomeLoaded(Message):
    """Runs and machines have been read."""

    def __init__(self, home: views.Home) -> None:
        super().__init__()
        self.home = home


class LossesLoaded(Message):
    """The validation losses of the listed runs have been read."""

    def __init__(self, losses: Mapping[str, Sequence[float]]) -> None:
        super().__init__()
        self.losses = losses


class RunOpened(Message):
    """A run is open; its finished steps are known."""

    def __init__(self, run: views.OpenedRun) -> None:
        super().__init__()
        self.run = run


class Reported(Message):
    """Something happened in the work that goes on."""

    def __init__(self, report: views.Report) -> None:
        super().__init__()
        self.report = report


class StepFinished(Message):
    """A pane's steps are done; `opened` is the run that the upload opened."""

    def __init__(self, step: Step, consequence: str, opened: views.OpenedRun | None = None) -> None:
        super().__init__()
        self.opened = opened
        self.step = step
        self.consequence = consequence


class Refused(Message):
    """A step was not begun: what a person chose for it is not complete."""

    def __init__(self, problem: views.Problem, step: Step) -> None:
        super().__init__()
        self.problem = problem
        self.step = step


class Failed(Message):
    """Something could not be done; `step` is the pane it belongs to, if any."""

    def __init__(self, problem: views.Problem, step: Step | None = None) -> None:
        super().__init__()
        self.problem = problem
        self.step = step


class Told(Message):
    """A sentence for the status line."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Edited(Message):
    """A person changed a decision of a step; what rests on it is stale."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step
