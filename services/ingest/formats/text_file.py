"""A text file as UTF-8 bytes: encoding found, byte-order and end-of-file marks taken off, old line ends replaced.

Files that were glued together have a byte-order mark before each; those at the beginning of a line go too.

The file is looked through once in blocks and never held whole; a file that is not UTF-8 already is rewritten as UTF-8
beside the work of its reader. Formats that need all of it at once ask for `data`.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from services.chassis.errors import SensorForgeError
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact
from services.ingest.text.encoding import SAMPLE_BYTES, decode, detect_encoding

_BLOCK = 4 << 20
_UTF8 = ("utf-8", "utf8", "utf-8-sig", "ascii")
_END_OF_FILE = b"\x1a"
_BLANK = b"\0 \t\r\n"
_LINE_ENDS = (b"\n", b"\r")


@dataclass(frozen=True)
class Text:
    """A text with "\\n" or "\\r\\n" line ends, and what was decided on the way.

    `source`: its UTF-8 bytes, or the file that holds them from byte `start` to byte `stop`.
    """

    source: bytes | Path
    facts: tuple[Fact, ...]
    start: int = 0
    stop: int = 0

    @property
    def size(self) -> int:
        """Bytes of the text."""
        return len(self.source) if isinstance(self.source, bytes) else self.stop - self.start

    @cached_property
    def data(self) -> bytes:
        """The whole text in memory."""
        return self.source if isinstance(self.source, bytes) else self._read(self.size)

    def head(self, size: int = 600_000) -> str:
        """Returns the beginning of the text, `size` bytes of it."""
        return self._read(size).decode("utf-8", "replace")

    def blocks(self, size: int) -> Iterator[bytes]:
        """Yields the text in blocks of `size` bytes, cut anywhere."""
        if isinstance(self.source, bytes):
            for at in range(0, len(self.source), size):
                yield self.source[at : at + size]
            return
        yield from _file_blocks(self.source, self.start, self.stop, size)

    def passages(self, longest_line: int, size: int = _BLOCK) -> Iterator[str]:
        """Yields the text in passages of whole lines, about `size` bytes each. Raises INGEST_LIMIT for a longer line
        than `longest_line` and a passage."""
        rest = b""
        for block in self.blocks(size):
            cut = block.rfind(b"\n") + 1
            if cut:
                yield (rest + block[:cut]).decode("utf-8")
                rest = block[cut:]
            else:
                rest += block
                refuse_beyond("bytes of a line", len(rest), max(longest_line, size))
        if rest:
            yield rest.decode("utf-8")

    def _read(self, size: int) -> bytes:
        if isinstance(self.source, bytes):
            return self.source[:size]
        with self.source.open("rb") as f:
            f.seek(self.start)
            return f.read(min(size, self.size))


def load_text(path: Path, file_name: str, options: ReadOptions, limits: Limits, directory: Path) -> Text:
    """Returns a text file decoded. Raises INGEST_LIMIT, ENCODING_INVALID, EMPTY_FILE.

    `directory` takes the rewritten text of a file that is not UTF-8.
    """
    size = path.stat().st_size
    refuse_beyond("bytes", size, limits.csv_bytes)
    with path.open("rb") as f:
        sample = f.read(SAMPLE_BYTES)
    seen = _Seen()
    if options.encoding:
        fact = Fact("encoding", options.encoding, "given")
    else:
        fact = detect_encoding(sample, complete=size <= SAMPLE_BYTES)
        if fact.value == "utf-8" and (at := seen.utf8(path)) is not None:
            # Bytes beyond the sample can show that the file is not UTF-8 after all.
            with path.open("rb") as f:
                f.seek(at - at % SAMPLE_BYTES)
                fact = detect_encoding(f.read(SAMPLE_BYTES), complete=True)
    if fact.value.replace("_", "-").lower() not in _UTF8:
        seen = _Seen()
        text = _rewritten(path, fact, file_name, directory)
        for block in text.blocks(_BLOCK):
            seen.look(block)
    else:
        if not seen.blocks and (at := seen.utf8(path)) is not None:
            _refuse_bytes(path, at, fact.value, file_name)
        text = Text(path, (fact,), len(codecs.BOM_UTF8) if sample.startswith(codecs.BOM_UTF8) else 0, size)
    if not seen.filled:
        raise SensorForgeError("EMPTY_FILE", f"{file_name} holds only blank lines.")
    return _with_usual_line_ends(text, seen, directory)


@dataclass
class _Seen:
    """What one look through all bytes of a text tells."""

    blocks: int = 0
    returns: int = 0
    """Those that no newline follows."""
    filled: bool = False
    marks: int = 0
    """End-of-file marks at the end."""
    glued: bool = False
    """A byte-order mark begins a later line."""
    _return_last: bool = False
    _last: bytes = b""

    def look(self, block: bytes) -> None:
        self.blocks += 1
        if b"\r" in block or self._return_last:
            # A pair may be cut by the end of a block.
            pairs = block.count(b"\r\n") + (self._return_last and block.startswith(b"\n"))
            self.returns += block.count(b"\r") - pairs
        self._return_last = block.endswith(b"\r")
        if not block.isascii() or not self._last.isascii():
            # A mark may be cut by the end of a block; the one at the beginning of the file follows no line end.
            here = self._last + block
            self.glued = self.glued or any(end + codecs.BOM_UTF8 in here for end in _LINE_ENDS)
        self._last = block[-len(codecs.BOM_UTF8) :]
        self.filled = self.filled or bool(block.strip(_BLANK + _END_OF_FILE + codecs.BOM_UTF8))
        self.marks = len(block) - len(block.rstrip(_END_OF_FILE))

    def utf8(self, path: Path) -> int | None:
        """Looks through a file; returns the offset of the first byte that is not UTF-8, None when all are."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        read = held = 0
        for block in _file_blocks(path, 0, path.stat().st_size, _BLOCK):
            self.look(block)
            if held or not block.isascii():
                try:
                    decoder.decode(block)
                except UnicodeDecodeError as error:
                    return read - held + error.start
                held = len(decoder.getstate()[0])
            read += len(block)
        return read - held if held else None


