"""What data sets to generate: how many rows, and which condition every one of them meets."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from clients.tui.widgets import Field

FEWEST_ROWS, MOST_ROWS = 10, 10_000_000  # as refine.augment accepts


class DataSetsPrompt(ModalScreen[tuple[int, str] | None]):
    """Asks for rows and condition; None means: leave the data sets as they are. Shows at once how the rows split."""

    BINDINGS = [("escape", "leave", "Cancel")]

    def __init__(self, rows: int, where: str, sensors: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._rows = rows
        self._where = where
        self._sensors = sensors

    def compose(self) -> ComposeResult:
        """Shows both fields, what they come to, and an example."""
        with Vertical(classes="dialog"):
            yield Static("Generate data sets", classes="dialog-title")
            yield Static("", classes="dialog-gap")
            yield Field("rows", Input(str(self._rows), type="integer", id="set-count", compact=True))
            yield Field("where", Input(self._where, placeholder="every row", id="set-where", compact=True))
            yield Static(id="set-split", markup=False)
            yield Static(self._example(), classes="faint", markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield Button("Generate", id="generate", variant="primary", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Says how the rows split."""
        self._say()

    def on_input_changed(self) -> None:
        """Says how the rows split."""
        self._say()

    def on_input_submitted(self) -> None:
        """Gives both."""
        self._give()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Gives both or nothing."""
        if event.button.id == "generate":
            self._give()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Gives nothing."""
        self.dismiss(None)

    def _example(self) -> str:
        sensor = next((name for name in self._sensors if name != "rul"), "")
        written = sensor if sensor.isidentifier() else f"`{sensor}`"
        examples = [*(["rul < 50"] if "rul" in self._sensors else []), *([f"{written} > 80"] if sensor else [])]
        return f"For example {' or '.join(examples)}." if examples else ""

    def _count(self) -> int | None:
        text = self.query_one("#set-count", Input).value.replace(",", "").replace("_", "").strip()
        count = int(text) if text.isdecimal() else 0
        return count if FEWEST_ROWS <= count <= MOST_ROWS else None

    def _say(self) -> None:
        count = self._count()
        said = self.query_one("#set-split", Static)
        said.set_class(count is None, "problem-text")
        if count is None:
            said.update(f"rows: a whole number from {FEWEST_ROWS} to {MOST_ROWS:,}.")
        else:
            said.update("{:,} to train, {:,} to validate, {:,} to test.".format(*split(count)))

    def _give(self) -> None:
        count = self._count()
        if count is not None:
            self.dismiss((count, self.query_one("#set-where", Input).value.strip()))


def split(rows: int) -> tuple[int, int, int]:
    """Returns how many rows each set gets: 70, 15 and 15 %, exactly `rows` in all, as the service divides them."""
    hundredths = [rows * share for share in (70, 15, 15)]
    sizes = [h // 100 for h in hundredths]
    for i in sorted(range(3), key=lambda i: (-(hundredths[i] % 100), i))[: rows - sum(sizes)]:
        sizes[i] += 1
    return sizes[0], sizes[1], sizes[2]
