"""The records of a text that comes in pieces, in blocks of whole records: a large file is never held at once.

A block ends where its records certainly end: a quoted cell that goes on in the next piece goes into the next block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from services.ingest.text.records import Records, scan

LONGEST_LINE = 1 << 20


@dataclass(frozen=True)
class Block:
    """Whole records of a text: their bytes, the records in them (`line` counts in the text), whether they end it."""

    data: bytes
    records: Records
    last: bool


def record_blocks(
    pieces: Iterable[bytes],
    delimiter: str,
    quote: str,
    *,
    held_back: int = 0,
    longest_line: int = LONGEST_LINE,
    plain: Callable[[bytes], bytes] | None = None,
) -> Iterator[Block]:
    """Yields all records of a text that comes in pieces, block by block.

    The last block holds at least `held_back` records where the text has as many. `plain` rewrites whole lines before
    they are looked at. Of a line longer than a piece only `longest_line` bytes and one more are kept.
    """
    carried, lines = b"", 0
    waiting: bytes | None = None
    bounded = _without_endless_lines(pieces, longest_line)
    for piece in bounded if plain is None else map(plain, _whole_lines(bounded)):
        if waiting is not None:
            data = carried + waiting if carried else waiting
            records = scan(data, delimiter, quote, partial=True)
            settled = len(records) - max(held_back, 1)
            if records.open_from is not None:
                settled = min(settled, records.open_from)
            carried = data
            if settled > 0:
                cut = int(records.start[settled])
                yield Block(data[:cut], _counted_from(records.first(settled), lines), last=False)
                lines += int(records.line[settled]) - 1
                carried = data[cut:]
        waiting = piece
    data = carried + (waiting or b"")
    yield Block(data, _counted_from(scan(data, delimiter, quote), lines), last=True)


def ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """Yields the blocks while the next one is made beside it."""
    with ThreadPoolExecutor(1) as beside:
        coming = beside.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = beside.submit(next, blocks, None)
            yield block


def _counted_from(records: Records, lines: int) -> Records:
    return replace(records, line=records.line + lines) if lines else records


def _without_endless_lines(pieces: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """Yields the pieces, without most of what lies between two line ends that are further apart than a piece."""
    kept = 0
    for piece in pieces:
        first = piece.find(b"\n")
        if first < 0:
            if kept <= longest:
                yield piece[: longest + 1 - kept]
            kept += len(piece)
            continue
        yield piece[first:] if kept > longest else piece
        kept = len(piece) - piece.rfind(b"\n") - 1


def _whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the pieces cut at line ends."""
    rest = b""
    for piece in pieces:
        at = piece.rfind(b"\n") + 1
        if at:
            yield rest + piece[:at]
        rest = piece[at:] if at else rest + piece
    if rest:
        yield rest
