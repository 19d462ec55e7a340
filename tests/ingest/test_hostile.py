"""Hostile files are refused within bounded time and memory, by a child that has no credentials."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from pathlib import Path

import pytest

from services.chassis.errors import SensorForgeError
from services.ingest import sandbox
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.sandbox import InputFile, read_in_child
from tests.ingest.conftest import Read, steady

CONTENT_TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def sheet_book(sheet: bytes, shared: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        if shared:
            archive.writestr("xl/sharedStrings.xml", shared)
    return out.getvalue()


def refused(read: Read, data: bytes, name: str = "x.csv") -> str:
    with pytest.raises(SensorForgeError) as caught:
        read(data, name=name)
    return caught.value.reason


def test_sparse_workbook_is_refused_before_a_parser_sees_it(read: Read) -> None:
    cells = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    sheet = b"<worksheet><sheetData>" + cells + b"</sheetData></worksheet>"
    assert refused(read, sheet_book(sheet), "x.xlsx") == "INGEST_LIMIT"


def test_xml_entities_are_refused(read: Read) -> None:
    shared = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><sst><si><t>&e;</t></si></sst>'
    assert refused(read, sheet_book(b"<worksheet/>", shared), "x.xlsx") == "FILE_CORRUPT"


def test_gzip_bomb_is_refused(read: Read) -> None:
    assert refused(read, gzip.compress(b"1,2,3\n" * 20_000_000, 9), "x.csv.gz") == "INGEST_LIMIT"


def test_json_nested_too_deep_is_refused(read: Read) -> None:
    for depth in (100, 200_000):
        assert refused(read, b'[{"a":' + b"[" * depth + b"]" * depth + b"}]", "x.json") == "INGEST_LIMIT"
        assert refused(read, b'{"a":' * depth + b"1" + b"}" * depth, "x.json") == "INGEST_LIMIT"


def test_million_columns_are_refused(read: Read) -> None:
    assert (
        refused(read, b",".join(b"c%d" % i for i in range(200_000)) + b"\n" + b"1," * 199_999 + b"1\n")
        == "INGEST_LIMIT"
    )


def test_endless_line_costs_one_row(read: Read) -> None:
    dataset = read(b"a,b\n" + b"1,2\n" * 50 + b'1,"' + b"x" * 3_000_000 + b'"\n3,4\n')
    assert dataset.table.height == 51
    assert dataset.rejects["reason"].to_list() == ["LINE_TOO_LONG"]
    assert len(dataset.rejects["text"][0]) <= 500


def test_archive_in_an_archive_is_refused(read: Read) -> None:
    assert refused(read, gzip.compress(gzip.compress(steady())), "x.csv.gz.gz") == "INGEST_LIMIT"


def in_child(tmp_path: Path, data: bytes, limits: Limits | None = None) -> dict[str, object]:
    path = tmp_path / "file"
    path.write_bytes(data)
    work = tmp_path / "work"
    work.mkdir()
    return read_in_child([InputFile(path, "file.csv")], ReadOptions(), limits or Limits(), work)


def test_child_reads_a_file_without_the_servers_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    seen: dict[str, str] = {}
    import subprocess

    real = subprocess.Popen

    def watching(*args: object, **kwargs: object) -> object:
        seen.update(kwargs["env"])  # type: ignore[call-overload]
        return real(*args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", watching)
    result = in_child(tmp_path, steady())
    assert result["rows"] == 200
    assert "AWS_SECRET_ACCESS_KEY" not in seen
    assert (tmp_path / "work" / "table.arrow").exists()


def test_child_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(SensorForgeError) as caught:
        in_child(tmp_path, steady(), Limits(seconds=0.01))
    assert caught.value.reason == "PARSE_LIMIT"


def test_child_that_needs_too_much_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SensorForgeError) as caught:
        in_child(tmp_path, steady(100) + b"1,2,3,4\n" * 8_000_000, Limits(memory_bytes=300 << 20))
    assert caught.value.reason in ("PARSE_LIMIT", "PARSE_CRASHED")


def test_error_of_the_reader_comes_through_whole(tmp_path: Path) -> None:
    with pytest.raises(SensorForgeError) as caught:
        in_child(tmp_path, b"n;x\n1;1,234\n2;5,678\n")
    assert caught.value.reason == "DECIMAL_AMBIGUOUS"
    assert caught.value.metadata["column"] == "x"
    assert os.getpid()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("memory allocation of 65536 bytes failed\nFatal Python error: Aborted", "PARSE_LIMIT"),
        (
            "thread panicked: Os { code: 12, kind: OutOfMemory }\nnote: run with RUST_BACKTRACE",
            "PARSE_LIMIT",
        ),
        ("thread panicked at src/xlsx.rs:12: index out of bounds", "PARSE_CRASHED"),
    ],
)
def test_a_reader_that_came_down_for_want_of_memory_is_told_from_one_that_broke(
    tmp_path: Path, said: str, reason: str
) -> None:
    (tmp_path / "stderr").write_text(said)
    with pytest.raises(SensorForgeError) as caught:
        sandbox._answer(tmp_path, -6, [sandbox.InputFile(tmp_path / "x", "x.csv")], Limits())
    assert caught.value.reason == reason
    assert "x.csv" in caught.value.message
    if reason == "PARSE_LIMIT":
        assert "4,096 MiB" in caught.value.message
        assert "SENSORFORGE_INGEST_MEMORY_BYTES" in caught.value.remedy
