"""The mapping plan: what happens to each column, checked against the table and the profile before a row is touched.

It promises that a plan that passes is unambiguous: every column exists, every sensor has one column at most, and a
sensor that the profile requires is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile
from services.mapping import errors as errors
from services.mapping.timeaxis import TimeOptions

Role = Literal[
    "timestamp", "run", "rul", "label", "state", "setpoint", "constant", "index", "sensor", "auxiliary", "ignore"
]
ROLES: tuple[str, ...] = get_args(Role)
_MEASURED = ("sensor", "state", "setpoint")


@dataclass(frozen=True)
class ColumnRule:
    """What to do with one column. `source_unit` is its unit; empty means as declared in the file, else the sensor's."""

    column: str
    role: Role
    sensor: str = ""
    source_unit: str = ""


@dataclass(frozen=True)
class MappingPlan:
    """The rules of all mapped columns and how to read time. Columns that are not named are ignored."""

    rules: tuple[ColumnRule, ...]
    time: TimeOptions = field(default_factory=TimeOptions)

    def columns(self, *roles: Role) -> list[str]:
        return [rule.column for rule in self.rules if rule.role in roles]

    @property
    def sensors(self) -> tuple[ColumnRule, ...]:
        """The rules that fill a sensor of the profile."""
        return tuple(rule for rule in self.rules if rule.role in _MEASURED and rule.sensor)


def check_plan(plan: MappingPlan, columns: Sequence[str], profile: MachineProfile) -> None:
    """Raises for a plan that cannot be carried out: MAPPING_ROLE_UNKNOWN, MAPPING_COLUMN_MISSING,
    MAPPING_SENSOR_UNKNOWN, MAPPING_CONFLICT, MAPPING_REQUIRED_MISSING, MAPPING_EMPTY, PROFILE_HAS_NO_COLUMNS."""
    known = {sensor.name: sensor for sensor in profile.sensors}
    if not profile.columns:
        raise SensorForgeError(
            "PROFILE_HAS_NO_COLUMNS", f"The profile of {profile.machine_id!r} has no sensor that is a table column."
        )
    by_column: dict[str, ColumnRule] = {}
    by_sensor: dict[str, str] = {}
    for rule in plan.rules:
        if rule.role not in ROLES:
            raise SensorForgeError(
                "MAPPING_ROLE_UNKNOWN", f"Column {rule.column!r} has the unknown role {rule.role!r}."
            )
        if rule.column not in columns:
            raise SensorForgeError(
                "MAPPING_COLUMN_MISSING",
                f"The mapping names the column {rule.column!r}, which the table does not have. "
                f"It has: {_some(columns)}.",
                metadata={"column": rule.column},
            )
        if by_column.setdefault(rule.column, rule) is not rule:
            raise SensorForgeError("MAPPING_CONFLICT", f"The column {rule.column!r} is mapped twice.")
        if rule.role not in _MEASURED:
            continue
        if not rule.sensor:
            raise SensorForgeError(
                "MAPPING_SENSOR_UNKNOWN",
                f"The column {rule.column!r} has the role {rule.role} but names no sensor.",
                remedy="Name a sensor, or give the column the role auxiliary or ignore.",
            )
        if rule.sensor not in known or known[rule.sensor].role == "nameplate":
            what = "is a nameplate constant, no column" if rule.sensor in known else "is not in the profile"
            raise SensorForgeError(
                "MAPPING_SENSOR_UNKNOWN",
                f"The column {rule.column!r} is mapped to {rule.sensor!r}, which {what}. "
                f"The profile has: {_some([sensor.name for sensor in profile.columns])}.",
                metadata={"column": rule.column, "sensor": rule.sensor},
            )
        if by_sensor.setdefault(rule.sensor, rule.column) != rule.column:
            raise SensorForgeError(
                "MAPPING_CONFLICT",
                f"The columns {by_sensor[rule.sensor]!r} and {rule.column!r} are both mapped to {rule.sensor!r}.",
                metadata={"sensor": rule.sensor},
            )
    _check_single_roles(plan)
    if not by_sensor:
        raise SensorForgeError("MAPPING_EMPTY", "No column is mapped to a sensor of the profile.")
    missing = [sensor.name for sensor in profile.columns if sensor.required and sensor.name not in by_sensor]
    if missing:
        raise SensorForgeError(
            "MAPPING_REQUIRED_MISSING",
            f"The profile requires {_some(missing)}, and no column is mapped to it.",
            metadata={"sensors": ",".join(missing)},
        )


def _check_single_roles(plan: MappingPlan) -> None:
    for role, most in (("rul", 1), ("timestamp", 2)):
        named = [rule.column for rule in plan.rules if rule.role == role]
        if len(named) > most:
            raise SensorForgeError(
                "MAPPING_CONFLICT",
                f"{len(named)} columns have the role {role} ({_some(named)}); at most {most} can have.",
            )


def _some(names: Sequence[str], most: int = 12) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
