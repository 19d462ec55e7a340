"""Bombs, torn files and traps of every container: refused by name, in bounded time and memory, with the file named."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.chassis.errors import SensorForgeError
from services.ingest.limits import MEBIBYTE, Limits
from services.ingest.options import ReadOptions
from services.ingest.sandbox import InputFile, read_in_child
from tests.ingest.conftest import Read, steady


def refusal(read: Read, data: bytes, name: str, limits: Limits | None = None) -> SensorForgeError:
    with pytest.raises(SensorForgeError) as caught:
        read(data, name=name, limits=limits)
    assert name in caught.value.message
    assert caught.value.remedy
    return caught.value


def workbook(sheet: bytes = b"", extra: dict[str, bytes] | None = None) -> bytes:
    """Returns a sound workbook with parts replaced or added."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for i in range(5):
        book.active.append(["time", "flow"] if i == 0 else [f"2024-01-01 00:00:0{i}", 1.5 * i])
    plain = io.BytesIO()
    book.save(plain)
    out = io.BytesIO()
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, sheet if sheet and name == "xl/worksheets/sheet1.xml" else old.read(name))
        for name, data in (extra or {}).items():
            new.writestr(name, data)
    return out.getvalue()


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">%s</worksheet>'


def test_workbook_that_unpacks_a_thousandfold_is_refused(read: Read) -> None:
    assert refusal(read, workbook(SHEET % (b" " * (100 << 20))), "x.xlsx").reason == "INGEST_LIMIT"
    assert refusal(read, workbook(extra={"xl/media/image.bin": bytes(100 << 20)}), "x.xlsx").reason == "INGEST_LIMIT"


def test_dimension_that_lies_costs_nothing(read: Read) -> None:
    rows = b"".join(
        b'<row r="%d"><c r="A%d"><v>%d</v></c><c r="B%d"><v>1.5</v></c></row>' % (i, i, i, i) for i in range(1, 9)
    )
    sheet = SHEET % (b'<dimension ref="A1:XFD1048576"/><sheetData>' + rows + b"</sheetData>")
    assert read(workbook(sheet), name="x.xlsx").table.height == 8


@pytest.mark.parametrize("cell", [b"XFD1048576", b"A99999999", b"ZZZ1"])
def test_cell_far_away_is_refused(cell: bytes, read: Read) -> None:
    cells = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="%s"><v>2</v></c></row>' % cell
    refused = refusal(read, workbook(SHEET % (b"<sheetData>" + cells + b"</sheetData>")), "x.xlsx")
    assert refused.reason in ("INGEST_LIMIT", "FILE_CORRUPT")


