"""The limits of validation, with their defaults. 0 in a request means: the default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors


@dataclass(frozen=True)
class Thresholds:
    """`stuck_rows` 0 scales to how often a column repeats itself; shares are 0 to 1; factors are multiples."""

    missing_share: float = 0.30
    min_rows: int = 100
    iqr_factor: float = 1.5
    z_score: float = 3.0
    stuck_rows: int = 0
    gap_factor: float = 5.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 0:
                raise SensorForgeError(
                    "OPTION_INVALID", f"validation threshold {name} is {value}; it must not be negative."
                )

    def to_params(self) -> dict[str, Any]:
        """Returns all thresholds, defaults resolved: part of a derivation."""
        return asdict(self)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Thresholds:
        """Returns thresholds where every value that is absent or 0 is the default."""
        return cls(**{name: value for name, value in params.items() if value})
