"""A field for a path: Tab completes, what could come next is shown in grey, and a dropped file is taken as typed."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding
from textual.events import Paste
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from clients.tui import paths

_SHOWN = 8


class _FirstCompletion(Suggester):
    async def get_suggestion(self, value: str) -> str | None:
        """Returns the text with its path completed by the first file that fits."""
        options = paths.completions(value, most=1)
        start = len(value) - len(value[value.rfind(" ") + 1 :]) if options and not options[0].startswith(value) else 0
        return value[:start] + options[0] if options else None


class PathInput(Input):
    """A text field that knows files. Tab goes on to the next field once there is nothing to complete."""

    BINDINGS = [Binding("tab", "complete", "Complete", show=False)]
    HELP = (
        "A path on this machine. Tab completes it, the right arrow takes what is shown in grey, and a file dropped on "
        "this window is taken."
    )

    class Options(Message):
        """There are several ways to go on."""

        def __init__(self, field: str, names: Sequence[str]) -> None:
            super().__init__()
            self.field = field
            self.names = names

    def __init__(self, *, placeholder: str, id: str) -> None:
        super().__init__(
            placeholder=placeholder,
            id=id,
            compact=True,
            suggester=_FirstCompletion(use_cache=False, case_sensitive=True),
        )

    def action_complete(self) -> None:
        """Completes as far as it is certain; then shows what there is; then goes on."""
        text = self.value
        completed = paths.completion(text) if text else text
        if completed != text:
            self.value = completed
            self.cursor_position = len(completed)
            return
        options = paths.completions(text, most=_SHOWN + 1) if text else []
        if (len(options) > 1 and not paths.is_file(text)) or (len(options) == 1 and options[0] != text):
            names = [
                option.rstrip("/").rsplit("/", 1)[-1] + ("/" if option.endswith("/") else "") for option in options
            ]
            self.post_message(self.Options(self.id or "", names[:_SHOWN] + ["…"] * (len(names) > _SHOWN)))
        else:
            self.screen.focus_next()

    def on_paste(self, event: Paste) -> None:
        """Takes a pasted piece of a path here; a whole one is left to the pane, which knows where it belongs."""
        event.prevent_default()
        text = paths.pasted(event.text)
        if not text.startswith(("/", "~", "'/", "'~")):
            event.stop()
            self.insert_text_at_cursor(text)
