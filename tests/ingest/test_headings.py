"""Which line names the columns where other lines stand above the values."""

from __future__ import annotations

import pytest

from tests.ingest.conftest import Read, values

ROWS = "".join(f"{i * 0.5:.2f},{i * 1.25:.4f}\n" for i in range(40))
KEYS = ["Model,SDS1202", "Record Length,Analog:7000000", "Vertical Units,V", "Source,CH1"]


def names(read: Read, text: str) -> list[str]:
    return read(text.encode()).table.columns[1:]


@pytest.mark.parametrize(
    ("above", "found"),
    [
        ([*KEYS, "Second,Volt"], ["Second", "Volt"]),
        ([*KEYS, "Waveform Data,"], ["column_1", "column_2"]),
        (['"Path","File","Sample","Misc","Date"', "a,b,c,d,e", "TIC: b"], ["column_1", "column_2"]),
        (["Serial:,A,B", "", "Type:,0+1,3", "Rate:,10,10", "Store:,1,1", ""], ["column_1", "column_2"]),
    ],
)
def test_a_list_of_properties_names_no_column(read: Read, above: list[str], found: list[str]) -> None:
    assert names(read, "\n".join(above) + "\n" + ROWS) == found


def test_channel_numbers_over_units_are_names(read: Read) -> None:
    rows = "".join(f"{i * 1e-6:.6E},{i}.5,{i}.25\n" for i in range(40))
    dataset = read(("x-axis,1,2\nsecond,Volt,Volt\n" + rows).encode())
    assert dataset.table.columns == ["source_row", "x-axis", "1", "2"]
    assert dataset.units == {"x-axis": "second", "1": "Volt", "2": "Volt"}


def test_units_among_words_under_the_names_are_units(read: Read) -> None:
    above = "Number,Date&Time,ms,CH1,CH2,CH3,Alarm\nNO.,Time,ms,bar,degC,m3/h,A1234\n"
    rows = "".join(f"{i},2024/01/13 00:00:{i:02d},000,+ 5.{i},-   3.{i},+ 1200,LLLL\n" for i in range(30))
    dataset = read((above + rows).encode())
    assert dataset.table.columns[4:] == ["CH1", "CH2", "CH3", "Alarm"]
    assert dataset.units == {"ms": "ms", "CH1": "bar", "CH2": "degC", "CH3": "m3/h"}


def test_preamble_filled_up_to_the_width_of_the_table_is_no_row(read: Read) -> None:
    above = ["Vendor;X;;;", "Start;13/01/2024;17:01:39;;", "End;13/01/2024;17:02:09;;", "Trigger;13/01/2024;17:01:39;;"]
    rows = [f"{i};13/01/2024;17:01:{i:02d};{i},5;{i},25" for i in range(40)]
    dataset = read("\n".join([*above, "No;Date;Time;CH1;CH2", *rows]).encode())
    assert dataset.table.columns[1:] == ["No", "Date", "Time", "CH1", "CH2"]
    assert dataset.table.height == 40


def test_names_stay_in_place_where_the_first_of_them_is_a_time_above_times(read: Read) -> None:
    rows = [f"2024-01-13 00:00:{i:02d}\t{i}.5\t{i}.25\tDetail {i}" for i in range(30)]
    assert names(read, "\n".join(["Date Time\tTemp\tFlow", *rows])) == ["Date Time", "Temp", "Flow", "column_4"]


def test_a_header_names_what_only_some_rows_have(read: Read) -> None:
    rows = [f"{i},13.01.2024 00:00:{i:02d},{i}.5" + (",3.6,20.5" if i % 9 == 0 else "") for i in range(30)]
    dataset = read("\n".join(["NO,TIME,T1,BAT,INNER", rows[0], "<TIME: reset>", *rows[1:]]).encode())
    assert dataset.table.columns[1:] == ["NO", "TIME", "T1", "BAT", "INNER"]
    assert dataset.table.height == 30
    assert values(dataset, "BAT").count(3.6) == 4


def test_the_last_comment_above_the_rows_is_the_header(read: Read) -> None:
    comments = [f"#{i}. what column {i} holds; and more" for i in range(30)]
    rows = [f"2024-01-13 00:00:{i:02d};{i}.5;{i}.25" for i in range(5)]
    assert names(read, "\n".join([*comments, "# Time;TOA;GHI", *rows])) == ["Time", "TOA", "GHI"]


def test_formats_of_fields_below_the_names_are_no_names(read: Read) -> None:
    rows = [f"USGS\t2024-01-13 00:{i:02d}\t{i}.5" for i in range(5)]
    assert names(read, "\n".join(["# site", "agency\tdatetime\tflow", "5s\t20d\t14n", *rows])) == [
        "agency",
        "datetime",
        "flow",
    ]


def test_a_small_table_above_is_not_the_main_one(read: Read) -> None:
    small = ["Kind,Start,Min,Max,Mean,Std", *(f"REST,13/01/2024,{i}.5,{i}.6,{i}.7,{i}.8" for i in range(5))]
    rows = [f"{i},13/01/2024,{i}.25" for i in range(60)]
    dataset = read("\n".join([*small, "", "Line,Date,Activity", *rows]).encode())
    assert dataset.table.columns[1:] == ["Line", "Date", "Activity"]
    assert dataset.table.height == 60


def test_a_column_of_words_for_no_value_has_no_values(read: Read) -> None:
    dataset = read(("time,flow,oxygen\n" + "".join(f"2024-01-13 00:00:{i:02d},{i}.5,NA\n" for i in range(20))).encode())
    assert dataset.table["oxygen"].dtype.is_numeric()
    assert dataset.table["oxygen"].null_count() == 20
