"""A table of sensors as normal scores and discrete codes, and back.

Each column is continuous (`normal_scores`), discrete (a state, a flag, a few-valued number), constant or empty.
Discrete columns and the missingness bits of continuous ones form one tuple (`discrete`) that conditions the model of
the scores. Fitting takes milliseconds, so a model is refined by keeping its network and swapping its codec. A column
that the new rows lack keeps the codec it had (`Codec.fit(..., fallback=)`) and encodes as missing. The codec knows
tables and limits; it knows neither networks nor provenance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.machines.profile import MachineProfile
from services.refine.discrete import Codes, DiscreteTuple
from services.refine.normal_scores import OPEN, Limits, NormalScores

FEW_VALUES = 8  # a number with at most so many distinct values is discrete ...
ROWS_PER_VALUE = 25  # ... if each was seen so often on average; fewer rows cannot tell a state from a coarse sensor

NOT_MODELLED = frozenset({"run_id", "timestamp", "segment", "provenance", "split", "source_row"})
MISSING = "missing:"  # prefix of the name of a missingness bit

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


@dataclass(frozen=True)
class Encoded:
    """Rows as the engine sees them: `scores` (n, C) with NaN where missing, and `codes` (n, G)."""

    scores: NDArray[np.float32]
    codes: Codes

    def __len__(self) -> int:
        return len(self.scores)

    def rows(self, chosen: NDArray[Any] | slice) -> Encoded:
        return Encoded(self.scores[chosen], self.codes[chosen])


@dataclass(frozen=True)
class Codec:
    """The fitted columns in table order and the joint of the discrete ones."""

    columns: tuple[Column, ...]
    discrete: DiscreteTuple

    @classmethod
    def fit(
        cls,
        table: pl.DataFrame,
        specs: Sequence[ColumnSpec] | None = None,
        *,
        fallback: Codec | None = None,
        keep_kinds: bool = True,
    ) -> Codec:
        """Returns the codec of the table's modelled columns.

        With a `fallback` (the base model's codec) its columns come first and in its order; a column that the table
        lacks, or has no value in, keeps the fallback's; and, unless `keep_kinds` is off, a number stays continuous if
        it was continuous, so that the network's columns keep their meaning.
        """
        names = list(modelled_columns(table))
        before = {column.name: column for column in fallback.columns} if fallback else {}
        by_name = {spec.name: spec for spec in (column_specs(None, names) if specs is None else specs)}
        columns = []
        for name in [*before, *(name for name in names if name not in before)]:
            old = before.get(name)
            if old is not None and old.kind == "empty":
                old = None
            if name not in names or (old is not None and _known(table[name]) == 0):
                if old is not None:
                    columns.append(_as_fallback(old))
                continue
            spec = by_name.get(name, ColumnSpec(name))
            if old is not None and keep_kinds and spec.kind is None and old.kind == "continuous":
                spec = ColumnSpec(name, spec.limits, spec.resolution, "continuous")
            columns.append(fit_column(table[name], spec))
        names_of, sizes = discrete_columns(columns)
        codes = _encode_discrete(columns, table)
        kept = {column.name for column in columns if column.fallback}
        apart = [g for g, name in enumerate(names_of) if name in kept]
        if fallback is not None and apart:
            source = [fallback.discrete.names.index(names_of[g]) for g in apart]
            codes[:, apart] = fallback.discrete.draw(len(codes), np.random.default_rng(0))[:, source]
        return cls(tuple(columns), DiscreteTuple.fit(names_of, sizes, codes, apart))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def continuous(self) -> tuple[str, ...]:
        """Names of the score columns, in order."""
        return tuple(column.name for column in self.columns if column.kind == "continuous")

    @property
    def condition_names(self) -> tuple[str, ...]:
        """Names of the one-hot conditions, such as `state=running` or `missing:current_a`."""
        by_name = {column.name: column for column in self.columns}
        names: list[str] = []
        for name, positions, width in zip(
            self.discrete.names, self.discrete.shown, self.discrete.condition_widths, strict=True
        ):
            if name.startswith(MISSING):
                names.append(name)
            elif width == 1:
                names.append(f"{name}={by_name[name].values[-1]}")
            else:
                first = {int(position): code for code, position in reversed(list(enumerate(positions)))}
                names += [f"{name}={by_name[name].values[first[position]]}" for position in range(width)]
        return tuple(names)

    @property
    def kept_from_base(self) -> tuple[str, ...]:
        """Columns that the fitted rows lack and that keep the fallback's codec."""
        return tuple(column.name for column in self.columns if column.fallback)

    def scores_of(self, name: str) -> NormalScores:
        """Returns the map of a continuous column. Raises KeyError for any other."""
        for column in self.columns:
            if column.name == name and column.scores is not None:
                return column.scores
        raise KeyError(name)

    def encode(self, table: pl.DataFrame, rng: np.random.Generator | None = None) -> Encoded:
        """Returns the rows as scores and codes. A column that the table lacks is missing; ties are drawn from `rng`."""
        codes = _encode_discrete(self.columns, table)
        unknown = [g for g, name in enumerate(self.discrete.names) if name.removeprefix(MISSING) not in table.columns]
        if unknown and rng is not None:  # a state that these rows do not tell: any, as often as it was seen
            codes[:, unknown] = self.discrete.draw(len(codes), rng)[:, unknown]
        return Encoded(self.encode_scores(table, rng), codes)

    def encode_scores(self, table: pl.DataFrame, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Returns the scores (n, C) alone, NaN where missing."""
        scores = np.full((table.height, len(self.continuous)), np.nan, np.float32)
        for j, name in enumerate(self.continuous):
            if name in table.columns:
                scores[:, j] = self.scores_of(name).encode(numbers_of(table[name]), rng)
        return scores

    def decode_scores(self, scores: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
        """Returns the values of the continuous columns by name."""
        return {name: self.scores_of(name).decode(scores[:, j]) for j, name in enumerate(self.continuous)}

    def conditions(self, codes: Codes) -> NDArray[np.float32]:
        """Returns the one-hot conditions (n, K) of the codes."""
        return self.discrete.conditions(codes)

    def decode(self, scores: NDArray[Any], codes: Codes) -> pl.DataFrame:
        """Returns a table of all columns in order: numbers, states and flags, null where the tuple says missing."""
        values = self.decode_scores(scores)
        place = {name: g for g, name in enumerate(self.discrete.names)}
        series = []
        for column in self.columns:
            if column.kind == "continuous":
                number = pl.Series(column.name, values[column.name])
                if MISSING + column.name in place:
                    gone = codes[:, place[MISSING + column.name]] == 1
                    number = number.zip_with(pl.Series(~gone), pl.Series([None], dtype=pl.Float64))
                series.append(number)
            elif column.kind == "discrete":
                categories = pl.Series(column.name, list(column.values), dtype=_polars_type(column))
                series.append(categories.gather(pl.Series(codes[:, place[column.name]].astype(np.uint32))))
            else:
                value = column.values[0] if column.values else None
                series.append(pl.Series(column.name, [value], dtype=_polars_type(column)).new_from_index(0, len(codes)))
        return pl.DataFrame(series)

    # What a model file holds ------------------------------------------------------------------------------------------

    def to_json(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Returns a JSON document and the arrays that go into the safetensors file beside it."""
        arrays: dict[str, NDArray[Any]] = {}
        columns = []
        for column in self.columns:
            entry: dict[str, Any] = {
                "name": column.name,
                "kind": column.kind,
                "dtype": column.dtype,
                "values": list(column.values),
                "sometimes_missing": column.sometimes_missing,
                "fallback": column.fallback,
            }
            if column.scores is not None:
                entry["scores"] = column.scores.to_json()
                arrays[f"codec.{column.name}.knots"] = column.scores.knots
                arrays[f"codec.{column.name}.levels"] = column.scores.levels
            columns.append(entry)
        return {"columns": columns, "discrete": self.discrete.to_json()}, arrays

    @classmethod
    def from_json(cls, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Codec:
        """Returns the codec that `to_json` described. Raises KeyError when an array is missing."""
        columns = []
        for entry in document["columns"]:
            scores = None
            if "scores" in entry:
                name = entry["name"]
                scores = NormalScores.from_json(
                    entry["scores"],
                    np.asarray(arrays[f"codec.{name}.knots"], np.float64),
                    np.asarray(arrays[f"codec.{name}.levels"], np.float64),
                )
            columns.append(
                Column(
                    entry["name"],
                    entry["kind"],
                    scores,
                    tuple(entry["values"]),
                    entry["dtype"],
                    entry["sometimes_missing"],
                    entry["fallback"],
                )
            )
        return cls(tuple(columns), DiscreteTuple.from_json(document["discrete"]))


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


def _as_fallback(column: Column) -> Column:
    """Returns the base's column for rows that lack it: never missing on its own account, marked as kept."""
    return Column(column.name, column.kind, column.scores, column.values, column.dtype, False, True)


def _known(series: pl.Series) -> int:
    return (
        int(np.isfinite(numbers_of(series)).sum()) if series.dtype.is_numeric() else len(series) - series.null_count()
    )


def numbers_of(series: pl.Series) -> NDArray[np.float64]:
    """Returns a numeric column as float64 with NaN for null; text that is no number is NaN."""
    return series.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy().astype(np.float64, copy=False)


def _polars_type(column: Column) -> type[pl.DataType]:
    types: dict[str, type[pl.DataType]] = {"number": pl.Float64, "text": pl.String, "flag": pl.Boolean}
    return types[column.dtype]


def discrete_columns(columns: Sequence[Column]) -> tuple[list[str], list[int]]:
    """Returns the names and numbers of categories of the tuple's columns: discrete ones, then missingness bits."""
    states = [(column.name, len(column.values)) for column in columns if column.kind == "discrete"]
    bits = [
        (MISSING + column.name, 2) for column in columns if column.kind == "continuous" and column.sometimes_missing
    ]
    return [name for name, _ in states + bits], [size for _, size in states + bits]


def _encode_discrete(columns: Sequence[Column], table: pl.DataFrame) -> Codes:
    """Returns codes (n, G). A category that was never fitted, or a column the table lacks, takes the first code."""
    names, _ = discrete_columns(columns)
    by_name = {column.name: column for column in columns}
    codes = np.zeros((table.height, len(names)), np.int32)
    for g, name in enumerate(names):
        source = name.removeprefix(MISSING)
        if source not in table.columns:
            continue
        series = table[source]
        if name.startswith(MISSING):
            codes[:, g] = ~np.isfinite(numbers_of(series))
            continue
        codes[:, g] = codes_of(by_name[name], series)
    return codes


def codes_of(column: Column, series: pl.Series) -> Codes:
    """Returns the codes of a discrete column's values, (n,)."""
    cast = series.cast(_polars_type(column), strict=False)
    if column.dtype == "number":
        cast = cast.fill_nan(None)
    lookup = pl.DataFrame(
        {"value": pl.Series(list(column.values), dtype=_polars_type(column)), "code": np.arange(len(column.values))}
    )
    found = cast.to_frame("value").join(lookup, on="value", how="left", nulls_equal=True, maintain_order="left")
    return found["code"].fill_null(0).to_numpy().astype(np.int32)
