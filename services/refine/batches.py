"""Encoded rows, and the batches of them that a network is trained on: shuffled, or drawn by weight.

All random draws come from the generator that the training keeps in its checkpoints.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from services.refine.engines.network import Floats, Network

GATHERED = 32  # batches whose rows are fetched at once


@dataclass(frozen=True)
class Rows:
    """Encoded rows: scores (n, C) with NaN where missing, conditions (n, K), sampling weights (n,) or None for even."""

    scores: Floats
    conditions: Floats | None = None
    weights: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def chosen(self, index: NDArray[Any]) -> Rows:
        """Returns the rows at `index` (positions or a mask)."""
        conditions = None if self.conditions is None else self.conditions[index]
        return Rows(self.scores[index], conditions, None if self.weights is None else self.weights[index])


class Batches:
    """Rows as tensors, shuffled (or drawn by weight) once an epoch and handed out batch by batch."""

    def __init__(self, network: Network, rows: Rows, size: int, generator: torch.Generator) -> None:
        self.size = size
        self._generator = generator
        observed = ~np.isnan(rows.scores)
        self._gaps = not bool(observed.all())
        conditions = np.zeros((len(rows), 0), np.float32) if rows.conditions is None else rows.conditions
        self._x = torch.from_numpy(np.nan_to_num(rows.scores, nan=0.0).astype(np.float32)).to(network.device)
        self._observed = torch.from_numpy(observed.astype(np.float32)).to(network.device)
        self._c = torch.from_numpy(np.ascontiguousarray(conditions, np.float32)).to(network.device)
        even = rows.weights is None or float(np.ptp(rows.weights)) == 0.0
        self._weights = None if even else torch.from_numpy(np.asarray(rows.weights, np.float64))
        self._order = torch.zeros(0, dtype=torch.long)
        self._gathered: tuple[Tensor, ...] = ()

    def shuffle(self, steps: int) -> None:
        """Draws the order of the next `steps` batches."""
        wanted, n = steps * self.size, len(self._x)
        if self._weights is not None:
            # Inverse of the cumulative weights: torch.multinomial stops at 2^24 rows.
            cumulative = torch.cumsum(self._weights, 0)
            draws = torch.rand(wanted, generator=self._generator, dtype=torch.float64) * cumulative[-1]
            self._order = torch.searchsorted(cumulative, draws).clamp(max=n - 1)
        else:
            passes = [torch.randperm(n, generator=self._generator) for _ in range(math.ceil(wanted / n))]
            self._order = torch.cat(passes)[:wanted]

    def batch(self, k: int) -> tuple[Tensor, Tensor, Tensor]:
        """Returns (x, observed, c) of batch `k`, with fresh noise where a score is missing. Batches come in order."""
        place = k % GATHERED
        if place == 0:
            index = self._order[k * self.size : (k + GATHERED) * self.size].to(self._x.device)
            self._gathered = tuple(part.index_select(0, index) for part in (self._x, self._observed, self._c))
        x, observed, c = (part[place * self.size : (place + 1) * self.size] for part in self._gathered)
        if self._gaps:
            noise = torch.randn(x.shape, generator=self._generator).to(x.device)
            x = torch.where(observed > 0, x, noise)
        return x, observed, c
