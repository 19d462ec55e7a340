"""Large wide tables with quality columns: read in blocks they are what they are when read whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.ingest.large.paired import read_large_paired
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import Reading, Source, read_file
from tests.ingest.vendors.truth import BAD, ROWS, TAGS, TIMES, VALUES, comma, point


def _read_in_blocks(path: Path, directory: Path) -> Reading | None:
    directory.mkdir()
    source = Source(path, "export.csv")
    return read_large_paired(source, ReadOptions(), Limits(), directory, from_bytes=0, block_bytes=2_000)


def _table(good: str, bad: str, *, remark: str = "") -> str:
    head = f"Plant,Porto\nTime zone,Europe/Lisbon\n\nTime;{';'.join(f'{t};{t}_Quality' for t in TAGS)}\n".replace(
        ",", ";"
    )
    rows = "".join(
        f"{TIMES[i]:%d.%m.%Y %H:%M:%S};"
        + ";".join(f"{comma(VALUES[t][i])};{bad if (i, t) in BAD else good}" for t in TAGS)
        + "\n"
        for i in range(ROWS)
    )
    return head + rows + remark


@pytest.mark.parametrize(("good", "bad"), [("Good", "Bad"), ("192", "24"), ("0xC0", "0x18")])
def test_reading_in_blocks_changes_nothing(good: str, bad: str, tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_text(_table(good, bad, remark="Average;1,5\n"))
    blocks = _read_in_blocks(path, tmp_path / "blocks")
    (tmp_path / "whole").mkdir()
    (whole,) = read_file(Source(path, "export.csv"), ReadOptions(), Limits(), tmp_path / "whole")
    assert blocks is not None
    assert blocks.table.equals(whole.table)
    assert [ledger.to_json() for ledger in blocks.ledgers] == [ledger.to_json() for ledger in whole.ledgers]
    assert {(f.key, f.value, f.evidence) for f in blocks.facts} == {(f.key, f.value, f.evidence) for f in whole.facts}
    assert blocks.units == whole.units
    assert [code for code, _ in whole.warnings] == ["TIME_ZONE_STATED"]
    assert blocks.warnings == whole.warnings


def test_a_column_that_later_holds_measurements_is_left_to_the_reader_of_whole_files(tmp_path: Path) -> None:
    rows = "".join(f"{TIMES[i]:%Y-%m-%d %H:%M:%S},{point(VALUES['Temp'][i])},Good\n" for i in range(ROWS))
    late = "".join(f"2024-03-15 00:{i:02}:00,5.5,remark {i}\n" for i in range(40))
    path = tmp_path / "export"
    path.write_text("Time,Temp,Temp_Quality\n" + rows + late)
    assert _read_in_blocks(path, tmp_path / "blocks") is None


def test_unreadable_cells_are_listed_with_the_lines_of_the_file(tmp_path: Path) -> None:
    lines = _table("Good", "Bad").split("\n")
    at = 40
    lines[at - 1] = lines[at - 1].replace(";Good", "oops;Good", 1)
    path = tmp_path / "export"
    path.write_text("\n".join(lines))
    reading = _read_in_blocks(path, tmp_path / "blocks")
    assert reading is not None
    (cells,) = [c for c in reading.ledgers[0].columns if c.unparsable]
    assert list(cells.lines.values()) == [[at]]
