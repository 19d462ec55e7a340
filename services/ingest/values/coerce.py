"""Text cells to numbers, times, truth values or text, column by column, with every cell accounted for.

A column stays text unless at least 90 % of its filled cells are of another type. What nothing decides (day or month
first, comma or point) is a fact with both readings or a refusal, never a guess. All work is vectorised.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.ledger import LISTED_TEXTS, ColumnCells
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, SourceTable
from services.ingest.values.cells import MISSING_WORDS
from services.ingest.values.decimal_mark import Decimal, DecimalEvidence
from services.ingest.values.digit_times import counted_days, find_digit_time
from services.ingest.values.elapsed import elapsed_texts
from services.ingest.values.first_digits import counted_time, find_first_digits
from services.ingest.values.identifiers import is_identifier
from services.ingest.values.number_affixes import without_currency
from services.ingest.values.number_cells import (
    NUMBER_SHARE,
    NumberCells,
    even_sample,
    is_token,
    numbers_as_they_stand,
    texts_with_lines,
)
from services.ingest.values.timestamps import AmbiguousTime, TimeColumn, find_time, localised
from services.machines.units import parse_unit

_SUFFIXED = re.compile(r"^[+-]?[\d.,]*\d[\d.,]*(?:[eE][+-]?\d+)?\s*([%°µA-Za-zΩ]\S{0,11}|deg(?:rees)? [CFK])$")
_NUMBERED = re.compile(r"^column_([1-9]\d{0,6})$")
_NO_VALUE = MISSING_WORDS - {"none", "void"}
"""What fills a column without values; "none" may be the state that all rows have."""


@dataclass
class Typing:
    """What is found out while the columns of a table are typed, in their order.

    `units` gains what was found in cells; `ambiguous` are columns that read as times in two ways.
    """

    options: ReadOptions
    file_name: str
    decimal: Decimal = "."
    units: dict[str, str] = field(default_factory=dict)
    cells: list[ColumnCells] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    time_columns: list[str] = field(default_factory=list)
    ambiguous: list[tuple[str, AmbiguousTime]] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)
    """Of the columns of times so far."""

    def refuse_ambiguous_axis(self) -> None:
        """Raises TIMESTAMP_AMBIGUOUS when the time axis is one of the undecided columns."""
        names = [n for n, _ in self.ambiguous]
        if not names or (self.time_columns and self.options.timestamp_column not in names):
            return
        name, found = next((a for a in self.ambiguous if a[0] == self.options.timestamp_column), self.ambiguous[0])
        raise SensorForgeError(
            "TIMESTAMP_AMBIGUOUS",
            f"{self.file_name}: {found.example!r} in column {name!r} is {found.readings[0]} or {found.readings[1]}; "
            "every date of the file reads both ways.",
            remedy="Say which reading is right: --day-first or --month-first (or --timestamp-format "
            f"'{found.formats[0]}' or '{found.formats[1]}').",
            metadata={
                "column": name,
                "example": found.example,
                "readings": "|".join(found.readings),
                "formats": "|".join(found.formats),
            },
        )


def coerce(
    table: SourceTable, options: ReadOptions, file_name: str, *, undecided_ok: bool = False
) -> tuple[pl.DataFrame, Typing]:
    """Returns the typed table and its account; what nothing decides is a fact when `undecided_ok`, else refused.

    Raises DECIMAL_AMBIGUOUS, TIMESTAMP_AMBIGUOUS with both readings, COLUMN_NOT_FOUND."""
    frame = table.frame
    if options.day_first is None:
        options = replace(options, day_first=table.day_first)
    check_time_column(options, frame.columns, file_name)
    cells = {n: TextCells.of(frame[n]) for n in frame.columns if frame[n].dtype == pl.String}
    evidence = DecimalEvidence()
    for column in cells.values():
        evidence.add(column.texts)
    decimal, fact = evidence.decide(options.decimal or table.decimal, file_name, undecided_ok=undecided_ok)
    typing = Typing(options, file_name, decimal, dict(table.units), facts=[fact])
    columns = [
        typed_column(cells.pop(n), table.line_numbers, typing) if n in cells else _typed_already(frame[n], typing)
        for n in frame.columns
    ]
    for name, settled in follow_the_settled(typing, lambda name: trimmed(frame[name]), table.line_numbers).items():
        columns[frame.columns.index(name)] = settled
    if not undecided_ok:
        typing.refuse_ambiguous_axis()
    return pl.DataFrame(columns), typing


def follow_the_settled(
    typing: Typing, texts_of: Callable[[str], pl.Series], lines: pl.Series
) -> Mapping[str, pl.Series]:
    """Returns the undecided columns of times that write dates as the settled ones do, and enters their accounts.

    `texts_of` gives the trimmed texts of a column.
    """
    orders = {f[:5] for f in typing.formats.values() if f[:5] in ("%d/%m", "%m/%d", "%d-%m", "%m-%d")}
    if len(orders) != 1 or not typing.ambiguous:
        return {}
    (order,) = orders
    told = next(n for n, f in typing.formats.items() if f[:5] == order)
    settled: dict[str, pl.Series] = {}
    for name, found in list(typing.ambiguous):
        if order not in {f[:5] for f in found.formats}:
            continue
        texts = texts_of(name)
        column = find_time(texts, day_first=order[1] == "d")
        if not isinstance(column, TimeColumn):
            continue
        typing.ambiguous.remove((name, found))
        typing.facts[:] = [f for f in typing.facts if f.key != f"timestamp_format:{name}"]
        at = next(i for i, c in enumerate(typing.cells) if c.name == name)
        account = ColumnCells(name, empty=texts.null_count())
        as_told = replace(column, evidence=f"day and month as in column {told!r}", alternatives=())
        settled[name] = _as_time(as_told, texts, account, lines, typing)
        typing.cells[at] = account
    return settled


def check_time_column(options: ReadOptions, names: list[str], file_name: str) -> None:
    """Raises COLUMN_NOT_FOUND when the given time column is none of the table's."""
    if options.timestamp_column and options.timestamp_column not in names:
        raise SensorForgeError(
            "COLUMN_NOT_FOUND",
            f"{file_name} has no column {options.timestamp_column!r}; it has {', '.join(names[:30])}.",
        )


