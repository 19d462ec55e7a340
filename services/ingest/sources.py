"""The files of a data set, read one by one; what one file leaves open, the others may settle.

A file of one day may read both ways where the next day's does not. Only a decimal mark or an order of day and month on
which all files that decide it agree settles it, and only for the file that left it open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from services.chassis.errors import SensorForgeError
from services.ingest.large.chunks import alike_chunked
from services.ingest.large.delimited import read_large_file
from services.ingest.large.long import read_large_long
from services.ingest.large.paired import read_large_paired
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.reading import Reading, Source, read_file
from services.ingest.tables import REJECT_SCHEMA, Fact, Progress
from services.ingest.values.timestamps import EITHER_WAY

_OPEN = ("DECIMAL_AMBIGUOUS", "TIMESTAMP_AMBIGUOUS")
"""Reasons of refusals that another file may settle."""
_ORDER = re.compile(r"^%([dm])[/. -]%[dm]")
_NOTHING_TOLD = "no cell has a comma"


def read_all(
    sources: Sequence[Source], options: ReadOptions, limits: Limits, directory: Path, progress: Progress
) -> list[Reading]:
    """Returns the tables of all files; what one of several leaves open is read as the others agree."""
    several = len(sources) > 1
    found: list[list[Reading]] = []
    left_open: dict[int, SensorForgeError] = {}
    for number, source in enumerate(sources):
        try:
            found.append(_of_source(source, options, limits, directory / f"source-{number}", progress, several=several))
        except SensorForgeError as error:
            if not several or error.reason not in _OPEN:
                raise _of_file(error, source) from error
            found.append([])
            left_open[number] = error
    if left_open:
        settled = _settled_by([r for one in found for r in one], options)
        fact = _settled_fact(settled, (sources[n].file_name for n in left_open))
        for number, unsettled in left_open.items():
            if settled == options:
                raise _of_file(unsettled, sources[number]) from unsettled
            folder = directory / f"settled-{number}"
            try:
                found[number] = _of_source(sources[number], settled, limits, folder, progress, several=several)
            except SensorForgeError as again:
                raise _of_file(again, sources[number]) from again
        next(one for one in found if one)[0].facts.append(fact)
    return [r for one in found for r in one]


def _of_source(
    source: Source, options: ReadOptions, limits: Limits, folder: Path, progress: Progress, *, several: bool
) -> list[Reading]:
    folder.mkdir()
    undecided_ok = options.undecided_ok
    # A large file by itself was tried part by part before it came here.
    read = _large(source, options, limits, folder, progress) if several and not undecided_ok else []
    read = read or _read(source, options, limits, folder, progress, undecided_ok=undecided_ok)
    if any(f.key == "layout" for r in read for f in r.facts):
        refuse_beyond("bytes of a historian's export", source.path.stat().st_size, limits.scada_bytes)
    return read


def _large(source: Source, options: ReadOptions, limits: Limits, folder: Path, progress: Progress) -> list[Reading]:
    """Returns a large delimited file, of which only the typed table is in memory; nothing for any other file."""
    large = read_large_file(source, options, limits, folder, progress)
    if large is None:
        return []
    table = alike_chunked(large.table.frame({}))
    rejects = large.rejects.frame(REJECT_SCHEMA)
    account = [large.account]
    return [Reading(table, large.units, rejects, account, large.facts, large.warnings, large.time_columns, large.head)]


def _read(
    source: Source, options: ReadOptions, limits: Limits, folder: Path, progress: Progress, *, undecided_ok: bool
) -> list[Reading]:
    large = read_large_long(source, options, limits, folder, progress, undecided_ok=undecided_ok)
    if large is None and not undecided_ok:
        large = read_large_paired(source, options, limits, folder, progress)
    return [large] if large else read_file(source, options, limits, folder, progress, undecided_ok=undecided_ok)


def _of_file(error: SensorForgeError, source: Source) -> SensorForgeError:
    """Returns a refusal that names its file."""
    if source.file_name in error.message:
        return error
    return SensorForgeError(
        error.reason, f"{source.file_name}: {error.message}", remedy=error.remedy, metadata=error.metadata
    )


def _settled_by(readings: Sequence[Reading], options: ReadOptions) -> ReadOptions:
    """Returns the options with what the files that were read agree on; what is given stays."""
    facts = [f for r in readings for f in r.facts]
    marks = {f.value for f in facts if f.key == "decimal" and f.evidence != _NOTHING_TOLD}
    times = [f for f in facts if f.key.startswith("timestamp_format:") and f.evidence != EITHER_WAY]
    orders = {m[1] for f in times if (m := _ORDER.match(f.value))}
    decimal = options.decimal or (marks.pop() if len(marks) == 1 and marks <= {",", "."} else "")
    day_first = options.day_first
    if day_first is None and len(orders) == 1:
        day_first = orders.pop() == "d"
    return replace(options, decimal=decimal, day_first=day_first)


def _settled_fact(options: ReadOptions, names: Iterable[str]) -> Fact:
    """Returns the fact that says what the other files settled, and for which."""
    order = {True: "day before month", False: "month before day", None: ""}[options.day_first]
    told = ", ".join(filter(None, (options.decimal and f"decimal {options.decimal}", order)))
    return Fact("settled_by_other_files", told, f"{', '.join(names)} leave it open"[:300])
