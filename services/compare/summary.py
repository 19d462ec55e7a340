"""reports/all_machines_summary.csv: one row a machine, from the newest comparison of each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

COLUMNS = (
    "machine_id", "comparison_timestamp", "recommendation", "real_test_rows", "real_train_rows", "seed_rows",
    "refined_rows", "kl_divergence_seed", "kl_divergence_refined", "wasserstein_distance_seed",
    "wasserstein_distance_refined", "correlation_error_seed", "correlation_error_refined", "improvement_percent",
    "c2st_auc_refined", "dcr_share_refined", "gates_passed", "gates_failed", "gates_undecided", "worst_sensor",
    "verdict",
)  # fmt: skip
_METRICS = ("kl_divergence", "wasserstein_distance", "correlation_error")


def all_machines_summary(documents: Iterable[Mapping[str, Any]]) -> str:
    """Returns CSV text with one row a machine, sorted by id: of several comparisons of a machine the newest counts.

    `documents` are contents of comparison.json. Text that a spreadsheet would run as a formula is quoted with a '.
    """
    newest: dict[str, Mapping[str, Any]] = {}
    for document in documents:
        held = newest.get(document["machine_id"])
        if held is None or held["comparison_timestamp"] < document["comparison_timestamp"]:
            newest[document["machine_id"]] = document
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for machine in sorted(newest):
        writer.writerow({name: _cell(value) for name, value in _row(newest[machine]).items()})
    return text.getvalue()


def _row(document: Mapping[str, Any]) -> dict[str, Any]:
    sets, metrics = document["datasets_compared"], document["statistical_metrics"]
    outcomes = [gate["outcome"] for gate in document["gates"]]
    worst = document["worst_sensors"]
    row = {
        "machine_id": document["machine_id"],
        "comparison_timestamp": document["comparison_timestamp"],
        "recommendation": document["recommendation"],
        "real_test_rows": sets["real_data"]["rows"],
        "real_train_rows": sets["real_data"]["train_rows"],
        "seed_rows": sets["seed_synthetic"]["rows"] if sets["seed_synthetic"] else None,
        "refined_rows": sets["refined_synthetic"]["rows"],
        "improvement_percent": metrics["energy_distance"]["improvement"],
        "c2st_auc_refined": metrics["c2st_auc"]["refined_vs_real"],
        "dcr_share_refined": metrics["dcr_share"]["refined_vs_real"],
        "gates_passed": outcomes.count("pass"),
        "gates_failed": outcomes.count("fail"),
        "gates_undecided": outcomes.count("undecided"),
        "worst_sensor": worst[0]["sensor"] if worst else None,
        "verdict": document["verdict"],
    }
    for name in _METRICS:
        row[f"{name}_seed"] = metrics[name]["seed_vs_real"]
        row[f"{name}_refined"] = metrics[name]["refined_vs_real"]
    return row


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")):
        return f"'{value}"
    return value
