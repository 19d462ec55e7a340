"""Long tables of many rows turned wide slice by slice, whatever file they came from.

Of each sample only numbers and the text of its value are kept (large_samples.py), and the rows that were taken in are
given away. Tables of fewer rows, and those whose tags another column may tell apart, go the way of formats/long.py.
"""

from __future__ import annotations

from dataclasses import replace

from services.ingest.large.samples import Samples, is_groupable, might_tell_quality
from services.ingest.layouts.blocks import RESHAPE as BLOCKS
from services.ingest.layouts.long import as_texts
from services.ingest.layouts.roles import find_roles
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.tables import SourceTable

MANY_ROWS = 1_000_000
_SLICE = 250_000


def widened_by_slices(
    table: SourceTable, file_name: str, options: ReadOptions, limits: Limits, *, from_rows: int = MANY_ROWS
) -> SourceTable | None:
    """Returns the wide table of a long one of more than `from_rows` rows, whose rows are gone then; None for others.

    Raises TIMESTAMP_AMBIGUOUS, NO_ROWS, INGEST_LIMIT.
    """
    height = table.frame.height
    if height <= from_rows or table.frame.width < 3:
        return None
    first = as_texts(_rows(table, 0))
    roles = None if BLOCKS.recognise(first, options) else find_roles(first, options)
    if roles is None or is_groupable(first.frame.columns, roles):
        return None
    samples = Samples(roles, might_tell_quality(first.frame.columns, roles), rejects=list(table.rejects))
    parts = [_rows(table, at) for at in range(0, height, _SLICE)][::-1]
    table.frame = table.frame.head(0)
    while parts:
        part = as_texts(parts.pop())
        numbers, lines = part.row_numbers.alias("\0row"), part.line_numbers.alias("\0line")
        samples.add(part.frame.with_columns(numbers, lines))
    described = replace(table, frame=first.frame.head(50))
    return samples.wide(described, file_name, options, limits)


def _rows(table: SourceTable, at: int) -> SourceTable:
    return replace(
        table,
        frame=table.frame.slice(at, _SLICE),
        row_numbers=table.row_numbers.slice(at, _SLICE),
        line_numbers=table.line_numbers.slice(at, _SLICE),
    )
