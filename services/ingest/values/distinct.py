"""Texts that repeat, kept as numbers: four bytes a cell, and each text once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[np.uint32]


@dataclass
class KnownTexts:
    """Distinct texts in order of first appearance, with how often each occurs; no text at all counts as ""."""

    numbers: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, texts: pl.Series) -> Numbers:
        """Returns the number of each text."""
        distinct, codes = distinct_texts(texts.fill_null(""))
        names = distinct.to_list()
        known = np.array([self.numbers.setdefault(n, len(self.numbers)) for n in names], np.uint32)
        for name, count in zip(names, np.bincount(codes, minlength=len(names)).tolist(), strict=True):
            self.counts[name] += count
        return known[codes] if len(known) else codes

    def rename(self, names: Sequence[str]) -> None:
        """Gives the texts other names, in order of their numbers; one that another has too is numbered."""
        taken: dict[str, int] = {}
        for number, name in enumerate(names):
            again = name if name not in taken else f"{name}_{number}"
            taken[again] = number
        self.numbers = taken


def distinct_texts(texts: pl.Series) -> tuple[pl.Series, Numbers]:
    """Returns the distinct texts in order of first appearance, and the place of each text among them."""
    distinct = texts.unique(maintain_order=True).alias("text")
    places = distinct.to_frame().with_row_index("place")
    found = texts.alias("text").to_frame().join(places, on="text", how="left", maintain_order="left", nulls_equal=True)
    return distinct, found["place"].to_numpy().astype(np.uint32)
