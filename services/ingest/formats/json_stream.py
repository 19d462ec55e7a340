"""Large JSON of records, as lines or as one list, to a table in bounded memory.

Each block of records becomes columns at once, by the rules of formats/json_file.py and json_flat.py; what those rules
can only decide on the whole document (series, batches in an answer, objects beside plain values) is declined.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from services.ingest.formats.json_blocks import find_blocks
from services.ingest.formats.json_file import exploded, refuse_depth, source_table
from services.ingest.formats.json_flat import as_series, flat_values, flattened, without_surrogates, word
from services.ingest.formats.json_records import BLOCK_BYTES, RecordBlocks, Records, records_of
from services.ingest.formats.json_series import find_series
from services.ingest.formats.json_texts import unpacked
from services.ingest.formats.opcua_json import are_messages, plain_values, status_on_fields
from services.ingest.formats.registry import MustBeWhole
from services.ingest.formats.senml import senml_series
from services.ingest.formats.text_file import load_text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, LineCounts, Progress, SourceTable, silent

LARGE_BYTES = 16 << 20


def read_large_json(
    path: Path,
    file_name: str,
    options: ReadOptions,
    limits: Limits,
    directory: Path,
    progress: Progress = silent,
    *,
    from_bytes: int = LARGE_BYTES,
    block_bytes: int = BLOCK_BYTES,
) -> SourceTable | None:
    """Returns the table of JSON lines, or of a list of records, of more than `from_bytes`; None for any other file.

    Raises FILE_CORRUPT, NO_ROWS, INGEST_LIMIT.
    """
    if path.stat().st_size <= from_bytes:
        return None
    refuse_beyond("bytes", path.stat().st_size, limits.json_bytes)
    text = load_text(path, file_name, options, limits, directory)
    if not text.facts[0].value.startswith("utf"):
        return None
    blocks = records_of(text, file_name, limits, progress, block_bytes)
    if blocks is None:
        return None
    as_words: frozenset[str] = frozenset()
    while True:
        columns = _Columns(limits, file_name, as_words, blocks.shape == "lines")
        try:
            for block in blocks.blocks():
                columns.add(block)
        except MustBeWhole:
            return None
        # Columns of numbers in one block and of texts in another are text; that takes the numbers as they were written.
        if not (mixed := columns.mixed()):
            return columns.table(blocks)
        as_words |= mixed


@dataclass
class _Columns:
    """The columns of all blocks so far, by path. `as_words` names those that are text whatever a block holds."""

    limits: Limits
    file_name: str
    as_words: frozenset[str]
    lines: bool
    rows: int = 0
    _batches: bool | None = None
    _lines: list[pl.Series] = field(default_factory=list)
    _row_numbers: list[pl.Series] = field(default_factory=list)
    _parts: dict[str, list[pl.Series]] = field(default_factory=dict)
    _filled: dict[str, int] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)

    def add(self, block: Records) -> None:
        """Takes the next block. Raises INGEST_LIMIT, MustBeWhole."""
        if not block.records:
            return
        records = self._as_rows(block.records)
        for path, values in self._by_path(records).items():
            covered = self._filled.get(path, 0)
            parts = self._parts.setdefault(path, [])
            if covered < self.rows:
                parts.append(pl.Series([None], dtype=pl.Null).new_from_index(0, self.rows - covered))
            parts.append(as_series(path, [word(v) for v in values] if path in self.as_words else values))
            self._filled[path] = self.rows + len(records)
        self.rows += len(records)
        refuse_beyond("rows", self.rows, self.limits.rows)
        refuse_beyond("columns", len(self._parts), self.limits.columns)
        refuse_beyond("cells", len(self._parts) * self.rows, self.limits.cells)
        self._lines.append(pl.Series("line", block.lines, dtype=pl.Int64))
        self._row_numbers.append(pl.Series("row", block.rows, dtype=pl.Int64))

    def _as_rows(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Returns one record a row, as the whole document would give them. Raises MustBeWhole."""
        records = unpacked(records)
        if any(("Body" in r and "Type" in r) or "UaType" in r for r in records) or (
            not self.lines and senml_series(records)
        ):
            raise MustBeWhole
        nested = [r for r in records if any(type(v) in (dict, list) for v in r.values())]
        if nested:
            refuse_depth(nested, self.limits, self.file_name)
            plain_values(nested)
        # Series, blocks and batches hold lists; only a message of OPC UA may be an object by itself.
        if not any(map(_holds_list, nested)) and not any("Messages" in r for r in nested):
            rows = records
        else:
            series = find_series(records)
            if len(series) >= len(records) if self.lines else series or find_blocks(records):
                raise MustBeWhole
            rows = exploded(records)
        if are_messages(records) and status_on_fields(records) is not records:
            raise MustBeWhole
        batches = rows is not records
        if (self._batches not in (None, batches)) or (batches and any("Messages" in r for r in records)):
            raise MustBeWhole
        self._batches = batches
        return rows

    def _by_path(self, records: list[dict[str, Any]]) -> dict[str, list[Any]]:
        """Returns the values of every path, null where a record has none."""
        columns: dict[str, list[Any]] = {}
        known = self._known
        for number, record in enumerate(records):
            for given, value in flat_values(record):
                path = known.get(given)
                if path is None:
                    path = known[given] = without_surrogates(given)
                    refuse_beyond("distinct paths", len(known), self.limits.json_paths)
                column = columns.get(path)
                if column is None:
                    column = columns[path] = []
                if len(column) < number:
                    column.extend([None] * (number - len(column)))
                if len(column) == number:
                    column.append(value)
        for column in columns.values():
            column.extend([None] * (len(records) - len(column)))
        return columns

    def mixed(self) -> frozenset[str]:
        """Returns the paths that no type but text holds in all blocks."""
        found = set()
        for path, parts in self._parts.items():
            types = {p.dtype for p in parts if p.null_count() < len(p)}
            if len(types) > 1 and not all(t.is_numeric() for t in types):
                found.add(path)
        return frozenset(found)

    def table(self, blocks: RecordBlocks) -> SourceTable | None:
        """Returns the table of all blocks; None where values of one column lie under two paths. Raises NO_ROWS."""
        paths = list(self._parts)
        names = flattened([dict.fromkeys(paths)], self.limits).columns if paths else []
        if len(names) != len(paths):
            return None
        frame = pl.DataFrame([self._column(path).alias(name) for path, name in zip(paths, names, strict=True)])
        shape = "one JSON object a line" if self.lines else f"{self.rows:,} records of {frame.width} values"
        rejected = len(blocks.rejects)
        counts = LineCounts(blocks.total, self.rows, rejected=rejected, blank=blocks.blank)
        if self._batches or not self.lines:
            counts = LineCounts(self.rows + rejected + blocks.blank, self.rows, rejected=rejected, blank=blocks.blank)
        table = source_table(frame, [Fact("shape", blocks.shape, shape)], counts, rejects=blocks.rejects)
        if self.lines and not self._batches:
            table.line_numbers, table.row_numbers = pl.concat(self._lines), pl.concat(self._row_numbers)
        return table

    def _column(self, path: str) -> pl.Series:
        """Returns the values of a path in all blocks and gives them away."""
        parts = self._parts.pop(path)
        if (lacking := self.rows - self._filled[path]) > 0:
            parts.append(pl.Series([None], dtype=pl.Null).new_from_index(0, lacking))
        types = {p.dtype for p in parts if p.null_count() < len(p)} or {pl.Int64()}
        dtype = pl.Float64() if len(types) > 1 else types.pop()
        return pl.concat([p.cast(dtype) for p in parts], rechunk=False)


def _holds_list(node: Any) -> bool:
    if isinstance(node, dict):
        return any(_holds_list(v) for v in node.values() if type(v) in (dict, list))
    return isinstance(node, list)
