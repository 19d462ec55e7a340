"""Order and segments: rows sorted by run and time, and cut where the history has a gap.

It promises that no segment crosses a run or a gap, and that every row has exactly one place. It never adds a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl


@dataclass(frozen=True)
class Segments:
    """Row order (indices into the file) and, in that order, the segment number of each row, from 0 upwards."""

    order: npt.NDArray[np.int64]
    segment: npt.NDArray[np.int32]
    report: dict[str, Any]


def segment_rows(
    times: pl.Series | None, runs: npt.NDArray[np.int64] | None, rows: int, gap_factor: float = 5.0
) -> Segments:
    """Returns rows sorted by run (in order of first appearance) and time, cut where a gap is too long.

    `runs` are run codes by first appearance. A gap longer than `gap_factor` median steps of its run starts a new
    segment, and so does every run. A row without a time stays behind its predecessor in the file.
    """
    codes = np.zeros(rows, dtype=np.int64) if runs is None else runs
    position = np.arange(rows)
    report: dict[str, Any] = {"runs": len(np.unique(codes)) if runs is not None else 0}
    if times is None:
        order = np.lexsort((position, codes))
        clock = None
    else:
        raw = times.dt.epoch("us")
        known = raw.is_not_null().to_numpy()
        filled = pl.DataFrame({"c": codes, "t": raw}).select(
            pl.col("t").forward_fill().over("c").fill_null(pl.col("t").min().over("c")).fill_null(0).alias("t")
        )["t"]
        keys = filled.to_numpy()
        order = np.lexsort((position, keys, codes))
        clock = np.where(known, keys, keys)[order]
        report["sorted"] = bool(np.array_equal(order, np.lexsort((position, codes))))
        report["duplicate_times"] = int(
            pl.DataFrame({"c": codes[known], "t": keys[known]}).is_duplicated().sum() if known.any() else 0
        )
    ordered = codes[order]
    cut = np.zeros(rows, dtype=bool)
    if rows > 1:
        cut[1:] = ordered[1:] != ordered[:-1]
    gaps = 0
    if clock is not None and rows > 1:
        step = np.diff(clock)
        inside = ~cut[1:]
        median = _median_steps(step, inside, ordered[1:])
        wide = inside & (step > gap_factor * median) & (median > 0)
        cut[1:] |= wide
        gaps = int(wide.sum())
        positive = step[inside & (step > 0)]
        report["median_step_s"] = float(np.median(positive)) / 1e6 if len(positive) else None
        report["longest_step_s"] = float(positive.max()) / 1e6 if len(positive) else None
    segment = np.cumsum(cut).astype(np.int32)
    report |= {"gaps": gaps, "segments": int(segment[-1]) + 1 if rows else 0}
    return Segments(order, segment, report)


def _median_steps(
    step: npt.NDArray[np.int64], inside: npt.NDArray[np.bool_], codes: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Returns for every step the median positive step of its run; short runs borrow the median of all."""
    usable = inside & (step > 0)
    if not usable.any():
        return np.zeros(len(step))
    overall = float(np.median(step[usable]))
    frame = pl.DataFrame({"c": codes[usable], "s": step[usable]})
    per_run = frame.group_by("c").agg(pl.col("s").median().alias("m"), pl.len().alias("n"))
    medians = {c: (m if n >= 10 else overall) for c, m, n in per_run.iter_rows()}
    codes_seen, inverse = np.unique(codes, return_inverse=True)
    return np.asarray([medians.get(int(c), overall) for c in codes_seen])[inverse]
