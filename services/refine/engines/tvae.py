"""A tabular variational autoencoder in normal-score space, with its encoder kept so that training can go on.

Encoder q(z | x, c) and decoder p(x | z, c) are Gaussian, the prior p(z | c) is learnt with them; the objective is the
evidence lower bound (Kingma & Welling 2014; for tables Xu et al. 2019). Unlike the published TVAE

- columns are framed normal scores, not mixture modes: a row is one vector, no new regime is clipped to an old mode;
- the decoder says how uncertain it is of each column of each row;
- the prior is N(0, I) seen through affine couplings (Dinh et al. 2017; as a learnt prior Chen et al. 2017): the codes
  of real rows leave holes in N(0, I), and what is decoded from a hole resembles no row;
- `settle` notes the covariance of the training rows' noise, and decoding begins with noise of that kind.

Noise is [prior code, residual / sigma], whitened: decoding it reproduces the row that was encoded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from services.refine.engines.base import Engine
from services.refine.engines.linear import Body, Linear
from services.refine.engines.network import Floats

LOG_SIGMA = (-5.0, 1.0)  # limits of the decoder's log sigma: a column that is a function of others would blow it up
COUPLINGS = 2  # of the prior; each moves and stretches one half of the code by what it reads in the other
COUPLING_WIDTH = 64
MOST_STRETCH = 2.0  # of one coupling, as a logarithm
SETTLING_ROWS = 4096  # whose noise is looked at
ROWS_TO_BELIEVE = 8  # for each column of noise: so many rows, and its covariance counts as much as N(0, I)


class Coupling(nn.Module):
    """(a, b) <-> (a, (b - shift(a, c)) * exp(-stretch(a, c))): invertible whatever the two functions are."""

    def __init__(self, read: int, conditions: int, moved: int) -> None:
        super().__init__()
        self.body = Body(read + conditions, COUPLING_WIDTH, 1)
        self.leave = Linear(COUPLING_WIDTH, 2 * moved)
        nn.init.zeros_(self.leave.weight)  # begins as the identity
        nn.init.zeros_(self.leave.bias)

    def forward(self, a: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Returns (shift, stretch)."""
        shift, stretch = self.leave(self.body(a, c)).chunk(2, 1)
        return shift, MOST_STRETCH * torch.tanh(stretch / MOST_STRETCH)


