"""The engine of slow paths: a plain variational autoencoder of smooth scores.

A smooth path is a few numbers at any time, and the latent that this encoder finds for it moves as slowly as the path
does: that is what its memory is fitted on. The engines of the refined models (`services.refine.engines`) model rows,
with priors and frames that make rows better and their latents' movement harder to describe; for a slow path less is
more. Encoder q(z | x, c) and decoder p(x | z, c) are Gaussian, with one sigma a column (Kingma & Welling 2014). Noise
is [z, residual / sigma]: decoding it reproduces the row that was encoded.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from services.refine.engines import Engine

LEAST_LOG_SIGMA, MOST_LOG_SIGMA = -5.0, 1.0


def _network(inputs: int, width: int, depth: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Linear(inputs, width), nn.SiLU()]
    for _ in range(depth - 2):
        layers += [nn.Linear(width, width), nn.SiLU()]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


class PathEngine(Engine):
    """Encoder and decoder are two-layer SiLU networks that both see the conditions. It is never stored."""

    kind: ClassVar[str] = "path"

    def build(self) -> None:
        columns, conditions = len(self.layout.scores), len(self.layout.conditions)
        width, depth, latent = self.shape.width, self.shape.depth, self.shape.latent
        self.encoder = _network(columns + conditions, width, depth, 2 * latent)
        self.decoder = _network(latent + conditions, width, depth, columns)
        self.log_sigma = nn.Parameter(torch.full((columns,), -1.0))

    def fit_frame(self, scores: object) -> None:
        """Leaves the scores as they are: sigma a column is in their own frame."""

    @property
    def noise_width(self) -> int:
        return self.shape.latent + len(self.layout.scores)

    def sigma(self) -> Tensor:
        """Returns the decoder's standard deviation a column, (C,)."""
        return self.log_sigma.clamp(LEAST_LOG_SIGMA, MOST_LOG_SIGMA).exp()

    def losses(self, x: Tensor, observed: Tensor, c: Tensor, generator: torch.Generator) -> Tensor:
        mean, log_variance = self.encoder(torch.cat([x, c], 1)).chunk(2, 1)
        z = mean + torch.randn(mean.shape, generator=generator).to(x.device) * (0.5 * log_variance).exp()
        residual = (x - self.decoder(torch.cat([z, c], 1))) / self.sigma()
        reconstruction = ((0.5 * residual.square() + self.sigma().log()) * observed).sum(1)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
        loss: Tensor = reconstruction + divergence
        return loss

    def to_scores(self, noise: Tensor, c: Tensor, evaluations: int) -> Tensor:
        z, residual = noise[:, : self.shape.latent], noise[:, self.shape.latent :]
        scores: Tensor = self.decoder(torch.cat([z, c], 1)) + residual * self.sigma()
        return scores

    def to_noise(self, x: Tensor, c: Tensor, evaluations: int, generator: torch.Generator) -> Tensor:
        mean, log_variance = self.encoder(torch.cat([x, c], 1)).chunk(2, 1)
        z = mean + torch.randn(mean.shape, generator=generator).to(x.device) * (0.5 * log_variance).exp()
        residual = (x - self.decoder(torch.cat([z, c], 1))) / self.sigma()
        return torch.cat([z, residual], 1)

    def input_layers(self) -> dict[str, tuple[str, ...]]:
        conditions = tuple(f"c:{name}" for name in self.layout.conditions)
        return {"encoder.0.weight": (*(f"x:{name}" for name in self.layout.scores), *conditions)}

    def output_rows(self) -> dict[str, tuple[str, ...]]:
        return {"log_sigma": tuple(f"x:{name}" for name in self.layout.scores)}
