"""How much a workbook holds, before a parser sees it: bytes, cells, furthest cell, declared entities of its XML.

A workbook of 1.5 KB can name a cell of the last row and column, which makes readers allocate what lies between.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.limits import Limits, refuse_beyond

_FAR_CELL = re.compile(rb'<c[^>]{0,200}? r="([A-Z]{1,3})(\d{1,12})"')
_FURTHEST_CELL = re.compile(rb' r="([A-Z]{3}|[A-Z]{1,3}(?=\d{7}))(\d{1,12})"')
_FEW_CELLS = 4_000
_LOOKED_AT = 16 << 10
_DECLARATIONS = tuple(m.encode(c) for m in ("<!DOCTYPE", "<!ENTITY") for c in ("utf-8", "utf-16-le", "utf-16-be"))
_ROW = re.compile(rb'<row[^>]{0,200}? r="(\d{1,12})"')


def measure(path: Path, file_name: str, limits: Limits) -> None:
    """Raises INGEST_LIMIT or FILE_CORRUPT when the XML inside is too much, or declares entities."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(m.file_size for m in archive.infolist())
            packed = max(1, sum(m.compress_size for m in archive.infolist()))
            refuse_beyond("bytes unpacked", total, limits.decompressed_bytes)
            if total > (64 << 20) and total > packed * limits.compression_ratio:
                raise SensorForgeError(
                    "INGEST_LIMIT", f"{file_name} unpacks {total:,} bytes from {packed:,}; that is refused as a bomb."
                )
            for member in archive.infolist():
                if member.filename.lower().endswith((".xml", ".rels")):
                    _measure_member(archive, member, file_name, limits)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise SensorForgeError("FILE_CORRUPT", f"{file_name}: the zip container is broken ({error}).") from error


def _measure_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file_name: str, limits: Limits) -> None:
    read = cells = furthest_row = furthest_column = 0
    sheet = "worksheets/" in member.filename
    carry = b""
    with archive.open(member) as source:
        while block := source.read(1 << 20):
            read += len(block)
            if read > min(limits.decompressed_bytes, max(member.file_size, 1) + (1 << 20)):
                raise SensorForgeError("INGEST_LIMIT", f"{file_name}: {member.filename} is longer than it says.")
            text = carry + block
            if any(mark in text for mark in _DECLARATIONS):
                raise SensorForgeError(
                    "FILE_CORRUPT", f"{file_name}: {member.filename} declares XML entities, which no workbook needs."
                )
            if sheet:
                cells += text.count(b"<c ") + text.count(b"<c>") - carry.count(b"<c ") - carry.count(b"<c>")
                rows = _ROW.findall(text)
                furthest_row = max(furthest_row, *(int(r) for r in rows[-2:]), 0) if rows else furthest_row
                if b'r="A' in text or furthest_column == 0:
                    # In a block of many cells whole rows are looked at here and there, in one of few cells all.
                    step = len(text) // 4 if text.count(b"<c ") > _FEW_CELLS else max(1, len(text))
                    size = _LOOKED_AT if step < len(text) else len(text)
                    looked_at = [c for at in range(0, len(text), step) for c in _FAR_CELL.findall(text, at, at + size)]
                else:
                    looked_at = []
                for letters, number in (*looked_at, *_FURTHEST_CELL.findall(text)):
                    furthest_column = max(furthest_column, _column_number(letters))
                    furthest_row = max(furthest_row, int(number))
            carry = text[-256:]
    refuse_beyond("rows in a sheet", furthest_row, limits.rows)
    refuse_beyond("cells in a sheet", cells, limits.sheet_cells)
    refuse_beyond("cells in a sheet's range", furthest_row * furthest_column, limits.sheet_cells)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
