"""What a command says: documents for programs on stdout, words for people on stderr.

stdout carries data and nothing else: one JSON document with `--json`, numbered lines with `--events`, the asked-for
table otherwise. An error is one paragraph: what happened, why, what to do.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from clients.cli import typed
from clients.sdk.errors import ExitCode, SensorForgeClientError

SCHEMA_VERSION = 1

people = Console(stderr=True, highlight=False, soft_wrap=True)
# Tables in a file or a pipe are as wide as they need to be, within reason.
data = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 1000)


def document(values: Mapping[str, Any]) -> None:
    """Writes one JSON document to stdout."""
    text = json.dumps({"schema_version": SCHEMA_VERSION, **values}, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class EventLines:
    """Writes numbered events to stdout, one JSON document a line."""

    _shared: EventLines | None = None

    def __init__(self) -> None:
        self._number = 0

    @classmethod
    def shared(cls) -> EventLines:
        """Returns the one sequence of this process's stdout."""
        if cls._shared is None:
            cls._shared = cls()
        return cls._shared

    def write(self, event: str, values: Mapping[str, Any]) -> None:
        """Writes one event under the next number, from 1."""
        self._number += 1
        line = {"schema_version": SCHEMA_VERSION, "number": self._number, "event": event, **values}
        sys.stdout.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
        sys.stdout.flush()


def say(text: str, *, indent: int = 0) -> None:
    """Says a line to people: a terminal breaks it between words, `indent` columns in; a file gets one line."""
    told = typed.hints(text)
    people.print(broken(told, people.width, indent) if people.is_terminal else told, markup=False)


def broken(text: str, width: int, indent: int = 0) -> str:
    """Returns the text in lines of at most `width` columns; a `command` is never broken."""
    whole = re.sub(r"`[^`]*`", lambda found: found[0].replace(" ", "\0"), text)
    lines = textwrap.wrap(
        whole,
        max(width, indent + 20),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
        drop_whitespace=True,
    )
    return "\n".join(lines).replace("\0", " ")


def error(failed: SensorForgeClientError) -> None:
    """Says an error to people, in one paragraph."""
    remedy = f" {failed.remedy}" if failed.remedy else ""
    message = failed.message if failed.message.endswith((".", "!", "?")) else f"{failed.message}."
    say(f"Error ({failed.reason}): {message}{remedy}")


def error_document(failed: SensorForgeClientError, code: ExitCode) -> dict[str, Any]:
    """Returns an error as a document for programs."""
    return {"error": failed.to_json(), "exit_code": int(code)}


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "", empty: str = "") -> None:
    """Writes a table to stdout; `empty` says to people that there is nothing."""
    listed = [[_cell(value) for value in row] for row in rows]
    if not listed and empty:
        say(empty)
        return
    view = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        numeric = bool(listed) and all(_is_number(row[number]) for row in listed)
        view.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        view.add_row(*row)
    data.print(view, soft_wrap=False)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("[", "\\[")


_NUMBER = re.compile(r"–|[<>] ?-?[\d.,]+( ?%)?|-?[\d.,]+(e[+-]?\d+)?( ?%)?")


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None
