"""One column at a time: divergence, distance and errors between the real test values and the values under test."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse

from services.compare.datasets import Codes, Floats
from services.compare.metrics.samples import UNKNOWN, Measured, Samples, averaged


def bin_edges(train: Floats, n_test: int) -> Floats:
    """Returns the inner edges of equal-mass bins of the training values, fewer where values repeat.

    The number of bins is clip(n_test / 20, 5, 20), so that a bin holds about 20 test rows.
    """
    bins = int(np.clip(n_test // 20, 5, 20))
    seen = train[~np.isnan(train)]
    return np.unique(np.quantile(seen, np.arange(1, bins) / bins)) if len(seen) else np.empty(0)


def divergence(test_counts: Floats, counts: Floats) -> Floats:
    """Returns KL(test || rows) in nats from counts (..., bins), each bin smoothed by half a row."""
    p = (test_counts + 0.5) / (test_counts + 0.5).sum(axis=-1, keepdims=True)
    q = (counts + 0.5) / (counts + 0.5).sum(axis=-1, keepdims=True)
    return np.asarray((p * np.log(p / q)).sum(axis=-1))


def kl_divergence(samples: Samples) -> Measured:
    """KL(real test || rows), mean over columns; states by category. Columns that are constant in reality are left to
    `constants_kept`. Floor: (bins - 1) / 2 * (1 / n_train + 1 / n_test), the expectation for identical sources."""
    columns: dict[str, Floats] = {}
    floors = []
    for name, test, rows, train_size, bins in _binned(samples):
        columns[name] = (
            divergence(_counts(test, bins, samples.test_weights), _counts(rows, bins, samples.weights))
            if (rows >= 0).any()
            else np.full(len(samples.weights), np.nan)
        )
        floors.append((bins - 1) / 2 * (1 / max(1, train_size) + 1 / max(1, int((test >= 0).sum()))))
    return averaged(columns, floor=float(np.mean(floors)) if floors else None)


def wasserstein(samples: Samples) -> Measured:
    """Wasserstein-1 distance divided by the standard deviation of the real test values, mean over columns."""
    return averaged({name: distance for name, distance, _ in _transport(samples)})


def kolmogorov_smirnov(samples: Samples) -> Measured:
    """Largest difference of the two distribution functions, mean over columns; 1 - this is SDMetrics' KSComplement."""
    result = averaged({name: largest for name, _, largest in _transport(samples)})
    n, m = len(samples.test), len(samples.rows)
    floor = float(0.8687 * np.sqrt(1 / n + 1 / m))  # mean of the Kolmogorov distribution, sqrt(pi / 2) * ln 2
    return Measured(result.value, result.draws, result.per_column, result.details, floor)


def mean_error(samples: Samples) -> Measured:
    """|mean of rows - mean of real test| / standard deviation of the real test values, mean over columns."""
    return averaged({name: errors[0] for name, errors in _moments(samples)})


def std_error(samples: Samples) -> Measured:
    """|standard deviation of rows - that of the real test values| / the latter, mean over columns."""
    return averaged({name: errors[1] for name, errors in _moments(samples)})


def tail_error(samples: Samples) -> Measured:
    """Mean of the 1 % and 99 % quantile errors, each divided by the real test standard deviation; mean over columns."""
    columns: dict[str, Floats] = {}
    for j in _where(samples.varying):
        test, rows = samples.test.numeric[:, j], samples.rows.numeric[:, j]
        if len(_seen(test)) >= 20 and len(_seen(rows)):
            gap = quantiles(rows, samples.weights, (0.01, 0.99)) - quantiles(test, samples.test_weights, (0.01, 0.99))
            columns[samples.numeric[j].name] = np.abs(gap).mean(axis=1) / _spread(samples, j, _seen(test))
    return averaged(columns)


