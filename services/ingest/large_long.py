"""Large long exports (time, tag, value, quality a line) turned wide in bounded memory.

The file is read block by block; of each sample only the numbers of its tag, time and quality and the text of its value
are kept, some 32 bytes, and the wide table is made of them at the end. The rules are those of formats/long.py, which
reads what this declines.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.container import unwrap
from services.ingest.dialect import detect_dialect
from services.ingest.distinct import KnownTexts, Numbers, distinct_texts
from services.ingest.formats import registry
from services.ingest.formats.blocks import RESHAPE as BLOCKS
from services.ingest.formats.clock import utc_times, with_milliseconds
from services.ingest.formats.delimited import Delimited
from services.ingest.formats.delimited_rows import BLOCK_BYTES, Part, RowPass
from services.ingest.formats.headings import Role, candidates, names_role
from services.ingest.formats.long import (
    MARKER,
    days_of_serial,
    has_commas,
    may_be_omitted,
    sample_tags,
    sample_values,
    serial_column,
    time_texts,
    units_of_tags,
    unknown_codes,
)
from services.ingest.formats.quality import good_of_counted, says_bad
from services.ingest.formats.roles import GIVEN, MOST_CODES, ONE_SAMPLE, Roles, evidence_of, find_roles
from services.ingest.formats.text_file import load_text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.reading import NO_OTHER_LAYOUT, Reading, Source, container_of, hashed_file, typed
from services.ingest.tables import Fact, Progress, Reject, SampleCounts, SourceTable, numbered, silent

LARGE_BYTES = 16 << 20
_RECOGNISED_BY = 1 << 16
_APART = "\x1f"

Places = npt.NDArray[np.int64]


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
    opened = _delimited(source, options, limits, folder, from_bytes)
    if opened is None:
        return None
    delimited, facts = opened
    samples, rows, widened = delimited.settled(
        lambda rows: _Samples.of(rows, delimited, options, block_bytes), progress
    )
    if samples is None:
        return None
    progress("pivoting", 0, 0)
    described = delimited.table(samples.described, rows, widened)
    described.facts[:0] = facts
    table = samples.wide(described, source.file_name, options, limits)
    account = table.samples
    if samples.groupable and account is not None and account.duplicate > (1 - ONE_SAMPLE) * account.samples:
        # Tags of one name that only a later block has: all of the file tells which column parts them.
        return None
    size, digest = hashed_file(source.path)
    return typed(table, source.file_name, options, size, digest, undecided_ok=undecided_ok)


def _delimited(
    source: Source, options: ReadOptions, limits: Limits, folder: Path, from_bytes: int
) -> tuple[Delimited, list[Fact]] | None:
    """Returns the delimited text of a large file, unwrapped, and the facts about its container."""
    if source.path.stat().st_size * limits.compression_ratio <= from_bytes:
        return None
    kind = container_of(source, options)
    if kind.value in ("gzip", "zip"):
        members = unwrap(source.path, source.file_name, kind.value, folder, limits)
        inner = folder / "inner"
        inner.mkdir()
        found = _delimited(Source(*members[0]), options, limits, inner, from_bytes) if len(members) == 1 else None
        return found and (found[0], [Fact("wrapper", kind.value, kind.evidence), *found[1]])
    if kind.value != "text" or source.path.stat().st_size <= from_bytes:
        return None
    text = load_text(source.path, source.file_name, options, limits, folder)
    head = text.head(_RECOGNISED_BY)
    if any(f.name == options.format or f.recognise(head) for f in registry.text_formats()):
        return None
    delimited = Delimited.of(text, detect_dialect(text.head(), options), source.file_name, options, limits)
    return delimited, [Fact("format", "csv", kind.evidence + NO_OTHER_LAYOUT)]


@dataclass
class _Samples:
    """All samples of a file, in order: numbers of tag, time and quality, texts of the values, lines."""

    roles: Roles
    doubtful: tuple[str, ...] = ()
    """Columns called a quality whose first cells say nothing about it; later ones may."""
    groupable: bool = False
    """Whether a column is left that might tell tags of one name apart."""
    tags: KnownTexts = field(default_factory=KnownTexts)
    qualities: dict[str, KnownTexts] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    commas: bool = False
    described: list[Part] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    moved: int = 0
    _times: list[pl.Series] = field(default_factory=list)
    _time_count: int = 0
    _tag_of: list[Numbers] = field(default_factory=list)
    _time_of: list[Numbers] = field(default_factory=list)
    _line_of: list[Numbers] = field(default_factory=list)
    _quality_of: dict[str, list[Numbers]] = field(default_factory=dict)
    _values: list[pl.Series] = field(default_factory=list)

    @classmethod
    def of(cls, rows: RowPass, delimited: Delimited, options: ReadOptions, block_bytes: int) -> _Samples | None:
        """Returns the samples of a pass; None when the first rows are no long export."""
        samples: _Samples | None = None
        for part in rows.parts(block_bytes):
            if samples is None:
                if not part.frame.height:
                    continue
                first = delimited.table([part], rows, [])
                roles = None if BLOCKS.recognise(first, options) else find_roles(first, options)
                if roles is None:
                    return None
                samples = cls(roles, _doubtful(part.frame.columns, roles), _groupable(part.frame.columns, roles))
                samples.described = [replace(part, frame=part.frame.head(50), row_numbers=part.row_numbers[:50],
                                             lines=part.lines[:50], rejects=[])]  # fmt: skip
            samples.rejects += part.rejects
            lines = pl.Series("\0line", part.lines, dtype=pl.Int64)
            numbers = pl.Series("\0row", part.row_numbers, dtype=pl.Int64)
            samples.add(part.frame.with_columns(numbers, lines))
        return samples

    def add(self, frame: pl.DataFrame) -> None:
        roles = self.roles
        markers = frame[roles.tag].str.contains(MARKER).fill_null(False)
        if markers.any():
            taken = frame.filter(markers).select("\0row", "\0line", roles.tag)
            self.rejects += [Reject(row, line, "ARCHIVE_MARKER", tag) for row, line, tag in taken.iter_rows()]
            self.moved += taken.height
            frame = frame.filter(~markers)
        self.commas = self.commas or has_commas(frame, roles)
        times, places = distinct_texts(self._time_keys(frame))
        self._times.append(times)
        self._time_of.append(places + np.uint32(self._time_count))
        self._time_count += len(times)
        self._tag_of.append(self.tags.add(sample_tags(frame, roles)))
        self._line_of.append(frame["\0line"].to_numpy().astype(np.uint32))
        self._values.append(sample_values(frame, roles))
        for name in filter(None, (roles.quality, *roles.flags, *self.doubtful)):
            known = self.qualities.setdefault(name, KnownTexts())
            self._quality_of.setdefault(name, []).append(known.add(frame[name]))
        if roles.unit:
            self.units = dict(units_of_tags(frame, roles)) | self.units
        if roles.not_understood and len(self.unknown) < 4:
            more = frame[roles.not_understood].drop_nulls().unique(maintain_order=True).head(4).to_list()
            self.unknown = list(dict.fromkeys([*self.unknown, *more]))[:4]

    def _time_keys(self, frame: pl.DataFrame) -> pl.Series:
        """Returns the texts that say when a sample was taken, one text a sample."""
        columns = [time_texts(frame, self.roles), *(frame[n] for n in self._beside_time(frame.columns))]
        if len(columns) == 1:
            return columns[0]
        parts = pl.DataFrame([c.alias(str(i)) for i, c in enumerate(columns)])
        return parts.select(pl.concat_str(pl.all().fill_null(""), separator=_APART)).to_series()

    def _beside_time(self, names: list[str]) -> list[str]:
        return [n for n in (self.roles.milliseconds, serial_column(names)) if n]

    def wide(self, described: SourceTable, file_name: str, options: ReadOptions, limits: Limits) -> SourceTable:
        """Returns the wide table. Raises TIMESTAMP_AMBIGUOUS, NO_ROWS, INGEST_LIMIT."""
        stamps, fact = self._stamps(file_name, options, described.frame.columns)
        good, quality_facts = self._good()
        frame, counts, bad, lines = self._placed(stamps, good, limits)
        if frame.height == 0:
            raise SensorForgeError("NO_ROWS", f"{file_name} has no sample with a time that can be read.")
        line_counts = described.counts
        return replace(
            described,
            frame=frame,
            counts=replace(line_counts, rows=line_counts.rows - self.moved, rejected=line_counts.rejected + self.moved),
            row_numbers=numbered(frame.height),
            line_numbers=lines,
            units=self.units,
            facts=[*described.facts, fact, *quality_facts, Fact("layout", "long", self._evidence())],
            rejects=sorted(self.rejects, key=lambda r: r.line),
            preamble=[],
            has_header=True,
            samples=counts,
            bad_cells=bad,
        )

    def _evidence(self) -> str:
        roles = self.roles
        return GIVEN if roles.evidence == GIVEN else evidence_of(roles.tag, roles.value, len(self.tags.numbers))

    def _stamps(self, file_name: str, options: ReadOptions, names: list[str]) -> tuple[pl.Series, Fact]:
        """Returns the time in UTC of every number of a time."""
        keys = pl.concat(self._times).alias(self.roles.time)
        self._times.clear()
        beside = self._beside_time(names)
        pieces = [keys]
        if beside:
            split = keys.str.split_exact(_APART, len(beside)).struct.unnest()
            pieces = [split.to_series(i).replace("", None) for i in range(len(beside) + 1)]
        serial = serial_column(names)
        days = days_of_serial(pieces[beside.index(serial) + 1]) if serial else None
        texts = pieces[0].alias(self.roles.time)
        times, fact = utc_times(texts, options, file_name, comma_locale=self.commas, serial=days)
        if self.roles.milliseconds and int(str((times.dt.epoch("us") % 1_000_000).max() or 0)) == 0:
            times = with_milliseconds(times, pieces[1])
        return times, fact

    def _good(self) -> tuple[npt.NDArray[np.bool_], list[Fact]]:
        """Returns for each sample whether it is good, and what that was told by."""
        good = np.ones(sum(map(len, self._tag_of)), bool)
        facts = []
        late = next((n for n in self.doubtful if self._tells(n)), "")
        for name, known in self.qualities.items():
            if name in self.doubtful and name != late:
                continue
            codes, evidence = good_of_counted(dict(known.counts.most_common()), 0, name)
            codes |= {""} if may_be_omitted(name) else set()
            is_good = np.array([text in codes for text in known.numbers], bool)
            good &= is_good[np.concatenate(self._quality_of.pop(name))]
            facts.append(Fact("quality", name, evidence))
        if self.unknown and not late:
            facts.append(unknown_codes(self.roles.not_understood, self.unknown))
        return good, facts

    def _tells(self, name: str) -> bool:
        """Returns whether a column holds codes of quality, as formats.roles judges a whole one."""
        counts = self.qualities[name].counts
        if len(counts) > MOST_CODES:
            return False
        return bool(good_of_counted(dict(counts.most_common()), 0, name)[0]) or any(map(says_bad, counts))

    def _placed(
        self, stamps: pl.Series, good: npt.NDArray[np.bool_], limits: Limits
    ) -> tuple[pl.DataFrame, SampleCounts, dict[str, int], pl.Series]:
        """Returns what formats.pivot.pivot returns: of several good samples at one time the last stands."""
        tag, time = np.concatenate(self._tag_of), np.concatenate(self._time_of)
        self._tag_of.clear()
        self._time_of.clear()
        named = np.array([bool(n) for n in self.tags.numbers], bool)
        readable = named[tag] & stamps.is_not_null().to_numpy()[time]
        names, columns = self._columns(tag, readable)
        refuse_beyond("tags", len(names), limits.columns)
        moments, row_of = _rows(stamps, time, readable)
        refuse_beyond("cells (times x tags)", len(moments) * len(names), limits.cells)
        width = max(1, len(names))
        cell: Places = row_of[time] * width + columns[tag]
        lines = np.concatenate(self._line_of)
        first = np.zeros(len(moments), np.int64)
        backwards = np.flatnonzero(readable)[::-1]
        first[row_of[time[backwards]]] = lines[backwards]
        del time, tag, lines, backwards
        values = pl.concat(self._values)
        self._values.clear()
        filled = readable & good & values.is_not_null().to_numpy()
        last = np.full(len(moments) * width, -1, np.int64)
        at = np.flatnonzero(filled)
        last[cell[at]] = at
        was_bad = np.zeros(len(last), bool)
        was_bad[cell[readable & ~good]] = True
        was_bad &= last < 0
        bad = was_bad.reshape(-1, width).sum(axis=0).tolist()
        series = [moments.alias("timestamp")]
        for i, name in enumerate(names):
            places = pl.Series(last[i::width])
            series.append(values.gather(places.set(places < 0, None)).alias(name))
        placed, bad_samples = int((last >= 0).sum()), int((readable & ~good).sum())
        missing = int(readable.sum()) - bad_samples - len(at)
        counts = SampleCounts(len(good), placed, bad_samples, len(at) - placed, int((~readable).sum()), missing)
        bad_cells = {n: count for n, count in zip(names, bad, strict=False) if count}
        return pl.DataFrame(series), counts, bad_cells, pl.Series("line", first, dtype=pl.Int64)

    def _columns(self, tag: Numbers, readable: npt.NDArray[np.bool_]) -> tuple[list[str], Places]:
        """Returns the tags that have a readable sample, in order of the first, and the column of every tag's number."""
        numbers, at = np.unique(tag[readable], return_index=True)
        ordered = numbers[np.argsort(at)]
        columns = np.zeros(max(1, len(self.tags.numbers)), np.int64)
        columns[ordered] = np.arange(len(ordered))
        texts = list(self.tags.numbers)
        names = [texts[n] for n in ordered.tolist()]
        return [n if n not in ("timestamp", "source_row") else f"{n}_tag" for n in names], columns


