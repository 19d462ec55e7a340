"""The first lines of the process: the screen opens before anything of the commands is imported, so that it is there at
once. Whatever else is asked for is left to the commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main() -> None:
    """Opens the screen or runs the command of the process's arguments, and leaves with its exit code."""
    wanted = screen_options(sys.argv[1:])
    if wanted is not None and sys.stdin.isatty() and sys.stdout.isatty():
        try:
            from clients.tui.app import run
        except ImportError:  # without the screen's packages the commands say what is missing
            wanted = None
        if wanted is not None:
            ascii_only, theme = wanted
            sys.exit(run(ascii_only=ascii_only, theme=theme))
    from clients.cli.main import main as commands

    commands()


def screen_options(arguments: Sequence[str]) -> tuple[bool, str] | None:
    """Returns whether --ascii was given and the --theme, or None when the arguments ask for more than the screen."""
    ascii_only, theme = False, ""
    left = list(arguments)
    while left:
        word = left.pop(0)
        if word == "--ascii":
            ascii_only = True
        elif word == "--theme" and left and not left[0].startswith("-"):
            theme = left.pop(0)
        elif word.startswith("--theme=") and word != "--theme=":
            theme = word.partition("=")[2]
        else:
            return None
    return ascii_only, theme


if __name__ == "__main__":
    main()
