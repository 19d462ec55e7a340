"""Modbus register logs: raw 16-bit registers decoded to values by a register map.

The map names address, name and type (int16, uint16, int32, uint32, float32, int64, uint64, float64, bool), and may give
scale, offset, unit and word order. A word order that the map does not state is chosen by plausibility of the values.
Addresses count from 0, from 1 or in the 4xxxx form; columns and map may differ in that. Sentinels are missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.reading import Reading
from services.ingest.tables import Fact

_SIZES = {
    "int16": 1,
    "uint16": 1,
    "bool": 1,
    "int32": 2,
    "uint32": 2,
    "float32": 2,
    "int64": 4,
    "uint64": 4,
    "float64": 4,
}
_TYPE_WORDS = {
    "float": "float32", "real": "float32", "single": "float32", "double": "float64", "lreal": "float64",
    "word": "uint16", "short": "int16", "ushort": "uint16", "dword": "uint32", "long": "int32", "ulong": "uint32",
    "int": "int16",
    "uint": "uint16", "dint": "int32", "udint": "uint32", "s16": "int16", "u16": "uint16", "s32": "int32",
    "u32": "uint32", "f32": "float32", "f64": "float64", "s64": "int64", "u64": "uint64", "bit": "bool",
    "boolean": "bool", "sint16": "int16", "sint32": "int32", "i16": "int16", "i32": "int32", "float32be": "float32",
}  # fmt: skip
_SENTINELS = {"int16": (-32768, 32767), "uint16": (65535,), "int32": (-2147483648, 2147483647), "uint32": (4294967295,)}
_HEADERS = {
    "address": ("address", "addr", "register", "reg", "start", "start_address", "register_address",
                "modbus_address", "offset_address"),
    "name": ("name", "tag", "tag_name", "signal", "parameter", "label", "variable"),
    "type": ("type", "data_type", "datatype", "format"),
    "scale": ("scale", "factor", "multiplier", "gain", "scaling", "scale_factor", "resolution"),
    "offset": ("offset", "bias", "add"),
    "unit": ("unit", "units", "uom", "engineering_unit"),
    "order": ("word_order", "order", "byte_order", "endianness", "endian", "byteorder", "wordorder", "swap"),
    "note": ("note", "notes", "comment", "description", "remark"),
}  # fmt: skip
_ORDER = re.compile(r"\b(ABCD|CDAB|BADC|DCBA)\b", re.I)
_BITS = re.compile(r"bit\s*(\d+)\s*(?:\.\.|-|to)\s*(?:bit\s*)?(\d+)\s*=\s*(.+)$", re.I)
_BIT = re.compile(r"bit\s*(\d+)\s*[=:]\s*([A-Za-z_][\w .-]*)", re.I)
_PLAUSIBLE = (1e-6, 1e7)


@dataclass(frozen=True)
class Register:
    """One entry of a map. `order`: ABCD, CDAB, BADC, DCBA or "" (found by plausibility). `bits`: name by bit."""

    address: int
    name: str
    type: str
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    order: str = ""
    bits: tuple[tuple[int, str], ...] = ()


def read_register_map(table: pl.DataFrame) -> list[Register]:
    """Returns the entries of a register map table. Raises REGISTER_MAP_INVALID naming the row."""
    columns = {re.sub(r"[\s\-]+", "_", n.strip().lower()): n for n in table.columns}
    at = {role: next((columns[w] for w in words if w in columns), "") for role, words in _HEADERS.items()}
    if not (at["address"] and at["name"] and at["type"]):
        raise SensorForgeError(
            "REGISTER_MAP_INVALID",
            f"The register map has the columns {', '.join(table.columns)}; address, name and type are needed.",
        )
    found = []
    for number, row in enumerate(table.iter_rows(named=True), 1):
        cells: dict[str, Any] = {role: row[name] if name else None for role, name in at.items()}
        kind = re.sub(r"[\s_]+", "", str(cells["type"] or "").lower())
        kind = _TYPE_WORDS.get(kind, kind)
        address = _address(cells["address"])
        if kind not in _SIZES or address is None or not cells["name"]:
            raise SensorForgeError(
                "REGISTER_MAP_INVALID",
                f"Row {number} of the register map: address {cells['address']!r}, name {cells['name']!r}, type "
                f"{cells['type']!r} cannot be read.",
            )
        note = str(cells["note"] or "")
        order = _word_order(str(cells["order"] or ""), note)
        found.append(
            Register(
                address,
                str(cells["name"]),
                kind,
                float(cells["scale"] if cells["scale"] is not None else 1.0),
                float(cells["offset"] if cells["offset"] is not None else 0.0),
                str(cells["unit"] or ""),
                order,
                _bit_names(note),
            )
        )
    return found


def _address(value: Any) -> int | None:
    text = str(value).strip()
    match = re.fullmatch(r"(?:0[xX]([0-9a-fA-F]+)|(\d+)(?:\.0)?|[A-Za-z]+[ _]?(\d+))", text)
    if not match:
        return None
    return int(match[1], 16) if match[1] else int(match[2] or match[3])


def _word_order(stated: str, note: str) -> str:
    for text in (stated, note):
        if match := _ORDER.search(text):
            return match[1].upper()
    low = stated.lower().strip() + " " + note.lower()
    if "low word first" in low or "word swap" in low or stated.lower().strip() in ("little", "swapped", "lsw first"):
        return "CDAB"
    if "high word first" in low or stated.lower().strip() in ("big", "msw first", "big-endian", "big endian"):
        return "ABCD"
    return ""


def _bit_names(note: str) -> tuple[tuple[int, str], ...]:
    if match := _BITS.search(note):
        first, last = int(match[1]), int(match[2])
        names = [n.strip() for n in match[3].split(",")]
        step = 1 if last >= first else -1
        return tuple(zip(range(first, last + step, step), names, strict=False))
    return tuple((int(b), n.strip()) for b, n in _BIT.findall(note))


def decode_registers(reading: Reading, registers: list[Register]) -> Reading:
    """Returns a reading whose register columns are replaced by decoded values. Raises REGISTER_MAP_INVALID."""
    columns = {a: n for n in reading.table.columns if (a := _register_column(n)) is not None}
    if not columns:
        raise SensorForgeError(
            "REGISTER_MAP_INVALID",
            f"The file has no columns named by register address; it has {', '.join(reading.table.columns[:20])}.",
        )
    shift = _base_shift(set(columns), registers)
    decoded: list[pl.Series] = []
    units: dict[str, str] = {}
    facts = list(reading.facts)
    warnings = list(reading.warnings)
    for register in registers:
        words = [columns.get(register.address + shift + i) for i in range(_SIZES[register.type])]
        if any(w is None for w in words):
            warnings.append(("REGISTER_ABSENT", f"Register {register.address} ({register.name}) is not in the file."))
            continue
        raw = [reading.table[str(w)].cast(pl.Int64, strict=False) for w in words]
        missing = np.logical_or.reduce([r.is_null().to_numpy() for r in raw])
        arrays = [(r.fill_null(0).to_numpy() & 0xFFFF).astype(np.uint16) for r in raw]
        if register.bits:
            for bit, name in register.bits:
                values = ((arrays[0] >> np.uint16(bit)) & 1).astype(np.int64)
                decoded.append(pl.Series(name, values).set(pl.Series(missing), None))
            continue
        series, order, how = _values(register, arrays, missing)
        if order:
            facts.append(Fact(f"word_order:{register.name}", order, how))
        decoded.append(series)
        if register.unit:
            units[register.name] = register.unit
    dropped = list(columns.values())
    kept = reading.table.drop(dropped)
    constant = [n for n in kept.columns if re.fullmatch(r"(unit_?id|slave(_?id)?|function(_?code)?|fc)", n, re.I)]
    kept = kept.drop([n for n in constant if kept[n].n_unique() == 1])
    table = kept.with_columns([s for s in decoded if s.name not in kept.columns])
    facts.append(Fact("layout", "modbus", f"{len(decoded)} values decoded from {len(dropped)} registers"))
    ledgers = list(reading.ledgers)
    return replace(
        reading,
        table=table,
        units={n: u for n, u in reading.units.items() if n in table.columns} | units,
        facts=facts,
        warnings=warnings,
        ledgers=ledgers,
        head=[
            list(table.columns),
            *[list(r) for r in table.head(20).select(pl.all().cast(pl.String).fill_null("")).rows()],
        ],
    )


def _register_column(name: str) -> int | None:
    match = re.fullmatch(
        r"(?:(?:reg(?:ister)?|hr|ir|holding|input|addr|r|mw|%mw)[ _\-]?)?\[?(\d{1,6})\]?", name.strip(), re.I
    )
    if match:
        return int(match[1])
    hexadecimal = re.fullmatch(r"0[xX]([0-9a-fA-F]{1,4})", name.strip())
    return int(hexadecimal[1], 16) if hexadecimal else None


def _base_shift(present: set[int], registers: list[Register]) -> int:
    """Returns what to add to the map's addresses so that most of them are columns: bases 0, 1, 3xxxx and 4xxxx."""
    shifts = [
        0,
        *(s * base + one for base in (40000, 400000, 30000, 300000) for s in (1, -1) for one in (0, 1, -1)),
        1,
        -1,
    ]
    return max(shifts, key=lambda s: (sum(r.address + s in present for r in registers), -shifts.index(s)))


