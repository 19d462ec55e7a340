"""Step 1: which file, which machine; then how the file was read, with its first rows."""

from __future__ import annotations

import glob
from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import DataTable, Input, Label, Static

from clients.tui.actions import bindings
from clients.tui.gateway import Gateway
from clients.tui.panes.base import Pane
from clients.tui.session import Step
from clients.tui.views import Problem


class UploadPane(Pane):
    """Two paths before the upload; detection and preview after it."""

    step = Step.UPLOAD
    BINDINGS = bindings("upload")

    def compose(self) -> ComposeResult:
        """Shows the paths, then what came of them."""
        yield Label("Data file (CSV, Excel, Parquet, JSON, historian export); several with spaces")
        yield Input(placeholder="/path/to/export.csv", id="files")
        yield Label("Machine profile (YAML or JSON); `sensorforge profile init FILE` drafts one")
        yield Input(placeholder="/path/to/profile.yaml", id="profile")
        yield Static(id="upload-hint", classes="faint", markup=False)
        yield DataTable(id="facts", cursor_type="row", zebra_stripes=True)
        yield DataTable(id="preview", cursor_type="row", zebra_stripes=True)

    def on_mount(self) -> None:
        """Prepares the tables."""
        facts = self.query_one("#facts", DataTable)
        facts.add_columns("what", "was read as", "because")
        facts.display = False
        self.query_one("#preview").display = False

    @property
    def files(self) -> list[str]:
        """Returns the files named, with patterns expanded. Raises views.Problem naming the one that is not there."""
        text = self.query_one("#files", Input).value.strip().strip("'\"")
        if not text:
            raise Problem("No data file is named.", "Type the path of the export, then continue.", "NO_FILES")
        if Path(text).expanduser().is_file():
            return [str(Path(text).expanduser())]
        found: list[str] = []
        for part in text.split():
            matches = sorted(glob.glob(str(Path(part).expanduser())))
            if not matches:
                raise Problem(f"There is no file {part}.", "Check the path.", "NO_SUCH_FILE")
            found += matches
        return found

    @property
    def profile(self) -> str:
        """Returns the profile's path. Raises views.Problem."""
        text = self.query_one("#profile", Input).value.strip().strip("'\"")
        path = Path(text).expanduser()
        if not text or not path.is_file():
            raise Problem(
                f"There is no profile at {text}." if text else "No machine profile is named.",
                "Type its path; `sensorforge profile init FILE > profile.yaml` drafts one from the data.",
                "NO_PROFILE",
            )
        return str(path)

    def on_input_changed(self) -> None:
        """Says at once whether the file is there and how large it is."""
        hint = self.query_one("#upload-hint", Static)
        try:
            sizes = [Path(name).stat().st_size for name in self.files]
        except (Problem, OSError):
            hint.update("")
            return
        megabytes = sum(sizes) / 1e6
        hint.update(f"{len(sizes)} file{'s' if len(sizes) > 1 else ''}, {megabytes:,.1f} MB")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Goes from the file to the profile, and from the profile on."""
        if event.input.id == "files":
            self.query_one("#profile").focus()
        else:
            self.screen.query_one("#continue").focus()

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows how the file was read, once it was."""
        if not done:
            return
        facts = self.query_one("#facts", DataTable)
        facts.clear()
        for fact in await gateway.detection():
            value = Text(fact.value + ("  (ambiguous)" if fact.ambiguous else ""), "yellow" if fact.ambiguous else "")
            facts.add_row(fact.key, value, Text(fact.evidence, "dim"))
        facts.display = True
        shown = await gateway.preview()
        table = self.query_one("#preview", DataTable)
        table.clear(columns=True)
        table.add_columns(*shown.columns)
        table.add_rows(shown.rows)

    def action_preview(self) -> None:
        """Switches between how the file was read and its first rows."""
        facts, table = self.query_one("#facts"), self.query_one("#preview")
        if facts.display or table.display:
            facts.display, table.display = table.display, facts.display
            (table if table.display else facts).focus()
