"""Large delimited files typed part by part: memory holds one block of the file, whatever the file's size.

The first block says what each column seems to hold. A column of numbers or of unambiguous times is typed as it comes;
any other waits on disk as text and is typed as a whole at the end by the rules for whole columns. What turns out
otherwise later (numbers that stop being numbers, another time format, another decimal mark) is read again as text, so
that a file gives the same table, account and refusals whether it is read in parts or at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from services.ingest.formats.delimited import Delimited
from services.ingest.formats.delimited_rows import BLOCK_BYTES, Part, RowPass
from services.ingest.formats.registry import MustBeWhole
from services.ingest.headings.distinct_names import OWN
from services.ingest.large.spool import Spool, of_type
from services.ingest.ledger import ColumnCells
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, SourceTable, rejects_frame
from services.ingest.values.block_times import BlockTimes
from services.ingest.values.coerce import (
    TextCells,
    Typing,
    check_time_column,
    follow_the_settled,
    nameless_empty,
    trimmed,
    typed_column,
)
from services.ingest.values.decimal_mark import Decimal, DecimalEvidence
from services.ingest.values.digit_times import written_in_digits
from services.ingest.values.first_digits import may_be_first_digits
from services.ingest.values.identifiers import may_identify
from services.ingest.values.number_cells import NumberCells
from services.ingest.values.split_clock import whole_times
from services.ingest.values.timestamps import TimeColumn, find_time, prepared

HELD_BYTES = 256 << 20
"""What is kept of a table in memory."""
_HELD_REJECTS = 4 << 20
_LATER_SAMPLE = 2_000
_DAY_OR_MONTH_FIRST = ("%d/%m", "%m/%d", "%d-%m", "%m-%d", "%d %m", "%m %d", "%y/%m", "%y-%m")


@dataclass
class _Column:
    """One column on its way. `kind` is open while all cells are empty; `doubtful` when the kind proved wrong."""

    name: str
    decimal: Decimal
    options: ReadOptions
    kind: Literal["open", "number", "time", "text", "raw"] = "open"
    seen: int = 0
    empty: int = 0
    numbers: NumberCells = field(init=False)
    times: BlockTimes | None = None
    _odd_times: int = 0
    _only_as_text: bool = False

    def __post_init__(self) -> None:
        self.numbers = NumberCells(self.name, self.decimal)
        if self.options.raw:
            self.kind = "raw"

    @property
    def doubtful(self) -> bool:
        return self._odd_times > 0 or (self.kind == "number" and not self.numbers.convincing)

    @property
    def parser_type(self) -> pl.DataType | None:
        """The type as which the CSV parser may read the next block; None for text."""
        if self.kind != "number" or self._only_as_text or self.decimal != ".":
            return None
        return pl.Int64() if self.numbers.whole else pl.Float64()

    @property
    def final_type(self) -> pl.DataType:
        if self.kind == "time" and self.times is not None:
            return self.times.type
        if self.kind in ("text", "raw"):
            return pl.String()
        return pl.Int64() if self.kind == "number" and self.numbers.whole else pl.Float64()

    def add(
        self,
        values: pl.Series,
        lines: pl.Series,
        evidence: DecimalEvidence | None,
        known: TextCells | None = None,
    ) -> pl.Series:
        """Returns what is kept of the next part; texts become evidence of the decimal mark.

        `known` may give what TextCells.of made of the part.
        """
        self.seen += len(values)
        if values.dtype != pl.String or self.kind == "raw":
            self.empty += values.null_count()
            return values if self.kind == "raw" else self.numbers.add_parsed(values)
        if self.times is not None and (times := self.times.parse(values)).null_count() == values.null_count():
            self.empty += values.null_count()
            return times
        cells = known or (TextCells.of(values) if self.kind in ("open", "number") else TextCells(trimmed(values)))
        texts = cells.texts
        self.empty += texts.null_count()
        if evidence is not None:
            evidence.add(texts, _LATER_SAMPLE)
        if self.kind == "open" and texts.null_count() < len(texts):
            numbers = self._decide(cells, lines)
            if numbers is not None:
                return numbers
        match self.kind:
            case "number":
                odd = self.numbers.filled - self.numbers.read
                texts = self.numbers.add(texts, lines, cells.numbers)
                self._only_as_text = self._only_as_text or self.numbers.filled - self.numbers.read > odd
                return texts
            case "time":
                assert self.times is not None
                kept = self.times.parse(texts)
                self._odd_times += kept.null_count() - texts.null_count()
                return kept
            case "open":
                return texts.cast(pl.Float64)
        return texts

    def _decide(self, cells: TextCells, lines: pl.Series) -> pl.Series | None:
        """Takes the first filled part for what the column holds, where later parts can only agree or contradict.

        Returns the part's numbers when it holds numbers.
        """
        options, texts = self.options, cells.texts
        self.kind = "text"
        forced = self.name == options.timestamp_column and options.timestamp_format
        if forced or written_in_digits(texts) or may_be_first_digits(texts) or may_identify(texts):
            return None
        trial = NumberCells(self.name, self.decimal)
        values = trial.add(texts, lines, cells.numbers)
        if trial.convincing:
            self.kind, self.numbers = "number", trial
            self._only_as_text = trial.filled > trial.read
            return values
        found = find_time(texts, day_first=options.day_first, comma_locale=self.decimal in (",", "mixed"))
        if not isinstance(found, TimeColumn) or found.values.null_count() > texts.null_count():
            return None
        if not found.format.startswith(_DAY_OR_MONTH_FIRST) and not options.time_zone:
            plain = prepared(texts) is texts
            self.kind, self.times = "time", BlockTimes(found.format, found.evidence, found.values.dtype, plain)
        return None

    def settle(self, typing: Typing) -> None:
        """Enters the column's account."""
        account = ColumnCells(self.name, empty=self.empty)
        typing.cells.append(account)
        match self.kind:
            case "open":
                account.typed = "empty"
            case "number":
                typing.warnings += self.numbers.settle(account)
            case "time":
                assert self.times is not None
                account.typed, account.time = "time", self.seen - self.empty
                fact = Fact(f"timestamp_format:{self.name}", self.times.format, self.times.evidence)
                typing.facts.append(fact)
                typing.time_columns.append(self.name)
            case _:
                account.text = self.seen - self.empty


