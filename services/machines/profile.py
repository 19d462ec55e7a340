"""Machine profiles: what a machine's sensors are called, what they measure and how far they can physically go.

Promises: a profile that parses is sound (units known, limits in order, names unique), a profile that does not is
refused with every line that is wrong, and the same content has the same canonical JSON whatever it was written in.
It stores nothing and speaks no protocol; registry.py and servicer.py do that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

import yaml

from services.chassis.errors import SensorForgeError
from services.machines import errors as errors
from services.machines.document import DocumentError, Fields, Problems, closest, compose
from services.machines.profile_checks import RESERVED_NAMES as RESERVED_NAMES
from services.machines.profile_checks import check_sensor, claim_names, what_is_missing
from services.machines.sensor import Role
from services.machines.sensor import Sensor as Sensor
from services.machines.units import parse_unit, similar_units, unit_readings

MACHINE_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
MAX_SENSORS = 1000

_RUL_NAMES = frozenset({"rul", "remaining_useful_life"})
_PROFILE_KEYS = (
    "machine_id", "title", "category", "description", "sampling_period_s", "sampling_period", "life", "rul_unit",
    "rul_max", "sensors", "schema_version",
)  # fmt: skip
_SENSOR_KEYS = (
    "name", "unit", "quantity", "min", "typical", "max", "component", "position", "aliases", "role", "required",
    "resolution", "states", "description",
)  # fmt: skip
_PROFILE_SYNONYMS = {
    "id": "machine_id", "machine": "machine_id", "machineid": "machine_id", "name": "title", "type": "category",
    "columns": "sensors", "signals": "sensors", "tags": "sensors", "channels": "sensors", "rul": "life",
    "sample_rate": "sampling_period_s", "interval": "sampling_period_s", "machine_type": "category",
}  # fmt: skip
_SENSOR_SYNONYMS = {
    "low": "min", "lower": "min", "minimum": "min", "high": "max", "upper": "max", "maximum": "max", "mean": "typical",
    "normal": "typical", "nominal": "typical", "default": "typical", "uom": "unit", "units": "unit", "id": "name",
    "alias": "aliases", "tag": "name", "column": "name", "kind": "role", "type": "role", "location": "position",
    "values": "states", "options": "states", "enum": "states", "mandatory": "required", "step": "resolution",
}  # fmt: skip


@dataclass(frozen=True)
class MachineProfile:
    """A machine's sensors in table order, its sampling period in seconds and the unit and maximum of its life."""

    machine_id: str
    sensors: tuple[Sensor, ...]
    category: str = ""
    title: str = ""
    sampling_period_s: float | None = None
    rul_unit: str = ""
    rul_max: float | None = None

    def sensor(self, name: str) -> Sensor:
        """Returns the sensor of that name. Raises KeyError."""
        for sensor in self.sensors:
            if sensor.name == name:
                return sensor
        raise KeyError(name)

    @property
    def columns(self) -> tuple[Sensor, ...]:
        """The sensors that are columns of tables: all but nameplate constants."""
        return tuple(sensor for sensor in self.sensors if sensor.role != "nameplate")

    def to_json(self) -> dict[str, Any]:
        """Returns the canonical JSON: the same for documents with the same content, and itself a valid document."""
        every = {
            "machine_id": self.machine_id, "category": self.category, "title": self.title,
            "sampling_period_s": self.sampling_period_s, "rul_unit": self.rul_unit, "rul_max": self.rul_max,
            "sensors": [sensor.to_json() for sensor in self.sensors],
        }  # fmt: skip
        return {key: value for key, value in every.items() if value not in ("", None)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> MachineProfile:
        """Returns the profile that `to_json` wrote. Raises KeyError or TypeError on anything else."""
        sensors = tuple(Sensor.from_json(item) for item in value["sensors"])
        return cls(**{**value, "sensors": sensors})


def parse_profile(document: str, file_name: str) -> tuple[MachineProfile, list[str]]:
    """Returns the profile of a YAML or JSON document and notes on what would make it better.

    Raises SensorForgeError("PROFILE_INVALID") whose message names the file and each wrong line (at most eight).
    """
    shown = file_name or "profile"
    try:
        root = compose(document)
    except DocumentError as error:
        raise _invalid(shown, [(error.line, error.message)]) from error
    if not isinstance(root, yaml.MappingNode):
        raise _invalid(shown, [(1, "a profile is a mapping with machine_id and sensors")])
    problems = Problems()
    notes: list[str] = []
    profile = _read_profile(root, problems, notes)
    if problems.found:
        raise _invalid(shown, problems.found)
    return profile, notes + what_is_missing(profile.sensors)


def _invalid(file_name: str, found: list[tuple[int, str]]) -> SensorForgeError:
    found = sorted(found, key=lambda finding: finding[0])
    lines = [f"line {line}: {message}" if line else message for line, message in found[:8]]
    rest = f"; and {len(found) - 8} more" if len(found) > 8 else ""
    count = "" if len(found) == 1 else f" has {len(found)} problems"
    return SensorForgeError(
        "PROFILE_INVALID",
        f"{file_name}{count}: " + "; ".join(lines) + rest + ".",
        metadata={"file": file_name, "lines": ",".join(str(line) for line, _ in found[:8])},
    )


def _read_profile(root: yaml.MappingNode, problems: Problems, notes: list[str]) -> MachineProfile:
    fields = Fields(root, _PROFILE_KEYS, problems, "the profile", _PROFILE_SYNONYMS)
    machine_id = fields.text("machine_id")
    if not machine_id:
        problems.add(fields.at("machine_id"), "machine_id is missing")
    elif not MACHINE_ID.fullmatch(machine_id):
        problems.add(
            fields.at("machine_id"),
            f"machine_id {machine_id!r} must be 1 to 63 lower-case letters, digits, '-' or '_' and start with a letter "
            "or digit",
        )
    rul_unit, rul_max = _read_life(fields, problems)
    profile = MachineProfile(
        machine_id=machine_id,
        sensors=(),
        category=fields.text("category", 64),
        title=fields.text("title"),
        sampling_period_s=_read_period(fields, problems),
        rul_unit=rul_unit,
        rul_max=rul_max,
    )
    sensors: list[Sensor] = []
    names: dict[str, int] = {}
    for node in _sensor_nodes(fields, problems):
        sensor = _read_sensor(node, problems)
        line = node.start_mark.line + 1
        if sensor.name.casefold() in _RUL_NAMES:
            notes.append(f"line {line}: {sensor.name} is the remaining useful life and was read as the profile's life")
            profile = replace(
                profile,
                rul_unit=profile.rul_unit or sensor.unit,
                rul_max=profile.rul_max if profile.rul_max is not None else sensor.max,
            )
        elif sensor.name.casefold() in {"timestamp", "run_id"}:
            notes.append(f"line {line}: {sensor.name} is no sensor; tables have it anyway, and it was left out")
        else:
            claim_names(sensor, line, names, problems)
            sensors.append(sensor)
    if not sensors and not problems.found:
        problems.add(fields.at("sensors"), "sensors is empty; list at least one sensor as `- name: ...`")
    return replace(profile, sensors=tuple(sensors))


def _sensor_nodes(fields: Fields, problems: Problems) -> list[yaml.Node]:
    if "sensors" not in fields:
        problems.add(fields.node, "sensors is missing; list at least one sensor as `- name: ...`")
        return []
    node = fields.at("sensors")
    if isinstance(node, yaml.SequenceNode):
        if len(node.value) > MAX_SENSORS:
            problems.add(node, f"{len(node.value)} sensors are more than {MAX_SENSORS}")
            return []
        return list(node.value)
    if not (isinstance(node, yaml.ScalarNode) and node.value in ("", "null", "~")):
        problems.add(node, "sensors must be a list; write each sensor as `- name: ...`")
    return []


def _read_sensor(node: yaml.Node, problems: Problems) -> Sensor:
    if isinstance(node, yaml.ScalarNode):  # shorthand: `sensors: [current_a, speed_rpm]`
        return Sensor(name=str(node.value).strip())
    if not isinstance(node, yaml.MappingNode):
        problems.add(node, "a sensor must be a mapping with at least a name")
        return Sensor(name="")
    named = next((v.value for k, v in node.value if k.value == "name" and isinstance(v, yaml.ScalarNode)), "")
    fields = Fields(node, _SENSOR_KEYS, problems, f"sensor {named!r}" if named else "a sensor", _SENSOR_SYNONYMS)
    role = fields.text("role") or "measurement"
    if role not in get_args(Role):
        meant = closest(role, get_args(Role), {"set_point": "setpoint", "constant": "nameplate", "category": "state"})
        hint = f"; did you mean {meant!r}?" if meant else f"; roles are {', '.join(get_args(Role))}"
        problems.add(fields.at("role"), f"{fields.where} has the unknown role {role!r}{hint}")
        role = "measurement"
    sensor = Sensor(
        name=fields.text("name", 128),
        unit=_read_unit(fields, problems),
        quantity=fields.text("quantity", 64),
        min=fields.number("min"),
        typical=fields.number("typical"),
        max=fields.number("max"),
        component=fields.text("component", 64),
        position=fields.text("position", 64),
        aliases=fields.texts("aliases"),
        role=role,  # type: ignore[arg-type]
        required=fields.flag("required"),
        resolution=fields.number("resolution"),
        states=fields.texts("states"),
    )
    check_sensor(sensor, fields, problems)
    return sensor


def _read_unit(fields: Fields, problems: Problems) -> str:
    """Returns the unit's symbol, or the text as written where it says more ("bar(g)", "mm/s rms")."""
    written = fields.text("unit", 40)
    readings = unit_readings(written) if written else ()
    if len(readings) == 1:
        return readings[0].symbol if parse_unit(readings[0].symbol) == readings[0] else written
    if readings:
        meanings = " or ".join(f"{reading.symbol} ({reading.dimension})" for reading in readings)
        problems.add(fields.at("unit"), f"{fields.where}: the unit {written!r} can be {meanings}; write which one")
    elif written:
        near = similar_units(written)
        hint = (
            f"did you mean {', '.join(near)}?" if near else "known are such as °C, bar, kPa, A, kW, rpm, mm/s, m³/h, %"
        )
        problems.add(fields.at("unit"), f"{fields.where} has the unknown unit {written!r}; {hint}")
    return ""


def _read_period(fields: Fields, problems: Problems) -> float | None:
    """Returns seconds, from `sampling_period_s: 10` or `sampling_period: 10 min`."""
    period = fields.number("sampling_period_s")
    written = fields.text("sampling_period", 40)
    key = "sampling_period_s"
    if written:
        key = "sampling_period"
        match = re.fullmatch(r"([0-9.]+(?:e-?[0-9]+)?)\s*(\S*)", written)
        unit = parse_unit(match[2] or "s") if match else None
        second = parse_unit("s")
        if match is None or unit is None or second is None or unit.dimension != second.dimension:
            problems.add(fields.at(key), f"sampling_period {written!r} must be a duration such as `10 s` or `15 min`")
            return None
        try:
            period = float(match[1]) * unit.factor / second.factor
        except ValueError:
            problems.add(fields.at(key), f"sampling_period {written!r} is not a number with a unit")
            return None
    if period is not None and period <= 0:
        problems.add(fields.at(key), f"{key} must be above 0, not {period:g}")
        return None
    return period


def _read_life(fields: Fields, problems: Problems) -> tuple[str, float | None]:
    unit, most = fields.text("rul_unit", 40), fields.number("rul_max")
    node = fields.mapping("life")
    if node is not None:
        life = Fields(node, ("unit", "max"), problems, "life", _SENSOR_SYNONYMS)
        unit, most = life.text("unit", 40) or unit, life.number("max") if "max" in life else most
    if most is not None and most <= 0:
        problems.add(
            fields.at("life" if node is not None else "rul_max"), f"the longest life must be above 0, not {most:g}"
        )
    return unit, most
