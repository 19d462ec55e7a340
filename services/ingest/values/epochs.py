"""Times as numbers: seconds to nanoseconds since 1970, LabVIEW seconds, FILETIME, .NET ticks, Excel days, by size."""

from __future__ import annotations

import polars as pl

# What a whole number counts, by its size: lowest and highest value, microseconds a tick (negative: ticks a
# microsecond), microseconds from the number's zero to 1970. The ranges are the years 1973 to 2286; the first that holds
# a number counts.
SECONDS_SINCE_1904 = (3_029_529_600, 4_291_747_200)
"""LabVIEW's time in the years 2000 to 2040; as seconds since 1970 these are the years 2066 to 2105."""
_TICKS = (
    (*SECONDS_SINCE_1904, 1_000_000, -2_082_844_800_000_000),
    (1e8, 1e10, 1_000_000, 0),
    (1e11, 1e13, 1_000, 0),
    (1e14, 1e16, 1, 0),
    (1e18, 1e19, -1_000, 0),
    # Windows FILETIME, tenths of a microsecond since 1601 (1973 to 2131).
    (1.174e17, 1.672e17, -10, -11_644_473_600_000_000),
    # .NET, tenths of a microsecond since year 1 (1973 to 2131).
    (6.225e17, 6.725e17, -10, -62_135_596_800_000_000),
)


def from_epoch(values: pl.Series) -> pl.Series | None:
    """Returns numbers as UTC times when they count from a known zero; None otherwise.

    Known are seconds, ms, us and ns since 1970, LabVIEW's seconds since 1904, Windows FILETIME, .NET ticks and Excel
    days, told apart by size. Whole numbers are read exactly.
    """
    numbers = values.cast(pl.Float64, strict=False)
    typical = numbers.drop_nulls().median()
    if typical is None:
        return None
    size = float(str(typical))
    if 20_000 <= size < 80_000:
        # Excel day 25569 is 1 January 1970.
        return (((numbers - 25_569) * 86_400e3).round().cast(pl.Int64) * 1000).cast(pl.Datetime("us", "UTC"))
    for low, high, ticks, zero in _TICKS:
        if not low <= size < high:
            continue
        # A number far from the others would not fit the clock.
        numbers = numbers.set(~numbers.is_between(low / 10, high * 10), None)
        whole = values.cast(pl.Int64, strict=False) if values.dtype in (pl.String, pl.Int64) else None
        if whole is not None and whole.null_count() == values.null_count():
            whole = whole.set(numbers.is_null(), None)
            micro = whole * ticks if ticks > 0 else whole // -ticks
        else:
            micro = (numbers * ticks if ticks > 0 else numbers / -ticks).round().cast(pl.Int64)
        return (micro + zero).cast(pl.Datetime("us", "UTC"))
    return None
