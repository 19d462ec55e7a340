"""The head of a large text file, cut at a line end: enough to say how the whole is laid out."""

from __future__ import annotations

from pathlib import Path

HEAD_BYTES = 4 << 20
_NOT_TEXT = (b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")


def head_of(path: Path, directory: Path) -> Path:
    """Returns the path itself when the file is small or must be read whole, else that of its head."""
    if path.stat().st_size <= 2 * HEAD_BYTES:
        return path
    with path.open("rb") as source:
        head = source.read(HEAD_BYTES)
    if head.startswith(_NOT_TEXT) or head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[", b"<"):
        return path
    target = directory / "head"
    end = head.rfind(b"\n")
    # In UTF-16 a line end has two bytes; its second may follow the 0x0A.
    target.write_bytes(head[: (end + 1) // 2 * 2 if head[:2] in (b"\xff\xfe", b"\xfe\xff") else end + 1] or head)
    return target
