"""What is known of a column before it is mapped: its name, its unit and what its values look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from services.mapping.timeformats import candidate_formats

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.50, 0.75, 0.95, 0.99, 1.0)
_MOST_ROWS = 200_000
_TEXTS_LOOKED_AT = 60


@dataclass(frozen=True)
class ColumnInfo:
    """One column. `quantiles` are at 0, 1, 5, 25, 50, 75, 95, 99 and 100 %; empty when there are no numbers.

    The counts are None when only a tag list is known. `rising` and `falling` are shares of steps in file order,
    `timelike` is the share of texts that are written as times.
    """

    name: str
    unit: str = ""
    samples: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = ()
    dtype: str = ""
    rows: int | None = None
    distinct: int | None = None
    whole: bool | None = None
    rising: float | None = None
    falling: float | None = None
    unit_step: float | None = None
    timelike: float | None = None

    @property
    def two_valued(self) -> bool:
        """Whether the values are a flag's: 0 and 1, or 0 and 100."""
        if self.dtype == "boolean":
            return True
        if not self.quantiles or (self.distinct is not None and self.distinct > 2):
            return False
        low, high = self.quantiles[0], self.quantiles[-1]
        return low == 0.0 and high in (1.0, 100.0) and set(self.quantiles) <= {low, high}

    @property
    def constant(self) -> bool:
        if self.distinct is not None:
            return self.distinct <= 1
        return len(self.quantiles) > 1 and self.quantiles[0] == self.quantiles[-1]

    @property
    def continuous(self) -> bool:
        """Whether the values look measured: fractions, or many different numbers."""
        if self.distinct is not None:
            return self.distinct > 12
        return any(value != round(value) for value in self.quantiles)


def describe_columns(table: pl.DataFrame, units: Mapping[str, str]) -> list[ColumnInfo]:
    """Returns what is known of each column of a parsed table; long tables are judged by evenly spread rows."""
    table = table.drop("source_row", strict=False)
    head = table.head(_MOST_ROWS)
    spread = table if table.height <= _MOST_ROWS else table.gather_every(table.height // _MOST_ROWS + 1)
    return [_describe(spread[name], head[name], units.get(name, "")) for name in table.columns]


def _describe(series: pl.Series, in_order: pl.Series, unit: str) -> ColumnInfo:
    present = series.drop_nulls()
    samples = tuple(str(value) for value in present.head(5).to_list())
    known = ColumnInfo(series.name, unit, samples, rows=len(series))
    if series.dtype == pl.Boolean:
        values = present.cast(pl.Float64)
    elif series.dtype.is_numeric():
        values = present.cast(pl.Float64)
        values = values.filter(values.is_finite())
    else:
        dtype = "datetime" if series.dtype.is_temporal() else "string"
        distinct = present.n_unique()
        timelike = _share_of_times(present) if dtype == "string" else None
        return replace(known, dtype=dtype, distinct=distinct, timelike=timelike)
    if not len(values):
        return replace(known, dtype="empty", distinct=0)
    array = values.to_numpy()
    steps = np.diff(in_order.cast(pl.Float64).drop_nulls().to_numpy())
    return replace(
        known,
        dtype="boolean" if series.dtype == pl.Boolean else "number",
        quantiles=tuple(float(q) for q in np.quantile(array, QUANTILES)),
        distinct=values.n_unique(),
        whole=bool(np.all(array == np.round(array))),
        rising=float(np.mean(steps > 0)) if len(steps) else 0.0,
        falling=float(np.mean(steps < 0)) if len(steps) else 0.0,
        unit_step=float(np.mean(steps == 1)) if len(steps) else 0.0,
    )


def _share_of_times(texts: pl.Series) -> float:
    spread = texts.gather_every(max(1, len(texts) // _TEXTS_LOOKED_AT)).head(_TEXTS_LOOKED_AT)
    written = [bool(candidate_formats(str(text))) for text in spread.to_list()]
    return sum(written) / len(written) if written else 0.0
