"""How remaining life, the hour and the states of a row become conditions of an engine."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.refine.augmentation.history import History
from services.refine.codec import Codec
from services.refine.discrete import Codes

Floats = NDArray[np.float32]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Conditioning:
    """How RUL, hour and states become conditions. `most` is the longest RUL seen, `knee` where ageing shows."""

    lives: bool
    hourly: bool
    codec: Codec
    step: float = 1.0
    most: float = 1.0
    knee: float = 1.0
    ranks: Array | None = None
    weekly: bool = False
    regimes: int = 0  # number of regimes, which are then the codes' last column

    @classmethod
    def of(cls, history: History, codec: Codec) -> Conditioning:
        """Returns the conditioning for a history; `codec` gives the one-hot states."""
        regimes = 0 if history.regimes is None else len(history.regimes.combinations)
        if not history.has_lives:
            return cls(False, history.hourly, codec, weekly=history.weekly, regimes=regimes)
        every = np.concatenate([s.rul for s in history.stretches if s.rul is not None])
        knee = 0.75 * float(np.median([life.rul.max() for life in history.lives]))
        quantiles = np.quantile(every, np.linspace(0, 1, 65))
        known = history.rul_step, history.most_rul, max(knee, 1e-9), quantiles
        return cls(True, history.hourly, codec, *known, history.weekly, regimes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the condition columns."""
        life = ("rul:knee", "rul:log", "rul:rank") if self.lives else ()
        hour = ("hour:sin", "hour:cos") if self.hourly else ()
        day = tuple(f"day:{number}" for number in range(7)) if self.weekly else ()
        return (
            *life,
            *hour,
            *day,
            *self.codec.condition_names,
            *(f"regime:{number}" for number in range(self.regimes)),
        )

    def columns(self, rul: Array | None, hour: Array | None, codes: Codes) -> Floats:
        """Returns the conditions (n, K) of rows."""
        parts: list[NDArray[np.floating]] = []
        if self.lives and rul is not None and self.ranks is not None:
            rul = np.minimum(rul, self.most)
            rank = np.interp(rul, self.ranks, np.linspace(0, 1, len(self.ranks)))
            near = np.minimum(rul, self.knee) / self.knee
            log = np.log1p(rul / self.step) / math.log1p(self.most / self.step)
            parts.append(np.stack([2 * near - 1, 4 * log - 3, 3.4 * rank - 1.7], 1))
        if self.hourly and hour is not None:
            angle = 2 * np.pi * hour / 24
            parts.append(np.stack([np.sin(angle), np.cos(angle)], 1))
        if self.weekly and hour is not None:
            parts.append((hour[:, None] // 24).astype(int) == np.arange(7)[None, :])
        parts.append(self.codec.conditions(codes[:, : len(self.codec.discrete.names)]))
        if self.regimes:
            parts.append(codes[:, -1:] == np.arange(self.regimes)[None, :])
        return np.concatenate(parts, 1).astype(np.float32)
