"""Tables that came together from many parts."""

from __future__ import annotations

import polars as pl


def alike_chunked(table: pl.DataFrame) -> pl.DataFrame:
    """Returns a table in many chunks with all columns cut as `source_row` is; cut otherwise, writing would copy it."""
    sizes = [len(chunk) for chunk in table["source_row"].get_chunks()]
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    odd = [c for c in table.get_columns() if [len(chunk) for chunk in c.get_chunks()] != sizes]
    cut = [
        pl.concat([c.slice(start, size).rechunk() for start, size in zip(starts, sizes, strict=True)], rechunk=False)
        for c in odd
    ]
    return table.with_columns(cut)
