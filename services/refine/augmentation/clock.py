"""The machine's clock: how far apart its samples are, what hour it is, and when synthetic time begins."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.machines.profile import MachineProfile

Array = NDArray[np.float64]

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S
DEFAULT_CADENCE_S = 60.0
_DEFAULT_START = datetime(2025, 1, 1, tzinfo=UTC)


def cadence_of(table: pl.DataFrame, profile: MachineProfile) -> tuple[float, bool]:
    """Returns seconds between samples and whether the rows have a clock at all."""
    if "timestamp" in table.columns and table["timestamp"].drop_nulls().len() > 2:
        steps = table.select(pl.col("timestamp").diff().over("_run").dt.total_microseconds()).to_series().drop_nulls()
        steps = steps.filter(steps > 0)
        if len(steps):
            measured = float(np.median(steps.to_numpy())) / 1e6
            stated = profile.sampling_period_s
            return (stated if stated is not None and abs(stated - measured) < 0.2 * measured else measured), True
    return profile.sampling_period_s or DEFAULT_CADENCE_S, False


def span_s(table: pl.DataFrame) -> float:
    """Returns the seconds from the first to the last time stamp."""
    times = table["timestamp"].drop_nulls()
    return (times.max() - times.min()).total_seconds() if len(times) else 0.0  # type: ignore[operator,union-attr]


def start_after(table: pl.DataFrame) -> datetime:
    """Returns the midnight after the last real row, so that no synthetic row can be taken for a real one."""
    last = table["timestamp"].drop_nulls().max() if "timestamp" in table.columns else None
    if not isinstance(last, datetime):
        return _DEFAULT_START
    day = last.replace(hour=0, minute=0, second=0, microsecond=0)
    return datetime.fromtimestamp(day.timestamp() + DAY_S, tz=UTC) if day.tzinfo else day.replace(tzinfo=UTC)


def hours_of(table: pl.DataFrame) -> Array:
    """Returns each row's hour of the week; a row without a time stamp has that of the row before it."""
    seconds = table["timestamp"].dt.epoch("us").fill_null(strategy="forward").fill_null(0).to_numpy() / 1e6
    return hours_of_week(seconds)


def hours_of_week(seconds: Array) -> Array:
    """Returns the hours since Monday, 0:00, in [0, 168), of seconds since 1970, which began on a Thursday."""
    return np.asarray(((seconds + 3 * DAY_S) % WEEK_S) / 3600.0)


def hours_of_day(hours: Array) -> Array:
    """Returns the hours since midnight of hours of the week, to the millisecond: shifts change on the hour."""
    return np.asarray((np.round(hours * 3600.0, 3) % DAY_S) / 3600.0)