def _values(
    register: Register, words: list[npt.NDArray[np.uint16]], missing: npt.NDArray[np.bool_]
) -> tuple[pl.Series, str, str]:
    """Returns (values scaled, word order used, how it was found)."""
    order, how = register.order, "stated by the map"
    if len(words) == 1:
        order, how = ("BADC", how) if order in ("BADC", "DCBA") else ("", "")
        numbers = _assembled(words, order or "ABCD", register.type)
    elif order:
        numbers = _assembled(words, order, register.type)
    else:
        options = {o: _assembled(words, o, register.type) for o in ("ABCD", "CDAB", "BADC", "DCBA")}
        scores = {o: _plausibility(v) for o, v in options.items()}
        order = max(scores, key=lambda o: scores[o])
        rival = max(s for o, s in scores.items() if o != order)
        how = f"{scores[order]:.0%} of the values are plausible, in other orders at most {rival:.0%}"
        numbers = options[order]
    bad = missing.copy()
    for sentinel in _SENTINELS.get(register.type, ()):
        bad |= numbers == sentinel
    plain = register.scale == 1.0 and register.offset == 0.0
    if register.type.startswith("float"):
        numbers = numbers.astype(np.float64)
        bad |= ~np.isfinite(numbers)
    scaled = numbers if plain else _scaled(numbers.astype(np.float64), register)
    kind = pl.Float64 if not plain or register.type.startswith("float") else pl.Int64
    return pl.Series(register.name, scaled).cast(kind).set(pl.Series(bad), None), order, how


