"""The limits of the gates: their defaults, and reading them from a job's parameters. Imports nothing heavy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from services.chassis.errors import SensorForgeError


@dataclass(frozen=True)
class Limits:
    """Limits of the gates; `improvement_percent` is the least, the others are the most."""

    kl_divergence: float = 0.1
    correlation_error: float = 0.05
    improvement_percent: float = 30.0
    dcr_share: float = 0.55
    exact_copies: float = 0.0
    limit_violations: float = 0.001
    leakage: float = 0.01

    def to_json(self) -> dict[str, float]:
        """Returns all limits by name."""
        return asdict(self)


def read_limits(given: Mapping[str, float]) -> Limits:
    """Returns the defaults with the given ones in their place.

    Raises INVALID_REQUEST for an unknown name, or a value that is not finite or is negative.
    """
    known = {field.name for field in fields(Limits)}
    for name, value in given.items():
        if name not in known:
            raise SensorForgeError("INVALID_REQUEST", f"There is no gate limit {name!r}; limits: {sorted(known)}.")
        if not math.isfinite(value) or value < 0:
            raise SensorForgeError("INVALID_REQUEST", f"The gate limit {name} is {value}; it must be 0 or more.")
    return Limits(**dict(given))
