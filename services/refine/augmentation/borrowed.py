"""Columns that the real rows lack and the refined model knows from its seed: borrowed from matching rows of the model.

Each generated row takes them from one of the nearest rows that the refined model samples, near in the scores of the
columns both have. So a borrowed column stands in the refined model's own joint; through time it is only as smooth as
the others make it, which is disclosed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from services.refine.model import Model

SAMPLED_ROWS = 8000
NEIGHBOURS = 4


@dataclass(frozen=True)
class Lender:
    """Rows of the refined model to borrow from; `columns` are the score columns in which nearness is measured."""

    columns: tuple[str, ...]
    rows: pl.DataFrame
    tree: cKDTree

    @classmethod
    def of(cls, model: Model, columns: tuple[str, ...], seed: int) -> Lender:
        """Returns a lender with sampled rows of the model."""
        scores, codes = model.sample_encoded(SAMPLED_ROWS, seed=seed)
        places = [model.codec.continuous.index(name) for name in columns]
        return cls(columns, model.codec.decode(scores, codes), cKDTree(scores[:, places]))

    def matching(self, scores: NDArray[np.float32], seed: int) -> pl.DataFrame:
        """Returns one of the model's rows for each row of scores (n, columns): one of its nearest four."""
        _, neighbours = self.tree.query(scores, k=NEIGHBOURS)
        drawn = np.random.default_rng([seed, 31]).integers(0, NEIGHBOURS, len(scores))
        chosen: pl.DataFrame = self.rows[neighbours[np.arange(len(scores)), drawn]]
        return chosen