def _file_blocks(path: Path, start: int, stop: int, size: int) -> Iterator[bytes]:
    with path.open("rb") as f:
        f.seek(start)
        while start < stop and (block := f.read(min(size, stop - start))):
            start += len(block)
            yield block


def _refuse_bytes(path: Path, at: int, encoding: str, file_name: str) -> None:
    line = 1 + sum(block.count(b"\n") for block in _file_blocks(path, 0, at, _BLOCK))
    with path.open("rb") as f:
        f.seek(at)
        bad = f.read(4).hex(" ")
    raise SensorForgeError("ENCODING_INVALID", f"{file_name}: line {line} has bytes that are not {encoding} ({bad}).")


def _rewritten(path: Path, fact: Fact, file_name: str, directory: Path) -> Text:
    """Returns the text of a file in another encoding, from a UTF-8 copy. Raises ENCODING_INVALID."""
    if path.stat().st_size <= _BLOCK:
        return Text(decode(path.read_bytes(), fact.value, file_name), (fact,))
    target = directory / "text.utf8"
    decoder = codecs.getincrementaldecoder(fact.value)()
    read = written = 0
    with target.open("wb") as out:
        for block in chain(_file_blocks(path, 0, path.stat().st_size, _BLOCK), (b"",)):
            held = len(decoder.getstate()[0])
            try:
                piece = decoder.decode(block, final=not block).encode("utf-8")
            except UnicodeError as error:
                _refuse_bytes(path, max(0, read - held + int(getattr(error, "start", 0))), fact.value, file_name)
            if not written:
                piece = piece.removeprefix(codecs.BOM_UTF8)
            read += len(block)
            written += out.write(piece)
    return Text(target, (fact,), 0, written)


def _with_usual_line_ends(text: Text, seen: _Seen, directory: Path) -> Text:
    """Returns the text without end-of-file marks and byte-order marks of glued files, lone returns as line ends where
    most line ends are such."""
    # Newlines are counted for the few texts that have lone returns at all: a pass through the whole file.
    newlines = sum(block.count(b"\n") for block in text.blocks(_BLOCK)) if seen.returns else 0
    blocks: Iterable[bytes] | None = None
    if seen.returns > newlines:
        blocks = _newlines_alone(text.blocks(_BLOCK))
    if seen.glued:
        blocks = _without_marks(text.blocks(_BLOCK) if blocks is None else blocks)
    facts = text.facts
    if seen.glued:
        facts = (*facts, Fact("glued", "byte-order marks", "they begin later lines, as in files put one after another"))
    if isinstance(text.source, bytes):
        body = text.source if blocks is None else b"".join(blocks)
        return Text(body[: len(body) - seen.marks], facts)
    if blocks is None:
        return Text(text.source, facts, text.start, text.stop - seen.marks)
    target = directory / "text.lines"
    with target.open("wb") as out:
        out.writelines(blocks)
    return Text(target, facts, 0, target.stat().st_size - seen.marks)


def _without_marks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yields a text without the byte-order marks that begin its lines."""
    held = b""
    for block in chain(blocks, (b"",)):
        whole = (held + block).replace(b"\n" + codecs.BOM_UTF8, b"\n")
        cut = max(0, len(whole) - len(codecs.BOM_UTF8)) if block else len(whole)
        yield whole[:cut]
        held = whole[cut:]


def _newlines_alone(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yields a text with a newline for every line end, whichever of the three it was."""
    cut = False
    for block in blocks:
        block = block[1:] if cut and block.startswith(b"\n") else block
        cut = block.endswith(b"\r") or (cut and not block)
        yield block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
