"""The rows of a comparison, aligned: real training, real test, and each synthetic set, column by column.

Promises: a column is compared only where real training rows, real test rows and refined rows all have it; what is
left out is named with its reason. Numbers become one float matrix a set (NaN = missing), states become category
codes. Nothing is imputed, clipped or scaled here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from services.chassis.errors import SensorForgeError
from services.compare import errors as errors
from services.machines.profile import MachineProfile

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

RUL = "rul"
PIECE = "__piece"
# Fewer test rows than this and not even a statement about a mean is worth printing.
MIN_TEST_ROWS = 10
MIN_TRAIN_ROWS = 20


@dataclass(frozen=True)
class Column:
    """A compared column. `low` and `high` are physical limits; `categories` are those of a state column."""

    name: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """Rows of one set: `numeric` (n, d) with NaN for missing, `states` (n, k) codes with -1 for missing, `runs` (n,)
    codes of the run and segment a row belongs to. Rows of a run are in time order. Row r of a synthetic set belongs to
    no run unless it was generated as a time series."""

    numeric: Floats
    states: Codes
    runs: Codes

    def __len__(self) -> int:
        return len(self.runs)

    def take(self, index: npt.NDArray[np.int64]) -> Rows:
        """Returns the rows at the index, in its order."""
        return Rows(self.numeric[index], self.states[index], self.runs[index])


@dataclass(frozen=True)
class Datasets:
    """Everything a comparison looks at. `numeric` and `states` name the columns of the matrices of all sets;
    `beside_training` is the share of test rows with a training row directly before or after them in their run."""

    numeric: tuple[Column, ...]
    states: tuple[Column, ...]
    train: Rows
    validation: Rows
    test: Rows
    refined: Rows
    seed: Rows | None
    same_assets: bool
    excluded: Mapping[str, str] = field(default_factory=dict)
    beside_training: float = 0.0

    @property
    def names(self) -> list[str]:
        """Names of all compared columns, numeric ones first."""
        return [column.name for column in self.numeric + self.states]

    @property
    def target(self) -> int | None:
        """Index of remaining useful life among the numeric columns."""
        return next((i for i, column in enumerate(self.numeric) if column.name == RUL), None)

    @cached_property
    def scale(self) -> tuple[Floats, Floats]:
        """Median and standard deviation of the real training rows, (d,) each; 1 where a column is constant."""
        return center_and_scale(self.train.numeric)


def joined(first: Rows, second: Rows) -> Rows:
    """Returns the rows of both; runs of the second keep apart from those of the first."""
    offset = int(first.runs.max()) + 1 if len(first) else 0
    return Rows(
        np.vstack([first.numeric, second.numeric]),
        np.vstack([first.states, second.states]),
        np.concatenate([first.runs, second.runs + offset]),
    )


def center_and_scale(numeric: Floats) -> tuple[Floats, Floats]:
    """Returns the median and the standard deviation of each column, (d,) each, ignoring NaN; scale 1 for constants."""
    center = np.zeros(numeric.shape[1])
    scale = np.ones(numeric.shape[1])
    for j, values in enumerate(numeric.T):
        seen = values[~np.isnan(values)]
        if len(seen):
            center[j] = np.median(seen)
            spread = seen.std()
            # Rounding alone gives a constant of 14.62 a standard deviation of 2e-15.
            scale[j] = spread if spread > 1e-9 * max(1.0, float(np.abs(center[j]))) else 1.0
    return center, scale


def build_datasets(
    real: pl.DataFrame,
    refined: pl.DataFrame,
    seed: pl.DataFrame | None,
    profile: MachineProfile,
    seed_derived: Collection[str] = (),
) -> Datasets:
    """Returns the aligned sets. `real` has a `split` column (train, val, test, guard).

    Raises HOLDOUT_MISSING when there are too few training or test rows and NOTHING_TO_COMPARE without common columns.
    """
    if "split" not in real.columns:
        raise SensorForgeError("HOLDOUT_MISSING", "The table has no split column, so it has no held-out rows.")
    # Time-block splits cut a run into pieces; rows on both sides of a cut are no neighbours in time.
    real = real.with_columns((pl.col("split") != pl.col("split").shift()).fill_null(True).cum_sum().alias(PIECE))
    train, test = real.filter(pl.col("split") == "train"), real.filter(pl.col("split") == "test")
    if len(test) < MIN_TEST_ROWS or len(train) < MIN_TRAIN_ROWS:
        raise SensorForgeError(
            "HOLDOUT_MISSING",
            f"The table has {len(train)} training and {len(test)} test rows; a comparison needs at least "
            f"{MIN_TRAIN_ROWS} and {MIN_TEST_ROWS}.",
        )
    numeric, states, excluded = _columns(train, test, refined, seed, profile, seed_derived)
    if not numeric and not states:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(excluded.items())[:8])
        raise SensorForgeError("NOTHING_TO_COMPARE", f"No column can be compared ({reasons}).")
    return Datasets(
        numeric=numeric,
        states=states,
        train=rows_of(train, numeric, states),
        validation=rows_of(real.filter(pl.col("split") == "val"), numeric, states),
        test=rows_of(test, numeric, states),
        refined=rows_of(refined, numeric, states),
        seed=None if seed is None else rows_of(seed, numeric, states),
        same_assets=_share_assets(train, test),
        excluded=excluded,
        beside_training=_beside_training(real),
    )


def rows_of(table: pl.DataFrame, numeric: tuple[Column, ...], states: tuple[Column, ...]) -> Rows:
    """Returns a table's rows as matrices; a column it lacks is missing in every row."""
    n = len(table)
    values = np.full((n, len(numeric)), np.nan)
    for j, column in enumerate(numeric):
        if column.name in table.columns:
            cast = table[column.name].cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
            values[:, j] = np.where(np.isfinite(cast), cast, np.nan)
    codes = np.full((n, len(states)), -1, dtype=np.int64)
    for j, column in enumerate(states):
        if column.name in table.columns:
            known = {text: i for i, text in enumerate(column.categories)}
            codes[:, j] = [known.get(text, -1) for text in _as_text(table[column.name]).to_list()]
    return Rows(values, codes, _run_codes(table))


