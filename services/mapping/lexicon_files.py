"""The files of the lexicon: versioned YAML that a user can extend with one of the same form (`SENSORFORGE_LEXICON`).

A wrong entry is refused with its file and key.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from services.chassis.errors import SensorForgeError
from services.machines.document import plain_yaml
from services.mapping import errors as errors
from services.mapping.lexicon import Lexicon, Reading, fold

_ROMANCE = frozenset({"fr", "es", "it", "pt"})  # where "de" is a preposition
_FILES = (
    "quantities.yaml", "components.yaml", "qualifiers.yaml", "abbreviations.yaml", "buildings.yaml", "electrical.yaml",
    "engines.yaml", "process.yaml", "machining.yaml", "steam.yaml", "storage.yaml", "chinese.yaml", "production.yaml",
    "fluids.yaml", "vehicles.yaml", "figures.yaml", "standards.yaml", "roles.yaml",
)  # fmt: skip
_QUALIFIERS = "qualifiers.yaml"
_SECTIONS = {
    "version", "quantities", "concepts", "abbreviations", "phrases", "neutral", "exclusive", "one_sided", "related",
    "stop", "rarely_units", "isa_first", "isa_following", "isa_setpoint", "stations", "phases", "roles",
    "kks_systems", "kks_measures",
}  # fmt: skip


class _Builder:
    def __init__(self) -> None:
        self.readings: dict[str, list[Reading]] = {}
        self.short: dict[str, list[Reading]] = {}
        self.sections: dict[str, Any] = {name: {} for name in _SECTIONS}
        self.lists: dict[str, list[Any]] = {"neutral": [], "exclusive": [], "one_sided": [], "related": [], "stop": []}
        self.dimensions: dict[str, frozenset[str]] = {}
        self.phrases: dict[tuple[str, ...], tuple[Reading, ...]] = {}
        self.qualifiers: set[str] = set()
        self.romance: set[str] = set()
        self.english: set[str] = set()
        self.digest = hashlib.sha256()

    def add(self, text: str, source: str) -> None:
        self.digest.update(text.encode())
        try:
            raw = plain_yaml(text)
        except yaml.YAMLError as error:
            raise SensorForgeError("LEXICON_INVALID", f"{source} is no valid YAML: {error}") from error
        if not isinstance(raw, dict) or "version" not in raw:
            raise SensorForgeError("LEXICON_INVALID", f"{source} must be a mapping with a version.")
        unknown = sorted(set(map(str, raw)) - _SECTIONS)
        if unknown:
            raise SensorForgeError("LEXICON_INVALID", f"{source} has the unknown section {unknown[0]!r}.")
        for name, entry in _items(raw, "quantities", source):
            if not isinstance(entry, dict):
                raise SensorForgeError("LEXICON_INVALID", f"{source}: quantities.{name} must be a mapping.")
            dimensions = frozenset(map(str, entry.get("dimensions", ())))
            self.dimensions[name] = self.dimensions.get(name, frozenset()) | dimensions
            self._words(name, entry, source)
        for name, entry in _items(raw, "concepts", source):
            self._words(name, entry, source)
            if source == _QUALIFIERS:
                self.qualifiers.add(name)
        for word, meanings in _items(raw, "abbreviations", source):
            if not isinstance(meanings, list) or not all(isinstance(meaning, str) for meaning in meanings):
                raise SensorForgeError("LEXICON_INVALID", f"{source}: abbreviations.{word} must be a list of readings.")
            self.short[fold(word)] = [_reading(meaning) for meaning in meanings]
        for phrase, meaning in _items(raw, "phrases", source):
            meanings = meaning if isinstance(meaning, list) else [meaning]
            self.phrases[tuple(fold(phrase).split())] = tuple(_reading(str(one)) for one in meanings)
        for name in self.lists:
            value = raw.get(name, [])
            if not isinstance(value, list):
                raise SensorForgeError("LEXICON_INVALID", f"{source}: {name} must be a list.")
            self.lists[name] += value
        for name in ("isa_first", "stations", "phases", "roles", "kks_systems", "kks_measures"):
            self.sections[name].update(dict(_items(raw, name, source)))
        self.sections["rarely_units"] = [
            *(self.sections["rarely_units"] or []),
            *str(raw.get("rarely_units", "")).split(),
        ]
        self.sections["isa_following"] = [*(self.sections["isa_following"] or []), *raw.get("isa_following", [])]

    def _words(self, concept: str, entry: Any, source: str) -> None:
        groups = entry if isinstance(entry, dict) else {"en": entry}
        words = [concept]
        for language, text in groups.items():
            if language == "dimensions":
                continue
            if not isinstance(text, str):
                raise SensorForgeError("LEXICON_INVALID", f"{source}: {concept}.{language} must be words in one text.")
            words += text.split()
            spoken = {fold(word) for word in text.split()}
            (self.romance if language in _ROMANCE else self.english).update(spoken)
        for word in words:
            parts = tuple(fold(word).split("_"))
            if len(parts) > 1 and all(len(part) > 1 for part in parts):  # two words that mean one thing
                self.phrases.setdefault(parts, ((concept,),))
            for spelling in _spellings(word):
                known = self.readings.setdefault(spelling, [])
                if (concept,) not in known:
                    known.append((concept,))

    def build(self) -> Lexicon:
        readings = {word: tuple(found) for word, found in self.readings.items()}
        readings |= {word: tuple(found) for word, found in self.short.items()}
        related = {}
        for a, b, likeness in self.lists["related"]:
            related[(a, b)] = related[(b, a)] = float(likeness)
        return Lexicon(
            digest=self.digest.hexdigest(),
            readings=readings,
            phrases=self.phrases,
            dimensions=self.dimensions,
            exclusive=tuple(frozenset(group) for group in self.lists["exclusive"]),
            one_sided=frozenset(self.lists["one_sided"]),
            neutral=frozenset(self.lists["neutral"]),
            qualifiers=frozenset(self.qualifiers),
            related=related,
            stop=frozenset(fold(str(word)) for word in self.lists["stop"]),
            isa_first=self.sections["isa_first"],
            isa_following=frozenset(self.sections["isa_following"]),
            stations={number: tuple(text.split()) for number, text in self.sections["stations"].items()},
            phases=self.sections["phases"],
            romance=frozenset(self.romance - self.english),
            rarely_units=frozenset(self.sections["rarely_units"]),
            kks_systems=self.sections["kks_systems"],
            kks_measures=self.sections["kks_measures"],
            roles={
                role: frozenset(re.sub(r"[^\w]|_", "", fold(word)) for word in entry["words"].split())
                for role, entry in self.sections["roles"].items()
            },
        )


def _items(raw: Mapping[str, Any], section: str, source: str) -> Iterable[tuple[str, Any]]:
    value = raw.get(section, {})
    if not isinstance(value, dict):
        raise SensorForgeError("LEXICON_INVALID", f"{source}: {section} must be a mapping.")
    return [(str(key), entry) for key, entry in value.items()]


def _reading(text: str) -> Reading:
    """Returns the concepts of a reading; its numbers are those of names (#1)."""
    return tuple(f"#{word}" if word.isdigit() else word for word in text.split())


_UMLAUTS = {ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue", ord("ß"): "ss"}


def _spellings(word: str) -> set[str]:
    """Returns the folded word and, for German umlauts, the spelling with e (Gehäuse, gehaeuse)."""
    transliterated = word.casefold().translate(_UMLAUTS)
    return {fold(word), fold(transliterated)}


@lru_cache(maxsize=1)
def default_lexicon() -> Lexicon:
    """Returns the lexicon that comes with the product."""
    return load_lexicon()


def load_lexicon(*extra: Path) -> Lexicon:
    """Returns the product's lexicon extended by files of the same form. Raises LEXICON_INVALID.

    Concepts and phrases are added; an abbreviation of a later file replaces the earlier meaning.
    """
    builder = _Builder()
    folder = resources.files(__package__).joinpath("lexicon")
    for name in _FILES:
        builder.add(folder.joinpath(name).read_text("utf-8"), name)
    for path in extra:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SensorForgeError("LEXICON_INVALID", f"The lexicon file {path} cannot be read: {error}") from error
        builder.add(text, str(path))
    return builder.build()


def lexicon_of_environment() -> Lexicon:
    """Returns the lexicon extended by the files in SENSORFORGE_LEXICON (separated like PATH)."""
    extra = [Path(part) for part in os.environ.get("SENSORFORGE_LEXICON", "").split(os.pathsep) if part]
    return load_lexicon(*extra) if extra else default_lexicon()
