"""What tests of engines and of their training share: a joint distribution that is known, and a small network."""

from __future__ import annotations

import numpy as np

from services.refine.engines import Shape
from services.refine.training import Schedule

KINDS = ("flow", "tvae")
SMALL = Shape(width=48, depth=3, latent=6)
PLAN = Schedule(epochs=15, batch_size=128, steps_per_epoch=30, learning_rate=1e-2)


def joint(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Four correlated N(0, 1) columns; the condition shifts the first by two."""
    rng = np.random.default_rng(seed)
    shared, condition = rng.normal(size=rows), rng.integers(0, 2, rows)
    columns = [shared, 0.9 * shared + 0.436 * rng.normal(size=rows), -0.6 * shared + 0.8 * rng.normal(size=rows)]
    scores = np.column_stack([*columns, rng.normal(size=rows)])
    scores[:, 0] += 2 * condition
    return scores.astype(np.float32), condition[:, None].astype(np.float32)
