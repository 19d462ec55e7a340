"""A line of bars that keeps the place of what is missing, for looking at a series before and after it was
cleaned, and at the whole course of a training."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_ASCII_BARS = "_.-=^"


def gapped_sparkline(
    values: Sequence[float], width: int, *, scale: Sequence[float] = (), ascii_only: bool = False
) -> str:
    """Returns the values as at most `width` bars in order, each the mean of its share of them; a share without any
    finite value is a dot. The bars reach from the least to the greatest mean, or value of `scale`."""
    if not values or width < 1:
        return ""
    count = min(width, len(values))
    shares = [values[len(values) * i // count : len(values) * (i + 1) // count] for i in range(count)]
    means = [_mean([v for v in share if math.isfinite(v)]) for share in shares]
    known = [m for m in means if m is not None]
    if not known:
        return "·" * count
    bars = _ASCII_BARS if ascii_only else _BARS
    among = [v for v in scale if math.isfinite(v)] or known
    low, span = min(among), (max(among) - min(among)) or 1.0
    return "".join("·" if m is None else bars[min(int((m - low) / span * len(bars)), len(bars) - 1)] for m in means)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
