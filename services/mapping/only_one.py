"""The only one: where a file has one column of a quantity and the profile one sensor, they are likely a pair.

It promises to lift a fair score, never to make a pair certain, and to lift nothing that something speaks against.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from services.mapping.features import Features

BELOW_CERTAIN = 0.69  # initials, or being the only pair of a quantity, make no certain match


def prefer_the_only_one(
    values: npt.NDArray[np.float64],
    reasons: Mapping[tuple[int, int], list[str]],
    columns: Sequence[Features],
    sensors: Sequence[Features],
) -> None:
    """Raises the scores (columns by sensors, in place) where a quantity has exactly one column and one sensor, and
    nothing speaks against the pair; says so in `reasons`."""
    by_column: dict[str, list[int]] = {}
    by_sensor: dict[str, list[int]] = {}
    for i, features in enumerate(columns):
        for concept in _quantities(features):
            by_column.setdefault(concept, []).append(i)
    for j, features in enumerate(sensors):
        for concept in _quantities(features):
            by_sensor.setdefault(concept, []).append(j)
    for concept, those in by_sensor.items():
        if len(those) == 1 and len(by_column.get(concept, ())) == 1:
            i, j = by_column[concept][0], those[0]
            against = any(reason.startswith("but") for reason in reasons.get((i, j), ()))
            if 0.1 < values[i, j] < BELOW_CERTAIN and not against:
                values[i, j] = min(BELOW_CERTAIN, values[i, j] + 0.2)
                reasons[(i, j)].append(f"the only {concept} on both sides")


def enough_sensors(columns: Sequence[Features], sensors: Sequence[Features]) -> frozenset[str]:
    """Returns the quantities of which the profile has at least as many sensors as the file has columns."""
    of_columns = Counter(concept for features in columns for concept in _quantities(features))
    of_sensors = Counter(concept for features in sensors for concept in _quantities(features))
    return frozenset(concept for concept, count in of_columns.items() if of_sensors[concept] >= count)


def several_columns(columns: Sequence[Features]) -> frozenset[str]:
    """Returns the quantities that several columns of the file measure."""
    count = Counter(concept for features in columns for concept in _quantities(features))
    return frozenset(concept for concept, columns_of_it in count.items() if columns_of_it > 1)


def _quantities(features: Features) -> frozenset[str]:
    """Returns the quantities that the name says in every reading."""
    if not features.variants:
        return frozenset()
    return _COUNTED_QUANTITIES.intersection(*(variant.quantities for variant in features.variants))


_COUNTED_QUANTITIES = frozenset(
    [
        "temperature",
        "pressure",
        "rotation",
        "current",
        "voltage",
        "power",
        "energy",
        "flow",
        "level",
        "vibration",
        "acceleration",
        "torque",
        "force",
        "frequency",
        "humidity",
        "power_factor",
        "sound",
        "conductivity",
        "density",
        "viscosity",
        "efficiency",
        "acidity",
        "turbidity",
        "irradiance",
    ]
)
