"""RUL is counted back from failures within a run and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile, Sensor
from services.mapping.apply import apply_mapping
from services.mapping.merge import merge_rows
from services.mapping.plan import ColumnRule, MappingPlan
from services.mapping.rul import RulOptions, quartile_of_life, remaining_life
from services.mapping.split import SplitOptions
from services.mapping.transform import transform

PROFILE = MachineProfile("m", (Sensor("s"),), rul_unit="cycles")


def runs(*lengths: int) -> pl.DataFrame:
    ids = np.repeat([str(i) for i in range(len(lengths))], lengths)
    return pl.DataFrame(
        {"run_id": ids, "segment": np.zeros(len(ids), dtype=np.int32), "s": np.arange(len(ids), dtype=float)}
    )


@pytest.fixture(scope="module")
def fd001(shared_data: Path) -> tuple[pl.DataFrame, pl.Series]:
    path = shared_data / "sensor" / "cmapss_train_FD001.txt"
    data = np.loadtxt(path)
    table = pl.DataFrame({"unit": data[:, 0], "cycle": data[:, 1], **{f"s{i}": data[:, 4 + i] for i in range(1, 22)}})
    truth = table.select(pl.col("cycle").max().over("unit") - pl.col("cycle")).to_series()
    return table, truth


def test_cmapss_rul_is_exactly_the_truth_and_no_unit_is_in_two_sets(fd001: tuple[pl.DataFrame, pl.Series]) -> None:
    table, truth = fd001
    profile = MachineProfile("fd001", tuple(Sensor(f"s{i}") for i in range(1, 22)), rul_unit="cycles")
    rules = [ColumnRule("unit", "run"), ColumnRule("cycle", "index")]
    rules += [ColumnRule(f"s{i}", "sensor", f"s{i}") for i in range(1, 22)]
    mapped = apply_mapping(table, {}, profile, MappingPlan(tuple(rules)))
    result = transform(mapped.table, profile, RulOptions(runs_end_in_failure=True), SplitOptions(), 7)
    assert result.table.sort("source_row")["rul"].to_list() == truth.to_list()
    assert result.table.group_by("run_id").agg(pl.col("split").n_unique())["split"].max() == 1
    shares = result.report["split"]["share"]
    assert shares["train"] == pytest.approx(0.7, abs=0.01)
    merged = merge_rows(result.table, None, profile, "replace", balance_rul=True, seed=1)
    assert set(merged.report["statistics"]["after"]["life"].values()) == {0.25}


def test_a_run_that_is_not_known_to_fail_has_no_rul() -> None:
    life = remaining_life(runs(5), MachineProfile("m", (Sensor("s"),)), RulOptions())
    assert life.values is None
    with pytest.raises(SensorForgeError) as caught:
        remaining_life(runs(5), MachineProfile("m", (Sensor("s"),)), RulOptions("recompute"))
    assert caught.value.reason == "RUL_UNKNOWABLE"


def test_runs_taken_to_end_in_failure_are_announced() -> None:
    life = remaining_life(runs(5, 3, 4), PROFILE, RulOptions())
    assert life.values is not None
    assert life.values.to_list() == [4, 3, 2, 1, 0, 2, 1, 0, 3, 2, 1, 0]
    assert [finding.code for finding in life.findings] == ["RUL_ASSUMED_FAILURE"]
    assert remaining_life(runs(5, 3, 4), PROFILE, RulOptions(runs_end_in_failure=False)).values is None


def test_rows_after_the_last_failure_are_censored() -> None:
    table = runs(6, 4).with_columns(pl.Series("aux.fail", [0, 0, 1, 0, 0, 0, 0, 0, 0, 1]))
    life = remaining_life(table, PROFILE, RulOptions(runs_end_in_failure=False), ("aux.fail",))
    assert life.values is not None
    assert life.values.to_list() == [2, 1, 0, None, None, None, 3, 2, 1, 0]


def test_time_units_count_time_and_not_rows() -> None:
    clock = pl.Series([0, 3600, 7200 * 2]).cast(pl.Int64) * 1_000_000
    table = runs(3).with_columns(clock.cast(pl.Datetime("us", "UTC")).alias("timestamp"))
    profile = MachineProfile("m", (Sensor("s"),), rul_unit="h")
    life = remaining_life(table, profile, RulOptions("recompute", runs_end_in_failure=True))
    assert life.values is not None
    assert life.values.to_list() == [4.0, 3.0, 0.0]


def test_rows_lost_in_cleaning_still_count() -> None:
    table = runs(3).with_columns(pl.Series("source_row", [1, 2, 5]))
    life = remaining_life(table, PROFILE, RulOptions(runs_end_in_failure=True))
    assert life.values is not None
    assert life.values.to_list() == [4, 3, 0]


def test_a_mapped_rul_is_kept_and_a_cap_limits_it() -> None:
    table = runs(3).with_columns(pl.Series("rul", [30.0, 20.0, 10.0]))
    life = remaining_life(table, PROFILE, RulOptions(cap=25))
    assert life.values is not None
    assert life.values.to_list() == [25.0, 20.0, 10.0]
    with pytest.raises(SensorForgeError):
        remaining_life(runs(3), PROFILE, RulOptions("keep"))


def test_quarters_are_relative_to_each_run() -> None:
    table = runs(4, 8).with_columns(pl.Series("rul", [3.0, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0]))
    assert quartile_of_life(table).to_list() == [3, 2, 1, 0, 3, 3, 2, 2, 1, 1, 0, 0]
