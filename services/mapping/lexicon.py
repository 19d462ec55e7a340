"""The lexicon: which words of sensor names mean the same thing, in seven languages and several standards.

It promises that everything the scorer knows about words is in versioned YAML files that a user can extend with one of
the same form (`SENSORFORGE_LEXICON`), and that a wrong entry is refused with its file and key. It holds field knowledge
only: no entry is about a particular file or machine.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from services.chassis.errors import SensorForgeError
from services.machines.document import plain_yaml
from services.mapping import errors as errors

_ROMANCE = frozenset({"fr", "es", "it", "pt"})  # where "de" is a preposition

_SKELETON_OF = 5  # letters of the shortest word that is known by its consonants
_MISSPELT_OF = 7  # letters of the shortest word that is known with a letter wrong
_ACRONYM = 3  # letters of the longest acronym that a longer word may contain by chance

Reading = tuple[str, ...]

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


_SHORTEST_BONES = 3  # consonants that must be all that a word has
_MOST_MEANINGS = 8  # of a shortened word


def fold(text: str) -> str:
    """Returns the text in lower case without accents, so that Température and temperature are one word."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", bare)


def skeleton(word: str) -> str:
    """Returns the first letter and the consonants after it."""
    return word[:1] + "".join(letter for letter in word[1:] if letter not in "aeiou")


def _without_a_letter(word: str) -> list[str]:
    return [word[:place] + word[place + 1 :] for place in range(len(word))]


