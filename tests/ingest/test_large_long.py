"""Large long exports: read block by block they give the table, the account and the facts that they give at once."""

from __future__ import annotations

import gzip
from functools import partial
from pathlib import Path

import pytest

from services.chassis.errors import SensorForgeError
from services.ingest import reading
from services.ingest.large import slices as long_slices
from services.ingest.large.long import read_large_long
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import Reading, Source, read_file
from tests.ingest.test_text_formats import INFLUX
from tests.ingest.vendors.test_aveva import LONG as AVEVA
from tests.ingest.vendors.test_factorytalk import FLOAT_TABLE
from tests.ingest.vendors.test_ignition import SQLTH
from tests.ingest.vendors.test_kepware import KEPWARE
from tests.ingest.vendors.test_long import AMBIGUOUS
from tests.ingest.vendors.test_pi import PI_LONG, PI_STATES
from tests.ingest.vendors.test_siemens import PANEL, TAG_LOGGING

LAYOUTS = {
    "states in values": PI_STATES["German locale"],
    "tag by tag": PI_STATES["with a header"],
    "a zone above": "Time zone,Europe/Berlin\n\n" + AVEVA["all columns of the history table"],
    "two flags": PI_LONG["questionable and substituted"],
    "units": PI_LONG["all attributes"],
    "clock apart": TAG_LOGGING["German headings, date and clock apart"],
    "numeric copy of the time": PANEL["american"],
    "archive markers": PANEL["tabs, mixed decimals, markers"],
    "values in several columns": SQLTH,
    "blank is good until late, milliseconds": FLOAT_TABLE,
    "many columns": AVEVA["all columns of the history table"],
    "epochs": KEPWARE["gateway fields"],
}
BLOCK = 4_000


def in_blocks(path: Path, work: Path, **options: object) -> Reading | None:
    work.mkdir()
    source, chosen = Source(path, "export.csv"), ReadOptions(**options)  # type: ignore[arg-type]
    return read_large_long(source, chosen, Limits(), work, from_bytes=0, block_bytes=BLOCK)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_in_blocks_as_at_once(layout: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_bytes(LAYOUTS[layout].encode(encoding))
    (tmp_path / "whole").mkdir()
    whole = read_file(Source(path, "export.csv"), ReadOptions(), Limits(), tmp_path / "whole")[0]
    large = in_blocks(path, tmp_path / "large")
    assert large is not None
    assert large.table.equals(whole.table)
    assert large.ledgers[0].to_json() == whole.ledgers[0].to_json()
    assert (large.units, large.warnings, large.head) == (whole.units, whole.warnings, whole.head)
    assert large.rejects.equals(whole.rejects)
    assert [f for f in large.facts if f.key != "layout"] == [f for f in whole.facts if f.key != "layout"]


def test_compressed_long_export_is_read_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "export.gz"
    path.write_bytes(gzip.compress(PI_LONG["status column"].encode()))
    large = in_blocks(path, tmp_path / "large")
    assert large is not None
    assert large.facts[0].key == "wrapper"
    assert large.table.height == 60


def test_wide_tables_are_left_to_others(tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_text("time,a,b\n" + "".join(f"2024-01-01 00:00:{i:02d},{i}.5,{i}\n" for i in range(60)))
    assert in_blocks(path, tmp_path / "large") is None


def test_machines_one_after_the_other_are_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "export"
    lines = [f"{m},flow,{1_700_000_000 + i},{i + k}.5" for k, m in enumerate(("P1", "P2")) for i in range(400)]
    path.write_text("asset,tag,time,value\n" + "\n".join(lines))
    assert in_blocks(path, tmp_path / "large") is None
    (tmp_path / "whole").mkdir()
    whole = read_file(Source(path, "e.csv"), ReadOptions(), Limits(), tmp_path / "whole")[0]
    assert whole.table.columns == ["source_row", "timestamp", "P1.flow", "P2.flow"]


def test_day_and_month_are_asked_for_here_too(tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_text(AMBIGUOUS)
    with pytest.raises(SensorForgeError, match=r"3 April 2024.*4 March 2024"):
        in_blocks(path, tmp_path / "large")
    asked = in_blocks(path, tmp_path / "given", day_first=True)
    assert asked is not None
    assert asked.table["timestamp"][0].month == 4


def test_far_too_many_cells_are_refused_before_they_are_made(tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_text("tag,time,value\n" + "".join(f"T{i},{1_700_000_000 + i},{i}.5\n" for i in range(3000)))
    (tmp_path / "large").mkdir()
    with pytest.raises(SensorForgeError, match="times x tags"):
        read_large_long(
            Source(path, "e.csv"),
            ReadOptions(tag_column="tag", value_column="value"),
            Limits(cells=1_000_000),
            tmp_path / "large",
            from_bytes=0,
        )


INFLUX_SERIES = INFLUX + (
    "\n#group,false\n#datatype,string,long,dateTime:RFC3339,double,string,string\n#default,_result,,,,,\n"
    ",result,table,_time,_value,_field,site\n"
    + "".join(f',,2,2024-01-01T00:00:{i:02d}Z,{i}.5,flow,"A, {i % 3}"\n' for i in range(40))
    + ",,2,2024-01-01T00:00:00Z,too,few\n"
)
POINTS = "# exported\n" + "".join(
    f'pump,site=A\\ {i % 2} flow={i}.5,n={i}i,ok=t,s="a \\" b" {1_700_000_000 + i // 2}\n'
    + ("no point at all\n\n" if i % 17 == 5 else "pump flow=1.5\n" * (i == 9))
    for i in range(60)
)


@pytest.mark.parametrize("text", [INFLUX_SERIES, POINTS], ids=["annotated CSV", "line protocol"])
def test_text_format_in_blocks_as_at_once(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "export"
    path.write_text(text)
    (tmp_path / "whole").mkdir()
    whole = read_file(Source(path, "export.csv"), ReadOptions(), Limits(), tmp_path / "whole")[0]
    monkeypatch.setattr("services.ingest.formats.influx._BLOCK_ROWS", 7)
    monkeypatch.setattr("services.ingest.formats.text_file.Text.passages.__defaults__", (300,))
    large = in_blocks(path, tmp_path / "large")
    assert large is not None
    assert large.table.equals(whole.table)
    assert large.ledgers[0].to_json() == whole.ledgers[0].to_json()
    assert large.rejects.equals(whole.rejects)
    assert whole.rejects.height > 0
    assert (large.warnings, large.head, large.facts) == (whole.warnings, whole.head, whole.facts)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_a_long_table_in_slices_gives_what_it_gives_at_once(
    layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "export"
    path.write_bytes(LAYOUTS[layout].encode())
    (tmp_path / "whole").mkdir()
    (tmp_path / "slices").mkdir()
    whole = read_file(Source(path, "export.csv"), ReadOptions(), Limits(), tmp_path / "whole")[0]
    monkeypatch.setattr(reading, "MANY_ROWS", 0)
    monkeypatch.setattr(reading, "widened_by_slices", partial(long_slices.widened_by_slices, from_rows=0))
    monkeypatch.setattr(long_slices, "_SLICE", 40)
    sliced = read_file(Source(path, "export.csv"), ReadOptions(), Limits(), tmp_path / "slices")[0]
    assert sliced.table.equals(whole.table)
    assert sliced.ledgers[0].to_json() == whole.ledgers[0].to_json()
    assert (sliced.units, sliced.warnings) == (whole.units, whole.warnings)
    assert sliced.rejects.equals(whole.rejects)
