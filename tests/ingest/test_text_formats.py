"""Text that is more than delimited lines: annotated tables, data blocks, names behind marks."""

from __future__ import annotations

import pytest

from services.chassis.errors import SensorForgeError
from tests.ingest.conftest import Read, values

INFLUX = """#group,false,false,true,true,false,false,true,true
#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string
#default,_result,,,,,,,
,result,table,_start,_stop,_time,_value,_field,_measurement
,,0,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,2024-01-01T00:00:00Z,1.5,temp,motor
,,0,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,2024-01-01T00:00:10Z,2.5,temp,motor

#group,false,false,true,true,false,false,true,true
#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string
#default,_result,,,,,,,
,result,table,_start,_stop,_time,_value,_field,_measurement
,,1,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,2024-01-01T00:00:00Z,7.5,flow,motor
"""


def test_influx_annotated_tables_join_by_time(read: Read) -> None:
    dataset = read(INFLUX.encode())
    assert dataset.table.columns == ["source_row", "timestamp", "temp", "flow"]
    assert values(dataset, "flow") == [7.5, None]
    assert dataset.ledger["balanced"]
    assert dataset.ledger["lines"]["rows"] == 3


def test_influx_tables_that_a_spreadsheet_saved_again(read: Read) -> None:
    saved = read(INFLUX.replace(",", ";").replace(".5;", ",5;").encode())
    assert saved.table.columns == ["source_row", "timestamp", "temp", "flow"]
    assert values(saved, "temp") == [1.5, 2.5]


def test_data_block_is_read_and_the_rest_is_accounted_for(read: Read) -> None:
    head = "* exported by the historian\n[Tags]\nTagname,Description\nA,pump\n[Data]\n* comment\n"
    rows = "".join(f"{t},2024-01-01 00:00:{i:02d},{i}.5,Good\n" for i in range(20) for t in "AB")
    dataset = read((head + "Tagname,TimeStamp,Value,DataQuality\n" + rows).encode())
    assert dataset.table.columns == ["source_row", "timestamp", "A", "B"]
    assert dataset.ledger["balanced"]
    assert dataset.ledger["lines"]["preamble"] == 6


def test_lines_of_a_data_block_are_counted_with_its_comments(read: Read) -> None:
    rows = [f"A,2024-01-01 00:00:{i:02d},{i}.5,Good" for i in range(20)]
    lines = [
        "[Data]",
        "* one",
        "Tagname,TimeStamp,Value,DataQuality",
        *rows[:10],
        "* two",
        "A,x,2,Good,a,b",
        *rows[10:],
    ]
    dataset = read("\n".join(lines).encode())
    assert dataset.rejects["line"].to_list() == [lines.index("A,x,2,Good,a,b") + 1]


def test_dataset_export_with_hash_lines_finds_its_names(read: Read) -> None:
    lines = ['"#NAMES"', '"t_stamp","flow","temp"', '"#TYPES"', '"date","D","D"', '"#ROWS","30"']
    lines += [f'"Feb 1, 2020 12:00:{i:02d} AM","{i}.5","{i}.25"' for i in range(30)]
    dataset = read("\n".join(lines).encode())
    assert dataset.table.columns == ["source_row", "t_stamp", "flow", "temp"]
    assert dataset.ledger["balanced"]


@pytest.mark.parametrize(
    "head", ["-- MySQL dump 10.13\n", "CREATE TABLE `log` (`ts` datetime);\n", "--\n-- PostgreSQL database dump\n--\n"]
)
def test_a_dump_of_statements_is_refused(read: Read, head: str) -> None:
    with pytest.raises(SensorForgeError) as refused:
        read((head + "INSERT INTO `log` VALUES ('2024-03-14 10:00:00',3.5),('2024-03-14 10:00:01',3.9);\n").encode())
    assert refused.value.reason == "FORMAT_UNSUPPORTED"
    assert "CSV" in refused.value.remedy
