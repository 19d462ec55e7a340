"""Meters and testers whose records are of several kinds: NEM12, battery testers, BSRN; channels named by keys."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from services.chassis.errors import SensorForgeError
from services.ingest.large.delimited import read_large_file
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import Source
from tests.ingest.conftest import Read, facts, values

DAY = ",".join(f"{i / 100:.2f}" for i in range(48))
NEM12 = (
    "100,NEM12,202406051200,AEMO,RETAILER\r\n"
    "200,4001234567,E1B1,E1,E1,N1,0123456,kWh,30,20240610\r\n"
    f"300,20240601,{DAY},A,,,20240605120000,\r\n"
    f"300,20240602,{DAY},V,,,20240605120000,\r\n"
    "400,1,46,A,,\r\n400,47,48,S14,51,\r\n"
    "500,O,S01,20240605,\r\n"
    "200,4001234567,E1B1,B1,B1,N1,0123456,kWh,30,20240610\r\n"
    f"300,20240601,{DAY},E53,51,,20240605120000,\r\n300,2024,broken\r\n"
    "900\r\n"
)


def test_intervals_of_nem12_stand_at_their_beginnings_and_substituted_ones_are_missing(read: Read) -> None:
    dataset = read(NEM12.encode(), name="meter.csv")
    assert values(dataset, "timestamp")[:2] == [dt.datetime(2024, 6, 1), dt.datetime(2024, 6, 1, 0, 30)]
    day = [i / 100 for i in range(48)]
    assert values(dataset, "4001234567.E1") == [*day, *day[:46], None, None]
    assert values(dataset, "4001234567.B1") == [None] * 96
    assert dataset.units["4001234567.E1"] == "kWh"
    assert dataset.rejects["reason"].to_list() == ["NOT_AN_INTERVAL_RECORD"]
    assert dataset.ledger["balanced"]
    assert dataset.ledger["cells"]["bad"] == 2 + 48


def test_times_of_nem12_take_a_zone(read: Read) -> None:
    dataset = read(NEM12.encode(), name="meter.csv", time_zone="Australia/Brisbane")
    assert values(dataset, "timestamp")[0] == dt.datetime(2024, 5, 31, 14, tzinfo=dt.UTC)


@pytest.mark.parametrize("text", ["100,NEM13,1,a,b\n250,4001,11,,11,11,1,kWh,\n900\n", "*C0001\n  8  6 2010 1 1\n"])
def test_meter_readings_and_station_archives_are_refused_by_name(text: str, read: Read) -> None:
    with pytest.raises(SensorForgeError, match=r"NEM13|BSRN") as refused:
        read(text.encode(), name="x.dat")
    assert refused.value.reason == "FORMAT_UNSUPPORTED"


def test_records_on_levels_are_the_deepest_ones_under_their_cycle_and_step(read: Read) -> None:
    lines = ["Cycle ID,Cap(mAh)", ",Step ID,Step Name", ",,Record ID,Voltage(V),Current(mA)"]
    for cycle in (1, 2):
        lines.append(f"{cycle},100.5")
        for step in (1, 2):
            lines.append(f",{step},CC_Chg")
            lines += [f",,{r},{3.5 + cycle + step / 10:.1f},{r}" for r in range(5)]
    dataset = read(("\n".join(lines) + "\n").encode(), name="cell.csv")
    assert dataset.table.columns[1:] == ["Cycle ID", "Step ID", "Record ID", "Voltage(V)", "Current(mA)"]
    assert values(dataset, "Cycle ID") == [1] * 10 + [2] * 10
    assert values(dataset, "Voltage(V)")[::5] == [4.6, 4.7, 5.6, 5.7]
    assert dataset.rejects["reason"].to_list() == ["UPPER_LEVEL"] * 6
    assert dataset.ledger["balanced"]
    assert not set(dataset.rejects["source_row"]) & set(values(dataset, "source_row"))


KEYS = "Point_1:,AHU1.ROOM TEMP,,5 minutes\nPoint_2:,AHU1.ROOM HUM,,5 minutes\n\n"
TREND = "<>Date,Time,Point_1,Point_2\n" + "".join(f"5/14/2024,00:{i:02}:00,{20 + i},{40 + i}\n" for i in range(30))


def test_lines_above_name_numbered_points(read: Read) -> None:
    dataset = read((KEYS + TREND).encode(), name="trend.csv")
    assert dataset.table.columns[-2:] == ["AHU1.ROOM TEMP", "AHU1.ROOM HUM"]
    assert facts(dataset)["names"] == "2"


@pytest.mark.parametrize("keys", ["Point_1:,DC\nPoint_2:,DC\n\n", "Point_1:,5\nPoint_2:,6\n\n", "Point_1:,Flow\n\n"])
def test_settings_of_channels_do_not_name_them(keys: str, read: Read) -> None:
    assert read((keys + TREND).encode(), name="trend.csv").table.columns[-2:] == ["Point_1", "Point_2"]


def test_zone_column_moves_the_times_of_its_rows(read: Read) -> None:
    text = "site\tdatetime\ttz_cd\tflow\nA\t2024-03-10 01:30\tEST\t1.5\nA\t2024-03-10 03:30\tEDT\t2.5\n"
    dataset = read(text.encode(), name="x.tsv")
    assert values(dataset, "datetime") == [dt.datetime(2024, 3, 10, h, 30, tzinfo=dt.UTC) for h in (6, 7)]


def _data_set(types: list[str], rows: int) -> bytes:
    names = ",".join(f'"tag{i}"' for i in range(len(types)))
    head = f'"#NAMES"\n"t_stamp",{names}\n"#TYPES"\n"date",' + ",".join(f'"{t}"' for t in types)
    body = "".join(f'\n"2024-01-01 {i // 60 % 24:02}:{i % 60:02}:00"' + f',"{i}"' * len(types) for i in range(rows))
    return f'{head}\n"#ROWS","{rows}"{body}\n'.encode()


@pytest.mark.parametrize("types", [["F", "I"], ["D", "B", "str"], ["D"] * 8])
def test_data_set_of_ignition_keeps_its_names(types: list[str], read: Read) -> None:
    dataset = read(_data_set(types, 20), name="x.csv")
    assert dataset.table.columns[1:] == ["t_stamp", *(f"tag{i}" for i in range(len(types)))]
    assert dataset.ledger["lines"]["preamble"] == 4
    assert dataset.ledger["balanced"]


def test_large_data_set_of_ignition_is_read_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(_data_set(["F", "I"], 1400))
    large = read_large_file(
        Source(path, path.name), ReadOptions(), Limits(), tmp_path, from_bytes=1_000, block_bytes=8_000
    )
    assert large is not None
    table = large.table.frame({})
    assert table.columns[1:] == ["t_stamp", "tag0", "tag1"]
    assert table["tag1"].to_list() == list(range(1400))
    assert large.ledger["lines"]["preamble"] == 4


def test_zone_above_the_table_is_told(read: Read) -> None:
    text = "latitude,timezone\n52.5,Europe/Berlin\n\ntime,temp,wind\n" + TREND.split("\n", 1)[1].replace(
        "5/14/2024,", ""
    )
    dataset = read(text.encode(), name="meteo.csv")
    assert [code for code, message in dataset.warnings if "Europe/Berlin" in message] == ["TIME_ZONE_STATED"]


def test_samples_of_the_epics_archiver(read: Read) -> None:
    data = [{"secs": 1609459200 + i, "nanos": 500_000_000, "val": i / 2, "severity": i % 4} for i in range(8)]
    document = json.dumps([{"meta": {"name": "SR:TI:1", "EGU": "degC"}, "data": data}])
    dataset = read(document.encode(), name="pv.json")
    assert values(dataset, "SR:TI:1") == [None if i % 4 == 3 else i / 2 for i in range(8)]
    assert values(dataset, "timestamp")[0] == dt.datetime(2021, 1, 1, 0, 0, 0, 500_000, tzinfo=dt.UTC)
    assert dataset.units == {"SR:TI:1": "degC"}
