"""The ways in which a file, a read option or an upload is refused by ingest.

Validation findings are not here: they are results.
"""

from __future__ import annotations

from services.chassis.errors import ErrorKind, Reason, SensorForgeError, register_reasons


def _input(remedy: str) -> Reason:
    return Reason(ErrorKind.INPUT, "FAILED_PRECONDITION", remedy)


REASONS = {
    "EMPTY_FILE": _input("Export the file again; it holds no bytes or only blank lines."),
    "NO_ROWS": _input("Export the file again with its data rows; only a header was found."),
    "NOT_A_TABLE": _input(
        "Give a CSV, Excel, Parquet, JSON or historian export; name its format if it is one of these."
    ),
    "FORMAT_UNSUPPORTED": _input("Export the data as CSV, Excel, Parquet or JSON."),
    "FILE_CORRUPT": _input("Export or copy the file again and compare its size and checksum with the original."),
    "FILE_ENCRYPTED": _input("Save the file without a password."),
    "ENCODING_INVALID": _input("Name the character encoding, for example --encoding cp1252."),
    "INGEST_LIMIT": _input("Split the file, or raise the limit in the service's settings."),
    "TIMESTAMP_AMBIGUOUS": _input("Say which reading is right: --day-first, --month-first or --timestamp-format."),
    "DECIMAL_AMBIGUOUS": _input("Say which reading is right: --decimal , or --decimal ."),
    "SHEET_NOT_FOUND": _input("Name one of the sheets that the message lists with --sheet."),
    "COLUMN_NOT_FOUND": _input("Name one of the columns that the message lists."),
    "REGISTER_MAP_INVALID": _input("Give a register map with the columns address, name and type."),
    "TABLES_DIFFER": _input("Read files with different columns one by one, or give files that share a time column."),
    "PARSE_LIMIT": _input("Split the file; reading it needs more memory or time than one file may use."),
    "PARSE_CRASHED": _input(
        "Nothing was stored. This is a fault of the reader: report it with the file; another export may read."
    ),
    "OPTION_INVALID": Reason(ErrorKind.USAGE, "INVALID_ARGUMENT", "Correct the named option and try again."),
    "RECIPE_INVALID": Reason(ErrorKind.USAGE, "INVALID_ARGUMENT", "Correct the named cleaning step and try again."),
    "LEDGER_UNBALANCED": Reason(ErrorKind.INTERNAL, "INTERNAL", "Report it with the file; no table was published."),
    "UPLOAD_TOO_LARGE": _input("Split the file, or raise the limit in the service's settings."),
}
register_reasons(REASONS)


def beyond_memory(files: str, memory_bytes: int) -> SensorForgeError:
    """Returns the refusal of files whose reading needs more memory than one reading may use."""
    return SensorForgeError(
        "PARSE_LIMIT",
        f"{files}: reading needs more than the {memory_bytes / 2**20:,.0f} MiB of memory that one reading may use.",
        remedy="Split the file (by time, or some tags each), or raise SENSORFORGE_INGEST_MEMORY_BYTES of the service.",
    )


def beyond_time(files: str, seconds: float) -> SensorForgeError:
    """Returns the refusal of files whose reading takes longer than one reading may."""
    return SensorForgeError(
        "PARSE_LIMIT",
        f"{files}: reading took longer than {seconds:g} seconds.",
        remedy="Split the file (by time, or some tags each), or raise SENSORFORGE_INGEST_SECONDS of the service.",
    )
