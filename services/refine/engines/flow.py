"""Flow matching: one small network learns the velocity that carries noise to data along straight lines.

Training regresses v(x_t, t, c) on x_1 - x_0 at x_t = (1 - t) x_0 + t x_1 with x_0 ~ N(0, I) (Lipman et al. 2023,
"Flow Matching for Generative Modeling"; Liu et al. 2023, "Flow Straight and Fast"); x_1 are framed scores. Sampling
integrates dx/dt = v from 0 to 1, encoding integrates it back. The loss has a floor above zero by construction: compare
samples, not losses, between engines.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from services.refine.engines.base import FRAMING, Engine
from services.refine.engines.linear import Linear, linear

FREQUENCIES = 16
WARP = 1.3  # times are 1 - (1 - k/n)^WARP: shorter steps near the data, where paths bend


class FlowEngine(Engine):
    """v(x, t, c): one input layer, residual SiLU layers, one output layer."""

    kind: ClassVar[str] = "flow"
    frequencies: Tensor

    def build(self) -> None:
        columns, conditions, width = len(self.layout.scores), len(self.layout.conditions), self.shape.width
        self.register_buffer("frequencies", torch.linspace(0.5, 8, FREQUENCIES) * math.pi, persistent=False)
        self.enter = Linear(columns + 2 * FREQUENCIES + conditions, width)
        self.hidden = nn.ModuleList(Linear(width, width) for _ in range(self.shape.depth - 1))
        self.leave = Linear(width, columns)

    @property
    def noise_width(self) -> int:
        return len(self.layout.scores)

    def velocity(self, x: Tensor, t: Tensor, c: Tensor) -> Tensor:
        """Returns dx/dt (n, C) at x (n, C), times t (n,) and conditions c (n, K)."""
        h = silu(self.enter(torch.cat([x, self._clock(t), c], 1)))
        for layer in self.hidden:
            h = h + silu(layer(h))
        velocity: Tensor = self.leave(h)
        return velocity

    def _clock(self, t: Tensor) -> Tensor:
        angle = t[:, None] * self.frequencies
        return torch.cat([angle.sin(), angle.cos()], 1)

    def losses(self, x: Tensor, observed: Tensor, c: Tensor, generator: torch.Generator) -> Tensor:
        n = len(x)
        # Times are stratified over the batch: row i falls into [i/n, (i+1)/n). Rows come in random order, so each row
        # still sees every time, and the loss estimate is much quieter than with independent times.
        t = ((torch.arange(n) + torch.rand(n, generator=generator)) / n).to(x.device)
        noise = torch.randn(x.shape, generator=generator).to(x.device)
        towards = x @ self.frame - noise
        error = self.velocity(noise + towards * t[:, None], t, c) - towards
        if bool(observed.all()):
            return error.square().mean(1)
        return (self.masked(error, observed).square() * observed).sum(1) / observed.sum(1).clamp(min=1)

    def to_scores(self, noise: Tensor, c: Tensor, evaluations: int) -> Tensor:
        return self._integrate(noise, c, self._times(evaluations)) @ self.unframe

    def to_noise(self, x: Tensor, c: Tensor, evaluations: int, generator: torch.Generator) -> Tensor:
        return self._integrate(x @ self.frame, c, self._times(evaluations)[::-1])

    @staticmethod
    def _times(evaluations: int) -> list[float]:
        steps = max(1, evaluations)
        return [1 - (1 - k / steps) ** WARP for k in range(steps + 1)]

    def _integrate(self, x: Tensor, c: Tensor, times: list[float]) -> Tensor:
        """Adams-Bashforth, one evaluation a step, in coordinates y = x / s(t) that stand still where scores are normal.

        Noise of variance 1 becomes scores of variance a: were these normal, x would have the standard deviation
        s(t) = sqrt((1 - t)^2 + a t^2) along each direction of the frame, and y would not move at all. What is left to
        integrate is what is not normal: 5 evaluations are off by less than 8 were with the midpoint rule in x.
        """
        frame = torch.linalg.eigh(self.frame)
        directions: Tensor = frame.eigenvectors
        a: Tensor = frame.eigenvalues ** (2 + 1 / FRAMING)  # scores of variance w are stretched by w^FRAMING
        velocity = self._velocity_given(c)

        def deviation(t: float) -> Tensor:
            return ((1 - t) ** 2 + a * t**2).sqrt()

        y = x @ directions / deviation(times[0])
        slope, step = torch.zeros_like(y), math.inf
        for start, end in pairwise(times):
            s, before, ratio, step = deviation(start), slope, (end - start) / step, end - start
            v = velocity((y * s) @ directions.T, start) @ directions
            slope = v / s - y * ((a * start - (1 - start)) / s**2)
            y = y + step * torch.lerp(slope, before, -ratio / 2)  # the slope half a step on, if it goes on as it came
        return (y * deviation(times[-1])) @ directions.T

    def _velocity_given(self, c: Tensor) -> Callable[[Tensor, float], Tensor]:
        """Returns `velocity` of rows that share their time: what c and t add to the first layer is found once."""
        parts = [len(self.layout.scores), 2 * FREQUENCIES, c.shape[1]]
        of_x, of_t, of_c = (part.contiguous() for part in torch.split(self.enter.weight, parts, 1))
        given = linear(c, of_c)

        def velocity(x: Tensor, t: float) -> Tensor:
            clock = linear(self._clock(x.new_tensor([t])), of_t, self.enter.bias)
            h = silu(linear(x, of_x, clock[0]).add_(given), inplace=True)
            for layer in self.hidden:
                h += silu(layer(h), inplace=True)
            out: Tensor = self.leave(h)
            return out

        return velocity

    def input_layers(self) -> dict[str, tuple[str, ...]]:
        time = tuple(f"t:{i}" for i in range(2 * FREQUENCIES))
        return {"enter.weight": (*_scores(self), *time, *_conditions(self))}

    def output_rows(self) -> dict[str, tuple[str, ...]]:
        return {"leave.weight": _scores(self), "leave.bias": _scores(self)}


def _scores(engine: Engine) -> tuple[str, ...]:
    return tuple(f"x:{name}" for name in engine.layout.scores)


def _conditions(engine: Engine) -> tuple[str, ...]:
    return tuple(f"c:{name}" for name in engine.layout.conditions)
