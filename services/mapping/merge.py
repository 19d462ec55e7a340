"""Merging: which rows a model is trained on, real ones, seed rows, or both with their provenance.

It promises that no test row, no guard row and no auxiliary column passes, that validation rows are real whenever there
are real ones, and that every row says where it comes from. It refuses to replace seed rows by too few real ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import polars as pl

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile
from services.mapping import errors as errors
from services.mapping.findings import Finding
from services.mapping.rul import quartile_of_life
from services.mapping.split import TEST, TRAIN, VAL
from services.mapping.transform import life_shares

Strategy = Literal["replace", "merge", "real-only"]

REPLACE_NEEDS_ROWS = 5000
_KEYS = ("run_id", "timestamp", "segment", "source_row")


@dataclass(frozen=True)
class Merged:
    """Training and validation rows, the columns that only the seed could fill, and the report (merge.json)."""

    train: pl.DataFrame
    val: pl.DataFrame
    seed_derived: tuple[str, ...]
    report: dict[str, Any]


def merge_rows(
    table: pl.DataFrame,
    seed_rows: pl.DataFrame | None,
    profile: MachineProfile,
    strategy: Strategy,
    *,
    balance_rul: bool = False,
    seed: int = 0,
) -> Merged:
    """Returns the rows to train on and to validate on.

    replace: real rows in place of seed rows, at least 5,000 of them. merge: seed and real rows, duplicates removed,
    shuffled by `seed`. real-only: real rows, in time order, however many. `balance_rul` thins the quarters of each
    run's life to the same number of rows. Raises MERGE_STRATEGY_UNKNOWN, MERGE_NEEDS_SPLIT, MERGE_NEEDS_SEED and
    MERGE_TOO_FEW_ROWS.
    """
    if strategy not in get_args(Strategy):
        raise SensorForgeError("MERGE_STRATEGY_UNKNOWN", f"Unknown merge strategy {strategy!r}.")
    if "split" not in table.columns:
        raise SensorForgeError(
            "MERGE_NEEDS_SPLIT", "The table has no split column: its test rows are not set apart yet."
        )
    sensors = [sensor.name for sensor in profile.columns]
    findings: list[Finding] = []
    real = {name: _real(table.filter(pl.col("split") == name), sensors) for name in (TRAIN, VAL)}
    check_rows(strategy, real[TRAIN].height, real[VAL].height)
    before = {"real": figures(real[TRAIN], sensors)}
    removed: dict[str, int] = {"seed_duplicates": 0, "real_duplicates": 0, "seed_equal_to_real": 0, "balance": 0}
    derived: tuple[str, ...] = ()
    if balance_rul:
        quarters = quartile_of_life(table).filter(table["split"] == TRAIN)
        balanced = _balanced(real[TRAIN], quarters, seed, findings)
        removed["balance"] = real[TRAIN].height - balanced.height
        real[TRAIN] = balanced
    train, val = real[TRAIN], real[VAL]
    if strategy == "merge":
        if seed_rows is None or not seed_rows.height:
            raise SensorForgeError("MERGE_NEEDS_SEED", "The strategy merge needs seed rows, and none were given.")
        seeds = _seeds(seed_rows, sensors)
        before["seed"] = figures(seeds, sensors)
        train, val, derived = _with_seed(train, val, seeds, removed, findings)
        train = train.sample(fraction=1.0, shuffle=True, seed=seed)
    elif train.height == 0:
        raise SensorForgeError("MERGE_TOO_FEW_ROWS", "There is no real training row.")
    train, val = _ordered(train, sensors), _ordered(val, sensors)
    findings += _check(train, val, profile)
    report = {
        "machine_id": profile.machine_id,
        "strategy": strategy,
        "balance_rul": balance_rul,
        "seed": seed,
        "rows": {
            "train": train.height,
            "val": val.height,
            "train_real": int((train["provenance"] == "real").sum()),
            "train_seed": int((train["provenance"] == "seed").sum()),
            "test_kept_away": int((table["split"] == TEST).sum()),
            "removed": removed,
        },
        "seed_derived": list(derived),
        "statistics": {"before": before, "after": figures(train, sensors)},
        "findings": [finding.to_json() for finding in findings],
    }
    return Merged(train, val, derived, report)


def check_rows(strategy: str, training: int, validation: int) -> None:
    """Raises MERGE_TOO_FEW_ROWS when the real rows do not suffice for the strategy: known once they are split."""
    available = training + validation
    if strategy == "replace" and available < REPLACE_NEEDS_ROWS:
        raise SensorForgeError(
            "MERGE_TOO_FEW_ROWS",
            f"Replacing the seed needs at least {REPLACE_NEEDS_ROWS:,} real rows for training and validation, and "
            f"there are {available:,} ({training:,} + {validation:,}; test rows do not count).",
            metadata={"rows": str(available)},
        )
    if available == 0:
        raise SensorForgeError("MERGE_TOO_FEW_ROWS", "There is no real training or validation row.")


def _real(rows: pl.DataFrame, sensors: list[str]) -> pl.DataFrame:
    """Returns provenance, keys, sensors and rul. Without timestamps the file's row number is the only order."""
    keys = [key for key in _KEYS if key in rows.columns and (key != "source_row" or "timestamp" not in rows.columns)]
    kept = keys + [name for name in [*sensors, "rul"] if name in rows.columns]
    return rows.select(pl.lit("real").alias("provenance"), *kept)


