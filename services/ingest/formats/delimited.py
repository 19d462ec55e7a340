"""CSV, TSV and their relatives: any delimiter, quote or encoding, with preamble, units row, footer and ragged rows.

Every cell comes out as text. Every line becomes exactly one of: preamble, header, units, row, reject, footer, blank or
continuation of a quoted cell; the count of rows that the parser returns must equal the count made without it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.cells import is_measured, kind_of
from services.ingest.dialect import Dialect, detect_dialect, looks_like_data
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.names import unique_names, unit_in_name
from services.ingest.options import WHITESPACE, ReadOptions
from services.ingest.records import Records, canonical, count_lines, scan, split_quoted
from services.ingest.tables import Fact, LineCounts, Progress, Reject, SourceTable, silent

FOOTER_LINES = 40
REJECTED_TEXT = 500
WIDEN_SHARE = 0.05
"""Share of rows with surplus fields above which the table is widened instead of rejecting them."""
_SUMMARY = re.compile(
    r"^(average|avg|mean|min(imum)?|max(imum)?|sum|total|std(ev)?|count|end of|page \d|printed|exported|generated|"
    r"mittelwert|summe|durchschnitt|ende|seite|moyenne|somme|media|promedio)\b",
    re.I,
)
_BLANKS = re.compile(rb"[ \t]+")
_EDGE_TABS = re.compile(rb"^\t|\t(?=\r?$)", re.M)


def read_delimited(
    text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress = silent
) -> SourceTable:
    """Returns the table of a delimited text. Raises NOT_A_TABLE, NO_ROWS, INGEST_LIMIT."""
    progress("detecting", 0, 0)
    dialect = detect_dialect(text.head(), options)
    return read_with_dialect(text, dialect, file_name, options, limits, progress)


def read_with_dialect(
    text: Text, dialect: Dialect, file_name: str, options: ReadOptions, limits: Limits, progress: Progress = silent
) -> SourceTable:
    """Returns the table of a delimited text whose layout is known."""
    data = text.data
    refuse_beyond("columns", dialect.width, limits.columns)
    _refuse_prose(dialect, data, file_name)
    total_lines = count_lines(data)
    delimiter = dialect.delimiter
    if delimiter == WHITESPACE:
        data, delimiter = _EDGE_TABS.sub(b"", _BLANKS.sub(b"\t", data)), "\t"
    quote = dialect.quote if options.quote is not None or dialect.quote else ('"' if b'"' in data else "")
    if dialect.delimiter == WHITESPACE:
        quote = ""
    progress("counting", 0, total_lines)
    records = scan(data, delimiter, quote)
    body = _Body.of(records, data, dialect, delimiter, quote)
    refuse_beyond("rows", len(records), limits.rows)
    sorting = _sort_records(records, body, data, dialect, delimiter, quote, options, limits)
    refuse_beyond("cells", int(sorting.kept.sum()) * sorting.width, limits.cells)
    progress("reading", 0, total_lines)
    frame = _parse(records, sorting.kept, data, delimiter, quote, sorting.width)
    if frame.height != int(sorting.kept.sum()):
        raise SensorForgeError(
            "LEDGER_UNBALANCED",
            f"{file_name}: {int(sorting.kept.sum())} rows were counted, the parser returned {frame.height}.",
        )
    given = list(options.column_names) or list(dialect.names)
    names = unique_names([*given, *[""] * (sorting.width - len(given))][: sorting.width])
    frame.columns = names
    row_numbers: npt.NDArray[np.int64] = np.cumsum(sorting.is_row, dtype=np.int64)[sorting.kept]
    lines = records.line[sorting.kept]
    rejects = sorting.rejects
    frame, row_numbers, lines, repeated = _without_repeated_headers(frame, row_numbers, lines, dialect, names, options)
    rejects = sorted([*rejects, *repeated], key=lambda r: r.line)
    if frame.height == 0:
        raise SensorForgeError("NO_ROWS", f"{file_name} has {total_lines} lines but no data row below its header.")
    covered = records.lines
    counts = LineCounts(
        total=total_lines,
        rows=frame.height,
        preamble=int(covered[sorting.preamble].sum()),
        header=1 if dialect.header_line is not None else 0,
        units=1 if dialect.units_line is not None else 0,
        rejected=len(rejects),
        footer=int(covered[sorting.footer].sum()),
        blank=int(sorting.blank.sum()),
        continuation=int((covered[sorting.is_row | sorting.header] - 1).sum()),
    )
    units = {n: unit_in_name(n) for n in names} | {n: u for n, u in zip(names, dialect.units, strict=False) if u}
    return SourceTable(
        frame=frame,
        counts=counts,
        row_numbers=pl.Series("source_row", row_numbers, dtype=pl.Int64),
        line_numbers=pl.Series("line", lines, dtype=pl.Int64),
        units={n: u for n, u in units.items() if u},
        facts=[*text.facts, *dialect.facts, *sorting.facts],
        rejects=rejects,
        preamble=[list(p) for p in dialect.preamble],
        padded=sorting.padded,
        has_header=dialect.header_line is not None,
    )


def _refuse_prose(dialect: Dialect, data: bytes, file_name: str) -> None:
    if dialect.width > 1 or any(dialect.measured):
        return
    lines = [line for line in data[:20_000].decode("utf-8", "replace").split("\n") if line.strip()][:200]
    wordy = sum(len(line.split()) > 5 for line in lines)
    if wordy > 0.3 * len(lines):
        raise SensorForgeError(
            "NOT_A_TABLE", f"{file_name} reads like prose: no delimiter gives its lines columns ({lines[0][:60]!r})."
        )


@dataclass(frozen=True)
class _Body:
    """Index ranges of the records: header, units, first data record, first footer record."""

    header: int | None
    units: int | None
    first: int
    stop: int

    @classmethod
    def of(cls, records: Records, data: bytes, dialect: Dialect, delimiter: str, quote: str) -> _Body:
        def at(line: int | None) -> int | None:
            return None if line is None else min(int(np.searchsorted(records.line, line + 1)), len(records) - 1)

        first = int(np.searchsorted(records.line, dialect.first_data_line + 1))
        header = at(dialect.header_line)
        units = at(dialect.units_line)
        first = max(first, -1 if header is None else header + 1, -1 if units is None else units + 1)
        stop = len(records)
        if any(dialect.measured) and len(records) - first > 1:
            stop = _footer_start(records, data, dialect, delimiter, quote, first)
        return cls(header, units, first, stop)


def _fields_of(records: Records, index: int, data: bytes, delimiter: str, quote: str) -> list[str]:
    text = data[records.start[index] : records.end[index]].decode("utf-8", "replace")
    return split_quoted(text, delimiter, quote)[0] if quote else text.split(delimiter or "\n")


def _footer_start(records: Records, data: bytes, dialect: Dialect, delimiter: str, quote: str, first: int) -> int:
    """Returns the index where the lines after the data begin: going up from the end, the last data record + 1."""
    stop = len(records)
    for index in range(len(records) - 1, max(first, len(records) - FOOTER_LINES) - 1, -1):
        if index in records.broken:
            break
        if records.fields[index] == 0:
            continue
        cells = _fields_of(records, index, data, delimiter, quote)
        if not any(c.strip() for c in cells):
            continue
        if not _is_footer(cells, dialect):
            break
        stop = index
    return stop


def _is_footer(cells: list[str], dialect: Dialect) -> bool:
    """Returns whether a filled record at the end is a remark or a summary rather than a row."""
    filled = [c for c in cells if c.strip()]
    if _SUMMARY.match(filled[0].strip()):
        return True
    if all(kind_of(c) == "token" for c in filled) or looks_like_data(cells, dialect.measured):
        return False
    if any(is_measured(kind_of(c)) for c, m in zip(cells, dialect.measured, strict=False) if m):
        return False
    return dialect.width > 1 and (len(cells) < dialect.width / 2 or (len(filled) == 1 and dialect.width > 2))


@dataclass
class _Sorting:
    """What every record becomes, as masks, and the width of the table."""

    kept: npt.NDArray[np.bool_]
    is_row: npt.NDArray[np.bool_]
    blank: npt.NDArray[np.bool_]
    preamble: npt.NDArray[np.bool_]
    footer: npt.NDArray[np.bool_]
    header: npt.NDArray[np.bool_]
    width: int
    padded: int
    rejects: list[Reject]
    facts: list[Fact]


def _sort_records(
    records: Records,
    body: _Body,
    data: bytes,
    dialect: Dialect,
    delimiter: str,
    quote: str,
    options: ReadOptions,
    limits: Limits,
) -> _Sorting:
    index = np.arange(len(records))
    inside = (index >= body.first) & (index < body.stop)
    header = (index == body.header) if body.header is not None else np.zeros(len(index), bool)
    units = (index == body.units) if body.units is not None else np.zeros(len(index), bool)
    length = records.end - records.start
    width = dialect.width
    empty_cells = (length == records.fields - 1) & (width > 1)
    blank = ((records.fields == 0) | empty_cells) & ~header & ~units
    footer = (index >= body.stop) & ~blank
    preamble = (index < body.first) & ~blank & ~header & ~units
    is_row = inside & ~blank
    facts: list[Fact] = []
    long = is_row & (records.fields > width)
    rejects: dict[int, str] = {i: "UNBALANCED_QUOTE" for i in records.broken if is_row[i]}
    if long.any():
        surplus = [
            i
            for i in np.flatnonzero(long).tolist()
            if i not in rejects and _has_surplus(records, i, data, delimiter, quote, width)
        ]
        if surplus and (options.raw or len(surplus) > WIDEN_SHARE * int(is_row.sum())):
            wider = int(records.fields[surplus].max())
            refuse_beyond("columns", wider, limits.columns)
            facts.append(
                Fact(
                    "ragged_rows",
                    str(len(surplus)),
                    f"rows with up to {wider} fields under a header of {width}; columns added",
                )
            )
            width = wider
        else:
            rejects |= dict.fromkeys(surplus, "TOO_MANY_FIELDS")
    few = is_row & (records.fields < (1 if options.raw else max(2 if dialect.width > 1 else 1, dialect.width / 2)))
    rejects |= {i: "TOO_FEW_FIELDS" for i in np.flatnonzero(few).tolist() if i not in rejects}
    last = len(records) - 1
    if (
        last >= 0
        and is_row[last]
        and not data.endswith(b"\n")
        and records.fields[last] < dialect.width
        and not options.raw
    ):
        rejects.setdefault(last, "TRUNCATED_LAST_LINE")
    too_long = is_row & (length > limits.line_bytes)
    rejects |= dict.fromkeys(np.flatnonzero(too_long).tolist(), "LINE_TOO_LONG")
    nul = np.flatnonzero(np.frombuffer(data, np.uint8) == 0) if b"\0" in data else np.zeros(0, np.int64)
    if len(nul):
        owners = np.unique(np.searchsorted(records.start, nul, side="right") - 1)
        rejects |= {i: "NUL_BYTE" for i in owners.tolist() if is_row[i]}
    kept = is_row.copy()
    kept[list(rejects)] = False
    row_number = np.cumsum(is_row)
    listed = [
        Reject(int(row_number[i]), int(records.line[i]), reason, _shown(data, records, i))
        for i, reason in sorted(rejects.items())
    ]
    padded = int(np.maximum(width - records.fields[kept], 0).sum())
    return _Sorting(kept, is_row, blank, preamble, footer, header, width, padded, listed, facts)


def _has_surplus(records: Records, index: int, data: bytes, delimiter: str, quote: str, width: int) -> bool:
    return any(c.strip() for c in _fields_of(records, index, data, delimiter, quote)[width:])


def _shown(data: bytes, records: Records, index: int) -> str:
    start = int(records.start[index])
    stop = min(int(records.end[index]), start + REJECTED_TEXT)
    return data[start:stop].decode("utf-8", "replace").replace("\0", "\u2400")


def _parse(
    records: Records, kept: npt.NDArray[np.bool_], data: bytes, delimiter: str, quote: str, width: int
) -> pl.DataFrame:
    """Returns the kept records as a table of text; empty unquoted cells are null."""
    names = [f"c{i}" for i in range(width)]
    indices = np.flatnonzero(kept)
    if not len(indices):
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    pieces: list[bytes] = []
    rewritten = sorted(i for i in records.rewritten if kept[i])
    too_wide = set(np.flatnonzero(kept & (records.fields > width)).tolist())
    special = np.array(sorted({*rewritten, *too_wide}), dtype=np.int64)
    breaks = np.flatnonzero(np.diff(indices) != 1) + 1
    for run in np.split(indices, breaks):
        first = int(run[0])
        within = special[np.searchsorted(special, run[0]) : np.searchsorted(special, run[-1], side="right")]
        for i in within.tolist():
            if i > first:
                pieces.append(data[records.start[first] : records.end[i - 1]])
            if i in records.rewritten and i not in too_wide:
                pieces.append(records.rewritten[i])
            else:
                pieces.append(canonical(_fields_of(records, i, data, delimiter, quote)[:width], delimiter))
            first = i + 1
        if first <= run[-1]:
            pieces.append(data[records.start[first] : records.end[run[-1]]])
    source = pieces[0] + b"\n" if len(pieces) == 1 else b"\n".join(pieces) + b"\n"
    if quote == "'" or not delimiter:
        return _parse_slowly(records, indices, data, delimiter, quote, names)
    return pl.read_csv(
        source,
        has_header=False,
        separator=delimiter,
        quote_char=quote or None,
        schema=dict.fromkeys(names, pl.String),
        missing_columns="insert",
        raise_if_empty=False,
        truncate_ragged_lines=True,
    )


def _parse_slowly(
    records: Records, indices: npt.NDArray[np.int64], data: bytes, delimiter: str, quote: str, names: list[str]
) -> pl.DataFrame:
    rows = [_fields_of(records, i, data, delimiter, quote)[: len(names)] for i in indices.tolist()]
    full = [[c if c else None for c in r] + [None] * (len(names) - len(r)) for r in rows]
    return pl.DataFrame(full, schema=dict.fromkeys(names, pl.String), orient="row")


def _without_repeated_headers(
    frame: pl.DataFrame,
    row_numbers: npt.NDArray[np.int64],
    lines: npt.NDArray[np.int64],
    dialect: Dialect,
    names: list[str],
    options: ReadOptions,
) -> tuple[pl.DataFrame, npt.NDArray[np.int64], npt.NDArray[np.int64], list[Reject]]:
    """Returns the rows that are not the header again, as exports glued together have it."""
    headed = [(n, h) for n, h in zip(names, dialect.names, strict=False) if h]
    if dialect.header_line is None or options.raw or len(headed) < 2 or not any(dialect.measured):
        return frame, row_numbers, lines, []
    first, name = headed[0]
    if not (frame[first].str.strip_chars() == name).any():
        return frame, row_numbers, lines, []
    same = pl.all_horizontal([pl.col(n).str.strip_chars() == h for n, h in headed]).fill_null(False)
    mask = frame.select(same.alias("same"))["same"].to_numpy()
    if not mask.any():
        return frame, row_numbers, lines, []
    text = dialect.delimiter.join(dialect.names)
    rejects = [
        Reject(int(row_numbers[i]), int(lines[i]), "REPEATED_HEADER", text) for i in np.flatnonzero(mask).tolist()
    ]
    return frame.filter(~pl.Series(mask)), row_numbers[~mask], lines[~mask], rejects
