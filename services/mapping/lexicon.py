"""The lexicon: which words of sensor names mean the same thing, in nine languages and several standards.

It holds field knowledge only, as lexicon_files.py reads it: no entry is about a particular file or machine.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

_SKELETON_OF = 5  # letters of the shortest word that is known by its consonants
_MISSPELT_OF = 7  # letters of the shortest word that is known with a letter wrong
_ACRONYM = 3  # letters of the longest acronym that a longer word may contain by chance
_SHORTEST_BONES = 3  # consonants that must be all that a word has
_MOST_MEANINGS = 8  # of a shortened word

Reading = tuple[str, ...]


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
    dimensions it can have. `qualifiers` are concepts that tell apart what is named by others. `related` holds
    similarities of different concepts. `digest` identifies the content.
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
