"""Every command shows examples, and every example is one that the command accepts."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import typer.main

from clients.cli.examples import EXAMPLES, commands
from clients.cli.main import app


def test_every_command_has_an_example() -> None:
    assert set(commands(app)) == set(EXAMPLES)


@pytest.mark.parametrize(("words", "line"), [(words, line) for words, lines in EXAMPLES.items() for line in lines])
def test_command_accepts_its_example(words: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in shlex.split(line):
        if Path(name).suffix in {".csv", ".yaml", ".json", ".txt"} and "/" not in name:
            (tmp_path / name).touch()
    assert line.startswith(f"sensorforge {words}")
    command, rest = typer.main.get_command(app), shlex.split(line)[1:]
    for word in words.split():
        assert rest.pop(0) == word
        command = command.commands[word]  # type: ignore[attr-defined]
    # Parsing checks options, words and types, and calls nothing.
    command.make_context(words, rest)


def test_help_shows_the_examples_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app(["run", "--help"])
    shown = capsys.readouterr().out
    assert all(f"\n    {line}\n" in shown for line in EXAMPLES["run"])
