"""Several files as one data set: parts of one table appended in time, one file a tag joined by time."""

from __future__ import annotations

import datetime as dt

import pytest

from services.chassis.errors import SensorForgeError
from tests.ingest.conftest import Read, facts, values


def month(number: int, columns: str = "Flow,Temp", zone: str = "") -> bytes:
    rows = [f"2024-{number:02d}-01 00:00:{i:02d}{zone},{i}.5,{20 + i}.25" for i in range(30)]
    return (f"time,{columns}\n" + "\n".join(rows) + "\n").encode()


def one_tag(heading: str, seconds: range) -> bytes:
    return (f"time,{heading}\n" + "".join(f"2024-01-01 00:00:{i:02d},{i}.5\n" for i in seconds)).encode()


def test_months_are_appended_in_time(read: Read) -> None:
    table = read(month(3), month(1), month(2)).table
    assert table["time"].is_sorted()
    assert table["source_row"].to_list() == list(range(1, 91))
    assert table.columns == ["source_row", "time", "Flow", "Temp"]


def test_order_of_columns_does_not_matter(read: Read) -> None:
    second = b"time,Temp,Flow\n" + b"".join(b"2024-02-01 00:00:%02d,%d.25,%d.5\n" % (i, 20 + i, i) for i in range(30))
    table = read(month(1), second).table
    assert table["Flow"].to_list() == [i + 0.5 for i in range(30)] * 2


def test_months_of_one_tag_are_parts_of_it(read: Read) -> None:
    parts = [
        b"time,Flow\n" + b"".join(b"2024-%02d-01 00:00:%02d,%d.5\n" % (m, i, i) for i in range(30)) for m in (2, 1)
    ]
    table = read(*parts).table
    assert table.columns == ["source_row", "time", "Flow"]
    assert table.height == 60


def test_column_that_one_month_lacks_is_empty_there(read: Read) -> None:
    dataset = read(
        month(1, "Flow,Temp"), month(2, "Flow,Temp").replace(b"Temp\n", b"Temp,Level\n").replace(b".25\n", b".25,7\n")
    )
    assert dataset.table["Level"].null_count() == 30
    assert [code for code, _ in dataset.warnings] == ["COLUMNS_ABSENT"]
    assert dataset.ledger["balanced"]


def test_naive_times_count_as_utc_beside_zoned_ones(read: Read) -> None:
    table = read(month(1), month(2, zone="Z")).table
    assert str(table["time"].dtype) == "Datetime(time_unit='us', time_zone='UTC')"
    assert table["time"].null_count() == 0


def test_files_of_one_tag_with_no_other_name_are_named_by_their_files(read: Read) -> None:
    table = read(one_tag("value", range(0, 60, 10)), one_tag("value", range(0, 60, 20)), name="tag.csv").table
    assert table.columns == ["source_row", "timestamp", "0-tag", "1-tag"]
    assert values(read(one_tag("value", range(0, 60, 10)), one_tag("value", range(0, 60, 20))), "1-export") == [
        0.5,
        None,
        20.5,
        None,
        40.5,
        None,
    ]


def test_files_of_one_tag_keep_the_names_of_their_columns(read: Read) -> None:
    table = read(one_tag("Flow", range(0, 60, 10)), one_tag("Temp", range(0, 60, 10))).table
    assert table.columns == ["source_row", "timestamp", "Flow", "Temp"]


def test_samples_within_the_tolerance_share_a_row_and_gaps_stay(read: Read) -> None:
    dataset = read(one_tag("Flow", range(0, 60, 10)), one_tag("Temp", range(1, 40, 10)), join_tolerance_seconds=2.0)
    assert values(dataset, "Temp") == [1.5, 11.5, 21.5, 31.5, None, None]
    assert values(dataset, "Flow") == [0.5, 10.5, 20.5, 30.5, 40.5, 50.5]


def test_samples_beyond_the_tolerance_are_counted(read: Read) -> None:
    dataset = read(one_tag("Flow", range(0, 60, 10)), one_tag("Temp", range(5, 60, 10)), join_tolerance_seconds=1.0)
    assert dataset.table["Temp"].null_count() == 6
    assert dataset.warnings[0][0] == "SAMPLES_NOT_JOINED"
    assert "6 of 6" in dataset.warnings[0][1]


