"""A sensor of a machine: its name, what it measures, in which unit and how far it can physically go.

Promises a value with a canonical JSON: the same content gives the same text. It checks nothing; profile.py does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["measurement", "setpoint", "state", "nameplate"]


@dataclass(frozen=True)
class Sensor:
    """One sensor. `min`, `typical` and `max` are physical limits in `unit`; `resolution` is its smallest step.

    `unit` is a canonical symbol of units.py, "" when unknown or without dimension. `states` are the allowed values of
    a sensor whose role is "state". A "nameplate" sensor is a constant of the machine and no column of its tables.
    """

    name: str
    unit: str = ""
    quantity: str = ""
    min: float | None = None
    typical: float | None = None
    max: float | None = None
    component: str = ""
    position: str = ""
    aliases: tuple[str, ...] = ()
    role: Role = "measurement"
    required: bool = False
    resolution: float | None = None
    states: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Returns the sensor's JSON without absent values."""
        every = {
            "name": self.name, "unit": self.unit, "quantity": self.quantity, "min": self.min, "typical": self.typical,
            "max": self.max, "component": self.component, "position": self.position, "aliases": list(self.aliases),
            "role": self.role, "required": self.required, "resolution": self.resolution, "states": list(self.states),
        }  # fmt: skip
        return {
            key: value for key, value in every.items() if not (value is None or value is False or value in ("", []))
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Sensor:
        """Returns the sensor that `to_json` wrote. Raises KeyError or TypeError on anything else."""
        rest = {key: item for key, item in value.items() if key not in ("aliases", "states")}
        return cls(**rest, aliases=tuple(value.get("aliases", ())), states=tuple(value.get("states", ())))
