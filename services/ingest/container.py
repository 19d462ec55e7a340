"""What kind of file it is, from its bytes: magic numbers, member names, NUL share and the first token.

The extension never decides; it only settles what the bytes leave open. Wrappers (gzip, zip with one file) are opened
into a private directory with bounds on size and ratio.
"""

from __future__ import annotations

import gzip
import json
import lzma
import re
import zipfile
import zlib
from pathlib import Path

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.tables import Fact

HEAD_BYTES = 1 << 16
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_JSON_START = re.compile(r"^[\[{]\s*([\[{\"\d\-\]}]|true\b|false\b|null\b|$)")
# A topic or a time before the object of each line.
_OBJECT_BEHIND_WORDS = re.compile(r"[^\s{\[\",]+(?: [^\s{\[\",]+){0,3}\s+\{.*\}\s*(?:\n|$)")
# A log whose lines begin with a time in brackets.
_BRACKETED_TIME = re.compile(
    r"^\[(?:[^\[\]{}\n\"]{0,40}\d:\d\d[^\[\]{}\n\"]{0,40}|\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\s*)\]"
)
_FIRST_ELEMENT = re.compile(
    r"^(?:<\?[^>]*\?>\s*|<!--.*?-->\s*|<!doctype[^>]*>\s*)*<([A-Za-z_][\w.:-]*)(?:\s+[\w.:-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'"
    r"|[^\s\"'<>]+)|\s+[\w.:-]+)*\s*/?>",
    re.I | re.S,
)
_ROW_OF_CELLS = re.compile(r"<tr\b[^>]*>\s*<t[dh]\b", re.I)
_HTML = frozenset({"html", "head", "body", "table", "meta", "style", "div", "center", "font", "title", "h1", "h2", "p"})
_SPREADSHEET = "urn:schemas-microsoft-com:office:spreadsheet"
_DATA_NAMES = (".csv", ".tsv", ".dat", ".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".json", ".jsonl", ".parquet", ".lvm")
_NOTE = re.compile(
    r"(?:read[ _-]?me|liesmich|lisezmoi|licen[cs]e|copying|notice|changelog|changes)[\w.-]*?(?:\.(?:txt|md|rst|html?))?"
    r"|.*\.(?:md|rst|pdf|docx?)",
    re.I,
)
_OTHER = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"\x7fELF", "program"),
    (b"ARROW1", "Arrow/Feather"),
    (b"FEA1", "Feather"),
    (b"SQLite format 3\0", "SQLite database"),
    (b"\x28\xb5\x2f\xfd", "zstd archive"),
    (b"7z\xbc\xaf", "7z archive"),
    (b"Rar!", "rar archive"),
    (b"\xfd7zXZ", "xz archive"),
    (b"BZh", "bzip2 archive"),
    (b"\x89HDF", "HDF5"),
    (b"TDSm", "LabVIEW TDMS"),
    (b"\x80\x04\x95", "Python pickle"),
)


