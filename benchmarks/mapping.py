"""Measures column mapping on labelled tasks: recall and precision of plain fuzzy matching, of the same after cleaning
the names, of COMA (Valentine) and of ours, on a tuning half and a test half split by source, and on controls.

    python -m benchmarks.mapping [--data DIR] [--half tuning|test|all] [--errors] [--json FILE]

COMA runs where the package valentine is installed (extra `bench`); else the table says that it did not run. It gets the
names alone, as ours does here, its scores are assigned one-to-one, and its threshold is the one that suits it best on
the tuning half.

Both halves have been read while building, so their figures are an upper bound. What is to be expected of a file of a
new kind was measured once each on tasks that were collected after the matcher was frozen and whose errors had not been
read. Earlier seven sets (166 tasks, 1,798 columns) gave recall .75 to .93 at precision .96 and more, then five (69
tasks, 903 columns) .81 to .93 at .98 to .99. The last three (40 tasks, 703 columns: register lists, point lists and
data sets of nine trades in seven languages, a half of the names abbreviated), each as the code stood when it came:

    columns                                    236    249    218
    recall                                    .771   .800   .848
      of words                                .825   .912   .939
      of abbreviations                        .732   .711   .756
    precision                                 .955   .970   .986
    left empty, none there                    1.00   1.00   1.00    (88 columns in all)
    certain ones right                        .989   1.00   .991
    certain ones per column                   .495   .610   .677
    left empty, 30 % of the sensors removed   .919   .900   .929
    recall / precision of the code before                .761 / .940   .811 / .978

Then the tier came to be decided by the evidence of each pair (services/mapping/certainty.py), and two more sets (26
tasks, 421 columns: hydro, ships, kilns, tunnelling, reefers, chillers and more) gave, once each as they came:

    columns                                    208    213
    recall                                    .904   .926
      of words / of abbreviations       .901 / .906   .918 / .937
    precision                                 1.00   .982
    left empty, none there                    1.00   .968
    certain ones right                        1.00   1.00
    certain ones per column                   .718   .699
    left empty, 30 % of the sensors removed   .981   .947

Every set was mended for afterwards. How far words reach is also shown by the names of home energy and building devices
and their translations into six languages, a half of them never read (833 tasks, 9,122 columns without units, many of no
machine): recall rose from .55 to .64 to .67 (Chinese) and .75 to .77 (the others), precision from .93 to .97 to .97 to
.98. What stays out of reach are short names that only their vendor's manual explains.

The data are no part of the repository: `mapping_pairs.csv`, `profiles.csv` and `labelled_tasks.json` under DIR
(default: SENSORFORGE_SHARED_DATA/mapping or ../shared/data/mapping beside the repository).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rapidfuzz import fuzz

from benchmarks.mapping_tasks import Task, half_of, load
from services.machines.profile import MachineProfile, Sensor
from services.mapping.columns import ColumnInfo
from services.mapping.suggest import suggest

SENSOR_DIFFICULTIES = ("L", "A")  # lexical, abbreviation or synonym; O is opaque: asking is right


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


def coma(threshold: float) -> Matcher:
    """COMA 3.0 of Valentine on names, assigned one-to-one above a threshold. Raises ImportError without valentine."""
    import numpy as np
    import pandas as pd
    from scipy.optimize import linear_sum_assignment
    from valentine import valentine_match
    from valentine.algorithms import Coma

    def match(task: Task) -> dict[str, tuple[str | None, str]]:
        columns = list(dict.fromkeys(column.name for column in task.columns))
        sensors = [sensor.name for sensor in task.profile.sensors]
        frames = [pd.DataFrame(columns=names, dtype=float) for names in (columns, sensors)]
        scores = np.zeros((len(columns), len(sensors)))
        for pair, score in valentine_match(frames, Coma(delta=1.0)).items():
            scores[columns.index(pair.source_column), sensors.index(pair.target_column)] = score
        found: dict[str, tuple[str | None, str]] = dict.fromkeys(columns, (None, "none"))
        for i, j in zip(*linear_sum_assignment(-scores), strict=True):
            if scores[i, j] >= threshold:
                found[columns[i]] = (sensors[j], "auto")
        return found

    return match


def best_coma(tasks: list[Task]) -> tuple[float, Matcher] | None:
    """Returns COMA with the threshold of the highest F1 on these tasks, None where it is not installed."""
    try:
        candidates = [(step / 20, coma(step / 20)) for step in range(2, 15, 2)]
    except ImportError:
        return None

    def f1(matcher: Matcher) -> float:
        figures = measure(tasks, matcher)
        both = figures["recall"] + figures["precision"]
        return 2 * figures["recall"] * figures["precision"] / both if both else 0.0

    return max(candidates, key=lambda candidate: f1(candidate[1]))


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


def shuffled(tasks: list[Task], seed: int = 0) -> list[Task]:
    """Returns the tasks with columns and sensors in another order, which must change nothing."""
    rng = random.Random(seed)
    result = []
    for task in tasks:
        columns, sensors = list(task.columns), list(task.profile.sensors)
        rng.shuffle(columns)
        rng.shuffle(sensors)
        result.append(
            replace(task, columns=tuple(columns), profile=MachineProfile(task.profile.machine_id, tuple(sensors)))
        )
    return result


def collisions(tasks: list[Task]) -> int:
    """Returns how many sensors are given to more than one column; there must be none."""
    count = 0
    for task in tasks:
        given = [s.sensor for s in suggest(task.columns, task.profile).suggestions if s.sensor]
        count += len(given) - len(set(given))
    return count


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


def wide_task(columns: int = 100, sensors: int = 50) -> Task:
    """Returns a wide file with words that repeat, as in a plant."""
    parts = ["motor", "pump", "fan", "gearbox", "compressor", "bearing", "winding", "oil", "water", "inlet", "outlet"]
    kinds = [("temp", "°C"), ("pressure", "bar"), ("vib", "mm/s"), ("current", "A"), ("speed", "rpm")]
    names = [(f"{a}_{b}_{k}", unit) for a in parts for b in parts if a != b for k, unit in kinds]
    rng = random.Random(1)
    profile = MachineProfile("bench", tuple(Sensor(n, u) for n, u in rng.sample(names, sensors)))
    headers = tuple(ColumnInfo(f"{i}_{n.title()}") for i, (n, _) in enumerate(rng.sample(names, columns)))
    return Task("wide", "wide", headers, profile, {}, {})


def milliseconds(matcher: Matcher, columns: int = 100, sensors: int = 50, repeats: int = 5) -> float:
    """Returns the processor time of one answer for a wide file whose names were not seen before; best of five."""
    task = wide_task(columns, sensors)
    matcher(task)
    best = float("inf")
    for turn in range(repeats):
        renamed = replace(task, columns=tuple(replace(c, name=f"{c.name}x{turn}") for c in task.columns))
        begin = time.process_time()
        matcher(renamed)
        best = min(best, (time.process_time() - begin) * 1000)
    return best


def _line(report: dict[str, object], half: str, name: str, figures: dict[str, float]) -> None:
    report[f"{half}/{name}"] = figures
    print(f"{name:26} {half:7} " + " ".join(f"{value:14.3f}" for value in figures.values()))


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
    halves = {half: [task for task in tasks if half_of(task.source) == half] for half in ("tuning", "test")}
    report: dict[str, object] = {}
    matchers: dict[str, Matcher] = {
        "token_sort_ratio > 60": token_sort,
        "the same, names prepared": token_sort_prepared,
    }
    peer = best_coma(halves["tuning"])
    if peer is None:
        print("COMA did not run: the package valentine is not installed (pip install 'sensorforge[bench]').")
    else:
        matchers[f"COMA, threshold {peer[0]:g}"] = peer[1]
    matchers["ours"] = ours
    print(f"{'':26} {'half':7} " + " ".join(f"{name:>14}" for name in Tally().figures()))
    for half, chosen in halves.items():
        if options.half not in (half, "all"):
            continue
        for name, matcher in matchers.items():
            _line(report, half, name, measure(chosen, matcher))
        _line(report, half, "ours, names perturbed", measure(perturbed(chosen), ours))
        _line(report, half, "ours, columns shuffled", measure(shuffled(chosen), ours))
        controls = {
            "foreign profile": foreign(chosen),
            "anonymised names": anonymised(chosen),
            "collisions": collisions(chosen),
        }
        report |= {f"{half}/{name}": figures for name, figures in controls.items()}
        print("  " + "; ".join(f"{name} {figures}" for name, figures in controls.items()))
        if options.errors:
            errors: list[str] = []
            measure(chosen, ours, errors)
            print("\n".join(errors))
    mine = milliseconds(ours)
    report["ms, 100 columns x 50 sensors"] = round(mine, 1)
    print(f"100 columns x 50 sensors: {mine:.1f} ms")
    for name, matcher in matchers.items():
        if matcher is not ours:
            theirs = milliseconds(matcher)
            report[f"time of {name} / ours"] = round(theirs / mine, 2)
            print(f"  {name}: {theirs:.1f} ms, {theirs / mine:.2f} times ours")
    if options.json:
        options.json.write_text(json.dumps(report, indent=2), "utf-8")


if __name__ == "__main__":
    main()
