"""All columns at once, without a model: the energy distance between two clouds of rows."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from services.compare.metrics.samples import Measured, Samples

MOST_ROWS = 2500


def energy_distance(samples: Samples) -> Measured:
    """Energy distance 2 E|X - Y| - E|X - X'| - E|Y - Y'| (Székely & Rizzo 2013), never negative, 0 for equal sources.

    Columns are scaled by the standard deviation of the real training rows, states one-hot; at most 2,500 rows a side,
    drawn at random. Floor: E|X - X'| * (1 / n_test + 1 / n).
    """
    pick_test = samples.pick(len(samples.test), MOST_ROWS, stream=1)
    pick_rows = samples.pick(len(samples.rows), MOST_ROWS, stream=2)
    x = samples.scaled(samples.test.take(pick_test))
    y = samples.scaled(samples.rows.take(pick_rows))
    p = samples.test_weights[:, pick_test]
    q = samples.weights[:, pick_rows]
    p = p / np.maximum(p.sum(axis=1, keepdims=True), 1e-12)
    q = q / np.maximum(q.sum(axis=1, keepdims=True), 1e-12)
    between, within_x, within_y = cdist(x, y), cdist(x, x), cdist(y, y)
    values = (
        2 * np.einsum("bi,bi->b", p @ between, q)
        - np.einsum("bi,bi->b", p @ within_x, p)
        - np.einsum("bi,bi->b", q @ within_y, q)
    )
    floor = float(within_x.mean()) * (1 / len(x) + 1 / len(y))
    return Measured(float(max(values[0], 0.0)), values[1:], floor=floor)
