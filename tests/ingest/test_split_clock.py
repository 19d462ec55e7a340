"""Dates and their clocks in two columns: the dates become whole times, wherever that is certain."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.ingest.conftest import Read, facts, values

CLOCKS = [dt.datetime(2024, 3, 14, 23, 54) + dt.timedelta(seconds=10 * i) for i in range(60)]


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("Date,Time,Flow", "{t:%d/%m/%Y},{t:%H:%M:%S},{i}.5"),
        ("$Time,$Date,Flow", "{t:%H:%M:%S},{t:%m/%d/%y},{i}.5"),
        ("Header:,Date,Time,Flow", "Data,{t:%Y-%m-%d},{t:%H:%M:%S};000,{i}.5"),
        ("Date;Heure;Flow", "{t:%d/%m/%Y};{t:%H}h{t:%M}m{t:%S};{i},5"),
        ("Datum;Wert;Uhrzeit;Flow", "{t:%d.%m.%Y};{i},25;{t:%H:%M:%S};{i},5"),
        ("Date,Clock_1,Flow", "{t:%m/%d/%Y} 00:00:00,{t:%I:%M:%S %p},{i}.5"),
    ],
)
def test_clock_beside_the_date_is_added_to_it(header: str, line: str, read: Read) -> None:
    text = "\n".join([header, *(line.format(t=t, i=i) for i, t in enumerate(CLOCKS))])
    dataset = read(text.encode())
    (time,) = dataset.time_columns
    assert values(dataset, time) == CLOCKS
    assert len(dataset.table.columns) == 1 + len(header.replace(";", ",").split(","))
    assert f"time_of_day:{time}" in facts(dataset)


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("DATE;TIME;Flow", "{t:%Y%m%d};{t:%H%M%S};{i},5"),
        ("DATE,TIME,Flow", "{t:%y%m%d},{t:%H%M%S},{i}.5"),
        ("Datum;Zeit;Flow", "{t:%d%m%y};{n};{i},5"),
        ("LST_DATE,LST_TIME,Flow", "{t:%Y%m%d},{t:%H%M%S},{i}.5"),
        ("date,HHMMSS,Flow", "{t:%d/%m/%Y},{n},{i}.5"),
    ],
)
def test_clock_in_digits_is_added_to_its_date(header: str, line: str, read: Read) -> None:
    lines = [line.format(t=t, i=i, n=int(f"{t:%H%M%S}")) for i, t in enumerate(CLOCKS)]
    dataset = read("\n".join([header, *lines]).encode())
    (time,) = dataset.time_columns
    assert values(dataset, time) == CLOCKS


def test_clock_of_hours_and_minutes_without_its_zeros_is_added(read: Read) -> None:
    times = [dt.datetime(2024, 3, 14) + dt.timedelta(minutes=20 * i) for i in range(100)]
    lines = [f"{t:%Y-%m-%d},{100 * t.hour + t.minute},{i}.5" for i, t in enumerate(times)]
    assert values(read("\n".join(["date,hhmm,Flow", *lines]).encode()), "date") == times


@pytest.mark.parametrize("numbers", [range(30), range(1160, 1220)])
def test_numbers_that_may_be_other_than_clocks_are_not_added(numbers: range, read: Read) -> None:
    lines = [f"2024-03-14,{n},{n}.5" for n in numbers]
    dataset = read("\n".join(["Date,Time,Flow", *lines]).encode())
    assert set(values(dataset, "Date")) == {dt.datetime(2024, 3, 14)}


def test_six_digits_that_are_dates_in_two_orders_stay_numbers(read: Read) -> None:
    lines = [f"111213,{i}.5" for i in range(40)]
    assert values(read("\n".join(["Date,Flow", *lines]).encode()), "Date") == [111213] * 40


def test_numbers_under_a_heading_of_data_are_numbers(read: Read) -> None:
    lines = [f"{i},{1_500_000_000 + 977 * i},{120_101 + i}" for i in range(25)]
    dataset = read("\n".join(["n,Sensor data,Raw data", *lines]).encode())
    assert not dataset.time_columns
    assert values(dataset, "Raw data")[0] == 120_101


def test_zone_that_is_given_is_that_of_date_and_clock(read: Read) -> None:
    text = "Date,Time,Flow\n" + "".join(f"{t:%Y-%m-%d},{t:%H:%M:%S},{i}\n" for i, t in enumerate(CLOCKS))
    found = values(read(text.encode(), time_zone="Europe/Berlin"), "Date")
    assert found == [t.replace(tzinfo=dt.UTC) - dt.timedelta(hours=1) for t in CLOCKS]


def test_clock_of_an_event_of_the_day_is_not_added(read: Read) -> None:
    days = [dt.date(2024, 3, 1) + dt.timedelta(days=i) for i in range(30)]
    dataset = read(("Date,Peak at,Peak\n" + "".join(f"{d},1{d.day % 10}:30,{d.day}.5\n" for d in days)).encode())
    assert values(dataset, "Date") == [dt.datetime(d.year, d.month, d.day) for d in days]


def test_dates_without_a_clock_are_missing_and_told(read: Read) -> None:
    lines = [f"{t:%Y-%m-%d},{t:%H:%M:%S},{i}" if i != 7 else f"{t:%Y-%m-%d},,{i}" for i, t in enumerate(CLOCKS)]
    dataset = read("\n".join(["Date,Time,Flow", *lines]).encode())
    assert values(dataset, "Date")[7] is None
    assert [code for code, text in dataset.warnings if "'Time'" in text] == ["UNPARSABLE_TIMES"]


def test_files_of_a_date_and_a_clock_are_joined_by_both(read: Read) -> None:
    def file(tag: str) -> bytes:
        rows = "".join(f"{t:%Y-%m-%d},{t:%H:%M:%S},{i}\n" for i, t in enumerate(CLOCKS))
        return f"Date,Time,{tag}\n{rows}".encode()

    dataset = read(file("Flow"), file("Temp"))
    assert dataset.table.columns == ["source_row", "timestamp", "Flow", "Temp"]
    assert dataset.table.height == len(CLOCKS)


def test_date_in_the_first_row_of_a_day_is_that_of_the_rows_below(read: Read) -> None:
    times = [dt.datetime(2024, 3, 14, 6) + dt.timedelta(minutes=45 * i) for i in range(60)]
    first = {t.date(): t for t in reversed(times)}
    lines = [f"{t:%d.%m.%Y}" * (first[t.date()] == t) + f";{t:%H:%M};{i},5" for i, t in enumerate(times)]
    assert values(read("\n".join(["Datum;Uhrzeit;Flow", *lines]).encode()), "Datum") == times


def test_dates_stay_missing_where_the_clock_steps_back_without_one(read: Read) -> None:
    times = [dt.datetime(2024, 3, 14, 6) + dt.timedelta(minutes=45 * i) for i in range(60)]
    lines = [f"{t:%d.%m.%Y}" * (i == 0) + f";{t:%H:%M};{i},5" for i, t in enumerate(times)]
    assert values(read("\n".join(["Datum;Uhrzeit;Flow", *lines]).encode()), "Datum")[1:] == [None] * 59


@pytest.mark.parametrize(
    ("header", "line", "time", "flow"),
    [
        ("time flow temp", "{t} {i}.5 {i}.25", "time", "flow"),
        ("# Timestamp   flow   temp", "{t}   {i}.5   {i}.25", "Timestamp", "flow"),
        ("id time flow temp", "{i} {t} {i}.5 {i}.25", "time", "flow"),
        ("flow temp stamp", "{i}.5 {i}.25 {t}", "stamp", "flow"),
        ("Zeit;flow;temp", "{t:%d.%m.%Y};{t:%H:%M:%S};{i},5;{i},25", "Zeit", "flow"),
        ("Date Time flow temp", "{n} {t} {i}.5 {i}.25", "Date", "flow"),
    ],
)
def test_one_name_over_a_date_and_a_clock_moves_no_other(
    header: str, line: str, time: str, flow: str, read: Read
) -> None:
    lines = [line.format(t=t, i=i, n=i + 1) for i, t in enumerate(CLOCKS)]
    dataset = read("\n".join([header, *lines]).encode())
    assert values(dataset, time) == CLOCKS
    assert values(dataset, flow) == [i + 0.5 for i in range(len(CLOCKS))]
    assert values(dataset, "temp") == [i + 0.25 for i in range(len(CLOCKS))]
