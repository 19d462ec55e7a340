"""Prefixes that a controller glues in front of all its names: Z_QDCYCTIM, Z_QDINJTIM, Z_QDMAXINJSPD.

Where nearly every name of a list begins with the same capitals and goes on in capitals, these are no part of the words
behind them. They are set off by an underscore, so that the words can be read. A letter and a running number in front of
all names (P22平均风温, P23炉顶温度) only count the list, and are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_FEWEST = 8  # names
_SHARE = 0.9  # of the names that must begin so
_REST = 3  # letters that must follow
_COUNTED = re.compile(r"([A-Za-z]{1,2})(\d{1,4})[ _.:-]*([^\W\d_]{2}.*)")
_BEGINNING = re.compile(r"((?:[A-Z0-9]+_)*)([A-Z]{2,3})(?=[A-Z]{3})")


def with_prefixes_set_off(names: Sequence[str]) -> list[str]:
    """Returns the names with an underscore behind two or three capitals that begin nearly all of them.

    A letter with a running number that begins nearly all of them is left out.
    """
    counted = _COUNTED.fullmatch
    rests = [match[3] if (match := counted(name)) else name for name in names]
    if _is_count([match for name in names if (match := counted(name))], len(names)) and len(set(rests)) == len(names):
        return rests
    shared = _shared(names)
    if not shared:
        return list(names)
    return [f"{shared}_{name[len(shared) :]}" if _begins(name, shared) else name for name in names]


def _is_count(matches: Sequence[re.Match[str]], names: int) -> bool:
    """Returns whether nearly all names begin with one letter and a number, and no number comes twice."""
    one_letter = len({match[1] for match in matches}) == 1
    return one_letter and len({match[2] for match in matches}) == len(matches) >= max(_FEWEST, _SHARE * names)


def _shared(names: Sequence[str]) -> str:
    """Returns the beginning that nearly all names share and that varies right behind it, or nothing."""
    if len(names) < _FEWEST:
        return ""
    found: Counter[str] = Counter()
    for name in names:
        if match := _BEGINNING.match(name):
            found.update(match[1] + match[2][:size] for size in (2, 3) if len(match[2]) >= size)
    likely = [text for text, count in found.items() if count >= _SHARE * len(names)]
    longest = max(likely, key=len, default="")
    following = Counter(name[len(longest)] for name in names if _begins(name, longest)) if longest else Counter()
    return longest if len(following) >= _FEWEST // 2 else ""


def _begins(name: str, shared: str) -> bool:
    rest = name.removeprefix(shared)
    return rest != name and len(rest) >= _REST and rest[:_REST].isalpha() and rest[:_REST].isupper()
