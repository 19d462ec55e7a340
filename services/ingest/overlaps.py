"""Rows that files of one recording share: an export that begins before the last one ended repeats its rows.

Only a row that another file has in every cell, its time included, is a repetition; rows that repeat within a file, and
other values at the same time, are the recording's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def without_repeated_rows(
    frames: Sequence[pl.DataFrame], time: str, names: Sequence[str]
) -> tuple[list[pl.DataFrame], pl.DataFrame | None]:
    """Returns the frames without rows that an earlier frame has, and those rows as rejects; None where there are none.

    `frames` have the same columns and types, `source_row` among them, and stand in the order of their first time;
    `names` are their files.
    """
    cells = [n for n in frames[0].columns if n != "source_row"]
    if any(set(f.columns) != set(frames[0].columns) for f in frames):
        return list(frames), None
    kept, rejects = [frames[0]], []
    for frame, name in zip(frames[1:], names[1:], strict=True):
        latest = max((t for f in kept if (t := f[time].max()) is not None), default=None)
        shared = frame.filter(pl.col(time) <= latest) if latest is not None else frame.head(0)
        if shared.height:
            first = shared[time].min()
            earlier = pl.concat([f.filter(pl.col(time) >= first).select(cells) for f in kept])
            repeated = shared.join(earlier.unique(), on=cells, how="semi", nulls_equal=True)
            if repeated.height:
                rejects.append(_rejected(repeated, cells, name))
                frame = frame.join(repeated.select("source_row"), on="source_row", how="anti", maintain_order="left")
        kept.append(frame)
    return kept, pl.concat(rejects) if rejects else None


def _rejected(rows: pl.DataFrame, cells: Sequence[str], name: str) -> pl.DataFrame:
    values = pl.concat_str([pl.col(c).cast(pl.String).fill_null("") for c in cells], separator=",")
    return rows.select(
        "source_row",
        pl.lit(0, pl.Int64).alias("line"),
        pl.lit("REPEATED_ROW").alias("reason"),
        (pl.lit(f"{name}: ") + values).alias("text"),
    )