@dataclass(frozen=True)
class Lexicon:
    """All that is known about words.

    `readings` gives for a folded word the concept lists it can stand for. `dimensions` gives for each quantity the unit
    dimensions it can have. `qualifiers` are concepts that tell apart what is
    named by others. `related` holds similarities of different concepts. `digest` identifies the content.
    """

    digest: str
    readings: Mapping[str, tuple[Reading, ...]]
    phrases: Mapping[tuple[str, ...], tuple[Reading, ...]]
    dimensions: Mapping[str, frozenset[str]]
    exclusive: tuple[frozenset[str], ...]
    one_sided: frozenset[str]
    neutral: frozenset[str]
    qualifiers: frozenset[str]
    related: Mapping[tuple[str, str], float]
    stop: frozenset[str]
    isa_first: Mapping[str, str]
    isa_following: frozenset[str]
    stations: Mapping[str, Reading]
    phases: Mapping[str, str]
    roles: Mapping[str, frozenset[str]]
    rarely_units: frozenset[str]
    romance: frozenset[str]
    kks_systems: Mapping[str, str]
    kks_measures: Mapping[str, str]

    @cached_property
    def longest_phrase(self) -> int:
        return max((len(phrase) for phrase in self.phrases), default=0)

    @cached_property
    def acronyms(self) -> frozenset[str]:
        """The short forms of several words (tat, sat), which are no parts of longer words."""
        return frozenset(
            word
            for word, readings in self.readings.items()
            if len(word) <= _ACRONYM and all(len(reading) > 1 for reading in readings)
        )

    @cached_property
    def abbreviated_phrases(self) -> Mapping[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        """The phrases by the concepts of their words: "thrust brg" is to be found under "thrust bearing"."""
        found: dict[tuple[str, ...], tuple[tuple[str, ...], ...]] = {}
        for phrase in self.phrases:
            if all(len(word) > 2 for word in phrase):
                spoken = tuple(self.spoken_as(word) for word in phrase)
                found[spoken] = (*found.get(spoken, ()), phrase)
        return found

    def phrase_of(self, words: tuple[str, ...], spoken: tuple[str, ...]) -> tuple[Reading, ...]:
        """Returns what words mean together: as the lexicon has them, or each as a shorter form with the same initial
        (`spoken` are their concepts). Nothing when they are no phrase."""
        if words in self.phrases:
            return self.phrases[words]
        for phrase in self.abbreviated_phrases.get(spoken, ()):
            if all(word[0] == full[0] for word, full in zip(words, phrase, strict=True)):
                return self.phrases[phrase]
        return ()

    def spoken_as(self, word: str) -> str:
        """Returns the concept that a word always means, else the word."""
        readings = self.readings.get(word, ())
        if not readings and word in self.skeletons:
            readings = (self.skeletons[word],)
        return readings[0][0] if len(readings) == 1 and len(readings[0]) == 1 else word

    @cached_property
    def skeletons(self) -> Mapping[str, Reading]:
        """The words of five letters and more by their consonants (vbrtn: vibration), where all mean one thing."""
        found: dict[str, set[Reading]] = {}
        for word, readings in self.readings.items():
            if len(word) >= _SKELETON_OF and word.isascii() and word.isalpha() and len(readings) == 1:
                found.setdefault(skeleton(word), set()).add(readings[0])
        return {bones: min(meanings) for bones, meanings in found.items() if len(bones) > 3 and len(meanings) == 1}

    @cached_property
    def words_in_order(self) -> list[str]:
        """The words of five letters and more in alphabetical order."""
        return sorted(word for word in self.readings if len(word) >= _SKELETON_OF and word.isalpha())

    def cut_short(self, word: str) -> Reading | None:
        """Returns what all the words that begin so mean (puiss.: puissance), None where they mean different things."""
        words = self.words_in_order
        first = bisect_left(words, word)
        last = bisect_left(words, word + "\uffff", first)
        meanings = {reading for full in words[first:last] for reading in self.readings[full]}
        return meanings.pop() if len(meanings) == 1 else None

    @cached_property
    def _bones_in_order(self) -> list[tuple[str, str]]:
        """The words of five letters and more by their consonants, in alphabetical order."""
        return sorted((skeleton(word), word) for word in self.words_in_order if word.isascii())

    def shortened(self, word: str) -> tuple[Reading, ...]:
        """Returns all that the words mean that begin so (refr: refrigerant, refrigeration) or whose consonants do
        (cndn: condenser, condensate); nothing where these are too many to say anything."""
        words = self.words_in_order
        first = bisect_left(words, word)
        found = words[first : bisect_left(words, word + "\uffff", first)]
        if word == skeleton(word):
            first = bisect_left(self._bones_in_order, (word, ""))
            end = "\uffff" if len(word) > _SHORTEST_BONES else "\0"
            last = bisect_left(self._bones_in_order, (word + end, ""), first)
            found = [*found, *(full for _, full in self._bones_in_order[first:last])]
        meanings = dict.fromkeys(reading for full in found for reading in self.readings[full])
        return tuple(meanings) if len(meanings) <= _MOST_MEANINGS else ()

    @cached_property
    def _by_deletion(self) -> Mapping[str, frozenset[str]]:
        """The long words by what is left of them without one letter, and by themselves."""
        found: dict[str, set[str]] = {}
        for word in self.readings:
            if len(word) >= _MISSPELT_OF and word.isalpha() and word.isascii():
                for key in (word, *_without_a_letter(word)):
                    found.setdefault(key, set()).add(word)
        return {key: frozenset(words) for key, words in found.items()}

    def misspelt(self, word: str) -> tuple[Reading, ...]:
        """Returns what the words mean that have one letter inside more, less, other or elsewhere (temperatue), nothing
        where they mean different things or there are none (Damerau, CACM 7/3, 1964)."""
        if len(word) < _MISSPELT_OF or not word.isalpha() or not word.isascii():
            return ()
        near = {other for key in (word, *_without_a_letter(word)) for other in self._by_deletion.get(key, ())}
        meanings = {self.readings[other] for other in near if other[0] == word[0] and other[-1] == word[-1]}
        return meanings.pop() if len(meanings) == 1 else ()

    @cached_property
    def phrase_words(self) -> frozenset[str]:
        """The words that some phrase consists of; they are never taken apart."""
        return frozenset(word for phrase in self.phrases for word in phrase)

    def is_concept(self, concept: str) -> bool:
        return concept in self.dimensions or (concept,) in self.readings.get(concept, ())


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
