"""Register logs of several devices on one bus: the same address is another register in each of them.

The devices are told apart by a column of their numbers or, where the log had a register a line, by headings such as
"device 2.100".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.layouts.roles import names_device
from services.ingest.reading import Reading
from services.ingest.registers.modbus import decode_registers
from services.ingest.registers.register_map import Register

_OF_DEVICE = re.compile(r"device (\S+?)\.(.+)")


def decode_devices(reading: Reading, registers: Sequence[Register]) -> Reading:
    """Returns a reading with values in place of registers, those of all devices at one time in one row.

    Where the map does not say whose its registers are, every device has all of them and names begin with its number.
    Raises REGISTER_MAP_INVALID.
    """
    parts = _parts(reading)
    if len(parts) < 2:
        told = [r for r in registers if not parts or r.device in ("", *parts)] or list(registers)
        return decode_registers(next(iter(parts.values()), reading), told)
    if not reading.time_columns:
        raise SensorForgeError(
            "REGISTER_MAP_INVALID", f"The log holds the devices {', '.join(parts)} and no time to join them by."
        )
    stated = any(r.device for r in registers)
    decoded: list[Reading] = []
    for device, part in parts.items():
        own = [r for r in registers if r.device in ("", device)]
        if own:
            decoded.append(decode_registers(part, own if stated else [_named_by(device, r) for r in own]))
    if not decoded:
        raise SensorForgeError("REGISTER_MAP_INVALID", f"The map has no register of the devices {', '.join(parts)}.")
    time = reading.time_columns[0]
    table = reduce(lambda one, other: _joined(one, other, time), (d.table for d in decoded))
    facts = list(dict.fromkeys(f for d in decoded for f in d.facts))
    warnings = list(dict.fromkeys(w for d in decoded for w in d.warnings))
    units = {n: u for d in decoded for n, u in d.units.items()}
    shown = [list(r) for r in table.head(20).select(pl.all().cast(pl.String).fill_null("")).rows()]
    return replace(reading, table=table, facts=facts, warnings=warnings, units=units, head=[table.columns, *shown])


def _named_by(device: str, register: Register) -> Register:
    bits = tuple((bit, f"{device}.{name}") for bit, name in register.bits)
    return replace(register, name=f"{device}.{register.name}", bits=bits)


def _parts(reading: Reading) -> dict[str, Reading]:
    """Returns the readings of the devices by their numbers; nothing where the log does not tell them apart."""
    frame = reading.table
    headed = {n: m for n in frame.columns if (m := _OF_DEVICE.fullmatch(n))}
    if headed:
        others = [n for n in frame.columns if n not in headed]
        devices = list(dict.fromkeys(m[1] for m in headed.values()))
        own = {d: {n: m[2] for n, m in headed.items() if m[1] == d} for d in devices}
        return {d: replace(reading, table=frame.select(*others, *own[d]).rename(own[d])) for d in devices}
    name = next((n for n in frame.columns if names_device(n.rpartition(".")[2])), "")
    if not name or frame[name].null_count():
        return {}
    texts = frame[name].cast(pl.String)
    return {
        str(d): replace(reading, table=frame.filter(texts == d).drop(name)) for d in texts.unique(maintain_order=True)
    }


def _joined(one: pl.DataFrame, other: pl.DataFrame, time: str) -> pl.DataFrame:
    """Returns the rows of two devices, those of equal times in one; a cell that both have is the first one's."""
    if one[time].is_duplicated().any() or other[time].is_duplicated().any():
        return pl.concat([one, other], how="diagonal_relaxed").sort("source_row")
    both = one.join(other, on=time, how="full", coalesce=True, suffix="\0", maintain_order="left_right")
    shared = [n for n in one.columns if n != time and f"{n}\0" in both.columns]
    both = both.with_columns(pl.coalesce(n, f"{n}\0").alias(n) for n in shared).drop(f"{n}\0" for n in shared)
    return both.sort(time, "source_row")
