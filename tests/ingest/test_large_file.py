"""A file read in parts gives the same table, account and refusals as the same file read at once."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.ingest.datasets import read_dataset
from services.ingest.large.delimited import read_large_file
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import Source
from services.ingest.tables import REJECT_SCHEMA
from services.ingest.text.record_blocks import record_blocks
from services.ingest.text.records import scan

ROWS = 400
START = "2024-03-01 00:{:02d}:{:02d}"


def at_once(path: Path, **options: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            read = read_dataset([Source(path, path.name)], ReadOptions(**options), Limits(), Path(folder))
        except SensorForgeError as error:
            return {"reason": error.reason, "message": error.message}
    return outcome(read.table, read.rejects, read)


def in_parts(path: Path, block_bytes: int = 700, limits: Limits | None = None, **options: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            read = read_large_file(
                Source(path, path.name),
                ReadOptions(**options),
                limits or Limits(),
                Path(folder),
                from_bytes=0,
                block_bytes=block_bytes,
            )
            assert read is not None
            return outcome(read.table.frame({}), read.rejects.frame(REJECT_SCHEMA), read)
        except SensorForgeError as error:
            return {"reason": error.reason, "message": error.message}


def outcome(table: pl.DataFrame, rejects: pl.DataFrame, read: Any) -> dict[str, Any]:
    facts = {f.key: (f.value, f.alternatives) for f in read.facts}
    return {
        "schema": dict(table.schema),
        "rows": table.rows(),
        "rejects": rejects.rows(),
        "ledger": read.ledger,
        "facts": facts,
        "warnings": read.warnings,
        "units": read.units,
        "time_columns": read.time_columns,
    }


def line(i: int) -> str:
    return f"{START.format(i // 60 % 60, i % 60)},{i}.25,{i},run {i % 3}\n"


HEADER = "time,temp [K],count,state\n"
PLAIN = HEADER + "".join(map(line, range(ROWS)))
CASES = {
    "plain": PLAIN,
    "a zone above": "latitude,timezone\n52.5,Europe/Berlin\n\n" + PLAIN,
    "a date and a clock": "Date,Time,Flow\n"
    + "".join(f"13/01/2024,{i // 60:02d}:{i % 60:02d}:00,{i}.5\n" for i in range(ROWS)),
    "a date and a clock that some rows lack": "Date,Time,Flow\n"
    + "".join(f"13/01/2024,{f'{i // 60:02d}:{i % 60:02d}' if i % 50 else ''},{i}.5\n" for i in range(ROWS)),
    "seconds since 1970 under no name": "".join(f"{1_352_500_095 + 6 * i + i % 5 // 4} {i % 9}\n" for i in range(ROWS)),
    "token late": PLAIN + "2024-03-01 01:00:00,Bad,7,run 1\n2024-03-01 01:00:01,nan,#N/A,\n" + line(402),
    "fraction late": PLAIN + "2024-03-01 01:00:00,1.5,7.5,run 1\n" + line(402),
    "time of another format late": PLAIN + "2024-03-01T01:00:00Z,1.5,7,x\n" + "2024-03-01,1.5,8,y\n",
    "text late": PLAIN + "".join(f"2024-03-01 01:00:00,odd {i},{i},x\n" for i in range(200)),
    "grouping comma late": PLAIN + '2024-03-01 01:00:00,"1,234.50","1,234",x\n',
    "decimal comma late": PLAIN.replace(",", ";") + "2024-03-01 01:00:00;1,5;7;x\n" * 3,
    "column filled late": "a,b,\n" + "1,,\n" * ROWS + "2,3.5,\n" * 3,
    "one unit in every cell": "t;p\n" + "".join(f"{i};{i}.5 bar\n" for i in range(ROWS)),
    "day or month first": "time,v\n" + "".join(f"{1 + i // 40:02d}/02/2024 10:00:00,{i}\n" for i in range(ROWS)),
    "day settled late": "time,v\n" + "".join(f"{1 + i // 20:02d}/02/2024 10:00:00,{i}\n" for i in range(ROWS)),
    "ambiguous comma": "n;x\n" + "".join(f"{i};1,{i % 900 + 100}\n" for i in range(ROWS)),
    "header again": PLAIN + HEADER + line(401),
    "numbers for names": "1,2\n" + "".join(f"{i}.5,text\n" for i in range(ROWS)),
    "preamble, units and footer": "Report: x\n\ntime;p\n;bar\n" + "2024-01-01;1,5\n" * ROWS + "\nAverage;1,5\n",
    "ragged": PLAIN + "1,2\n1,2,3,4,5\n9\n" + line(401),
    "wider rows": "a,b\n" + "1,2\n" * ROWS + "1,2,3\n" * 40,
    "unbalanced quote": HEADER + "".join(map(line, range(200))) + '7,"8\n' + "".join(map(line, range(200, 400))),
    "line ends in cells": HEADER + "".join(line(i).replace("run", '"a\nb, ""c"" "') for i in range(0)) + "".join(
        f'2024-03-01 00:00:{i % 60:02d},{i}.5,{i},"note\nof ""{i}"", more"\n' for i in range(ROWS)
    ),
    "NUL byte": PLAIN + "2024-03-01 01:00:00,\0\0,1,x\n" + line(401),
    "no last newline": PLAIN + line(401).rstrip("\n"),
    "cut last line": PLAIN + "2024-03-01 01:00:00,1",
    "blanks between": "a b  c\n" + "".join(f"{i}  {i}.5\t {i}\n" for i in range(ROWS)),
    "returns as line ends": PLAIN.replace("\n", "\r"),
    "only text": "name,place\n" + "".join(f"pump {chr(97 + i % 26)},hall\n" for i in range(ROWS)),
    "numbers among words for no value": "a,b\n" + "".join(
        f"{i},{i / 4 if i % 9 == 8 else 'NA'}\n" for i in range(ROWS)
    ),
    "numbers after words for no value": "a,b\n" + "".join(f"{i},{i / 4 if i > 300 else '---'}\n" for i in range(ROWS)),
    "seconds since 1970": "ts,v\n" + "".join(f"{1710396000 + i},{i}\n" for i in range(ROWS)),
    "digits of times until late": "when,v\n" + "".join(
        f"{20240314000000 + i % 60},{i}\n" for i in range(ROWS)
    ) + "7,7\n",
    "leading zeros late": "device,v\n" + "".join(f"{i},{i}\n" for i in range(500, 900)) + "0042,7\n",
    "order told by another column": "date,time,v\n" + "".join(
        f"05/02/2024,{1 + i // 20:02d}/02/2024 10:00:00,{i}\n" for i in range(ROWS)
    ),
    "truth": "a,b\n" + "".join(f"{i},{'TRUE' if i % 2 else 'false'}\n" for i in range(ROWS)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("raw", [False, True])
def test_file_in_parts_is_the_file_at_once(tmp_path: Path, case: str, raw: bool) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(CASES[case].encode())
    assert in_parts(path, raw=raw) == at_once(path, raw=raw)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encoded_file_in_parts_is_the_file_at_once(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(PLAIN.replace("run", "Öl").encode(encoding))
    assert in_parts(path) == at_once(path)


def test_compressed_file_is_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "export.csv.gz"
    path.write_bytes(gzip.compress(PLAIN.encode()))
    assert in_parts(path) == at_once(path)


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(
        st.sampled_from(["1", "2.5", "-3e2", "", "Bad", "NaN", " 7", '"8"', "1,5", "0007", "9223372036854775808", "x"]),
        min_size=60,
        max_size=200,
    ),
    block=st.integers(200, 900),
)
def test_any_mix_of_cells_in_parts_is_the_mix_at_once(cells: list[str], block: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.csv"
        path.write_text("n;v\n" + "".join(f"{i}.5;{c}\n" for i, c in enumerate(cells)))
        whole, parts = at_once(path), in_parts(path, block)
        assert parts.get("reason") == whole.get("reason")
        for key in ("schema", "rows", "rejects", "units"):
            assert parts.get(key) == whole.get(key)


def test_long_export_is_left_to_those_who_turn_it_wide(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    rows = "".join(f"pump{i % 3},2024-01-01 00:{i // 60:02d}:{i % 60:02d},{i}.5\n" for i in range(ROWS))
    path.write_text("tag,timestamp,value\n" + rows)
    work = tmp_path / "work"
    work.mkdir()
    assert read_large_file(Source(path, path.name), ReadOptions(), Limits(), work, from_bytes=0) is None


def test_blocks_hold_all_records_wherever_they_are_cut() -> None:
    text = "".join(f'{i},"a,{i}\n""b""",{i}\n' if i % 3 else f"{i},x,y\n" for i in range(300)).encode()
    whole = scan(text, ",", '"')
    for size in (7, 64, 1000):
        blocks = list(record_blocks((text[i : i + size] for i in range(0, len(text), size)), ",", '"', held_back=5))
        assert b"".join(b.data for b in blocks) == text
        assert [n for b in blocks for n in b.records.line.tolist()] == whole.line.tolist()
        assert [n for b in blocks for n in b.records.fields.tolist()] == whole.fields.tolist()
        assert len(blocks[-1].records) >= 5


