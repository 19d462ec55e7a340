"""Loggers with many header lines (Com'X, KW Watcher, Iconics), Influx, LabVIEW."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from tests.ingest.conftest import Read
from tests.ingest.vendors.truth import (
    BAD,
    ROWS,
    TAGS,
    TIMES,
    VALUES,
    comma,
    holds_the_truth,
    point,
    samples,
    wide_file,
)


def _points(i: int) -> str:
    return ",".join(point(VALUES[t][i]) for t in TAGS)


COMX = {
    "English": "Gateway Name,Gateway SN,Gateway IP Address,Gateway MAC Address,Device Name,Device Local ID,"
    "Device Type ID,Device Type Name,Logging Interval,Historical Intervals\r\n"
    "ComX510_F930B8,DN13045SB,10.195.23.45,00:80:67:F9:30:B8,"
    "Building 1 Utility Entrance,3,CM4000,CM4000,15,6\r\n\r\n,,,Topic ID 1,Topic ID 2,Topic ID 3,Topic ID 4\r\n"
    ",,,1617,1621,1625,1700\r\n\r\n",
    "German": "Gateway-Name,Gateway-SN,Gateway-IP-Adresse\r\nComX,DN1,10.1.1.1\r\n\r\n"
    ",,,Thema 1,Thema 2,Thema 3,Thema 4\r\n,,,1617,1621,1625,1700\r\n\r\n",
}


@pytest.mark.parametrize("language", sorted(COMX))
def test_comx_device_log(language: str, read: Read) -> None:
    text = COMX[language] + wide_file(
        "Error,UTC Offset (minutes),Local Time Stamp,Flow (m3/h),Temp (°C),Count,Run",
        lambda i: f"0,60,{TIMES[i]:%Y-%m-%d %H:%M:%S},{_points(i)}",
    )
    dataset = read(text.encode())
    names = {"Flow": "Flow (m3/h)", "Temp": "Temp (°C)", "Count": "Count", "Run": "Run"}
    holds_the_truth(dataset, names, bad=False, time="Local Time Stamp")


def test_kw_watcher_has_seven_header_lines(read: Read) -> None:
    head = "Date,Time,1,2,3,4\r\n,,Flow,Temp,Count,Run\r\n,,COM1,COM1,COM1,COM1\r\n,,DT100,DT101,DT102,DT103\r\n"
    head += ",,REAL,REAL,INT,INT\r\n,,FLT,FLT,S16,S16\r\n,,m3/h,°C,,\r\n"
    text = head + "".join(f"{TIMES[i]:%Y/%m/%d},{TIMES[i]:%H:%M:%S},{_points(i)}\r\n" for i in range(ROWS))
    dataset = read(text.encode())
    found = [next(n for n in dataset.table.columns if t in n) for t in TAGS]
    for tag, name in zip(TAGS, found, strict=True):
        assert dataset.table[name].to_list() == VALUES[tag]
    assert "Date" in dataset.table.columns
    assert "Time" in dataset.table.columns
    assert dataset.units[found[0]] == "m3/h"


ICONICS = {
    "names over units": "Trend Report,,,,\r\nPoint,Flow,Temp,Count,Run\r\nUnits,m3/h,°C,,\r\n",
    "names, descriptions and units": "Point Name:,Flow,Temp,Count,Run\r\nDescription:,pump flow,oil,parts,on\r\n"
    "Units:,m3/h,°C,-,-\r\nTime,Value,Value,Value,Value\r\n",
}


@pytest.mark.parametrize("layout", sorted(ICONICS))
def test_names_are_found_in_header_lines(layout: str, read: Read) -> None:
    text = ICONICS[layout] + "".join(f"{TIMES[i]:%Y-%m-%d %H:%M:%S},{_points(i)}\r\n" for i in range(ROWS))
    dataset = read(text.encode())
    names = {t: next(n for n in dataset.table.columns if n.startswith(t)) for t in TAGS}
    holds_the_truth(dataset, names, bad=False, time=dataset.table.columns[1])


def test_two_header_lines_are_joined_readably(read: Read) -> None:
    text = "Time,Pump 1,Pump 1,Pump 2,Pump 2\n,Flow,Temp,Count,Run\n" + "".join(
        f"{TIMES[i]:%Y-%m-%d %H:%M:%S},{_points(i)}\n" for i in range(ROWS)
    )
    dataset = read(text.encode())
    names = dict(zip(TAGS, ("Pump 1 Flow", "Pump 1 Temp", "Pump 2 Count", "Pump 2 Run"), strict=True))
    holds_the_truth(dataset, names, bad=False, time="Time")


def annotated(tag: str, number: int, kind: str = "double", stop: bool = True) -> str:
    """Returns one table of an annotated answer, bad samples left out as Influx has them."""
    span = ",dateTime:RFC3339,dateTime:RFC3339" if stop else ""
    head = f"#datatype,string,long{span},dateTime:RFC3339,{kind},string,string\r\n"
    head += f"#group,false,false{',true,true' if stop else ''},false,false,true,true\r\n"
    head += f"#default,_result,,{',,' if stop else ''},,,\r\n"
    head += f",result,table{',_start,_stop' if stop else ''},_time,_value,_field,_measurement\r\n"
    body = ""
    for i in range(ROWS):
        if (i, tag) not in BAD:
            written = point(VALUES[tag][i]) if kind != "boolean" else str(bool(VALUES[tag][i])).lower()
            edges = ",2024-03-14T00:00:00Z,2024-03-15T00:00:00Z" if stop else ""
            body += f",,{number}{edges},{TIMES[i]:%Y-%m-%dT%H:%M:%SZ},{written},{tag},pump\r\n"
    return head + body + "\r\n"


INFLUX = {
    "a table a field": "".join(annotated(t, n) for n, t in enumerate(TAGS)),
    "other types": annotated("Flow", 0)
    + annotated("Temp", 1)
    + annotated("Count", 2, "unsignedLong")
    + annotated("Run", 3, "boolean"),
    "no start and stop": "".join(annotated(t, n, stop=False) for n, t in enumerate(TAGS)),
    "group before datatype": "".join(annotated(t, n) for n, t in enumerate(TAGS)).replace("\r\n", "\n"),
}


@pytest.mark.parametrize("layout", sorted(INFLUX))
def test_annotated_answer(layout: str, read: Read) -> None:
    dataset = read(INFLUX[layout].encode())
    assert dataset.table["timestamp"].to_list() == TIMES
    for tag in TAGS:
        column = dataset.table[tag]
        column = column.cast(pl.Float64)
        assert column.to_list() == [None if (i, tag) in BAD else v for i, v in enumerate(VALUES[tag])]
    assert dataset.ledger["balanced"]


def test_annotated_answer_takes_defaults_and_several_series_of_a_field(read: Read) -> None:
    text = "#datatype,string,long,dateTime:RFC3339,double,string,string\n#group,false,false,false,false,true,true\n"
    text += "#default,_result,,,,temp,\n,result,table,_time,_value,_field,host\n"
    text += "".join(
        f",,{n},{TIMES[i]:%Y-%m-%dT%H:%M:%SZ},{point(VALUES[t][i])},,{t}\n"
        for i in range(ROWS)
        for n, t in enumerate(TAGS)
    )
    dataset = read(text.encode())
    names = {t: next(n for n in dataset.table.columns if t in n) for t in TAGS}
    holds_the_truth(dataset, names, bad=False)


def test_pivoted_answer_stays_wide(read: Read) -> None:
    text = "#group,false,false,false,false,false,false,false\n"
    text += "#datatype,string,long,dateTime:RFC3339,double,double,long,long\n#default,_result,,,,,,\n"
    text += ",result,table,_time,Flow,Temp,Count,Run\n"
    text += "".join(f",,0,{TIMES[i]:%Y-%m-%dT%H:%M:%SZ},{_points(i)}\n" for i in range(ROWS))
    holds_the_truth(read(text.encode()), bad=False)


def test_influx_answer_without_annotations(read: Read) -> None:
    text = "name,tags,time,value\n" + "".join(
        f"pump,tag={s.tag},{int(s.time.timestamp()) * 10**9},{point(s.value)}\n" for s in samples()
    )
    dataset = read(text.encode())
    names = {t: next(n for n in dataset.table.columns if t in n) for t in TAGS}
    holds_the_truth(dataset, names, bad=False)


def lvm(columns: str, separator: str = "\t", mark: str = ".", segments: int = 1, comment: bool = True) -> str:
    """Returns a LabVIEW measurement file whose X counts seconds from the first instant of each segment."""
    number = point if mark == "." else comma
    word = {"\t": "Tab", ",": "Comma", ";": "Semicolon"}[separator]
    out = [
        separator.join(line)
        for line in (
            ["LabVIEW Measurement", ""],
            ["Writer_Version", "2"],
            ["Reader_Version", "2"],
            ["Separator", word],
            ["Decimal_Separator", mark],
            ["Multi_Headings", "Yes" if segments > 1 else "No"],
            ["X_Columns", columns],
            ["Time_Pref", "Absolute"],
            ["Operator", "me"],
            ["Date", "2024/03/14"],
            ["Time", "05:58:00,000" if mark == "," else "05:58:00.0000000000000000000"],
            ["***End_of_Header***", ""],
            [""],
        )
    ]
    size = ROWS // segments
    for part in range(segments):
        first = part * size
        at = TIMES[first]
        pad = columns == "Multi"

        def property_line(name: str, values: list[str], pad: bool = pad) -> str:
            cells = [c for v in values for c in ((v, "") if pad else (v,))]
            return separator.join([name, *cells])

        out += [
            separator.join(["Channels", str(len(TAGS))]),
            property_line("Samples", [str(size)] * len(TAGS)),
            property_line("Date", ["2024/03/14"] * len(TAGS)),
            property_line("Time", [f"{at:%H:%M:%S}{mark}000"] * len(TAGS)),
            property_line("Y_Unit_Label", ["m3/h", "degC", "", ""]),
            property_line("X_Dimension", ["Time"] * len(TAGS)),
            property_line("X0", ["0" + mark + "0E+0"] * len(TAGS)),
            property_line("Delta_X", [number(10.0)] * len(TAGS)),
            separator.join(["***End_of_Header***", ""]),
        ]
        names = [c for t in TAGS for c in (("X_Value", t) if pad else (t,))]
        out.append(separator.join([*names, "Comment"] if pad else ["X_Value", *names, "Comment"]))
        for i in range(first, first + size):
            x = number(10.0 * (i - first))
            cells = [c for t in TAGS for c in ((x, number(VALUES[t][i])) if pad else (number(VALUES[t][i]),))]
            out.append(separator.join(cells if pad else ["" if columns == "No" else x, *cells]))
        out.append("")
    return "\r\n".join(out) + "\r\n"


LVM = {
    "one X": lvm("One"),
    "no X": lvm("No"),
    "an X a channel": lvm("Multi"),
    "decimal comma": lvm("One", mark=","),
    "semicolons and decimal comma": lvm("One", separator=";", mark=","),
    "commas": lvm("One", separator=","),
    "three segments": lvm("One", segments=3),
    "three segments without X": lvm("No", segments=3),
    "two segments, an X a channel": lvm("Multi", segments=2),
}


@pytest.mark.parametrize("layout", sorted(LVM))
def test_labview_measurement(layout: str, read: Read) -> None:
    dataset = read(LVM[layout].encode(), name="run.lvm")
    holds_the_truth(dataset, bad=False)
    assert dataset.units["Flow"] == "m3/h"


def test_channels_with_own_rates_stand_at_their_own_times(read: Read) -> None:
    head = "LabVIEW Measurement\t\nSeparator\tTab\nDecimal_Separator\t.\nX_Columns\tMulti\n***End_of_Header***\t\n\t\n"
    head += "Channels\t2\nSamples\t4\t\t2\nDate\t2024/03/14\t\t2024/03/14\nTime\t05:58:00.5\t\t05:58:00.5\n"
    head += "Delta_X\t0.5\t\t1.0\n***End_of_Header***\t\nX_Value\tfast\tX_Value\tslow\tComment\n"
    dataset = read((head + "0\t1\t0\t10\n0.5\t2\t1\t20\n1\t3\n1.5\t4\n").encode())
    assert dataset.table["fast"].to_list() == [1, 2, 3, 4]
    assert dataset.table["slow"].to_list() == [10, None, 20, None]
    assert dataset.table["timestamp"][2] == dt.datetime(2024, 3, 14, 5, 58, 1, 500_000)
    assert dataset.ledger["balanced"]


def test_values_without_x_columns_start_at_x0(read: Read) -> None:
    head = "LabVIEW Measurement\t\nSeparator\tTab\nDecimal_Separator\t.\nX_Columns\tNo\n***End_of_Header***\t\n\t\n"
    head += "Channels\t1\nDate\t2024/03/14\nTime\t05:58:00\nX0\t2.5\nDelta_X\t0.25\n***End_of_Header***\t\n"
    head += "X_Value\ta\tComment\n"
    dataset = read((head + "\t1\n\t2\n").encode())
    assert dataset.table["X_Value"].to_list() == [2.5, 2.75]
    assert dataset.table["timestamp"][0] == dt.datetime(2024, 3, 14, 5, 58, 2, 500_000)