def _doubtful(names: list[str], roles: Roles) -> tuple[str, ...]:
    if roles.quality:
        return ()
    taken = (roles.tag, roles.value, roles.time, roles.clock, roles.milliseconds, roles.unit, *roles.other_values)
    return tuple(candidates([n for n in names if n not in (*taken, *roles.flags)], "quality"))


def _groupable(names: list[str], roles: Roles) -> bool:
    taken = (roles.tag, roles.value, roles.time, roles.clock, roles.milliseconds, roles.unit, roles.quality)
    known: tuple[Role, ...] = ("time", "clock", "milliseconds", "other value", "quality", "unit")
    rest = [n for n in names if n not in (*taken, *roles.flags)]
    return not roles.group and any(not any(names_role(n, r) for r in known) for n in rest)


def _rows(stamps: pl.Series, time: Numbers, readable: npt.NDArray[np.bool_]) -> tuple[pl.Series, Places]:
    """Returns the distinct times of readable samples, sorted, and the row of every number of a time."""
    used = np.zeros(max(1, len(stamps)), bool)
    used[time[readable]] = True
    numbers = np.flatnonzero(used)
    moments, inverse = np.unique(stamps.dt.epoch("us").fill_null(0).to_numpy()[numbers], return_inverse=True)
    row_of = np.zeros(len(used), np.int64)
    row_of[numbers] = inverse
    return pl.Series(moments).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"), row_of
