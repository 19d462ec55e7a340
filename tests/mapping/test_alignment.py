"""Rows of different cadence are aligned to the slower side: no row is invented, no value comes from the future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile, Sensor
from services.mapping.alignment import AlignOptions, align, cadences, join
from services.mapping.apply import apply_mapping
from services.mapping.plan import ColumnRule, MappingPlan

START = datetime(2024, 5, 1, tzinfo=UTC)
PROFILE = MachineProfile("m", (Sensor("vibration", "mm/s"), Sensor("oil_temp", "°C")))


def mixed(rows: int = 600, every: int = 10) -> pl.DataFrame:
    """A fast sensor each second and a slow one every `every` seconds, as historians export them in one table."""
    return pl.DataFrame(
        {
            "timestamp": [START + timedelta(seconds=i) for i in range(rows)],
            "vibration": [float(i) for i in range(rows)],
            "oil_temp": [50.0 + i if i % every == 3 else None for i in range(rows)],
        },
        schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    )


def test_the_slowest_sensor_makes_the_rows_and_the_others_give_their_latest_value() -> None:
    aligned = align(mixed(), ["vibration", "oil_temp"], AlignOptions("slowest"))
    assert aligned.table.height == 60
    assert aligned.table["vibration"].to_list() == [float(3 + 10 * i) for i in range(60)]
    assert aligned.report["rows"] == "oil_temp"
    assert (aligned.report["rows_in"], aligned.report["rows_out"]) == (600, 60)


def test_a_value_older_than_the_tolerance_stays_missing_and_is_counted() -> None:
    table = mixed().with_columns(
        pl.when(pl.int_range(pl.len()).is_between(100, 200)).then(None).otherwise("vibration").alias("vibration")
    )
    aligned = align(table, ["vibration", "oil_temp"], AlignOptions("slowest", tolerance_s=5))
    assert aligned.report["stale"] == {"vibration": 9}
    assert [finding.code for finding in aligned.findings] == ["ALIGNED", "ALIGNED_STALE"]


def test_no_value_passes_from_one_run_to_the_next() -> None:
    first, second = mixed(30), mixed(30).with_columns(pl.col("timestamp") + timedelta(seconds=30))
    second = second.with_columns(
        pl.when(pl.int_range(pl.len()) < 10).then(None).otherwise("vibration").alias("vibration")
    )
    table = pl.concat([first.with_columns(run_id=pl.lit("a")), second.with_columns(run_id=pl.lit("b"))])
    aligned = align(table, ["vibration", "oil_temp"], AlignOptions("slowest", tolerance_s=100)).table
    assert aligned.filter(run_id=pl.lit("b"))["vibration"].to_list() == [None, 13.0, 23.0]


@settings(max_examples=25)
@given(st.integers(2, 40), st.integers(50, 200), st.integers(0, 30))
def test_values_are_never_from_the_future_and_rows_never_more_than_the_slow_values(
    every: int, rows: int, tolerance: int
) -> None:
    table = mixed(rows, every).with_columns(pl.col("timestamp").alias("stamp"))
    slow = table["oil_temp"].drop_nulls().len()
    if slow < 3:
        return
    aligned = align(table, ["vibration", "oil_temp"], AlignOptions("oil_temp", tolerance)).table
    assert aligned.height == slow
    seconds = aligned.select((pl.col("timestamp") - START).dt.total_seconds()).to_series()
    assert (aligned["vibration"] <= seconds.cast(pl.Float64)).all()


def test_a_mapped_table_of_mixed_cadence_says_so_and_is_aligned_when_asked() -> None:
    table = mixed().with_columns(pl.col("timestamp").alias("t")).select("t", "vibration", "oil_temp")
    plan = MappingPlan(
        (
            ColumnRule("t", "timestamp"),
            ColumnRule("vibration", "sensor", "vibration"),
            ColumnRule("oil_temp", "sensor", "oil_temp"),
        )
    )
    as_it_is = apply_mapping(table, {}, PROFILE, plan)
    assert as_it_is.table.height == 600
    assert "CADENCE_MIXED" in {finding.code for finding in as_it_is.findings}
    aligned = apply_mapping(table, {}, PROFILE, plan, AlignOptions("slowest"))
    assert aligned.table.columns == ["source_row", "timestamp", "segment", "vibration", "oil_temp"]
    assert aligned.table.height == 60
    assert aligned.table["segment"].n_unique() == 1
    assert aligned.table["source_row"].to_list()[:2] == [4, 14]
    assert aligned.report["alignment"]["rows_out"] == 60


def test_cadence_is_the_usual_step_of_each_sensor() -> None:
    assert cadences(mixed(), ["vibration", "oil_temp"]) == {"vibration": 1.0, "oil_temp": 10.0}


def test_an_impossible_alignment_names_the_reason() -> None:
    for table, options in (
        (mixed().drop("timestamp"), AlignOptions("slowest")),
        (mixed(), AlignOptions("pressure")),
        (mixed(), AlignOptions("slowest", -1)),
    ):
        with pytest.raises(SensorForgeError) as refused:
            align(table, ["vibration", "oil_temp"], options)
        assert refused.value.reason == "ALIGNMENT_IMPOSSIBLE"


def test_a_second_dataset_joins_the_slower_one_whichever_comes_first() -> None:
    fast, slow = mixed().select("timestamp", "vibration"), mixed().drop_nulls().select("timestamp", "oil_temp")
    for joined in (join(fast, slow), join(slow, fast)):
        assert joined.table.height == 60
        assert joined.table["vibration"].to_list() == [float(3 + 10 * i) for i in range(60)]


def test_datasets_that_share_a_sensor_or_no_time_are_refused() -> None:
    with pytest.raises(SensorForgeError) as both:
        join(mixed(), mixed())
    assert both.value.reason == "MAPPING_CONFLICT"
    later = mixed().select(pl.col("timestamp") + timedelta(days=30), "oil_temp").drop_nulls()
    with pytest.raises(SensorForgeError) as apart:
        join(mixed().select("timestamp", "vibration"), later)
    assert "do not overlap" in apart.value.message


def test_a_tolerance_that_is_too_short_is_told_with_the_one_that_is_needed() -> None:
    start = datetime(2024, 3, 1)
    slow = pl.DataFrame({"timestamp": [start + timedelta(seconds=60 * i) for i in range(5)], "level": [1.0] * 5})
    fast = pl.DataFrame({"timestamp": [start + timedelta(seconds=60 * i - 4) for i in range(5)], "flow": [1.0] * 5})
    with pytest.raises(SensorForgeError) as refused:
        join(slow, fast, 3.9)
    assert "the nearest is 4 s after one" in refused.value.message
    assert "at least 4 s" in refused.value.remedy
    assert join(slow, fast, 4.0).table["flow"].null_count() == 0
