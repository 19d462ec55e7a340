"""Which quality codes mean a good sample: OPC DA, OPC UA, PROFIBUS, validity flags, percentages, letters and words.

Only good is good: an uncertain, questionable or stale sample is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from services.ingest.layouts.quality_words import is_good_word
from services.ingest.layouts.quality_words import says_bad as says_bad

_HEX = re.compile(r"^(?:0[xX]|16#|#)([0-9a-fA-F]{1,8})(?:\s*[-:(].*)?$")
_BARE_HEX = re.compile(r"^[0-9a-fA-F]{2}$|^[0-9a-fA-F]{8}$")
_DECIMAL = re.compile(r"^(-?\d{1,10})(?:[.,]0+)?\s*%?(?:\s*[-:(].*)?$")
_CODE_IN_BRACKETS = re.compile(r"[(\[]\s*(?:value\s*=\s*)?(0[xX][0-9a-fA-F]+|\d{1,10})\s*[)\]]\s*$")
_DA_GOOD = 0xC0
_UA_SEVERITY = 0x4000_0000
_ZENON_SPONTANEOUS = 1 << 17
_ZENON_RECEIVED = 1 << 16 | _ZENON_SPONTANEOUS
_ZENON_DOUBTFUL = 1 << 18 | 1 << 20 | 1 << 27
"""INVALID, OFF and ALT_VAL of zenon's status word; a value came by general interrogation (bit 16) or spontaneously."""
BAD_LETTERS = frozenset({*"besudx*!?", "iv", "nt", "sb", "bl", "ov"})
"""Marks of a sample where a blank means good: RSView and FactoryTalk write D, E, S, U or *, telecontrol protocols the
quality descriptors of IEC 60870-5-101 (invalid, not topical, substituted, blocked, overflow)."""
_FLAG = "(?:true|false|t|f|[01])"
_STATUS_FLAGS = re.compile(rf"^[{{(\[]?\s*({_FLAG}(?:\s*[,; ]\s*{_FLAG}){{3}})\s*[}})\]]?$", re.I)
_CLEAR = frozenset({"false", "f", "0"})
_POINTS_TO_BAD = ("questionable", "bad", "error", "fault", "invalid", "substituted", "ungültig", "störung", "defaut")
_POINTS_TO_GOOD = ("valid", "good", "ok", "gültig", "gueltig")


def good_codes(values: pl.Series, column_name: str) -> tuple[set[str], str]:
    """Returns the codes (texts as they stand) that mean good, and the evidence.

    The scheme follows from the codes that occur: 192 to 255 is OPC DA; mostly 128 to 191 is PROFIBUS PA, as WinCC
    writes it; codes from 0x40000000 on are OPC UA, where 0 is good; 100 is a percentage; letters beside mostly
    blanks mark what is not good; otherwise, of 0 and 1, the name tells ("valid": 1, "bad": 0) and then the majority.
    Sources: OPC DA 3.00 section 6.8, OPC 10000-4 section 7.39, PROFIBUS PA profile 3.02.
    """
    counts = values.drop_nulls().value_counts(sort=True)
    return good_of_counted(dict(counts.iter_rows()), values.null_count(), column_name)


