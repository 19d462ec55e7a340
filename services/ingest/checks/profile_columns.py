"""Columns in numbers for people and for mapping: type, unit, missing share, samples, quantiles, direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from services.ingest.checks.validation import type_in_words

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
SAMPLES = 5
_EXACT_ROWS = 10_000


@dataclass(frozen=True)
class ColumnProfile:
    """One column. `quantiles` as QUANTILES, empty unless numeric; `monotonic_share` is the larger share of steps that
    do not fall or do not rise."""

    name: str
    type: str
    unit: str
    missing_share: float
    distinct: int
    samples: tuple[str, ...]
    quantiles: tuple[float, ...]
    monotonic_share: float


def profile_columns(table: pl.DataFrame, units: Mapping[str, str]) -> list[ColumnProfile]:
    """Returns one profile a column, in table order."""
    return [_profile(table[n], units.get(n, "")) for n in table.columns]


def _profile(values: pl.Series, unit: str) -> ColumnProfile:
    filled = values.drop_nulls()
    exact = len(filled) <= _EXACT_ROWS
    distinct = filled.n_unique() if exact else int(str(filled.approx_n_unique()))
    samples = filled.head(2000).unique(maintain_order=True).head(SAMPLES).cast(pl.String, strict=False)
    quantiles: tuple[float, ...] = ()
    monotonic = 0.0
    if values.dtype.is_numeric() and len(filled):
        numbers = filled.cast(pl.Float64).sort()
        quantiles = tuple(float(numbers[round(q * (len(numbers) - 1))]) for q in QUANTILES)
    if (values.dtype.is_numeric() or values.dtype.is_temporal()) and len(filled) > 1:
        after, before = filled.slice(1), filled.slice(0, len(filled) - 1)
        rising, falling = (after >= before).mean(), (after <= before).mean()
        monotonic = max(float(rising or 0.0), float(falling or 0.0))  # type: ignore[arg-type]
    return ColumnProfile(
        name=values.name,
        type=type_in_words(values.dtype),
        unit=unit,
        missing_share=values.null_count() / max(1, len(values)),
        distinct=distinct,
        samples=tuple(s[:80] for s in samples.to_list() if s is not None),
        quantiles=quantiles,
        monotonic_share=monotonic,
    )