def nameless_empty(cells: list[ColumnCells], has_header: bool) -> list[str]:
    """Returns the columns that have neither a name in the file nor a value (trailing delimiters)."""
    if len(cells) < 2:
        return []
    if not has_header:
        last = cells[-1]
        return [last.name] if last.typed == "empty" and last.name == f"column_{len(cells)}" and len(cells) > 2 else []
    # Columns before it may have gone into others.
    numbers = ((i, c, _NUMBERED.match(c.name)) for i, c in enumerate(cells) if c.typed == "empty")
    return [c.name for i, c, match in numbers if match and int(match[1]) > i]


def trimmed(texts: pl.Series) -> pl.Series:
    """Returns the cells without blanks around them and without a second pair of quotes; empty ones are null."""
    stripped = texts.str.strip_chars()
    if stripped.str.starts_with('"').any():
        # Some exports quote a second time inside the cell.
        stripped = stripped.str.replace(r'^"([^"]*)"$', "${1}")
    return stripped.set(stripped == "", None)


@dataclass(frozen=True)
class TextCells:
    """A column's trimmed texts and, where each of them is a finite number as it stands, these numbers (Float64)."""

    texts: pl.Series
    numbers: pl.Series | None = None

    @classmethod
    def of(cls, column: pl.Series) -> TextCells:
        """Returns the cells of a column of texts as the file has them."""
        numbers = numbers_as_they_stand(column)
        return cls(trimmed(column) if numbers is None else column, numbers)


