"""JSON lines behind words: `plant/line1 {"ts": 1714550400, "flow": 3.2}`, as `mosquitto_sub -v` and loggers write them.

The object is the record; what stands before it is a column `topic`, a time there a column `time`.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any

from services.ingest.formats.delimited import read_delimited
from services.ingest.formats.json_file import STRICT, lines_table
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.headings.distinct_names import free_name
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Progress, SourceTable

_BEHIND = re.compile(
    r"\s*(?:[\[(]?(\d{4}[-/.]\d\d?[-/.]\d\d?[T ]\d\d?:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\d{10,19}(?:\.\d+)?)[\])]?(?::|,|;)?\s+)?"
    r"([^\s{\[,;\"]+(?: [^\s{\[,;\"]+){0,3}?)?[:,;]?\s+(\{.*\}|\[\s*\{.*\])\s*"
)
# Zigbee2MQTT's log.
_PUBLISHED = re.compile(
    r"\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)\]?[^'{]{0,80}?topic '([^']+)', payload '(\{.*\})'\s*"
)
_LOOKED_AT, _FEWEST_LINES, _MOST = 20, 2, 0.8


def _record(line: str) -> tuple[str, str, list[dict[str, Any]]] | None:
    """Returns time, words and records of a line; None for one that is no JSON behind words."""
    found = _BEHIND.fullmatch(line) or _PUBLISHED.fullmatch(line)
    if found is None or not (found[1] or found[2]):
        return None
    try:
        value = STRICT.decode(found[3])
    except (ValueError, RecursionError):
        return None
    records = value if isinstance(value, list) else [value]
    return (found[1] or "", found[2] or "", records) if all(isinstance(r, dict) for r in records) else None


def recognise(head: str) -> str:
    """Returns why a text is JSON lines behind words, or ""."""
    if "{" not in head:
        return ""
    lines = head.split("\n")[:-1] or [head]
    first = list(islice((line for line in lines if line.strip()), _LOOKED_AT))
    found = sum(_record(line) is not None for line in first)
    enough = found >= max(_FEWEST_LINES, _MOST * len(first))
    return f"{found} of the first {len(first)} lines are words and a JSON object" if enough else ""


def read_lines(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the table of the objects, with what stands before them. Raises NO_ROWS, INGEST_LIMIT."""
    if options.raw or options.delimiter or options.header_row is not None:
        return read_delimited(text, file_name, options, limits, progress)
    refuse_beyond("bytes of JSON lines behind words", text.size, limits.json_whole_bytes)
    progress("reading", 0, 0)
    lines = text.data.decode("utf-8").split("\n")
    found = [_record(line) for line in lines]
    keys = {key for f in found if f for record in f[2] for key in record}
    time, topic = free_name("time", keys), free_name("topic", keys)
    for at, record in enumerate(found):
        if record is not None:
            before = ({time: record[0]} if record[0] else {}) | ({topic: record[1]} if record[1] else {})
            records = [before | r for r in record[2]]
            lines[at] = json.dumps(records if len(records) > 1 else records[0], ensure_ascii=False)
    table = lines_table("\n".join(lines), file_name, limits)
    table.facts[:0] = [*text.facts, Fact("shape", "lines", "a JSON object behind words a line")]
    return table


FORMAT = TextFormat("prefixed_json", recognise, read_lines)