def test_endless_line_costs_its_row_and_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 100 + b"3," + b"x" * 5_000_000 + b"\n" + b"5,6\n" * 100)
    read = in_parts(path, 100_000)
    assert len(read["rows"]) == 200
    assert [r[2] for r in read["rejects"]] == ["LINE_TOO_LONG"]
    assert read["ledger"]["lines"]["total"] == 202


def test_cell_beyond_its_limit_costs_its_row(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 100 + b"3," + b"x" * 40_000 + b"\n5,6\n")
    for read in (in_parts(path), at_once(path)):
        assert len(read["rows"]) == 101
        assert [r[1:3] for r in read["rejects"]] == [(102, "CELL_TOO_LONG")]


@pytest.mark.parametrize("limits", [Limits(rows=50), Limits(cells=100)])
def test_limits_are_enforced_before_the_end(tmp_path: Path, limits: Limits) -> None:
    path = tmp_path / "export.csv"
    path.write_text(PLAIN)
    assert in_parts(path, limits=limits)["reason"] == "INGEST_LIMIT"


@pytest.mark.slow
def test_five_million_rows_with_faults_lose_no_row_silently(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    good = b"".join(b"%d,%d.5,ok\n" % (i, i % 100) for i in range(100_000))
    with path.open("wb") as f:
        f.write(b"n,v,s\n")
        for turn in range(50):
            f.write(good)
            if turn == 20:
                f.write(b'7,"8,unbalanced\n')
            if turn == 30:
                f.write(b"8,\0,nul\n")
        f.write(b"9,9.5,last")
    work = tmp_path / "work"
    work.mkdir()
    read = read_large_file(Source(path, path.name), ReadOptions(), Limits(), work)
    assert read is not None
    assert read.table.rows == 5_000_001
    assert [r[2] for r in read.rejects.frame(REJECT_SCHEMA).rows()] == ["UNBALANCED_QUOTE", "NUL_BYTE"]
    assert read.ledger["lines"]["total"] == 5_000_004
    assert read.ledger["balanced"]
    assert read.table.column("n", pl.Int64())[-1] == 9
    assert int(read.table.column("n", pl.Int64()).sum()) == 50 * sum(range(100_000)) + 9


@pytest.mark.slow
def test_half_a_gigabyte_is_read_in_less_than_one(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    line = b"2024-01-01 00:00:%02d" + b",%d.125" * 10 + b",RUN\n"
    block = b"".join(line % (i % 60, *(i * k for k in range(10))) for i in range(50_000))
    with path.open("wb") as f:
        f.write(b"time," + b",".join(b"s%d" % k for k in range(10)) + b",state\n")
        while f.tell() + len(block) < Limits().csv_bytes:
            f.write(block)
    code = (
        "import sys,resource\nfrom pathlib import Path\n"
        "from services.ingest.large.delimited import read_large_file\nfrom services.ingest.limits import Limits\n"
        "from services.ingest.options import ReadOptions\nfrom services.ingest.reading import Source\n"
        "read_large_file(Source(Path(sys.argv[1]),'x.csv'),ReadOptions(),Limits(),Path(sys.argv[2]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(work)], capture_output=True, text=True, check=True, env=os.environ
    )
    assert int(done.stdout) * 1024 < 1 << 30


def lvm(comment: str = "", decimal: str = ".", segments: int = 2) -> str:
    """Returns a LabVIEW measurement file with a row that has too many cells and a short one."""
    text = (
        "LabVIEW Measurement\t\nSeparator\tTab\n"
        f"Decimal_Separator\t{decimal}\nDate\t2024/03/14\n***End_of_Header***\t\n\t\n"
    )
    for part in range(segments):
        text += f"Channels\t2\t\t\nY_Unit_Label\tg\tbar\t\nTime\t05:5{part}:00.5\t05:5{part}:00.5\t\n"
        text += "***End_of_Header***\t\t\t\nX_Value\tax\tp\tComment\n"
        for i in range(60):
            x, flow = f"{i * 0.1:.6f}".replace(".", decimal), f"{i * 1.5:.3f}".replace(".", decimal)
            text += (
                f"{x}\t{flow}\t{i}{comment if i == 7 else ''}\n" + "0\t1\t2\t3\t4\t5\n" * (i == 30) + "\n" * (i == 40)
            )
    return text


LABVIEW = {
    "two segments": lvm(),
    "a comment": lvm("\tvalve opened"),
    "decimal commas": lvm(decimal=","),
    "one segment": lvm(segments=1),
}


@pytest.mark.parametrize("case", sorted(LABVIEW))
def test_labview_file_in_parts_is_the_one_at_once(case: str, tmp_path: Path) -> None:
    path = tmp_path / "x.lvm"
    path.write_bytes(LABVIEW[case].replace("\n", "\r\n").encode())
    whole, parts = at_once(path), in_parts(path)
    for same in ("schema", "rows", "units"):
        assert parts[same] == whole[same]
    for account in ("lines", "cells"):
        told = {k: v for k, v in parts["ledger"][account].items() if k not in ("empty", "total")}
        assert told == {k: v for k, v in whole["ledger"][account].items() if k not in ("empty", "total")}
    assert [r[:3] for r in parts["rejects"]] == [r[:3] for r in whole["rejects"]]
    assert len(whole["rejects"]) > 0
