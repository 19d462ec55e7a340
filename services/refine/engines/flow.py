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

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from services.refine.engines.base import EVALUATIONS, Engine
from services.refine.engines.linear import Linear, linear
from services.refine.engines.network import FRAMING, Floats

FREQUENCIES = 16
SETTLING_ROWS = 512  # of noise, which the solver is fitted on
SMALL_STEPS = 6  # of the path that each of the solver's steps is fitted to
WARP = 1.3  # times are 1 - (1 - k/n)^WARP: shorter steps near the data, where paths bend


class FlowEngine(Engine):
    """v(x, t, c): one input layer, residual SiLU layers, one output layer."""

    kind: ClassVar[str] = "flow"
    frequencies: Tensor
    directions: Tensor  # of the frame, as columns
    spread: Tensor  # variance of framed scores along each of them

    def build(self) -> None:
        columns, conditions, width = len(self.layout.scores), len(self.layout.conditions), self.shape.width
        self.register_buffer("frequencies", torch.linspace(0.5, 8, FREQUENCIES) * math.pi, persistent=False)
        self.register_buffer("directions", torch.eye(columns), persistent=False)
        self.register_buffer("spread", torch.ones(columns), persistent=False)
        self.enter = Linear(columns + 2 * FREQUENCIES + conditions, width)
        self.hidden = nn.ModuleList(Linear(width, width) for _ in range(self.shape.depth - 1))
        self.leave = Linear(width, columns)
        self.solver = nn.Parameter(_adams_bashforth(_times(EVALUATIONS)), requires_grad=False)

    def _reframe(self) -> None:
        super()._reframe()
        stretched, self.directions = torch.linalg.eigh(self.frame)
        self.spread = stretched ** (2 + 1 / FRAMING)  # scores of variance w are stretched by w^FRAMING

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

    def to_scores(self, evaluations: int) -> Callable[[Tensor, Tensor], Tensor]:
        times = _times(evaluations)
        path = self._path(times, self.solver if evaluations == EVALUATIONS else _adams_bashforth(times))
        return lambda noise, c: path(noise, c) @ self.unframe

    def to_noise(self, x: Tensor, c: Tensor, evaluations: int, generator: torch.Generator) -> Tensor:
        times = _times(evaluations)[::-1]
        return self._path(times, _adams_bashforth(times))(x @ self.frame, c)

    def _path(self, times: list[float], solver: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
        """Returns what takes framed rows (n, C) under conditions (n, K) from the first of the times to the last.

        `solver` (steps, steps) says how far each step goes along the slopes found so far, in coordinates y = x / s(t)
        that stand still where scores are normal. Noise of variance 1 becomes scores of variance a: were these normal, x
        would have the standard deviation s(t) = sqrt((1 - t)^2 + a t^2) along each direction of the frame, and y would
        not move at all. What is left to integrate is what is not normal.
        """
        enter, leave = self._moved(times[0])[1], self._moved(times[-1])[0]
        slopes_at = [self._slope(t, *self._moved(t)) for t in times[:-1]]
        along = solver.tolist()
        of_c = self._split_input()[2]

        def path(x: Tensor, c: Tensor) -> Tensor:
            given = linear(c, of_c) if c.shape[1] else None
            y: Tensor = x @ enter.T
            slopes: list[Tensor] = []
            for slope_at, steps in zip(slopes_at, along, strict=True):
                slopes.append(slope_at(y, given))
                y = _moved_along(y, slopes, steps)
            return y @ leave.T

        return path

    def _moved(self, t: float) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the matrix (C, C) from y to x at time t, its inverse, and d log s / dt (C,)."""
        variance = (1 - t) ** 2 + self.spread * t**2
        deviation = variance.sqrt()
        return self.directions * deviation, (self.directions / deviation).T, (self.spread * t - (1 - t)) / variance

    def _slope(self, t: float, moved: Tensor, back: Tensor, drift: Tensor) -> Callable[[Tensor, Tensor | None], Tensor]:
        """Returns dy/dt (n, C) of rows that share the time t, a function of y (n, C) and of what their conditions add
        to the first layer (n, width), None for nothing. Its first and last layer read and write y itself."""
        of_x, of_t, _ = self._split_input()
        into, clock = of_x @ moved, linear(self._clock(of_x.new_tensor([t])), of_t, self.enter.bias)[0]
        out_of, offset = back @ self.leave.weight, back @ self.leave.bias

        def slope(y: Tensor, given: Tensor | None) -> Tensor:
            h = linear(y, into, clock)
            h = silu(h if given is None else h.add_(given), inplace=True)
            for layer in self.hidden:
                h += silu(layer(h), inplace=True)
            velocity: Tensor = linear(h, out_of, offset)
            return velocity - y * drift

        return slope

    def _split_input(self) -> tuple[Tensor, ...]:
        """Returns the weights of the first layer that read x, t and c."""
        parts = [len(self.layout.scores), 2 * FREQUENCIES, len(self.layout.conditions)]
        return tuple(part.contiguous() for part in torch.split(self.enter.weight, parts, 1))

    def settle(self, scores: Floats, conditions: Floats | None) -> None:
        self.fit_solver(np.zeros((len(scores), 0), np.float32) if conditions is None else conditions)

    @torch.no_grad()
    def fit_solver(self, conditions: Floats) -> None:
        """Fits the solver for rows like these conditions (n, K): each step goes along the slopes so far as comes
        nearest to the path in many small steps (as in Shaul et al. 2024, "Bespoke Non-Stationary Solvers"). Four
        evaluations are then off by about what five are with Adams-Bashforth.
        """
        chosen = np.linspace(0, len(conditions) - 1, SETTLING_ROWS).astype(np.int64)
        c = torch.from_numpy(np.asarray(conditions[chosen], np.float32)).to(self.device)
        x = torch.randn(SETTLING_ROWS, self.noise_width, generator=torch.Generator().manual_seed(0)).to(self.device)
        times = _times(EVALUATIONS)
        given, solver = linear(c, self._split_input()[2]), _adams_bashforth(times)
        y, slopes = x @ self._moved(0.0)[1].T, []
        for k, (start, end) in enumerate(pairwise(times)):
            slopes.append(self._slope(start, *self._moved(start))(y, given))
            between = [start + (end - start) * i / SMALL_STEPS for i in range(SMALL_STEPS + 1)]
            x = self._path(between, _adams_bashforth(between))(x, c)
            missed = x @ self._moved(end)[1].T - _moved_along(y, slopes, solver[k].tolist())
            found = torch.stack([slope.flatten() for slope in slopes])
            overlap, wanted = (product.double().cpu() for product in (found @ found.T, found @ missed.flatten()))
            overlap += torch.eye(k + 1) * (1e-4 * overlap.trace() + 1e-6)  # slopes that say little change little
            solver[k, : k + 1] += torch.linalg.solve(overlap, wanted).float()
            y = _moved_along(y, slopes, solver[k].tolist())
        self.solver.copy_(solver)

    def input_layers(self) -> dict[str, tuple[str, ...]]:
        time = tuple(f"t:{i}" for i in range(2 * FREQUENCIES))
        return {"enter.weight": (*_scores(self), *time, *_conditions(self))}

    def output_rows(self) -> dict[str, tuple[str, ...]]:
        return {"leave.weight": _scores(self), "leave.bias": _scores(self)}


def _times(evaluations: int) -> list[float]:
    steps = max(1, evaluations)
    return [1 - (1 - k / steps) ** WARP for k in range(steps + 1)]


def _adams_bashforth(times: list[float]) -> Tensor:
    """Returns how far each step goes along the slopes so far (steps, steps): along the slope half a step on, if it goes
    on as it came."""
    solver = torch.zeros(len(times) - 1, len(times) - 1)
    steps = [end - start for start, end in pairwise(times)]
    for k, step in enumerate(steps):
        ahead = step / steps[k - 1] / 2 if k else 0.0
        solver[k, k] = step * (1 + ahead)
        if k:
            solver[k, k - 1] = -step * ahead
    return solver


def _moved_along(y: Tensor, slopes: list[Tensor], steps: list[float]) -> Tensor:
    """Returns y (n, C) after a step along each of the slopes; `steps` may be longer than these."""
    for slope, step in zip(slopes, steps, strict=False):
        if step:
            y = y + step * slope
    return y


def _scores(engine: Engine) -> tuple[str, ...]:
    return tuple(f"x:{name}" for name in engine.layout.scores)


def _conditions(engine: Engine) -> tuple[str, ...]:
    return tuple(f"c:{name}" for name in engine.layout.conditions)
