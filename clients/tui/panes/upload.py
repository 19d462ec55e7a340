"""Step 1: which file, which machine; then how the file was read, with its first rows."""

from __future__ import annotations

import glob
from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Input, Static

from clients.tui.actions import bindings
from clients.tui.gateway import Gateway
from clients.tui.messages import Edited
from clients.tui.panes.base import Pane
from clients.tui.session import Step
from clients.tui.tables import Column, FittedTable
from clients.tui.views import Fact, Problem
from clients.tui.widgets import Field, counted

_WIDEST_CELL = 24


class UploadPane(Pane):
    """Two paths before the upload; detection and preview after it."""

    step = Step.UPLOAD
    BINDINGS = bindings("upload")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts: list[Fact] = []
        self._sent = ("", "")

    def compose(self) -> ComposeResult:
        """Shows the paths, then what came of them."""
        yield Field("Data file", Input(placeholder="/path/to/export.csv", id="files", compact=True))
        yield Static(
            "CSV, Excel, Parquet, JSON or a historian's export; several with spaces between, or a pattern.",
            classes="faint indented before",
            markup=False,
        )
        yield Field("Profile", Input(placeholder="/path/to/profile.yaml", id="profile", compact=True))
        yield Static(
            "What the machine's sensors are, in YAML or JSON.\n"
            "None yet? In a shell: sensorforge profile init FILE > profile.yaml",
            classes="faint indented before",
            markup=False,
        )
        yield Static(id="upload-hint", classes="indented", markup=False)
        yield FittedTable(
            Column("what", narrowest=14),
            Column("was read as", narrowest=14),
            Column("because", narrowest=20),
            id="facts",
        )
        yield FittedTable(id="preview")
        yield Static(id="fact-detail", classes="detail", markup=False)

    def on_mount(self) -> None:
        """Hides what there is only after the upload."""
        for part in ("#facts", "#preview", "#fact-detail"):
            self.query_one(part).display = False

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
            matches = sorted(name for name in glob.glob(str(Path(part).expanduser())) if Path(name).is_file())
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

    @property
    def _typed(self) -> tuple[str, str]:
        return self.query_one("#files", Input).value, self.query_one("#profile", Input).value

    async def commit(self, gateway: Gateway) -> None:
        """Raises views.Problem when a path is wrong."""
        _ = self.files, self.profile
        self._sent = self._typed

    def on_input_changed(self) -> None:
        """Says at once whether the file is there and how large it is; another path makes this step stale."""
        hint = self.query_one("#upload-hint", Static)
        if self._sent[0] and self._typed != self._sent:
            self.post_message(Edited(Step.UPLOAD))
        try:
            sizes = [Path(name).stat().st_size for name in self.files]
        except (Problem, OSError):
            hint.update("")
            return
        hint.update(f"{counted(len(sizes), 'file')}, {sum(sizes) / 1e6:,.1f} MB")

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
        if not any(self._typed):
            told = await gateway.choices()
            self._sent = (" ".join(told.files), told.profile)
            for field, value in zip(("#files", "#profile"), self._sent, strict=True):
                self.query_one(field, Input).value = value
        self._facts = list(await gateway.detection())
        self.query_one("#facts", FittedTable).fill([_fact_cells(fact) for fact in self._facts])
        shown = await gateway.preview()
        widths = [max([len(c), *(len(row[i]) for row in shown.rows)]) for i, c in enumerate(shown.columns)]
        columns = [
            Column(c, min(w, _WIDEST_CELL), i > 0) for i, (c, w) in enumerate(zip(shown.columns, widths, strict=True))
        ]
        self.query_one("#preview", FittedTable).fill(shown.rows, columns=columns)
        for part in self.query(".before"):
            part.display = False
        if not self.query_one("#preview").display:
            self.query_one("#facts").display = True
        self.query_one("#fact-detail").display = True
        if isinstance(self.screen.focused, Input) or self.screen.focused is None:
            self.focus_first()

    def focus_first(self) -> None:
        """Puts the focus on the path before the upload, and on what was read after it."""
        for part in ("#facts", "#preview", "#files"):
            if self.query_one(part).display:
                self.query_one(part).focus()
                return

    def on_data_table_row_highlighted(self) -> None:
        """Says why the file was read so, in full."""
        row = self.query_one("#facts", FittedTable).cursor_row
        text = ""
        if self.query_one("#facts").display and 0 <= row < len(self._facts):
            fact = self._facts[row]
            others = f" It could also be {', '.join(fact.alternatives)}." if fact.alternatives else ""
            text = f"{fact.key}: {fact.evidence}.{others}"
        self.query_one("#fact-detail", Static).update(text)

    def action_preview(self) -> None:
        """Switches between how the file was read and its first rows."""
        facts, table = self.query_one("#facts"), self.query_one("#preview")
        if facts.display or table.display:
            facts.display, table.display = table.display, facts.display
            (table if table.display else facts).focus()
            self.on_data_table_row_highlighted()


def _fact_cells(fact: Fact) -> tuple[str, Text, Text]:
    value = Text(fact.value + ("  (ambiguous)" if fact.ambiguous else ""), "yellow" if fact.ambiguous else "")
    return fact.key.replace("_", " "), value, Text(fact.evidence, "dim")