def good_of_counted(counts: Mapping[str, int], nulls: int, column_name: str) -> tuple[set[str], str]:
    """Returns what good_codes does, from how often each code occurs, the most frequent first."""
    texts = [t for t in counts if t.strip()]
    blanks = nulls + sum(n for t, n in counts.items() if not t.strip())
    mostly_blank = blanks > 0.5 * (nulls + sum(counts.values()))
    if texts and mostly_blank and all(t.strip().lower() in BAD_LETTERS or says_bad(t) for t in texts):
        return {t for t in counts if not t.strip()}, "blank is good, what is written is not"
    points_to_bad = any(word in column_name.lower() for word in _POINTS_TO_BAD)
    if {t.strip().lower() for t in texts} <= {"true", "false", "yes", "no"} and texts:
        wanted = ("false", "no") if points_to_bad else ("true", "yes")
        return {t for t in texts if t.strip().lower() in wanted}, f"flag: {wanted[0]} is good"
    bare = all(_BARE_HEX.match(t.strip()) for t in texts) and any(re.search("[a-fA-F]", t) for t in texts)
    if texts and all(map(_STATUS_FLAGS.match, map(str.strip, texts))):
        return {t for t in texts if _no_flag(t)}, "BACnet status flags: no fault, not overridden, in service"
    numbers = {t: n for t in texts if (n := int(t.strip(), 16) if bare else _number(t)) is not None}
    good = {t for t in texts if t not in numbers and is_good_word(t)}
    if not numbers:
        others = {t for t in texts if not says_bad(t)}
        if not good and others and len(others) < len(texts):
            return others, "no word for good: all but the words for bad"
        return good, "words of quality"
    present = set(numbers.values())
    if any(192 <= n <= 255 for n in present):
        # Extended codes (16 bit) keep the OPC DA quality in the low byte.
        return good | {t for t, n in numbers.items() if n & 0xC0 == _DA_GOOD}, "OPC DA codes (192 to 255 good)"
    if any(n >= _UA_SEVERITY for n in present):
        return good | {t for t, n in numbers.items() if n < _UA_SEVERITY}, "OPC UA status codes (severity good)"
    if all(n >= _ZENON_SPONTANEOUS >> 1 and n & 0xFFFF == 0 for n in present) and any(
        n & _ZENON_RECEIVED for n in present
    ):
        return good | {t for t, n in numbers.items() if not n & _ZENON_DOUBTFUL}, "zenon status bits (valid, not off)"
    if 128 <= next(numbers[t] for t in texts if t in numbers) <= 191 and max(present) <= 255:
        return good | {t for t, n in numbers.items() if n & 0x80}, "PROFIBUS codes (128 to 191 good)"
    if 100 in present and present <= set(range(101)):
        return good | {t for t, n in numbers.items() if n == 100}, "percent good (100)"
    if good and all(says_bad(t) for t in numbers):
        return good, "words of quality"
    wanted_number = _flag(column_name, texts, numbers, points_to_bad)
    return good | {t for t, n in numbers.items() if n == wanted_number}, f"flag: {wanted_number} is good"


def says_quality(values: pl.Series, column_name: str) -> bool:
    """Returns whether a column of text holds codes of a known scheme; states of a machine do not."""
    head = values.head(20_000).fill_null("").alias("quality")
    if good_codes(head, column_name)[0]:
        return True
    return any(says_bad(t) for t in head.unique().to_list())


def _no_flag(text: str) -> bool:
    """Returns whether BACnet's flags (in alarm, fault, overridden, out of service) leave the value as measured.

    Source: ASHRAE 135, section 12, Status_Flags.
    """
    found = _STATUS_FLAGS.match(text.strip())
    return found is not None and _CLEAR.issuperset(re.split(r"\s*[,; ]\s*", found[1].lower())[1:])


def is_status_flags(text: str) -> bool:
    """Returns whether a text holds the four status flags of BACnet."""
    return _STATUS_FLAGS.match(text.strip()) is not None


def _flag(column_name: str, texts: list[str], numbers: dict[str, int], points_to_bad: bool) -> int:
    name = column_name.lower()
    if points_to_bad:
        return 0
    if any(word in name for word in _POINTS_TO_GOOD):
        return 1
    return next(numbers[t] for t in texts if t in numbers)


def _number(text: str) -> int | None:
    text = text.strip()
    if match := _HEX.match(text):
        return int(match[1], 16)
    if match := _DECIMAL.match(text):
        return int(match[1]) & 0xFFFF_FFFF
    if match := _CODE_IN_BRACKETS.search(text):
        return int(match[1], 0 if match[1][:2].lower() == "0x" else 10)
    return None