def typed_column(cells: TextCells, lines: pl.Series, typing: Typing) -> pl.Series:
    """Returns a column of texts as what it holds, and enters its account into `typing`."""
    texts, options = cells.texts, typing.options
    name = texts.name
    account = ColumnCells(name, empty=texts.null_count())
    typing.cells.append(account)
    filled = len(texts) - account.empty
    if not filled:
        account.typed = "empty"
        return pl.Series(name, [None] * len(texts), dtype=pl.Float64)
    if name == options.timestamp_column and options.timestamp_format:
        found = find_time(texts, forced=options.timestamp_format)
        if isinstance(found, TimeColumn):
            return _as_time(found, texts, account, lines, typing)
    if is_identifier(texts):
        account.typed, account.text = "text", filled
        return texts
    if (in_digits := find_digit_time(texts) or find_first_digits(texts)) is not None:
        # "Timestamp (ms)" holds times now.
        typing.units.pop(name, None)
        return _as_time(in_digits, texts, account, lines, typing)
    if (parsed := _as_number(cells, account, lines, typing)) is not None:
        return parsed
    if (missing := _without_a_value(texts, account, lines)) is not None:
        return missing
    if (elapsed := _as_elapsed(texts, account, lines, typing)) is not None:
        return elapsed
    digits = bool(even_sample(texts, 1000).str.contains(r"\d").any())
    found = find_time(texts, day_first=options.day_first, comma_locale=typing.decimal != ".") if digits else None
    if isinstance(found, TimeColumn):
        return _as_time(found, texts, account, lines, typing)
    if isinstance(found, AmbiguousTime):
        typing.ambiguous.append((name, found))
        readings = f"{found.example!r} is {found.readings[0]} or {found.readings[1]}"
        typing.facts.append(Fact(f"timestamp_format:{name}", "undecided", readings, found.formats, ambiguous=True))
    elif (truth := _as_truth(texts, account)) is not None:
        return truth
    elif (measured := _with_suffix(texts, account, lines, typing)) is not None:
        return measured
    account.typed, account.text = "text", filled
    return texts


def _as_number(cells: TextCells, account: ColumnCells, lines: pl.Series, typing: Typing) -> pl.Series | None:
    """Returns the column as numbers, or None when too few of its filled cells are."""
    numbers = NumberCells(account.name, typing.decimal)
    values = numbers.add(cells.texts, lines, cells.numbers)
    if not numbers.convincing:
        return None
    typing.warnings += numbers.settle(account)
    return values


def _as_elapsed(texts: pl.Series, account: ColumnCells, lines: pl.Series, typing: Typing) -> pl.Series | None:
    """Returns elapsed times with days as seconds, or None when too few of the filled cells are."""
    if (written := elapsed_texts(texts, typing.decimal)) is None:
        return None
    typing.units[account.name] = "s"
    return _as_number(TextCells(written), account, lines, typing)


def _without_a_value(texts: pl.Series, account: ColumnCells, lines: pl.Series) -> pl.Series | None:
    """Returns a column that holds nothing but words for "no value" as one without values."""
    filled = texts.drop_nulls()
    if filled[0].lower() not in _NO_VALUE or not filled.str.to_lowercase().is_in(_NO_VALUE).all():
        return None
    for text, count, at in texts_with_lines(filled, lines.filter(texts.is_not_null())):
        account.tokens[text] = count
        account.lines[text] = at
    account.typed = "number"
    return pl.Series(account.name, [None], dtype=pl.Float64).new_from_index(0, len(texts))


def _as_time(found: TimeColumn, texts: pl.Series, account: ColumnCells, lines: pl.Series, typing: Typing) -> pl.Series:
    zone = typing.options.time_zone
    values = localised(found.values, zone) if zone else found.values
    failed = values.is_null() & texts.is_not_null()
    if failed.any():
        for text, count, first in texts_with_lines(texts.filter(failed), lines.filter(failed)):
            (account.tokens if is_token(text) else account.unparsable)[text] += count
            if len(account.lines) < LISTED_TEXTS:
                account.lines[text] = first
        if account.unparsable:
            shown = ", ".join(repr(t) for t in list(account.unparsable)[:3])
            count = account.unparsable.total()
            message = f"Column {account.name!r}: {count} cells are not times and became missing ({shown})."
            typing.warnings.append(("UNPARSABLE_TIMES", message))
    account.typed, account.time = "time", len(values) - values.null_count()
    typing.facts.append(Fact(f"timestamp_format:{account.name}", found.format, found.evidence, found.alternatives))
    typing.time_columns.append(account.name)
    typing.formats[account.name] = found.format
    return values.alias(account.name)


