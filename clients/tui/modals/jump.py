"""Jump mode: a letter on everything that takes the focus; typing it goes there. A button is pressed."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.events import Click, Key
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Button, Label

_LETTERS = "asdfghjklqwertyuiopzxcvbnm"


def targets_on(screen: Screen[object]) -> dict[str, Widget]:
    """Returns whatever takes the focus and can be seen on a screen, by letter, from top left to bottom right."""
    seen = [widget for widget in screen.focus_chain if _visible(screen, widget)]
    seen.sort(key=lambda widget: (widget.region.y, widget.region.x))
    return dict(zip(_LETTERS, seen, strict=False))


def _visible(screen: Screen[object], widget: Widget) -> bool:
    return bool(widget.region.area) and screen.region.overlaps(widget.region)


class Jump(ModalScreen[None]):
    """Shows the letters over the screen below; any other key leaves."""

    def __init__(self, targets: Mapping[str, Widget]) -> None:
        super().__init__()
        self._targets = targets

    def compose(self) -> ComposeResult:
        """Shows a letter at the left end of every target."""
        for letter, widget in self._targets.items():
            label = Label(letter, classes="jump-letter", markup=False)
            label.styles.offset = widget.region.offset
            yield label
        yield Label("Type a letter to go there; any other key leaves.", id="jump-hint", markup=False)

    def on_key(self, event: Key) -> None:
        """Goes to the target of a letter."""
        event.stop()
        self._go(self._targets.get(event.character or ""))

    def on_click(self, event: Click) -> None:
        """Goes to the target under the mouse."""
        at = (event.screen_x, event.screen_y)
        self._go(next((target for target in self._targets.values() if target.region.contains(*at)), None))

    def _go(self, target: Widget | None) -> None:
        self.dismiss(None)
        if isinstance(target, Button):
            target.press()
        elif target is not None:
            target.focus()
