"""What every generative engine promises: rows of normal scores in, rows of normal scores out, under conditions.

An engine models p(scores | conditions) for scores whose margins are about N(0, 1), and offers one reading of that
density as a *map*: `decode` turns noise N(0, I) into scores and `encode` turns scores back into noise, row by row under
the same conditions. `adapted` makes an engine for other columns: it copies what both layouts share and starts the rest
at zero.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Self

import numpy as np
import torch
from torch import Tensor

from services.refine.engines.network import CHUNK, Floats, Layout, Network

EVALUATIONS = 4  # function evaluations a sampled row where an engine needs any: more change no metric, fewer do


class Engine(Network):
    """A conditional generator of score rows."""

    # What an engine has to say about itself -------------------------------------------------------------------------

    @property
    @abstractmethod
    def noise_width(self) -> int:
        """Columns of noise a row is decoded from."""

    @abstractmethod
    def to_scores(self, evaluations: int) -> Callable[[Tensor, Tensor], Tensor]:
        """Returns the function of noise (n, noise_width) and conditions (n, K) that gives scores (n, C). What all rows
        share is computed here, once."""

    @abstractmethod
    def to_noise(self, x: Tensor, c: Tensor, evaluations: int, generator: torch.Generator) -> Tensor:
        """Returns noise (n, noise_width) that decodes to `x`."""

    @abstractmethod
    def input_layers(self) -> dict[str, tuple[str, ...]]:
        """Returns, for each weight matrix that reads columns, the names of its input columns."""

    @abstractmethod
    def output_rows(self) -> dict[str, tuple[str, ...]]:
        """Returns, for each parameter whose rows are score columns, the names of these rows."""

    def square(self) -> dict[str, tuple[str, ...]]:
        """Returns, for each matrix that turns columns into themselves, their names; a new column turns into itself."""
        return {"frame": self.layout.scores}

    # What callers use -------------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def decode(self, noise: Floats, conditions: Floats | None = None, *, evaluations: int = EVALUATIONS) -> Floats:
        """Returns scores (n, C) for noise (n, noise_width); N(0, I) noise gives samples. Deterministic."""
        n = len(noise)
        out = np.empty((n, len(self.layout.scores)), np.float32)
        c = np.zeros((n, 0), np.float32) if conditions is None else np.ascontiguousarray(conditions, np.float32)
        noise = np.ascontiguousarray(noise, np.float32)
        if noise.shape != (n, self.noise_width) or c.shape != (n, len(self.layout.conditions)):
            raise ValueError(f"{noise.shape=} and {c.shape=} do not fit {self.noise_width=} and {self.layout=}")
        to_scores = self.to_scores(evaluations)
        for i in range(0, n, CHUNK):
            rows = slice(i, i + CHUNK)
            piece = to_scores(torch.from_numpy(noise[rows]).to(self.device), torch.from_numpy(c[rows]).to(self.device))
            out[rows] = piece.cpu().numpy()
        return out

    @torch.no_grad()
    def encode(
        self, scores: Floats, conditions: Floats | None = None, *, evaluations: int = 20, seed: int = 0
    ) -> Floats:
        """Returns noise (n, noise_width), about N(0, I) over rows like the trained ones; random through `seed` only."""
        generator = torch.Generator().manual_seed(seed)
        x, _, c = self.tensors(scores, conditions, generator)
        pieces = [
            self.to_noise(x[i : i + CHUNK], c[i : i + CHUNK], evaluations, generator) for i in range(0, len(x), CHUNK)
        ]
        if not pieces:
            return np.zeros((0, self.noise_width), np.float32)
        return np.asarray(torch.cat(pieces).cpu().numpy(), np.float32)

    def sample(
        self, rows: int, conditions: Floats | None = None, *, seed: int = 0, evaluations: int = EVALUATIONS
    ) -> Floats:
        """Returns `rows` independent score rows under the conditions, one condition row each."""
        noise = np.random.default_rng(seed).standard_normal((rows, self.noise_width), dtype=np.float32)
        return self.decode(noise, conditions, evaluations=evaluations)

    @torch.no_grad()
    def adapted(self, layout: Layout, *, seed: int = 0) -> Self:
        """Returns an engine for another layout that behaves alike on the columns both layouts name.

        A new column starts with no influence on the others (zero input weights) and with freshly drawn output weights.
        """
        twin = type(self)(layout, self.shape, seed=seed)
        source, target = dict(self.named_parameters()), dict(twin.named_parameters())
        old_inputs, new_inputs = self.input_layers() | self.square(), twin.input_layers() | twin.square()
        old_outputs, new_outputs = self.output_rows() | self.square(), twin.output_rows() | twin.square()
        for name, parameter in target.items():
            old = source[name]
            value = parameter.detach().clone()
            rows = _matches(old_outputs.get(name), new_outputs.get(name), len(old))
            if name in self.input_layers():
                value.zero_()
            columns = _matches(old_inputs.get(name), new_inputs.get(name), old.shape[-1])
            if old.dim() == 1:
                value[rows[1]] = old[rows[0]].cpu()
            else:
                value[rows[1][:, None], columns[1][None, :]] = old[rows[0][:, None], columns[0][None, :]].cpu()
            parameter.copy_(value)
        twin._reframe()
        return twin.to(self.device)


def _matches(old: tuple[str, ...] | None, new: tuple[str, ...] | None, size: int) -> tuple[Tensor, Tensor]:
    """Returns the positions (in old, in new) of the names both know; all positions where columns have no names."""
    if old is None or new is None:
        every = torch.arange(size)
        return every, every
    place = {name: i for i, name in enumerate(new)}
    pairs = [(i, place[name]) for i, name in enumerate(old) if name in place]
    return torch.tensor([i for i, _ in pairs], dtype=torch.long), torch.tensor([j for _, j in pairs], dtype=torch.long)
