"""Text cells to numbers, times, truth values or text, column by column, with every cell accounted for.

Decimal comma or point is decided for the file by cells that read only one way; thousands separators, percent signs
and unit suffixes are taken off; texts such as Bad, #N/A or I/O Timeout become missing and are counted by text. A
column stays text unless at least 90 % of its filled cells are of another type. All work is vectorised.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.cells import MISSING_WORDS, QUALITY_WORDS, kind_of
from services.ingest.ledger import LISTED_TEXTS, ColumnCells
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, SourceTable
from services.ingest.timestamps import AmbiguousTime, TimeColumn, find_time, localised
from services.machines.units import parse_unit

Decimal = Literal[".", ",", "mixed"]
NUMBER_SHARE = 0.9
_SAMPLE = 20_000
_ONLY_COMMA = r"^[+-]?\d*,\d+([eE][+-]?\d+)?$"
_GROUP_OR_COMMA = r"^[+-]?[1-9]\d{0,2},\d{3}$"
_POINT_GROUPS = r"^[+-]?\d{1,3}([. '\u{a0}\u{202f}]\d{3})+,\d+$"
_COMMA_GROUPS = r"^[+-]?\d{1,3}((,\d{3})+\.\d+|(,\d{3}){2,})$"
_PLAIN_POINT = r"^[+-]?(\d*\.\d{1,2}|\d*\.\d{4,}|\d{4,}\.\d+|0?\.\d+)([eE][+-]?\d+)?$"
_SUFFIXED = re.compile(r"^[+-]?[\d.,]*\d[\d.,]*(?:[eE][+-]?\d+)?\s*([%°µA-Za-zΩ][^\s\d]{0,11})$")
_LINES_LISTED = 5


@dataclass
class Coerced:
    """A typed table with its column accounts; `units` gains what was found in cells, `time_columns` are in order."""

    frame: pl.DataFrame
    cells: list[ColumnCells]
    units: dict[str, str]
    facts: list[Fact]
    warnings: list[tuple[str, str]]
    decimal: Decimal
    time_columns: list[str] = field(default_factory=list)


def coerce(table: SourceTable, options: ReadOptions, file_name: str, *, undecided_ok: bool = False) -> Coerced:
    """Returns the typed table; what nothing decides is a fact when `undecided_ok`, else refused.

    Raises DECIMAL_AMBIGUOUS, TIMESTAMP_AMBIGUOUS with both readings, COLUMN_NOT_FOUND."""
    frame = table.frame
    if options.timestamp_column and options.timestamp_column not in frame.columns:
        raise SensorForgeError(
            "COLUMN_NOT_FOUND",
            f"{file_name} has no column {options.timestamp_column!r}; it has {', '.join(frame.columns[:30])}.",
        )
    trimmed = {n: _trimmed(frame[n]) for n in frame.columns if frame[n].dtype == pl.String}
    decimal, facts = _decimal(trimmed, options.decimal or table.decimal, file_name, undecided_ok)
    out = Coerced(frame, [], dict(table.units), facts, [], decimal)
    columns: list[pl.Series] = []
    ambiguous: list[tuple[str, AmbiguousTime]] = []
    for name in frame.columns:
        if name not in trimmed:
            columns.append(_typed_already(frame[name], out))
            continue
        columns.append(_column(trimmed[name], table.line_numbers, options, out, ambiguous))
    if not undecided_ok:
        _refuse_ambiguous_axis(ambiguous, out, options, file_name)
    out.frame = pl.DataFrame(columns)
    return out


def _trimmed(texts: pl.Series) -> pl.Series:
    stripped = texts.str.strip_chars()
    if stripped.str.starts_with('"').any():
        # Some exports quote a second time inside the cell.
        stripped = stripped.str.replace(r'^"([^"]*)"$', "${1}")
    return stripped.set(stripped == "", None)


def _decimal(texts: dict[str, pl.Series], given: str, file_name: str, undecided_ok: bool) -> tuple[Decimal, list[Fact]]:
    """Returns the decimal mark and the fact that says why. Raises DECIMAL_AMBIGUOUS."""
    if given in (".", ","):
        return (",", [Fact("decimal", ",", "given")]) if given == "," else (".", [Fact("decimal", ".", "given")])
    comma = groups = undecided = point = 0
    example = ("", "")
    for name, values in texts.items():
        sample = values.drop_nulls()
        if len(sample) > _SAMPLE:
            sample = sample.gather_every(len(sample) // _SAMPLE)
        if not sample.str.contains(",", literal=True).any():
            point += int(sample.head(2000).str.contains(_PLAIN_POINT).sum())
            continue
        unclear = sample.str.contains(_GROUP_OR_COMMA)
        comma += int((sample.str.contains(_ONLY_COMMA) & ~unclear).sum()) + int(
            sample.str.contains(_POINT_GROUPS).sum()
        )
        groups += int(sample.str.contains(_COMMA_GROUPS).sum())
        point += int(sample.str.contains(_PLAIN_POINT).sum())
        undecided += int(unclear.sum())
        if unclear.any() and not example[0]:
            example = (name, str(sample.filter(unclear)[0]))
    if comma and (point or groups):
        why = f"{comma} cells can only have a decimal comma, {point + groups} only a decimal point: read cell by cell"
        return "mixed", [Fact("decimal", "mixed", why, (",", "."))]
    if comma:
        return ",", [Fact("decimal", ",", f"{comma} sampled cells can only have a decimal comma", (".",))]
    if undecided and not groups and not point:
        column, text = example
        as_comma, as_group = text.replace(",", "."), text.replace(",", "")
        if undecided_ok:
            readings = f"{text!r} in column {column!r} is {as_comma} or {as_group}; no cell settles it"
            return ".", [Fact("decimal", "undecided", readings, (",", "."), ambiguous=True)]
        raise SensorForgeError(
            "DECIMAL_AMBIGUOUS",
            f"{file_name}: {text!r} in column {column!r} is {as_comma} with a decimal comma or {as_group} with a "
            "thousands separator; no cell of the file settles it.",
            metadata={"column": column, "text": text, "readings": f"{as_comma}|{as_group}"},
        )
    if groups or undecided:
        return ".", [
            Fact("decimal", ".", f"commas group thousands; {point + groups} cells have a decimal point", (",",))
        ]
    return ".", [
        Fact("decimal", ".", f"{point} sampled cells have a decimal point" if point else "no cell has a comma")
    ]


def plain_number(texts: pl.Series, decimal: Decimal) -> pl.Series:
    """Returns number texts as a float parser reads them: decimal point, no grouping. Other texts may come out odd."""
    if texts.str.contains("[' \u00a0\u202f\u2212]").any():
        texts = texts.str.replace_all("(\\d)['\u00a0\u202f ](\\d{3})", "${1}${2}").str.replace_all("\u2212", "-")
        texts = texts.str.replace_all("(\\d)['\u00a0\u202f ](\\d{3})", "${1}${2}")
    has_comma = texts.str.contains(",", literal=True)
    if decimal == ",":
        return texts.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
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


def _chosen(mask: pl.Series, yes: pl.Series, no: pl.Series) -> pl.Series:
    return pl.select(pl.when(mask).then(yes).otherwise(no).alias(no.name)).to_series()


def _column(
    texts: pl.Series,
    lines: pl.Series,
    options: ReadOptions,
    out: Coerced,
    ambiguous: list[tuple[str, AmbiguousTime]],
) -> pl.Series:
    name = texts.name
    account = ColumnCells(name, empty=texts.null_count())
    out.cells.append(account)
    filled = len(texts) - account.empty
    if not filled:
        account.typed = "empty"
        return pl.Series(name, [None] * len(texts), dtype=pl.Float64)
    if name == options.timestamp_column and options.timestamp_format:
        found = find_time(texts, forced=options.timestamp_format)
        if isinstance(found, TimeColumn):
            return _as_time(found, texts, account, lines, options, out)
    number = _numbers(texts) if out.decimal != "," else None
    if number is None or (number.null_count() > account.empty and not _mostly_times(texts)):
        number = _numbers(plain_number(texts, out.decimal))
    if (parsed := _as_number(number, texts, account, lines, out)) is not None:
        return parsed
    if (found := find_time(texts, day_first=options.day_first, comma_locale=out.decimal in (",", "mixed"))) is not None:
        if isinstance(found, TimeColumn):
            return _as_time(found, texts, account, lines, options, out)
        ambiguous.append((name, found))
        out.facts.append(
            Fact(
                f"timestamp_format:{name}",
                "undecided",
                f"{found.example!r} is {found.readings[0]} or {found.readings[1]}",
                found.formats,
                ambiguous=True,
            )
        )
    elif (truth := _as_truth(texts, account)) is not None:
        return truth
    elif (measured := _with_suffix(texts, account, lines, out)) is not None:
        return measured
    account.typed, account.text = "text", filled
    return texts


def _mostly_times(texts: pl.Series) -> bool:
    head = texts.drop_nulls().head(50).to_list()
    return bool(head) and all(kind_of(t) == "time" for t in head)


def _numbers(texts: pl.Series) -> pl.Series:
    """Returns Float64, null where a text is no finite number ("nan" and "inf" are missing-value texts)."""
    values = texts.cast(pl.Float64, strict=False)
    return values if values.is_finite().all() else values.set(~values.is_finite(), None)


def _is_token(text: str) -> bool:
    low = text.lower()
    return low in MISSING_WORDS or low in QUALITY_WORDS or (low.startswith(("bad", "#")) and len(low) < 40)


def _as_number(
    values: pl.Series, texts: pl.Series, account: ColumnCells, lines: pl.Series, out: Coerced
) -> pl.Series | None:
    """Returns the column as numbers, or None when too few of its filled cells are."""
    read = len(values) - values.null_count()
    filled = len(texts) - account.empty
    failed = values.is_null() & texts.is_not_null()
    if read == 0 or read < 0.3 * filled:
        return None
    if read < filled:
        counts = texts.filter(failed).value_counts(sort=True)
        by_text = dict(zip(counts[texts.name].to_list(), counts["count"].to_list(), strict=True))
        tokens = {t: n for t, n in by_text.items() if _is_token(t)}
        other = filled - read - sum(tokens.values())
        if read < NUMBER_SHARE * (read + other):
            return None
        unparsable = {t: n for t, n in by_text.items() if t not in tokens}
        account.tokens, account.unparsable = Counter(tokens), Counter(unparsable)
        account.lines = _first_lines(texts, failed, lines)
        if other:
            shown = ", ".join(repr(t) for t in list(unparsable)[:3])
            out.warnings.append(
                (
                    "UNPARSABLE_CELLS",
                    f"Column {account.name!r}: {other} cells are not numbers and became missing ({shown}).",
                )
            )
    account.typed, account.number = "number", read
    whole = _whole(texts, values, out.decimal)
    if whole is not None:
        account.typed = "integer"
        return whole
    return values.alias(account.name)


def _whole(texts: pl.Series, values: pl.Series, decimal: Decimal) -> pl.Series | None:
    """Returns whole numbers exactly when every number is written without a fraction."""
    if not (values.drop_nulls() == values.drop_nulls().round()).all():
        return None
    head = texts.drop_nulls().head(200)
    if head.str.contains(r"[.,][0-9]*$").any() and decimal == "." and head.str.contains(r"\.").any():
        return None
    integers = plain_number(texts, decimal).cast(pl.Int64, strict=False)
    return integers.alias(texts.name) if integers.null_count() == values.null_count() else None


def _first_lines(texts: pl.Series, failed: pl.Series, lines: pl.Series) -> dict[str, list[int]]:
    frame = pl.DataFrame({"text": texts.filter(failed), "line": lines.filter(failed)})
    grouped = frame.group_by("text", maintain_order=True).agg(pl.col("line").head(_LINES_LISTED)).head(LISTED_TEXTS)
    return dict(grouped.iter_rows())


def _as_time(
    found: TimeColumn, texts: pl.Series, account: ColumnCells, lines: pl.Series, options: ReadOptions, out: Coerced
) -> pl.Series:
    values = localised(found.values, options.time_zone) if options.time_zone else found.values
    failed = values.is_null() & texts.is_not_null()
    if failed.any():
        counts = texts.filter(failed).value_counts()
        by_text = dict(zip(counts[texts.name].to_list(), counts["count"].to_list(), strict=True))
        account.tokens = Counter({t: n for t, n in by_text.items() if _is_token(t)})
        account.unparsable = Counter({t: n for t, n in by_text.items() if not _is_token(t)})
        account.lines = _first_lines(texts, failed, lines)
        if account.unparsable:
            shown = ", ".join(repr(t) for t in list(account.unparsable)[:3])
            out.warnings.append(
                (
                    "UNPARSABLE_TIMES",
                    f"Column {account.name!r}: {account.unparsable.total()} cells are not times and became "
                    f"missing ({shown}).",
                )
            )
    account.typed, account.time = "time", len(values) - values.null_count()
    out.facts.append(Fact(f"timestamp_format:{account.name}", found.format, found.evidence, found.alternatives))
    out.time_columns.append(account.name)
    return values.alias(account.name)


def _as_truth(texts: pl.Series, account: ColumnCells) -> pl.Series | None:
    distinct = texts.drop_nulls().unique().head(8).to_list()
    if not {d.lower() for d in distinct} <= {"true", "false"}:
        return None
    account.typed, account.boolean = "boolean", len(texts) - texts.null_count()
    return (texts.str.to_lowercase() == "true").alias(account.name)


def _with_suffix(texts: pl.Series, account: ColumnCells, lines: pl.Series, out: Coerced) -> pl.Series | None:
    """Returns numbers whose cells all carry the same unit, as in "12.5 bar"."""
    sample = texts.drop_nulls().head(200).to_list()
    suffixes = Counter(m[1] for s in sample if (m := _SUFFIXED.match(s)))
    if not suffixes:
        return None
    suffix, count = suffixes.most_common(1)[0]
    if count < NUMBER_SHARE * len(sample) or parse_unit(suffix) is None:
        return None
    bare = texts.str.strip_suffix(suffix).str.strip_chars()
    values = _numbers(plain_number(bare, out.decimal))
    parsed = _as_number(values, bare, account, lines, out)
    if parsed is not None:
        out.units.setdefault(account.name, suffix)
    return parsed


def _typed_already(values: pl.Series, out: Coerced) -> pl.Series:
    """Returns a column that its format typed, in the types of the house, with its account."""
    account = ColumnCells(values.name)
    out.cells.append(account)
    dtype = values.dtype
    if dtype.is_decimal() or dtype == pl.Float32:
        values = values.cast(pl.Float64)
    elif dtype.is_integer():
        values = values.cast(pl.Int64, strict=False) if dtype != pl.Int64 else values
    elif dtype == pl.Date or (isinstance(dtype, pl.Datetime) and dtype.time_unit != "us"):
        zone = getattr(dtype, "time_zone", None)
        values = values.cast(pl.Datetime("us", zone))
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
        out.time_columns.append(values.name)
    elif values.dtype == pl.Null:
        account.typed = "empty"
        values = values.cast(pl.Float64)
    else:
        account.typed, account.text = "text", read
        values = values.cast(pl.String)
    return values


def _refuse_ambiguous_axis(
    ambiguous: list[tuple[str, AmbiguousTime]], out: Coerced, options: ReadOptions, file_name: str
) -> None:
    """Raises TIMESTAMP_AMBIGUOUS when the time axis is one of the undecided columns."""
    if not ambiguous or options.raw:
        return
    names = [n for n, _ in ambiguous]
    if out.time_columns and options.timestamp_column not in names:
        return
    name, found = next(((n, f) for n, f in ambiguous if n == options.timestamp_column), ambiguous[0])
    raise SensorForgeError(
        "TIMESTAMP_AMBIGUOUS",
        f"{file_name}: {found.example!r} in column {name!r} is {found.readings[0]} or {found.readings[1]}; "
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
