"""Damaged copies of sound files of every format: a balanced table or a refusal by name, nothing else."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.ingest.datasets import read_dataset
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import Source
from tests.ingest.conftest import steady
from tests.ingest.test_formats import INFLUX


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
    "xlsx": _workbook(),
    "parquet": _parquet(),
    "lvm": LVM,
    "influx": INFLUX.encode(),
}

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


def check(kind: str, damage: Damage) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(damaged(SOUND[kind], damage))
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
    check(kind, damage)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(SOUND))
@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(damage=DAMAGE)
def test_damaged_file_is_read_or_refused_at_length(kind: str, damage: Damage) -> None:
    check(kind, damage)