def quantiles(values: Floats, weights: Floats, at: tuple[float, ...]) -> Floats:
    """Returns quantiles (resamples, len(at)) of values that count as often as the weights (resamples, n) say, by linear
    interpolation as numpy.quantile; missing values count nowhere, NaN where nothing is left."""
    keep = np.flatnonzero(~np.isnan(values))
    order = keep[np.argsort(values[keep], kind="stable")]
    known = values[order]
    result = np.full((len(weights), len(at)), np.nan)
    for b, count in enumerate(weights):
        upto = np.cumsum(count[order])
        if len(upto) and upto[-1] > 0:
            position = np.asarray(at) * (upto[-1] - 1)
            below = np.floor(position)
            above = np.minimum(below + 1, upto[-1] - 1)
            low, high = (known[np.searchsorted(upto, place, side="right")] for place in (below, above))
            result[b] = low + (position - below) * (high - low)
    return result


def missing_error(samples: Samples) -> Measured:
    """|share of missing cells in rows - share in real test|, mean over columns."""
    columns: dict[str, Floats] = {}
    parts = [
        *((c.name, np.isnan(samples.test.numeric[:, j]), np.isnan(samples.rows.numeric[:, j]))
          for j, c in enumerate(samples.numeric)),
        *((c.name, samples.test.states[:, k] < 0, samples.rows.states[:, k] < 0) for k, c in enumerate(samples.states)),
    ]  # fmt: skip
    for name, test, rows in parts:
        columns[name] = np.abs(_share(rows, samples.weights) - _share(test, samples.test_weights))
    return averaged(columns)


def constants_kept(samples: Samples) -> Measured:
    """Share of rows that hold the one value which a column has in all real rows, mean over such columns."""
    columns: dict[str, Floats] = {}
    for j in _where(~samples.varying):
        test, rows = _seen(samples.test.numeric[:, j]), samples.rows.numeric[:, j]
        seen = ~np.isnan(rows)
        if len(test) and seen.any():
            kept = np.abs(rows[seen] - test[0]) <= 1e-6 * max(1.0, abs(float(test[0])))
            columns[samples.numeric[j].name] = _share(kept, samples.weights[:, seen])
    return averaged(columns) if columns else UNKNOWN


def _share(flags: npt.NDArray[np.bool_], weights: Floats) -> Floats:
    return np.asarray(weights @ flags / np.maximum(weights.sum(axis=1), 1e-12))


def limit_violations(samples: Samples) -> Measured:
    """Share of rows with any value outside its physical limits in the profile; per column its own share."""
    outside = np.zeros(len(samples.rows), dtype=bool)
    columns: dict[str, float | None] = {}
    for j, column in enumerate(samples.numeric):
        if column.low is None and column.high is None:
            continue
        values = samples.rows.numeric[:, j]
        # A limit given to four digits must not fail a value that differs in the fifteenth.
        slack = 1e-9 * max(abs(column.low or 0.0), abs(column.high or 0.0), 1.0)
        beyond = np.zeros(len(values), dtype=bool)
        if column.low is not None:
            beyond |= values < column.low - slack
        if column.high is not None:
            beyond |= values > column.high + slack
        columns[column.name] = float(beyond.mean())
        outside |= beyond
    if not columns:
        return UNKNOWN
    shares = samples.weights @ outside / samples.weights.sum(axis=1)
    return Measured(float(shares[0]), shares[1:], columns, {"rows": float(outside.sum())}, 0.0)


def _binned(samples: Samples) -> Iterator[tuple[str, Codes, Codes, int, int]]:
    """Yields name, test codes, row codes (-1 = missing), number of training values and number of bins."""
    for j in _where(samples.varying):
        train = samples.train.numeric[:, j]
        edges = bin_edges(train, len(samples.test))
        sizes = int((~np.isnan(train)).sum())
        test, rows = (
            np.where(np.isnan(values), -1, np.searchsorted(edges, values, side="right"))
            for values in (samples.test.numeric[:, j], samples.rows.numeric[:, j])
        )
        yield samples.numeric[j].name, test, rows, sizes, len(edges) + 1
    for k, column in enumerate(samples.states):
        sizes = int((samples.train.states[:, k] >= 0).sum())
        yield column.name, samples.test.states[:, k], samples.rows.states[:, k], sizes, len(column.categories)


