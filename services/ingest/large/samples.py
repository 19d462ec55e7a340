"""The samples of a large long export, block by block: of each only the numbers of its tag, time and quality and the
text of its value are kept, some 32 bytes, and the wide table is made of them at the end.

The rules are those of formats/long.py and formats/pivot.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.delimited import Delimited
from services.ingest.formats.delimited_rows import Part, RowPass
from services.ingest.headings.distinct_names import beside_time
from services.ingest.layouts.blocks import RESHAPE as BLOCKS
from services.ingest.layouts.clock import utc_times, with_milliseconds
from services.ingest.layouts.headings import Role, candidates, names_role
from services.ingest.layouts.long import (
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
from services.ingest.layouts.quality import good_of_counted, says_bad
from services.ingest.layouts.roles import GIVEN, MOST_CODES, Roles, evidence_of, find_roles
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Reject, SampleCounts, SourceTable, numbered
from services.ingest.values.distinct import KnownTexts, Numbers, distinct_texts
from services.ingest.values.epochs import from_epoch

_APART = "\x1f"
_PIECE = 1 << 20

Places = npt.NDArray[np.int64]


@dataclass
class Samples:
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
    def of(cls, rows: RowPass, delimited: Delimited, options: ReadOptions, block_bytes: int) -> Samples | None:
        """Returns the samples of a pass; None when the first rows are no long export."""
        samples: Samples | None = None
        for part in rows.parts(block_bytes):
            if samples is None:
                if not part.frame.height:
                    continue
                first = delimited.table([part], rows, [])
                roles = None if BLOCKS.recognise(first, options) else find_roles(first, options)
                if roles is None:
                    return None
                samples = cls(
                    roles, might_tell_quality(part.frame.columns, roles), is_groupable(part.frame.columns, roles)
                )
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
        self.keep(self._time_keys(frame), sample_tags(frame, roles), sample_values(frame, roles), frame["\0line"])
        for name in filter(None, (roles.quality, *roles.flags, *self.doubtful)):
            known = self.qualities.setdefault(name, KnownTexts())
            self._quality_of.setdefault(name, []).append(known.add(frame[name]))
        if roles.unit:
            self.units = dict(units_of_tags(frame, roles)) | self.units
        if roles.not_understood and len(self.unknown) < 4:
            more = frame[roles.not_understood].drop_nulls().unique(maintain_order=True).head(4).to_list()
            self.unknown = list(dict.fromkeys([*self.unknown, *more]))[:4]

    def keep(self, times: pl.Series, tags: pl.Series, values: pl.Series, lines: pl.Series) -> None:
        """Takes the next samples: texts, but for their lines and for times that are whole numbers."""
        distinct, places = distinct_texts(times)
        self._times.append(distinct)
        self._time_of.append(places + np.uint32(self._time_count))
        self._time_count += len(distinct)
        self._tag_of.append(self.tags.add(tags))
        self._line_of.append(lines.to_numpy().astype(np.uint32))
        self._values.append(values)

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
        if keys.dtype.is_integer():
            _, fact = utc_times(keys.head(1000).cast(pl.String), options, file_name)
            if fact.value == "epoch" and (counted := from_epoch(keys)) is not None:
                return counted, fact
            keys = keys.cast(pl.String)
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
        small = max(len(moments) * width, len(time)) < 2**31
        place = np.dtype(np.int32 if small else np.int64)
        cell = row_of.astype(place)[time] * place.type(width) + columns.astype(place)[tag]
        lines = np.concatenate(self._line_of)
        self._line_of.clear()
        first = np.zeros(len(moments), np.int64)
        for at in _backwards(readable):
            first[row_of[time[at]]] = lines[at]
        del time, tag, lines, row_of
        filled = readable & good & np.concatenate([v.is_not_null().to_numpy() for v in self._values])
        last: npt.NDArray[np.integer[Any]] = np.full(len(moments) * width, -1, place)
        for at in _backwards(filled):
            # From the last to the first, so what stands already is later; within a piece the first written stands last.
            forward = at[::-1]
            free = forward[last[cell[forward]] < 0]
            last[cell[free]] = free
        was_bad = np.zeros(len(last), bool)
        was_bad[cell[readable & ~good]] = True
        was_bad &= last < 0
        bad = was_bad.reshape(-1, width).sum(axis=0).tolist()
        del cell, was_bad
        values = pl.concat(self._values, rechunk=True)
        self._values.clear()
        series = [moments.alias("timestamp")]
        for i, name in enumerate(names):
            places = pl.Series(last[i::width])
            series.append(values.gather(places.set(places < 0, None)).alias(name))
        used = int(filled.sum())
        placed, bad_samples = int((last >= 0).sum()), int((readable & ~good).sum())
        missing = int(readable.sum()) - bad_samples - used
        counts = SampleCounts(len(good), placed, bad_samples, used - placed, int((~readable).sum()), missing)
        bad_cells = {n: count for n, count in zip(names, bad, strict=False) if count}
        return pl.DataFrame(series), counts, bad_cells, pl.Series("line", first, dtype=pl.Int64)

    def _columns(self, tag: Numbers, readable: npt.NDArray[np.bool_]) -> tuple[list[str], Places]:
        """Returns the tags that have a readable sample, in order of the first, and the column of every tag's number."""
        first = np.full(max(1, len(self.tags.numbers)), -1, np.int64)
        for at in _backwards(readable):
            first[tag[at]] = at
        present = np.flatnonzero(first >= 0)
        ordered = present[np.argsort(first[present])]
        columns = np.zeros(max(1, len(self.tags.numbers)), np.int64)
        columns[ordered] = np.arange(len(ordered))
        texts = list(self.tags.numbers)
        names = [texts[n] for n in ordered.tolist()]
        return list(beside_time(names).values()), columns


def _backwards(flags: npt.NDArray[np.bool_]) -> Iterator[Places]:
    """Yields the places of the flags that are set, from the last to the first, in pieces."""
    for stop in range(len(flags), 0, -_PIECE):
        start = max(0, stop - _PIECE)
        yield np.flatnonzero(flags[start:stop])[::-1] + start


def might_tell_quality(names: list[str], roles: Roles) -> tuple[str, ...]:
    """Returns the columns called a quality that the first rows do not show to be one."""
    if roles.quality:
        return ()
    taken = (roles.tag, roles.value, roles.time, roles.clock, roles.milliseconds, roles.unit, *roles.other_values)
    return tuple(candidates([n for n in names if n not in (*taken, *roles.flags)], "quality"))


def is_groupable(names: list[str], roles: Roles) -> bool:
    """Returns whether a column is left that might tell tags of one name apart."""
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
