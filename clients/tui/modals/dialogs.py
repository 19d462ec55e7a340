"""Small dialogs: a problem, a yes-or-no question, a line of text, a choice by typing, rows to read, and help."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from clients.tui.tables import Column, FittedTable
from clients.tui.views import Preview, Problem

_WIDEST_CELL = 24


class ProblemDialog(ModalScreen[None]):
    """What happened, why, and what to do; all of it can be copied."""

    BINDINGS = [("escape", "dismiss_none", "Close"), ("enter", "dismiss_none", "Close"), ("c", "copy", "Copy")]

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self._problem = problem

    def compose(self) -> ComposeResult:
        """Shows the sentences above the buttons."""
        with Vertical(classes="dialog problem"):
            yield Label("✖ This did not work", classes="dialog-title")
            with VerticalScroll(classes="dialog-text"):
                yield Static(self._problem.message, markup=False)
                if self._problem.remedy:
                    yield Static("")
                    yield Static("What to do: " + self._problem.remedy, markup=False)
                if self._problem.reason:
                    yield Static(f"Code: {self._problem.reason}", classes="faint", markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield Button("Close", id="close", variant="primary", compact=True)
                yield Button("Copy (c)", id="copy", compact=True)

    def on_mount(self) -> None:
        """Puts the focus on the button that closes."""
        self.query_one("#close").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Closes or copies."""
        if event.button.id == "copy":
            self.action_copy()
        else:
            self.dismiss(None)

    def action_copy(self) -> None:
        """Puts everything into the terminal's clipboard."""
        self.app.copy_to_clipboard("\n".join((self._problem.message, self._problem.remedy, self._problem.reason)))
        self.query_one("#copy", Button).label = "Copied"

    def action_dismiss_none(self) -> None:
        """Closes."""
        self.dismiss(None)


