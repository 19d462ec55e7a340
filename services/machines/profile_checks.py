"""Checks of a profile: what makes a sensor's entry wrong, and what would make a sound profile better.

Each finding is told with the line it is about. Reading the document is profile.py's.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.machines.document import Fields, Problems
from services.machines.sensor import Sensor

# Columns that the stages add to every table; a sensor of that name could not be told from them.
RESERVED_NAMES = frozenset({"timestamp", "run_id", "segment", "source_row", "split", "provenance", "rul"})


def check_sensor(sensor: Sensor, fields: Fields, problems: Problems) -> None:
    """Adds a problem for limits out of order, and for what does not go with the sensor's role."""
    if not sensor.name:
        problems.add(fields.at("name"), "a sensor has no name")
    low, typical, high = sensor.min, sensor.typical, sensor.max
    if low is not None and high is not None and low >= high:
        problems.add(fields.at("min"), f"{fields.where}: min {low:g} must be below max {high:g}")
    elif typical is not None and ((low is not None and typical < low) or (high is not None and typical > high)):
        limits = f"{'-inf' if low is None else f'{low:g}'} to {'inf' if high is None else f'{high:g}'}"
        problems.add(fields.at("typical"), f"{fields.where}: typical {typical:g} is outside its limits {limits}")
    if sensor.resolution is not None and sensor.resolution <= 0:
        problems.add(fields.at("resolution"), f"{fields.where}: resolution {sensor.resolution:g} must be above 0")
    if sensor.states and sensor.role != "state":
        problems.add(fields.at("states"), f"{fields.where}: states are for sensors with `role: state`")
    if sensor.required and sensor.role == "nameplate":
        problems.add(fields.at("required"), f"{fields.where}: a nameplate constant is no column and never required")


def claim_names(sensor: Sensor, line: int, names: dict[str, int], problems: Problems) -> None:
    """Records the sensor's name and aliases in `names` (name -> line); each may point to one sensor only."""
    if sensor.name in RESERVED_NAMES or sensor.name.startswith("aux."):
        problems.add(line, f"the sensor name {sensor.name!r} is reserved for a column that every table has")
    for kind, name in (
        ("sensor", sensor.name),
        *(("alias", alias) for alias in sensor.aliases if alias != sensor.name),
    ):
        if name and name in names:
            what = "duplicate sensor" if kind == "sensor" else f"alias of sensor {sensor.name!r} that is taken already:"
            problems.add(line, f"{what} {name!r}, first named in line {names[name]}")
        elif name:
            names[name] = line


def what_is_missing(sensors: Sequence[Sensor]) -> list[str]:
    """Returns notes on sensors without unit or limits: valid, but less can be checked."""
    notes = []
    measured = [sensor for sensor in sensors if sensor.role not in ("state", "nameplate")]
    for missing, effect in (
        ([s.name for s in measured if not s.unit], "no unit: units are not converted"),
        ([s.name for s in measured if s.min is None or s.max is None], "no min or max: limits are proposed from data"),
    ):
        if missing:
            names = ", ".join(missing[:6]) + (f" and {len(missing) - 6} more" if len(missing) > 6 else "")
            notes.append(f"{len(missing)} of {len(sensors)} sensors have {effect} ({names})")
    folded: dict[str, str] = {}
    for sensor in sensors:
        other = folded.setdefault(sensor.name.casefold(), sensor.name)
        if other != sensor.name:
            notes.append(f"sensors {other} and {sensor.name} differ in case only, which invites mistakes")
    return notes
