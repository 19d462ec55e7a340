"""Plant codes: what a KKS or RDS-PP tag says (10LBA10CT001: main steam temperature).

The code letters stand in the lexicon (`kks_systems`, `kks_measures`); here is only their grammar: a function key of
three letters and two digits, then an equipment key of two letters and three digits (VGB-B 105, VGB-S-823).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TAG = re.compile(
    r"(?<![A-Za-z])(?:=?\d{0,3}[ _.\-]?)?(?P<system>[A-HJ-NP-Z]{3})\d{2}[ _.\-]?(?P<measure>C[A-Y])\d{3}"
    r"(?:[A-Z](?![A-Za-z]))?(?:[ _.\-]?X[A-Z]\d{2})?(?![A-Za-z0-9])"
)


def spell_out(text: str, systems: Mapping[str, str], measures: Mapping[str, str]) -> str:
    """Returns the text with each plant code replaced by the words of its system and measured variable.

    A system that is not known is left out; a code whose measured variable is not known stays as it is.
    """

    def words(match: re.Match[str]) -> str:
        measure = measures.get(match["measure"])
        if measure is None:
            return match[0]
        letters = match["system"]
        system = next((systems[letters[:n]] for n in (3, 2) if letters[:n] in systems), "")
        return f" {system} {measure} "

    return _TAG.sub(words, text)