def test_long_and_wide_files_join_by_time(read: Read) -> None:
    long = b"tag,time,value\n" + b"".join(b"Level,2024-01-01 00:00:%02d,%d\n" % (i, i) for i in range(0, 60, 10))
    dataset = read(one_tag("Flow", range(0, 60, 10)), long)
    assert values(dataset, "Level") == [0, 10, 20, 30, 40, 50]
    assert dataset.table["timestamp"][0] == dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def test_refusal_names_the_file(read: Read) -> None:
    with pytest.raises(SensorForgeError) as caught:
        read(month(1), b"\x00\x01\x02\x03" * 100, name="plant.csv")
    assert "1-plant.csv" in caught.value.message


def test_rows_that_two_files_share_are_kept_once(read: Read) -> None:
    rows = [f"2024-03-14 05:{m:02}:00;{m},5;{m % 7}" for m in range(30)]
    files = [("Time;p;T\n" + "\n".join(part)).encode() for part in (rows[:12], rows[10:25], rows[24:])]
    dataset = read(*files)
    assert dataset.table["p"].to_list() == [m + 0.5 for m in range(30)]
    assert dict(dataset.warnings)["ROWS_REPEATED"].startswith("3 rows")
    assert dataset.rejects["reason"].to_list() == ["REPEATED_ROW"] * 3
    assert dataset.ledger["lines"]["rows"] == 30


def test_another_value_at_a_shared_time_is_kept(read: Read) -> None:
    files = [b"Time;p\n2024-03-14 05:00:00;1,5\n2024-03-14 05:01:00;2,5\n"]
    files.append(b"Time;p\n2024-03-14 05:01:00;2,6\n2024-03-14 05:02:00;3,5\n")
    assert read(*files).table["p"].to_list() == [1.5, 2.5, 2.6, 3.5]


def test_files_with_the_same_columns_are_appended_in_time(read: Read) -> None:
    late = b"time,v\n" + b"".join(b"2024-02-01 00:00:%02d,2.5\n" % i for i in range(30))
    early = b"time,v\n" + b"".join(b"2024-01-01 00:00:%02d,1.5\n" % i for i in range(30))
    dataset = read(
        late.replace(b"v\n", b"v,w\n", 1).replace(b"2.5\n", b"2.5,1\n"),
        early.replace(b"v\n", b"v,w\n", 1).replace(b"1.5\n", b"1.5,1\n"),
    )
    assert dataset.table["time"].is_sorted()
    assert dataset.table["source_row"].to_list() == list(range(1, 61))


def test_one_file_a_tag_joins_within_the_tolerance_and_keeps_gaps(read: Read) -> None:
    a = b"time,value\n" + b"".join(b"2024-01-01 00:00:%02d,%d.5\n" % (i, i) for i in range(0, 60, 10))
    b = b"time,value\n" + b"".join(b"2024-01-01 00:00:%02d,%d.5\n" % (i, i) for i in (1, 11, 41, 51))
    dataset = read(a, b, name="tag.csv", join_tolerance_seconds=2.0)
    assert dataset.table.columns == ["source_row", "timestamp", "0-tag", "1-tag"]
    assert values(dataset, "1-tag") == [1.5, 11.5, None, None, 41.5, 51.5]


def test_files_that_nothing_joins_are_refused(read: Read) -> None:
    with pytest.raises(SensorForgeError) as caught:
        read(b"a,b\n1.5,2\n2.5,3\n", b"c,d\n1.5,2\n2.5,3\n")
    assert caught.value.reason == "TABLES_DIFFER"


def _day(day: int, mark: str = ".") -> bytes:
    values = [f"9{mark}3{m:02d}" if day < 10 else f"95{mark}3" for m in range(30)]
    rows = [f"{day:02d}/02/2024 00:{m:02d};{v}" for m, v in enumerate(values)]
    return ("Time;Flow\n" + "\n".join(rows) + "\n").encode()


def test_a_day_that_reads_both_ways_is_settled_by_the_others(read: Read) -> None:
    dataset = read(_day(1), _day(2), _day(14))
    assert [t.day for t in values(dataset, "Time")[::30]] == [1, 2, 14]
    assert facts(dataset)["settled_by_other_files"] == "decimal ., day before month"


def test_decimal_comma_that_reads_both_ways_is_settled_by_the_others(read: Read) -> None:
    assert values(read(_day(1, ","), _day(14, ",")), "Flow")[:2] == [9.3, 9.301]


def test_what_no_file_settles_is_asked_for(read: Read) -> None:
    with pytest.raises(SensorForgeError) as refused:
        read(_day(1), _day(2))
    assert refused.value.reason == "TIMESTAMP_AMBIGUOUS"
