"""The scores of a benchmark run, by table and method over seeds, and whether they reach the goals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CPU_S = "cpu_s"


class Board:
    """Collects scores; one entry a seed."""

    def __init__(self) -> None:
        self.scores: dict[str, dict[str, list[dict[str, float]]]] = {}

    def add(self, table: str, method: str, cpu_s: float, scores: dict[str, float]) -> None:
        self.scores.setdefault(table, {}).setdefault(method, []).append({CPU_S: cpu_s, **scores})

    def mean(self, table: str, method: str, metric: str) -> float:
        """Returns the mean over seeds, NaN where it was not measured."""
        runs = self.scores.get(table, {}).get(method, [])
        return float(np.mean([run[metric] for run in runs if metric in run])) if runs else float("nan")

    def methods(self, table: str) -> list[str]:
        return list(self.scores.get(table, {}))

    def show(self) -> None:
        """Prints each table: mean and standard deviation over seeds."""
        for table, methods in self.scores.items():
            names = list(dict.fromkeys(name for runs in methods.values() for name in runs[0]))
            print(f"\n{table}\n{'':30s}" + "".join(f"{name:>16s}" for name in names))
            for method, runs in methods.items():
                cells = []
                for name in names:
                    values = np.array([run.get(name, np.nan) for run in runs])
                    spread = f"±{values.std():.3g}" if len(values) > 1 else ""
                    cells.append(
                        f"{values.mean():>9.4g}{spread:7s}" if not np.isnan(values).all() else f"{'–':>9s}{'':7s}"
                    )
                print(f"{method:30s}" + "".join(cells), flush=True)


@dataclass(frozen=True)
class Goal:
    """One line of the goal table: what was measured and whether that reaches it (None: not measured)."""

    text: str
    measured: str
    reached: bool | None


def below(text: str, value: float, limit: float, unit: str = "") -> Goal:
    """A value that must not exceed a limit."""
    return Goal(f"{text} <= {limit:g}{unit}", f"{value:.4g}{unit}", None if np.isnan(value) else value <= limit)


def above(text: str, value: float, limit: float, unit: str = "") -> Goal:
    """A value that must reach a limit."""
    return Goal(f"{text} >= {limit:,g}{unit}", f"{value:,.4g}{unit}", None if np.isnan(value) else value >= limit)


def show_goals(goals: Sequence[Goal]) -> None:
    """Prints the goals with reach or miss."""
    print(f"\n{'goal':74s}{'measured':>40s}  ")
    for goal in goals:
        word = {True: "reached", False: "MISSED", None: "not measured"}[goal.reached]
        print(f"{goal.text:74s}{goal.measured:>40s}  {word}")
