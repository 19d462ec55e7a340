"""Numbers about columns, in a handful of passes over the table: the basis of validation, profiles and recipes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

DISCRETE_VALUES = 10
"""A numeric column with at most this many distinct values is a state or a switch, not a continuous measurement."""


@dataclass(frozen=True)
class NumberStatistics:
    """Of the filled cells; None where there are none. `equal_share`: share of steps without change."""

    count: int
    missing: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    quartile_1: float | None
    quartile_3: float | None
    distinct: int
    equal_share: float

    @property
    def discrete(self) -> bool:
        return self.distinct <= DISCRETE_VALUES


def numeric_columns(table: pl.DataFrame) -> list[str]:
    """Returns the columns of numbers, without row numbers and segment numbers."""
    return [n for n, t in table.schema.items() if t.is_numeric() and n not in ("source_row", "segment")]


def number_statistics(table: pl.DataFrame) -> dict[str, NumberStatistics]:
    """Returns the statistics of every numeric column in one pass (distinct counts above 10,000 are approximate)."""
    names = numeric_columns(table)
    if not names or not table.height:
        return {}
    exact = table.height <= 10_000
    expressions: list[pl.Expr] = []
    for n in names:
        c = pl.col(n)
        expressions += [
            c.null_count().alias(f"{n}\0missing"),
            c.min().cast(pl.Float64).alias(f"{n}\0min"),
            c.max().cast(pl.Float64).alias(f"{n}\0max"),
            c.mean().alias(f"{n}\0mean"),
            c.std().alias(f"{n}\0std"),
            (c.n_unique() if exact else c.approx_n_unique()).alias(f"{n}\0distinct"),
            (c == c.shift(1)).mean().alias(f"{n}\0equal"),
        ]
    row = table.lazy().select(expressions).collect().row(0, named=True)
    found = {}
    for n in names:
        missing = int(row[f"{n}\0missing"])
        quartile_1, quartile_3 = quantiles(table[n], (0.25, 0.75))
        found[n] = NumberStatistics(
            count=table.height - missing,
            missing=missing,
            minimum=row[f"{n}\0min"],
            maximum=row[f"{n}\0max"],
            mean=row[f"{n}\0mean"],
            std=row[f"{n}\0std"],
            quartile_1=quartile_1,
            quartile_3=quartile_3,
            distinct=int(row[f"{n}\0distinct"]) - (1 if missing else 0),
            equal_share=float(row[f"{n}\0equal"] or 0.0),
        )
    return found


def quantiles(values: pl.Series, shares: Sequence[float]) -> list[float | None]:
    """Returns the filled cells at the shares (0 to 1) of the sorted column, the nearest one, half a cell upwards.

    All are found in one partial sort; a quantile of its own for each takes several times as long.
    """
    numbers = values.drop_nulls().to_numpy()
    if not len(numbers):
        return [None] * len(shares)
    places = [math.floor(share * (len(numbers) - 1) + 0.5) for share in shares]
    parted = np.partition(numbers, sorted(set(places)))
    return [float(parted[place]) for place in places]


@dataclass(frozen=True)
class Outliers:
    """Cells beyond `iqr_factor` interquartile ranges from the quartiles, and beyond `z_score` standard deviations."""

    iqr: int
    z: int


def outliers(
    table: pl.DataFrame, statistics: dict[str, NumberStatistics], iqr_factor: float, z_score: float
) -> dict[str, Outliers]:
    """Returns outlier counts of the continuous columns; discrete ones have none."""
    expressions: list[pl.Expr] = []
    names = []
    for n, s in statistics.items():
        if s.discrete or s.quartile_1 is None or s.quartile_3 is None or s.mean is None or not s.std:
            continue
        names.append(n)
        spread = s.quartile_3 - s.quartile_1
        c = pl.col(n)
        by_range = ~c.is_between(s.quartile_1 - iqr_factor * spread, s.quartile_3 + iqr_factor * spread)
        expressions.append((by_range.sum() if spread > 0 else pl.lit(0)).alias(f"{n}\0iqr"))
        expressions.append((~c.is_between(s.mean - z_score * s.std, s.mean + z_score * s.std)).sum().alias(f"{n}\0z"))
    if not names:
        return {}
    row = table.lazy().select(expressions).collect().row(0, named=True)
    return {n: Outliers(int(row[f"{n}\0iqr"]), int(row[f"{n}\0z"])) for n in names}


@dataclass(frozen=True)
class Stuck:
    """The longest stretch of equal consecutive values: how many, from which row (from 0), which value, the limit."""

    rows: int
    first_row: int
    value: float
    limit: int


def stuck_limit(statistics: NumberStatistics, rows: int, given: int) -> int:
    """Returns how many equal values in a row are suspicious.

    A sensor of coarse resolution repeats itself often: with a share p of unchanged steps the longest of n rows'
    stretches is about log n / -log p by chance; five times that, and at least 30, is not chance.
    """
    if given:
        return given
    p = min(max(statistics.equal_share, 1e-6), 0.999)
    return max(30, math.ceil(5 * math.log(max(rows, 2)) / -math.log(p)))


def stuck(table: pl.DataFrame, statistics: dict[str, NumberStatistics], given: int) -> dict[str, Stuck]:
    """Returns the continuous columns with a stretch of equal values beyond the limit."""
    found = {}
    for n, s in statistics.items():
        limit = stuck_limit(s, table.height, given)
        if s.discrete or s.equal_share * table.height < limit:
            continue
        runs = table[n].rle()
        frame = pl.DataFrame({"len": runs.struct.field("len"), "value": runs.struct.field("value")})
        frame = frame.with_columns((pl.col("len").cum_sum() - pl.col("len")).alias("first"))
        frame = frame.filter(pl.col("value").is_not_null())
        if not frame.height:
            continue
        at = int(frame["len"].arg_max() or 0)
        length = int(frame["len"][at])
        if length >= limit:
            found[n] = Stuck(length, int(frame["first"][at]), float(frame["value"][at]), limit)
    return found


def duplicate_rows(table: pl.DataFrame) -> int:
    """Returns how many rows are exact copies of an earlier one, row numbers aside."""
    columns = [n for n in table.columns if n != "source_row"]
    if not columns or not table.height:
        return 0
    return table.height - table.select(columns).hash_rows().n_unique()