def _columns(
    train: pl.DataFrame,
    test: pl.DataFrame,
    refined: pl.DataFrame,
    seed: pl.DataFrame | None,
    profile: MachineProfile,
    seed_derived: Collection[str],
) -> tuple[tuple[Column, ...], tuple[Column, ...], dict[str, str]]:
    numeric: list[Column] = []
    states: list[Column] = []
    excluded: dict[str, str] = {}
    for name in [*(sensor.name for sensor in profile.columns), RUL]:
        sensor = next((s for s in profile.columns if s.name == name), None)
        reason = ""
        if name in seed_derived:
            reason = "not in the real file; its values come from the seed"
        elif name not in train.columns or train[name].null_count() == len(train):
            reason = "not in the real training rows"
        elif test[name].null_count() == len(test):
            reason = "missing in every real test row"
        elif name not in refined.columns:
            reason = "the refined rows lack it"
        if reason:
            if sensor is not None or name in refined.columns:
                excluded[name] = reason
            continue
        is_state = (sensor is not None and sensor.role == "state") or not train[name].dtype.is_numeric()
        if is_state:
            sets = [table for table in (train, test, refined, seed) if table is not None and name in table.columns]
            seen = pl.concat([_as_text(table[name]).drop_nulls().unique() for table in sets]).unique().sort()
            states.append(Column(name, categories=tuple(seen.to_list())))
        elif sensor is None:
            numeric.append(Column(name, profile.rul_unit, 0.0, profile.rul_max))
        else:
            numeric.append(Column(name, sensor.unit, sensor.min, sensor.max))
    return tuple(numeric), tuple(states), excluded


def _as_text(series: pl.Series) -> pl.Series:
    """Returns states as text; 1.0 and 1 are the same state, as CSV files and models write them differently."""
    text = series.cast(pl.String)
    return text.str.replace(r"^(-?\d+)\.0+$", "$1") if len(text) else text


def _run_codes(table: pl.DataFrame) -> Codes:
    keys = [name for name in ("run_id", "segment", PIECE) if name in table.columns]
    if not keys or not len(table):
        return np.zeros(len(table), dtype=np.int64)
    return table.select(pl.struct(keys).rank("dense").cast(pl.Int64)).to_series().fill_null(0).to_numpy()


def _beside_training(real: pl.DataFrame) -> float:
    run = pl.struct(keys) if (keys := [name for name in ("run_id", "segment") if name in real.columns]) else pl.lit(0)
    beside = [
        (pl.col("split").shift(step) == "train") & (run.shift(step) == run if keys else pl.lit(value=True))
        for step in (1, -1)
    ]
    share = real.select((beside[0] | beside[1]).fill_null(value=False).filter(pl.col("split") == "test").mean()).item()
    return float(share or 0.0)


def _share_assets(train: pl.DataFrame, test: pl.DataFrame) -> bool:
    """Whether test rows come from the same runs as training rows (split by time) or from others (split by run)."""
    if "run_id" not in train.columns or train["run_id"].null_count() == len(train):
        return True
    share = test["run_id"].is_in(train["run_id"].unique().to_list()).mean()
    return isinstance(share, float) and share > 0.5
