"""Text whose records stand on levels: cycles, their steps, their samples, each level one field further in.

Battery testers (Neware) write so, with a header line a level. The deepest level is the table; of the levels above it
each row has the first field, which numbers cycle or step, and their lines are rejects that say so.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from services.ingest.formats.delimited import read_delimited
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Progress, Reject, SourceTable
from services.ingest.text.dialect import split_line
from services.ingest.values.cells import is_measured, kind_of

_DELIMITERS = (",", "\t", ";")
_LOOKED_AT = 400
UPPER_LEVEL = "UPPER_LEVEL"


def recognise(head: str) -> str:
    """Returns why the records of a text stand on levels, or ""."""
    lines = head.split("\n")[:_LOOKED_AT]
    _, levels = _levels(lines)
    return f"{levels} lines of headers, each one field further in, over records on as many levels" if levels else ""


def _levels(lines: Sequence[str]) -> tuple[str, int]:
    """Returns the delimiter and the number of levels; 0 for another layout."""
    second = next(islice((line for line in lines if line.strip()), 1, None), "")
    for delimiter in _DELIMITERS:
        if not second.startswith(delimiter):
            continue
        rows = [_fields(line, delimiter) for line in lines if line.strip()]
        count = 0
        while count < len(rows) and _depth(rows[count]) == count and _is_header(rows[count][count:]):
            count += 1
        body = rows[count:-1]
        depths = {_depth(r) for r in body}
        if 2 <= count <= 4 and depths >= {0, count - 1} and max(depths) < count:
            deepest = [r for r in body if _depth(r) == count - 1]
            measured = sum(any(is_measured(kind_of(c)) for c in r) for r in deepest)
            return (delimiter, count) if measured >= 0.9 * len(deepest) else ("", 0)
    return "", 0


def _fields(line: str, delimiter: str) -> list[str]:
    return [c.strip() for c in split_line(line.rstrip("\r"), delimiter, '"')]


def _depth(fields: Sequence[str]) -> int:
    return next((i for i, c in enumerate(fields) if c), len(fields))


def _is_header(cells: Sequence[str]) -> bool:
    filled = [c for c in cells if c]
    return len(filled) >= 2 and not any(is_measured(kind_of(c)) for c in filled)


def read_levels(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the records of the deepest level. Raises what delimited text raises."""
    refuse_beyond("bytes", text.size, limits.csv_bytes)
    lines = text.data.decode("utf-8").split("\n")
    ended = not lines[-1]
    lines = lines[:-1] if ended else lines
    delimiter, levels = _levels(lines[:_LOOKED_AT])
    if not levels:
        return read_delimited(text, file_name, options, limits, progress)
    headers = [line for line, _ in zip((i for i, x in enumerate(lines) if x.strip()), range(levels), strict=False)]
    names = [_fields(lines[at], delimiter) for at in headers]
    kept, above, rejects = list(lines), [""] * (levels - 1), list[Reject]()
    for at, line in enumerate(lines):
        if not line.strip() or at in headers:
            kept[at] = ""
            continue
        fields = _fields(line, delimiter)
        depth = _depth(fields)
        if depth < levels - 1:
            above[depth:] = [fields[depth], *[""] * (levels - 2 - depth)]
            refuse_beyond("records of upper levels", len(rejects) + 1, limits.rejects)
            rejects.append(Reject(at - headers[-1], at + 1, UPPER_LEVEL, line[:500]))
            kept[at] = ""
        else:
            kept[at] = _line([*above, *fields[levels - 1 :]], delimiter)
    title = headers[-1]
    kept[title] = _line([*(n[i] for i, n in enumerate(names[:-1])), *names[-1][levels - 1 :]], delimiter)
    body = Text(("\n".join(kept) + "\n" * ended).encode(), text.facts)
    given = replace(options, header_row=title + 1, delimiter=options.delimiter or delimiter)
    table = read_delimited(body, file_name, given, limits, progress)
    moved = len(rejects)
    counts = replace(
        table.counts,
        rejected=table.counts.rejected + moved,
        header=table.counts.header + levels - 1,
        blank=table.counts.blank - moved - levels + 1,
    )
    left_out = ", ".join(c for i, n in enumerate(names[:-1]) for c in n[i + 1 :] if c)
    message = f"{file_name}: {moved:,} lines of cycles and steps are no rows ({left_out}); see the rejects."
    return replace(
        table,
        counts=counts,
        row_numbers=(table.line_numbers - title - 1).alias("row"),
        rejects=sorted([*(replace(r, row=r.line - title - 1) for r in table.rejects), *rejects], key=lambda r: r.line),
        facts=[*table.facts, Fact("levels", str(levels), "the deepest level is read")],
        warnings=[*table.warnings, ("UPPER_LEVELS_REJECTED", message)],
    )


def _line(fields: Sequence[str], delimiter: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="").writerow(fields)
    return out.getvalue()


FORMAT = TextFormat("levels", recognise, read_levels)
