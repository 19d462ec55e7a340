"""A person who knows nothing but what the screen says: presses only keys that the footer shows and clicks only what
can be seen."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.app import App
from textual.events import Paste
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Button, Input
from textual.widgets._footer import FooterKey  # the footer's keys have no public name

_WITHIN_S = 60.0


async def calm(pilot: Pilot[None]) -> None:
    """Waits until nothing is being done any more and all is painted, or a dialog asks for something."""
    deadline = time.monotonic() + _WITHIN_S
    at_rest = 0
    while at_rest < 3:  # a click becomes a message, the message a worker, the worker a dialog
        await pilot.pause(0.005)
        left = _left_to_do(pilot.app)
        assert time.monotonic() < deadline, left
        at_rest = 0 if left else at_rest + 1


def _left_to_do(app: App[None]) -> list[object]:
    """Returns what still runs or waits: workers, unless a dialog is open, messages, callbacks, and paint."""
    screen = app.screen
    left: list[object] = [] if screen.is_modal else [worker for worker in app.workers if not worker.is_finished]
    # What follows has no public name: a screen is at rest when it says so itself, in its own words.
    left += [pump for pump in (app, *screen.walk_children(with_self=True)) if pump.message_queue_size]
    left += [pump for pump in (app, *screen.walk_children(with_self=True)) if pump._next_callbacks]
    left += [*screen._dirty_widgets, *screen._callbacks]
    flags = ("_layout_required", "_scroll_required", "_repaint_required", "_recompose_required")
    left += [flag for flag in flags if getattr(screen, flag)]
    return left + ["a batch of updates"] * app._batch_count


class Newcomer:
    """Acts through a pilot and refuses what nothing on the screen invites to."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self._pilot = pilot

    @property
    def hints(self) -> dict[str, FooterKey]:
        """Returns the footer's keys that can be seen whole, by their word."""
        screen = self._pilot.app.screen
        return {
            key.description: key
            for key in screen.query(FooterKey)
            if key.region.area and screen.region.contains_region(key.region)
        }

    async def press(self, word: str) -> None:
        """Presses the key that stands beside a word in the footer."""
        await self._seen(lambda: word in self.hints)
        assert word in self.hints, f"no {word!r} in the footer: {', '.join(self.hints)}"
        await self._pilot.press(self.hints[word].key)
        await calm(self._pilot)

    async def type(self, text: str) -> None:
        """Types into the field that has the focus."""
        await self._seen(lambda: isinstance(self._pilot.app.focused, Input))
        assert isinstance(self._pilot.app.focused, Input), f"the focus is on {self._pilot.app.focused}"
        await self._pilot.press(*text)
        await calm(self._pilot)

    async def answer(self, key: str) -> None:
        """Presses Enter, escape, Tab or an arrow, which a dialog names or everybody tries."""
        assert key in ("enter", "escape", "tab", "up", "down", "left", "right")
        await self._pilot.press(key)
        await calm(self._pilot)

    async def drop(self, path: str) -> None:
        """Drops a file on the window, which the terminal passes on as a pasted text."""
        self._pilot.app.post_message(Paste(f"'{path}'"))
        await calm(self._pilot)

    async def click(self, target: str | Widget) -> None:
        """Clicks the middle of a widget: a button by its label, a hint by its word, or one that was pointed at."""
        widget = target if isinstance(target, Widget) else self._labelled(target)
        screen = self._pilot.app.screen
        await self._seen(lambda: bool(widget.region.area))
        middle = widget.region.center
        found, _ = screen.get_widget_at(*middle)
        assert found is widget, f"{target} is covered by {found}"
        await self._pilot.click(offset=middle)
        await calm(self._pilot)

    async def click_at(self, x: int, y: int) -> None:
        """Clicks a place on the screen."""
        assert self._pilot.app.screen.region.contains(x, y)
        await self._pilot.click(offset=(x, y))
        await calm(self._pilot)

    async def _seen(self, condition: Callable[[], bool]) -> None:
        """Looks at the screen until it shows what is expected, or has had long enough."""
        deadline = time.monotonic() + _WITHIN_S
        while not condition() and time.monotonic() < deadline:
            await self._pilot.pause(0.01)

    def _labelled(self, label: str) -> Widget:
        for button in self._pilot.app.screen.query(Button):
            if str(button.label).strip() == label and button.region.area:
                return button
        assert label in self.hints, f"nothing on the screen says {label!r}"
        return self.hints[label]