Written = Callable[[Path, int, Mapping[str, str]], None]
"""Called with the file of a part that will most likely stay as it is, its number from 0, the units of its columns."""


class Stream:
    """A delimited file read part by part; `read` is to be called once a pass over the file.

    Parts go to files in `directory`, at once where `written` is to hear of each, else beyond HELD_BYTES of them.
    """

    def __init__(
        self, delimited: Delimited, directory: Path, block_bytes: int = BLOCK_BYTES, written: Written | None = None
    ) -> None:
        self.delimited = delimited
        self.options = delimited.layout.options
        self.table = Spool(directory, "table", 0 if written else HELD_BYTES)
        self.rejects = Spool(directory, "rejects", _HELD_REJECTS)
        self._written = written
        self._units: dict[str, str] = {}
        self.columns: list[_Column] = []
        self.first: Part | None = None
        self._evidence = DecimalEvidence()
        self._lines: list[pl.Series] = []
        self._block_bytes = block_bytes

    def read(self, rows: RowPass, is_reshaped: Callable[[SourceTable], bool]) -> None:
        """Spools all parts. Raises MustBeWhole when `is_reshaped` says so of the first rows."""
        given = self.options.decimal
        assumed = self._pass(rows, ("," if given == "," else ".") if given else None, is_reshaped)
        # More cells than those of the first block may settle the decimal mark otherwise; then they all count.
        while not given and not self.options.raw and (self._evidence.mark or ".") != assumed:
            assumed = self._pass(rows, self._evidence.mark or ".", is_reshaped)

    def _pass(self, rows: RowPass, decimal: Decimal | None, is_reshaped: Callable[[SourceTable], bool]) -> Decimal:
        """Reads the file under an assumed decimal mark, None for that of the first rows, and returns it."""
        self.table.clear()
        self.rejects.clear()
        self.columns, self.first, self._lines, self._evidence = [], None, [], DecimalEvidence()
        rows.typed = {}
        cells: dict[str, TextCells] = {}
        for part in self._one_ahead(rows):
            if part.rejects:
                self.rejects.add(rejects_frame(part.rejects))
            if not part.frame.height:
                continue
            later = self.first is not None
            if not later:
                self.first = part
                table = self.delimited.table([part], rows, [])
                if is_reshaped(table):
                    raise MustBeWhole
                self._units = {n: u for n, u in table.units.items() if n in rows.names}
                cells = {} if self.options.raw else {c.name: TextCells.of(c) for c in part.frame}
                decimal = decimal or self._mark_of(cells.values())
                self.columns = [_Column(n, decimal, self.options) for n in rows.names]
            lines = pl.Series("line", part.lines, dtype=pl.Int64)
            evidence = self._evidence if later else None
            kept = [c.add(part.frame[c.name], lines, evidence, cells.pop(c.name, None)) for c in self.columns]
            numbers = pl.Series("source_row", part.row_numbers, dtype=pl.Int64)
            path = self.table.add(pl.DataFrame([numbers, *kept]))
            if path is not None and self._written is not None:
                self._written(path, self.table.parts - 1, self._units)
            self._lines.append(lines.cast(pl.UInt32))
        return decimal or "."

    def _one_ahead(self, rows: RowPass) -> Iterator[Part]:
        """Yields the parts. Once the first rows are taken in, each part is parsed while the one before it is; what is
        known of the columns then is that of the parts before both, so that a file is always read the same way."""
        parts = rows.parts(self._block_bytes)
        with ThreadPoolExecutor(1) as beside:
            part = next(parts, None)
            while part is not None and self.first is None:
                yield part
                rows.typed = self._parser_types()
                part = next(parts, None)
            while part is not None:
                rows.typed = self._parser_types()
                coming = beside.submit(next, parts, None)
                yield part
                part = coming.result()

    def _mark_of(self, columns: Iterable[TextCells]) -> Decimal:
        """Returns the decimal mark that the first rows show."""
        for cells in columns:
            self._evidence.add(cells.texts)
        return self._evidence.mark or "."

    def _parser_types(self) -> dict[str, pl.DataType]:
        """Returns the types as which the parser may read columns, where it would notice the header among the rows."""
        types = {c.name: t for c in self.columns if (t := c.parser_type) is not None}
        headers = dict(zip([c.name for c in self.columns], self.delimited.layout.dialect.names, strict=False))
        telling = [
            n for n in types if (h := headers.get(n)) and pl.Series([h]).cast(pl.Float64, strict=False)[0] is None
        ]
        return types if telling or self.delimited.layout.dialect.header_line is None else {}

    def typed(self, rows: RowPass, units: Mapping[str, str]) -> Typing:
        """Returns the account of all columns and leaves `table` with their final types; nameless empty ones are gone.

        Raises DECIMAL_AMBIGUOUS, TIMESTAMP_AMBIGUOUS, COLUMN_NOT_FOUND.
        """
        layout = self.delimited.layout
        typing = Typing(self.options, layout.file_name, units=dict(units))
        if not self.options.raw:
            check_time_column(self.options, list(rows.names), layout.file_name)
            typing.decimal, fact = self._evidence.decide(self.options.decimal, layout.file_name, undecided_ok=False)
            typing.facts.append(fact)
        again = self._texts(rows, [c.name for c in self.columns if c.doubtful])
        lines = pl.concat(self._lines).cast(pl.Int64)
        replaced: dict[str, pl.Series] = {}
        types: dict[str, pl.DataType] = {OWN: pl.Int64()}
        for column in self.columns:
            name = column.name
            if not column.doubtful and column.kind != "text":
                column.settle(typing)
                types[name] = column.final_type
                continue
            texts = again.pop(column.name, None)
            if texts is None:
                texts = self.table.column(name, pl.String()).alias(name)
            values = typed_column(TextCells(texts), lines, typing)
            types[name] = values.dtype
            if column.doubtful or values.dtype != pl.String:
                replaced[name] = values.alias(name)
        later = follow_the_settled(typing, lambda n: self.table.column(n, pl.String()).alias(n), lines)
        for name, values in later.items():
            types[name], replaced[name] = values.dtype, values.alias(name)
        typing.refuse_ambiguous_axis()
        self._add_clock(typing, types, replaced)
        if not self.options.raw:
            drop = nameless_empty(typing.cells, layout.dialect.header_line is not None)
            types = {n: t for n, t in types.items() if n not in drop}
        self._finish(types, replaced)
        return typing

    def _add_clock(self, typing: Typing, types: dict[str, pl.DataType], replaced: dict[str, pl.Series]) -> None:
        """Makes dates whole times where another column has their clock, as reading.typed does."""
        if self.options.raw or not typing.time_columns:
            return

        def column(name: str) -> pl.Series:
            return replaced[name] if name in replaced else self.table.column(name, types[name])

        names = [n for n in types if n != OWN]
        whole = whole_times(typing.time_columns[0], names, column, self.options.time_zone)
        if whole is None:
            return
        types[whole.times.name], replaced[whole.times.name] = whole.times.dtype, whole.times
        typing.facts.append(whole.fact)
        typing.warnings += whole.warnings

    def _texts(self, rows: RowPass, names: list[str]) -> dict[str, pl.Series]:
        """Returns whole columns as text, read again from the file."""
        if not names:
            return {}
        rows.typed = {}
        pieces: dict[str, list[pl.Series]] = {n: [] for n in names}
        for part in rows.parts(self._block_bytes):
            for name in names:
                pieces[name].append(trimmed(part.frame[name]))
        return {n: pl.concat(p, rechunk=False) for n, p in pieces.items()}

    def _finish(self, types: dict[str, pl.DataType], replaced: dict[str, pl.Series]) -> None:
        if not replaced and all(schema == types for schema in self.table.schemas()):
            return

        def final(frame: pl.DataFrame, before: int) -> pl.DataFrame:
            given = {n: v.slice(before, frame.height) for n, v in replaced.items()}
            return pl.DataFrame([given[n] if n in given else of_type(frame[n], t) for n, t in types.items()])

        self.table.rewrite(final)