def _counts(codes: Codes, bins: int, weights: Floats) -> Floats:
    """Returns weighted counts of codes, (resamples, bins); missing values count nowhere."""
    seen = np.flatnonzero(codes >= 0)
    one_hot = sparse.csr_matrix((np.ones(len(seen)), (codes[seen], seen)), shape=(bins, len(codes)))
    return np.asarray((one_hot @ weights.T).T)


def _transport(samples: Samples) -> Iterator[tuple[str, Floats, Floats]]:
    """Yields name, Wasserstein-1 / std and Kolmogorov-Smirnov distance, each (1 + resamples,)."""
    for j in _where(samples.varying):
        test, rows = samples.test.numeric[:, j], samples.rows.numeric[:, j]
        keep_test, keep_rows = ~np.isnan(test), ~np.isnan(rows)
        if not keep_test.any() or not keep_rows.any():
            nothing = np.full(len(samples.weights), np.nan)
            yield samples.numeric[j].name, nothing, nothing
            continue
        values = np.concatenate([test[keep_test], rows[keep_rows]])
        order = np.argsort(values, kind="stable")
        steps = np.diff(values[order])
        distances = np.empty(len(samples.weights))
        largest = np.empty(len(samples.weights))
        for b, (w_test, w_rows) in enumerate(zip(samples.test_weights, samples.weights, strict=True)):
            w_test, w_rows = w_test[keep_test], w_rows[keep_rows]
            mass = np.concatenate([w_test / w_test.sum(), -w_rows / w_rows.sum()])
            gap = np.abs(np.cumsum(mass[order])[:-1])
            distances[b] = gap @ steps
            largest[b] = gap[steps > 0].max(initial=0.0)
        yield samples.numeric[j].name, distances / _spread(samples, j, test[keep_test]), largest


def _moments(samples: Samples) -> Iterator[tuple[str, tuple[Floats, Floats]]]:
    """Yields name and (mean error, std error), each (1 + resamples,)."""
    for j in _where(samples.varying):
        test, rows = samples.test.numeric[:, j], samples.rows.numeric[:, j]
        if np.isnan(test).all() or np.isnan(rows).all():
            continue
        mean_test, std_test = _weighted(test, samples.test_weights)
        mean_rows, std_rows = _weighted(rows, samples.weights)
        spread = _spread(samples, j, _seen(test))
        ratio = np.abs(std_rows - std_test) / spread
        yield samples.numeric[j].name, (np.abs(mean_rows - mean_test) / spread, ratio)


def _weighted(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    keep = ~np.isnan(values)
    center = float(values[keep].mean())
    offset, w = values[keep] - center, weights[:, keep]
    total = w.sum(axis=1)
    mean = w @ offset / total
    return mean + center, np.sqrt(np.maximum(w @ offset**2 / total - mean**2, 0.0))


def _where(mask: npt.NDArray[np.bool_]) -> list[int]:
    return [int(j) for j in np.flatnonzero(mask)]


def _seen(values: Floats) -> Floats:
    return values[~np.isnan(values)]


def _spread(samples: Samples, j: int, test: Floats) -> float:
    """Standard deviation of the real test values; that of the training values where it is ten times as large.

    A hold-out of some minutes can show a machine at rest: an error of one bar would then be a thousand times the
    noise of the idle sensor, and one such column would drown all others in the mean.
    """
    spread = float(test.std())
    train = _seen(samples.train.numeric[:, j])
    usual = float(train.std()) if len(train) else 0.0
    if spread < 0.1 * usual:
        return usual
    return spread if spread > 1e-9 * max(1.0, abs(float(test.mean()))) else 1.0
