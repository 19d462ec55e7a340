"""Small dialogs: a problem, a yes-or-no question, a line of text, a choice by typing, and help."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from clients.tui.views import Problem


class ProblemDialog(ModalScreen[None]):
    """What happened, why, and what to do."""

    BINDINGS = [("escape", "dismiss_none", "Close"), ("enter", "dismiss_none", "Close")]

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self._problem = problem

    def compose(self) -> ComposeResult:
        """Shows the sentences and one button."""
        with Vertical(classes="dialog problem"):
            yield Label("✖ This did not work", classes="dialog-title")
            with VerticalScroll(classes="dialog-text"):
                yield Static(self._problem.message, markup=False)
                if self._problem.remedy:
                    yield Static("")
                    yield Static("What to do: " + self._problem.remedy, markup=False)
                if self._problem.reason:
                    yield Static(f"Code: {self._problem.reason}", classes="faint", markup=False)
            yield Button("Close", id="close", variant="primary")

    def on_mount(self) -> None:
        """Puts the focus on the button."""
        self.query_one("#close").focus()

    def on_button_pressed(self) -> None:
        """Closes."""
        self.dismiss(None)

    def action_dismiss_none(self) -> None:
        """Closes."""
        self.dismiss(None)


class Question(ModalScreen[str]):
    """Asks for one of a few answers; escape gives the last one."""

    BINDINGS = [("escape", "last", "Cancel")]

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
                    yield Button(label, id=key, variant="primary" if number == 0 else "default")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Gives the answer."""
        self.dismiss(event.button.id or "")

    def action_last(self) -> None:
        """Gives the last answer, which changes nothing."""
        self.dismiss(self._answers[-1][0])


class LinePrompt(ModalScreen[str]):
    """Asks for a line of text; empty means: no."""

    BINDINGS = [("escape", "nothing", "Cancel")]

    def __init__(self, text: str, value: str) -> None:
        super().__init__()
        self._text = text
        self._value = value

    def compose(self) -> ComposeResult:
        """Shows the question and the text to edit."""
        with Vertical(classes="dialog"):
            yield Static(self._text, markup=False)
            yield Input(self._value, id="line")
            yield Static("Enter accepts, esc cancels.", classes="faint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Gives the text."""
        self.dismiss(event.value.strip())

    def action_nothing(self) -> None:
        """Gives nothing."""
        self.dismiss("")


class Picker(ModalScreen[str]):
    """Chooses one of many by typing a part of it; "" means nothing was chosen."""

    BINDINGS = [("escape", "nothing", "Cancel"), ("down", "down", ""), ("up", "up", "")]

    def __init__(self, title: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._choices = choices

    def compose(self) -> ComposeResult:
        """Shows the filter above the choices."""
        with Vertical(classes="dialog picker"):
            yield Label(self._title, markup=False)
            yield Input(placeholder="type to filter; up and down choose, Enter takes", id="filter")
            yield OptionList(id="choices", markup=False)

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


class Help(ModalScreen[None]):
    """The keys that are valid where the person is."""

    BINDINGS = [("escape", "close", "Close"), ("question_mark", "close", "Close")]

    def __init__(self, lines: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        """Shows a key and a sentence a line."""
        with VerticalScroll(classes="dialog help", can_focus=True):
            yield Label("Keys here", classes="dialog-title")
            for key, text in self._lines:
                with Horizontal(classes="help-line"):
                    yield Label(key, classes="help-key", markup=False)
                    yield Static(text, markup=False)
            yield Static("\nEvery action is also a button or in the palette, ctrl+p. esc closes this.", classes="faint")

    def action_close(self) -> None:
        """Closes."""
        self.dismiss(None)
