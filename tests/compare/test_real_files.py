"""What the gates say about real files, where no generator is involved at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from services.compare.comparison import Comparison, compare
from services.compare.datasets import build_datasets
from services.compare.limits import Limits
from services.compare.metrics.registry import QUICK
from services.machines.profile import MachineProfile, Sensor


def compared(real: pl.DataFrame, refined: pl.DataFrame, names: list[str]) -> Comparison:
    profile = MachineProfile("m1", tuple(Sensor(name) for name in names))
    return compare(build_datasets(real, refined, None, profile), Limits(), metrics=QUICK, resamples=40)


def test_the_last_months_of_a_gas_turbine_year_cannot_decide_distances(shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "sensor" / "gt_2011.csv")[::5]
    names = table.columns
    n = len(table)
    row = pl.int_range(pl.len())
    real = table.with_columns(
        split=pl.when(row < 0.7 * n)
        .then(pl.lit("train"))
        .when(row < 0.8 * n)
        .then(pl.lit("val"))
        .otherwise(pl.lit("test"))
    )
    train = real.filter(pl.col("split") == "train")
    rng = np.random.default_rng(0)
    jitter = 0.3 * train.select(names).std().to_numpy() * rng.normal(size=(len(train), len(names)))
    result = compared(real, pl.DataFrame(train.select(names).to_numpy() + jitter, schema=names), names)
    assert result.gate("kl_divergence").outcome == "undecided"
    assert result.gate("correlation_error").outcome == "undecided"
    assert (result.gate("kl_divergence").control or 0) > 0.2


def test_engines_split_by_unit_are_no_case_of_memorising(shared_data: Path) -> None:
    table = pl.DataFrame(
        np.loadtxt(shared_data / "sensor" / "cmapss_train_FD001.txt"), schema=[f"column_{i + 1}" for i in range(26)]
    )
    unit = pl.col("column_1")
    names = [f"column_{i}" for i in (7, 8, 9, 12, 13, 14, 16, 17)]
    real = table.with_columns(
        run_id=unit.cast(pl.Int64).cast(pl.String),
        split=pl.when(unit <= 15).then(pl.lit("train")).when(unit > 85).then(pl.lit("test")).otherwise(pl.lit("guard")),
    )
    fresh = real.filter((unit > 15) & (unit <= 30))
    result = compared(real, fresh, names)
    assert not result.data.same_assets
    assert result.gate("dcr_share").outcome == "pass"
    assert result.gate("kl_divergence").outcome == "pass"
