"""Phases by colour: red, yellow and blue (IR, IY, IB) as they are lettered in India and once were in Britain.

There B is the third phase, elsewhere the second. It is taken for blue only where the same list of names has a Y.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.mapping.names import ParsedName
from services.mapping.tokens import Token

_YELLOW = frozenset({"iy", "ry", "yb", "vry", "vyb", "vyn"})
_BLUE = {
    "b": ("phase_c",),
    "ib": ("current", "phase_c"),
    "vb": ("voltage", "phase_c"),
    "vbn": ("voltage", "phase_c"),
    "br": ("phase_ca",),
    "vbr": ("voltage", "phase_ca"),
}


def colours_as_phases(names: Sequence[ParsedName]) -> list[ParsedName]:
    """Returns the names with B read as the third phase where some name has the yellow one, else as they are."""
    if not any(_is_yellow(token) for name in names for token in name.tokens):
        return list(names)
    return [replace(name, tokens=tuple(_read(token) for token in name.tokens)) for name in names]


def _is_yellow(token: Token) -> bool:
    return token.text in _YELLOW or (token.text == "y" and token.readings == (("phase_b",),))


def _read(token: Token) -> Token:
    return replace(token, readings=(_BLUE[token.text],), known=True) if token.text in _BLUE else token
