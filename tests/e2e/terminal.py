"""A real terminal of a given size, by way of tmux: press keys, read what is on the screen, wait until it says so."""

from __future__ import annotations

import shlex
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

_LOOK_EVERY_S = 0.1


class Terminal:
    """Runs one command in a terminal of its own until it is left; `with` ends it in any case."""

    def __init__(self, command: Sequence[str], size: tuple[int, int], environment: Mapping[str, str]) -> None:
        self._server = ["tmux", "-L", f"sensorforge-{uuid.uuid4().hex[:8]}", "-f", "/dev/null"]
        told = [f"{name}={value}" for name, value in environment.items()]
        # The last line tells the exit code; `read` keeps the terminal open for whoever wants to read it.
        inside = shlex.join(["env", *told, *command]) + "; echo EXIT $?; read -r _"
        width, height = map(str, size)
        self._tmux("new-session", "-d", "-x", width, "-y", height, "-s", "t", "sh", "-c", inside)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._tmux("kill-server")

    def screen(self) -> str:
        """Returns what is shown, as text."""
        return self._tmux("capture-pane", "-p", "-t", "t")

    def press(self, *keys: str) -> None:
        """Presses keys by their tmux names: Enter, Escape, C-g, Down, x."""
        self._tmux("send-keys", "-t", "t", *keys)

    def type(self, text: str) -> None:
        """Types text."""
        self._tmux("send-keys", "-t", "t", "-l", text)

    def click(self, word: str) -> None:
        """Clicks the middle of a word on the screen, as a mouse does: button down, button up (xterm's SGR mode)."""
        lines = self.screen().splitlines()
        row, line = next((number, text) for number, text in enumerate(lines, 1) if word in text)
        column = line.index(word) + len(word) // 2 + 1
        for end in "Mm":
            self.type(f"\x1b[<0;{column};{row}{end}")

    def resize(self, width: int, height: int) -> None:
        """Gives the window another size."""
        self._tmux("resize-window", "-t", "t", "-x", str(width), "-y", str(height))

    def wait_for(self, *words: str, within_s: float = 20.0) -> str:
        """Returns the screen once all words are on it. Raises AssertionError showing the last screen when they are not
        there within `within_s` seconds."""
        deadline = time.monotonic() + within_s
        while True:
            shown = self.screen()
            missing = [word for word in words if word not in shown]
            if not missing:
                return shown
            assert time.monotonic() < deadline, f"{missing} not shown within {within_s:.0f} s:\n{shown}"
            time.sleep(_LOOK_EVERY_S)

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run([*self._server, *arguments], capture_output=True, text=True, check=False, timeout=10)
        assert done.returncode == 0 or "kill-server" in arguments, done.stderr
        return done.stdout
