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


TIMED = [f"2024-01-13 00:00:{i:02d},{i}.5,{i}.25" for i in range(20)]


@pytest.mark.parametrize("below", [[], ["Minimum,0.5,0.25", "% RSD,3.5,4.25"]])
def test_numbers_of_channels_are_names_whatever_stands_above_and_below(read: Read, below: list[str]) -> None:
    above = ["Trend", "Channel,Name,Unit", "CH1,Flow,bar", "CH2,Temp,K", "", "Time,1,2"]
    dataset = read("\n".join([*above, *TIMED, *below]).encode())
    assert dataset.table.columns[1:] == ["Time", "1", "2"]
    assert dataset.table.height == len(TIMED)


@pytest.mark.parametrize("below", [[",Feed flow,Feed temp", ",m3/h,K"], ["TIMESTAMP,39785_842,28658_602"]])
def test_what_stands_below_the_names_of_all_columns_describes_them(read: Read, below: list[str]) -> None:
    assert names(read, "\n".join(["Time,FT101,TT205", *below, *TIMED])) == ["Time", "FT101", "TT205"]


def test_index_without_a_name_leaves_the_name_of_a_series_in_place(read: Read) -> None:
    rows = [f"2022-01-20 00:{i:02d}:00-07:00,{i}.5" for i in range(20)]
    dataset = read("\n".join([",Irradiance [W/m^2]", *rows]).encode())
    assert dataset.table.columns[1:] == ["column_1", "Irradiance [W/m^2]"]
    assert dataset.units == {"Irradiance [W/m^2]": "W/m^2"}


def test_one_quoted_cell_of_names_names_all_columns(read: Read) -> None:
    rows = [f"{i * 10},{i}.5,{i}.25" for i in range(1, 20)]
    assert names(read, "\n".join(['"Data File: 1.1"', '"  Freq (Hz)   Z real   Z imag"', *rows])) == [
        "Freq (Hz)",
        "Z real",
        "Z imag",
    ]


def test_all_lines_of_a_heading_are_no_rows_where_they_come_again(read: Read) -> None:
    heading = ["Time,FT101,TT205", ",Feed flow,Feed temp", ",m3/h,K"]
    dataset = read("\n".join([*heading, *TIMED[:10], *heading, *TIMED[10:]]).encode())
    assert (dataset.table.height, dataset.rejects["reason"].to_list()) == (20, ["REPEATED_HEADER"] * 3)


def test_keys_and_values_above_a_short_table_are_no_rows(read: Read) -> None:
    above = ["Project,Audit", "Device,DX200", "Operator,J. Smith", "Start,08:00", "Channels,2", ""]
    dataset = read("\n".join([*above, "Time,Flow,Temp", *TIMED[:5]]).encode())
    assert (dataset.table.columns[1:], dataset.table.height) == (["Time", "Flow", "Temp"], 5)


@pytest.mark.parametrize("word", ["Descriptor", "Description", ""])
def test_descriptions_between_tags_and_units_are_no_names(word: str, read: Read) -> None:
    above = f",TI-1,\\\\PI\\Press,Flow\n{word},Inlet temperature,Discharge pressure,Product flow\n"
    above += "Eng Units,degC,barg,m3/h\n"
    dataset = read((above + "".join(f"2024-01-13 00:00:{i:02d},{i}.5,{i}.25,{i}\n" for i in range(30))).encode())
    assert dataset.table.columns[2:] == ["TI-1", "\\\\PI\\Press", "Flow"]
    assert dataset.units["TI-1"] == "degC"


@pytest.mark.parametrize("above", ["", "#constant measurement,press\n#constant tag,machine,P7\n#timezone +0100\n"])
def test_marked_lines_above_names_are_no_part_of_them(above: str, read: Read) -> None:
    text = above + "#datatype dateTime:RFC3339,double,long\ntime,flow,count\n"
    assert names(read, text + "".join(f"2024-01-13T00:00:{i:02d}Z,{i}.5,{i}\n" for i in range(30))) == [
        "time",
        "flow",
        "count",
    ]


