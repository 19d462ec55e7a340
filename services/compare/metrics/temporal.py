"""Structure in time, for sets that are time series: autocorrelation and step sizes within runs."""

from __future__ import annotations

import numpy as np
from scipy.stats import wasserstein_distance

from services.compare.datasets import Floats, Rows

MAX_LAG = 50


def autocorrelation(rows: Rows, lags: int = MAX_LAG) -> Floats:
    """Returns the autocorrelation (lags, d) at lags 1 to `lags`, pooled over runs, each column about its mean over all
    rows; NaN where no run is long enough or a column does not vary. Pairs with a missing value are left out."""
    center = np.nanmean(rows.numeric, axis=0) if len(rows) else np.zeros(rows.numeric.shape[1])
    x = rows.numeric - center
    variance = np.nanmean(x * x, axis=0)
    result = np.full((lags, x.shape[1]), np.nan)
    for lag in range(1, lags + 1):
        together = rows.runs[lag:] == rows.runs[:-lag]
        if together.sum() < 10:
            break
        result[lag - 1] = np.nanmean(x[lag:][together] * x[:-lag][together], axis=0)
    return np.asarray(result / np.where(variance > 0, variance, np.nan))


def autocorrelation_error(real: Rows, rows: Rows) -> tuple[float | None, dict[int, float]]:
    """Returns the mean |difference| of autocorrelations over lags 1 to 50 and columns, and its mean for each column
    index. None where either set has no runs of at least two neighbours."""
    gap = np.abs(autocorrelation(real) - autocorrelation(rows))
    if not np.isfinite(gap).any():
        return None, {}
    per_column = {j: float(np.nanmean(gap[:, j])) for j in range(gap.shape[1]) if np.isfinite(gap[:, j]).any()}
    return float(np.nanmean(gap)), per_column


def step_distance(real: Rows, rows: Rows, scale: Floats) -> float | None:
    """Returns the Wasserstein-1 distance of first differences within runs over `scale`, mean over columns."""
    distances = []
    for j in range(real.numeric.shape[1]):
        steps = [np.diff(part.numeric[:, j])[part.runs[1:] == part.runs[:-1]] for part in (real, rows)]
        steps = [step[~np.isnan(step)] for step in steps]
        if min(len(step) for step in steps) >= 10:
            distances.append(float(wasserstein_distance(*steps)) / float(scale[j]))
    return float(np.mean(distances)) if distances else None