def detect_container(path: Path, file_name: str) -> Fact:
    """Returns the container: parquet, excel, json, gzip, zip, text. Raises EMPTY_FILE, NOT_A_TABLE, FILE_CORRUPT."""
    size = path.stat().st_size
    with path.open("rb") as f:
        head = f.read(HEAD_BYTES)
        f.seek(max(0, size - 8))
        tail = f.read()
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise SensorForgeError("EMPTY_FILE", f"{file_name} is empty ({size} bytes, none of them text).")
    if head.startswith(b"PAR1"):
        if tail.endswith(b"PARE"):
            raise SensorForgeError("FILE_ENCRYPTED", f"{file_name} is a Parquet file with an encrypted footer.")
        if not tail.endswith(b"PAR1"):
            raise SensorForgeError(
                "FILE_CORRUPT", f"{file_name} starts as Parquet but its end is missing ({size} bytes)."
            )
        return Fact("format", "parquet", "magic number PAR1 at both ends")
    # An archive without members has only its end record; a spanned one begins with its mark.
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _zip_kind(path, file_name)
    if head.startswith(_OLE):
        if _encrypted_ole(path):
            raise SensorForgeError("FILE_ENCRYPTED", f"{file_name} is a workbook protected by a password.")
        return Fact("format", "excel", "OLE compound file (old Excel)")
    if head.startswith(b"\x1f\x8b"):
        return Fact("format", "gzip", "magic number 1f 8b")
    # Excel 2 to 4 worksheets: a BOF record opens the file.
    if head[:4] in (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00"):
        raise SensorForgeError("FORMAT_UNSUPPORTED", f"{file_name} is a worksheet of Excel 4 or older.")
    for magic, kind in _OTHER:
        if head.startswith(magic):
            raise SensorForgeError("FORMAT_UNSUPPORTED", f"{file_name} is a {kind} file, whatever its name says.")
    return _text_kind(head, size, file_name)


def unwrap(path: Path, file_name: str, kind: str, directory: Path, limits: Limits) -> list[tuple[Path, str]]:
    """Returns the files inside a gzip or zip wrapper as (path, name); names are metadata, never paths.

    Raises INGEST_LIMIT for bombs, FILE_CORRUPT for broken wrappers, FILE_ENCRYPTED.
    """
    try:
        if kind == "gzip":
            target = directory / "unwrapped-0"
            with gzip.open(path) as source:
                _copy_bounded(source, target, path.stat().st_size, 0, file_name, limits)
            return [(target, re.sub(r"\.gz$", "", file_name, flags=re.I) or "data")]
        unwrapped = []
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.filename.endswith("/") and not _hidden(m.filename)]
            refuse_beyond("members in the archive", len(members), limits.files)
            total = 0
            for number, member in enumerate(members):
                if member.flag_bits & 1:
                    raise SensorForgeError("FILE_ENCRYPTED", f"{file_name}: member {member.filename!r} has a password.")
                target = directory / f"unwrapped-{number}"
                with archive.open(member) as source:
                    total += _copy_bounded(source, target, path.stat().st_size, total, file_name, limits)
                unwrapped.append((target, member.filename.replace("\\", "/").rsplit("/", 1)[-1]))
        return unwrapped
    except (
        OSError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise SensorForgeError("FILE_CORRUPT", f"{file_name}: the {kind} wrapper is broken ({error}).") from error


def refuse_note(name: str, archive: str) -> None:
    """Raises NOT_A_TABLE for a member of an archive that is a note by its name: a readme, a licence, a manual."""
    if _NOTE.fullmatch(name) and not name.lower().endswith(_DATA_NAMES):
        raise SensorForgeError("NOT_A_TABLE", f"{archive}: {name} is a note by its name.")


def beside_the_data(name: str, error: SensorForgeError) -> bool:
    """Returns whether a member of an archive that cannot be read is none of its data: a note, a picture, a manual."""
    told = error.reason in ("NOT_A_TABLE", "FORMAT_UNSUPPORTED", "EMPTY_FILE", "NO_ROWS")
    return told and not name.lower().endswith(_DATA_NAMES)


def _copy_bounded(source: object, target: Path, packed: int, before: int, file_name: str, limits: Limits) -> int:
    """Unpacks one file and returns its size; `before` bytes came out of the same archive already."""
    written = 0
    with target.open("wb") as out:
        while block := source.read(1 << 20):  # type: ignore[attr-defined]
            written += len(block)
            size = before + written
            if size > limits.decompressed_bytes or (size > (64 << 20) and size > packed * limits.compression_ratio):
                raise SensorForgeError(
                    "INGEST_LIMIT",
                    f"{file_name} unpacks to more than {size:,} bytes from {packed:,}; that is refused as a bomb.",
                )
            out.write(block)
    return written


def _zip_kind(path: Path, file_name: str) -> Fact:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SensorForgeError("FILE_CORRUPT", f"{file_name}: the zip directory is broken ({error}).") from error
    lower = {n.lower().replace("\\", "/").lstrip("/") for n in names}
    if lower & {"xl/workbook.xml", "xl/workbook.bin"} or any(n.startswith("xl/worksheets/") for n in lower):
        return Fact("format", "excel", "zip archive with an xl/ workbook")
    if {"mimetype", "content.xml"} <= lower:
        return Fact("format", "excel", "zip archive with an OpenDocument sheet")
    if not names:
        raise SensorForgeError("EMPTY_FILE", f"{file_name} is a zip archive without members.")
    return Fact("format", "zip", f"zip archive of {len(names)} files")


def _encrypted_ole(path: Path) -> bool:
    with path.open("rb") as f:
        head = f.read(1 << 20)
    return "EncryptedPackage".encode("utf-16-le") in head or "EncryptionInfo".encode("utf-16-le") in head


_SQL_DUMP = re.compile(
    r"(?:--[^\n]*\n\s*)*(?:(?:--|/\*)[^\n]{0,80}(?:dump|phpMyAdmin)"
    r"|CREATE TABLE|INSERT INTO|DROP TABLE|BEGIN TRANSACTION|LOCK TABLES)\b",
    re.I,
)


def _text_kind(head: bytes, size: int, file_name: str) -> Fact:
    text = _peek(head)
    if text is None:
        raise SensorForgeError(
            "NOT_A_TABLE", f"{file_name} is a binary file of no known table format (NUL and control bytes), not text."
        )
    start = text.lstrip("\ufeff \t\r\n")
    low = start[:512].lower()
    if low.startswith("mime-version:"):
        raise SensorForgeError("FORMAT_UNSUPPORTED", f"{file_name} is a web archive (MHTML), whatever its name says.")
    if _SQL_DUMP.match(start):
        raise SensorForgeError(
            "FORMAT_UNSUPPORTED",
            f"{file_name} is a dump of SQL statements.",
            remedy="Export the table itself, as CSV for example.",
        )
    if start.startswith("<") and (markup := _markup(start)):
        return markup
    if (
        start[:1] in ("{", "[")
        and not _BRACKETED_TIME.match(start)
        and (_first_line_is_json(start) or file_name.lower().endswith(("json", "jsonl")) or _JSON_START.match(start))
    ):
        return Fact("format", "json", f"starts with {start[:1]!r} and a JSON value")
    if file_name.lower().endswith((".json", ".ndjson", ".jsonl")) and not _OBJECT_BEHIND_WORDS.match(start):
        return Fact("format", "json", "extension; the content does not say otherwise", ("csv",))
    return Fact("format", "text", "printable text")


def _markup(start: str) -> Fact | None:
    """Returns the fact that a text is HTML, a spreadsheet or other XML; None for lines that only begin with "<"."""
    first = _FIRST_ELEMENT.match(start)
    name = first[1].lower().rpartition(":")[2] if first else ""
    if _SPREADSHEET in start[:8192] and name == "workbook":
        return Fact("format", "spreadsheetml", "an XML spreadsheet of Excel 2003")
    if name in _HTML or start[:14].lower() == "<!doctype html" or (first and _ROW_OF_CELLS.search(start)):
        return Fact("format", "html", "a page of HTML")
    if start.startswith("<?xml") or (first and (f"</{first[1]}" in start or "/>" in start)):
        return Fact("format", "xml", f"XML whose first element is <{name}>")
    return None


def _first_line_is_json(start: str) -> bool:
    try:
        json.loads(start.split("\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return True


def _peek(head: bytes) -> str | None:
    """Returns the beginning as text for looking at, or None when it is binary."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", "ignore")
    nul = head.count(0)
    if nul > 0.25 * len(head) and len(head) >= 4:
        for name, part in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
            if part.count(0) > 0.6 * len(part):
                return head[: len(head) // 2 * 2].decode(name, "ignore")
        # Loggers that lost power leave blocks of NUL behind readable lines.
        return (
            head.replace(b"\0", b"").decode("utf-8", "ignore") if head[:64].count(0) == 0 and nul < len(head) else None
        )
    control = sum(head.count(bytes([c])) for c in range(32) if c not in (0, 9, 10, 11, 12, 13, 26, 27))
    if control > max(2, 0.02 * len(head)) or nul > 0.1 * len(head):
        return None
    return head.decode("utf-8", "replace")


def _hidden(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "__MACOSX" or parts[-1].startswith(".")
