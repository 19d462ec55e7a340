"""Real training rows for the training set (`mix_real`): whole real runs on the synthetic time line."""

from __future__ import annotations

import numpy as np
import polars as pl

from services.machines.profile import MachineProfile
from services.refine.augmentation.borrowed import Lender
from services.refine.augmentation.history import History
from services.refine.augmentation.lives import PAUSE_STEPS, timestamps
from services.refine.augmentation.where import Condition
from services.refine.codec import Codec


def real_runs(
    table: pl.DataFrame,
    rows: int,
    columns: tuple[str, ...],
    history: History,
    codec: Codec,
    profile: MachineProfile,
    condition: Condition,
    lender: Lender | None,
    seed: int,
) -> tuple[pl.DataFrame, float]:
    """Returns at most `rows` real training rows as `run_id, timestamp, *columns`, and seconds when the last one ends.

    Runs are taken whole in random order, of the last one its end. Rows outside the sensors' limits, without RUL where
    the set has one, or whose RUL does not fall are left out. Steps between rows of a run stay as they were.
    """
    usable = _usable(table, columns, history, codec, profile, lender, seed)
    if condition.keeps is not None:
        usable = usable.filter(condition.keeps)
    parts = usable.partition_by("_run", maintain_order=True)
    order = np.random.default_rng([seed, 41]).permutation(len(parts))
    chosen: list[pl.DataFrame] = []
    missing, begin = rows, 0.0
    for i in order:
        if missing <= 0:
            break
        part = parts[int(i)].tail(missing)
        elapsed = part["_s"].to_numpy() - float(part["_s"][0])
        clock = pl.Series(timestamps(history, begin + elapsed)).cast(pl.Datetime("us", "UTC"))
        label = pl.lit(f"real-{part['_run'][0]}").alias("run_id")
        chosen.append(part.with_columns(clock.alias("timestamp")).select(label, "timestamp", *columns))
        begin += float(elapsed[-1]) + PAUSE_STEPS * history.cadence_s
        missing -= part.height
    if not chosen:
        return pl.DataFrame(schema={"run_id": pl.String, "timestamp": pl.Datetime("us", "UTC")}), 0.0
    return pl.concat(chosen), begin


def _usable(
    table: pl.DataFrame,
    columns: tuple[str, ...],
    history: History,
    codec: Codec,
    profile: MachineProfile,
    lender: Lender | None,
    seed: int,
) -> pl.DataFrame:
    if "split" in table.columns:
        table = table.filter(pl.col("split") == "train")
    run = pl.col("run_id").cast(pl.String) if "run_id" in table.columns else pl.lit("1")
    if "timestamp" in table.columns:
        seconds = pl.col("timestamp").dt.epoch("us") / 1e6
    else:
        seconds = pl.int_range(pl.len()) * history.cadence_s
    table = table.with_columns(run.fill_null("1").alias("_run"), seconds.alias("_s")).filter(pl.col("_s").is_not_null())
    lacking = [name for name in columns if name not in table.columns]
    if lacking and lender is not None:
        scores = codec.encode(table, np.random.default_rng(seed)).scores
        places = [codec.continuous.index(name) for name in lender.columns]
        lent = lender.matching(np.nan_to_num(scores[:, places]), seed)
        table = table.with_columns(lent[name] for name in lacking)
    inside = pl.lit(True)
    for sensor in profile.columns:
        if sensor.name in columns and table[sensor.name].dtype.is_numeric():
            low = -np.inf if sensor.min is None else sensor.min
            high = np.inf if sensor.max is None else sensor.max
            inside &= pl.col(sensor.name).is_between(low, high).fill_null(True)
    table = table.filter(inside)
    later = pl.col("_s") > pl.col("_s").cum_max().shift().over("_run")
    table = table.filter(later.fill_null(True))
    if "rul" in columns:
        lower = pl.col("rul") < pl.col("rul").cum_min().shift().over("_run")
        table = table.filter(pl.col("rul").is_not_null()).filter(lower.fill_null(True))
    return table
