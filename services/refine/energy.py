"""The energy distance, by which refinement is measured whatever the engine, and the space in which it is taken.

Székely & Rizzo 2013: 2 E|X - Y| - E|X - X'| - E|Y - Y'|, zero if and only if both distributions are the same and
positive otherwise. It needs no training and means the same for every engine. Columns are scaled by the real training
rows' standard deviation; discrete columns count as one-hot columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, pdist

from services.refine.codec import Codec

MOST_ROWS = 3000


@dataclass(frozen=True)
class EnergySpace:
    """Real training rows' centre and scale for the columns that were really seen."""

    codec: Codec
    columns: tuple[str, ...]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, codec: Codec, real: pl.DataFrame) -> EnergySpace:
        """Returns the space of the codec's columns that `real` has values in."""
        columns = tuple(name for name in codec.continuous if name not in codec.kept_from_base and name in real.columns)
        values = _matrix(real, columns)
        with np.errstate(all="ignore"):
            centre, scale = np.nanmean(values, 0), np.nanstd(values, 0)
        centre = np.nan_to_num(centre)
        scale = np.where(np.nan_to_num(scale) > 0, scale, 1.0)
        return cls(codec, columns, centre, scale)

    def place(self, table: pl.DataFrame) -> NDArray[np.float32]:
        """Returns the rows as points (n, D); a missing value lies at the centre, and its missingness bit tells."""
        scaled = (_matrix(table, self.columns) - self.centre) / self.scale
        seen = [column.name for column in self.codec.columns if not column.fallback]
        known = table.select([name for name in seen if name in table.columns])
        codes = self.codec.encode(known).codes
        return np.concatenate([np.nan_to_num(scaled), self.codec.conditions(codes)], 1).astype(np.float32)


def energy_distance(
    one: NDArray[np.float32], other: NDArray[np.float32], *, most_rows: int = MOST_ROWS, seed: int = 0
) -> float:
    """Returns the energy distance of two sets of points (n, D) and (m, D); at most `most_rows` of each are used.

    Unbiased (a U-statistic): a perfect generator scores zero on average, so noise can make it slightly negative.
    """
    rng = np.random.default_rng(seed)
    x, y = (a if len(a) <= most_rows else a[rng.choice(len(a), most_rows, replace=False)] for a in (one, other))
    return 2 * float(cdist(x, y).mean()) - mean_distance(x) - mean_distance(y)


def mean_distance(points: NDArray[np.floating]) -> float:
    """Returns the mean distance of two different ones of the points (n, D), 0 for fewer than two.

    A point's distance to itself is left out, else small sets would seem apart by (1/n + 1/m) of their spread.
    """
    return float(pdist(points).mean()) if len(points) > 1 else 0.0


def _matrix(table: pl.DataFrame, columns: tuple[str, ...]) -> NDArray[np.float64]:
    if not columns:
        return np.zeros((table.height, 0))
    chosen = [
        (pl.col(name).cast(pl.Float64, strict=False) if name in table.columns else pl.lit(None, pl.Float64).alias(name))
        for name in columns
    ]
    values = table.select(chosen).fill_null(np.nan).to_numpy().astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)
