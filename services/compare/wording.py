"""Numbers and outcomes as people read them, shared by the PDF and the HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ADVICE = {
    "use_refined": "Use the refined model",
    "keep_original": "Keep the original model",
    "collect_more_data": "Collect more data",
}
OUTCOMES = {"pass": "passed", "fail": "not met", "undecided": "undecided", "skipped": "does not apply"}
BETTER = {"lower": "low", "higher": "high", "half": "near 0.5", "one": "1"}
_IN_PERCENT = frozenset({"dcr_share", "exact_copies", "limit_violations"})


def number(value: float | None) -> str:
    """Returns a number with three significant digits, "–" for none."""
    if value is None:
        return "–"
    if abs(value) < 1e-12:  # what rounding leaves of a constant
        return "0"
    if abs(value) >= 1e6 or abs(value) < 5e-5:
        return f"{value:.2e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percent(value: float | None) -> str:
    """Returns a share in percent, "–" for none."""
    return "–" if value is None else f"{100 * value:.3g} %"


def spoken(verdict: str) -> str:
    """Returns the verdict without the advice it begins with, for where that stands above it as a heading."""
    text = verdict.partition(": ")[2] or verdict
    return text[0].upper() + text[1:]


def gate_rows(gates: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, str, str, str]]:
    """Returns title, original, refined, real rows, limit and outcome (as in the JSON) of each gate."""
    rows = []
    for gate in gates:
        show = percent if gate["name"] in _IN_PERCENT else number
        limit = show(gate["limit"])
        if gate["name"] == "improvement":
            limit = f"{gate['limit']:g} %"
            gain = gate["decided_on"]
            values = ("–", "–" if gain is None else f"{gain:.0f} %", "–")
        else:
            values = (show(gate["seed"]), show(gate["refined"]), show(gate["control"]))
        sign = "at most" if gate["direction"] == "<" else "at least"
        rows.append((gate["title"], *values, f"{sign} {limit}", gate["outcome"]))
    return rows


def metric_rows(document: Mapping[str, Any]) -> list[tuple[str, str, str, str, str, str, str]]:
    """Returns title, original, refined, interval, real rows, calibrated original and where good lies, by metric."""
    rows = []
    for name, entry in document["statistical_metrics"].items():
        if entry["refined_vs_real"] is None:
            continue
        definition = document["definitions"][name]
        show = percent if name in _IN_PERCENT else number
        low, high = entry["refined_interval"]
        rows.append(
            (
                definition["title"],
                show(entry["seed_vs_real"]),
                show(entry["refined_vs_real"]),
                ""
                if low is None
                else f"{show(max(low, 0.0) if entry['refined_vs_real'] >= 0 else low)} to {show(high)}",
                show(entry["control_vs_real"]),
                show(entry["calibrated_seed_vs_real"]),
                BETTER[definition["better"]],
            )
        )
    return rows
