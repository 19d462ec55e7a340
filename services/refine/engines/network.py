"""What can be trained on rows of scores: named columns, a frame, one loss a row, weights as plain arrays.

Columns are named (`Layout`), so that weights survive a change of columns. Networks see *framed* scores, `scores @
frame`, which are wider where the columns together hardly vary: there a small error is plain to see, as a power that
fits no current and voltage. Knows nothing of files, units, profiles or training loops, and computes on the thread that
calls it. Weights leave it as plain arrays, never as pickled objects.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Floats = NDArray[np.float32]

CHUNK = 2048  # rows a forward pass when nothing is learnt: activations then stay in the second-level cache
# Power of the scores' covariance in the frame: 0 leaves scores as they are, -.5 whitens them. Two-sample AUC of 10,000
# rows after 60 epochs at 0, -.25, -.5: flow .675, .594, .611; tvae after 40 epochs .765, .709, .818.
FRAMING = -0.25
LEAST_VARIANCE = 1e-4  # of a direction, when framed: columns that are functions of each other have none


@dataclass(frozen=True)
class Layout:
    """Names of the score columns that are modelled and of the condition columns that are given."""

    scores: tuple[str, ...]
    conditions: tuple[str, ...] = ()

    @classmethod
    def unnamed(cls, scores: int, conditions: int = 0) -> Layout:
        """Returns a layout with numbered names, for callers whose columns need none."""
        return cls(tuple(f"s{i}" for i in range(scores)), tuple(f"c{i}" for i in range(conditions)))


@dataclass(frozen=True)
class Shape:
    """Size of the networks. `latent` is the width of the TVAE's code; the flow's noise has the width of the scores."""

    width: int = 96
    depth: int = 3
    latent: int = 16

    def to_json(self) -> dict[str, int]:
        return asdict(self)


class Network(nn.Module, ABC):
    """Arrays are float32 with one row a record; conditions may be None if none are laid out. NaN scores are missing:
    they are replaced by fresh noise on the way in, and an engine leaves them out of its loss.
    """

    kind: ClassVar[str]
    unframe: Tensor  # turns framed scores into scores

    def __init__(self, layout: Layout, shape: Shape, *, seed: int = 0) -> None:
        super().__init__()
        if not layout.scores:
            raise ValueError("an engine needs at least one score column")
        self.layout = layout
        self.shape = shape
        self.frame = nn.Parameter(torch.eye(len(layout.scores)), requires_grad=False)
        self.register_buffer("unframe", torch.eye(len(layout.scores)), persistent=False)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.build()

    # The frame --------------------------------------------------------------------------------------------------------

    @property
    def framed(self) -> bool:
        """Whether a frame was fitted: it is, once, before the first step of training."""
        return not torch.equal(self.frame, torch.eye(len(self.frame), device=self.device))

    @torch.no_grad()
    def fit_frame(self, scores: Floats) -> None:
        """Fits the frame to rows of scores (n, C), missing ones counting as zero: covariance to the power FRAMING.

        The covariance is shrunk towards the identity by C/n, which is of no account but for few rows.
        """
        n, columns = scores.shape
        covariance = np.atleast_2d(np.cov(np.nan_to_num(scores).astype(np.float64), rowvar=False)) if n > 1 else 1.0
        share = min(1.0, columns / n)
        covariance = (1 - share) * covariance + share * np.eye(columns)
        variances, directions = np.linalg.eigh(covariance)
        frame = (directions * np.maximum(variances, LEAST_VARIANCE) ** FRAMING) @ directions.T
        self.frame.copy_(torch.from_numpy(frame))
        self._reframe()

    def _reframe(self) -> None:
        self.unframe = torch.linalg.inv(self.frame.double()).float()

    def masked(self, error: Tensor, observed: Tensor) -> Tensor:
        """Returns framed errors (n, C) without what they owe to scores that are not observed."""
        return ((error @ self.unframe) * observed) @ self.frame

    # What a network has to say about itself ---------------------------------------------------------------------------

    @abstractmethod
    def build(self) -> None:
        """Creates the networks."""

    @abstractmethod
    def losses(self, x: Tensor, observed: Tensor, c: Tensor, generator: torch.Generator) -> Tensor:
        """Returns one loss a row, (n,). `observed` is 1 where `x` is known and 0 where it is filler."""

    def settle(self, scores: Floats, conditions: Floats | None) -> None:
        """Takes note of the training rows once training has ended; an engine that need not does nothing."""

    def encoder_parameters(self) -> list[nn.Parameter]:
        """Returns what `freeze_encoder` freezes; empty for an engine without an encoder."""
        return []

    # What callers use -------------------------------------------------------------------------------------------------

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def tensors(
        self, scores: Floats, conditions: Floats | None, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Returns (x, observed, c) on the engine's device, with N(0, 1) where a score is missing.

        Raises ValueError when the arrays do not fit the layout, or a score is infinite.
        """
        n = len(scores)
        if conditions is None:
            conditions = np.zeros((n, 0), np.float32)
        expected = (n, len(self.layout.scores)), (n, len(self.layout.conditions))
        if (scores.shape, conditions.shape) != expected:
            raise ValueError(f"{scores.shape=} and {conditions.shape=} do not fit the layout's {expected}")
        x = torch.from_numpy(np.ascontiguousarray(scores, np.float32))
        if bool(torch.isinf(x).any()):
            raise ValueError("a score is infinite; what is not known is NaN")
        observed = (~torch.isnan(x)).to(torch.float32)
        if not bool(observed.all()):
            x = torch.where(observed > 0, x, torch.randn(x.shape, generator=generator))
        c = torch.from_numpy(np.ascontiguousarray(conditions, np.float32))
        return x.to(self.device), observed.to(self.device), c.to(self.device)

    @torch.no_grad()
    def row_losses(
        self, scores: Floats, conditions: Floats | None = None, *, draws: int = 8, seed: int = 0
    ) -> NDArray[np.float64]:
        """Returns each row's loss averaged over `draws` fixed draws: high for rows that the engine finds unlikely."""
        generator = torch.Generator().manual_seed(seed)
        x, observed, c = self.tensors(scores, conditions, generator)
        found = np.empty(len(x), np.float64)
        for i in range(0, len(x), CHUNK):
            piece = [part[i : i + CHUNK].repeat(draws, 1) for part in (x, observed, c)]
            losses = self.losses(piece[0], piece[1], piece[2], generator)
            found[i : i + CHUNK] = losses.view(draws, -1).mean(0).cpu().numpy()
        return found

    def weights(self) -> dict[str, NDArray[Any]]:
        """Returns all parameters by name, as copies."""
        return {name: value.detach().cpu().numpy().copy() for name, value in self.named_parameters()}

    @torch.no_grad()
    def load_weights(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Takes over all parameters. Raises ValueError when a name or a shape is missing or different."""
        own = dict(self.named_parameters())
        if set(own) != set(weights):
            raise ValueError(f"weights do not fit a {self.kind} engine: {sorted(set(own) ^ set(weights))} differ")
        for name, parameter in own.items():
            value = torch.from_numpy(np.array(weights[name], np.float32))
            if value.shape != parameter.shape:
                raise ValueError(f"weight {name!r} has shape {tuple(value.shape)}, expected {tuple(parameter.shape)}")
            parameter.copy_(value)
        self._reframe()

    def clone(self) -> Self:
        """Returns an engine of its own with the same weights."""
        twin = type(self)(self.layout, self.shape)
        twin.load_weights(self.weights())
        return twin.to(self.device)