class Question(ModalScreen[str]):
    """Asks for one of a few answers; escape gives the last one."""

    BINDINGS = [
        ("escape", "last", "Cancel"),
        ("left,up", "app.focus_previous", ""),
        ("right,down", "app.focus_next", ""),
    ]

    def __init__(self, text: str, answers: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._text = text
        self._answers = answers

    def compose(self) -> ComposeResult:
        """Shows the question and a button an answer."""
        with Vertical(classes="dialog"):
            yield Static(self._text, markup=False)
            with Horizontal(classes="dialog-buttons"):
                for number, (key, label) in enumerate(self._answers):
                    yield Button(label, id=key, variant="primary" if number == 0 else "default", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Gives the answer."""
        self.dismiss(event.button.id or "")

    def action_last(self) -> None:
        """Gives the last answer, which changes nothing."""
        self.dismiss(self._answers[-1][0])


class LinePrompt(ModalScreen[str | None]):
    """Asks for a line of text; None means: nothing is to be done. `wrong` says what is wrong with a text, "" for
    nothing."""

    BINDINGS = [("escape", "nothing", "Cancel")]

    def __init__(self, text: str, value: str, wrong: Callable[[str], str] = lambda _: "") -> None:
        super().__init__()
        self._text = text
        self._value = value
        self._wrong = wrong

    def compose(self) -> ComposeResult:
        """Shows the question and the text to edit."""
        with Vertical(classes="dialog"):
            yield Static(self._text, markup=False)
            yield Input(self._value, id="line", compact=True)
            yield Static("Enter accepts, esc cancels.", id="line-hint", classes="faint", markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield Button("Accept", id="accept", variant="primary", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_input_submitted(self) -> None:
        """Gives the text."""
        self._give()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Gives the text or nothing."""
        if event.button.id == "accept":
            self._give()
        else:
            self.action_nothing()

    def _give(self) -> None:
        text = self.query_one(Input).value.strip()
        if wrong := self._wrong(text):
            hint = self.query_one("#line-hint", Static)
            hint.set_class(True, "problem-text")
            hint.update(wrong)
        else:
            self.dismiss(text)

    def action_nothing(self) -> None:
        """Gives nothing."""
        self.dismiss(None)


class Picker(ModalScreen[str]):
    """Chooses one of many by typing a part of it; "" means nothing was chosen. `about` says what is chosen for."""

    BINDINGS = [("escape", "nothing", "Cancel"), ("down", "down", ""), ("up", "up", "")]

    def __init__(self, title: str, choices: Sequence[tuple[str, str]], about: str = "") -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._about = about

    def compose(self) -> ComposeResult:
        """Shows the filter above the choices."""
        with Vertical(classes="dialog picker"):
            yield Label(self._title, classes="dialog-title", markup=False)
            if self._about:
                yield Static(self._about, classes="faint", markup=False)
            yield Input(placeholder="type to filter; up and down choose, Enter takes", id="filter", compact=True)
            yield OptionList(id="choices", markup=False, compact=True)

    def on_mount(self) -> None:
        """Shows everything at first."""
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrows the choices."""
        self._show(event.value)

    def on_input_submitted(self) -> None:
        """Takes the highlighted choice, or the first."""
        options = self.query_one(OptionList)
        if options.option_count:
            chosen = options.get_option_at_index(options.highlighted or 0)
            self.dismiss(chosen.id or "")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Takes the choice."""
        self.dismiss(event.option.id or "")

    def action_down(self) -> None:
        """Moves the highlight while the focus stays in the filter."""
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        """Moves the highlight while the focus stays in the filter."""
        self.query_one(OptionList).action_cursor_up()

    def action_nothing(self) -> None:
        """Gives nothing."""
        self.dismiss("")

    def _show(self, typed: str) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        words = typed.casefold().split()
        options.add_options(
            [Option(label, id=key) for key, label in self._choices if all(word in label.casefold() for word in words)]
        )
        if options.option_count:
            options.highlighted = 0


class Rows(ModalScreen[None]):
    """Rows of a table to read."""

    BINDINGS = [("escape", "close", "Close"), ("enter", "close", "Close")]

    def __init__(self, title: str, rows: Preview) -> None:
        super().__init__()
        self._title = title
        self._rows = rows

    def compose(self) -> ComposeResult:
        """Shows the rows above the button."""
        with Vertical(classes="dialog rows"):
            yield Label(self._title, classes="dialog-title", markup=False)
            yield FittedTable(id="rows")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Close", id="close", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Fills the table."""
        self.query_one("#rows", FittedTable).fill(self._rows.rows, columns=preview_columns(self._rows))
        self.query_one("#rows").focus()

    def on_button_pressed(self) -> None:
        """Closes."""
        self.dismiss(None)

    def action_close(self) -> None:
        """Closes."""
        self.dismiss(None)


def preview_columns(shown: Preview) -> list[Column]:
    """Returns the columns of a preview: the first stays, the others give way where there is no room."""
    widths = [max([len(name), *(len(row[i]) for row in shown.rows)]) for i, name in enumerate(shown.columns)]
    return [
        Column(name, min(width, _WIDEST_CELL), i > 0)
        for i, (name, width) in enumerate(zip(shown.columns, widths, strict=True))
    ]


class Help(ModalScreen[None]):
    """What has the focus, and the keys that are valid where the person is."""

    BINDINGS = [("escape", "close", "Close"), ("question_mark,f1", "close", "Close")]

    def __init__(self, lines: Sequence[tuple[str, str]], about: str = "") -> None:
        super().__init__()
        self._lines = lines
        self._about = about

    def compose(self) -> ComposeResult:
        """Shows what the focused widget is for, then a key and a sentence a line."""
        with VerticalScroll(classes="dialog help", can_focus=True):
            yield Label("Help", classes="dialog-title")
            if self._about:
                yield Static(self._about, classes="help-about", markup=False)
            for key, text in self._lines:
                with Horizontal(classes="help-line"):
                    yield Label(key, classes="help-key", markup=False)
                    yield Static(text, markup=False)
            yield Static("\nctrl+p lists every action; a click does what a key does. esc closes this.", classes="faint")

    def on_click(self) -> None:
        """A click closes."""
        self.dismiss(None)

    def action_close(self) -> None:
        """Closes."""
        self.dismiss(None)
