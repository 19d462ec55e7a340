"""Step 1: which file, which machine; then how the file was read, with its first rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Paste
from textual.widgets import Button, Input, Static

from clients.tui import paths
from clients.tui.actions import bindings
from clients.tui.gateway import Gateway
from clients.tui.messages import Failed, Told
from clients.tui.modals.dialogs import LinePrompt, Picker, preview_columns
from clients.tui.panes.base import Pane
from clients.tui.path_input import PathInput
from clients.tui.session import Step, StepState
from clients.tui.tables import Column, FittedTable
from clients.tui.views import Fact, Preview, Problem
from clients.tui.widgets import Field, counted

if TYPE_CHECKING:
    from clients.tui.app import SensorForgeApp

_FILES_HINT = (
    "CSV up to 500 MB, Excel 200 MB, Parquet 1 GB, JSON 500 MB.\n"
    "Several files, or a pattern like /data/*.csv, become one table."
)
_PROFILE_HINT = "What the machine's sensors are, in YAML or JSON.\nNone yet? F4 drafts one from the file."
_PROFILE_ENDS = ("yaml", "yml")
_TIME_FACT = "timestamp_format:"
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


class UploadPane(Pane):
    """Two paths before the upload; detection and preview after it."""

    step = Step.UPLOAD
    BINDINGS = bindings("upload")
    HELP = (
        "The file with the machine's history, and the profile that says what its sensors are. Type a path (Tab "
        "completes it), drop a file on this window, or press F5 for those used before."
    )

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts: list[Fact] = []
        self._page = Preview((), (), 0)
        self._offset = 0
        self._sent = ("", "")
        self.header_row: int | None = None

    def compose(self) -> ComposeResult:
        """Shows the paths, then what came of them."""
        yield Field("Data file", PathInput(placeholder="/path/to/export.csv", id="files"))
        yield Static(_FILES_HINT, id="files-hint", classes="indented before", markup=False)
        yield Field("Profile", PathInput(placeholder="/path/to/profile.yaml", id="profile"))
        yield Static(_PROFILE_HINT, id="profile-hint", classes="indented before", markup=False)
        with Horizontal(classes="indented before", id="upload-buttons"):
            yield Button("Recent F5", id="recent", compact=True)
            yield Button("Draft profile F4", id="draft", compact=True)
        yield Static(id="read-as", markup=False)
        yield FittedTable(
            Column("what", narrowest=14),
            Column("was read as", narrowest=14),
            Column("because", narrowest=20),
            id="facts",
        )
        yield FittedTable(id="preview")
        yield Static(id="fact-detail", classes="detail", markup=False)

    def on_mount(self) -> None:
        """Shows first how the file was read, once it was; the sheet of styles hides it before."""
        self.add_class("as-facts")

    def prepare(self, state: StepState) -> None:
        """Leaves the fields once the file was read, so that a key is no letter of a path."""
        self.set_class(state in ("done", "stale"), "read")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Returns whether an action is valid now: what was read can be looked at only once it was."""
        if action in ("preview", "header_row", "page"):
            return bool(self._facts)
        if action in ("draft_profile", "recent"):
            return not self.has_class("read")
        return super().check_action(action, parameters)

    @property
    def files(self) -> list[str]:
        """Returns the files named, with patterns expanded. Raises views.Problem naming the one that is not there."""
        return paths.files_of(self.query_one("#files", Input).value)

    @property
    def profile(self) -> str:
        """Returns the profile's path. Raises views.Problem."""
        return paths.profile_of(self.query_one("#profile", Input).value)

    @property
    def _typed(self) -> tuple[str, str]:
        return self.query_one("#files", Input).value, self.query_one("#profile", Input).value

    @property
    def _client(self) -> SensorForgeApp:
        return cast("SensorForgeApp", self.app)

    async def commit(self, gateway: Gateway) -> None:
        """Raises views.Problem when a path is wrong."""
        _ = self.files, self.profile
        self._sent = self._typed
        self._client.like(self._client.liked.used(*self._typed))

    def show_problem(self, problem: Problem) -> bool:
        """Shows a wrong path under its field, and goes there."""
        field = "profile" if problem.reason == "NO_PROFILE" else "files"
        self._hint(field, f"✖ {problem.message} {problem.remedy}", wrong=True)
        self.remove_class("read")
        self.query_one(f"#{field}").focus()
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        """Says at once what the path leads to; another path makes this step stale."""
        if self._sent[0] and self._typed != self._sent:
            self.header_row = None
            self.edited()
        if event.input.id == "files":
            try:
                self._hint("files", f"✔ {paths.beginning(self.files)}" if event.value.strip() else _FILES_HINT)
            except (Problem, OSError):
                self._hint("files", _FILES_HINT)
        elif event.input.id == "profile":
            try:
                self._hint("profile", f"✔ {self.profile}" if event.value.strip() else _PROFILE_HINT)
            except Problem:
                self._hint("profile", _PROFILE_HINT)

    def _hint(self, field: str, text: str, *, wrong: bool = False) -> None:
        hint = self.query_one(f"#{field}-hint", Static)
        hint.set_class(wrong, "problem-text")
        hint.set_class(text.startswith("✔"), "good-text")
        hint.update(text)

    def on_path_input_options(self, event: PathInput.Options) -> None:
        """Shows what could come next."""
        self._hint(event.field, "  ".join(event.names))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Goes from the file to the profile, and from the profile on."""
        if event.input.id == "files":
            self.query_one("#profile").focus()
        else:
            self.screen.query_one("#continue").focus()

    def on_paste(self, event: Paste) -> None:
        """Takes a file that was dropped on the window, wherever the focus is: a profile is known by its name's end."""
        text = paths.pasted(event.text)
        end = text.rstrip("'").rpartition(".")[2].lower()
        in_profile = self.screen.focused is self.query_one("#profile")
        field = self.query_one(
            "#profile" if end in _PROFILE_ENDS or (in_profile and end == "json") else "#files", Input
        )
        field.value = text
        field.cursor_position = len(text)
        field.focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Does what the keys do."""
        event.stop()
        if event.button.id == "draft":
            self.action_draft_profile()
        else:
            self.action_recent()

    @work(exclusive=True, group="draft")
    async def action_draft_profile(self) -> None:
        """Drafts a profile from the file and names it here."""
        try:
            file = self.files[0]
        except Problem as problem:
            self.show_problem(problem)
            return
        self._hint("profile", "Drafting a profile from the file; this takes a few seconds …")
        try:
            path = await (await self._client.services()).draft_profile(file)
        except Problem as problem:
            self._hint("profile", _PROFILE_HINT)
            self.post_message(Failed(problem))
            return
        self.query_one("#profile", Input).value = str(path)
        self.post_message(Told(f"{path.name} is drafted; what was guessed in it is marked as proposed."))

    @work
    async def action_recent(self) -> None:
        """Asks for a path that was used before."""
        field = "profile" if self.screen.focused is self.query_one("#profile") else "files"
        liked = self._client.liked
        known = liked.profiles if field == "profile" else liked.files
        if not known:
            self.post_message(Told("Nothing was used before."))
            return
        what = "Profiles" if field == "profile" else "Data files"
        chosen = await self.app.push_screen_wait(Picker(f"{what} used before", [(one, one) for one in known]))
        if chosen:
            self.query_one(f"#{field}", Input).value = chosen

    async def enter(self, gateway: Gateway, *, done: bool) -> None:
        """Shows how the file was read, once it was."""
        if not done:
            return
        if not any(self._typed):
            told = await gateway.choices()
            self._sent = (" ".join(told.files), told.profile)
            for field, value in zip(("#files", "#profile"), self._sent, strict=True):
                with self.prevent(Input.Changed):
                    self.query_one(field, Input).value = value
        self._facts = list(await gateway.detection())
        self.query_one("#facts", FittedTable).fill([_fact_cells(fact) for fact in self._facts])
        await self._turn_page(gateway, 0)
        span = await self._time_span(gateway)
        self.query_one("#read-as", Static).update(read_as(self._facts, self._page, span))
        self.add_class("read")
        if isinstance(self.screen.focused, Input | Button) or self.screen.focused is None:
            self.focus_first()
        self.screen.refresh_bindings()

    async def _time_span(self, gateway: Gateway) -> str:
        column = next((fact.key.partition(":")[2] for fact in self._facts if fact.key.startswith(_TIME_FACT)), "")
        if column not in self._page.columns or not self._page.rows:
            return ""
        index = self._page.columns.index(column)
        last = (await gateway.preview(max(0, self._page.total - 1))).rows
        return f"{self._page.rows[0][index][:19]} to {last[-1][index][:19]}" if last else ""

    async def _turn_page(self, gateway: Gateway, offset: int) -> None:
        self._page = await gateway.preview(offset)
        self._offset = offset
        self.query_one("#preview", FittedTable).fill(self._page.rows, columns=preview_columns(self._page))
        self._explain()

    @work(exclusive=True, group="page")
    async def action_page(self, pages: int) -> None:
        """Shows the next or the previous rows of the preview."""
        step = max(1, len(self._page.rows))
        offset = self._offset + pages * step
        if 0 <= offset < self._page.total:
            try:
                await self._turn_page(await self._client.services(), offset)
            except Problem as problem:
                self.post_message(Failed(problem))

    def focus_first(self) -> None:
        """Puts the focus on the path before the upload, and on what was read after it."""
        part = "#files" if not self.has_class("read") else "#preview" if self._shows_rows else "#facts"
        self.query_one(part).focus()

    def on_data_table_row_highlighted(self) -> None:
        """Says why the file was read so, in full."""
        self._explain()

    def _explain(self) -> None:
        text = ""
        row = self.query_one("#facts", FittedTable).cursor_row
        if self._shows_rows:
            first, last = self._offset + 1, self._offset + len(self._page.rows)
            more = "; > and < turn the pages" if self._page.total > len(self._page.rows) else ""
            text = f"rows {first:,} to {last:,} of {self._page.total:,}{more}"
        elif 0 <= row < len(self._facts):
            fact = self._facts[row]
            others = f" It could also be {', '.join(fact.alternatives)}." if fact.alternatives else ""
            text = f"{fact.key.replace('_', ' ')}: {fact.evidence.rstrip('.')}.{others}"
        self.query_one("#fact-detail", Static).update(text)

    @property
    def _shows_rows(self) -> bool:
        return self.has_class("as-rows")

    def action_preview(self) -> None:
        """Goes from how the file was read to its first rows, or back; a wide screen shows both."""
        self.toggle_class("as-facts", "as-rows")
        self.focus_first()
        self._explain()

    def on_descendant_focus(self) -> None:
        """A click into the other table goes there."""
        for name in ("facts", "preview"):
            if self.screen.focused is self.query_one(f"#{name}"):
                self.set_class(name == "facts", "as-facts")
                self.set_class(name == "preview", "as-rows")
                self._explain()

    @work
    async def action_header_row(self) -> None:
        """Asks for the header row; the file is read again with it."""
        known = next((fact.value for fact in self._facts if fact.key == "header_row"), "")
        text = "Row with the column names, counted from 1; 0 when there is none"
        now = str(self.header_row) if self.header_row is not None else known
        answer = await self.app.push_screen_wait(LinePrompt(text, now if now.isdecimal() else "", _not_a_row))
        if answer and int(answer) != self.header_row:
            self.header_row = int(answer)
            self.edited()
            self.post_message(Told(f"ctrl+g reads the file again with its header in row {answer}."))


def _not_a_row(text: str) -> str:
    return "" if text.isdecimal() else f"{text!r} is not a row number."


def read_as(facts: Sequence[Fact], page: Preview, span: str) -> str:
    """Returns how a file was read, in one line: format, delimiter, encoding, header row, rows, time span."""
    known: Mapping[str, str] = {fact.key: fact.value for fact in facts}
    words = [_DELIMITERS.get(known[key], known[key]) for key in ("format", "delimiter", "encoding") if known.get(key)]
    columns = sum(name != "source_row" for name in page.columns)
    if header := known.get("header_row"):
        words.append(f"header in row {header}" if header != "0" else "no header row")
    words.append(f"{counted(page.total, 'row')}, {counted(columns, 'column')}")
    return " · ".join([*words, *([span] if span else [])])


def _fact_cells(fact: Fact) -> tuple[str, Text, Text]:
    value = Text(fact.value + ("  (ambiguous)" if fact.ambiguous else ""), "yellow" if fact.ambiguous else "")
    return fact.key.replace("_", " "), value, Text(fact.evidence, "dim")