LAUGHS = b'<!DOCTYPE l [<!ENTITY a "lol">' + b"".join(
    b'<!ENTITY l%d "%s">' % (i, (b"&l%d;" % (i - 1) if i else b"&a;") * 10) for i in range(9)
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_billion_laughs_are_refused(encoding: str, read: Read) -> None:
    shared = (LAUGHS + b"]><sst><si><t>&l8;</t></si></sst>").decode().encode(encoding)
    assert refusal(read, workbook(extra={"xl/sharedStrings.xml": shared}), "x.xlsx").reason == "FILE_CORRUPT"


def test_entities_of_an_opendocument_sheet_are_refused(read: Read) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>')
    assert refusal(read, out.getvalue(), "x.ods").reason == "FILE_CORRUPT"


@pytest.mark.parametrize("file", ["date.xls", "date_1904.xlsb", "covered.ods", "date.xlsx", "issue3.xlsm"])
def test_workbook_cut_anywhere_is_read_or_refused(file: str, shared_data: Path, read: Read) -> None:
    data = (shared_data / "format" / "excel" / file).read_bytes()
    outcomes = set()
    for part in range(1, 40):
        try:
            read(data[: len(data) * part // 40], name=file)
            outcomes.add("table")
        except SensorForgeError as refused:
            outcomes.add(refused.reason)
    assert outcomes <= {"table", "FILE_CORRUPT", "EMPTY_FILE", "NOT_A_TABLE", "NO_ROWS"}
    assert "FILE_CORRUPT" in outcomes


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_members_count_together(read: Read) -> None:
    blob = b"1,2,3\n" * (30 << 18)
    assert refusal(read, zipped({f"{i}.csv": blob for i in range(4)}), "x.zip").reason == "INGEST_LIMIT"


def test_zip_in_a_zip_and_too_many_members_are_refused(read: Read) -> None:
    inner = zipped({"a.csv": steady()})
    assert refusal(read, zipped({"inner.zip": inner}), "x.zip").reason == "INGEST_LIMIT"
    assert refusal(read, zipped({f"{i}.csv": b"a,b\n1,2\n" for i in range(300)}), "x.zip").reason == "INGEST_LIMIT"
    assert refusal(read, zipped({}), "x.zip").reason == "EMPTY_FILE"


@pytest.mark.parametrize(
    "name", ["../../../tmp/escaped.csv", "/etc/escaped.csv", "C:\\escaped.csv", "a/../../escaped.csv"]
)
def test_names_inside_archives_lead_nowhere(name: str, read: Read, tmp_path: Path) -> None:
    dataset = read(zipped({name: steady()}), name="x.zip")
    assert dataset.ledger["files"][0]["file_name"] == "escaped.csv" or name.startswith("C:")
    assert "/" not in dataset.ledger["files"][0]["file_name"]
    assert list(tmp_path.rglob("escaped.csv")) == []


def test_torn_wrappers_are_refused(read: Read) -> None:
    packed = gzip.compress(steady())
    assert refusal(read, packed[: len(packed) // 2], "x.csv.gz").reason == "FILE_CORRUPT"
    archive = zipped({"a.csv": steady()})
    assert refusal(read, archive[: len(archive) // 2], "x.zip").reason == "FILE_CORRUPT"


def test_json_of_a_hundred_thousand_levels_is_refused(read: Read) -> None:
    for text in (b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000):
        assert refusal(read, text, "x.json").reason in ("INGEST_LIMIT", "FILE_CORRUPT")
    line = b'{"t": 1, "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    assert refusal(read, line * 3, "x.jsonl").reason in ("INGEST_LIMIT", "NO_ROWS", "FILE_CORRUPT")


def test_json_of_a_million_names_is_refused(read: Read) -> None:
    records = "[" + ",".join(f'{{"k{i}":1}}' for i in range(1_000_000)) + "]"
    refused = refusal(read, records.encode(), "x.json")
    assert refused.reason == "INGEST_LIMIT"
    assert "10,000" in refused.message


def test_json_number_of_a_million_digits_is_refused(read: Read) -> None:
    assert refusal(read, b'[{"a": ' + b"9" * 1_000_000 + b'}, {"a": 1}]', "x.json").reason == "FILE_CORRUPT"


def parquet(table: pa.Table, **options: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def test_parquet_of_endless_equal_rows_is_refused_by_its_metadata(read: Read) -> None:
    out = io.BytesIO()
    batch = pa.record_batch([pa.array([1.5] * 1_000_000)], names=["a"])
    with pq.ParquetWriter(out, batch.schema, compression="zstd") as writer:
        for _ in range(12):
            writer.write_batch(batch)
    assert refusal(read, out.getvalue(), "x.parquet").reason == "INGEST_LIMIT"


def test_parquet_of_too_many_columns_is_refused(read: Read) -> None:
    data = parquet(pa.table({f"c{i}": [1.5] for i in range(12_000)}))
    assert refusal(read, data, "x.parquet").reason == "INGEST_LIMIT"


def test_parquet_of_large_equal_texts_is_refused(read: Read) -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 5_000, pa.int32()), pa.array(["x" * 1_000_000]))
    data = parquet(pa.table({"a": texts}), compression="zstd", store_schema=False)
    assert len(data) < MEBIBYTE
    assert refusal(read, data, "x.parquet", Limits(decompressed_bytes=256 * MEBIBYTE)).reason == "INGEST_LIMIT"


@pytest.mark.parametrize("length", [0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF])
def test_parquet_whose_footer_lies_about_its_length_is_refused(length: int, read: Read) -> None:
    data = bytearray(parquet(pa.table({"a": [1.5, 2.5]})))
    data[-8:-4] = struct.pack("<I", length)
    assert refusal(read, bytes(data), "x.parquet").reason == "FILE_CORRUPT"


def test_tags_without_a_common_time_are_refused_before_they_fill_memory(read: Read) -> None:
    lines = [f"t{i % 4000},{1_704_067_200 + i},1" for i in range(120_000)]
    refused = refusal(read, ("tag,time,value\n" + "\n".join(lines) + "\n").encode(), "x.csv")
    assert refused.reason == "INGEST_LIMIT"
    assert "times x tags" in refused.message


def test_too_many_influx_series_are_refused(read: Read) -> None:
    head = "#datatype,string,long,dateTime:RFC3339,double,string\n,result,table,_time,_value,_field\n"
    text = head + "".join(f",,{i},2024-01-01T00:00:00Z,1.5,f{i}\n" for i in range(12_000))
    assert refusal(read, text.encode(), "x.csv").reason == "INGEST_LIMIT"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tag,time,value\n" + "".join(f"A,2024-01-01 00:00:{i:02d},1\n" for i in range(60)), "long.csv"),
        ("LabVIEW Measurement\t\n***End_of_Header***\t\nX_Value\ta\n0\t1\n", "run.lvm"),
        ("#datatype,string\n,result,table,_time,_value,_field\n,,0,2024-01-01T00:00:00Z,1,a\n", "influx.csv"),
        ("[Data]\nTagname,TimeStamp,Value\n" + "A,2024-01-01 00:00:00,1\n" * 9, "ge.csv"),
    ],
)
def test_limit_of_historian_exports_holds_when_they_are_read(text: str, name: str, read: Read) -> None:
    read(text.encode(), name=name)
    assert refusal(read, text.encode(), name, Limits(scada_bytes=50)).reason == "INGEST_LIMIT"


def test_bomb_costs_the_child_not_the_parent(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("[" + ",".join(json.dumps({"k": "x" * 50, "n": [1] * 20}) for _ in range(200_000)) + "]")
    (tmp_path / "work").mkdir()
    with pytest.raises(SensorForgeError) as caught:
        read_in_child([InputFile(path, "x.json")], ReadOptions(), Limits(memory_bytes=300 << 20), tmp_path / "work")
    assert caught.value.reason in ("PARSE_LIMIT", "PARSE_CRASHED")


def test_archive_member_without_a_name_is_read_like_any_other(read: Read) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), steady(20))
    assert read(packed.getvalue(), name="export.zip").table.height == 20
