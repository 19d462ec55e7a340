"""How columns move together: errors of the correlation matrix."""

from __future__ import annotations

import numpy as np

from services.compare.datasets import Floats
from services.compare.metrics.samples import UNKNOWN, Measured, Samples


def pearson(numeric: Floats, weights: Floats | None = None) -> Floats:
    """Returns the correlation matrix (d, d) over pairwise complete rows; NaN where a column does not vary."""
    mask = ~np.isnan(numeric)
    seen = mask.any(axis=0)
    center = np.zeros(numeric.shape[1])
    center[seen] = np.nanmean(numeric[:, seen], axis=0)
    x = np.where(mask, numeric - center, 0.0)
    w = np.ones(len(numeric)) if weights is None else weights
    if mask.all():
        total = w.sum()
        mean = w @ x / total
        covariance = (x * w[:, None]).T @ x / total - np.outer(mean, mean)
        deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        small = deviation <= 1e-9 * np.maximum(1.0, np.abs(center))
        scale = np.where(small, np.nan, deviation)
        return np.asarray(np.clip(covariance / np.outer(scale, scale), -1.0, 1.0))
    m = mask.astype(np.float64)
    total = np.maximum((m * w[:, None]).T @ m, 1e-12)
    sum_x = (x * w[:, None]).T @ m  # [i, j]: sum of x_i over rows where both are seen
    square = ((x * x) * w[:, None]).T @ m
    cross = (x * w[:, None]).T @ x
    mean_i, mean_j = sum_x / total, sum_x.T / total
    variance_i, variance_j = square / total - mean_i**2, square.T / total - mean_j**2
    tiny = (1e-9 * np.maximum(1.0, np.abs(center))) ** 2
    product = np.where((variance_i > tiny[:, None]) & (variance_j > tiny[None, :]), variance_i * variance_j, np.nan)
    return np.asarray(np.clip((cross / total - mean_i * mean_j) / np.sqrt(product), -1.0, 1.0))


def ranked(numeric: Floats) -> Floats:
    """Returns average ranks a column, NaN where missing; their Pearson correlation is Spearman's."""
    ranks = np.full(numeric.shape, np.nan)
    for j, values in enumerate(numeric.T):
        known = ~np.isnan(values)
        _, place, count = np.unique(values[known], return_inverse=True, return_counts=True)
        ranks[known, j] = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks


def correlation_error(samples: Samples) -> Measured:
    """Mean of |R_real - R_rows| over all pairs of numeric columns (Pearson). Details: max, and both for Spearman.

    Pairs that have no correlation in the real test rows are left out; a column that stopped varying counts as 0.
    Floor: mean |error| from chance, E|N(0, 1)| * sqrt(1 / n_test + 1 / n) * mean(1 - r^2).
    """
    use = np.flatnonzero(samples.varying)
    if len(use) < 2:
        return UNKNOWN
    test, rows = samples.test.numeric[:, use], samples.rows.numeric[:, use]
    upper = np.triu_indices(len(use), 1)
    errors = []
    for w_test, w_rows in zip(samples.test_weights, samples.weights, strict=True):
        errors.append(_errors(pearson(test, w_test), pearson(rows, w_rows))[upper])
    if np.isnan(errors[0]).all():
        return UNKNOWN
    values = np.array([float(np.nanmean(e)) if np.isfinite(e).any() else np.nan for e in errors])
    by_rank = _errors(pearson(ranked(test)), pearson(ranked(rows)))[upper]
    real = pearson(test)
    whole = _errors(real, pearson(rows))
    np.fill_diagonal(whole, np.nan)
    n, m = len(samples.test), len(samples.rows)
    return Measured(
        value=float(values[0]),
        draws=values[1:],
        per_column={
            samples.numeric[j].name: (float(np.nanmean(line)) if np.isfinite(line).any() else None)
            for j, line in zip(use, whole, strict=True)
        },
        details={
            "max": float(np.nanmax(errors[0])),
            "spearman": float(np.nanmean(by_rank)),
            "spearman_max": float(np.nanmax(by_rank)),
        },
        floor=float(np.sqrt(2 / np.pi) * np.sqrt(1 / n + 1 / m) * np.nanmean(1 - real[upper] ** 2)),
    )


def _errors(real: Floats, rows: Floats) -> Floats:
    return np.asarray(np.abs(real - np.where(np.isnan(rows), 0.0, rows)))
