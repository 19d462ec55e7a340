"""Modbus register logs: raw 16-bit registers decoded to values by a register map.

A word order that the map does not state is chosen by plausibility of the values.
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
from services.ingest.headings.column_names import unique_names
from services.ingest.reading import Reading
from services.ingest.registers.blocks import spread
from services.ingest.registers.columns import register_columns
from services.ingest.registers.register_map import Register
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
_ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
_SENTINELS = {
    "int16": (-32768, 32767),
    "uint16": (65535,),
    "int32": (-2147483648, 2147483647),
    "uint32": (4294967295,),
    "int64": (-(2**63),),
    "uint64": (2**64 - 1,),
}
_PLAUSIBLE = (1e-6, 1e7)


def decode_registers(reading: Reading, registers: list[Register]) -> Reading:
    """Returns a reading whose register columns are replaced by decoded values. Raises REGISTER_MAP_INVALID."""
    reading = spread(reading)
    found = register_columns(reading.table.columns)
    if not found.all():
        raise SensorForgeError(
            "REGISTER_MAP_INVALID",
            f"The file has no columns named by register address; it has {', '.join(reading.table.columns[:20])}.",
        )
    columns = found.words
    single = [r for r in registers if r.type == "bool" and r.bit is None]
    shift = _base_shift(set(columns), [r for r in registers if not found.bits or r not in single])
    bit_shift = _base_shift(set(found.bits), single)
    orders = _shared_orders(reading, registers, columns, shift)
    decoded: list[pl.Series] = []
    units: dict[str, str] = {}
    facts = list(reading.facts)
    warnings = list(reading.warnings)
    for register in registers:
        words = [columns.get(register.address + shift + i) for i in range(_SIZES[register.type])]
        if register in single and register.address + bit_shift in found.bits:
            words = [found.bits[register.address + bit_shift]]
        if any(w is None for w in words):
            warnings.append(("REGISTER_ABSENT", f"Register {register.address} ({register.name}) is not in the file."))
            continue
        raw = [_whole(reading.table[str(w)]) for w in words]
        missing = np.logical_or.reduce([r.is_null().to_numpy() for r in raw])
        arrays = [(r.fill_null(0).to_numpy() & 0xFFFF).astype(np.uint16) for r in raw]
        if register.bits:
            for bit, name in register.bits:
                values = ((arrays[0] >> np.uint16(bit)) & 1).astype(np.int64)
                decoded.append(pl.Series(name, values).set(pl.Series(missing), None))
            continue
        order = register.order or orders[_kind(register.type)].order
        series = _values(register, arrays, missing, order)
        if len(words) > 1:
            facts.append(_order_fact(register, orders))
        decoded.append(series)
        if register.unit:
            units[register.name] = register.unit
    dropped = found.all()
    kept = reading.table.drop(dropped)
    constant = [n for n in kept.columns if re.fullmatch(r"(unit_?id|slave(_?id)?|function(_?code)?|fc)", n, re.I)]
    kept = kept.drop([n for n in constant if kept[n].n_unique() == 1])
    taken = unique_names([*kept.columns, *(s.name for s in decoded)])[kept.width :]
    table = kept.with_columns([s.alias(name) for s, name in zip(decoded, taken, strict=True)])
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


def _whole(values: pl.Series) -> pl.Series:
    """Returns registers as whole numbers, hexadecimal ones (0x1F40) included."""
    if values.dtype == pl.String and (values.str.contains(r"^\s*0[xX]").any() or _is_bare_hex(values)):
        return values.str.strip_chars().str.replace(r"^0[xX]", "").str.to_integer(base=16, strict=False)
    return values.cast(pl.Int64, strict=False)


def _is_bare_hex(values: pl.Series) -> bool:
    """Returns whether a column holds registers in hexadecimal of four digits without a mark."""
    if values.dtype != pl.String:
        return False
    texts = values.drop_nulls().str.strip_chars()
    return len(texts) > 0 and bool(texts.str.contains(r"^[0-9a-fA-F]{4}$").all())


def bare_hexadecimal(reading: Reading) -> list[str]:
    """Returns the register columns of a log whose registers are hexadecimal without a mark; nothing for another log."""
    names = register_columns(reading.table.columns).all()
    told = any(re.search(r"hex", n, re.I) or _is_bare_hex(reading.table[n]) for n in names)
    return names if told else []


def _base_shift(present: set[int], registers: list[Register]) -> int:
    """Returns what to add to the map's addresses so that most of them are columns: bases 0, 1, 3xxxx and 4xxxx."""
    shifts = [
        0,
        *(s * base + one for base in (40000, 400000, 30000, 300000) for s in (1, -1) for one in (0, 1, -1)),
        1,
        -1,
    ]
    return max(shifts, key=lambda s: (sum(r.address + s in present for r in registers), -shifts.index(s)))