def test_units_row_of_a_logger_whose_file_lost_its_quotes(read: Read) -> None:
    above = "TOA5,site,CR1000,7000,CR1000.Std.22,CPU:mast.CR1,12345,mast\nTimestamp,RECORD,Wind,Press,Batt\n"
    above += "TS,RN,Metres/Second,Millibars,Volts\n,,Avg,Smp,Min\n"
    rows = "".join(f"2016-01-09 15:{i:02d}:00,{i},8.{i},93{i % 10},12.9{i % 10}\n" for i in range(40))
    dataset = read(b"\xef\xbb\xbf" + (above + rows).encode())
    assert dataset.units == {"Wind": "Metres/Second", "Press": "Millibars", "Batt": "Volts"}
    assert dataset.table.height == 40


def test_narrower_rows_above_the_others_are_rows_or_rejects(read: Read) -> None:
    short = "".join(f"2022/08/23 16:40:{i:02d},0,0,12.79\n" for i in range(3))
    wide = "".join(f"2022/08/23 16:55:{i:02d}" + ",1.5" * 12 + "\n" for i in range(30))
    dataset = read((short + wide).encode())
    assert (dataset.table.height, dataset.rejects.height) == (30, 3)


def test_headings_among_lines_that_are_all_numbered(read: Read) -> None:
    names_of = [i for i in range(1, 60) if i in (1, 2, 4, 6, 8, 10, 30)]
    lines = [f"{i};MQ-3;MQ-4;P" if i in names_of else f"{i};{90 + i % 7};{150 + i % 5};12{i % 3}" for i in range(1, 60)]
    dataset = read("\n".join(lines).encode())
    assert dataset.table.columns[2:] == ["MQ-3", "MQ-4", "P"]
    assert dataset.table.height == 59 - len(names_of)
    assert dataset.table["MQ-3"].null_count() == 0


def test_lines_above_the_header_that_look_like_rows_are_told(read: Read) -> None:
    other = "2024-01-13 00:00:00,1.5,2.5\n" * 4 + "\nSummary above\n\n"
    rows = "".join(f"2024-01-13 00:00:{i:02d},{i}.5,{i}.25\n" for i in range(40))
    dataset = read((other + "Time,Flow,Temp\n" + rows).encode(), header_row=8)
    assert dataset.table.height == 40
    assert [code for code, _ in dataset.warnings] == ["ROWS_ABOVE_HEADER"]


def test_brackets_under_each_name_are_units(read: Read) -> None:
    rows = "".join(f"{15 + i / 10},{99 + i / 100},{i},{0.3 + i / 100}\n" for i in range(20))
    dataset = read(f"TA,PA,LABEL,FCO2\n#[C],#[kPa],#[#],#[umol+1m-2s-1]\n{rows}".encode())
    assert dataset.units == {"TA": "C", "PA": "kPa", "FCO2": "umol+1m-2s-1"}
    assert dataset.table.height == 20


def test_running_number_of_a_heading_is_no_name(read: Read) -> None:
    lines = [f"{n};{'MQ-3;MQ-4' if n % 9 == 1 else f'{90 + n};{120 + n}'}\n" for n in range(1, 40)]
    dataset = read("".join(lines).encode())
    assert dataset.table.columns == ["source_row", "column_1", "MQ-3", "MQ-4"]
    assert values(dataset, "MQ-3") == [90 + n for n in range(1, 40) if n % 9 != 1]


def test_the_time_may_be_named_in_the_line_of_the_units(read: Read) -> None:
    head = '"Site: School","Outstation 24"\n"","S1 Outside Temp","S2 Flow Temp"\n"Date/Time","Deg C","Deg C"\n'
    rows = "".join(f'"14/03/2024 10:{r:02d}:00",{r}.5,{r + 40}.25\n' for r in range(20))
    dataset = read((head + rows).encode())
    assert dataset.table.columns == ["source_row", "Date/Time", "S1 Outside Temp", "S2 Flow Temp"]
