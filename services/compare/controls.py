"""What synthetic rows are measured beside: the best one can hope for, and what comes without any training.

- `control`: real training rows. No generator fitted on them can be expected to come nearer to the test rows.
- `bootstrap`: training rows drawn with replacement: perfect marginals, and every row a copy.
- `calibrated_seed`: the original's rows with each column moved onto the training distribution, no training at all. A
  refined model that is not better than this has learnt nothing but margins.
"""

from __future__ import annotations

import numpy as np

from services.compare.datasets import Datasets, Floats, Rows


def bootstrap_of(train: Rows, size: int, seed: int) -> Rows:
    """Returns `size` training rows drawn with replacement."""
    return train.take(np.random.default_rng([seed, 11]).integers(0, len(train), size=size))


def calibrated(seed_rows: Rows, data: Datasets, seed: int) -> Rows:
    """Returns the seed rows with every numeric column mapped by quantiles onto the training values; states stay."""
    rng = np.random.default_rng([seed, 12])
    mapped = seed_rows.numeric.copy()
    for j in range(mapped.shape[1]):
        mapped[:, j] = _onto(mapped[:, j], data.train.numeric[:, j], rng)
    return Rows(mapped, seed_rows.states, seed_rows.runs)


def _onto(values: Floats, target: Floats, rng: np.random.Generator) -> Floats:
    seen, known = ~np.isnan(values), np.sort(target[~np.isnan(target)])
    result = values.copy()
    if not len(known) or not seen.any():
        return result
    # Ties are broken at random: a constant seed column still covers the whole target.
    order = np.lexsort((rng.random(int(seen.sum())), values[seen]))
    rank = np.empty(len(order))
    rank[order] = (np.arange(len(order)) + 0.5) / len(order)
    # An existing value each, never one between two: a target of 0 and 1 stays 0 and 1.
    result[seen] = known[np.minimum((rank * len(known)).astype(np.int64), len(known) - 1)]
    return result