@dataclass(frozen=True)
class _Order:
    """The word order that the registers of a kind share, how it was found, and whether another fits as well."""

    order: str
    how: str
    open: bool = False


def _kind(type_name: str) -> str:
    return "float" if type_name.startswith("float") else "whole"


def _shared_orders(
    reading: Reading, registers: list[Register], columns: dict[int, str], shift: int
) -> dict[str, _Order]:
    """Returns the order of registers whose map entry states none, for floats and for whole numbers.

    What the map states for others of the kind counts first; then the order in which most values are plausible and, of
    several such, the one whose values move least from sample to sample.
    """
    found: dict[str, _Order] = {}
    for kind in ("float", "whole"):
        several = [r for r in registers if _kind(r.type) == kind and _SIZES[r.type] > 1]
        stated = [r.order for r in several if r.order]
        if stated:
            found[kind] = _Order(max(set(stated), key=stated.count), "as the map states for other registers")
            continue
        scores = dict.fromkeys(_ORDERS, 0.0)
        moves = dict.fromkeys(_ORDERS, 0.0)
        counted = 0
        for register in several:
            words = [columns.get(register.address + shift + i) for i in range(_SIZES[register.type])]
            if any(w is None for w in words):
                continue
            raw = pl.DataFrame([_whole(reading.table[str(w)]) for w in words]).drop_nulls()
            arrays = [(c.to_numpy() & 0xFFFF).astype(np.uint16) for c in raw.get_columns()]
            counted += 1
            for order in _ORDERS:
                values = _assembled(arrays, order, register.type).astype(np.float64)
                scores[order] += _plausibility(values)
                moves[order] += _movement(values)
        if not counted:
            found[kind] = _Order("ABCD", "nothing to tell it by: the order of the Modbus protocol")
            continue
        best = max(_ORDERS, key=lambda o: (round(scores[o] / counted, 2), -round(moves[o] / counted, 2)))
        rival = max((o for o in _ORDERS if o != best), key=lambda o: (round(scores[o] / counted, 2), -moves[o]))
        alike = scores[rival] >= scores[best] - 0.01 * counted and moves[rival] <= moves[best] + 0.05 * counted
        how = (
            f"{scores[best] / counted:.0%} of the values are plausible and the steadiest; "
            f"in order {rival} {scores[rival] / counted:.0%}"
        )
        found[kind] = _Order(best, how, alike)
    if found["whole"].open and not found["float"].open:
        found["whole"] = _Order(found["float"].order, "as the floats of the device have it")
    return found


def _order_fact(register: Register, orders: dict[str, _Order]) -> Fact:
    if register.order:
        return Fact(f"word_order:{register.name}", register.order, "stated by the map")
    shared = orders[_kind(register.type)]
    others = tuple(o for o in _ORDERS if o != shared.order) if shared.open else ()
    return Fact(f"word_order:{register.name}", shared.order, shared.how, others, ambiguous=shared.open)


def _movement(values: npt.NDArray[np.float64]) -> float:
    """Returns the mean logarithm of the steps from sample to sample: small for the right order of a slow quantity."""
    finite = values[np.isfinite(values)]
    return float(np.mean(np.log2(1 + np.abs(np.diff(finite))))) if len(finite) > 1 else 0.0


def _values(
    register: Register, words: list[npt.NDArray[np.uint16]], missing: npt.NDArray[np.bool_], order: str
) -> pl.Series:
    """Returns the scaled values; sentinels and what is no number are null."""
    if len(words) == 1:
        order = "BADC" if register.order in ("BADC", "DCBA") else "ABCD"
    numbers = _assembled(words, order, register.type)
    if register.bit is not None:
        numbers = (numbers >> np.array(register.bit, numbers.dtype)) & np.array(1, numbers.dtype)
    bad = missing.copy()
    for sentinel in () if register.bit is not None else _SENTINELS.get(register.type, ()):
        bad |= numbers == sentinel
    plain = register.scale == 1.0 and register.offset == 0.0
    if register.type.startswith("float"):
        numbers = numbers.astype(np.float64)
        bad |= ~np.isfinite(numbers)
    scaled = numbers if plain else _scaled(numbers.astype(np.float64), register)
    kind = pl.Float64 if not plain or register.type.startswith("float") else pl.Int64
    return pl.Series(register.name, scaled).cast(kind, strict=False).set(pl.Series(bad), None)


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
