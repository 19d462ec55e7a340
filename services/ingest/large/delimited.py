"""Large delimited files, also compressed ones, from the file to a typed table on disk in bounded memory.

The same steps and the same results as reading.py has for files that fit into memory; that one reads what this declines.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.ingest.container import unwrap
from services.ingest.formats import registry
from services.ingest.formats.delimited import Delimited
from services.ingest.formats.delimited_rows import BLOCK_BYTES
from services.ingest.formats.registry import MustBeWhole
from services.ingest.formats.text_file import load_text
from services.ingest.large.spool import Spool
from services.ingest.large.streaming import Stream, Written
from services.ingest.layouts.quality_told import with_quality_told
from services.ingest.layouts.refined import refined
from services.ingest.layouts.stated_zone import with_zone_told
from services.ingest.layouts.tag_labels import AnotherTag
from services.ingest.ledger import Ledger, combined
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import NO_OTHER_LAYOUT, Source, container_of, hashed_file, head_of_table
from services.ingest.tables import Fact, Progress, SourceTable, silent
from services.ingest.text.dialect import detect_dialect

LARGE_BYTES = 16 << 20
_RECOGNISED_BY = 1 << 16


@dataclass
class LargeReading:
    """A typed table in parts, `source_row` (Int64) first, with everything known about how it came to be."""

    table: Spool
    rejects: Spool
    units: dict[str, str]
    ledger: dict[str, Any]
    facts: list[Fact]
    warnings: list[tuple[str, str]]
    time_columns: list[str]
    head: list[list[str]]
    account: Ledger


def read_large_file(
    source: Source,
    options: ReadOptions,
    limits: Limits,
    directory: Path,
    progress: Progress = silent,
    *,
    from_bytes: int = LARGE_BYTES,
    block_bytes: int = BLOCK_BYTES,
    written: Written | None = None,
) -> LargeReading | None:
    """Returns the typed table of a delimited file of more than `from_bytes`, its ledger balanced; None for any other
    file and for tables that are to be turned into another one (long ones to wide).

    `written` hears of the parts as they come to lie in files of `directory`. They hold where the parts of the result
    have the same names.

    Raises the INPUT errors of errors.py.
    """
    if options.tag_column or options.value_column:
        return None
    folder = directory / "spool"
    folder.mkdir()
    with ThreadPoolExecutor(1) as beside:
        hashed = beside.submit(hashed_file, source.path)
        opened = open_delimited(source, options, limits, folder, from_bytes, progress)
        if opened is None:
            return None
        delimited, facts = opened
        stream = Stream(delimited, folder, block_bytes, written)
        try:
            _, rows, widened = delimited.settled(lambda rows: stream.read(rows, _reshaped(options)), progress)
        except (MustBeWhole, AnotherTag):
            stream.table.clear()
            stream.rejects.clear()
            return None
        assert stream.first is not None
        first = delimited.table([stream.first], rows, widened)
        if not options.raw:
            first = with_zone_told(first, delimited.layout.file_name, options.time_zone)
            first = with_quality_told(first, delimited.layout.file_name, options)
        progress("typing", 0, len(rows.names))
        typing = stream.typed(rows, first.units)
        ledger = Ledger(delimited.layout.file_name, *hashed.result(), rows.counts(), stream.table.rows, typing.cells)
    ledger.check()
    kept = next(stream.table.schemas())
    dropped = [c.name for c in typing.cells if c.name not in kept]
    facts = [*facts, *first.facts, *typing.facts]
    if dropped:
        facts.append(Fact("dropped_columns", ", ".join(dropped), "no name and no value in any row"))
    return LargeReading(
        stream.table,
        stream.rejects,
        {n: u for n, u in typing.units.items() if n in kept},
        combined([ledger]),
        facts,
        [*first.warnings, *typing.warnings],
        typing.time_columns,
        head_of_table(first),
        ledger,
    )


def open_delimited(
    source: Source, options: ReadOptions, limits: Limits, folder: Path, from_bytes: int, progress: Progress
) -> tuple[Delimited, list[Fact]] | None:
    """Returns the delimited text of a large file, unwrapped, and the facts about its container."""
    if source.path.stat().st_size * limits.compression_ratio <= from_bytes:
        return None
    kind = container_of(source, options)
    if kind.value in ("gzip", "zip"):
        members = unwrap(source.path, source.file_name, kind.value, folder, limits)
        if len(members) != 1:
            return None
        inner = folder / "inner"
        inner.mkdir()
        found = open_delimited(Source(*members[0]), options, limits, inner, from_bytes, progress)
        return found and (found[0], [Fact("wrapper", kind.value, kind.evidence), *found[1]])
    if kind.value != "text" or source.path.stat().st_size <= from_bytes:
        return None
    text = load_text(source.path, source.file_name, options, limits, folder)
    head = text.head(_RECOGNISED_BY)
    for text_format in registry.text_formats():
        if evidence := "given" if options.format == text_format.name else text_format.recognise(head):
            rewritten = text_format.rewritten and text_format.rewritten(text, options, limits, folder)
            if not rewritten:
                return None
            facts = [Fact("format", text_format.name, evidence, ("csv",)), *rewritten.facts]
            return _of_rewritten(rewritten, source.file_name, limits), facts
    progress("detecting", 0, 0)
    delimited = Delimited.of(text, detect_dialect(text.head(), options), source.file_name, options, limits)
    return delimited, [Fact("format", "csv", kind.evidence + NO_OTHER_LAYOUT)]


def _of_rewritten(rewritten: registry.Rewritten, file_name: str, limits: Limits) -> Delimited:
    text, options = rewritten.text, rewritten.options
    dialect = detect_dialect(text.head(), options)
    dialect = replace(dialect, units=rewritten.units or dialect.units)
    delimited = Delimited.of(text, dialect, file_name, options, limits)
    return replace(delimited, layout=replace(delimited.layout, blanked=rewritten.blanked))


def _reshaped(options: ReadOptions) -> Callable[[SourceTable], bool]:
    def told(table: SourceTable) -> bool:
        return refined(table) is not table or any(r.recognise(table, options) for r in registry.reshapes())

    return lambda table: not options.raw and told(table)
