"""What the services answer about merges, data sets and comparisons, in the words of the panes.

Pure functions of documents and messages; older reports, which lack the newer parts, show what they have.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

from clients.sdk import wording
from clients.sdk.workflow.model_steps import short
from clients.tui import views
from sensorforge.ingest.v1 import ingest_service_pb2

Outcome = Literal["pass", "fail", "undecided", "skipped"]
Family = Literal["in time", "between sensors", "by sensor", "privacy"]
_OUTCOMES: Mapping[str, Outcome] = {
    "pass": "pass", "fail": "fail", "undecided": "undecided", "passed": "pass", "failed": "fail",
}  # fmt: skip
# What a document calls the sets of rows, and what the panes call them.
_SETS = {"real": "real", "seed": "original", "refined": "refined"}
_QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)  # of ingest.v1.ColumnProfile
_LIFE_BINS = 40
DEFAULT_SEED_ROWS = 10_000

# Figures against held-out rows: comparison.json, part `augmented`.
_HELD_OUT: tuple[tuple[str, Family, str], ...] = (
    ("kl_divergence", "by sensor", "KL divergence"),
    ("correlation_error", "between sensors", "correlation error"),
    ("autocorrelation_error", "in time", "autocorrelation error"),
    ("lagged_correlation_error", "in time", "lagged correlation error"),
    ("step_distance", "in time", "distance of steps"),
    ("window_c2st_auc", "in time", "two-sample test on windows"),
)
# Figures against training rows: quality.json, by part and name, with the name of the control.
_TRAINING: tuple[tuple[str, str, str, Family, str], ...] = (
    ("rows", "kl_augmented", "kl_real_validation", "by sensor", "KL divergence, to training"),
    (
        "rows",
        "correlation_error_augmented",
        "correlation_error_real_validation",
        "between sensors",
        "correlation error, to training",
    ),
    (
        "temporal",
        "autocorrelation_error",
        "autocorrelation_error_of_real_validation",
        "in time",
        "autocorrelation error, to training",
    ),
    (
        "temporal",
        "cross_correlation_error",
        "cross_correlation_error_of_real_validation",
        "in time",
        "cross-correlation error, to training",
    ),
    (
        "temporal",
        "difference_wasserstein",
        "difference_wasserstein_of_real_validation",
        "in time",
        "distance of steps, to training",
    ),
)
_PROMISES = {
    "limits": ("inside the limits", "No row leaves the limits of the profile."),
    "rul_strictly_decreasing": ("remaining life falls", "Remaining life falls at every step of every run."),
    "timestamps_sorted": ("timestamps rise", "Timestamps rise within every run."),
    "runs_disjoint": ("runs in one set", "No run is in two sets."),
    "nearest_runs": ("nearness to real runs", "No run follows a real one more closely than real runs each other."),
}
_SAME_CHECK = {
    "runs_in_one_split": "runs_disjoint",
    "timestamps_sorted": "timestamps_sorted",
    "rul_decreasing": "rul_strictly_decreasing",
    "inside_limits": "limits",
}


def comparison(document: Mapping[str, Any], quality: Mapping[str, Any], model: str, default: str) -> views.Comparison:
    """Returns the verdict with its evidence, of a comparison.json and the quality.json of the data sets."""
    sensors = [
        views.SensorRow(
            name,
            _maybe(values, "kl_divergence_seed"),
            _maybe(values, "kl_divergence_refined"),
            _maybe(values, "mean_error_refined"),
            str(values.get("unit") or ""),
            str(values.get("finding") or ""),
        )
        for name, values in (document.get("per_sensor_metrics") or {}).items()
    ]
    sensors.sort(key=lambda row: -(row.kl_refined or 0.0))
    real = (document.get("datasets_compared") or {}).get("real_data") or {}
    return views.Comparison(
        str(document.get("verdict", "")),
        str(document.get("recommendation", "")).replace("_", " "),
        tuple(gate_row(gate) for gate in document.get("gates") or ()),
        tuple(sensors),
        data_sets(document.get("augmented") or {}, quality),
        short(model),
        short(default) if default else "",
        int(real.get("rows") or 0),
        {name: shape(values) for name, values in (document.get("histograms") or {}).items()},
        correlations(document.get("correlations")),
        tuple(str(text) for text in document.get("warnings") or ()),
    )


def gate_row(gate: Mapping[str, Any]) -> views.GateRow:
    """Returns a gate of comparison.json as the command line shows it."""
    told = wording.gate_text(gate)
    return views.GateRow(
        str(gate.get("title") or gate["name"].replace("_", " ")),
        told.original,
        told.refined,
        told.real,
        told.target,
        _OUTCOMES.get(gate["outcome"], "skipped"),
        str(gate.get("explanation") or ""),
    )


def shape(values: Mapping[str, Any]) -> views.Shape:
    """Returns a histogram of comparison.json."""
    return views.Shape(
        {word: _numbers(values[name]) for name, word in _SETS.items() if values.get(name)},
        _numbers(values.get("edges") or ()),
        tuple(str(name) for name in values.get("categories") or ()),
    )


def correlations(document: Mapping[str, Any] | None) -> views.Correlations | None:
    """Returns the correlation matrices of comparison.json."""
    if not document:
        return None
    matrices = {
        word: tuple(_numbers(line) for line in document[name]) for name, word in _SETS.items() if document.get(name)
    }
    return views.Correlations(tuple(document["sensors"]), matrices, int(document.get("left_out") or 0))


def data_sets(augmented: Mapping[str, Any], quality: Mapping[str, Any]) -> views.DataSets:
    """Returns the data sets with their quality check in full: what was promised, then figures in time, between sensors,
    by sensor and about privacy; those against held-out rows before those against training rows."""
    counts = quality.get("sets") or {
        name: {"rows": rows, "runs": (augmented.get("runs") or {}).get(name, 0)}
        for name, rows in (augmented.get("rows") or {}).items()
    }
    sets = tuple(
        views.SetRow(name, int(counts[name].get("rows") or 0), int(counts[name].get("runs") or 0))
        for name in ("train", "val", "test")
        if name in counts
    )
    checks = [_check(item) for item in augmented.get("checks") or ()]
    told = {_SAME_CHECK.get(str(item.get("name")), "") for item in augmented.get("checks") or ()}
    for name, verdict in (quality.get("gates") or {}).items():
        if name not in told:
            title, words = _PROMISES.get(name, (name.replace("_", " "), ""))
            checks.append(views.SetCheck(title, _OUTCOMES.get(verdict, "skipped"), words))
    return views.DataSets(
        sets,
        str(quality.get("where") or ""),
        tuple(checks),
        tuple(_measures(augmented, quality)),
        tuple(str(text) for text in quality.get("disclosures") or ()),
    )


def _measures(augmented: Mapping[str, Any], quality: Mapping[str, Any]) -> Iterable[views.SetMeasure]:
    definitions = augmented.get("definitions") or {}
    found: list[views.SetMeasure] = []
    for name, family, title in _HELD_OUT:
        if (value := _maybe(augmented, name)) is not None:
            about = str(definitions.get(name, "")) or "Against the held-out real rows, as for the model's own rows."
            real = wording.number(_maybe(augmented, f"{name}_control"))
            found.append(views.SetMeasure(family, title, wording.number(value), real, about))
    for part, name, control, family, title in _TRAINING:
        figures = quality.get(part) or {}
        if (value := _maybe(figures, name)) is not None:
            about = "Against the real training rows; beside it what real validation rows get."
            real = wording.number(_maybe(figures, control))
            found.append(views.SetMeasure(family, title, wording.number(value), real, about))
    if nearest := quality.get("nearest_runs"):
        about = (
            f"Share of runs whose slow path is closer to one of {nearest.get('training_runs', '?')} training runs than "
            f"those are to each other; up to {wording.share(_maybe(nearest, 'limit'))} is accepted."
        )
        close = wording.share(_maybe(nearest, "close_share"))
        found.append(views.SetMeasure("privacy", "runs close to a real one", close, "", about))
        ratio = wording.number(_maybe(nearest, "ratio"))
        about = "Median distance to the closest training run over that between training runs; 1 and more is new."
        found.append(views.SetMeasure("privacy", "distance to real runs", ratio, "1", about))
    families = ("in time", "between sensors", "by sensor", "privacy")
    return sorted(found, key=lambda measure: families.index(measure.family))


def _check(item: Mapping[str, Any]) -> views.SetCheck:
    title = str(item.get("name", ""))
    known = _PROMISES.get(_SAME_CHECK.get(title, ""), (title.replace("_", " "), ""))
    outcome = _OUTCOMES.get(str(item.get("outcome")), "skipped")
    return views.SetCheck(known[0], outcome, str(item.get("explanation", "")))


def merge_preview(
    transform: Mapping[str, Any],
    real_life: Sequence[float],
    merged: Mapping[str, Any],
    merged_life: Sequence[float],
    seed_rows: int,
) -> views.MergePreview:
    """Returns what there is to merge, from transform.json and, once it is done, merge.json. `real_life` and
    `merged_life` are quantiles of remaining life, empty where it is not known."""
    split = (transform.get("split") or {}).get("rows") or {}
    counts = merged.get("rows") or {}
    return views.MergePreview(
        int(split.get("train") or 0),
        int(split.get("val") or 0),
        int(split.get("test") or 0),
        seed_rows,
        life_shape(real_life, merged_life),
        str((transform.get("rul") or {}).get("unit") or ""),
        _merged_words(counts) if counts else "",
    )


def _merged_words(counts: Mapping[str, Any]) -> str:
    removed = sum(int(n or 0) for n in (counts.get("removed") or {}).values())
    parts = [f"{int(counts.get('train_real') or 0):,} real"]
    if counts.get("train_seed"):
        parts.append(f"{int(counts['train_seed']):,} seed")
    words = f"{' + '.join(parts)} rows to train on, {int(counts.get('val') or 0):,} to choose by"
    return words + (f"; {removed:,} left out as duplicates or for balance" if removed else "")


def life_shape(real: Sequence[float], merged: Sequence[float]) -> views.Shape | None:
    """Returns both distributions of remaining life in common bins, rebuilt from their quantiles: between two quantiles
    rows are taken as evenly spread. None without two different values."""
    known = {name: q for name, q in (("real", real), ("to train on", merged)) if len(q) == len(_QUANTILES)}
    low, high = min((q[0] for q in known.values()), default=0.0), max((q[-1] for q in known.values()), default=0.0)
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return None
    edges = (*(low + (high - low) * i / _LIFE_BINS for i in range(_LIFE_BINS)), high)
    return views.Shape({name: _between(q, edges) for name, q in known.items()}, edges)


def _between(quantiles: Sequence[float], edges: Sequence[float]) -> tuple[float, ...]:
    def below(x: float) -> float:
        if x >= quantiles[-1]:
            return 1.0
        for (q0, q1), (p0, p1) in zip(pairwise(quantiles), pairwise(_QUANTILES), strict=True):
            if x < q1:
                return p0 + (p1 - p0) * max(0.0, (x - q0) / (q1 - q0))
        return 1.0

    # What equals the lowest value of all is in the first bin.
    return tuple(below(b) - (below(a) if number else 0.0) for number, (a, b) in enumerate(pairwise(edges)))


def life_quantiles(columns: Iterable[ingest_service_pb2.ColumnProfile]) -> tuple[float, ...]:
    """Returns the quantiles of remaining life among a table's columns; none where the table has none."""
    return next((tuple(column.quantiles) for column in columns if column.name == "rul"), ())


def _numbers(values: Iterable[Any]) -> tuple[float, ...]:
    return tuple(float(v) if isinstance(v, int | float) else math.nan for v in values)


def _maybe(values: Mapping[str, Any], key: str) -> float | None:
    found = values.get(key)
    return float(found) if isinstance(found, int | float) else None
