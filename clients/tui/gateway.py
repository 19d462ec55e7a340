"""What the panes ask of the services, as a protocol; `remote.GrpcGateway` is it for real, tests have another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
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

    async def losses(self, runs: Sequence[str]) -> Mapping[str, tuple[float, ...]]:
        """Returns the validation losses of the refinements of these runs, where there are any, by run name."""
        ...

    async def draft_profile(self, file: str) -> Path:
        """Writes a machine profile drafted from a data file into the current folder and returns its path."""
        ...

    async def open_run(
        self, files: Sequence[str], profile: str, report: Listener, *, header_row: int | None = None
    ) -> views.OpenedRun:
        """Opens the run of files and profile, new or old; an old one goes on with what was decided in it."""
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

    async def rejects(self, offset: int = 0) -> views.Preview:
        """Returns up to 100 rows that could not be read, with the reason for each."""
        ...

    async def write_rejects(self, path: Path) -> int:
        """Writes the rows that could not be read as CSV and returns how many there are."""
        ...

    async def accepted(self) -> Collection[str]:
        """Returns the findings that a person has looked at, as `FindingRow.identity` names them."""
        ...

    async def accept(self, findings: Collection[str]) -> None:
        """Keeps which findings a person has looked at."""
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

    async def templates(self) -> Sequence[views.TemplateRow]:
        """Returns the mappings that the machine remembers, newest first."""
        ...

    async def save_template(self, columns: Sequence[views.ColumnRow]) -> None:
        """Makes the machine remember a mapping for files with the same header."""
        ...

    async def forget_template(self, name: str) -> None:
        """Makes the machine forget a mapping."""
        ...

    async def cleaning(self, steps: Sequence[views.CleaningRow] = ()) -> views.Cleaning:
        """Returns a recipe (the suggested one when empty) with what it would change."""
        ...

    async def choose_cleaning(self, steps: Sequence[views.CleaningRow]) -> None:
        """Fixes the recipe."""
        ...

    async def save_recipe(self, path: Path, steps: Sequence[views.CleaningRow]) -> None:
        """Writes a recipe as a plan file that says nothing else."""
        ...

    async def merge_preview(self) -> views.MergePreview:
        """Returns the rows that there are to merge and, once it is done, what the merge made of them."""
        ...

    async def choose_strategy(self, strategy: str) -> None:
        """Fixes which rows train the model: merge, replace or real-only."""
        ...

    async def models(self) -> Sequence[tuple[str, str]]:
        """Returns the machine's models, newest first: the start of each one's hash, and what it is in words."""
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

    async def training_words(self) -> Sequence[str]:
        """Returns why the refined model is the one it is, and what was noticed in its training."""
        ...

    async def choose_sets(self, rows: int, where: str) -> None:
        """Fixes how many rows the data sets have in all, and the condition that every row meets, "" for none."""
        ...

    async def comparison(self) -> views.Comparison:
        """Returns the verdict with its evidence."""
        ...

    async def activate(self, before: str) -> str:
        """Makes the refined model the default in place of `before`, the start of a model's hash or "" for none, and
        returns the consequence; refused where another one is the default by now."""
        ...

    async def export(self, directory: Path) -> Sequence[Path]:
        """Saves the comparison's report alone and returns the paths."""
        ...

    async def save(self, directory: Path) -> Sequence[Path]:
        """Saves data sets and reports and returns the paths."""
        ...