def _as_truth(texts: pl.Series, account: ColumnCells) -> pl.Series | None:
    distinct = texts.drop_nulls().unique().head(8).to_list()
    if not {d.lower() for d in distinct} <= {"true", "false"}:
        return None
    account.typed, account.boolean = "boolean", len(texts) - texts.null_count()
    return (texts.str.to_lowercase() == "true").alias(account.name)


def _with_suffix(texts: pl.Series, account: ColumnCells, lines: pl.Series, typing: Typing) -> pl.Series | None:
    """Returns numbers whose cells all carry the same unit, as in "12.5 bar" or "$0.20"."""
    if (sums := without_currency(texts)) is not None:
        amounts = _as_number(TextCells(sums[0]), account, lines, typing)
        if amounts is not None:
            typing.units.setdefault(account.name, sums[1])
        return amounts
    sample = texts.drop_nulls().head(200).to_list()
    suffixes = Counter(m[1] for s in sample if (m := _SUFFIXED.match(s)))
    if not suffixes:
        return None
    suffix, count = suffixes.most_common(1)[0]
    if count < NUMBER_SHARE * len(sample) or parse_unit(suffix) is None:
        return None
    bare = TextCells(texts.str.strip_suffix(suffix).str.strip_chars())
    parsed = _as_number(bare, account, lines, typing)
    if parsed is not None:
        typing.units.setdefault(account.name, suffix)
    return parsed


def _typed_already(values: pl.Series, typing: Typing) -> pl.Series:
    """Returns a column that its format typed, in the types of the house, with its account."""
    account = ColumnCells(values.name)
    typing.cells.append(account)
    dtype = values.dtype
    if dtype.is_decimal() or dtype == pl.Float32:
        values = values.cast(pl.Float64)
    elif dtype.is_integer():
        values = values.cast(pl.Int64, strict=False) if dtype != pl.Int64 else values
    elif dtype == pl.Date or (isinstance(dtype, pl.Datetime) and dtype.time_unit != "us"):
        zone = getattr(dtype, "time_zone", None)
        values = values.cast(pl.Datetime("us", zone))
    if values.dtype.is_numeric() and (counted := counted_time(values) or counted_days(values)) is not None:
        values = counted.values
        typing.facts.append(Fact(f"timestamp_format:{values.name}", counted.format, counted.evidence))
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone not in (None, "UTC"):
        values = values.dt.convert_time_zone("UTC")
    if values.dtype.is_float():
        bad = int((~values.is_finite()).sum())
        if bad:
            nans = int(values.is_nan().sum())
            account.tokens = Counter({t: n for t, n in (("NaN", nans), ("inf", bad - nans)) if n})
            values = values.set(~values.is_finite(), None)
        account.empty = values.null_count() - bad
        account.typed, account.number = "number", len(values) - values.null_count()
        return values
    account.empty = values.null_count()
    read = len(values) - account.empty
    if values.dtype.is_integer():
        account.typed, account.number = "integer", read
    elif values.dtype == pl.Boolean:
        account.typed, account.boolean = "boolean", read
    elif isinstance(values.dtype, pl.Datetime):
        account.typed, account.time = "time", read
        typing.time_columns.append(values.name)
    elif values.dtype == pl.Null:
        account.typed = "empty"
        values = values.cast(pl.Float64)
    else:
        account.typed, account.text = "text", read
        values = values.cast(pl.String)
    return values
