"""How the commands that are recommended have to be typed here: with the path that this command was called by, and with
the variables that it was told. A recommendation that cannot be pasted is none."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

_NAME = "sensorforge"
_MENTION = re.compile(rf"(?<=`){_NAME}(?=[ `])")
_variables: dict[str, str] = {}


def needs(variables: Mapping[str, str]) -> None:
    """Says that what is recommended works only with these environment variables."""
    _variables.update(variables)


def command(*words: str, **variables: str) -> str:
    """Returns a command line, quoted for a shell: `sensorforge` as it is to be typed here, its words, and before it the
    variables that the environment does not have."""
    told = [f"{name}={shlex.quote(value)}" for name, value in variables.items() if os.environ.get(name) != value]
    return " ".join([*told, _called(), *([shell_words(*words)] if words else [])])


def shell_words(*words: str) -> str:
    """Returns words quoted for a shell."""
    return " ".join(map(shlex.quote, words))


def hints(text: str) -> str:
    """Returns the text with every `sensorforge ...` in it written as it is to be typed here."""
    return _MENTION.sub(lambda _: command(**_variables), text)


def _called() -> str:
    script = Path(sys.argv[0])
    if script.name != _NAME:
        return _NAME
    found = shutil.which(_NAME)
    if found and os.path.realpath(found) == os.path.realpath(script):
        return _NAME
    near = os.path.relpath(script)
    return shlex.quote(near if not near.startswith("..") else str(script.absolute()))
