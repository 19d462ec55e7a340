"""Clocks written as nothing but digits beside a date: 0558 or 055800, whose leading zeros may be gone, or an hour."""

from __future__ import annotations

import polars as pl

_HOUR, _MINUTE = 10_000, 100
_MOST_OF_MINUTES = 2_400
"""The largest clock without seconds."""


def digit_clock(values: pl.Series, *, several_days: bool) -> pl.Series | None:
    """Returns a column of whole numbers such as 558 or 55800 as texts such as "05:58:00", nulls kept; None where they
    are no clocks, or where nothing tells hours with minutes from minutes with seconds.

    `several_days` says whether the dates beside them are of more than one day: then the largest is late in a day.
    """
    digits = values
    if values.dtype == pl.String:
        texts = values.str.strip_chars()
        if not texts.drop_nulls().str.contains(r"^\d{1,6}$").all():
            return None
        digits = texts.cast(pl.Int64, strict=False)
    if not digits.dtype.is_numeric() or digits.dtype.is_decimal() or len(digits) == digits.null_count():
        return None
    numbers = digits.cast(pl.Float64)
    if not (numbers.drop_nulls() == numbers.drop_nulls().floor()).all():
        return None
    largest = float(str(numbers.max()))
    if largest <= _MOST_OF_MINUTES and not (several_days or float(str(numbers.min())) >= _MINUTE):
        return None
    scale = _MINUTE if largest <= _MOST_OF_MINUTES else 1
    whole = numbers.cast(pl.Int64) * scale
    parts = pl.DataFrame({"hour": whole // _HOUR, "minute": whole // _MINUTE % _MINUTE, "second": whole % _MINUTE})
    fits = pl.col("hour").is_between(0, 23) & pl.col("minute").is_between(0, 59) & pl.col("second").is_between(0, 59)
    end = (pl.col("hour") == 24) & (pl.col("minute") == 0) & (pl.col("second") == 0)
    if not parts.select((fits | end).fill_null(True).all()).item():
        return None
    two = [pl.col(part).cast(pl.String).str.zfill(2) for part in ("hour", "minute", "second")]
    return parts.select(pl.concat_str(two, separator=":")).to_series().alias(values.name)


def hours_of_day(values: pl.Series) -> pl.Series | None:
    """Returns a column of the hours 0 to 24 as texts such as "05:00:00", nulls kept; None where it holds others or
    hardly any."""
    if not values.dtype.is_integer() or values.drop_nulls().n_unique() < _FEWEST_HOURS:
        return None
    if not values.drop_nulls().is_between(0, 24).all():
        return None
    return values.cast(pl.String).str.zfill(2) + ":00:00"


_FEWEST_HOURS = 12
