"""Times are read by one explicit format or refused; nothing is guessed and no row is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.mapping.segments import segment_rows
from services.mapping.timeaxis import TimeAxis, TimeOptions, read_times


def read(values: object, unit: str = "", **options: object) -> TimeAxis:
    return read_times(pl.DataFrame({"t": values}), ["t"], TimeOptions(**options), unit=unit)  # type: ignore[arg-type]


def first(values: object, unit: str = "", **options: object) -> datetime:
    return read(values, unit, **options).times[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-02-01 00:00:10", datetime(2020, 2, 1, 0, 0, 10)),
        ("2020-02-01T00:00:10Z", datetime(2020, 2, 1, 0, 0, 10)),
        ("2020-02-01T02:00:10+02:00", datetime(2020, 2, 1, 0, 0, 10)),
        ("2020-02-01 00:00:10.250", datetime(2020, 2, 1, 0, 0, 10, 250000)),
        ("2020/02/01 00:00", datetime(2020, 2, 1)),
        ("31.12.2020 23:59:58", datetime(2020, 12, 31, 23, 59, 58)),
        ("12/31/2020 11:59:58 PM", datetime(2020, 12, 31, 23, 59, 58)),
        ("31-Dec-20 23:59:58", datetime(2020, 12, 31, 23, 59, 58)),
        ("20201231 235958", datetime(2020, 12, 31, 23, 59, 58)),
        ("20201231", datetime(2020, 12, 31)),
        ("2020-12-31", datetime(2020, 12, 31)),
    ],
)
def test_written_times_are_read(text: str, expected: datetime) -> None:
    assert first([text] * 3) == expected.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (1_700_000_000, "epoch_s"),
        (1_700_000_000_000, "epoch_ms"),
        (1_700_000_000_000_000, "epoch_us"),
        (1_700_000_000_000_000_000, "epoch_ns"),
        (45244.925925925927, "excel"),
        (45244925925.925927, "wincc"),
    ],
)
def test_numbers_of_a_clock_are_recognised_by_their_size(value: float, form: str) -> None:
    axis = read([value, value])
    assert axis.format == form
    assert abs(axis.times[0] - datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)) < timedelta(seconds=1)


def test_the_1904_epoch_is_an_option() -> None:
    assert first([0.0, 1.0], format="excel_1904").year == 1904


def test_day_and_month_that_cannot_be_told_apart_are_refused_with_both_readings() -> None:
    with pytest.raises(SensorForgeError, match=r"1 February 2024.*2 January 2024") as caught:
        read(["01/02/2024 10:00", "01/02/2024 10:10"])
    assert caught.value.reason == "TIME_AMBIGUOUS"


def test_a_value_above_twelve_settles_the_day() -> None:
    assert first(["01/02/2024", "13/02/2024"]).month == 2
    assert first(["01/02/2024", "01/13/2024"]).month == 1


def test_a_steady_step_settles_the_day() -> None:
    assert first([f"{day:02d}/03/2024" for day in range(1, 13)]).month == 3


def test_a_midnight_without_a_jump_settles_the_day() -> None:
    clock = [datetime(2024, 3, 4, 12) + timedelta(minutes=30 * i) for i in range(60)]
    assert first([moment.strftime("%m/%d/%Y %H:%M") for moment in clock]) == clock[0].replace(tzinfo=UTC)


def test_the_option_settles_the_day() -> None:
    assert first(["01/02/2024"], day_first=True).month == 2
    assert first(["01/02/2024"], day_first=False).month == 1


def test_unreadable_times_in_three_percent_of_rows_are_counted_and_kept() -> None:
    values = [f"2024-01-01 00:{minute % 60:02d}:00" for minute in range(97)] + ["bad", "?", "n/a"]
    axis = read(values)
    assert len(axis.times) == 100
    assert axis.times.null_count() == 3
    assert axis.findings[0].code == "TIME_MISSING"
    assert axis.findings[0].values["first_rows"] == [98, 99, 100]


def test_a_column_that_is_mostly_unreadable_is_refused() -> None:
    with pytest.raises(SensorForgeError) as caught:
        read(["2024-01-01 00:00:00"] * 6 + ["x"] * 4)
    assert caught.value.reason == "TIME_UNREADABLE"


def test_local_times_become_utc_through_both_clock_changes() -> None:
    autumn = ["2024-10-27 01:30:00", "2024-10-27 02:30:00", "2024-10-27 02:00:00", "2024-10-27 02:30:00"]
    axis = read(autumn, zone="Europe/Berlin")
    assert [time.hour + time.minute / 60 for time in axis.times] == [23.5, 0.5, 1.0, 1.5]
    spring = [f"2024-03-31 0{hour}:30:00" for hour in range(1, 8)]
    axis = read(spring, zone="Europe/Berlin")
    assert axis.times.null_count() == 1
    assert any(finding.code == "TIME_DOES_NOT_EXIST" for finding in axis.findings)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(SensorForgeError) as caught:
        read(["2024-01-01"], zone="Mars/Olympus")
    assert caught.value.reason == "TIME_ZONE_UNKNOWN"


def test_date_and_time_in_two_columns_are_joined_in_any_order() -> None:
    table = pl.DataFrame({"Time": ["18.00.00", "19.00.00"], "Date": ["10/03/2004", "13/03/2004"]})
    assert read_times(table, ["Time", "Date"], TimeOptions()).times[0] == datetime(2004, 3, 10, 18, tzinfo=UTC)


def test_full_times_beside_their_own_date_or_clock_are_the_time() -> None:
    # 00:30 in Berlin is the evening before in UTC: the date as written and the time in UTC do not belong together.
    moments = [datetime(2024, 5, 1, 22, 30), datetime(2024, 5, 2, 10, 0)]
    written = [(moment + timedelta(hours=2)).date() for moment in moments]
    for columns in (["Date", "time"], ["time", "Date"]):
        table = pl.DataFrame({"Date": written, "time": moments})
        axis = read_times(table, columns, TimeOptions())
        assert axis.times.dt.replace_time_zone(None).to_list() == moments


def test_elapsed_time_starts_at_the_epoch_in_its_unit() -> None:
    assert first([2.0, 3.0], unit="h") == datetime(1970, 1, 1, 2, tzinfo=UTC)


@given(
    st.datetimes(datetime(1991, 1, 1), datetime(2090, 1, 1)).map(lambda moment: moment.replace(microsecond=0)),
    st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%d-%b-%Y %H:%M:%S"]),
)
def test_what_was_written_is_read_back(moment: datetime, form: str) -> None:
    assert first([moment.strftime(form)] * 2) == moment.replace(tzinfo=UTC)


def times(seconds: list[float]) -> pl.Series:
    return pl.Series((np.asarray(seconds) * 1e6).astype(np.int64)).cast(pl.Datetime("us", "UTC"))


def test_a_gap_of_more_than_five_median_steps_starts_a_segment() -> None:
    steps = [0, 10, 20, 30, 80, 90, 141, 151]
    assert segment_rows(times(steps), None, 8).segment.tolist() == [0, 0, 0, 0, 0, 0, 1, 1]


def test_every_run_starts_a_segment_and_rows_are_sorted_within_it() -> None:
    result = segment_rows(times([10, 0, 5, 0]), np.array([0, 0, 1, 1]), 4)
    assert result.order.tolist() == [1, 0, 3, 2]
    assert result.segment.tolist() == [0, 0, 1, 1]
    assert result.report["sorted"] is False


def test_without_time_the_order_of_the_file_is_kept() -> None:
    result = segment_rows(None, np.array([0, 1, 0, 1]), 4)
    assert result.order.tolist() == [0, 2, 1, 3]


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=200))
def test_every_row_has_one_place(seconds: list[int]) -> None:
    result = segment_rows(times(list(map(float, seconds))), None, len(seconds))
    assert sorted(result.order.tolist()) == list(range(len(seconds)))
    assert result.segment[0] == 0
    assert set(np.diff(result.segment)) <= {0, 1}


def test_a_row_without_time_stays_behind_its_predecessor() -> None:
    series = pl.Series([20, None, 0]).cast(pl.Int64) * 1_000_000
    result = segment_rows(series.cast(pl.Datetime("us", "UTC")), None, 3)
    assert result.order.tolist() == [2, 0, 1]