class TvaeEngine(Engine):
    """Encoder, decoder and prior all see the conditions."""

    kind: ClassVar[str] = "tvae"

    def build(self) -> None:
        columns, conditions = len(self.layout.scores), len(self.layout.conditions)
        width, depth, latent = self.shape.width, self.shape.depth, self.shape.latent
        self.encoder = Body(columns + conditions, width, depth)
        self.encoder_code = Linear(width, 2 * latent)
        self.decoder = Body(latent + conditions, width, depth)
        self.decoder_mean = Linear(width, columns)
        self.decoder_log_sigma = Linear(width, columns)
        nn.init.constant_(self.decoder_log_sigma.bias, -1.0)
        halves = (latent // 2, latent - latent // 2)
        self.prior = nn.ModuleList(Coupling(halves[k % 2], conditions, halves[1 - k % 2]) for k in range(COUPLINGS))
        self.noise_root = nn.Parameter(torch.eye(self.noise_width), requires_grad=False)

    @property
    def noise_width(self) -> int:
        return self.shape.latent + len(self.layout.scores)

    def encoded(self, x: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean and log variance (n, latent) of the codes of framed scores."""
        mean, log_variance = self.encoder_code(self.encoder(x, c)).chunk(2, 1)
        return mean, log_variance

    def decoded(self, z: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean and log sigma (n, C) of the framed scores of codes."""
        h = self.decoder(z, c)
        return self.decoder_mean(h), self.decoder_log_sigma(h).clamp(*LOG_SIGMA)

    def losses(self, x: Tensor, observed: Tensor, c: Tensor, generator: torch.Generator) -> Tensor:
        x = x @ self.frame
        mean, log_variance = self.encoded(x, c)
        draw = torch.randn(mean.shape, generator=generator).to(x.device)
        z = torch.addcmul(mean, draw, (0.5 * log_variance).exp())
        x_mean, log_sigma = self.decoded(z, c)
        whole = bool(observed.all())
        error = x - x_mean if whole else self.masked(x - x_mean, observed)
        residual = error * (-log_sigma).exp()
        unlikely = torch.add(log_sigma, residual.square(), alpha=0.5)
        reconstruction = (unlikely if whole else unlikely * observed).sum(1)
        code, stretch = self.to_prior(z, c)
        # log q(z | x) - log p(z) at the z that was drawn: with couplings in between there is no closed form.
        divergence = 0.5 * (code.square() - draw.square() - log_variance).sum(1) + stretch
        loss: Tensor = reconstruction + divergence
        return loss

    def to_prior(self, z: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the prior's N(0, I) variables (n, latent) of codes, and by how much they were compressed, (n,)."""
        halves, stretches = self._halves(z), []
        for k, coupling in enumerate(self.prior):
            shift, stretch = coupling(halves[k % 2], c)
            halves[1 - k % 2] = (halves[1 - k % 2] - shift) * (-stretch).exp()
            stretches.append(stretch)
        return torch.cat(halves, 1), torch.cat(stretches, 1).sum(1)

    def _halves(self, code: Tensor) -> list[Tensor]:
        """Returns what the couplings tell apart of codes (n, latent)."""
        half = self.shape.latent // 2
        return list(torch.split(code, [half, self.shape.latent - half], 1))

    def from_prior(self, code: Tensor, c: Tensor) -> Tensor:
        """Returns the codes of the prior's variables: `to_prior`, undone."""
        halves = self._halves(code)
        for k, coupling in reversed(list(enumerate(self.prior))):
            shift, stretch = coupling(halves[k % 2], c)
            halves[1 - k % 2] = halves[1 - k % 2] * stretch.exp() + shift
        return torch.cat(halves, 1)

    def to_scores(self, evaluations: int) -> Callable[[Tensor, Tensor], Tensor]:
        def decode(noise: Tensor, c: Tensor) -> Tensor:
            noise = noise @ self.noise_root
            code, residual = noise[:, : self.shape.latent], noise[:, self.shape.latent :]
            x_mean, log_sigma = self.decoded(self.from_prior(code, c), c)
            return (x_mean + residual * log_sigma.exp()) @ self.unframe

        return decode

    def to_noise(self, x: Tensor, c: Tensor, evaluations: int, generator: torch.Generator) -> Tensor:
        noise: Tensor = self._raw_noise(x, c, generator) @ torch.linalg.inv(self.noise_root)
        return noise

    def _raw_noise(self, x: Tensor, c: Tensor, generator: torch.Generator) -> Tensor:
        x = x @ self.frame
        mean, log_variance = self.encoded(x, c)
        z = mean + torch.randn(mean.shape, generator=generator).to(x.device) * (0.5 * log_variance).exp()
        x_mean, log_sigma = self.decoded(z, c)
        return torch.cat([self.to_prior(z, c)[0], (x - x_mean) * (-log_sigma).exp()], 1)

    @torch.no_grad()
    def settle(self, scores: Floats, conditions: Floats | None) -> None:
        n, width, generator = len(scores), self.noise_width, torch.Generator().manual_seed(0)
        chosen = np.linspace(0, n - 1, min(n, SETTLING_ROWS)).astype(np.int64)
        x, observed, c = self.tensors(scores[chosen], None if conditions is None else conditions[chosen], generator)
        draws = max(1, min(8, SETTLING_ROWS // n))
        noise = torch.cat([self._raw_noise(x, c, generator) for _ in range(draws)])
        fresh = torch.randn(noise.shape, generator=generator).to(noise.device)
        known = torch.cat([torch.ones(len(x), self.shape.latent, device=x.device), observed], 1).repeat(draws, 1)
        noise = torch.where(known > 0, noise, fresh)
        share = n / (n + ROWS_TO_BELIEVE * width)  # few rows say little: the rest is N(0, I)
        covariance = share * torch.cov(noise.double().T) + (1 - share) * torch.eye(width, device=noise.device)
        variances, directions = torch.linalg.eigh(covariance)
        self.noise_root.copy_((directions * variances.clamp(min=1e-6).sqrt()) @ directions.T)

    def encoder_parameters(self) -> list[nn.Parameter]:
        return [*self.encoder.parameters(), *self.encoder_code.parameters()]

    def input_layers(self) -> dict[str, tuple[str, ...]]:
        scores = tuple(f"x:{name}" for name in self.layout.scores)
        conditions = tuple(f"c:{name}" for name in self.layout.conditions)
        code = tuple(f"z:{i}" for i in range(self.shape.latent))
        half = self.shape.latent // 2
        read = {f"prior.{k}.body.enter.weight": (code[:half], code[half:])[k % 2] for k in range(COUPLINGS)}
        return {
            "encoder.enter.weight": (*scores, *conditions),
            "decoder.enter.weight": (*code, *conditions),
            **{name: (*half_code, *conditions) for name, half_code in read.items()},
        }

    def output_rows(self) -> dict[str, tuple[str, ...]]:
        scores = tuple(f"x:{name}" for name in self.layout.scores)
        heads = ("decoder_mean", "decoder_log_sigma")
        return {f"{head}.{part}": scores for head in heads for part in ("weight", "bias")}

    def square(self) -> dict[str, tuple[str, ...]]:
        code = tuple(f"z:{i}" for i in range(self.shape.latent))
        return super().square() | {"noise_root": (*code, *(f"x:{name}" for name in self.layout.scores))}
