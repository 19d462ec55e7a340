"""Long exports turned wide, values beside their quality, and blocks side by side."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.ingest.conftest import Read, values


@pytest.mark.parametrize(
    ("header", "codes"),
    [
        ("TagName,DateTime,Value,QualityDetail", ("192", "24")),
        ("Tag,Timestamp,Value,Status", ("Good", "Bad")),
        ("NodeId,SourceTimestamp,Value,StatusCode", ("0x00000000", "0x80000000")),
        ("ItemID,Timestamp,Value,Quality", ("Good (192)", "Bad (0)")),
    ],
)
def test_long_export_becomes_wide_and_bad_samples_missing(read: Read, header: str, codes: tuple[str, str]) -> None:
    lines = [header]
    for i in range(30):
        for tag in ("P1.flow", "P1.temp"):
            bad = i == 7 and tag == "P1.temp"
            lines.append(f"{tag},2024-01-01 00:00:{i:02d},{i}.5,{codes[1] if bad else codes[0]}")
    dataset = read("\n".join(lines).encode())
    assert dataset.table.columns == ["source_row", "timestamp", "P1.flow", "P1.temp"]
    assert values(dataset, "P1.temp")[7] is None
    assert dataset.table["P1.temp"].null_count() == 1
    assert dataset.ledger["cells"]["bad"] == 1


def test_split_date_time_and_milliseconds_of_a_long_export(read: Read) -> None:
    lines = ["Date;Time;Millitm;Tagname;Value;Status"]
    lines += [f"2024-01-{d:02d};10:00:00;250;{t};{d},5;Good" for d in range(13, 20) for t in ("A", "B")]
    dataset = read("\n".join(lines).encode())
    assert dataset.table["timestamp"][0] == dt.datetime(2024, 1, 13, 10, 0, 0, 250_000, tzinfo=dt.UTC)
    assert values(dataset, "B")[0] == 13.5


def test_quality_column_beside_each_value_decides(read: Read) -> None:
    rows = [f"2024-01-01 00:00:{i:02d},{i}.5,{'Bad' if i == 3 else 'Good'}" for i in range(20)]
    dataset = read(("time,temp,temp_quality\n" + "\n".join(rows)).encode())
    assert dataset.table.columns == ["source_row", "time", "temp"]
    assert values(dataset, "temp")[2:5] == [2.5, None, 4.5]
    assert dataset.ledger["cells"]["bad"] == 1


def test_tags_with_own_clocks_keep_all_samples(read: Read) -> None:
    lines = ["tag,time,value"] + [f"A,2024-01-01 00:00:{i:02d},{i}" for i in range(0, 60, 2)]
    lines += [f"B,2024-01-01 00:00:{i:02d},{i}" for i in range(0, 60, 3)]
    dataset = read("\n".join(lines).encode())
    assert dataset.table["A"].drop_nulls().to_list() == list(range(0, 60, 2))
    assert dataset.table["B"].drop_nulls().to_list() == list(range(0, 60, 3))


def test_wincc_american_times_are_settled_by_their_serial_number(read: Read) -> None:
    lines = ['"VarName"\t"TimeString"\t"VarValue"\t"Validity"\t"Time_ms"']
    lines += [
        f'"{t}"\t"2/1/2020 12:00:{i:02d} AM"\t{i}.5\t1\t{43862e6 + i * 11.574:.3f}' for i in range(30) for t in "AB"
    ]
    lines.append('"$RT_OFF$"\t"2/1/2020 12:00:30 AM"\t0\t2\t43862000347')
    dataset = read("\n".join(lines).encode(), name="Datalog.txt")
    assert dataset.table["timestamp"][1] == dt.datetime(2020, 2, 1, 0, 0, 1, tzinfo=dt.UTC)
    assert values(dataset, "A")[:2] == [0.5, 1.5]


def test_ignition_history_tables_take_the_value_from_its_column(read: Read) -> None:
    lines = ["tagid,intvalue,floatvalue,stringvalue,datevalue,dataintegrity,t_stamp"]
    lines += [
        f"{t},{i if t == 7 else ''},{'' if t == 7 else i + 0.5},,,192,{1704067200000 + 1000 * i}"
        for i in range(30)
        for t in (7, 9)
    ]
    dataset = read("\n".join(lines).encode())
    assert values(dataset, "7")[:2] == [0, 1]
    assert values(dataset, "9")[:2] == [0.5, 1.5]


def test_blocks_with_blank_columns_between_them_are_joined(read: Read) -> None:
    lines = ["T1,,,T2,", "Timestamp,Value,,Timestamp,Value"]
    lines += [f"01-Feb-20 00:00:{i:02d},{i}.5,,01-Feb-20 00:00:{i:02d},{i}.25" for i in range(30)]
    dataset = read("\n".join(lines).encode())
    assert dataset.table.columns == ["source_row", "timestamp", "T1", "T2"]
    assert values(dataset, "T2")[1] == 1.25


def test_register_readings_one_a_line_become_columns(read: Read) -> None:
    lines = ["timestamp,unit,address,value"]
    lines += [f"2024-01-01 00:00:{i:02d},1,{a},{a % 100 + i}" for i in range(30) for a in (40001, 40002)]
    assert read("\n".join(lines).encode()).table.columns == ["source_row", "timestamp", "40001", "40002"]


def test_machines_with_several_measurements_a_line_are_no_long_export(read: Read) -> None:
    """Not even where all machines measure the same, so that every value follows from its time."""
    rows = [f"15-05-2020 {m // 60:02d}:{m % 60:02d},{key},{m},{m * 0.9:.1f}" for m in range(60) for key in "abc"]
    text = "DATE_TIME,SOURCE_KEY,DC_POWER,AC_POWER\n" + "\n".join(rows) + "\n"
    dataset = read(text.encode(), name="plant.csv")
    assert dataset.table.columns[1:] == ["DATE_TIME", "SOURCE_KEY", "DC_POWER", "AC_POWER"]


def test_two_measurements_of_few_values_are_no_long_export(read: Read) -> None:
    rows = [f"2024-03-01 00:{m:02d}:00,L{k},{61 + m % 3 / 2},{3 + m % 4 / 10:.1f}" for m in range(60) for k in (1, 2)]
    text = "timestamp,line,temperature,pressure\n" + "\n".join(rows) + "\n"
    assert read(text.encode(), name="lines.csv").table.columns[1:] == ["timestamp", "line", "temperature", "pressure"]


def test_messages_of_a_broker_without_a_header_are_samples(read: Read) -> None:
    times = [1_773_532_440.749 + 10 * i + i % 7 / 9 for i in range(30)]
    rows = "".join(f"{t:.3f},plant/{tag},{i}.5\n" for i, t in enumerate(times) for tag in ("Temp", "Flow", "P"))
    dataset = read(rows.encode())
    assert dataset.table.columns == ["source_row", "timestamp", "plant/Temp", "plant/Flow", "plant/P"]
    assert dataset.table.height == 30
