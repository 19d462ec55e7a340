"""What the panes ask of the services, as a protocol; `remote.GrpcGateway` is it for real, tests have another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from clients.tui import views
from clients.tui.session import Step

Listener = Callable[[views.Report], None]


class Gateway(Protocol):
    """What the panes ask of the services. Every method raises views.Problem."""

    @property
    def left_running(self) -> str:
        """Returns the run whose training went on when the connection was given up, "" when none did."""
        ...

    async def connect(self) -> str:
        """Connects, starting an embedded service where none is named; returns the endpoint in words."""
        ...

    async def close(self) -> None:
        """Gives the connection up; running jobs go on."""
        ...

    async def home(self) -> views.Home:
        """Returns runs and machines."""
        ...

    async def delete_run(self, name: str) -> None:
        """Hides a run."""
        ...

    async def open_run(self, files: Sequence[str], profile: str, report: Listener) -> views.OpenedRun:
        """Opens the run of files and profile, new or old."""
        ...

    async def reopen_run(self, name: str, report: Listener) -> views.OpenedRun:
        """Opens a run that exists."""
        ...

    async def take(self, step: Step) -> str:
        """Does a pane's steps and returns the one-line consequence."""
        ...

    async def detection(self) -> Sequence[views.Fact]:
        """Returns how the uploaded file was read."""
        ...

    async def preview(self, offset: int = 0) -> views.Preview:
        """Returns up to 100 parsed rows from `offset`."""
        ...

    async def findings(self, *, of_profile: bool = False) -> Sequence[views.FindingRow]:
        """Returns what validation found in the file, or in the mapped rows against the profile."""
        ...

    async def column_map(self) -> views.ColumnMap:
        """Returns the proposed mapping."""
        ...

    async def choices(self) -> views.Choices:
        """Returns what the open run was told so far."""
        ...

    async def choose_columns(self, columns: Sequence[views.ColumnRow]) -> None:
        """Fixes what every column is."""
        ...

    async def cleaning(self, steps: Sequence[views.CleaningRow] = ()) -> views.Cleaning:
        """Returns a recipe (the suggested one when empty) with what it would change."""
        ...

    async def choose_cleaning(self, steps: Sequence[views.CleaningRow]) -> None:
        """Fixes the recipe."""
        ...

    async def choose_strategy(self, strategy: str) -> None:
        """Fixes which rows train the model: merge, replace or real-only."""
        ...

    async def choose_training(self, training: views.Choices) -> None:
        """Fixes how the model is trained; the other choices stay."""
        ...

    async def cancel(self, *, keep: bool) -> None:
        """Asks the running job to stop."""
        ...

    async def curves(self) -> Sequence[views.EpochPoint]:
        """Returns the finished trainings, epoch by epoch: the original's and, once there is one, the refinement's."""
        ...

    async def comparison(self) -> views.Comparison:
        """Returns the verdict."""
        ...

    async def activate(self) -> str:
        """Makes the refined model the default and returns the consequence."""
        ...

    async def save(self, directory: Path) -> Sequence[Path]:
        """Saves data sets and reports and returns the paths."""
        ...