def _seeds(rows: pl.DataFrame, sensors: list[str]) -> pl.DataFrame:
    kept: list[str] = [key for key in ("run_id", "timestamp") if key in rows.columns]
    kept += [name for name in [*sensors, "rul"] if name in rows.columns]
    return rows.select(pl.lit("seed").alias("provenance"), *kept)


def _with_seed(
    train: pl.DataFrame, val: pl.DataFrame, seeds: pl.DataFrame, removed: dict[str, int], findings: list[Finding]
) -> tuple[pl.DataFrame, pl.DataFrame, tuple[str, ...]]:
    """Returns merged training rows, validation rows and the columns that real rows lack."""
    seeds = seeds.with_columns(_as_real(seeds[name], train) for name in seeds.columns)
    derived = tuple(name for name in seeds.columns if name not in (*_KEYS, "provenance") and _lacks(train, name))
    shared = [name for name in seeds.columns if name in train.columns and name not in (*_KEYS, "provenance", *derived)]
    once = seeds.unique(maintain_order=True)
    removed["seed_duplicates"] = seeds.height - once.height
    if shared:
        real_values = pl.concat([train, val], how="diagonal_relaxed").select(shared).unique()
        fresh = once.join(real_values, on=shared, how="anti", maintain_order="left")
        removed["seed_equal_to_real"] = once.height - fresh.height
        once = fresh
    if "timestamp" in train.columns:
        kept = train.unique(maintain_order=True)
        removed["real_duplicates"] = train.height - kept.height
        train = kept
    if derived:
        findings.append(
            Finding(
                "SEED_DERIVED",
                "warning" if "rul" in derived else "info",
                f"The real file lacks {', '.join(derived)}; these columns follow the seed and are empty in real rows.",
                "",
                {"columns": list(derived)},
            )
        )
    if val.height == 0:
        cut = max(1, round(0.15 * once.height))
        findings.append(
            Finding("VALIDATION_FROM_SEED", "warning", "There is no real validation row; seed rows stand in.")
        )
        val, once = once.tail(cut), once.head(once.height - cut)
    return pl.concat([train, once], how="diagonal_relaxed"), val, derived


def _lacks(table: pl.DataFrame, name: str) -> bool:
    return name not in table.columns or table[name].null_count() == table.height


def _as_real(series: pl.Series, train: pl.DataFrame) -> pl.Series:
    """Returns a seed column in the type of the real one; whole numbers become states without a decimal point."""
    if series.name not in train.columns or series.dtype == train.schema[series.name]:
        return series
    dtype = train.schema[series.name]
    if dtype == pl.String and series.dtype.is_float() and (series.drop_nulls() == series.drop_nulls().round()).all():
        series = series.cast(pl.Int64)
    if isinstance(dtype, pl.Datetime) and isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone is None:
        return series.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return series.cast(dtype, strict=False)


