"""The training options a request may give; zero or empty means: chosen from the number of rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from services.chassis.errors import SensorForgeError
from services.refine import errors as errors

ENGINE_KINDS = ("flow", "tvae")  # spelled out here because the server must not import torch
DEFAULT_ENGINE = "flow"
MOST_EPOCHS = 10_000


@dataclass(frozen=True)
class TrainingOptions:
    """As in sensorforge.refine.v1.TrainingOptions. `engine` "" means the base model's, or flow."""

    engine: str = ""
    epochs: int = 0
    batch_size: int = 0
    learning_rate: float = 0.0
    patience: int = 0
    freeze_encoder: bool = False
    l2_sp: float = 0.0
    replay: float = 0.0
    calibrate: bool | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TrainingOptions:
        """Returns the options; raises TRAINING_OPTION_INVALID naming the option and its value."""
        options = cls(**{key: document[key] for key in asdict(cls()) if key in document})
        options.check()
        return options

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def check(self) -> None:
        """Raises TRAINING_OPTION_INVALID for a value outside its range."""
        ranges: dict[str, tuple[float, float]] = {
            "epochs": (0, MOST_EPOCHS),
            "batch_size": (0, 1 << 20),
            "learning_rate": (0, 1),
            "patience": (0, MOST_EPOCHS),
            "l2_sp": (0, 1e6),
            "replay": (0, 0.95),
        }
        if self.engine not in ("", *ENGINE_KINDS):
            raise SensorForgeError(
                "TRAINING_OPTION_INVALID", f"Engine {self.engine!r} is unknown; there are {', '.join(ENGINE_KINDS)}."
            )
        for name, (low, high) in ranges.items():
            value = float(getattr(self, name))
            if not math.isfinite(value) or not low <= value <= high:
                raise SensorForgeError(
                    "TRAINING_OPTION_INVALID", f"Option {name} is {value:g}; it must lie between {low:g} and {high:g}."
                )
