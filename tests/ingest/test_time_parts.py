"""Times in unusual parts: a column a part, days of Excel, midnights without a clock, elapsed clocks."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest

from tests.ingest.conftest import Read, facts, values

ROWS = range(24)
START = dt.datetime(2024, 3, 14)
HOURS = [START + dt.timedelta(hours=r) for r in ROWS]


def naive(times: list[dt.datetime]) -> list[dt.datetime]:
    return [t.replace(tzinfo=None) for t in times]


@pytest.mark.parametrize(
    "head", ["Year,Month,Day,Hour,Minute,Flow", "año,mes,día,hora,minuto,Caudal", "YYYY,MM,DD,HH,MI,Flow"]
)
def test_a_column_a_part_makes_a_time(read: Read, head: str) -> None:
    rows = (f"{t.year},{t.month},{t.day},{t.hour},{t.minute},{r}.5" for r, t in enumerate(HOURS))
    dataset = read("\n".join([head, *rows]).encode())
    assert dataset.time_columns == ["timestamp"]
    assert values(dataset, "timestamp") == HOURS
    assert dataset.ledger["balanced"]


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("Year,Month,Day,Flow", "2024,13,{r},1.5"),  # no month
        ("Year,Month,Sales", "2024,3,{r}"),  # no day
        ("Model Year,Month,Day,Flow", "2024,3,1,{r}"),
        ("Year,Month,Day,Flow", "2023,2,30,{r}"),  # no such day
    ],
)
def test_other_numbers_stay_numbers(read: Read, head: str, row: str) -> None:
    dataset = read("\n".join([head, *(row.format(r=r) for r in ROWS)]).encode())
    assert "timestamp" not in dataset.table.columns


def test_a_minimum_is_no_minute_and_millimetres_are_no_month(read: Read) -> None:
    rows = (f"{t.year},{t.month},{t.day},{t.hour},{r},{r + 9},{r}" for r, t in enumerate(HOURS))
    dataset = read("\n".join(["Year,Month,Day,Hour,Min,Max,mm", *rows]).encode())
    assert values(dataset, "timestamp") == HOURS


def test_days_of_excel_under_a_heading_of_dates_are_times(read: Read) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Timestamp", "Flow"])
    for r in ROWS:
        book.active.append([45365 + r / 24, r * 1.5])
    file = io.BytesIO()
    book.save(file)
    csv = "\n".join(["Timestamp,Flow", *(f"{45365 + r / 24!r},{r * 1.5}" for r in ROWS)]).encode()
    for content, name in ((file.getvalue(), "log.xlsx"), (csv, "log.csv")):
        dataset = read(content, name=name)
        assert values(dataset, "Timestamp") == HOURS


@pytest.mark.parametrize(
    ("head", "row"),
    [("Time,Flow", "{r}.5"), ("Updates,Flow", "{r}.5"), ("Date of test,Flow", "45365.5")],
)
def test_other_numbers_of_that_size_are_no_days(read: Read, head: str, row: str) -> None:
    dataset = read("\n".join([head, *(f"{row.format(r=45365 + r)},{r}" for r in ROWS)]).encode())
    assert not dataset.time_columns


def test_a_midnight_may_lack_its_clock(read: Read) -> None:
    told = [f"{t:%d.%m.%Y}" if t.hour == 0 else f"{t:%d.%m.%Y %H:%M:%S}" for t in HOURS]
    dataset = read("\n".join(["Zeit;Fluss", *(f"{t};{r},5" for r, t in enumerate(told))]).encode())
    assert values(dataset, "Zeit") == HOURS
    assert not dataset.warnings


def test_a_table_on_its_side_keeps_its_midnight(read: Read) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Tag", *HOURS])
    for n, tag in enumerate(("FI-1", "TI-2")):
        book.active.append([tag, *(n + r * 0.5 for r in ROWS)])
    file = io.BytesIO()
    book.save(file)
    dataset = read(file.getvalue(), name="side.xlsx")
    assert naive(values(dataset, "timestamp")) == HOURS
    assert values(dataset, "TI-2") == [1 + r * 0.5 for r in ROWS]


def test_a_clock_under_elapsed_time_counts_seconds(read: Read) -> None:
    told = (f"{r // 6:02d}:{r % 6}0:00.500,{r}" for r in ROWS)
    dataset = read("\n".join(["Elapsed Time,Speed", *told]).encode())
    assert values(dataset, "Elapsed Time") == [r // 6 * 3600 + r % 6 * 600 + 0.5 for r in ROWS]
    assert dataset.units["Elapsed Time"] == "s"


def test_a_trend_whose_lines_begin_with_a_word_has_its_header(read: Read) -> None:
    head = '"Trend Name:","T"\n"Start Time:","03/14/2024","10:00:00.120"\n"Header:","Date","Time","Flow_PV"\n'
    rows = "\n".join(f'"Data:","{t:%m/%d/%Y}","{t:%H:%M:%S}.120",{r}.5' for r, t in enumerate(HOURS))
    dataset = read((head + rows).encode())
    assert values(dataset, "Flow_PV") == [r + 0.5 for r in ROWS]
    assert dataset.time_columns == ["Date"]


def test_units_of_two_words_behind_numbers_come_off(read: Read) -> None:
    dataset = read("\n".join(["n,Temp", *(f"a{r},{r}.25 deg C" for r in ROWS)]).encode())
    assert values(dataset, "Temp") == [r + 0.25 for r in ROWS]
    assert facts(dataset)["format"] == "csv"


@pytest.mark.parametrize(
    ("heading", "zero"), [("datenum", 719_529), ("JD", 2_440_587.5), ("Julian Date", 2_440_587.5), ("MJD", 40_587)]
)
def test_days_of_other_counts_are_times(read: Read, heading: str, zero: float) -> None:
    told = (f"{zero + t.replace(tzinfo=dt.UTC).timestamp() / 86_400:.9f},{r}" for r, t in enumerate(HOURS))
    found = values(read("\n".join([f"{heading},Flow", *told]).encode()), heading)
    assert all(abs(a - b) < dt.timedelta(milliseconds=1) for a, b in zip(found, HOURS, strict=True))


SPOKEN = {
    "German": ("Zeitpunkt", lambda t: f"{t:%d.%m.%Y %H:%M} Uhr"),
    "French": ("Date", lambda t: f"{t:%d/%m/%Y} à {t:%H}h{t:%M}"),
    "Spanish": ("Fecha", lambda t: f"{t:%d/%m/%Y} a las {t:%H:%M}"),
    "hours with h": ("Heure", lambda t: f"{t:%d/%m/%Y %H}h{t:%M}"),
    "day of the year": ("time", lambda t: f"{t:%Y-%j %H:%M:%S}"),
}


@pytest.mark.parametrize("kind", SPOKEN)
def test_times_are_read_as_people_write_them(read: Read, kind: str) -> None:
    heading, told = SPOKEN[kind]
    dataset = read("\n".join([f"{heading};Q", *(f"{told(t)};{r},5" for r, t in enumerate(HOURS))]).encode("cp1252"))
    assert values(dataset, heading) == HOURS


def test_a_spanish_half_of_the_day_makes_a_clock(read: Read) -> None:
    half = {True: "a. m.", False: "p. m."}
    told = (f"{t:%d/%m/%Y};{t:%I:%M:%S} {half[t.hour < 12]};{r},5" for r, t in enumerate(HOURS))
    assert values(read("\n".join(["Fecha;Hora;Q", *told]).encode()), "Fecha") == HOURS


def test_a_lone_mark_of_a_comment_is_no_name(read: Read) -> None:
    dataset = read(("# device X\n# time flow temp\n" + "".join(f"{1710370500 + r} {r} 7.5\n" for r in ROWS)).encode())
    assert dataset.table.columns == ["source_row", "time", "flow", "temp"]