def _ordered(rows: pl.DataFrame, sensors: list[str]) -> pl.DataFrame:
    order = ["provenance", *_KEYS, *sensors, "rul"]
    return rows.select([name for name in order if name in rows.columns])


def _balanced(train: pl.DataFrame, quarters: pl.Series, seed: int, findings: list[Finding]) -> pl.DataFrame:
    """Returns rows thinned so that, within each run, every quarter of life that occurs has equally many rows.

    Rows without an RUL are left out of the balance and kept. Quarters are relative to the run's own life: a balance
    over the whole file would give early life of long runs most of the rows.
    """
    if quarters.null_count() == len(quarters) or not len(quarters):
        findings.append(Finding("RUL_NOT_BALANCED", "warning", "There is no RUL to balance on; all rows are kept."))
        return train
    run = train["run_id"].fill_null("") if "run_id" in train.columns else pl.Series([""] * train.height)
    rank = np.random.default_rng(seed).random(train.height)
    frame = pl.DataFrame({"run": run, "quarter": quarters, "rank": rank}).with_row_index("row")
    counts = frame.filter(pl.col("quarter").is_not_null()).group_by("run", "quarter").len()
    present = counts.group_by("run").agg(pl.col("len").min().alias("keep"))
    kept = (
        frame.filter(pl.col("quarter").is_not_null())
        .join(present, on="run")
        .filter(pl.col("rank").rank("ordinal").over("run", "quarter") <= pl.col("keep"))["row"]
    )
    rows = pl.concat([kept, frame.filter(pl.col("quarter").is_null())["row"]]).sort()
    return train[rows]


def figures(rows: pl.DataFrame, sensors: list[str]) -> dict[str, Any]:
    """Returns rows, the quarters of life, and count, mean, std, min and max of each numeric column."""
    columns: dict[str, Mapping[str, float | int | None]] = {}
    for name in [*sensors, "rul"]:
        if name in rows.columns and rows[name].dtype.is_numeric():
            series = rows[name].drop_nulls()
            columns[name] = {
                "count": len(series),
                "mean": series.mean(),  # type: ignore[dict-item]
                "std": series.std(),  # type: ignore[dict-item]
                "min": series.min(),  # type: ignore[dict-item]
                "max": series.max(),  # type: ignore[dict-item]
            }
    quarters = quartile_of_life(rows).drop_nulls() if "rul" in rows.columns else pl.Series([], dtype=pl.Int8)
    return {"rows": rows.height, "life": life_shares(quarters) if len(quarters) else {}, "columns": columns}


def _check(train: pl.DataFrame, val: pl.DataFrame, profile: MachineProfile) -> list[Finding]:
    """Returns findings on the result: empty or constant sensors, and values beyond the physical limits."""
    found = []
    for sensor in profile.columns:
        if sensor.name not in train.columns or not train[sensor.name].dtype.is_numeric():
            continue
        values = train[sensor.name].drop_nulls()
        if not len(values):
            found.append(
                Finding("SENSOR_EMPTY", "warning", f"{sensor.name} has no value in the training rows.", sensor.name)
            )
        elif values.n_unique() == 1:
            found.append(Finding("SENSOR_CONSTANT", "info", f"{sensor.name} never changes in training.", sensor.name))
        if sensor.min is not None and sensor.max is not None and len(values):
            beyond = int(((values < sensor.min) | (values > sensor.max)).sum())
            if beyond > 0.05 * len(values):
                found.append(
                    Finding(
                        "SENSOR_BEYOND_LIMITS",
                        "warning",
                        f"{beyond} of {len(values)} training values of {sensor.name} are beyond {sensor.min:g} to "
                        f"{sensor.max:g} {sensor.unit}.",
                        sensor.name,
                    )
                )
    if val.height < 30:
        found.append(Finding("FEW_VALIDATION_ROWS", "warning", f"Only {val.height} rows to validate on."))
    return found
