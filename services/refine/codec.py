"""A table of sensors as normal scores and discrete codes, and back.

Each column is continuous (`normal_scores`), discrete (a state, a flag, a few-valued number), constant or empty.
Discrete columns and the missingness bits of continuous ones form one tuple (`discrete`) that conditions the model of
the scores. Fitting takes milliseconds, so a model is refined by keeping its network and swapping its codec. A column
that the new rows lack keeps the codec it had (`Codec.fit(..., fallback=)`) and encodes as missing. The codec knows
tables and limits; it knows neither networks nor provenance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.refine.columns import Column, ColumnSpec, codes_of, fit_column, modelled_columns, numbers_of, polars_type
from services.refine.columns import column_specs as column_specs
from services.refine.discrete import Codes, DiscreteTuple
from services.refine.normal_scores import NormalScores

MISSING = "missing:"  # prefix of the name of a missingness bit


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
                categories = pl.Series(column.name, list(column.values), dtype=polars_type(column))
                series.append(categories.gather(pl.Series(codes[:, place[column.name]].astype(np.uint32))))
            else:
                value = column.values[0] if column.values else None
                series.append(pl.Series(column.name, [value], dtype=polars_type(column)).new_from_index(0, len(codes)))
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


def _as_fallback(column: Column) -> Column:
    """Returns the base's column for rows that lack it: never missing on its own account, marked as kept."""
    return Column(column.name, column.kind, column.scores, column.values, column.dtype, False, True)


def _known(series: pl.Series) -> int:
    return (
        int(np.isfinite(numbers_of(series)).sum()) if series.dtype.is_numeric() else len(series) - series.null_count()
    )
