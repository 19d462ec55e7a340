"""Which columns of a log hold Modbus registers, by address: words, and coils or discrete inputs apart from them.

A heading is an address with or without a word for what it is ("40001", "HR100", "4x00001", "Coil 5"), or, where the
log had a register a line, a function code or the name of a kind of register before it ("3.100", "Holding.100").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_COLUMN = re.compile(
    r"(?:((?:holding|input)?[ _\-]*(?:reg(?:ister)?s?)|hr|ir|holding|input|addr(?:ess)?|r|mw|%mw|%iw|adresse"
    r"|coils?|discrete(?:[ _\-]*inputs?)?|di|co)[ _\-]*)?"
    r"\[?(\d{1,6})\]?(?:[ _]*[(\[].*[)\]])?",
    re.I,
)
_MODICON = re.compile(r"([0134])x[ _]?(\d{1,6})", re.I)
_UNDER = re.compile(r"(?:fc|f)?[ _]?([^.]{1,24})\.(\d{1,6})", re.I)
_KEYED = re.compile(r"((?:registers?|regs?|values?|words?|data)\.)(\d{1,6})", re.I)
_BITS = re.compile(r"0?[125]$|15$|coil|discrete|di$|co$", re.I)
_INPUTS = re.compile(r"0?4$|input|ir$", re.I)
_WORDS = re.compile(r"0?[34]$|0?6$|16$|holding|input|hr$|ir$", re.I)


@dataclass(frozen=True)
class RegisterColumns:
    """Columns by address; `bits` are those of coils and discrete inputs where these are told apart."""

    words: dict[int, str]
    bits: dict[int, str]

    def all(self) -> list[str]:
        """Returns every column of registers."""
        return [*self.words.values(), *self.bits.values()]


def register_columns(names: Iterable[str]) -> RegisterColumns:
    """Returns the columns of registers among the headings of a table."""
    holding: dict[int, str] = {}
    inputs: dict[int, str] = {}
    bits: dict[int, str] = {}
    names = list(names)
    # Objects keyed by address; lists are counted from 0.
    lists = {n[:-1].lower() for n in names if n.endswith(".0")}
    for name in names:
        kind, address = _placed(name.strip())
        if (match := _KEYED.fullmatch(name)) and match[1].lower() not in lists:
            kind, address = "", int(match[2])
        if address is None:
            continue
        space = bits if kind and _BITS.match(kind) else inputs if kind and _INPUTS.match(kind) else holding
        space.setdefault(address, name)
    if inputs.keys() & holding.keys():
        # The two kinds count from the same number: as the controllers of Modicon tell them apart.
        inputs = {a if a > 30_000 else a + 30_001: n for a, n in inputs.items()}
        holding = {a if a > 40_000 else a + 40_001: n for a, n in holding.items()}
    return RegisterColumns(holding | inputs, bits)


def _placed(name: str) -> tuple[str, int | None]:
    """Returns (kind, address) of a heading; ("", None) for one that is no register's."""
    if match := _COLUMN.fullmatch(name):
        return match[1] or "", int(match[2])
    if match := _MODICON.fullmatch(name):
        return "", int(match[1]) * 10_000 + int(match[2])
    if match := re.fullmatch(r"0[xX]([0-9a-fA-F]{1,4})", name):
        return "", int(match[1], 16)
    if (match := _UNDER.fullmatch(name)) and (_BITS.match(match[1]) or _WORDS.match(match[1])):
        return match[1], int(match[2])
    return "", None
