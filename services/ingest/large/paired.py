"""Large wide tables with quality columns, read in bounded memory.

A first pass over the file counts the codes of each quality column, which tell what is good. A second one writes the
values to a file of their own, bad samples empty, and that is typed part by part as any large table is. The rules are
those of formats/paired.py, which reads what this declines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from services.ingest.formats import registry
from services.ingest.formats.delimited import Delimited
from services.ingest.formats.delimited_rows import BLOCK_BYTES, RowPass
from services.ingest.large.chunks import alike_chunked
from services.ingest.large.delimited import LARGE_BYTES, LargeReading, open_delimited, read_large_file
from services.ingest.layouts import paired
from services.ingest.layouts.quality_pairs import (
    Pair,
    beside_values,
    code_counts,
    good_marks,
    quality_facts,
    without_bad,
)
from services.ingest.layouts.roles import MOST_CODES
from services.ingest.layouts.stated_zone import with_zone_told
from services.ingest.layouts.tag_labels import AnotherTag
from services.ingest.ledger import ColumnCells, Ledger
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import Reading, Source, hashed_file
from services.ingest.tables import REJECT_SCHEMA, Fact, Progress, Reject, SourceTable, rejects_frame, silent


def read_large_paired(
    source: Source,
    options: ReadOptions,
    limits: Limits,
    directory: Path,
    progress: Progress = silent,
    *,
    from_bytes: int = LARGE_BYTES,
    block_bytes: int = BLOCK_BYTES,
) -> Reading | None:
    """Returns the reading of a wide table with quality columns of more than `from_bytes`; None for any other file.

    Tables whose tags have clocks of their own, and cells of several lines, are left to the reader of whole files.
    Raises the INPUT errors of errors.py.
    """
    if options.raw or options.tag_column or options.value_column:
        return None
    folder = directory / "paired"
    folder.mkdir()
    opened = open_delimited(source, options, limits, folder, from_bytes, progress)
    if opened is None:
        return None
    delimited, facts = opened
    try:
        seen, rows, widened = delimited.settled(lambda rows: _Codes.of(rows, delimited, options, block_bytes), progress)
    except AnotherTag:
        return None
    if seen is None or rows.counted["continuation"]:
        return None
    values = folder / "values.csv"
    kept = _Values.written(values, rows, seen, block_bytes)
    layout = replace(
        options,
        format="csv",
        delimiter=",",
        quote='"',
        encoding="utf-8",
        header_row=1,
        units_row=False,
        column_names=(),
    )
    inner = folder / "typed"
    inner.mkdir()
    large = read_large_file(Source(values, source.file_name), layout, limits, inner, progress, from_bytes=0)
    if large is None or large.table.rows != kept.rows:
        return None
    seen.first = with_zone_told(seen.first, source.file_name, options.time_zone)
    return _reading(source, large, kept, rows, seen, [*facts, *seen.first.facts, *widened])


@dataclass
class _Codes:
    """The pairs of a table, its first rows, and how often each code of each quality column occurs."""

    pairs: list[Pair]
    first: SourceTable
    counts: dict[str, Counter[str]]

    @classmethod
    def of(cls, rows: RowPass, delimited: Delimited, options: ReadOptions, block_bytes: int) -> _Codes | None:
        """Returns the codes of a pass; None when the first rows have no pairs or a column turns out to hold others."""
        codes: _Codes | None = None
        for part in rows.parts(block_bytes):
            if not part.frame.height:
                continue
            if codes is None:
                first = delimited.table([part], rows, [])
                layout = next((r for r in registry.reshapes() if r.recognise(first, options)), None)
                pairs = paired.row_by_row(first, options) if layout is paired.RESHAPE else []
                if not pairs:
                    return None
                codes = cls(pairs, replace(first, frame=first.frame.head(0)), {p.quality: Counter() for p in pairs})
            for name, counts in codes.counts.items():
                counts.update(code_counts(part.frame[name]))
                if len(counts) > MOST_CODES:
                    return None
        return codes if codes and codes.still_codes() else None

    def still_codes(self) -> bool:
        """Returns whether what later parts of the quality columns hold are codes as well."""
        distinct = (pl.Series(name, [t for t in counts if t.strip()]) for name, counts in self.counts.items())
        return all(paired.holds_codes(texts) for texts in distinct if len(texts))


@dataclass
class _Values:
    """What is known of the rows whose values lie in a file of their own."""

    columns: list[str]
    bad: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)
    rows: int = 0
    _row_numbers: list[npt.NDArray[np.int64]] = field(default_factory=list)
    _lines: list[npt.NDArray[np.int64]] = field(default_factory=list)

    @classmethod
    def written(cls, path: Path, rows: RowPass, seen: _Codes, block_bytes: int) -> _Values:
        """Writes the rows of a pass without their quality columns, bad samples empty."""
        marks = good_marks(seen.pairs, {n: dict(c.most_common()) for n, c in seen.counts.items()})
        dropped = beside_values(rows.names, seen.pairs)
        values = cls([n for n in rows.names if n not in dropped])
        tags = {p.value: p.tag for p in seen.pairs}
        renames = {v: t for v, t in tags.items() if v == t or t not in values.columns}
        with path.open("wb") as out:
            names = [renames.get(n, n) for n in values.columns]
            out.write(_line(names))
            for part in rows.parts(block_bytes):
                frame, bad = without_bad(part.frame, seen.pairs, marks)
                frame.select(values.columns).write_csv(out, include_header=False)
                values.bad.update({renames.get(n, n): count for n, count in bad.items()})
                values.rejects += part.rejects
                values.rows += frame.height
                values._row_numbers.append(part.row_numbers)
                values._lines.append(part.lines)
        values.columns = names
        return values

    @property
    def row_numbers(self) -> pl.Series:
        return pl.Series("source_row", np.concatenate(self._row_numbers), dtype=pl.Int64)

    @property
    def lines(self) -> npt.NDArray[np.int64]:
        return np.concatenate(self._lines)


def _line(names: Sequence[str]) -> bytes:
    quoted = ",".join('"' + n.replace('"', '""') + '"' for n in names)
    return (quoted + "\n").encode()


def _reading(
    source: Source, large: LargeReading, kept: _Values, rows: RowPass, seen: _Codes, facts: Sequence[Fact]
) -> Reading:
    lines = kept.lines
    cells = [_account(c, kept.bad[c.name], lines) for c in large.account.columns]
    ledger = Ledger(source.file_name, *hashed_file(source.path), rows.counts(), kept.rows, cells)
    ledger.check()
    table = alike_chunked(large.table.frame({}))
    table = table.with_columns(kept.row_numbers.alias("source_row"))
    marks = good_marks(seen.pairs, {n: dict(c.most_common()) for n, c in seen.counts.items()})
    typed = [f for f in large.facts if f.key.startswith(("decimal", "timestamp_format", "dropped_columns"))]
    layout = Fact("layout", paired.RESHAPE.name, paired.evidence_of(seen.pairs))
    tags = {p.value: p.tag for p in seen.pairs}
    units = {tags.get(n, n): u for n, u in seen.first.units.items()}
    return Reading(
        table=table,
        units={n: u for n, u in (units | large.units).items() if n in table.columns},
        rejects=rejects_frame(kept.rejects) if kept.rejects else pl.DataFrame(schema=REJECT_SCHEMA),
        ledgers=[ledger],
        facts=[*facts, *quality_facts(seen.pairs, marks), layout, *typed],
        warnings=[*seen.first.warnings, *large.warnings],
        time_columns=large.time_columns,
        head=large.head,
    )


def _account(cells: ColumnCells, bad: int, lines: npt.NDArray[np.int64]) -> ColumnCells:
    """Returns a column's account with its bad samples and the lines of the source; the header is line 1 of the copy."""
    places = {text: [int(lines[at - 2]) for at in known] for text, known in cells.lines.items()}
    return replace(cells, empty=cells.empty - bad, bad=bad, lines=places)
