"""Measures column mapping on labelled tasks: recall and precision of plain fuzzy matching, of the same after cleaning
the names, and of ours, on a tuning half and a test half split by source, and on controls.

    python benchmarks/mapping.py [--data DIR] [--half tuning|test|all] [--errors] [--json FILE]

The test half was first measured unseen: recall .78 (lexical and abbreviated names .80), precision .95, certain
proposals all right. Its errors were then read and the lexicon extended by field knowledge: both halves are seen now.

The data are no part of the repository: `mapping_pairs.csv`, `profiles.csv` and `labelled_tasks.json` under DIR
(default: SENSORFORGE_SHARED_DATA/mapping or ../shared/data/mapping beside the repository).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rapidfuzz import fuzz

from services.machines.profile import MachineProfile, Sensor
from services.mapping.columns import ColumnInfo
from services.mapping.suggest import suggest

SENSOR_DIFFICULTIES = ("L", "A")  # lexical, abbreviation or synonym; O is opaque: asking is right


@dataclass(frozen=True)
class Task:
    """One file and one profile: the true sensor of each column (None: no counterpart) and its difficulty."""

    name: str
    source: str
    columns: tuple[ColumnInfo, ...]
    profile: MachineProfile
    truth: dict[str, str | None]
    difficulty: dict[str, str]


def _half(source: str) -> str:
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


Matcher = Callable[[Task], dict[str, tuple[str | None, str]]]


def token_sort(task: Task) -> dict[str, tuple[str | None, str]]:
    """The original design: rapidfuzz token_sort_ratio above 60, best sensor for each column."""
    return _best_ratio(task, lambda name: name)


def token_sort_prepared(task: Task) -> dict[str, tuple[str | None, str]]:
    """The same on lower-cased names split at separators and capitals."""
    return _best_ratio(task, lambda name: re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).lower())


def _best_ratio(task: Task, prepare: Callable[[str], str]) -> dict[str, tuple[str | None, str]]:
    found: dict[str, tuple[str | None, str]] = {}
    for column in task.columns:
        ratio, name = max(
            (fuzz.token_sort_ratio(prepare(column.name), prepare(s.name)), s.name) for s in task.profile.sensors
        )
        found[column.name] = (name, "auto") if ratio > 60 else (None, "none")
    return found


def ours(task: Task) -> dict[str, tuple[str | None, str]]:
    proposal = suggest(task.columns, task.profile)
    return {s.column: (s.sensor or None, s.tier if s.sensor else "none") for s in proposal.suggestions}


@dataclass
class Tally:
    """Counts over columns. Recall is over columns with a counterpart, precision over proposals."""

    true: int = 0
    proposed: int = 0
    right: int = 0
    empty: int = 0
    left_empty: int = 0
    auto: int = 0
    auto_right: int = 0
    lexical: int = 0
    lexical_right: int = 0

    def add(self, task: Task, answer: dict[str, tuple[str | None, str]], errors: list[str] | None) -> None:
        for column, truth in task.truth.items():
            sensor, tier = answer[column]
            self.true += truth is not None
            self.proposed += sensor is not None
            self.right += sensor is not None and sensor == truth
            self.empty += truth is None
            self.left_empty += truth is None and sensor is None
            if tier == "auto":
                self.auto += 1
                self.auto_right += sensor == truth
            if truth is not None and task.difficulty.get(column, "L") in SENSOR_DIFFICULTIES:
                self.lexical += 1
                self.lexical_right += sensor == truth
            if errors is not None and sensor != truth:
                errors.append(
                    f"{task.name:28} {task.difficulty.get(column, '-')} {column!r}: {sensor} [{tier}], truth {truth}"
                )

    def figures(self) -> dict[str, float]:
        def share(part: int, whole: int) -> float:
            return round(part / whole, 3) if whole else float("nan")

        return {
            "recall": share(self.right, self.true),
            "recall_lexical": share(self.lexical_right, self.lexical),
            "precision": share(self.right, self.proposed),
            "left_empty": share(self.left_empty, self.empty),
            "auto_precision": share(self.auto_right, self.auto),
            "auto_coverage": share(self.auto, self.lexical),
        }


def measure(tasks: Iterable[Task], matcher: Matcher, errors: list[str] | None = None) -> dict[str, float]:
    """Returns recall, precision and the rest over all columns of the tasks."""
    tally = Tally()
    for task in tasks:
        tally.add(task, matcher(task), errors)
    return tally.figures()


def foreign(tasks: list[Task]) -> dict[str, float]:
    """Returns what is proposed when every file meets the profile of another machine, and how often that is said."""
    proposals = columns = warned = 0
    for i, task in enumerate(tasks):
        other = tasks[(i + len(tasks) // 2) % len(tasks)]
        proposal = suggest(task.columns, other.profile)
        columns += len(task.columns)
        proposals += sum(1 for s in proposal.suggestions if s.sensor)
        warned += any("does not look like" in warning for warning in proposal.warnings)
    own = sum(any("does not look like" in w for w in suggest(t.columns, t.profile).warnings) for t in tasks)
    return {"proposals": proposals, "columns": columns, "files_warned": warned, "files": len(tasks), "own_warned": own}


def anonymised(tasks: list[Task]) -> dict[str, float]:
    """Returns what is proposed when the names say nothing."""
    plain = [replace(t, columns=tuple(replace(c, name=f"col_{i}") for i, c in enumerate(t.columns))) for t in tasks]
    return {
        "proposals": sum(1 for task in plain for s in suggest(task.columns, task.profile).suggestions if s.sensor),
        "columns": sum(len(task.columns) for task in plain),
    }


def perturbed(tasks: list[Task], seed: int = 0) -> list[Task]:
    """Returns the tasks with other case and separators and shuffled columns."""
    rng = random.Random(seed)
    styles: list[Callable[[str], str]] = [
        str.upper,
        lambda n: n.replace("_", "-"),
        lambda n: n.replace("_", " "),
        lambda n: n.replace("_", "."),
    ]
    result = []
    for task in tasks:
        names = {c.name: rng.choice(styles)(c.name) for c in task.columns}
        columns = [replace(c, name=names[c.name]) for c in task.columns]
        rng.shuffle(columns)
        truth = {names[c]: s for c, s in task.truth.items()}
        result.append(
            replace(
                task, columns=tuple(columns), truth=truth, difficulty={names[c]: d for c, d in task.difficulty.items()}
            )
        )
    return result


def milliseconds(columns: int = 100, sensors: int = 50) -> float:
    """Returns the processor time of one suggestion for a wide file with words that repeat, as in a plant."""
    parts = ["motor", "pump", "fan", "gearbox", "compressor", "bearing", "winding", "oil", "water", "inlet", "outlet"]
    kinds = [("temp", "°C"), ("pressure", "bar"), ("vib", "mm/s"), ("current", "A"), ("speed", "rpm")]
    names = [(f"{a}_{b}_{k}", unit) for a in parts for b in parts if a != b for k, unit in kinds]
    rng = random.Random(1)
    profile = MachineProfile("bench", tuple(Sensor(n, u) for n, u in rng.sample(names, sensors)))
    headers = [ColumnInfo(f"{i}_{n.title()}") for i, (n, _) in enumerate(rng.sample(names, columns))]
    suggest(headers, profile)
    renamed = [replace(c, name=c.name + "x") for c in headers]
    begin = time.process_time()
    suggest(renamed, profile)
    return (time.process_time() - begin) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("SENSORFORGE_SHARED_DATA", beside)) / "mapping"
    )
    parser.add_argument("--half", choices=("tuning", "test", "all"), default="all")
    parser.add_argument("--errors", action="store_true", help="list every wrong or missing pair of ours")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    tasks = load(options.data)
    report: dict[str, object] = {}
    matchers: dict[str, Matcher] = {
        "token_sort_ratio > 60": token_sort,
        "the same, names prepared": token_sort_prepared,
        "ours": ours,
    }
    print(f"{'':26} {'half':7} " + " ".join(f"{name:>14}" for name in Tally().figures()))
    for half in ("tuning", "test"):
        if options.half not in (half, "all"):
            continue
        chosen = [task for task in tasks if _half(task.source) == half]
        for name, matcher in matchers.items():
            figures = measure(chosen, matcher)
            report[f"{half}/{name}"] = figures
            print(f"{name:26} {half:7} " + " ".join(f"{value:14.3f}" for value in figures.values()))
        figures = measure(perturbed(chosen), ours)
        report[f"{half}/ours, names perturbed"] = figures
        print(f"{'ours, names perturbed':26} {half:7} " + " ".join(f"{value:14.3f}" for value in figures.values()))
        report[f"{half}/foreign profile"] = foreign(chosen)
        report[f"{half}/anonymised names"] = anonymised(chosen)
        print(f"  foreign profile {report[f'{half}/foreign profile']}; anonymised {report[f'{half}/anonymised names']}")
        if options.errors:
            errors: list[str] = []
            measure(chosen, ours, errors)
            print("\n".join(errors))
    report["ms, 100 columns x 50 sensors"] = round(milliseconds(), 1)
    print(f"100 columns x 50 sensors: {report['ms, 100 columns x 50 sensors']} ms")
    if options.json:
        options.json.write_text(json.dumps(report, indent=2), "utf-8")


if __name__ == "__main__":
    main()
