"""Which quality codes mean a good sample: OPC DA, OPC UA, validity flags, historians' percentages and words."""

from __future__ import annotations

import re

import polars as pl

_HEX = re.compile(r"^0[xX]([0-9a-fA-F]{1,8})$")
_GOOD_WORDS = ("good", "ok", "valid", "normal", "true", "g", "gut", "confirmed", "measured")
_BAD_WORDS = ("not", "no ", "bad", "invalid", "uncertain", "question")
_DA_GOOD = 0xC0
_UA_SEVERITY = 0x4000_0000


def good_codes(values: pl.Series, column_name: str) -> tuple[set[str], str]:
    """Returns the codes (texts as they stand) that mean good, and the evidence.

    The scheme follows from the codes that occur: 192 to 255 is OPC DA; codes from 0x40000000 on are OPC UA, where 0 is
    good; 100 is a percentage; otherwise, of 0 and 1, the name tells ("valid": 1, "bad": 0) and then the majority. Only
    good is good: an uncertain sample is missing.
    """
    counts = values.drop_nulls().value_counts(sort=True)
    texts = [t for t in counts[values.name].to_list() if t.strip()]
    numbers = {t: n for t in texts if (n := _number(t)) is not None}
    good = {t for t in texts if t not in numbers and _good_word(t)}
    if not numbers:
        return good, "words of quality"
    present = set(numbers.values())
    if any(192 <= n <= 255 for n in present):
        # Extended codes (16 bit) keep the OPC DA quality in the low byte.
        return good | {t for t, n in numbers.items() if n & 0xC0 == _DA_GOOD}, "OPC DA codes (192 to 255 good)"
    if any(n >= _UA_SEVERITY for n in present):
        return good | {t for t, n in numbers.items() if n < _UA_SEVERITY}, "OPC UA status codes (severity good)"
    if 100 in present and present <= set(range(101)):
        return good | {t for t, n in numbers.items() if n == 100}, "percent good (100)"
    wanted = _flag(column_name, texts, numbers)
    return good | {t for t, n in numbers.items() if n == wanted}, f"flag: {wanted} is good"


def _flag(column_name: str, texts: list[str], numbers: dict[str, int]) -> int:
    name = column_name.lower()
    if any(word in name for word in ("questionable", "bad", "error", "fault", "invalid", "substituted")):
        return 0
    if any(word in name for word in ("valid", "good", "ok")):
        return 1
    return next(numbers[t] for t in texts if t in numbers)


def _number(text: str) -> int | None:
    text = text.strip()
    if match := _HEX.match(text):
        return int(match[1], 16)
    match = re.match(r"^(-?\d{1,10})(?:\.0+)?(?:\s*[-:(].*)?$", text)
    return int(match[1]) & 0xFFFF_FFFF if match else None


def _good_word(text: str) -> bool:
    low = text.strip().lower()
    if any(low.startswith(w) for w in _BAD_WORDS):
        return False
    return low.startswith(("good", "ok", "valid")) or low in _GOOD_WORDS or low.endswith(("- good", "(192)"))
