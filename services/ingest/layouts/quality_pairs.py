"""Value columns with the quality column that tells of them: which codes are good, and the table without bad samples.

Works on the counts of codes and on rows by themselves, so that a file may come in parts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from services.ingest.layouts.quality import good_of_counted
from services.ingest.tables import Fact

_OMITTED_IF_GOOD = re.compile(r"status(_?code)?([._](code|symbol))?$", re.I)

Marks = Mapping[str, tuple[set[str], str]]
"""The good codes of each quality column, with their evidence."""


@dataclass(frozen=True)
class Pair:
    """A value column, its quality column, and the tag that both are about."""

    value: str
    quality: str
    tag: str


def code_counts(values: pl.Series) -> dict[str, int]:
    """Returns how often each code of a quality column occurs, the most frequent first; no code is ""."""
    texts = values.cast(pl.String).fill_null("").alias("quality")
    return dict(texts.value_counts(sort=True).iter_rows())


def good_marks(pairs: Sequence[Pair], counts: Mapping[str, Mapping[str, int]]) -> dict[str, tuple[set[str], str]]:
    """Returns the good codes of each quality column with their evidence."""
    every: Counter[str] = Counter()
    for name in dict.fromkeys(p.quality for p in pairs):
        every.update(counts[name])
    marks = {}
    for name in dict.fromkeys(p.quality for p in pairs):
        codes, evidence = good_of_counted(counts[name], 0, name)
        if not codes:
            # What a column that never changes means, the others tell.
            codes, evidence = good_of_counted(dict(every.most_common()), 0, name)
        # OPC UA leaves out the status of a good sample.
        silent = all(not text.strip() for text in counts[name])
        blanks = {t for t in counts[name] if not t.strip()} if silent or _OMITTED_IF_GOOD.search(name) else set()
        marks[name] = (codes | blanks, evidence)
    return marks


def quality_facts(pairs: Sequence[Pair], marks: Marks) -> list[Fact]:
    """Returns what says for each tag by which column its quality was told."""
    return [Fact(f"quality:{p.tag}", p.quality, marks[p.quality][1]) for p in pairs]


def good_samples(frame: pl.DataFrame, pairs: Sequence[Pair], marks: Marks) -> dict[str, pl.Series]:
    """Returns for each value column which of its samples are good."""
    good: dict[str, pl.Series] = {}
    for pair in pairs:
        is_good = frame[pair.quality].cast(pl.String).fill_null("").is_in(list(marks[pair.quality][0]))
        good[pair.value] = good[pair.value] & is_good if pair.value in good else is_good
    return good


def without_bad(frame: pl.DataFrame, pairs: Sequence[Pair], marks: Marks) -> tuple[pl.DataFrame, dict[str, int]]:
    """Returns the frame with bad samples null, and how many there were by column."""
    bad_cells = {}
    for value, is_good in good_samples(frame, pairs, marks).items():
        filled = frame[value].is_not_null()
        if frame[value].dtype == pl.String:
            filled = filled & (frame[value].str.strip_chars() != "").fill_null(False)
        bad = ~is_good & filled
        frame = frame.with_columns(pl.when(pl.Series(is_good)).then(pl.col(value)).otherwise(None).alias(value))
        if bad.any():
            bad_cells[value] = int(bad.sum())
    return frame, bad_cells


def beside_values(names: Sequence[str], pairs: Sequence[Pair]) -> list[str]:
    """Returns the columns of qualities, and of numbers and names of tags: the table made of pairs leaves them out."""
    marks = {p.quality for p in pairs}
    ids = {f"{p.tag}_{word}".lower() for p in pairs for word in ("numericid", "name")}
    return [n for n in names if n in marks or n.lower() in ids]
