"""The slow latent of a new run: a real life leads, fresh noise changes it into a life that nobody lived.

Latents without their trend are N(0, 1) at every age, and so is sqrt(share) x a life + sqrt(1 - share) x noise. What the
noise's stationary memory cannot say, how lives begin and end and how far some of them go, the leading life says. Its
share of the variance decides how true and how new a run is: it is chosen on validation runs, and bounded by how near
runs come to real ones. Each life leads as often as any other; lives are aligned at their ends, and one that was shorter
than the run begins with its mirror image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Donors:
    """Slow latents (T, D) of whole real lives in time order, without trend."""

    lives: tuple[Floats, ...]

    @classmethod
    def of(cls, lives: Sequence[Floats]) -> Donors | None:
        """Returns the donors of these latents, brought to unit variance; None without any."""
        if not lives:
            return None
        spread = np.maximum(np.concatenate(list(lives)).std(0), 1e-3)
        return cls(tuple(np.asarray(life / spread, np.float32) for life in lives))

    def blended(self, noise: Floats, lengths: Sequence[int], share: float, rng: np.random.Generator) -> Floats:
        """Returns noise (rows, D), of runs of these lengths one after the other, with a life's `share` in each run."""
        waiting: list[int] = []
        leading = []
        for length in lengths:
            waiting = waiting or rng.permutation(len(self.lives)).tolist()
            life = self.lives[waiting.pop()]
            lacking = max(0, length - len(life))
            leading.append(np.pad(life[-length:], ((lacking, 0), (0, 0)), mode="reflect"))
        return np.asarray(math.sqrt(1 - share) * noise + math.sqrt(share) * np.concatenate(leading), np.float32)
