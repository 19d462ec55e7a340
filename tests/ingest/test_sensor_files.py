"""Real exports of machines parse at the first try, with no option, and lose nothing."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.ingest.conftest import Read, facts

SHAPES = {
    "metropt3_head.csv": (1000, 17),
    "gt_2011.csv": (7411, 11),
    "gt_2015.csv": (7384, 11),
    "hydraulic_TS1.txt": (2205, 60),
    "hydraulic_VS1.txt": (2205, 60),
    "hydraulic_profile.txt": (2205, 5),
    "hydraulicData_coolCondY.csv": (2205, 18),
    "Folds5x2_pp.xlsx": (9568, 5),
    "ur3_cobot_ghost_rows.xlsx": (250, 24),
    "ai4i2020.csv": (10000, 14),
    "cmapss_train_FD001.txt": (20631, 26),
    "nab_machine_temperature.csv": (22695, 2),
    "AirQualityUCI.csv": (9281, 15),
}


@pytest.mark.parametrize("file", sorted(SHAPES))
def test_sensor_file_parses_at_first_try(file: str, shared_data: Path, read: Read) -> None:
    dataset = read(shared_data / "sensor" / file)
    table = dataset.table.drop("source_row")
    assert (table.height, table.width) == SHAPES[file]
    assert dataset.ledger["balanced"]
    assert dataset.rejects.height == 0


def test_whitespace_table_without_header_gets_numbered_columns(shared_data: Path, read: Read) -> None:
    dataset = read(shared_data / "sensor" / "cmapss_train_FD001.txt")
    assert dataset.table.columns[1:4] == ["column_1", "column_2", "column_3"]
    assert facts(dataset)["header_row"] == "none"
    assert dataset.table["column_1"].dtype == pl.Int64


def test_units_in_brackets_become_data(shared_data: Path, read: Read) -> None:
    dataset = read(shared_data / "sensor" / "ai4i2020.csv")
    assert dataset.units["Air temperature [K]"] == "K"
    assert dataset.units["Rotational speed [rpm]"] == "rpm"


def test_trailing_blank_in_a_header_is_taken_off(shared_data: Path, read: Read) -> None:
    assert "AFDP" in read(shared_data / "sensor" / "gt_2015.csv").table.columns


def test_nameless_empty_columns_are_left_out_and_said(shared_data: Path, read: Read) -> None:
    assert facts(read(shared_data / "sensor" / "AirQualityUCI.csv"))["dropped_columns"] == "column_16, column_17"
