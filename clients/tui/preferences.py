"""What this person likes: theme, keys and the files used last. Losing it loses nothing but convenience.

Two files in the client's configuration directory: `keys.json`, which a person writes (an action's id to a key), and
`screen.json`, which the screen writes.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from clients.sdk.local import config_directory

_MOST_RECENT = 10


@dataclass(frozen=True)
class Preferences:
    """`theme` is a theme's name, "" for the usual one; data files and profiles are absolute paths, newest first. A line
    of `files` is what was typed, so that several files of one run come back together."""

    theme: str = ""
    files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()

    def used(self, files: str, profile: str) -> Preferences:
        """Returns the preferences with these as the newest."""
        return replace(self, files=_first(files, self.files), profiles=_first(profile, self.profiles))


def _first(newest: str, before: tuple[str, ...]) -> tuple[str, ...]:
    return (newest, *(one for one in before if one != newest))[:_MOST_RECENT] if newest else before


def load() -> Preferences:
    """Returns what is stored; what is missing or unreadable is as at the beginning."""
    try:
        found = json.loads((config_directory() / "screen.json").read_text("utf-8"))
    except (OSError, ValueError):
        return Preferences()
    if not isinstance(found, dict):
        return Preferences()

    def texts(name: str) -> tuple[str, ...]:
        value = found.get(name)
        return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()

    theme = found.get("theme")
    return Preferences(theme if isinstance(theme, str) else "", texts("files"), texts("profiles"))


def store(preferences: Preferences) -> None:
    """Stores the preferences. A home that cannot be written to is no reason to fail: nothing is stored then."""
    directory = config_directory()
    with contextlib.suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=directory, prefix=".screen.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(preferences), file, indent=2)
        Path(name).replace(directory / "screen.json")


def changed_keys() -> dict[str, str]:
    """Returns the user's keys from `keys.json`: {action id: key}. Raises ValueError naming the file when it is no such
    thing."""
    path = config_directory() / "keys.json"
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError:
        return {}
    except ValueError as wrong:
        raise ValueError(f"{path} is not JSON: {wrong}") from None
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found.values()):
        raise ValueError(f'{path} has to be one object like {{"map.accept": "A"}}')
    return found
