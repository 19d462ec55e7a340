"""comparison.json: the comparison as one JSON document, versioned, that says how each of its numbers was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from services.compare.comparison import Comparison, MeasuredSet
from services.compare.datasets import Floats
from services.compare.gates import Gate
from services.compare.metrics.registry import METRICS
from services.compare.metrics.samples import COVERAGE, Measured
from services.compare.shapes import correlations_json, histograms_json

SCHEMA_VERSION = 1
_SETS = ("seed", "refined", "control")


@dataclass(frozen=True)
class Provenance:
    """Where the rows come from: artifact names, "" where there is none, and when the comparison was made."""

    machine: str
    timestamp: str
    table: str
    refined: str
    seed: str = ""
    original_model: str = ""
    refined_model: str = ""
    profile: str = ""
    augmented: str = ""
    title: str = ""


@dataclass(frozen=True)
class Extras:
    """Parts of a report that do not come from the rows alone, JSON each; empty where there are none."""

    training: Mapping[str, Any] = field(default_factory=dict)
    augmented: Mapping[str, Any] = field(default_factory=dict)
    sdmetrics: Mapping[str, Any] = field(default_factory=dict)


def comparison_document(result: Comparison, source: Provenance, extras: Extras) -> dict[str, Any]:
    """Returns the JSON of a comparison. Fields about the original are null where there is none."""
    data = result.data
    refined, seed = result.sets["refined"], result.seed
    metrics = [metric for metric in METRICS if metric.name in refined.measured]
    return {
        "schema_version": SCHEMA_VERSION,
        "machine_id": source.machine,
        "comparison_timestamp": source.timestamp,
        "datasets_compared": {
            "real_data": {
                "rows": len(data.test),
                "source": source.table,
                "train_rows": len(data.train),
                "validation_rows": len(data.validation),
                "split_by": "time block" if data.same_assets else "run",
            },
            "seed_synthetic": seed and {"rows": len(seed.rows), "model": source.original_model, "source": source.seed},
            "refined_synthetic": {"rows": len(refined.rows), "model": source.refined_model, "source": source.refined},
        },
        "columns": {
            "numeric": [column.name for column in data.numeric],
            "states": [column.name for column in data.states],
            "not_compared": dict(data.excluded),
        },
        "statistical_metrics": {metric.name: _metric(result, metric.name) for metric in metrics},
        "per_sensor_metrics": {name: _sensor(result, name) for name in data.names},
        "histograms": histograms_json(result),
        "correlations": correlations_json(result),
        "gates": [gate_json(gate) for gate in result.gates],
        "recommendation": result.recommendation.advice,
        "verdict": result.recommendation.verdict,
        "reasons": list(result.recommendation.reasons),
        "worst_sensors": [
            {"sensor": finding.column, "kl_divergence": finding.kl, "finding": finding.sentence}
            for finding in result.findings[:10]
        ],
        "warnings": list(result.warnings),
        "augmented": dict(extras.augmented) or None,
        "sdmetrics": dict(extras.sdmetrics) or None,
        "training": dict(extras.training) or None,
        "definitions": {
            metric.name: {
                "title": metric.title,
                "better": metric.better,
                "definition": metric.definition,
                "noise_floor": metric.floor,
            }
            for metric in metrics
        }
        | {
            "interval": {
                "definition": f"{100 * COVERAGE:.0f} % interval from a bootstrap: real test rows in blocks of about "
                "sqrt(n) neighbours within a run, synthetic rows one by one; the same test rows for every set."
            },
            "improvement": {"definition": "100 * (1 - refined / seed) in percent, for metrics where less is better."},
            "control": {"definition": "Real training rows in place of synthetic ones: the best one can hope for."},
            "bootstrap": {"definition": "Training rows drawn with replacement: perfect margins, every row a copy."},
            "calibrated_seed": {
                "definition": "The original's rows with each column mapped by quantiles onto the real training rows."
            },
        },
        "limits": result.limits.to_json(),
        "inputs": {key: value for key, value in asdict(source).items() if key not in ("machine", "timestamp", "title")},
    }


def gate_json(gate: Gate) -> dict[str, Any]:
    """Returns a gate as JSON."""
    return asdict(gate)


def _metric(result: Comparison, name: str) -> dict[str, Any]:
    refined = result.sets["refined"].measured[name]
    gain = result.improvements.get(name, Measured(None))
    entry: dict[str, Any] = {
        "seed_vs_real": _value(result.seed, name),
        "refined_vs_real": refined.value,
        "improvement": gain.value,
        "improvement_interval": list(gain.interval),
        "refined_interval": list(refined.interval),
        "seed_interval": list(result.seed.measured[name].interval) if result.seed else [None, None],
        "noise_floor": refined.floor,
        "details": {"refined": dict(refined.details)},
    }
    if result.seed:
        entry["details"]["seed"] = dict(result.seed.measured[name].details)
    for control in ("control", "bootstrap", "calibrated_seed"):
        entry[f"{control}_vs_real"] = _value(result.sets.get(control), name)
    return entry


def _value(part: MeasuredSet | None, name: str) -> float | None:
    return part.measured[name].value if part else None


def _sensor(result: Comparison, name: str) -> dict[str, Any]:
    """Returns one column's entry. Means and standard deviations are in the column's unit, errors are absolute."""
    data = result.data
    entry: dict[str, Any] = {"unit": "", "kind": "state"}
    index = next((j for j, column in enumerate(data.numeric) if column.name == name), None)
    if index is not None:
        column = data.numeric[index]
        real = data.test.numeric[:, index]
        entry = {"unit": column.unit, "kind": "numeric", "mean_real": _mean(real), "std_real": _std(real)}
        for label, part in (("seed", result.seed), ("refined", result.sets["refined"])):
            values = part.rows.numeric[:, index] if part else np.empty(0)
            entry[f"mean_error_{label}"] = _gap(_mean(values), entry["mean_real"])
            entry[f"std_error_{label}"] = _gap(_std(values), entry["std_real"])
        entry["min_limit"], entry["max_limit"] = column.low, column.high
    for metric in METRICS:
        if metric.name in ("mean_error", "std_error") or metric.name not in result.sets["refined"].measured:
            continue
        for label, part in (
            ("seed", result.seed),
            ("refined", result.sets["refined"]),
            ("control", result.sets["control"]),
        ):
            per_column = part.measured[metric.name].per_column if part else {}
            if part is None or name in per_column:
                entry[f"{metric.name}_{label}"] = per_column.get(name)
    finding = next((finding.sentence for finding in result.findings if finding.column == name), "")
    return entry | {"finding": finding}


def _mean(values: Floats) -> float | None:
    seen = values[~np.isnan(values)]
    return float(seen.mean()) if len(seen) else None


def _std(values: Floats) -> float | None:
    seen = values[~np.isnan(values)]
    return float(seen.std()) if len(seen) else None


def _gap(value: float | None, real: float | None) -> float | None:
    return None if value is None or real is None else abs(value - real)
