"""The step bar and the status line, which never scroll away, and labelled fields."""

from __future__ import annotations

import time

from rich.text import Text
from textual.app import ComposeResult, RenderResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Label, Static

from clients.tui.session import ASCII_MARKS, MARKS, Step, StepBoard
from clients.tui.views import Advance

_REPAINT_S = 0.5


class StepBar(Widget):
    """`1✔Upload 2✔Validate 3●Map 4 Clean ...`: number, mark, name; the shown step is reversed. Click goes there."""

    DEFAULT_CSS = "StepBar { height: 1; }"
    board: reactive[StepBoard | None] = reactive(None, always_update=True)
    ascii_only: reactive[bool] = reactive(False)

    class Chosen(Message):
        """A step was clicked."""

        def __init__(self, step: Step) -> None:
            super().__init__()
            self.step = step

    def render(self) -> RenderResult:
        """Returns the bar."""
        text = Text(no_wrap=True)
        for step, label in self._labels():
            style = "reverse bold" if self.board and step == self.board.current else ""
            state = self.board.records[step].state if self.board else "todo"
            colour = {"done": "green", "failed": "red", "stale": "yellow", "running": "cyan"}.get(state, "")
            text.append(label, style=" ".join(filter(None, (style, colour))))
            text.append(" ")
        return text

    def on_click(self, event: Click) -> None:
        """Goes to the step under the mouse."""
        left = 0
        for step, label in self._labels():
            if left <= event.x < left + len(label):
                self.post_message(self.Chosen(step))
                return
            left += len(label) + 1

    def _labels(self) -> list[tuple[Step, str]]:
        marks = ASCII_MARKS if self.ascii_only else MARKS
        labels = []
        for step in Step:
            state = self.board.records[step].state if self.board else "todo"
            current = self.board is not None and step == self.board.current and state == "todo"
            mark = ("*" if self.ascii_only else "●") if current else marks[state]
            labels.append((step, f"{int(step)}{mark}{step.title}"))
        return labels


class StatusLine(Static):
    """What is being done and how far it is, or what the last step came to: one line, two for a long sentence. An answer
    to a person's key is left standing for a moment before progress takes the place back."""

    DEFAULT_CSS = """
    StatusLine { height: auto; min-height: 1; max-height: 2; width: 1fr; padding: 0 1; }
    """
    _held_until = 0.0
    _painted_at = 0.0
    _text = ""
    _phase = ""
    _waiting: Timer | None = None

    class Asked(Message):
        """The line was clicked: a person wants to read all of it."""

    def on_click(self) -> None:
        """Asks for the rest of what is shown."""
        self.post_message(self.Asked())

    def shows(self, text: str) -> bool:
        """Returns whether this sentence is what is shown."""
        return self._text == text

    def show_advance(self, advance: Advance, width: int = 20, *, ascii_only: bool = False) -> None:
        """Shows progress as words, a bar where the total is known, and the time left from ten seconds on; within one
        phase twice a second at most, since a line like this costs more bytes than anyone reads."""
        now = time.monotonic()
        if now < self._held_until:
            return
        full, empty = ("#", "-") if ascii_only else ("█", "░")
        parts = [advance.phase or advance.message]
        if advance.total:
            filled = round(width * min(advance.done / advance.total, 1.0))
            parts.append(full * filled + empty * (width - filled))
            parts.append(advance.message if advance.phase and advance.message else _share(advance))
        if advance.eta_s >= 10:
            parts.append(f"about {duration(advance.eta_s)} left")
        self._stop_waiting()
        wait = self._painted_at + _REPAINT_S - now if advance.phase == self._phase else 0.0
        if wait > 0:
            self._waiting = self.set_timer(wait, lambda: self._paint(parts, advance.phase))
        else:
            self._paint(parts, advance.phase)

    def show_text(self, text: str, style: str = "", *, hold_s: float = 0.0) -> None:
        """Shows a sentence in a style of the theme, for `hold_s` seconds at least."""
        self._stop_waiting()
        self._held_until = time.monotonic() + hold_s
        self._text, self._phase = text, ""
        self.update(Content.styled(text, style))

    def _paint(self, parts: list[str], phase: str) -> None:
        self._phase, self._painted_at = phase, time.monotonic()
        self._text = "  ".join(filter(None, parts))
        self.update(Text(self._text, no_wrap=True, overflow="ellipsis"))

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None


class Field(Horizontal):
    """A control with its label; the label of the one that has the focus is marked, not only coloured."""

    def __init__(self, label: str, control: Widget) -> None:
        super().__init__()
        self._label = label
        self._control = control

    def compose(self) -> ComposeResult:
        """Shows the label before the control."""
        yield Label(f"  {self._label}", markup=False)
        yield self._control

    def on_descendant_focus(self) -> None:
        """Marks the label."""
        self.query_one(Label).update(f"› {self._label}")

    def on_descendant_blur(self) -> None:
        """Takes the mark away."""
        self.query_one(Label).update(f"  {self._label}")


def _share(advance: Advance) -> str:
    return f"{advance.done:,}/{advance.total:,}"


def duration(seconds: float) -> str:
    """Returns a time span in at most two units, e.g. "3 min 20 s"."""
    whole = max(0, round(seconds))
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {name}" if rest else "")
    return f"{whole} s"


def age(seconds: float) -> str:
    """Returns how long ago something was, in one unit, e.g. "3 min"."""
    return " ".join(duration(seconds).split()[:2])


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun: "1 error", "2 errors"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
