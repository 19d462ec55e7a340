"""Time columns: one explicit format, and day or month never guessed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.ingest.values.epochs import from_epoch
from services.ingest.values.timestamps import AmbiguousTime, TimeColumn, find_time, localised
from tests.ingest.conftest import Read, facts

MOMENTS = [dt.datetime(2024, 3, 28) + dt.timedelta(hours=7 * i, seconds=i) for i in range(40)]
FORMATS = [
    "%Y-%m-%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %H:%M:%S",
    "%d-%b-%y %H:%M:%S",
    "%b %d, %Y %I:%M:%S %p",
    "%Y%m%d%H%M%S",
    "%d.%m.%y %H:%M:%S",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H时%M分%S秒",
    "%Y-%m-%d-%H-%M-%S",
    "%Y-%m-%dT%H:%M:%S+02:00",
]


@pytest.mark.parametrize("fmt", FORMATS)
def test_format_is_found_and_read_exactly(fmt: str) -> None:
    found = find_time(pl.Series("t", [m.strftime(fmt) for m in MOMENTS]))
    assert isinstance(found, TimeColumn)
    shift = dt.timedelta(hours=2) if "+02:00" in fmt else dt.timedelta()
    assert found.values.dt.replace_time_zone(None).to_list() == [m - shift for m in MOMENTS]


def test_offset_of_whole_hours_needs_no_minutes() -> None:
    found = find_time(pl.Series("t", [f"2024-03-14 05:58:{i:02d}.5+02" for i in range(30)]))
    assert isinstance(found, TimeColumn)
    assert found.values[3] == dt.datetime(2024, 3, 14, 3, 58, 3, 500_000, dt.UTC)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("20090101:{:02d}10", dt.datetime(2009, 1, 1, 7, 10)),
        ("2024-05-01T{:02d}:00:00+02:00[Europe/Berlin]", dt.datetime(2024, 5, 1, 5, tzinfo=dt.UTC)),
        ("18 01 2018 {:02d}:10", dt.datetime(2018, 1, 18, 7, 10)),
        ("30/03/14 {:02d}", dt.datetime(2014, 3, 30, 7)),
        ("2021-一月-18 {:02d}:00:00", dt.datetime(2021, 1, 18, 7)),
        ("2021-01-18 {:02d}:00:00 CT", dt.datetime(2021, 1, 18, 7)),
        ("2014-05-07 {:02d}:29:50.439000+0100 [Europe/London]", dt.datetime(2014, 5, 7, 6, 29, 50, 439_000, dt.UTC)),
    ],
)
def test_times_of_weather_services_and_java(text: str, read: dt.datetime) -> None:
    found = find_time(pl.Series("t", [text.format(h) for h in range(24)]))
    assert isinstance(found, TimeColumn)
    assert found.values[7] == read


@pytest.mark.parametrize(
    ("heading", "read"),
    [
        ("Date Time, GMT-05:00", dt.datetime(2024, 2, 1, 12, tzinfo=dt.UTC)),
        ("time (UTC+1)", dt.datetime(2024, 2, 1, 6, tzinfo=dt.UTC)),
        ("Timezone : Europe/Berlin", dt.datetime(2024, 2, 1, 6, tzinfo=dt.UTC)),
        ("Time (UTC)", dt.datetime(2024, 2, 1, 7)),
        ("DATE (MM/DD/YYYY) MST", dt.datetime(2024, 2, 1, 14, tzinfo=dt.UTC)),
        ("Time CET", dt.datetime(2024, 2, 1, 7)),
    ],
)
def test_heading_states_the_zone(heading: str, read: dt.datetime) -> None:
    found = find_time(pl.Series(heading, [f"2024-02-01 {h:02d}:00:00" for h in range(24)]))
    assert isinstance(found, TimeColumn)
    assert found.values[7] == read


@pytest.mark.parametrize(("heading", "month"), [("Date (MM/DD/YYYY)", 1), ("dd/MM/yyyy HH:mm", 2), ("mm-dd-yy", 1)])
def test_heading_states_the_order_of_day_and_month(heading: str, month: int) -> None:
    day = "01-02-24" if "-" in heading else "01/02/2024"
    found = find_time(pl.Series(heading, [f"{day} {h:02d}:00" for h in range(9)]))
    assert isinstance(found, TimeColumn)
    assert found.values.dt.month().unique().to_list() == [month]


@settings(max_examples=60, deadline=None)
@given(
    start=st.datetimes(dt.datetime(1995, 1, 1), dt.datetime(2035, 1, 1)).map(lambda d: d.replace(microsecond=0)),
    step=st.integers(1, 86_400),
    fmt=st.sampled_from(FORMATS[:-1]),
)
def test_no_reading_is_ever_wrong(start: dt.datetime, step: int, fmt: str) -> None:
    moments = [start + dt.timedelta(seconds=step * i) for i in range(60)]
    found = find_time(pl.Series("t", [m.strftime(fmt) for m in moments]))
    assert found is not None
    if isinstance(found, TimeColumn):
        assert found.values.dt.replace_time_zone(None).to_list() == moments


def test_day_and_month_that_nothing_settles_stay_open() -> None:
    found = find_time(pl.Series("t", [f"03/04/2020 00:{i:02d}:00" for i in range(30)]))
    assert isinstance(found, AmbiguousTime)
    assert set(found.readings) == {"3 April 2020", "4 March 2020"}


def test_field_above_twelve_settles_the_day() -> None:
    found = find_time(pl.Series("t", ["03/04/2020", "13/04/2020", "14/04/2020"]))
    assert isinstance(found, TimeColumn)
    assert found.format == "%d/%m/%Y"


def test_steady_step_settles_the_day() -> None:
    days = [f"{d:02d}/05/2020 {h:02d}:00" for d in range(1, 6) for h in range(24)]
    found = find_time(pl.Series("t", days))
    assert isinstance(found, TimeColumn)
    assert found.format.startswith("%d/%m")
    assert found.alternatives


def test_ambiguous_time_axis_is_refused_with_both_readings_and_the_option(read: Read) -> None:
    data = "time,v\n" + "".join(f"03/04/2020 00:{i:02d}:00,{i}.5\n" for i in range(60))
    with pytest.raises(SensorForgeError) as caught:
        read(data.encode())
    assert caught.value.reason == "TIMESTAMP_AMBIGUOUS"
    assert "3 April 2020" in caught.value.message
    assert "4 March 2020" in caught.value.message
    assert "--day-first" in caught.value.remedy


@pytest.mark.parametrize(("day_first", "month"), [(True, 4), (False, 3)])
def test_option_settles_the_day(read: Read, day_first: bool, month: int) -> None:
    data = "time,v\n" + "".join(f"03/04/2020 00:{i:02d}:00,{i}.5\n" for i in range(60))
    assert read(data.encode(), day_first=day_first).table["time"][0].month == month


def test_ambiguous_side_column_stays_text(read: Read) -> None:
    data = "time,installed,v\n" + "".join(f"2020-01-01 00:{i:02d}:00,03/04/2019,{i}.5\n" for i in range(60))
    dataset = read(data.encode())
    assert dataset.table["installed"].dtype == pl.String
    assert facts(dataset)["timestamp_format:installed"] == "undecided"


def test_repeated_hour_of_a_clock_change_is_told_apart() -> None:
    naive = pl.Series(
        "t",
        [dt.datetime(2023, 10, 29, 0, 30) + dt.timedelta(minutes=30 * i) for i in (0, 1, 2, 3, 4)]
        + [dt.datetime(2023, 10, 29, 2, 0) + dt.timedelta(minutes=30 * i) for i in (0, 1, 2)],
    )
    utc = localised(naive, "Europe/Berlin")
    assert utc.is_sorted()
    assert utc.n_unique() == len(utc)


@pytest.mark.parametrize("scale", [1, 1000, 1_000_000])
def test_epoch_is_read_by_its_size(scale: int) -> None:
    found = from_epoch(pl.Series("t", [1_700_000_000 * scale]))
    assert found is not None
    assert found[0] == dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.UTC)


def test_excel_day_is_read_as_time() -> None:
    found = from_epoch(pl.Series("t", [43862.5]))
    assert found is not None
    assert found[0] == dt.datetime(2020, 2, 1, 12, tzinfo=dt.UTC)


def _read(*texts: str) -> list[object]:
    found = find_time(pl.Series("t", texts))
    assert isinstance(found, TimeColumn)
    return found.values.to_list()


def test_midnight_written_as_24_is_the_next_days_beginning() -> None:
    assert _read("31.12.2023 23:45", "31.12.2023 24:00", "01.01.2024 00:15") == [
        dt.datetime(2023, 12, 31, 23, 45),
        dt.datetime(2024, 1, 1),
        dt.datetime(2024, 1, 1, 0, 15),
    ]


def test_the_repeated_hour_may_be_marked_a_and_b() -> None:
    texts = [f"29.10.2023 {h}:{m:02}" for h in ("00", "01", "02A", "02B", "03") for m in (0, 30)]
    assert [t.hour for t in _read(*texts)] == [0, 0, 1, 1, 2, 2, 2, 2, 3, 3]  # type: ignore[attr-defined]


def test_dates_of_microsofts_json_are_milliseconds_since_1970() -> None:
    assert _read("/Date(0)/", "/Date(1000+0200)/") == [
        dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
        dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2020-06-01T12:00:00.0/2020-06-01T12:01:00.0",
        "2020-06-01T12:00:00/PT1M",
        "01.06.2020 12:00 - 01.06.2020 12:15",
        "01.06.2020 12:00 - 01.06.2020 12:15 (UTC)",
    ],
)
def test_period_stands_at_its_beginning(text: str) -> None:
    found = find_time(pl.Series("t", [text, text.replace("01.06", "13.06")]))
    assert isinstance(found, TimeColumn)
    assert found.values[0].replace(tzinfo=None) == dt.datetime(2020, 6, 1, 12)


def test_am_and_pm_beside_a_clock_of_24_hours_add_nothing() -> None:
    texts = [f"2021-01-18 {h:02d}:00:00 {'AM' if h < 12 else 'PM'}" for h in range(24)]
    found = find_time(pl.Series("t", texts))
    assert isinstance(found, TimeColumn)
    assert found.values.dt.hour().to_list() == list(range(24))


def test_zone_name_of_several_zones_is_told_and_not_applied() -> None:
    found = find_time(pl.Series("t", [f"2024-03-14 0{h}:00 CST" for h in range(5)]))
    assert isinstance(found, TimeColumn)
    assert found.values[0] == dt.datetime(2024, 3, 14)
    assert "CST may be several zones" in found.evidence


@pytest.mark.parametrize("clock", [" 23:50", ""])
def test_year_of_two_digits_may_stand_first(clock: str) -> None:
    found = find_time(pl.Series("t", [f"20/02/{d:02d}{clock}" for d in (11, 12, 12, 13, 14)]))
    assert isinstance(found, TimeColumn)
    assert found.values.dt.date().to_list() == [dt.date(2020, 2, d) for d in (11, 12, 12, 13, 14)]


def test_year_of_two_digits_stands_last_where_days_run_on() -> None:
    found = find_time(pl.Series("t", [f"{d}/02/20 10:00" for d in (13, 14, 15, 16)]))
    assert isinstance(found, TimeColumn)
    assert found.values.dt.date().to_list() == [dt.date(2020, 2, d) for d in (13, 14, 15, 16)]


@pytest.mark.parametrize(
    ("each", "beside"),
    [("{:d} {}\n", ""), ("{:d},{}\n", ",0\n"), ("{:d}000,{}\n", "index,flow\n"), ("{:d}.500;{}\n", "")],
)
def test_epochs_in_a_first_column_without_a_telling_name_are_times(each: str, beside: str, read: Read) -> None:
    dataset = read(
        (beside + "".join(each.format(1_352_500_095 + 6 * i + i % 7 // 6, i % 9) for i in range(80))).encode()
    )
    (time,) = dataset.time_columns
    assert dataset.table[time].dt.year().unique().to_list() == [2012]


@pytest.mark.parametrize("step", [lambda i: i * i, lambda i: -6 * i, lambda i: 0])
def test_a_count_in_a_first_column_without_a_name_is_a_number(step: Callable[[int], int], read: Read) -> None:
    dataset = read("".join(f"{1_352_500_095 + step(i)},{i % 9}\n" for i in range(80)).encode())
    assert dataset.time_columns == []


def test_seconds_since_1904_are_those_of_labview(read: Read) -> None:
    rows = "".join(f"{3_856_377_240 + 10 * i}.000\t{i}.5\n" for i in range(40))
    dataset = read(("Timestamp\tFlow\n" + rows).encode())
    assert dataset.table["Timestamp"][0] == dt.datetime(2026, 3, 14, 23, 54, tzinfo=dt.UTC)
    assert "1904" in facts(dataset)["timestamp_format:Timestamp"]


def test_zone_in_a_column_is_told(read: Read) -> None:
    rows = [f"2024-05-01 10:00:{i:02d}{{}},{i}.5,Europe/Berlin\n" for i in range(40)]
    told = read(("time,flow,time_zone\n" + "".join(rows).replace("{}", "")).encode())
    assert [code for code, _ in told.warnings] == ["TIME_ZONE_STATED"]
    assert not read(("time,flow,time_zone\n" + "".join(rows).replace("{}", "Z")).encode()).warnings


@pytest.mark.parametrize("heading", ["save_time", "logTime", "created_at", "event-ts", "Date UTC"])
def test_epochs_under_a_name_with_a_word_for_time_are_times(heading: str, read: Read) -> None:
    dataset = read(
        (f"id,{heading},flow\n" + "".join(f"{i},{1_726_630_200 + 300 * i},{i}.5\n" for i in range(40))).encode()
    )
    assert dataset.time_columns == [heading]


@pytest.mark.parametrize("heading", ["runtimes", "part_no", "energy_total", "stats"])
def test_counts_of_that_size_are_numbers(heading: str, read: Read) -> None:
    dataset = read(
        (f"id,{heading},flow\n" + "".join(f"{i},{1_726_630_200 + 300 * i},{i}.5\n" for i in range(40))).encode()
    )
    assert dataset.time_columns == []


@pytest.mark.parametrize(
    ("above", "heading"),
    [("", "Zeit (MEZ)"), ("", "Time [CET]"), ("Zeitzone: (UTC+01:00) Amsterdam, Berlin\n\n", "Zeit")],
)
def test_zone_that_is_stated_otherwise_is_told(above: str, heading: str, read: Read) -> None:
    rows = "".join(f"14.03.2026 23:54:{i:02d};{i},5\n" for i in range(40))
    dataset = read(f"{above}{heading};flow\n{rows}".encode())
    assert [code for code, _ in dataset.warnings] == ["TIME_ZONE_STATED"]
    assert not read(f"{above}{heading};flow\n{rows}".encode(), time_zone="Europe/Berlin").warnings


@pytest.mark.parametrize(
    ("texts", "seconds"),
    [
        (["0 days 00:15:00", "7 days 22:45:00.5", "-1 days +23:00:00", "3 days"], [900, 686_700.5, -3600, 259_200]),
        (["0:15:00", "1 day, 2:15:00", "-1 day, 23:00:00"], [900, 94_500, -3600]),
        (["0d 02:15:00", "1d 02:15:00"], [8100, 94_500]),
        (["P0DT0H15M", "P1DT2H", "PT1.5S"], [900, 93_600, 1.5]),
    ],
)
def test_elapsed_times_with_days_are_seconds(texts: list[str], seconds: list[float], read: Read) -> None:
    rows = "".join(f'"{t}",{i}.5\n' for i, t in enumerate(texts * 5))
    dataset = read(f"Unnamed: 0,flow\n{rows}".encode())
    assert dataset.table["Unnamed: 0"].to_list() == seconds * 5
    assert dataset.units == {"Unnamed: 0": "s"}


def test_times_of_day_alone_are_no_elapsed_times(read: Read) -> None:
    assert "clock" not in read("".join(["clock,flow\n", *(f"00:{i:02}:00,{i}\n" for i in range(20))]).encode()).units


def test_numbers_of_days_and_names_are_no_elapsed_times(read: Read) -> None:
    dataset = read("".join(["name,age,flow\n", *(f"PT,{i} d,{i}.5\n" for i in range(20))]).encode())
    assert dataset.units == {"age": "d"}
    assert dataset.table["name"].to_list() == ["PT"] * 20


@pytest.mark.parametrize(
    "line",
    ["Zeitzone: MEZ", "Time zone: Central European Time", "TZ;local", "Fuseau horaire : heure locale", "时区: 北京"],
)
def test_a_zone_in_words_above_the_table_is_told(read: Read, line: str) -> None:
    rows = "\n".join(f"2024-03-01 00:{r:02d}:00;{r},5" for r in range(12))
    dataset = read(f"Anlage: 1\n{line}\n\nZeit;Fluss\n{rows}\n".encode())
    assert [code for code, _ in dataset.warnings] == ["TIME_ZONE_STATED"]
    assert dataset.table.height == 12


def test_a_day_whose_year_may_stand_first_is_asked_for() -> None:
    texts = pl.Series("Date", ["24/03/13"] * 12)
    found = find_time(texts)
    assert isinstance(found, AmbiguousTime)
    assert found.formats == ("%d/%m/%y", "%y/%m/%d")
    assert found.readings == ("24 March 2013", "13 March 2024")
    assert isinstance(find_time(texts, day_first=True), TimeColumn)
    assert isinstance(find_time(texts.alias("Date (DD/MM/YY)")), TimeColumn)


@pytest.mark.parametrize("text", ["13/03/24", "20/03/22", "13/03/99"])
def test_a_day_that_is_likely_as_it_stands_is_not_asked_for(text: str) -> None:
    found = find_time(pl.Series("Date", [text] * 12))
    assert isinstance(found, TimeColumn)
    assert found.format == "%d/%m/%y"
