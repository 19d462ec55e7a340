"""Damaged copies of sound files of every format: a balanced table or a refusal by name, nothing else."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import zipfile
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.ingest.datasets import read_dataset
from services.ingest.large.long import read_large_long
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import Source
from services.ingest.sandbox import InputFile, read_in_child
from tests.ingest.conftest import steady
from tests.ingest.test_text_formats import INFLUX
from tests.ingest.vendors import (
    test_databases,
    test_kepware,
    test_loggers,
    test_opc,
    test_pi,
    test_proficy,
    test_siemens,
)


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    for i in range(30):
        book.active.append(["time", "flow"] if i == 0 else [i, i * 1.5])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _parquet() -> bytes:
    out = io.BytesIO()
    pl.DataFrame({"a": [1.5, 2.5] * 50, "b": ["x", None] * 50}).write_parquet(out)
    return out.getvalue()


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


LVM = (
    b"LabVIEW Measurement\t\nSeparator\tTab\nDecimal_Separator\t.\n***End_of_Header***\t\n\t\nChannels\t1\t\n"
    b"Y_Unit_Label\tg\t\nDate\t2016/12/12\t\nTime\t09:54:07.25\t\nDelta_X\t0.1\t\n***End_of_Header***\t\t\n"
    b"X_Value\tax\tComment\n0.0\t1.5\n0.1\t2.5\n"
)
LONG = (
    "tag,time,value,quality\n" + "".join(f"{t},2024-01-01 00:00:{i:02d},{i}.5,Good\n" for i in range(30) for t in "AB")
).encode()
SOUND = {
    "csv": steady(60),
    "long": LONG,
    "json": json.dumps(
        [{"t": f"2024-01-01T00:00:{i:02d}Z", "m": {"x": i + 0.5}, "l": [1, 2]} for i in range(30)]
    ).encode(),
    "json lines": b"".join(b'{"t": %d, "m": {"x": %d.5}}\n' % (1_700_000_000 + i, i) for i in range(40)),
    "transposed": (
        "Tag;Unit;"
        + ";".join(f"2024-01-13 00:00:{i:02d}" for i in range(20))
        + "\n"
        + "".join(f"{t};bar" + ";1,5" * 20 + "\n" for t in "ABC")
    ).encode(),
    "glued": b"\xef\xbb\xbf".join([b"", b"Time;A;B\n;bar;V\n" + b"2024-01-13 00:00:01;1,5;2,25\n" * 20] * 2),
    "xlsx": _workbook(),
    "parquet": _parquet(),
    "lvm": LVM,
    "influx": INFLUX.encode(),
    "blocks": test_pi.DATALINK["tag above its time"].encode(),
    "paired": test_kepware.KEPWARE_WIDE["four columns a tag"].encode(),
    "data block": test_proficy.GE["data block with tags above"].encode(),
    "archive": test_siemens.PANEL["german"].encode("utf-16"),
    "header lines": (test_loggers.COMX["English"] + "Error,Time,Flow\n" + "0,2024-03-14 05:58:00,1.5\n" * 9).encode(),
    "lvm, own clocks": test_loggers.LVM["two segments, an X a channel"].encode(),
    "OPC UA": test_opc.FRAMES["a list of network messages"](test_opc.FIELDS["data values of variants"]).encode(),
    "line protocol": "".join(
        f'pump,tag=a x={i}.5,n={i}i,s="a \\" b" {i + 1_700_000_000}\n' for i in range(40)
    ).encode(),
    "named values": "".join(f'2024-01-13 00:00:{i:02d} flow={i}.5 note="a b" state=on\n' for i in range(40)).encode(),
    "date and clock": ("Date,Time,Flow\n" + "".join(f"13/01/2024,00:00:{i:02d},{i}.5\n" for i in range(40))).encode(),
    "fixed width": test_databases.SQL["sqlcmd, tag first, NULL"].encode(),
    "series": json.dumps(test_databases.SERIES["Influx, a series a tag"]).encode(),
    "frames": json.dumps(test_databases.SERIES["Grafana frames"]).encode(),
    "gzip": gzip.compress(steady(60)),
    "zip": _zip({"a.csv": steady(60), "b.csv": steady(30)}),
}

WRAPPED = ("gzip", "xlsx", "zip")
Damage = list[tuple[str, float, bytes]]
DAMAGE = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "insert", "drop"]), st.floats(0, 1), st.binary(min_size=1, max_size=6)),
    min_size=1,
    max_size=6,
)


def damaged(data: bytes, damage: Damage) -> bytes:
    out = bytearray(data)
    for kind, where, piece in damage:
        at = int(where * max(0, len(out) - 1))
        if kind == "flip":
            out[at : at + len(piece)] = piece
        elif kind == "insert":
            out[at:at] = piece
        elif kind == "drop":
            del out[at : at + 7 * len(piece)]
        else:
            del out[max(at, 1) :]
    return bytes(out)


def damaged_inside(data: bytes, damage: Damage) -> bytes:
    """Returns a zip archive, or gzip, whose wrapper is sound and whose largest part is damaged."""
    if data[:2] == b"\x1f\x8b":
        return gzip.compress(damaged(gzip.decompress(data), damage))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    largest = max(members, key=lambda n: len(members[n]) if "theme" not in n and "styles" not in n else 0)
    return _zip(members | {largest: damaged(members[largest], damage)})


def check(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        (Path(folder) / "work").mkdir()
        reason = ""
        try:
            dataset = read_dataset([Source(path, "file.dat")], ReadOptions(), Limits(), Path(folder) / "work")
        except SensorForgeError as error:
            reason = str(error.kind)
        assert reason == "INPUT" if reason else dataset.ledger["balanced"]


@pytest.mark.parametrize("kind", sorted(SOUND))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(damage=DAMAGE)
def test_damaged_file_is_read_or_refused(kind: str, damage: Damage) -> None:
    check(damaged(SOUND[kind], damage))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(damage=DAMAGE)
def test_damaged_long_export_in_blocks_gives_what_it_gives_at_once(damage: Damage) -> None:
    outcomes = []
    for blocks in (300, 1 << 20):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            path.write_bytes(damaged(LONG, damage))
            (Path(folder) / "work").mkdir()
            source, work = Source(path, "file.dat"), Path(folder) / "work"
            try:
                read = read_large_long(source, ReadOptions(), Limits(), work, from_bytes=0, block_bytes=blocks)
            except SensorForgeError as error:
                outcomes.append(f"{error.kind} {error.reason}")
            else:
                outcomes.append("" if read is None else read.ledgers[0].to_json()["lines"])
    assert not any(str(outcome).startswith("INTERNAL") for outcome in outcomes)
    assert outcomes[0] == outcomes[1] or "" in outcomes


@pytest.mark.parametrize("kind", WRAPPED)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(damage=DAMAGE)
def test_damage_inside_a_wrapper_is_read_or_refused(kind: str, damage: Damage) -> None:
    check(damaged_inside(SOUND[kind], damage))


@pytest.mark.slow
@pytest.mark.timeout(1800)  # 1,500 examples of up to a second
@pytest.mark.parametrize("kind", sorted(SOUND))
@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(damage=DAMAGE)
def test_damaged_file_is_read_or_refused_at_length(kind: str, damage: Damage) -> None:
    check(damaged(SOUND[kind], damage))


@pytest.mark.slow
@pytest.mark.timeout(1800)  # 1,500 examples of up to a second
@pytest.mark.parametrize("kind", WRAPPED)
@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(damage=DAMAGE)
def test_damage_inside_a_wrapper_is_read_or_refused_at_length(kind: str, damage: Damage) -> None:
    check(damaged_inside(SOUND[kind], damage))


@pytest.mark.slow
@pytest.mark.timeout(1800)  # 1,500 examples of up to a second
@pytest.mark.parametrize("file", ["issue3.xlsm", "date_1904.xlsb", "covered.ods", "merged_range.xlsx"])
@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(damage=DAMAGE, inside=st.booleans())
def test_damaged_workbook_of_each_kind_is_read_or_refused(
    file: str, damage: Damage, inside: bool, shared_data: Path
) -> None:
    data = (shared_data / "format" / "excel" / file).read_bytes()
    check(damaged_inside(data, damage) if inside and data[:2] == b"PK" else damaged(data, damage))


@pytest.mark.slow
@pytest.mark.timeout(1800)  # 40 examples of up to 15 seconds
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(damage=DAMAGE)
def test_damaged_old_workbook_ends_in_its_child(damage: Damage, shared_data: Path) -> None:
    # The reader of old workbooks can be sent round in circles or made to ask for all memory: only in a child.
    data = (shared_data / "format" / "excel" / "date.xls").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        path, work = Path(folder) / "file", Path(folder) / "work"
        path.write_bytes(damaged(data, damage))
        work.mkdir()
        reason = ""
        try:
            read_in_child([InputFile(path, "x.xls")], ReadOptions(), Limits(seconds=15.0), work)
        except SensorForgeError as refused:
            reason = refused.reason
        assert reason not in ("INTERNAL", "LEDGER_UNBALANCED")
