"""By values: which sensors a column could be whose name says nothing.

It promises an order for a person to choose from and never a proposal: many sensors share a range, so values prove
nothing. A sensor is named only where its limits hold nearly all of the column's values.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.machines.profile import Sensor
from services.mapping.columns import ColumnInfo
from services.mapping.features import Features
from services.mapping.values import share_inside

_NEARLY_ALL = 0.9
_BELOW_NAMES = 0.14  # the highest score: below what any likeness of names gets


def ranked_by_values(
    column: ColumnInfo, said: Features, sensors: Sequence[Sensor], features: Sequence[Features]
) -> list[tuple[str, float]]:
    """Returns the sensors (name, score of at most .14) whose limits the column's values keep, nearest to the typical
    value first; empty without values, and for units of another dimension."""
    if len(column.quantiles) < 7:
        return []
    middle = column.quantiles[len(column.quantiles) // 2]
    found = []
    for sensor, other in zip(sensors, features, strict=True):
        if sensor.min is None or sensor.max is None or (column.two_valued and not other.is_state):
            continue
        if said.unit is not None and other.unit is not None and said.unit.dimension != other.unit.dimension:
            continue
        inside = share_inside(column, sensor, said.unit, other.unit)
        if inside is not None and inside >= _NEARLY_ALL:
            typical = sensor.typical if sensor.typical is not None else (sensor.min + sensor.max) / 2
            away = min(1.0, abs(middle - typical) / (sensor.max - sensor.min))
            found.append((sensor.name, round(_BELOW_NAMES * (1 - away / 2), 3)))
    return sorted(found, key=lambda entry: -entry[1])[:3]
