"""Register maps: what the registers of a Modbus device mean, from any table with address, name and type.

Types are int16, uint16, int32, uint32, float32, int64, uint64, float64 and bool under their usual names. A map may give
scale or divisor, offset, unit, word order, and names for single bits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors

TYPES = ("int16", "uint16", "bool", "int32", "uint32", "float32", "int64", "uint64", "float64")
_TYPE_WORDS = {
    "float": "float32", "real": "float32", "single": "float32", "double": "float64", "lreal": "float64",
    "word": "uint16", "short": "int16", "ushort": "uint16", "dword": "uint32", "long": "int32", "ulong": "uint32",
    "int": "int16", "integer": "int16", "uint": "uint16", "dint": "int32", "udint": "uint32", "lint": "int64",
    "ulint": "uint64", "lword": "uint64", "qword": "uint64", "s16": "int16", "u16": "uint16", "s32": "int32",
    "u32": "uint32", "f32": "float32", "f64": "float64", "s64": "int64", "u64": "uint64", "bit": "bool",
    "boolean": "bool", "coil": "bool", "sint16": "int16", "sint32": "int32", "i16": "int16", "i32": "int32",
    "i64": "int64", "float32be": "float32", "signed16": "int16", "unsigned16": "uint16", "signed32": "int32",
    "unsigned32": "uint32", "16bitsigned": "int16", "16bitunsigned": "uint16", "32bitsigned": "int32",
    "32bitunsigned": "uint32", "32bitfloat": "float32", "float32bit": "float32", "ieee754": "float32",
    "enum16": "uint16", "bitfield16": "uint16", "bitfield32": "uint32", "acc32": "uint32", "acc64": "uint64",
    "enum": "uint16", "bitmap": "uint16", "signed": "int16", "unsigned": "uint16", "hex": "uint16", "binary": "uint16",
}  # fmt: skip
_HEADERS = {
    "address": ("address", "addr", "register", "reg", "start", "start_address", "register_address",
                "modbus_address", "offset_address", "adresse", "registeradresse", "registre", "dirección", "direccion",
                "startadresse", "register_number", "reg_addr"),
    "name": ("name", "tag", "tag_name", "tagname", "signal", "parameter", "label", "variable", "bezeichnung", "nom",
             "nombre", "signalname", "messgröße", "messgrösse", "register_name"),
    "type": ("type", "data_type", "datatype", "format", "datentyp", "typ", "type_de_données", "tipo"),
    "scale": ("scale", "factor", "multiplier", "gain", "scaling", "scale_factor", "resolution", "faktor",
              "skalierung", "facteur", "auflösung"),
    "divisor": ("divisor", "divider", "divide_by", "teiler"),
    "offset": ("offset", "bias", "add", "versatz"),
    "unit": ("unit", "units", "uom", "engineering_unit", "einheit", "unité", "unidad"),
    "order": ("word_order", "order", "byte_order", "endianness", "endian", "byteorder", "wordorder", "swap",
              "wortreihenfolge", "bytereihenfolge"),
    "device": ("slave", "slave_id", "slaveid", "slave_address", "unit_id", "unitid", "device_id", "deviceid", "station",
               "server_id", "serverid", "node_id", "nodeid"),
    "bit": ("bit", "bit_number", "bit_position", "bit_index"),
    "note": ("note", "notes", "comment", "description", "remark", "bemerkung", "kommentar", "beschreibung",
             "commentaire"),
}  # fmt: skip
_ORDER = re.compile(r"\b(ABCD|CDAB|BADC|DCBA)\b", re.I)
_ORDER_DIGITS = {"0-1-2-3": "ABCD", "1-0-3-2": "BADC", "2-3-0-1": "CDAB", "3-2-1-0": "DCBA"}
_FIGURES = (1e-100, 1e100)
"""Size of a scale, divisor or offset."""
_BITS = re.compile(r"bits?\s*(\d+)\s*(?:\.\.|-|to|bis)\s*(?:bit\s*)?(\d+)\s*[=:]\s*(.+)$", re.I)
_BIT = re.compile(r"bit\s*(\d+)\s*[=:]\s*([^\W\d][\w .-]*)", re.I)


@dataclass(frozen=True)
class Register:
    """One entry of a map. `order`: ABCD, CDAB, BADC, DCBA or "" (not stated). `bits`: names by bit; `bit`: only it.

    `device` is the number of the one that it belongs to, "" where the map does not say.
    """

    address: int
    name: str
    type: str
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    order: str = ""
    bits: tuple[tuple[int, str], ...] = ()
    bit: int | None = None
    device: str = ""


def read_register_map(table: pl.DataFrame) -> list[Register]:
    """Returns the entries of a register map table, its cells text. Raises REGISTER_MAP_INVALID naming the row."""
    columns = {re.sub(r"[\s\-]+", "_", n.strip().lower()).rpartition(".")[2]: n for n in table.columns}
    at = {role: next((columns[w] for w in words if w in columns), "") for role, words in _HEADERS.items()}
    if not at["name"] and "key" in columns:
        # A JSON object whose keys are the names.
        at |= {"name": columns["key"]}
    if not at["address"] and at["offset"]:
        # Scanners call the address counted from 0 the offset; without another address it is no term of the value.
        at |= {"address": at["offset"], "offset": ""}
    if not (at["address"] and at["name"] and at["type"]):
        shown = ", ".join(n for n in table.columns if n != "source_row")
        raise SensorForgeError(
            "REGISTER_MAP_INVALID", f"The register map has the columns {shown}; address, name and type are needed."
        )
    return [
        _entry({role: row[name] if name else None for role, name in at.items()}, number)
        for number, row in enumerate(table.iter_rows(named=True), 1)
    ]


def _entry(cells: dict[str, Any], number: int) -> Register:
    kind = re.sub(r"[\s_\-]+", "", str(cells["type"] or "").lower())
    kind = re.sub(r"(big|little)endian$", "", kind)
    swapped = re.search(r"(swapped|swap|inverse|inverted|reversed?|le|cdab)$", kind)
    kind = re.sub(r"(swapped|swap|inverse|inverted|reversed?|cdab|abcd|badc|dcba)$", "", kind)
    kind = _TYPE_WORDS.get(kind, kind)
    place = _address(cells["address"])
    scale, offset = _figure(cells["scale"], 1.0), _figure(cells["offset"], 0.0)
    divisor = _figure(cells["divisor"], 1.0)
    # A scale of nothing would make every value nothing.
    if kind not in TYPES or place is None or not cells["name"] or not scale or offset is None or not divisor:
        shown = ", ".join(
            f"{role} {cells[role]!r}" for role in ("address", "name", "type", "scale", "offset", "divisor")
        )
        raise SensorForgeError("REGISTER_MAP_INVALID", f"Row {number} of the register map: {shown} cannot be read.")
    note = str(cells["note"] or "")
    bit = place[1] if place[1] is not None else _bit(cells["bit"])
    order = _word_order(str(cells["order"] or "") or str(cells["type"] or ""), note)
    return Register(
        address=place[0],
        name=str(cells["name"]).strip(),
        type=kind,
        scale=scale / divisor,
        offset=offset,
        unit=str(cells["unit"] or "").strip(),
        order=order or ("CDAB" if swapped and swapped[1].startswith("swap") else ""),
        bits=_bit_names(note) if bit is None else (),
        bit=bit,
        device=re.sub(r"\.0$", "", str(cells["device"] or "").strip()),
    )


def _address(value: Any) -> tuple[int, int | None] | None:
    """Returns (address, bit) of "40001", "0x1F", "MW100", "4x00001" or "40001.3"."""
    text = str(value).strip()
    match = re.fullmatch(r"(?:0[xX]([0-9a-fA-F]+)|([0134])[xX](\d+)|%?[A-Za-z]*[ _]?(\d+))(?:([.:/])(\d{1,2}))?", text)
    if not match:
        return None
    # A spreadsheet writes a whole address as 40001.0.
    bit = int(match[6]) if match[6] and not (match[5] == "." and match[6] == "0") else None
    if bit is not None and bit > 31:
        return None
    if match[1]:
        return int(match[1], 16), bit
    return (int(match[2]) * 10_000 + int(match[3]) if match[2] else int(match[4])), bit


def _bit(value: Any) -> int | None:
    text = str(value if value is not None else "").strip().removesuffix(".0")
    return int(text) if text.isdigit() and int(text) < 64 else None


def _figure(value: Any, default: float) -> float | None:
    """Returns a number such as 0.1, 0,1, 1/10, /10 or x10; None for another text."""
    text = str(value if value is not None else "").strip().lower()
    if text in ("", "-", "none", "null", "n/a"):
        return default
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    match = re.fullmatch(r"[x*×]?\s*([+-]?[\d.]+(?:e[+-]?\d+)?)?\s*(?:[/÷:]\s*([\d.]+(?:e[+-]?\d+)?))?", text)
    try:
        if not match or not (match[1] or match[2]):
            return None
        figure = float(match[1] or 1) / float(match[2] or 1)
        return figure if not figure or _FIGURES[0] < abs(figure) < _FIGURES[1] else None
    except (ValueError, ZeroDivisionError):
        return None


def _word_order(stated: str, note: str) -> str:
    for text in (stated, note):
        if match := _ORDER.search(text):
            return match[1].upper()
        for digits, order in _ORDER_DIGITS.items():
            if digits in text:
                return order
    low = stated.lower().strip()
    both = f"{low} {note.lower()}"
    if "low word first" in both or "lsw first" in both or "word swap" in both or "swapped words" in both:
        return "CDAB"
    if low in ("little", "swapped", "swap", "yes", "true", "1", "little-endian", "little endian", "le", "lsw"):
        return "CDAB"
    if "high word first" in both or "msw first" in both or low in ("big", "big-endian", "big endian", "be", "msw"):
        return "ABCD"
    return ""


def _bit_names(note: str) -> tuple[tuple[int, str], ...]:
    if match := _BITS.search(note):
        first, last = int(match[1]), int(match[2])
        names = [n.strip() for n in match[3].split(",")]
        step = 1 if last >= first else -1
        return tuple(zip(range(first, last + step, step), names, strict=False))
    return tuple((int(b), n.strip()) for b, n in _BIT.findall(note))
