"""A text file as UTF-8 bytes: encoding found, byte-order and end-of-file marks taken off, old line ends replaced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.chassis.errors import SensorForgeError
from services.ingest.encoding import SAMPLE_BYTES, decode, detect_encoding
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact


@dataclass(frozen=True)
class Text:
    """A text file as UTF-8 bytes with "\\n" or "\\r\\n" line ends, and what was decided on the way."""

    data: bytes
    facts: tuple[Fact, ...]

    def head(self, size: int = 600_000) -> str:
        return self.data[:size].decode("utf-8", "replace")


def load_text(path: Path, file_name: str, options: ReadOptions, limits: Limits) -> Text:
    """Returns a text file decoded. Raises INGEST_LIMIT, ENCODING_INVALID, EMPTY_FILE."""
    refuse_beyond("bytes", path.stat().st_size, limits.csv_bytes)
    raw = path.read_bytes()
    if options.encoding:
        fact = Fact("encoding", options.encoding, "given")
    else:
        fact = detect_encoding(raw[:SAMPLE_BYTES], complete=len(raw) <= SAMPLE_BYTES)
        if fact.value == "utf-8" and not _is_utf8(raw):
            # Bytes beyond the sample can show that the file is not UTF-8 after all.
            at = next(i for i in range(0, len(raw), SAMPLE_BYTES) if not _is_utf8_part(raw, i))
            fact = detect_encoding(raw[at : at + SAMPLE_BYTES], complete=True)
    data = decode(raw, fact.value, file_name)
    if data.endswith(b"\x1a"):
        data = data.rstrip(b"\x1a")
    if b"\r" in data and b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    if not data.strip(b"\0 \t\r\n"):
        raise SensorForgeError("EMPTY_FILE", f"{file_name} holds only blank lines.")
    return Text(data, (fact,))


def _is_utf8(raw: bytes) -> bool:
    if raw.isascii():
        return True
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_utf8_part(raw: bytes, at: int) -> bool:
    part = raw[at : at + SAMPLE_BYTES]
    # A character may be cut at either edge.
    while part and 0x80 <= part[0] < 0xC0:
        part = part[1:]
    try:
        part.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(part) - 3
    return True
