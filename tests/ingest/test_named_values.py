"""Lines that name each of their values: pairs with a sign between, and names and values in turn."""

from __future__ import annotations

import datetime as dt

import pytest

from services.ingest.options import ReadOptions
from services.ingest.text.dialect import detect_dialect
from tests.ingest.conftest import Read, facts, values

CLOCKS = [dt.datetime(2024, 5, 1, 10, 0, i) for i in range(40)]
PAIRS = {
    "blanks": [f"{t} flow={i}.5 temp={60 + i}" for i, t in enumerate(CLOCKS)],
    "commas": [f"{t},flow={i}.5,temp={60 + i}" for i, t in enumerate(CLOCKS)],
    "colons": [f"{t};flow:{i}.5;temp:{60 + i}" for i, t in enumerate(CLOCKS)],
    "quoted": [f'{t} flow="{i}.5"; temp="{60 + i}"' for i, t in enumerate(CLOCKS)],
    "time named": [f"time={t},flow={i}.5,temp={60 + i}" for i, t in enumerate(CLOCKS)],
    "a line above": ["boot", *(f"{t} flow={i}.5 temp={60 + i}" for i, t in enumerate(CLOCKS))],
}


@pytest.mark.parametrize("layout", PAIRS)
def test_pairs_become_columns_of_their_names(layout: str, read: Read) -> None:
    dataset = read("\n".join(PAIRS[layout]).encode())
    assert dataset.table.columns == ["source_row", "time", "flow", "temp"]
    assert values(dataset, "time") == CLOCKS
    assert values(dataset, "flow") == [i + 0.5 for i in range(40)]
    assert values(dataset, "temp") == [60 + i for i in range(40)]
    assert dataset.ledger["balanced"]


def test_units_words_and_gaps_of_pairs(read: Read) -> None:
    lines = [f"{t} [INFO] Temp: {i}.5 C, Hum: {i} %" + (", Error: low" if i == 7 else "") for i, t in enumerate(CLOCKS)]
    dataset = read("\n".join([*lines, "restart"]).encode())
    assert dataset.units == {"Temp": "C", "Hum": "%"}
    assert values(dataset, "text") == ["INFO"] * 40
    assert [e for e in values(dataset, "Error") if e] == ["low"]
    assert dataset.rejects["reason"].to_list() == ["NOT_PAIRS"]


def test_key_that_a_line_has_twice_loses_no_value(read: Read) -> None:
    dataset = read("".join(f"{t} flow={i}.5 flow={i}.25\n" for i, t in enumerate(CLOCKS)).encode())
    assert values(dataset, "flow")[3] == 3.25
    assert values(dataset, "flow_2")[3] == 3.5


@pytest.mark.parametrize(
    "text",
    [
        "time,flow,note\n" + "".join(f"{t},{i}.5,mode=auto\n" for i, t in enumerate(CLOCKS)),
        "".join(f"key{i} = {i}\n" for i in range(40)),
    ],
)
def test_cells_with_a_sign_are_cells(text: str, read: Read) -> None:
    assert facts(read(text.encode()))["format"] == "csv"


def test_names_and_values_in_turn_become_columns(read: Read) -> None:
    third = [f";plc.P;{i}" if i % 5 else "" for i in range(40)]
    dataset = read("".join(f"{t};plc.A;{i},5;plc.B;{i}{third[i]};\n" for i, t in enumerate(CLOCKS)).encode())
    assert dataset.table.columns == ["source_row", "timestamp", "plc.A", "plc.B", "plc.P"]
    assert values(dataset, "plc.A") == [i + 0.5 for i in range(40)]
    assert values(dataset, "plc.P") == [i if i % 5 else None for i in range(40)]


def test_states_before_values_name_nothing(read: Read) -> None:
    text = "".join(f"{t},{'RUN' if i % 9 else 'STOP'},{i}.5,auto,{i}\n" for i, t in enumerate(CLOCKS))
    assert read(text.encode()).table.columns[1:] == [f"column_{i}" for i in range(1, 6)]


@pytest.mark.parametrize(
    "line",
    [
        "[{:%d-%m-%Y %H:%M:%S}] - tempA: {}.5C tempB: 50.0C",
        "[ {:%a %b %d %H:%M:%S %Y} ] tempA: {}.5 C - tempB: 50.0 C",
    ],
)
def test_log_lines_behind_a_time_in_brackets_are_no_json(line: str, read: Read) -> None:
    days = [t.replace(day=13) for t in CLOCKS]
    dataset = read("".join(line.format(t, i) + "\n" for i, t in enumerate(days)).encode(), name="oven.csv")
    assert values(dataset, "time") == days
    assert values(dataset, "tempA") == [i + 0.5 for i in range(40)]
    assert dataset.units == {"tempA": "C", "tempB": "C"}


def test_colon_of_a_clock_delimits_nothing() -> None:
    text = "".join(f"[{t}] pump {'on' if i % 3 else 'off'}\n" for i, t in enumerate(CLOCKS))
    assert detect_dialect(text, ReadOptions()).delimiter != ":"
