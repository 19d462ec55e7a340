"""One column of a table: what is known about it before any rows are seen, what kind the rows make it, its codes.

A column is continuous, discrete (a state, a flag, a few-valued number), constant or empty. What the kinds become in the
model of a whole table is the codec's affair.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.machines.profile import MachineProfile
from services.refine.discrete import Codes
from services.refine.normal_scores import OPEN, Limits, NormalScores

FEW_VALUES = 8  # a number with at most so many distinct values is discrete ...
ROWS_PER_VALUE = 25  # ... if each was seen so often on average; fewer rows cannot tell a state from a coarse sensor

NOT_MODELLED = frozenset({"run_id", "timestamp", "segment", "provenance", "split", "source_row"})
Kind = Literal["continuous", "discrete", "constant", "empty"]
Scalar = str | float | bool | None


@dataclass(frozen=True)
class ColumnSpec:
    """What is known about a column before any rows are seen. `kind` forces continuous or discrete where set."""

    name: str
    limits: Limits = OPEN
    resolution: float | None = None
    kind: Literal["continuous", "discrete"] | None = None


@dataclass(frozen=True)
class Column:
    """A fitted column. `values` are the categories of a discrete one (None: missing) or the value of a constant one."""

    name: str
    kind: Kind
    scores: NormalScores | None = None
    values: tuple[Scalar, ...] = ()
    dtype: Literal["number", "text", "flag"] = "number"
    sometimes_missing: bool = False
    fallback: bool = False  # fitted on the base model's rows, not on these


def column_specs(profile: MachineProfile | None, names: Iterable[str]) -> tuple[ColumnSpec, ...]:
    """Returns what the profile says about the named columns: limits, resolution, states; `rul` lies in 0 .. rul_max."""
    known = {sensor.name: sensor for sensor in profile.columns} if profile else {}
    specs = []
    for name in names:
        sensor = known.get(name)
        if sensor is not None:
            limits = Limits(
                -math.inf if sensor.min is None else sensor.min, math.inf if sensor.max is None else sensor.max
            )
            discrete = sensor.role == "state" or bool(sensor.states)
            specs.append(ColumnSpec(name, limits, sensor.resolution, "discrete" if discrete else None))
        elif name == "rul":
            top = profile.rul_max if profile and profile.rul_max is not None else math.inf
            specs.append(ColumnSpec(name, Limits(0.0, top), None, "continuous"))
        else:
            specs.append(ColumnSpec(name))
    return tuple(specs)


def modelled_columns(table: pl.DataFrame) -> list[str]:
    """Returns the names of the columns that are modelled: sensors and `rul`, not the bookkeeping."""
    return [name for name in table.columns if name not in NOT_MODELLED and not name.startswith("aux.")]


def fit_column(series: pl.Series, spec: ColumnSpec) -> Column:
    """Returns the fitted column. NaN and infinite numbers count as missing."""
    if series.dtype == pl.Boolean or not series.dtype.is_numeric():
        flag = series.dtype == pl.Boolean
        present = series.drop_nulls()
        distinct: list[Scalar] = list(present.unique().sort()) if flag else sorted(present.cast(pl.String).unique())
        return discrete_column(spec.name, distinct, series.null_count() > 0, "flag" if flag else "text")
    values = numbers_of(series)
    finite = values[np.isfinite(values)]
    missing = len(finite) < len(values)
    if not len(finite):
        return Column(spec.name, "empty")
    if spec.kind != "continuous":
        few = np.unique(finite[: 64 * FEW_VALUES])  # a look at the head spares sorting most continuous columns
        if len(few) <= FEW_VALUES or spec.kind == "discrete":
            few = np.unique(finite)
            enough = len(few) == 1 or len(finite) >= ROWS_PER_VALUE * len(few)
            if spec.kind == "discrete" or (len(few) <= FEW_VALUES and enough):
                return discrete_column(spec.name, [float(v) for v in few], missing, "number")
    scores = NormalScores.fit(finite, spec.limits, spec.resolution)
    return Column(spec.name, "continuous", scores, sometimes_missing=missing)


def discrete_column(
    name: str, distinct: Sequence[Scalar], missing: bool, dtype: Literal["number", "text", "flag"]
) -> Column:
    if not distinct:
        return Column(name, "empty", dtype=dtype)
    if len(distinct) == 1 and not missing:
        return Column(name, "constant", values=(distinct[0],), dtype=dtype)
    return Column(name, "discrete", values=(*distinct, None) if missing else tuple(distinct), dtype=dtype)


def numbers_of(series: pl.Series) -> NDArray[np.float64]:
    """Returns a numeric column as float64 with NaN for null; text that is no number is NaN."""
    return series.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy().astype(np.float64, copy=False)


def codes_of(column: Column, series: pl.Series) -> Codes:
    """Returns the codes of a discrete column's values, (n,)."""
    cast = series.cast(polars_type(column), strict=False)
    if column.dtype == "number":
        cast = cast.fill_nan(None)
    lookup = pl.DataFrame(
        {"value": pl.Series(list(column.values), dtype=polars_type(column)), "code": np.arange(len(column.values))}
    )
    found = cast.to_frame("value").join(lookup, on="value", how="left", nulls_equal=True, maintain_order="left")
    return found["code"].fill_null(0).to_numpy().astype(np.int32)


def polars_type(column: Column) -> type[pl.DataType]:
    types: dict[str, type[pl.DataType]] = {"number": pl.Float64, "text": pl.String, "flag": pl.Boolean}
    return types[column.dtype]
