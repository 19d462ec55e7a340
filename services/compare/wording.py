"""Numbers and outcomes as people read them, shared by the PDF and the HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.compare.gates import in_percent

ADVICE = {
    "use_refined": "Use the refined model",
    "keep_original": "Keep the original model",
    "collect_more_data": "Collect more data",
}
OUTCOMES = {"pass": "passed", "fail": "not met", "undecided": "undecided", "skipped": "does not apply"}
BETTER = {"lower": "low", "higher": "high", "half": "near 0.5", "one": "1"}
_IN_PERCENT = frozenset({"dcr_share", "exact_copies", "limit_violations", "leakage"})


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
    if value is not None and 1e-12 < value < 5e-5:
        return "< 0.01 %"
    return "–" if value is None else f"{100 * value:.3g} %"


def r_squared(value: float | None) -> str:
    """Returns R2 as a number, "< 0" below: worse than guessing the mean, and by how much depends on the guess alone."""
    return "< 0" if value is not None and value < 0 else number(value)


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
            values = ("–", "–" if gain is None else f"{in_percent(gain)} %", "–")
        else:
            values = (show(gate["seed"]), show(gate["refined"]), show(gate["control"]))
        sign = "at least" if gate["direction"] == ">" else "at most"
        rows.append((gate["title"], *values, f"{sign} {limit}", gate["outcome"]))
    return rows


def metric_rows(document: Mapping[str, Any]) -> list[tuple[str, str, str, str, str, str, str]]:
    """Returns title, original, refined, interval, real rows, calibrated original and where good lies, by metric."""
    rows = []
    for name, entry in document["statistical_metrics"].items():
        if entry["refined_vs_real"] is None:
            continue
        definition = document["definitions"][name]
        show = percent if name in _IN_PERCENT else r_squared if name == "tstr_r2" else number
        low, high = entry["refined_interval"]
        rows.append(
            (
                definition["title"],
                show(entry["seed_vs_real"]),
                show(entry["refined_vs_real"]),
                "" if low is None else f"{show(low if name == 'tstr_r2' else max(low, 0.0))} to {show(high)}",
                show(entry["control_vs_real"]),
                show(entry["calibrated_seed_vs_real"]),
                BETTER[definition["better"]],
            )
        )
    return rows


_IN_TIME = {
    "kl_divergence": "KL divergence",
    "correlation_error": "Correlation error",
    "autocorrelation_error": "Autocorrelation error, lags 1 to 50",
    "lagged_correlation_error": "Lagged correlation error",
    "step_distance": "Distance of steps between rows",
    "window_c2st_auc": "Two-sample test on windows (0.5 is best)",
}


def augmented_rows(augmented: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Returns title, value and interval, and those of real training rows, by measure of the augmented sets."""
    return [
        (
            title,
            number(augmented[name]),
            _span(augmented.get(f"{name}_interval")),
            number(augmented.get(f"{name}_control")),
            _span(augmented.get(f"{name}_control_interval")),
        )
        for name, title in _IN_TIME.items()
        if augmented.get(name) is not None
    ]


def _span(interval: Sequence[float | None] | None) -> str:
    low, high = interval or (None, None)
    return "–" if low is None or high is None else f"{number(max(low, 0.0))} to {number(high)}"


def defined(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Returns all definitions of a document by name, those of the augmented sets at the end."""
    in_time = (document["augmented"] or {}).get("definitions", {})
    return dict(document["definitions"]) | {
        f"augmented_{name}": {
            "title": f"Augmented sets: {_IN_TIME.get(name, name).partition(',')[0].lower()}",
            "definition": text,
        }
        for name, text in in_time.items()
    }


def sensor_rows(document: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Returns head and rows of the table by sensor, worst first; R2 where every sensor has been learnt in turn."""
    sensors = document["per_sensor_metrics"]
    learnt = sum(entry.get("tstr_r2_refined") is not None for entry in sensors.values()) > 1
    head = ["Sensor", "Real mean", "Mean error orig.", "Mean error ref.", "Std error ref.", "KL orig.", "KL ref."]
    head += ["W1 ref.", *(["TSTR R² ref.", "TSTR R² real"] if learnt else [])]
    body = []
    for name in sorted(sensors, key=lambda name: -(sensors[name].get("kl_divergence_refined") or 0.0)):
        entry = sensors[name]
        row = [name + (f" ({entry['unit']})" if entry["unit"] else "")]
        row += [
            number(entry.get(key))
            for key in (
                "mean_real", "mean_error_seed", "mean_error_refined", "std_error_refined", "kl_divergence_seed",
                "kl_divergence_refined", "wasserstein_distance_refined",
            )
        ]  # fmt: skip
        if learnt:
            row += [r_squared(entry.get(f"tstr_r2_{part}")) for part in ("refined", "control")]
        body.append(tuple(row))
    return tuple(head), body
