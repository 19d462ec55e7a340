"""Tables of tag names: a file of its own that says what the numbers of a long export stand for.

FactoryTalk writes a tag table (TagName, TagIndex) beside its float table, Ignition sqlth_te (id, tagpath) beside its
history tables. The columns of the history get the names; the name table itself holds no samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from services.ingest.layouts.name_tables import names_by_number
from services.ingest.reading import Reading
from services.ingest.tables import Fact


def named(readings: Sequence[Reading]) -> list[Reading]:
    """Returns the readings that hold samples, their numbered columns named by the name tables among the readings.

    A reading is a name table when its numbers include every column of another reading. A name table that names nothing
    stays a reading.
    """
    result = list(readings)
    for reading in readings:
        if (names := names_by_number(reading.table)) is None:
            continue
        meant = [i for i, other in enumerate(result) if other is not reading and _is_numbered(other, names)]
        if not meant:
            continue
        for i in meant:
            result[i] = _renamed(result[i], names, reading)
        # The name table's own account goes with the first file that it names.
        first = result[meant[0]]
        result[meant[0]] = replace(
            first, ledgers=[*first.ledgers, *reading.ledgers], rejects=pl.concat([first.rejects, reading.rejects])
        )
        result = [r for r in result if r is not reading]
    return result


def _tags(reading: Reading) -> list[str]:
    return [n for n in reading.table.columns if n not in ("source_row", "timestamp")]


def _is_numbered(reading: Reading, names: dict[str, str]) -> bool:
    tags = _tags(reading)
    return bool(tags) and "timestamp" in reading.table.columns and all(t in names for t in tags)


def _renamed(reading: Reading, names: dict[str, str], table: Reading) -> Reading:
    swap = {t: names[t] for t in _tags(reading)}
    ledgers = []
    for ledger in reading.ledgers:
        columns = [replace(c, name=swap.get(c.name, c.name)) for c in ledger.columns]
        ledgers.append(replace(ledger, columns=columns))
    shown = [[swap.get(c, c) for c in row] if at == 0 else row for at, row in enumerate(reading.head)]
    fact = Fact("tag_names", table.ledgers[0].file_name, f"names {len(swap)} of its {len(names)} tags by number")
    return replace(
        reading,
        table=reading.table.rename(swap),
        units={swap.get(n, n): u for n, u in reading.units.items()},
        facts=[*reading.facts, fact],
        head=shown,
        ledgers=ledgers,
    )
