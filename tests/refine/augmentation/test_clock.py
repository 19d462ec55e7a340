"""Hours and days of the week are those of the clock, in real rows and in planned ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from services.machines.profile import MachineProfile, Sensor
from services.refine.augmentation.clock import hours_of_day, hours_of_week
from services.refine.augmentation.conditioning import Conditioning
from services.refine.augmentation.history import History, read_history
from services.refine.augmentation.lives import plan_runs, timestamps
from services.refine.codec import Codec, column_specs

PROFILE = MachineProfile("chiller", (Sensor("load"),), sampling_period_s=3600.0)


def recorded(days: int) -> tuple[History, Codec]:
    """Returns the history of hourly rows from a Wednesday on, with a split that leaves the last fifth to validation."""
    begin = datetime(2024, 5, 1, tzinfo=UTC)
    hours = np.arange(24 * days)
    table = pl.DataFrame(
        {
            "timestamp": [begin + timedelta(hours=int(hour)) for hour in hours],
            "load": np.random.default_rng(0).normal(50, 5, len(hours)),
            "split": np.where(hours < 0.8 * len(hours), "train", "val").tolist(),
        }
    ).with_columns(pl.col("timestamp").dt.cast_time_unit("us"))
    codec = Codec.fit(table.select("load"), column_specs(PROFILE, ["load"]))
    return read_history(table, codec, PROFILE), codec


def test_the_week_begins_on_monday_and_the_day_at_midnight() -> None:
    friday = datetime(2024, 5, 3, 15, 30, tzinfo=UTC)
    hour = hours_of_week(np.array([friday.timestamp()]))
    assert hour[0] == pytest.approx(4 * 24 + 15.5)
    assert hours_of_day(hour)[0] == 15.5


def test_days_of_the_week_are_a_condition_after_three_weeks_and_not_before() -> None:
    for days, weekly in ((40, True), (15, False)):
        history, codec = recorded(days)
        conditioning = Conditioning.of(history, codec)
        assert history.weekly is weekly
        assert ("day:5" in conditioning.names) is weekly
        stretch = history.stretches[0]
        columns = conditioning.columns(None, stretch.hour, stretch.codes)
        assert columns.shape == (len(stretch), len(conditioning.names))


def test_a_planned_row_has_the_hour_and_day_of_its_own_time_stamp() -> None:
    history, _ = recorded(40)
    plan = plan_runs(history, 600, seed=0)
    times = pl.Series(timestamps(history, plan.clock_s)).cast(pl.Datetime("us", "UTC"))
    assert plan.hour is not None
    assert (plan.hour // 24 == times.dt.weekday().to_numpy() - 1).all()
    assert (plan.hour % 24 // 1 == times.dt.hour().to_numpy()).all()


def test_validation_rows_count_among_the_training_rows_where_asked_for() -> None:
    table = pl.DataFrame(
        {"load": np.random.default_rng(1).normal(50, 5, 500), "split": ["train"] * 300 + ["val"] * 200}
    )
    codec = Codec.fit(table.select("load"), column_specs(PROFILE, ["load"]))
    apart, whole = (read_history(table, codec, PROFILE, with_validation=known) for known in (False, True))
    assert (apart.rows, sum(map(len, apart.validation))) == (300, 200)
    assert (whole.rows, whole.validation) == (500, ())
