"""Every file of other projects' test suites has an expected outcome: a table, or a refusal with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chassis.errors import SensorForgeError
from tests.ingest.conftest import Read

EXCEL_REFUSED = {
    "capitalized_wbook_stream.xls": "EMPTY_FILE",
    "issue127.xls": "EMPTY_FILE",
    "issue127.xlsx": "EMPTY_FILE",
    "issue_666_panic.xlsb": "EMPTY_FILE",
    "pictures_in_cell_and_over_cell.xlsx": "EMPTY_FILE",
    "issue252.xlsx": "FILE_CORRUPT",
    "pass_protected.xlsb": "FILE_ENCRYPTED",
}
PARQUET_REFUSED = {
    "column_chunk_key_value_metadata.parquet": "NO_ROWS",
    "incorrect_map_schema.parquet": "FILE_CORRUPT",
    # 4 KB that unpack to more than 2 GiB.
    "large_string_map.brotli.parquet": "INGEST_LIMIT",
}
CSV_REFUSED = {
    "add_escaped_rfc.csv": "EMPTY_FILE",
    # Dates as 5/7/1995 throughout: the day is not settled.
    "timestamp_tz.csv": "TIMESTAMP_AMBIGUOUS",
}


def outcome(read: Read, path: Path) -> str:
    """Returns "table", or the reason of the refusal."""
    try:
        dataset = read(path)
    except SensorForgeError as error:
        return error.reason
    assert dataset.ledger["balanced"]
    assert dataset.table.height > 0
    return "table"


@pytest.mark.parametrize(
    ("folder", "refused"),
    [
        ("excel", EXCEL_REFUSED),
        ("parquet/data", PARQUET_REFUSED),
        ("csv", CSV_REFUSED),
        ("csv/spectrum", {}),
        ("lvm", {}),
    ],
)
def test_file_has_its_expected_outcome(folder: str, refused: dict[str, str], shared_data: Path, read: Read) -> None:
    files = sorted(p for p in (shared_data / "format" / folder).iterdir() if p.is_file())
    wrong = {p.name: got for p in files if (got := outcome(read, p)) != refused.get(p.name, "table")}
    assert wrong == {}


def test_corrupt_parquet_is_refused(shared_data: Path, read: Read) -> None:
    # A zero bit width in a dictionary index page has one possible meaning, which the reader takes.
    readable = {"ARROW-GH-43605.parquet"}
    for path in sorted((shared_data / "format" / "parquet" / "bad_data").glob("*.parquet")):
        assert outcome(read, path) == ("table" if path.name in readable else "FILE_CORRUPT"), path.name


def test_json_verdicts_of_the_suite_are_respected(shared_data: Path, read: Read) -> None:
    wrong = []
    for path in sorted((shared_data / "format" / "json" / "test_parsing").glob("*.json")):
        got = outcome(read, path)
        if path.name.startswith("y_") and got not in ("table", "NOT_A_TABLE", "NO_ROWS"):
            wrong.append((path.name, got))
        if path.name.startswith("n_") and got in ("table", "NO_ROWS"):
            wrong.append((path.name, got))
    assert wrong == []


def test_historian_exports_all_parse(shared_data: Path, read: Read) -> None:
    files = sorted((shared_data / "format" / "historian" / "csv").rglob("*.csv"))
    assert [p.name for p in files if outcome(read, p) != "table"] == []
