"""Vendor layouts of the same values: every one gives the exact table, with the samples marked bad missing."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.ingest.conftest import Read

GERMAN = {
    "Öldruck [bar]": "TP3",
    "Öltemperatur [°C]": "Oil_temperature",
    "Motorstrom [A]": "Motor_current",
    "Durchfluß µ": "TP2",
}
DEEP = {
    "sensors.pressure.tp2": "TP2",
    "sensors.pressure.tp3": "TP3",
    "sensors.pressure.reservoir": "Reservoirs",
    "sensors.temperature.oil": "Oil_temperature",
    "sensors.motor.current": "Motor_current",
    "status.comp": "COMP",
    "status.lps": "LPS",
}


@pytest.fixture(scope="module")
def scada(shared_data: Path) -> Path:
    return shared_data / "format" / "scada"


@pytest.fixture(scope="module")
def truth(scada: Path) -> pl.DataFrame:
    return pl.read_parquet(scada / "truth.parquet")


@pytest.fixture(scope="module")
def bad(scada: Path) -> set[tuple[int, str]]:
    return set(pl.read_csv(scada / "bad.csv").iter_rows())


def _columns(file: str, tags: list[str]) -> dict[str, str]:
    prefix = {"wincc_datalog0.csv": "Apu_", "ignition_wide.csv": "[default]Metro/APU/", "json_per_tag.json": ""}
    if file == "pi_datalink_blocks.csv":
        return {f"METRO.APU.{t.upper()}": t for t in tags[:6]}
    if file == "preamble_units_row_footer.csv":
        return {t: t for t in ("TP2", "Oil_temperature", "Motor_current")}
    if file.startswith("enc_"):
        return GERMAN
    return DEEP if file == "json_deep.json" else {prefix[file] + t: t for t in tags}


@pytest.mark.parametrize(
    ("file", "marks_bad"),
    [
        ("wincc_datalog0.csv", True),
        ("ignition_wide.csv", True),
        ("json_per_tag.json", True),
        ("pi_datalink_blocks.csv", True),
        ("json_deep.json", False),
        ("enc_cp1252_semicolon.csv", False),
        ("enc_utf16le_bom_tab.txt", False),
        ("preamble_units_row_footer.csv", False),
    ],
)
def test_layout_equals_the_truth_cell_by_cell(
    file: str, marks_bad: bool, scada: Path, truth: pl.DataFrame, bad: set[tuple[int, str]], read: Read
) -> None:
    dataset = read(scada / file)
    time = dataset.table[dataset.time_columns[0]].dt.replace_time_zone(None)
    assert time.to_list() == truth["timestamp"].to_list()
    assert dataset.ledger["balanced"]
    for column, tag in _columns(file, truth.columns[1:]).items():
        expected = [None if marks_bad and (i, tag) in bad else v for i, v in enumerate(truth[tag].to_list())]
        assert dataset.table[column].cast(pl.Float64).to_list() == expected, column


def test_modbus_registers_decode_to_the_truth(scada: Path, truth: pl.DataFrame, read: Read) -> None:
    dataset = read(scada / "modbus_raw_registers.csv", register_map=scada / "modbus_register_map.csv")
    for tag in truth.columns[1:]:
        # Registers carry thousandths and single precision.
        gap = (dataset.table[tag].cast(pl.Float64) - truth[tag]).abs().max()
        assert gap is not None
        assert float(str(gap)) < 1e-5, tag
    assert dataset.units["Oil_temperature"] == "C"


def test_bad_samples_are_counted_not_dropped(scada: Path, bad: set[tuple[int, str]], read: Read) -> None:
    dataset = read(scada / "wincc_datalog0.csv")
    samples = dataset.ledger["files"][0]["samples"]
    assert samples["bad"] == len(bad)
    assert samples["samples"] == samples["placed"] + samples["bad"]
    assert set(dataset.rejects["reason"]) == {"ARCHIVE_MARKER"}
