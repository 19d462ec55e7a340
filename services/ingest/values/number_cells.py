"""Text cells to numbers, with an account of the cells that are none; a column may come in parts.

Thousands separators and percent signs go, texts such as Bad, #N/A or I/O Timeout are tokens, anything else is
unparsable. No cell is dropped: what is no number is null and counted by its text.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from services.ingest.ledger import LISTED_TEXTS, OTHER_TEXTS, ColumnCells
from services.ingest.values.cells import MISSING_WORDS, QUALITY_WORDS, kind_of
from services.ingest.values.decimal_mark import Decimal

NUMBER_SHARE = 0.9
"""Share of the filled cells, tokens aside, that must be numbers for a column to be one of numbers."""
WORTH_COUNTING = 0.3
"""Share of numbers below which the other cells are not even counted, unless they are words for "no value"."""
_LINES_LISTED = 5
_TEXTS_KEPT = 20_000
_TRIED = 100
_TOKENS_SAMPLED = 200


def is_token(text: str) -> bool:
    """Returns whether a text stands for "no value"."""
    low = text.lower()
    return low in MISSING_WORDS or low in QUALITY_WORDS or (low.startswith(("bad", "#")) and len(low) < 40)


def finite_numbers(texts: pl.Series) -> pl.Series:
    """Returns Float64, null where a text is no finite number ("nan" and "inf" are missing-value texts)."""
    values = texts.cast(pl.Float64, strict=False)
    return values if values.is_finite().all() else values.set(~values.is_finite(), None)


def numbers_as_they_stand(texts: pl.Series) -> pl.Series | None:
    """Returns Float64 when every cell is a finite number without blanks, quotes or commas (or null), else None.

    For such a column trimming and removing of groups change nothing, so that what costs most can be left out.
    """
    head = texts.head(_TRIED)
    if head.cast(pl.Float64, strict=False).null_count() > head.null_count():
        return None
    values = texts.cast(pl.Float64, strict=False)
    return values if values.null_count() == texts.null_count() and values.is_finite().all() else None


def plain_number(texts: pl.Series, decimal: Decimal) -> pl.Series:
    """Returns number texts as a float parser reads them: decimal point, no grouping. Other texts may come out odd."""
    if texts.str.contains("[' \u00a0\u202f\u2212\u2019]|\\d-$").any():
        texts = _sign_first(texts.str.replace_all("\u2212", "-"), decimal)
        grouped = texts.str.contains(_GROUPED)
        texts = _chosen(grouped, texts.str.replace_all("['\u2019\u00a0\u202f ]", ""), texts)
    has_comma = texts.str.contains(",", literal=True)
    if decimal == ",":
        without = texts.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        if not has_comma.all() and texts.filter(~has_comma).str.contains(_POINT_OF_NO_GROUP).any():
            # Points that part no groups of three are decimal marks, whatever the other columns have.
            return _chosen(has_comma, without, texts)
        return without
    if not has_comma.any():
        return texts
    if decimal == ".":
        grouped = texts.str.contains(r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?([eE][+-]?\d+)?$")
        return _chosen(grouped, texts.str.replace_all(",", "", literal=True), texts)
    # Mixed: in each cell the last mark is the decimal one; a lone comma is a decimal comma.
    point_last = texts.str.contains(r",.*\.")
    comma_read = texts.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    many = texts.str.contains(r"^[+-]?\d{1,3}(,\d{3}){2,}$")
    point_read = texts.str.replace_all(",", "", literal=True)
    return _chosen(point_last | many, point_read, _chosen(has_comma, comma_read, texts))


# Two numbers in one cell ("9358 65524") are no groups of one.
_GROUPED = "^[+-]?\\d{1,3}(?:['\u2019\u00a0\u202f ]\\d{3})+(?:[.,]\\d*)?(?:[eE][+-]?\\d+)?%?$"
_POINT_OF_NO_GROUP = r"^[+-]?(?:\d*\.(?:\d{1,2}|\d{4,})?|\d{4,}\.\d*|0\.\d+)(?:[eE][+-]?\d+)?$"
_SIGN_APART = r"^([+-]) +(\d*[.,]?\d)"
_SIGN_BEHIND = r"^(\d[\d.,]*|[.,]\d+)-$"


def _sign_first(texts: pl.Series, decimal: Decimal) -> pl.Series:
    """Returns texts whose sign stands right before the digits; "- 3.2" and "3.2-" are -3.2.

    A comma behind such a sign says nothing about the decimal mark, so without one that is known it stays as it is.
    """
    if texts.str.contains(_SIGN_BEHIND).any():
        texts = texts.str.replace(_SIGN_BEHIND, "-${1}")
    apart = texts.str.contains(_SIGN_APART)
    if decimal == ".":
        apart = apart & ~texts.str.contains(",", literal=True)
    return _chosen(apart, texts.str.replace(_SIGN_APART, "${1}${2}"), texts) if apart.any() else texts


def _chosen(mask: pl.Series, yes: pl.Series, no: pl.Series) -> pl.Series:
    return pl.select(pl.when(mask).then(yes).otherwise(no).alias(no.name)).to_series()


@dataclass
class NumberCells:
    """A column read as numbers, part by part. `whole`: every number so far is written without a fraction."""

    name: str
    decimal: Decimal
    read: int = 0
    filled: int = 0
    whole: bool = True
    countless: bool = False
    tokens: Counter[str] = field(default_factory=Counter)
    unparsable: Counter[str] = field(default_factory=Counter)
    lines: dict[str, list[int]] = field(default_factory=dict)

    def add(self, texts: pl.Series, lines: pl.Series, known: pl.Series | None = None) -> pl.Series:
        """Returns a part as Int64 when all its numbers are whole, else as Float64; null where a cell is no number.

        `known` may give what numbers_as_they_stand made of the texts.
        """
        filled = len(texts) - texts.null_count()
        values = None
        if self.decimal != "," or _mostly_times(texts):
            values = finite_numbers(texts) if known is None else known
        plain = texts
        if values is not None and values.null_count() == len(values) and not _any_digit(texts):
            self.filled += filled
            if filled and _mostly_tokens(texts.drop_nulls()):
                self._count(texts, values, lines)
            else:
                self.countless = self.countless or filled > 0
            return values
        if values is None or (values.null_count() > texts.null_count() and not _mostly_times(texts)):
            plain = plain_number(texts, self.decimal)
            values = finite_numbers(plain)
        read = len(values) - values.null_count()
        self.read, self.filled = self.read + read, self.filled + filled
        if read < filled:
            if read < WORTH_COUNTING * filled and not _mostly_tokens(texts.filter(values.is_null()).drop_nulls()):
                self.countless = True
            else:
                self._count(texts, values, lines)
        integers = _whole_numbers(plain, values) if read else None
        if read and integers is None:
            self.whole = False
        return values if integers is None else integers

    def add_parsed(self, values: pl.Series) -> pl.Series:
        """Returns a part whose cells all were numbers or empty, Int64 or Float64, as it is."""
        read = len(values) - values.null_count()
        self.read, self.filled = self.read + read, self.filled + read
        self.whole = self.whole and (values.dtype.is_integer() or not read)
        return values

    @property
    def convincing(self) -> bool:
        """Whether the column is one of numbers."""
        others = self.unparsable.total()
        return not self.countless and self.read > 0 and self.read >= NUMBER_SHARE * (self.read + others)

    def settle(self, account: ColumnCells) -> list[tuple[str, str]]:
        """Enters the counts into the column's account and returns the warning about unparsable cells, if any."""
        account.typed, account.number = "integer" if self.whole else "number", self.read
        account.tokens, account.unparsable, account.lines = self.tokens, self.unparsable, self.lines
        if not self.unparsable:
            return []
        shown = ", ".join(repr(t) for t, _ in self.unparsable.most_common(3))
        count = self.unparsable.total()
        message = f"Column {self.name!r}: {count} cells are not numbers and became missing ({shown})."
        return [("UNPARSABLE_CELLS", message)]

    def _count(self, texts: pl.Series, values: pl.Series, lines: pl.Series) -> None:
        failed = values.is_null() & texts.is_not_null()
        for text, count, first in texts_with_lines(texts.filter(failed), lines.filter(failed)):
            counter = self.tokens if is_token(text) else self.unparsable
            kept = text in counter or len(counter) < _TEXTS_KEPT
            counter[text if kept else OTHER_TEXTS] += count
            if text in self.lines or len(self.lines) < LISTED_TEXTS:
                known = self.lines.setdefault(text, [])
                known += first[: _LINES_LISTED - len(known)]


