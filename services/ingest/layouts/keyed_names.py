"""Columns that are only numbered, "Point_1" or "CH 2", get the names that lines above the table give to those keys.

Siemens Apogee and many channel loggers write "Point_1:,ROOM TEMP" above a header of points. Nothing is renamed unless
several keys have a name each, all different.
"""

from __future__ import annotations

import re
from dataclasses import replace

from services.ingest.headings.header import is_unit
from services.ingest.tables import Fact, SourceTable
from services.ingest.values.cells import kind_of

_NUMBERED = re.compile(r"^[A-Za-z]+[ _#.-]{0,2}\d{1,3}$")
_FEWEST = 2
_SHOWN = 5


def with_keyed_names(table: SourceTable) -> SourceTable:
    """Returns the table with numbered columns renamed where lines of the preamble name them all."""
    if not table.has_header:
        return table
    numbered = [n for n in table.frame.columns if _NUMBERED.match(n)]
    named = {}
    for cells in table.preamble:
        key = cells[0].rstrip(":= ").strip() if len(cells) > 1 else ""
        if key in numbered and key not in named:
            named[key] = next((c for c in (c.strip() for c in cells[1:]) if c), "")
    names = list(named.values())
    telling = (
        all(n and kind_of(n) == "text" for n in names)
        and not all(map(is_unit, names))
        and len(set(names)) == len(names)
    )
    if len(names) < _FEWEST or not telling or set(names) & set(table.frame.columns):
        return table
    shown = ", ".join(f"{k}: {n}" for k, n in list(named.items())[:_SHOWN])
    return replace(
        table,
        frame=table.frame.rename(named),
        units={named.get(n, n): u for n, u in table.units.items()},
        bad_cells={named.get(n, n): c for n, c in table.bad_cells.items()},
        facts=[*table.facts, Fact("names", str(len(named)), f"lines above the header name its columns ({shown})")],
    )
