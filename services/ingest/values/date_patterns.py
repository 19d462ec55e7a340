"""Patterns of dates that exports write under or above a column of times: "dd/MM/yyyy HH:mm:ss", "yyyy-MM-dd"."""

from __future__ import annotations

import re

_PATTERN = re.compile(r"^[\[(]?(?:d{1,4}|m{1,4}|y{2,4}|j{4}|a{4}|h{1,2}|s{1,2}|f{1,6}|t{1,2}|[ /.:,_-])+[\])]?$", re.I)
_PARTS = re.compile(r"d+|m+|y+|j+|a{4}", re.I)


def is_date_pattern(text: str) -> bool:
    """Returns whether a cell is a pattern of dates with day, month and year."""
    if not _PATTERN.match(text):
        return False
    parts = "".join(part[0].lower() for part in _PARTS.findall(text)[:3])
    return "d" in parts and "m" in parts and len(set(parts)) == 3


def day_before_month(pattern: str) -> bool | None:
    """Returns whether a pattern has the day first; None where the year stands first, which leaves nothing open."""
    first = next(iter(_PARTS.findall(pattern)), "y")[0].lower()
    return None if first not in "dm" else first == "d"
