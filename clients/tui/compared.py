"""A comparison in words: its gates, pairs of sensors, and data sets. Pure."""

from __future__ import annotations

import math

from clients.tui.views import Comparison, Correlations, DataSets

# How an outcome is marked, and its colour.
OUTCOMES = {
    "pass": ("✔ pass", "green"),
    "fail": ("✖ fail", "red"),
    "undecided": ("? undecided", "yellow"),
    "skipped": ("· not asked", "dim"),
}
_COUNTED = {"pass": "passed", "fail": "failed", "undecided": "undecided", "skipped": "not asked"}
_CORRELATED = ("real", "original", "refined")


def differences(found: Correlations) -> list[list[float]]:
    """Returns how much more each pair is correlated in the refined rows than in real ones."""
    real, refined = found.matrices.get("real", ()), found.matrices.get("refined", ())
    return [[b - a for a, b in zip(one, other, strict=True)] for one, other in zip(real, refined, strict=True)]


def pair_words(found: Correlations, row: int, column: int) -> str:
    """Returns a pair's correlations in every set."""
    size = len(found.sensors)
    if not (row < size and column < size):
        return ""
    told = [
        f"{name} {found.matrices[name][row][column]:+.2f}"
        for name in _CORRELATED
        if name in found.matrices and math.isfinite(found.matrices[name][row][column])
    ]
    rest = f"  ({found.left_out} better sensors are not shown)" if found.left_out else ""
    return f"{found.sensors[row]} and {found.sensors[column]}: {', '.join(told)}{rest}"


def worst_pairs(found: Correlations, most: int = 12) -> list[str]:
    """Returns the pairs whose correlation differs most from the real one, worst first, a line each."""
    gaps = differences(found)
    pairs = [(r, c) for r in range(len(gaps)) for c in range(r) if math.isfinite(gaps[r][c])]
    pairs.sort(key=lambda pair: -abs(gaps[pair[0]][pair[1]]))
    lines = []
    for r, c in pairs[:most]:
        values = [f"{name} {found.matrices[name][r][c]:+.2f}" for name in ("real", "refined")]
        lines.append(f"{gaps[r][c]:+.2f}  {found.sensors[c]} and {found.sensors[r]}: {', '.join(values)}")
    return lines


def set_words(found: DataSets) -> str:
    """Returns the data sets in a sentence or two."""
    if not found.sets:
        return "There are no data sets yet; g generates them."
    rows = " / ".join(f"{part.rows:,}" for part in found.sets)
    runs = " / ".join(f"{part.runs:,}" for part in found.sets)
    where = f" Every row meets {found.where}." if found.where else ""
    return f"{rows} rows to train, validate and test with, in {runs} runs.{where} s saves them, g makes others."


def question(machine: str, found: Comparison) -> str:
    """Returns what is asked before the default is switched: old and new model, and how the gates stand."""
    gates = "\n".join(
        f"  {OUTCOMES[gate.outcome][0][0]} {gate.title[:29]:<30}{gate.refined:>9}  {gate.target}"
        for gate in found.gates
    )
    outcomes = [gate.outcome for gate in found.gates]
    counts = [f"{outcomes.count(o)} {word}" for o, word in _COUNTED.items() if o in outcomes]
    before = found.default or "no model yet"
    return (
        f"Make the refined model the default of {machine}?\n\n  {before} → {found.model}\n\n{gates}\n\n"
        f"  Gates: {', '.join(counts) or 'none'}."
    )


def no_gap(sensor: str) -> str:
    """Returns what there is to say about a sensor without a finding."""
    return f"{sensor}: no range of values is missed or overfilled."
