"""From a file to a typed table with its ledger: container, encoding, layout, text, types, account.

This is the whole of parsing as a plain function; it holds no credentials and writes nothing. It is run in a
single-use process with bounds (sandbox.py) because the file may be hostile.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.container import beside_the_data, detect_container, refuse_note, unwrap
from services.ingest.formats import registry, sections
from services.ingest.formats.delimited import read_delimited
from services.ingest.formats.text_file import load_text
from services.ingest.large.slices import MANY_ROWS, widened_by_slices
from services.ingest.layouts.quality_told import with_quality_told
from services.ingest.layouts.refined import refined
from services.ingest.layouts.stated_zone import with_zone_told
from services.ingest.layouts.tag_labels import AnotherTag
from services.ingest.ledger import ColumnCells, Ledger
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Progress, SourceTable, rejects_frame, silent
from services.ingest.values.coerce import coerce, nameless_empty
from services.ingest.values.date_parts import assembled_times
from services.ingest.values.split_clock import whole_times

NO_OTHER_LAYOUT = "; no other layout recognised"
_FORMATS = {
    "csv": "text",
    "tsv": "text",
    "txt": "text",
    "xlsx": "excel",
    "xls": "excel",
    "ods": "excel",
    "jsonl": "json",
    "ndjson": "json",
}


@dataclass(frozen=True)
class Source:
    """A file to read: where it lies and what its sender calls it."""

    path: Path
    file_name: str


@dataclass
class Reading:
    """A typed table with everything that is known about how it came to be.

    `table` has `source_row` (Int64) first. `rejects` as in tables.rejects_frame. One ledger a file. `clock_columns`
    hold what was added to the first time column.
    """

    table: pl.DataFrame
    units: dict[str, str]
    rejects: pl.DataFrame
    ledgers: list[Ledger]
    facts: list[Fact]
    warnings: list[tuple[str, str]] = field(default_factory=list)
    time_columns: list[str] = field(default_factory=list)
    head: list[list[str]] = field(default_factory=list)
    clock_columns: list[str] = field(default_factory=list)


def container_of(source: Source, options: ReadOptions) -> Fact:
    """Returns the container of a file, as its bytes show it or as it is given."""
    kind = detect_container(source.path, source.file_name)
    if options.format and kind.value in ("text", "json"):
        wanted = _FORMATS.get(options.format.lower(), options.format.lower())
        return replace(kind, value=wanted, evidence="given")
    return kind


def read_source(
    source: Source, options: ReadOptions, limits: Limits, directory: Path, progress: Progress = silent
) -> list[tuple[Source, SourceTable]]:
    """Returns the table of a file still as text where it is text; a zip of several files gives several tables.

    Raises the INPUT errors of errors.py.
    """
    kind = container_of(source, options)
    if kind.value in ("gzip", "zip"):
        members = unwrap(source.path, source.file_name, kind.value, directory, limits)
        if not members:
            raise SensorForgeError("EMPTY_FILE", f"{source.file_name} is an archive without files.")
        inner: list[tuple[Source, SourceTable]] = []
        left_out: list[tuple[str, SensorForgeError]] = []
        for number, (path, name) in enumerate(members):
            nested = directory / f"member-{number}"
            nested.mkdir()
            try:
                if len(members) > 1:
                    refuse_note(name, source.file_name)
                _refuse_archive(path, name, source.file_name)
                inner.extend(read_source(Source(path, name), options, limits, nested, progress))
            except SensorForgeError as error:
                if not beside_the_data(name, error):
                    raise
                left_out.append((name, error))
        if not inner:
            raise left_out[0][1]
        for _, table in inner:
            table.facts.insert(0, Fact("wrapper", kind.value, kind.evidence))
        if left_out:
            names = ", ".join(n for n, _ in left_out[:10])
            inner[0][1].warnings.append(("MEMBERS_UNREAD", f"{source.file_name}: {names} hold no table; not read."))
        return inner
    container = next((c for c in registry.containers() if c.kind == kind.value), None)
    if container is not None:
        large = _large_json(source, kind, options, limits, directory, progress)
        table = large or container.read(source.path, source.file_name, options, limits, progress)
        if not any(f.key == "format" for f in table.facts):
            table.facts.insert(0, kind)
        parts = table.parts or [(source.file_name, table)]
        return [(replace(source, file_name=n), _reshaped(t, n, options, limits)) for n, t in parts]
    text = load_text(source.path, source.file_name, options, limits, directory)
    head = text.head(1 << 16)
    for text_format in registry.text_formats():
        evidence = "given" if options.format == text_format.name else text_format.recognise(head)
        if evidence and options.format in ("", text_format.name):
            table = text_format.read(text, source.file_name, options, limits, progress)
            table.facts.insert(0, Fact("format", text_format.name, evidence, ("csv",)))
            return [(source, _reshaped(table, source.file_name, options, limits))]
    try:
        table = read_delimited(text, source.file_name, options, limits, progress)
        table.facts.insert(0, Fact("format", "csv", kind.evidence + NO_OTHER_LAYOUT))
    except AnotherTag:
        # The first section is longer than the head by which formats are recognised.
        table = sections.read_sections(text, source.file_name, options, limits, progress)
        table.facts.insert(0, Fact("format", "sections", "its header comes again under another tag", ("csv",)))
    return [(source, _reshaped(table, source.file_name, options, limits))]


def _refuse_archive(path: Path, name: str, archive: str) -> None:
    if detect_container(path, name).value in ("gzip", "zip"):
        raise SensorForgeError("INGEST_LIMIT", f"{archive} holds an archive inside an archive.")


def _large_json(
    source: Source, kind: Fact, options: ReadOptions, limits: Limits, directory: Path, progress: Progress
) -> SourceTable | None:
    if kind.value != "json":
        return None
    from services.ingest.formats.json_stream import read_large_json

    return read_large_json(source.path, source.file_name, options, limits, directory, progress)


def _reshaped(table: SourceTable, file_name: str, options: ReadOptions, limits: Limits) -> SourceTable:
    if options.raw and not options.tag_column:
        return table
    table = refined(with_zone_told(table, file_name, options.time_zone))
    if table.frame.height > MANY_ROWS and (wide := widened_by_slices(table, file_name, options, limits)) is not None:
        return wide
    for reshape in registry.reshapes():
        if evidence := reshape.recognise(table, options):
            reshaped = reshape.apply(table, file_name, options)
            reshaped.facts = [*reshaped.facts, Fact("layout", reshape.name, evidence)]
            return reshaped
    return with_quality_told(table, file_name, options)


def read_file(
    source: Source,
    options: ReadOptions,
    limits: Limits,
    directory: Path,
    progress: Progress = silent,
    *,
    undecided_ok: bool = False,
) -> list[Reading]:
    """Returns the typed tables of one file (several only from a zip of several files), ledgers balanced."""
    size, digest = hashed_file(source.path)
    readings = []
    for inner, table in read_source(source, options, limits, directory, progress):
        progress("typing", 0, table.frame.width)
        readings.append(typed(table, inner.file_name, options, size, digest, undecided_ok=undecided_ok))
    return readings


def hashed_file(path: Path) -> tuple[int, str]:
    """Returns the size and the SHA-256 of a file."""
    with path.open("rb") as f:
        return path.stat().st_size, hashlib.file_digest(f, "sha256").hexdigest()


def typed(
    table: SourceTable, file_name: str, options: ReadOptions, size: int, sha256: str, *, undecided_ok: bool = False
) -> Reading:
    """Returns a source table with its cells typed and its ledger balanced. Raises LEDGER_UNBALANCED."""
    head, clocks = head_of_table(table), list[str]()
    if options.raw:
        frame = table.frame.select(pl.all().cast(pl.String))
        cells = [_text_cells(frame[n]) for n in frame.columns]
        facts, warnings, units, times = table.facts, table.warnings, table.units, list[str]()
    else:
        frame, typing = coerce(table, options, file_name, undecided_ok=undecided_ok)
        cells, units, times = typing.cells, typing.units, typing.time_columns
        warnings = [*table.warnings, *typing.warnings]
        for account in cells:
            bad = table.bad_cells.get(account.name, 0)
            account.empty, account.bad = account.empty - bad, bad
        parts = None if times else assembled_times(frame.columns, frame.get_column)
        if parts is not None:
            frame, times = frame.insert_column(0, parts.times), [parts.times.name]
            clocks = list(parts.parts)
            typing.facts.append(parts.fact)
        whole = whole_times(times[0], frame.columns, frame.get_column, options.time_zone) if times else None
        if whole is not None:
            frame = frame.with_columns(whole.times)
            clocks = list(whole.added)
            typing.facts.append(whole.fact)
            warnings += whole.warnings
        facts = [*table.facts, *typing.facts]
    ledger = Ledger(file_name, size, sha256, table.counts, frame.height, cells, table.samples)
    ledger.check()
    if not options.raw and (drop := nameless_empty(cells, table.has_header)):
        facts = [*facts, Fact("dropped_columns", ", ".join(drop), "no name and no value in any row")]
        frame = frame.drop(drop)
    numbers = table.row_numbers.alias("source_row")
    frame = frame.insert_column(0, numbers)
    return Reading(
        table=frame,
        units={n: u for n, u in units.items() if n in frame.columns},
        rejects=rejects_frame(table.rejects),
        ledgers=[ledger],
        facts=facts,
        warnings=warnings,
        time_columns=[t for t in times if t in frame.columns],
        clock_columns=clocks,
        head=head,
    )


def _text_cells(values: pl.Series) -> ColumnCells:
    return ColumnCells(values.name, "text", text=len(values) - values.null_count(), empty=values.null_count())


def head_of_table(table: SourceTable, rows: int = 20) -> list[list[str]]:
    """Returns the names and the first rows as the file has them."""
    shown = table.frame.head(rows).select(pl.all().cast(pl.String, strict=False).fill_null(""))
    return [list(table.frame.columns), *[list(r) for r in shown.rows()]]
