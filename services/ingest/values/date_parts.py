"""Times whose parts stand in columns of their own (Year, Month, Day, Hour, Minute), put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from services.ingest.headings.distinct_names import free_name
from services.ingest.layouts.headings import squashed
from services.ingest.tables import Fact

_WORDS = {
    "year": "year yr yyyy jahr année annee año ano anno 年",
    "month": "month mon mo mm monat mois mes mese mês 月",
    "day": "day dy dd dom dayofmonth tag jour día dia giorno 日",
    "hour": "hour hr hh stunde heure hora ora 时 時",
    "minute": "minute minutes min mi minuten minuto 分",
    "second": "second seconds sec ss sekunde sekunden seconde secondes segundo segundos secondo 秒",
}
_RANGES = {
    "year": (1900, 2100),
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 24),
    "minute": (0, 59),
    "second": (0, 60),
}
_EXTREMES = frozenset({"max", "maximum", "maxi"})
"""Beside these "min" is a minimum."""
_ENOUGH = ("year", "month", "day")


@dataclass(frozen=True)
class Assembled:
    """Naive times under a name of their own, the columns that they were put together from, and what is to be told."""

    times: pl.Series
    parts: tuple[str, ...]
    fact: Fact


def assembled_times(names: Sequence[str], column: Callable[[str], pl.Series]) -> Assembled | None:
    """Returns the times of columns called year, month and day, and maybe hour, minute and second; None where there are
    no such columns or one holds what is no part of a time. `column` gives the values of a column."""
    found: dict[str, str] = {}
    for part, words in _WORDS.items():
        known = words.split()
        called = sorted((n for n in names if squashed(n) in known), key=lambda n: known.index(squashed(n)))
        if not called or (part == "minute" and _EXTREMES.intersection(map(squashed, names))):
            break
        values = column(called[0])
        if not values.dtype.is_numeric() or not values.drop_nulls().is_between(*_RANGES[part]).all():
            break
        if part != "second" and not (values.drop_nulls() == values.drop_nulls().cast(pl.Float64).floor()).all():
            break
        found[part] = called[0]
    if any(part not in found for part in _ENOUGH) or not len(column(found["year"]).drop_nulls()):
        return None
    frame = pl.DataFrame([column(name).alias(part) for part, name in found.items()])
    clock = sum((pl.col(part).cast(pl.Float64) * each for part, each in _SECONDS.items() if part in found), pl.lit(0.0))
    days = pl.concat_str([pl.col(p).cast(pl.Int64).cast(pl.String) for p in _ENOUGH], separator="-")
    times = frame.select(
        days.str.strptime(pl.Datetime("us"), "%Y-%m-%d", strict=False)
        + pl.duration(microseconds=(clock * 1e6).round().cast(pl.Int64))
    ).to_series()
    if times.null_count() > frame["year"].null_count():
        return None
    name = free_name("timestamp", set(names))
    fact = Fact(f"time_of_parts:{name}", ", ".join(found.values()), "the parts of a time in columns of their own")
    return Assembled(times.alias(name), tuple(found.values()), fact)


_SECONDS = {"hour": 3600.0, "minute": 60.0, "second": 1.0}
