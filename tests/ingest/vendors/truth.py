"""One recording of a made-up pump, the truth that every vendor layout in this package is written from.

Sixty instants, ten seconds apart across an hour's end, four tags: small signed values, values with two decimals, a
counter beyond a thousand, a running flag. A few samples are marked bad by the layouts that can say so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from services.ingest.datasets import Dataset

ROWS = 60
START = dt.datetime(2024, 3, 14, 5, 58, tzinfo=dt.UTC)
TIMES = [START + dt.timedelta(seconds=10 * i) for i in range(ROWS)]
VALUES: dict[str, list[float]] = {
    "Flow": [round(-0.25 + 0.137 * ((i * 7) % 11), 3) for i in range(ROWS)],
    "Temp": [round(53.6 + 0.17 * (i % 9), 2) for i in range(ROWS)],
    "Count": [float(996 + 7 * i) for i in range(ROWS)],
    "Run": [float(i % 10 < 7) for i in range(ROWS)],
}
TAGS = list(VALUES)
BAD = frozenset({(7, "Temp"), (12, "Flow"), (33, "Flow"), (40, "Count"), (41, "Run")})


@dataclass(frozen=True)
class Sample:
    """One sample of the truth; `value` is what a layout writes, bad or not."""

    row: int
    tag: str
    time: dt.datetime
    value: float

    @property
    def bad(self) -> bool:
        return (self.row, self.tag) in BAD

    @property
    def milliseconds(self) -> int:
        """The time in ms since 1970."""
        return int(self.time.timestamp() * 1000)


def samples(by_tag: bool = False) -> Iterator[Sample]:
    """Yields every sample, instant by instant or tag by tag."""
    pairs = [(i, t) for t in TAGS for i in range(ROWS)] if by_tag else [(i, t) for i in range(ROWS) for t in TAGS]
    for row, tag in pairs:
        yield Sample(row, tag, TIMES[row], VALUES[tag][row])


def point(value: float) -> str:
    return f"{value:g}" if value.is_integer() else repr(value)


def comma(value: float) -> str:
    return point(value).replace(".", ",")


def long_file(
    header: str, line: Callable[[Sample], str], *, by_tag: bool = False, end: str = "\r\n", footer: str = ""
) -> str:
    """Returns a file of one sample a line under a header (no header when it is "")."""
    lines = [header] if header else []
    lines += [line(s) for s in samples(by_tag)]
    return end.join(lines) + end + footer


def wide_file(header: str, line: Callable[[int], str], *, end: str = "\r\n", footer: str = "") -> str:
    """Returns a file of one instant a line under a header."""
    return end.join([header, *(line(i) for i in range(ROWS))]) + end + footer


def holds_the_truth(
    dataset: Dataset,
    names: Mapping[str, str] | Callable[[str], str] = lambda tag: tag,
    *,
    bad: bool = True,
    time: str = "timestamp",
    tags: list[str] | None = None,
) -> None:
    """Asserts that a dataset has the truth's times and values cell by cell, bad samples missing and accounted for."""
    column = names if callable(names) else names.__getitem__
    table = dataset.table
    wanted = tags or TAGS
    assert dataset.ledger["balanced"]
    assert [n for n in map(column, wanted) if n not in table.columns] == [], table.columns
    if time:
        stamps = table[time]
        assert isinstance(stamps.dtype, pl.Datetime), (time, stamps.dtype, stamps.head(2).to_list())
        got = [None if t is None else t.replace(tzinfo=dt.UTC) for t in stamps.to_list()]
        assert got == TIMES, (got[:3], TIMES[:3])
    assert table.height == ROWS
    for tag in wanted:
        expected = [None if bad and (i, tag) in BAD else v for i, v in enumerate(VALUES[tag])]
        assert table[column(tag)].cast(pl.Float64).to_list() == expected, tag
    if bad:
        assert dataset.ledger["cells"]["bad"] == sum(t in wanted for _, t in BAD)
