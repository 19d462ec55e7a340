"""Column names: cleaned, unique, with the unit that stands in brackets taken out as data."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.machines.units import parse_unit

_BRACKETED = re.compile(r"^(.*?)[\s_]*[\[(]\s*([^\[\]()]{1,16})\s*[\])]\s*$")
_TRAILING = re.compile(r"^(.*\S)\s+(°C|°F|℃|℉|%|bar|mbar|psi|kPa|MPa|rpm|Hz|kW|V|A|mA|K|mm/s)$")

# HOBO loggers write the unit before the serial numbers: "Temp, °F (LGR S/N: 10679014, SEN S/N: 10679014)".
_BEFORE_SERIAL = re.compile(r"^(.+?), ([^,()]{1,16}) \((?:LGR )?S/N: .*\)$")


def unique_names(names: Sequence[str]) -> list[str]:
    """Returns the names trimmed, blank ones as column_{n}, repeated ones numbered (a, a_2, a_3); order kept."""
    cleaned = [re.sub(r"\s+", " ", n.replace("\ufeff", "").replace("\0", "")).strip() for n in names]
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


def unit_in_name(name: str) -> str:
    """Returns the unit that a header states, as in "Air temperature [K]" or "Druck bar"; "" when there is none."""
    match = _BRACKETED.match(name) or _TRAILING.match(name) or _BEFORE_SERIAL.match(name)
    if match and match[1].strip() and parse_unit(match[2].strip()) is not None:
        return match[2].strip()
    return ""