def _scaled(numbers: npt.NDArray[np.float64], register: Register) -> npt.NDArray[np.float64]:
    # Dividing by 1000 gives the nearest double to 9.358; multiplying by 0.001 does not always.
    inverse = 1.0 / register.scale
    exact = abs(inverse - round(inverse)) < 1e-9 * inverse and register.scale < 1
    return (numbers / round(inverse) if exact else numbers * register.scale) + register.offset


def _assembled(words: list[npt.NDArray[np.uint16]], order: str, kind: str) -> npt.NDArray[Any]:
    """Returns numbers from big-endian 16-bit words; letters name bytes from the most significant on."""
    swapped_bytes = order in ("BADC", "DCBA")
    ordered = [w.byteswap() if swapped_bytes else w for w in words]
    if order in ("CDAB", "DCBA"):
        ordered = ordered[::-1]
    stacked = np.stack(ordered, axis=1).astype(">u2")
    code = {"int": ">i", "uint": ">u", "float": ">f", "bool": ">u"}[re.sub(r"\d+", "", kind)] + str(2 * len(words))
    return np.ascontiguousarray(stacked).view(code).reshape(-1).astype(code.replace(">", "="))


def _plausibility(values: npt.NDArray[Any]) -> float:
    size = np.abs(values.astype(np.float64))
    fine = (size == 0) | ((size > _PLAUSIBLE[0]) & (size < _PLAUSIBLE[1]))
    return float(np.mean(fine & np.isfinite(size))) if len(size) else 0.0