def texts_with_lines(texts: pl.Series, lines: pl.Series) -> list[tuple[str, int, list[int]]]:
    """Returns (text, how often, its first lines) in order of frequency, then of appearance."""
    frame = pl.DataFrame({"text": texts, "line": lines})
    grouped = frame.group_by("text", maintain_order=True).agg(pl.len(), pl.col("line").head(_LINES_LISTED))
    return list(grouped.sort("len", descending=True, maintain_order=True).iter_rows())


def _any_digit(texts: pl.Series) -> bool:
    """Returns whether an even sample of the cells has one with a digit."""
    return bool(even_sample(texts, 1000).str.contains(r"\d").any())


def _mostly_tokens(filled: pl.Series) -> bool:
    """Returns whether nearly all cells of an even sample stand for "no value", as where a sensor was off for long."""
    sample = even_sample(filled, _TOKENS_SAMPLED).to_list()
    return sum(map(is_token, sample)) >= NUMBER_SHARE * len(sample)


def even_sample(texts: pl.Series, size: int) -> pl.Series:
    """Returns about `size` of the filled cells, evenly spread."""
    filled = texts.drop_nulls()
    return filled.gather_every(max(1, len(filled) // size))


def _mostly_times(texts: pl.Series) -> bool:
    head = texts.drop_nulls().head(50).to_list()
    return bool(head) and all(kind_of(t) == "time" for t in head)


def _whole_numbers(plain: pl.Series, values: pl.Series) -> pl.Series | None:
    """Returns whole numbers exactly when every number is written without a fraction."""
    for part in (values.head(1000), values):
        if not (part.drop_nulls() == part.drop_nulls().round()).all():
            return None
    integers = plain.cast(pl.Int64, strict=False)
    return integers if integers.null_count() == values.null_count() else None
