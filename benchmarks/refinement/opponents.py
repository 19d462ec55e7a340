"""The other ways to make rows: floors and ceilings that cost nothing, copulas, and SDV's TVAE where `sdv` is installed.

Each takes rows (n, d), how many rows are wanted, and a seed, and returns rows (wanted, d).
"""

from __future__ import annotations

import importlib.util

import numpy as np
import polars as pl
import torch
from scipy.special import ndtr

from services.refine.codec import Codec


def bootstrap(rows: np.ndarray, wanted: int, seed: int) -> np.ndarray:
    """The training rows again: what memorising is worth."""
    return rows[np.random.default_rng(seed).integers(0, len(rows), wanted)]


def independent(rows: np.ndarray, wanted: int, seed: int) -> np.ndarray:
    """The independence copula: every column's own values, no dependence at all."""
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.choice(rows[:, j], wanted) for j in range(rows.shape[1])])


def gaussian_copula(rows: np.ndarray, wanted: int, seed: int) -> np.ndarray:
    """Normal margins after a linear fit of mean and covariance: no copula could do with less."""
    rng = np.random.default_rng(seed)
    return rng.multivariate_normal(rows.mean(0), np.cov(rows.T), wanted)


def empirical_copula(rows: np.ndarray, wanted: int, seed: int) -> np.ndarray:
    """Empirical margins joined by the normal scores' correlation."""
    rng = np.random.default_rng(seed)
    codec = Codec.fit(_table(rows), keep_kinds=True)
    scores = codec.encode_scores(_table(rows), rng)
    ordered = np.sort(rows, 0)
    levels = (np.arange(len(rows)) + 0.5) / len(rows)
    drawn = np.column_stack([ordered[rng.integers(0, len(rows), wanted), j] for j in range(rows.shape[1])])
    names = [f"c{j}" for j in range(rows.shape[1])]
    normal = rng.multivariate_normal(np.zeros(scores.shape[1]), np.atleast_2d(np.corrcoef(scores.T)), wanted)
    for k, name in enumerate(codec.continuous):  # a column of few values is drawn alone
        j = names.index(name)
        drawn[:, j] = np.interp(ndtr(normal[:, k]), levels, ordered[:, j])
    return drawn


def sdv_installed() -> bool:
    return importlib.util.find_spec("sdv") is not None


class SdvTvae:
    """SDV's TVAE with its defaults, 300 epochs, on one thread."""

    def __init__(self, rows: np.ndarray, seed: int) -> None:
        from sdv.metadata import Metadata
        from sdv.single_table import TVAESynthesizer

        torch.manual_seed(seed)
        np.random.seed(seed)
        columns = {f"c{j}": {"sdtype": "numerical"} for j in range(rows.shape[1])}
        metadata = Metadata.load_from_dict({"tables": {"rows": {"columns": columns}}, "relationships": []})
        self._model = TVAESynthesizer(metadata, epochs=300)
        self._model.fit({"rows": _table(rows).to_pandas()})

    def sample(self, wanted: int) -> np.ndarray:
        return np.asarray(self._model.sample(wanted)["rows"].to_numpy(float))


def _table(rows: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=[f"c{j}" for j in range(rows.shape[1])])
