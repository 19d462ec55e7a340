"""Large long exports (time, tag, value, quality a line; points; a table a series) turned wide in bounded memory.

The file is read block by block. The rules are those of formats/long.py, and of the text formats that give their
samples in blocks, which read what this declines.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from services.ingest.container import unwrap
from services.ingest.formats import registry
from services.ingest.formats.delimited import Delimited
from services.ingest.formats.delimited_rows import BLOCK_BYTES
from services.ingest.formats.text_file import Text, load_text
from services.ingest.large.samples import Samples
from services.ingest.layouts.roles import ONE_SAMPLE, Roles
from services.ingest.layouts.stated_zone import with_zone_told
from services.ingest.layouts.tag_labels import AnotherTag
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import NO_OTHER_LAYOUT, Reading, Source, container_of, hashed_file, typed
from services.ingest.tables import Fact, Progress, silent
from services.ingest.text.dialect import detect_dialect

LARGE_BYTES = 16 << 20
_RECOGNISED_BY = 1 << 16


def read_large_long(
    source: Source,
    options: ReadOptions,
    limits: Limits,
    directory: Path,
    progress: Progress = silent,
    *,
    undecided_ok: bool = False,
    from_bytes: int = LARGE_BYTES,
    block_bytes: int = BLOCK_BYTES,
) -> Reading | None:
    """Returns the wide, typed table of a long export of more than `from_bytes`; None for any other file.

    Raises the INPUT errors of errors.py.
    """
    folder = directory / "long"
    folder.mkdir()
    opened = _opened(source, options, limits, folder, from_bytes)
    if opened is None:
        return None
    text = opened.text
    head = text.head(_RECOGNISED_BY)
    for text_format in registry.text_formats():
        if evidence := "given" if options.format == text_format.name else text_format.recognise(head):
            facts = [*opened.facts, Fact("format", text_format.name, evidence, ("csv",))]
            return _of_blocks(text_format, opened, facts, source, options, limits, progress, undecided_ok)
    delimited = Delimited.of(text, detect_dialect(text.head(), options), opened.name, options, limits)
    facts = [*opened.facts, Fact("format", "csv", opened.evidence + NO_OTHER_LAYOUT)]
    try:
        samples, rows, widened = delimited.settled(
            lambda rows: Samples.of(rows, delimited, options, block_bytes), progress
        )
    except AnotherTag:
        return None
    if samples is None:
        return None
    progress("pivoting", 0, 0)
    described = delimited.table(samples.described, rows, widened)
    described = with_zone_told(described, source.file_name, options.time_zone)
    described.facts[:0] = facts
    table = samples.wide(described, source.file_name, options, limits)
    account = table.samples
    if samples.groupable and account is not None and account.duplicate > (1 - ONE_SAMPLE) * account.samples:
        # Tags of one name that only a later block has: all of the file tells which column parts them.
        return None
    size, digest = hashed_file(source.path)
    return typed(table, source.file_name, options, size, digest, undecided_ok=undecided_ok)


@dataclass(frozen=True)
class _Opened:
    """The text of a large file, its file's name, what says that it is text, and facts about a wrapper."""

    text: Text
    name: str
    evidence: str
    facts: tuple[Fact, ...] = ()


def _opened(source: Source, options: ReadOptions, limits: Limits, folder: Path, from_bytes: int) -> _Opened | None:
    """Returns a large text, unwrapped; None for any other file."""
    if source.path.stat().st_size * limits.compression_ratio <= from_bytes:
        return None
    kind = container_of(source, options)
    if kind.value in ("gzip", "zip"):
        members = unwrap(source.path, source.file_name, kind.value, folder, limits)
        inner = folder / "inner"
        inner.mkdir()
        found = _opened(Source(*members[0]), options, limits, inner, from_bytes) if len(members) == 1 else None
        return found and replace(found, facts=(Fact("wrapper", kind.value, kind.evidence), *found.facts))
    known = options.format and any(options.format == f.name for f in registry.text_formats())
    if (kind.value != "text" and not known) or source.path.stat().st_size <= from_bytes:
        return None
    text = load_text(source.path, source.file_name, options, limits, folder)
    return _Opened(text, source.file_name, kind.evidence)


def _of_blocks(
    text_format: registry.TextFormat,
    opened: _Opened,
    facts: list[Fact],
    source: Source,
    options: ReadOptions,
    limits: Limits,
    progress: Progress,
    undecided_ok: bool,
) -> Reading | None:
    """Returns the wide, typed table of a text format that gives its samples in blocks; None for any other."""
    if text_format.samples is None:
        return None
    blocks = text_format.samples(opened.text, opened.name, limits, progress)
    samples = Samples(Roles(tag="tag", value="value", time="time"))
    try:
        for block in blocks.blocks():
            samples.keep(block["time"], block["tag"], block["value"], block["line"])
    except registry.MustBeWhole:
        return None
    samples.tags.rename(blocks.names(list(samples.tags.numbers)))
    progress("pivoting", 0, 0)
    described = blocks.described()
    described.facts[:0] = facts
    samples.rejects = described.rejects
    samples.roles = replace(samples.roles, time=described.frame.columns[0])
    table = samples.wide(described, opened.name, options, limits)
    table.facts = [f for f in table.facts if f.key != "layout"]
    size, digest = hashed_file(source.path)
    return typed(table, opened.name, options, size, digest, undecided_ok=undecided_ok)
