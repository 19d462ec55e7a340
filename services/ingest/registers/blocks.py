"""Register logs that hold what each request answered: a first address and the registers from there on in one cell.

The registers of a row become a column each, named by their address. Requests for several blocks at one time become one
row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from services.ingest.layouts.clock import trimmed
from services.ingest.layouts.headings import squashed
from services.ingest.reading import Reading
from services.ingest.registers.columns import register_columns

_START = re.compile(
    r"^(start(ing)?|first|base)?(reg(ister)?|addr(ess)?|offset|adresse|start|ref(erence)?)*(addr(ess)?)?$"
)
_ELEMENT = re.compile(r"^(.*?)[._\[]?(\d{1,3})\]?$")
_LISTED = re.compile(r"^[\[({]?\s*(?:0[xX])?[0-9a-fA-F]{1,5}(?:[\s,;|]+(?:0[xX])?[0-9a-fA-F]{1,5})+\s*[\])}]?$")
_GLUED = re.compile(r"^(?:0[xX])?(?:[0-9a-fA-F]{4}){2,}$")
_MOST_REGISTERS = 125
"""Registers that one request can read. Source: MODBUS Application Protocol 1.1b3, section 6.3."""


def spread(reading: Reading) -> Reading:
    """Returns the reading with a column for each register; as it is where no cell holds several registers."""
    frame = reading.table
    if known := register_columns(frame.columns).words:
        answers = {a: n for a, n in known.items() if _holds_lists(frame[n])}
        return replace(reading, table=_spread_columns(frame, answers)) if answers else reading
    lists, used = _lists(frame)
    if not lists:
        return reading
    start = next((n for n in frame.columns if n not in used and _is_start(frame[n])), "")
    firsts = frame[start].cast(pl.Int64, strict=False).to_list() if start else [0] * frame.height
    addresses = sorted(
        {f + i for f, words in zip(firsts, lists, strict=True) if f is not None for i in range(len(words))}
    )
    if not addresses or len(addresses) > 10 * _MOST_REGISTERS:
        return reading
    columns: dict[int, list[int | None]] = {a: [None] * frame.height for a in addresses}
    for row, (first, words) in enumerate(zip(firsts, lists, strict=True)):
        for place, word in enumerate(words if first is not None else ()):
            columns[first + place][row] = word
    counts = [n for n in frame.columns if squashed(n) in ("count", "quantity", "length", "len", "num", "number", "qty")]
    kept = frame.drop([*used, *([start] if start else []), *counts])
    wide = kept.with_columns(pl.Series(str(a), values, dtype=pl.Int64) for a, values in columns.items())
    time = reading.time_columns[0] if reading.time_columns else ""
    if time and len(set(firsts)) > 1:
        others = [n for n in wide.columns if n != time and n not in map(str, addresses)]
        wide = wide.group_by(time, maintain_order=True).agg(
            *(pl.col(n).first() for n in others), *(pl.col(str(a)).drop_nulls().last() for a in addresses)
        )
        wide = wide.select(*others[:1], time, *others[1:], *map(str, addresses))
    return replace(reading, table=wide)


def _spread_columns(frame: pl.DataFrame, answers: Mapping[int, str]) -> pl.DataFrame:
    """Returns a table whose columns, each named by a first address, held the registers from there on."""
    for first, name in answers.items():
        words = _numbers(trimmed(frame[name]).to_list())
        width = max(map(len, words), default=0)
        columns = [[w[i] if i < len(w) else None for w in words] for i in range(width)]
        frame = frame.drop(name).with_columns(
            pl.Series(str(first + i), values, dtype=pl.Int64) for i, values in enumerate(columns)
        )
    return frame


def _holds_lists(values: pl.Series) -> bool:
    texts = trimmed(values).drop_nulls().unique().to_list() if values.dtype == pl.String else []
    return bool(texts) and (all(map(_LISTED.match, texts)) or all(map(_GLUED.match, texts)))


def _is_start(values: pl.Series) -> bool:
    return bool(_START.match(squashed(values.name))) and values.dtype.is_integer()


def _lists(frame: pl.DataFrame) -> tuple[list[list[int]], list[str]]:
    """Returns the registers of every row and the columns that held them; nothing where there are none."""
    for name in frame.columns:
        if _holds_lists(frame[name]):
            return _numbers(trimmed(frame[name]).to_list()), [name]
    families: dict[str, list[str]] = {}
    for name in frame.columns:
        if (match := _ELEMENT.match(name)) and frame[name].dtype.is_integer():
            families.setdefault(match[1].lower(), []).append(name)
    for base, names in families.items():
        places = [int(m[2]) for n in names if (m := _ELEMENT.match(n))]
        if places == list(range(len(places))) and re.search(r"reg|value|data|word", base) and _has_start(frame, names):
            rows = frame.select(names).rows()
            return [[v for v in row if v is not None] for row in rows], names
    return [], []


def _has_start(frame: pl.DataFrame, used: list[str]) -> bool:
    return any(n not in used and _is_start(frame[n]) for n in frame.columns)


def _numbers(texts: list[str | None]) -> list[list[int]]:
    """Returns the numbers of lists as text: hexadecimal where one of them says so or has four digits throughout."""
    parts = [re.findall(r"[0-9a-fA-FxX]+", t) if t else [] for t in texts]
    if all(_GLUED.match(t) for t in texts if t):
        parts = [re.findall(r"[0-9a-fA-F]{4}", re.sub(r"^0[xX]", "", t)) if t else [] for t in texts]
        return [[int(w, 16) for w in row] for row in parts]
    words = [w for row in parts for w in row]
    told = any(re.search(r"[a-fA-FxX]", w) for w in words) or all(len(w) == 4 for w in words)
    return [[int(w, 16) if told else int(w) for w in row] for row in parts]
