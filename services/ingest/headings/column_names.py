"""Column names: cleaned, unique, with the unit that stands in brackets taken out as data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from urllib.parse import unquote

from services.machines.units import parse_unit

_BRACKETED = re.compile(r"^(.*?)[\s_]*[\[(]\s*([^\[\]()]{1,16})\s*[\])]\s*$")
_TRAILING = re.compile(r"^(.*\S)\s+(°C|°F|℃|℉|%|bar|mbar|psi|kPa|MPa|rpm|Hz|kW|V|A|mA|K|mm/s)$")

# HOBO loggers write the unit before the serial numbers: "Temp, °F (LGR S/N: 10679014, SEN S/N: 10679014)".
_BEFORE_SERIAL = re.compile(r"^(.+?), ([^,()]{1,16}) \((?:LGR )?S/N: .*\)$")
_FOR_LINKS = re.compile(r"%(?:2F|26|23|3B|28|29|5B|5D|C2%B[0-9A-F])")
_FOR_PAGES = re.compile(r"&(?:#\d{2,5}|#x[0-9A-Fa-f]{2,4}|deg|micro|sup[123]|amp|quot|nbsp);")
_BEHIND_COMMA = re.compile(r"^(.+?), ?([^,()\[\]]{1,12})$")
# A second column of a name got a number.
_NUMBERED = re.compile(r"_\d+$")
# Irradiance on the horizontal is written "G(h)" and "Global Hz"; "Phase, A" and "Line 2, V" name lines of a supply.
_HORIZONTAL = re.compile(r"^(?:(?:G|Gb|Gd|Gr|IR)\(h\)|(?:direct|global|dif|diffuse) Hz)$", re.I)
_LETTERED = re.compile(r"\b(?:phase|line|unit|train|pump|string|zone)\s*\d*, ?[A-Za-z]$", re.I)


def unique_names(names: Sequence[str]) -> list[str]:
    """Returns the names trimmed, blank ones as column_{n}, repeated ones numbered (a, a_2, a_3); order kept."""
    cleaned = [re.sub(r"\s+", " ", _decoded(n).replace("\ufeff", "").replace("\0", "")).strip() for n in names]
    filled = [n or f"column_{i + 1}" for i, n in enumerate(cleaned)]
    taken: set[str] = set()
    given = set(filled)
    result = []
    for name in filled:
        candidate, number = name, 1
        while candidate in taken or (number > 1 and candidate in given):
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate)
        result.append(candidate)
    return result


def _decoded(name: str) -> str:
    """Returns a name that a web portal wrote for a link or a page ("W%2Fm%26%23178%3B") as it is meant ("W/m²")."""
    if _FOR_LINKS.search(name):
        name = unquote(name)
    return unescape(name) if _FOR_PAGES.search(name) else name


def unit_in_name(name: str) -> str:
    """Returns the unit that a header states, as in "Air temperature [K]", "Energy, kWh" or "Druck bar"; "" when there
    is none."""
    for text in dict.fromkeys((name, _NUMBERED.sub("", name))):
        match = (
            _BRACKETED.match(text) or _TRAILING.match(text) or _BEFORE_SERIAL.match(text) or _BEHIND_COMMA.match(text)
        )
        unit = match[2].strip() if match and match[1].strip() else ""
        if unit and parse_unit(unit) is not None:
            return "" if _HORIZONTAL.match(text) or (len(unit) == 1 and _LETTERED.search(text)) else unit
    return ""
