"""Type prefixes: letters in front of PLC variables that say how a value is stored, not what it is.

Hungarian notation as in IEC 61131-3 programs (PLCopen coding guidelines, Siemens programming style guide): bRun,
iPress, rT_Kuehl, lrSpeed, fbMot01.rSpeed. The same letters are symbols of quantities elsewhere (iGen: a current, tOil:
a temperature), so they are taken for prefixes only where the file as a whole shows that they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

# bool, byte, word, double word, integers signed and unsigned, real, long real, string, time, function block, structure,
# array, enumeration, global
_PREFIX = re.compile(
    r"(?<![^\W_])(?:g_?)?(bo|by|b|x|dw|w|usi|udi|ui|si|di|li|int|i|n|lr|r|f|str|s|tim|fb|st|arr|ar|a|en|e|g)_?(?=[A-Z][\w])"
)
_ONLY_TYPES = frozenset(
    {"b", "bo", "x", "r", "lr", "w", "dw", "ui", "di", "udi", "si", "usi", "int", "n", "fb", "str", "by"}
)
_FEWEST = 3  # columns
_SHARE = 0.6  # of the columns that must begin with such letters
_OF_TYPES = 0.4  # of those that must begin with letters that are no symbols


def without_type_prefixes(names: Sequence[str]) -> list[str]:
    """Returns the names without type prefixes when most names of the file have one, else as they are."""
    first = [_PREFIX.search(name.rpartition(".")[2]) for name in names]
    letters = Counter(match[1] for match in first if match is not None and match.start() == 0)
    count = sum(letters.values())
    types = sum(n for text, n in letters.items() if text in _ONLY_TYPES)
    if count < max(_FEWEST, _SHARE * len(names)) or types < _OF_TYPES * count or len(letters) < 2:
        return list(names)
    return [_PREFIX.sub("", name) for name in names]
