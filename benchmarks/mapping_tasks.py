"""The labelled tasks of the mapping benchmark: columns, a profile and the true sensor of each column."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from services.machines.profile import MachineProfile, Sensor
from services.mapping.columns import ColumnInfo


@dataclass(frozen=True)
class Task:
    """One file and one profile: the true sensor of each column (None: no counterpart) and its difficulty."""

    name: str
    source: str
    columns: tuple[ColumnInfo, ...]
    profile: MachineProfile
    truth: dict[str, str | None]
    difficulty: dict[str, str]


def half_of(source: str) -> str:
    """Returns the half that a source of tasks belongs to."""
    return "tuning" if hashlib.sha256(source.encode()).digest()[0] % 2 else "test"


def load(folder: Path) -> list[Task]:
    """Returns all tasks of both labelled files."""
    return _pairs(folder) + _labelled(folder)


def _pairs(folder: Path) -> list[Task]:
    sensors: dict[str, list[Sensor]] = {}
    with (folder / "profiles.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            sensors.setdefault(row["group"], []).append(Sensor(row["sensor"], row["unit"]))
    rows: dict[str, list[dict[str, str]]] = {}
    with (folder / "mapping_pairs.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["group"], []).append(row)
    tasks = []
    for group, entries in rows.items():
        names = {sensor.name for sensor in sensors[group]}
        truth = {
            r["column_name"]: r["canonical_sensor_name"] if r["canonical_sensor_name"] in names else None
            for r in entries
        }
        columns = tuple(ColumnInfo(r["column_name"]) for r in entries)
        profile = MachineProfile("bench", tuple(sensors[group]))
        tasks.append(Task(group, group, columns, profile, truth, {r["column_name"]: r["difficulty"] for r in entries}))
    return tasks


def _labelled(folder: Path) -> list[Task]:
    tasks = []
    for entry in json.loads((folder / "labelled_tasks.json").read_text("utf-8")):
        columns = tuple(
            ColumnInfo(
                c["name"], c.get("unit", ""), (), tuple(c.get("q", ())), distinct=c.get("nuniq"), rows=c.get("n"),
                dtype="number" if "q" in c else "",
            )
            for c in entry["cols"]
        )  # fmt: skip
        sensors = tuple(
            Sensor(s["name"], s.get("unit", ""), min=s.get("min"), max=s.get("max")) for s in entry["sensors"]
        )
        gold = {column.name: entry["gold"].get(column.name) for column in columns}
        tasks.append(Task(entry["id"], entry["id"], columns, MachineProfile("bench", sensors), gold, {}))
    return tasks
