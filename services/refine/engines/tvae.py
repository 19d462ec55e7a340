"""A tabular variational autoencoder in normal-score space, with its encoder kept so that training can go on.

Encoder q(z | x, c) and decoder p(x | z, c) are Gaussian; the objective is the evidence lower bound (Kingma & Welling
2014; for tables Xu et al. 2019). Unlike the published TVAE the columns are normal scores rather than mixture modes, so
a row is one vector, the decoder's noise is one learned sigma a column, and a new operating regime is never clipped to
an old mode. Noise is [z, residual / sigma]: decoding it reproduces the row that was encoded.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from services.refine.engines.base import Engine

LOG_SIGMA = (
    -5.0,
    1.0,
)  # limits of the decoder's log sigma: keeps a column that is a function of others from blowing up


def _network(inputs: int, width: int, depth: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Linear(inputs, width), nn.SiLU()]
    for _ in range(depth - 2):
        layers += [nn.Linear(width, width), nn.SiLU()]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


class TvaeEngine(Engine):
    """Encoder and decoder are two-layer SiLU networks that both see the conditions."""

    kind: ClassVar[str] = "tvae"

    def build(self) -> None:
        columns, conditions = len(self.layout.scores), len(self.layout.conditions)
        width, depth, latent = self.shape.width, self.shape.depth, self.shape.latent
        self.encoder = _network(columns + conditions, width, depth, 2 * latent)
        self.decoder = _network(latent + conditions, width, depth, columns)
        self.log_sigma = nn.Parameter(torch.full((columns,), -1.0))

    @property
    def noise_width(self) -> int:
        return self.shape.latent + len(self.layout.scores)

    def sigma(self) -> Tensor:
        """Returns the decoder's standard deviation a column, (C,)."""
        return self.log_sigma.clamp(*LOG_SIGMA).exp()

    def losses(self, x: Tensor, observed: Tensor, c: Tensor, generator: torch.Generator) -> Tensor:
        mean, log_variance = self.encoder(torch.cat([x, c], 1)).chunk(2, 1)
        noise = torch.randn(mean.shape, generator=generator).to(x.device)
        z = mean + noise * (0.5 * log_variance).exp()
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

    def encoder_parameters(self) -> list[nn.Parameter]:
        return list(self.encoder.parameters())

    def input_layers(self) -> dict[str, tuple[str, ...]]:
        scores = tuple(f"x:{name}" for name in self.layout.scores)
        conditions = tuple(f"c:{name}" for name in self.layout.conditions)
        code = tuple(f"z:{i}" for i in range(self.shape.latent))
        return {"encoder.0.weight": (*scores, *conditions), "decoder.0.weight": (*code, *conditions)}

    def output_rows(self) -> dict[str, tuple[str, ...]]:
        scores = tuple(f"x:{name}" for name in self.layout.scores)
        last = f"decoder.{len(self.decoder) - 1}"
        return {f"{last}.weight": scores, f"{last}.bias": scores, "log_sigma": scores}
