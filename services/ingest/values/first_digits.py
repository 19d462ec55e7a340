"""Times in digits in a first column without a name that tells: `1352500095 599` of a meter, the index of a table.

No heading tells them, so their course must: they never fall, and their steps are alike, which those of counters are
not.
"""

from __future__ import annotations

import polars as pl

from services.ingest.values.digit_times import find_digit_time, written_in_digits
from services.ingest.values.timestamps import TimeColumn

_UNTOLD = ("column_1", "index", "Unnamed: 0")
"""pandas calls an index without a name so where it writes one, and a column without a name where it reads one."""
_FEWEST = 5
_LOOKED_AT = 10
_ALIKE = 0.5
"""Share of the steps that must be about the median one: meters miss readings and write some late."""
_ABOUT = 0.25


def find_first_digits(texts: pl.Series) -> TimeColumn | None:
    """Returns a first column without a name of trimmed texts as times when they run as a clock does, else None."""
    if not may_be_first_digits(texts):
        return None
    found = find_digit_time(texts.alias("timestamp"))
    return found if found is not None and _runs(found.values) else None


def counted_time(values: pl.Series) -> TimeColumn | None:
    """Returns numbers of a column that is called a time, or of a nameless first one, as texts of the same digits."""
    head = values.drop_nulls().head(_LOOKED_AT).cast(pl.String)
    if not written_in_digits(head) and not may_be_first_digits(head):
        return None
    texts = values.cast(pl.String)
    return find_digit_time(texts) or find_first_digits(texts)


def may_be_first_digits(texts: pl.Series) -> bool:
    """Returns whether a part of a column may be one of such times."""
    return texts.name in _UNTOLD and written_in_digits(texts.alias("timestamp"))


def _runs(times: pl.Series) -> bool:
    steps = times.drop_nulls().dt.epoch("us").diff().drop_nulls()
    moving = steps.filter(steps != 0)
    if len(moving) < _FEWEST or (steps < 0).any():
        return False
    median = float(moving.median())  # type: ignore[arg-type]
    return bool(moving.is_between((1 - _ABOUT) * median, (1 + _ABOUT) * median).sum() >= _ALIKE * len(moving))
